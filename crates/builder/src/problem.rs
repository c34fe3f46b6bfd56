//! Checks that no single value can fail: references between the parts of the document.

use std::collections::BTreeSet;
use std::fmt;

use pipeline::config::{Acknowledgement, ProjectConfig, ProjectMode, SourceClass};
use pseudonym::Linkage;
use register::Mode;

use crate::site::Site;

/// Something in the configuration that the server refuses to start with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Key or table, as in the document.
    pub place: String,
    /// What is wrong, and what to do.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

impl Site {
    /// Everything that is inconsistent; empty when the server can start.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut say = |place: String, text: String| problems.push(Problem { place, text });
        let (mut titles, mut names) = (BTreeSet::new(), BTreeSet::new());
        for node in &self.nodes {
            let place = format!("node {:?}", node.name);
            if node.name.is_empty() || node.name.len() > 64 {
                say(place.clone(), "a name has 1 to 64 characters".to_owned());
            }
            if !names.insert(node.name.as_str()) {
                say(place.clone(), "the name is declared twice".to_owned());
            }
            if !node.addresses.is_empty() && !titles.insert(node.ae_title.clone()) {
                say(place.clone(), format!("calling title {} is declared twice", node.ae_title));
            }
            if node.host.is_some() != node.port.is_some() {
                say(place.clone(), "host and port belong together".to_owned());
            }
            let fingerprint = node.certificate_sha256.as_deref();
            if fingerprint
                .is_some_and(|hex| hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
            {
                say(place, "certificate_sha256 has 64 hex digits".to_owned());
            }
        }
        let mut partners = BTreeSet::new();
        for partner in &self.partners {
            if !partners.insert(partner.id.as_str()) {
                say(format!("partner {:?}", partner.id), "the id is declared twice".to_owned());
            }
            if let Err(path) = pipeline::config::text_rules(&partner.results) {
                say(
                    format!("partner {:?}", partner.id),
                    format!("results.text_rules: {path:?} is no path, or replaces nothing"),
                );
            }
        }
        let mut ids = BTreeSet::new();
        let mut called = BTreeSet::new();
        for project in &self.projects {
            let place = format!("project {:?}", project.id);
            // Two projects may share a called title when their senders differ.
            for title in project
                .called_ae_titles
                .iter()
                .filter(|_| project.calling_ae_titles.is_empty() && project.query_rules.is_empty())
            {
                if !called.insert(title.clone()) {
                    let text = format!(
                        "called title {title} is another project's too, and neither names its senders: all would wait as no-route"
                    );
                    say(place.clone(), text);
                }
            }
            if project.mode == ProjectMode::Pseudonymise && self.vault.key.is_none() {
                say(place.clone(), "mode \"pseudonymise\" needs [vault] key".to_owned());
            }
            if project.results.as_ref().is_some_and(|results| results.poll_seconds == 0) {
                say(place.clone(), "results.poll_seconds is at least 1".to_owned());
            }
            let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if project.id.is_empty() || project.id.len() > 32 || !project.id.bytes().all(legal) {
                say(place.clone(), "an id has 1 to 32 of a–z, 0–9 and -".to_owned());
            }
            for partner in &project.partners {
                if !self.partners.iter().any(|declared| declared.id == *partner) {
                    say(place.clone(), format!("partner {partner:?} is not declared"));
                }
                let allowed =
                    project.dossier.as_ref().is_some_and(|dossier| dossier.recipients.contains(partner));
                if !allowed {
                    say(place.clone(), format!("partner {partner:?} is no recipient of the dossier"));
                }
            }
            if project.linkage() == Linkage::Project
                && has_several_partners(project)
                && !accepts(project, "C33")
            {
                let text = "several partners share code, UIDs and date shift, and can join their sets (C33): take linkage away, or add a \
                            [[project.acknowledgement]] with check = \"C33\", name, date and reason";
                say(place.clone(), text.to_owned());
            }
            let mode = match project.mode {
                ProjectMode::ReceiveOnly => None,
                ProjectMode::Pseudonymise => Some(Mode::Pseudonymise),
                ProjectMode::Anonymise => Some(Mode::Anonymise),
            };
            if mode.is_some() && project.dossier.as_ref().is_none_or(|dossier| Some(dossier.mode) != mode) {
                say(place.clone(), "dossier.mode is not the mode of the project".to_owned());
            }
            if project.mode == ProjectMode::Anonymise && project.results.is_some() {
                say(place.clone(), "results cannot come back in mode \"anonymise\"".to_owned());
            }
            for source in &project.sources_free_of_identity {
                let is_of_class = |class| class == SourceClass::AlreadyDeidentified;
                let mut nodes = self.nodes.iter().filter(|node| is_of_class(node.source_class));
                let mut imports = self.imports.iter().filter(|import| is_of_class(import.source_class));
                let is_known = nodes.any(|node| node.ae_title.as_str() == source)
                    || imports.any(|import| import.name == *source);
                if !is_known {
                    let class = "source_class = \"already-deidentified\"";
                    say(place.clone(), format!("sources_free_of_identity: {source:?} has not {class}"));
                }
            }
            let back = project.results.as_ref().map(|results| results.return_to.as_str());
            let can_take =
                |name: &str| self.nodes.iter().any(|node| node.name == name && node.host.is_some());
            if let Some(name) = back.filter(|name| !can_take(name)) {
                say(place.clone(), format!("return_to: no node {name:?} with host and port is declared"));
            }
            if !ids.insert(project.id.as_str()) {
                say(place, "the id is declared twice".to_owned());
            }
        }
        for import in &self.imports {
            if !ids.contains(import.project.as_str()) {
                let text = format!("project {:?} is not declared", import.project);
                say(format!("import {:?}", import.name), text);
            }
        }
        problems
    }
}

fn has_several_partners(project: &ProjectConfig) -> bool {
    project.partners.iter().collect::<BTreeSet<_>>().len() > 1
}

/// Whether a named person has accepted what a check warns of (ACB2).
fn accepts(project: &ProjectConfig, check: &str) -> bool {
    let is_whole = |of: &&Acknowledgement| {
        let is_day = of.date.len() == 10 && of.date.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-'));
        is_day && !of.name.trim().is_empty() && !of.reason.trim().is_empty()
    };
    project.acknowledgements.iter().filter(is_whole).any(|of| of.check == check)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(document: &str) -> Vec<String> {
        Site::parse(document, []).unwrap().problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn references_and_doubles_are_found() {
        let found = problems(
            "[[node]]\nname = \"a\"\nae_title = \"A\"\naddresses = [\"10.0.0.0/8\"]\nhost = \"h\"\n\
             [[node]]\nname = \"b\"\nae_title = \"A\"\naddresses = [\"10.0.0.0/8\"]\ncertificate_sha256 = \"zz\"\n\
             [[project]]\nid = \"P\"\nmode = \"receive-only\"\n\
             [project.results]\nreturn_to = \"b\"\n\
             [[import]]\nname = \"drop\"\nfolder = \"/tmp\"\nproject = \"q\"\n",
        );
        assert_eq!(
            found,
            [
                "node \"a\": host and port belong together",
                "node \"b\": calling title A is declared twice",
                "node \"b\": certificate_sha256 has 64 hex digits",
                "project \"P\": an id has 1 to 32 of a–z, 0–9 and -",
                "project \"P\": return_to: no node \"b\" with host and port is declared",
                "import \"drop\": project \"q\" is not declared",
            ]
        );
    }
    #[test]
    fn a_rule_for_text_names_a_path_and_what_it_replaces() {
        let rule = |path: &str, replaces: &str| {
            problems(&format!(
                "[[partner]]\nid = \"p\"\n[partner.transport.folder]\npath = \"/tmp\"\n\
                 [[partner.results.text_rules]]\npath = \"{path}\"\nreplaces = [{replaces}]\n"
            ))
        };
        assert!(rule("*/(0040,A160)", "\"uid\", \"code\"").is_empty());
        let said = "partner \"p\": results.text_rules: \"0040A160\" is no path, or replaces nothing";
        assert_eq!(rule("0040A160", "\"uid\""), [said]);
        assert_eq!(rule("(0040,A160)", "").len(), 1);
    }

    #[test]
    fn what_would_wait_for_ever_is_found() {
        let project = |id: &str, more: &str| {
            format!("[[project]]\nid = \"{id}\"\ncalled_ae_titles = [\"R\"]\nmode = \"receive-only\"\n{more}")
        };
        let found = problems(&[project("a", ""), project("b", "")].concat());
        assert!(found.len() == 1 && found[0].contains("called title R"), "{found:?}");
        let apart = [project("a", ""), project("b", "calling_ae_titles = [\"M\"]\n")].concat();
        assert!(problems(&apart).is_empty());
        let dossier = "[project.dossier]\nstate = \"active\"\nversion = 1\nvalid_until = \"2099-12-31\"\nmode = \"pseudonymise\"\n";
        let found = problems(&format!("[[project]]\nid = \"p\"\nmode = \"pseudonymise\"\n{dossier}"));
        assert_eq!(found, ["project \"p\": mode \"pseudonymise\" needs [vault] key"]);
    }

    #[test]
    fn of_two_nodes_or_partners_with_one_name_neither_is_guessed() {
        let node = "[[node]]\nname = \"a\"\nae_title = \"A\"\n";
        let partner = "[[partner]]\nid = \"p\"\n[partner.transport.folder]\npath = \"/tmp\"\n";
        let found = problems(&[node, node, partner, partner].concat());
        assert_eq!(
            found,
            ["node \"a\": the name is declared twice", "partner \"p\": the id is declared twice"]
        );
    }

    #[test]
    fn several_partners_of_one_linkage_need_somebody_who_accepts_it() {
        let document = |keys: &str| {
            let partner =
                |id| format!("[[partner]]\nid = \"{id}\"\n[partner.transport.folder]\npath = \"/tmp\"\n");
            [
                "[vault]\nkey = { file = \"/k\" }\n".to_owned(),
                partner("a"),
                partner("b"),
                "[[project]]\nid = \"p\"\nmode = \"pseudonymise\"\npartners = [\"a\", \"b\"]\n".to_owned(),
                keys.to_owned(),
                "[project.dossier]\nstate = \"active\"\nversion = 1\nvalid_until = \"2099-12-31\"\nmode = \"pseudonymise\"\n\
                 recipients = [\"a\", \"b\"]\n"
                    .to_owned(),
            ]
            .concat()
        };
        assert!(problems(&document("")).is_empty(), "each has its own");
        assert!(problems(&document("linkage = \"partner\"\n")).is_empty());
        let acknowledged = |name: &str, date: &str| {
            let keys = "linkage = \"project\"\n[[project.acknowledgement]]\ncheck = \"C33\"\nreason = \"one consortium\"\n";
            problems(&document(&format!("{keys}name = \"{name}\"\ndate = \"{date}\"\n")))
        };
        assert!(acknowledged("Dr Grey", "2026-11-20").is_empty());
        for found in [
            problems(&document("linkage = \"project\"\n")),
            acknowledged(" ", "2026-11-20"),
            acknowledged("Dr Grey", "soon"),
        ] {
            assert!(found.len() == 1 && found[0].contains("C33"), "{found:?}");
        }
    }
}
