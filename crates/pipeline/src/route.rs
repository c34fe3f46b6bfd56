//! Which project an incoming instance belongs to (DEC-B): called title, then calling title, then query rules on the data set. The first
//! level with exactly one match decides; several matches, or none anywhere, are a person's business.

use std::sync::Arc;

use dicom_stream::Tag;

use crate::config::{NodeConfig, ProjectConfig, QueryRule};

/// Why an instance has no project: it is kept, and quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoute {
    /// No level names a project.
    None,
    /// One level names several.
    Ambiguous,
}

/// The routing table of a site.
#[derive(Debug)]
pub struct Routes {
    projects: Vec<ProjectRoutes>,
    attributes: Arc<[Tag]>,
}

#[derive(Debug)]
struct ProjectRoutes {
    config: ProjectConfig,
    rules: Vec<(Tag, QueryRule)>,
}

impl Routes {
    /// Compiles the rules of `projects`.
    ///
    /// # Errors
    /// The keyword that PS3.6 does not know.
    pub fn new(projects: &[ProjectConfig]) -> Result<Self, String> {
        let mut compiled = Vec::with_capacity(projects.len());
        let mut attributes = Vec::new();
        for config in projects {
            let mut rules = Vec::with_capacity(config.query_rules.len());
            for rule in &config.query_rules {
                let tag = tag_of_keyword(&rule.attribute).ok_or_else(|| rule.attribute.clone())?;
                rules.push((tag, rule.clone()));
                if !attributes.contains(&tag) {
                    attributes.push(tag);
                }
            }
            compiled.push(ProjectRoutes { config: config.clone(), rules });
        }
        Ok(Self { projects: compiled, attributes: attributes.into() })
    }

    /// Attributes whose values the query rules look at.
    pub fn attributes(&self) -> Arc<[Tag]> {
        Arc::clone(&self.attributes)
    }

    /// Whether `called` is the title of a project.
    pub fn knows_called_title(&self, called: &str) -> bool {
        self.projects.iter().any(|project| names(&project.config.called_ae_titles, called))
    }

    /// The project of an instance that came from `calling` to `called` with these attributes.
    ///
    /// # Errors
    /// [`NoRoute`]: quarantine the instance.
    pub fn project(
        &self,
        called: &str,
        calling: &str,
        attributes: &[(Tag, String)],
    ) -> Result<&ProjectConfig, NoRoute> {
        match self.project_of_titles(called, calling) {
            Err(NoRoute::None) => {}
            decided => return decided,
        }
        self.only(|project| !project.rules.is_empty() && project.matches(attributes))
    }

    /// As [`Self::project`], of an instance whose attributes are not at hand: the query rules decide nothing.
    ///
    /// # Errors
    /// [`NoRoute`]: it stays in quarantine.
    pub fn project_of_titles(&self, called: &str, calling: &str) -> Result<&ProjectConfig, NoRoute> {
        match self.only(|project| names(&project.config.called_ae_titles, called)) {
            Err(NoRoute::None) => self.only(|project| names(&project.config.calling_ae_titles, calling)),
            decided => decided,
        }
    }

    fn only(&self, level: impl Fn(&ProjectRoutes) -> bool) -> Result<&ProjectConfig, NoRoute> {
        let mut matches = self.projects.iter().filter(|project| level(project));
        match (matches.next(), matches.next()) {
            (Some(project), None) => Ok(&project.config),
            (Some(_), Some(_)) => Err(NoRoute::Ambiguous),
            (None, _) => Err(NoRoute::None),
        }
    }
}

impl ProjectRoutes {
    fn matches(&self, attributes: &[(Tag, String)]) -> bool {
        self.rules.iter().all(|(tag, rule)| {
            let value = attributes.iter().find(|(of, _)| of == tag).map_or("", |(_, value)| value.as_str());
            let first = value.split('\\').next().unwrap_or_default();
            rule.values.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => first.starts_with(prefix),
                None => first == pattern,
            })
        })
    }
}

fn names(titles: &[dicom_node::AeTitle], title: &str) -> bool {
    titles.iter().any(|own| own.as_str() == title)
}

fn tag_of_keyword(keyword: &str) -> Option<Tag> {
    use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
    dicom_dictionary_std::StandardDataDictionary.by_name(keyword).map(|entry| entry.tag())
}

/// Domain of the Patient ID (DEC-Q): that of the node, unless the object's issuer is a configured alias of another.
pub fn assigning_authority<'a>(node: &'a NodeConfig, issuer_of_patient_id: &str) -> &'a str {
    let alias = node.issuer_aliases.iter().find(|alias| alias.issuer == issuer_of_patient_id);
    alias.map_or(node.assigning_authority.as_str(), |alias| alias.assigning_authority.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(id: &str, called: &[&str], calling: &[&str], rules: &[(&str, &[&str])]) -> ProjectConfig {
        let title = |title: &&str| dicom_node::AeTitle::new(title).unwrap();
        ProjectConfig {
            id: id.to_owned(),
            called_ae_titles: called.iter().map(title).collect(),
            calling_ae_titles: calling.iter().map(title).collect(),
            sources_free_of_identity: Vec::new(),
            query_rules: rules
                .iter()
                .map(|(attribute, values)| QueryRule {
                    attribute: (*attribute).to_owned(),
                    values: values.iter().map(|value| (*value).to_owned()).collect(),
                })
                .collect(),
            mode: crate::config::ProjectMode::ReceiveOnly,
            stable_after_seconds: 60,
            retention_hours: 1,
            profile: None,
            review_percent: Default::default(),
            codes: crate::config::CodeOrigin::default(),
            code_prefix: String::new(),
            export_mode: crate::config::ExportMode::Stable,
            partners: Vec::new(),
            linkage: None,
            acknowledgements: Vec::new(),
            dossier: None,
            clinical_trial: None,
            results: None,
        }
    }

    fn modality(value: &str) -> Vec<(Tag, String)> {
        vec![(Tag(0x0008, 0x0060), value.to_owned())]
    }

    #[test]
    fn the_first_level_with_one_match_wins() {
        let routes = Routes::new(&[
            project("a", &["A"], &[], &[]),
            project("b", &["B"], &["CT1"], &[("Modality", &["MR"])]),
            project("c", &[], &["CT2"], &[("Modality", &["MR"])]),
            project("d", &[], &[], &[("Modality", &["C*"]), ("BodyPartExamined", &["HEAD"])]),
        ])
        .unwrap();
        let id = |called, calling, attributes: &[(Tag, String)]| {
            routes.project(called, calling, attributes).map(|project| project.id.as_str())
        };
        assert_eq!(id("A", "CT1", &modality("MR")), Ok("a"));
        assert_eq!(id("RPACS", "CT1", &modality("CT")), Ok("b"));
        assert_eq!(id("RPACS", "X", &modality("MR")), Err(NoRoute::Ambiguous));
        assert_eq!(id("RPACS", "X", &modality("CT")), Err(NoRoute::None));
        let head = [modality("CR"), vec![(Tag(0x0018, 0x0015), "HEAD".to_owned())]].concat();
        assert_eq!(id("RPACS", "X", &head), Ok("d"));
    }

    #[test]
    fn several_matches_at_a_level_are_ambiguous_even_if_a_later_level_has_one() {
        let routes =
            Routes::new(&[project("a", &["A"], &[], &[]), project("b", &["A"], &["CT1"], &[])]).unwrap();
        assert_eq!(
            routes.project("A", "CT1", &[]).map(|project| project.id.as_str()),
            Err(NoRoute::Ambiguous)
        );
    }

    #[test]
    fn titles_alone_never_answer_what_a_rule_left_open() {
        let routes = Routes::new(&[
            project("a", &["A"], &[], &[("Modality", &["*"])]),
            project("b", &[], &["CT1"], &[("Modality", &["CT"])]),
        ])
        .unwrap();
        let id =
            |called, calling| routes.project_of_titles(called, calling).map(|project| project.id.as_str());
        assert_eq!(id("RPACS", "X"), Err(NoRoute::None));
        assert_eq!(id("A", "X"), Ok("a"));
        assert_eq!(id("RPACS", "CT1"), Ok("b"));
    }

    #[test]
    fn an_unknown_keyword_is_named() {
        let error = Routes::new(&[project("a", &[], &[], &[("Modalty", &["CT"])])]).unwrap_err();
        assert_eq!(error, "Modalty");
    }
}
