//! Labels: names for the objects that a query holds for; which of them go on, and which rules are about them.

mod collected;
mod query;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use dicom_core::Tag;
use serde::{Deserialize, Serialize};

pub(crate) use collected::Collected;
use query::Query;
pub use query::QueryError;

use crate::profile::{CompiledProfile, Profile, ProfileError};
use crate::survey::Survey;

/// The label that every object has.
pub(crate) const ALL: &str = "ALL";

/// A name for the objects that a query holds for. The query is asked of the original, before anything is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// The query: tests `Attribute Operator Value`, joined by AND and OR.
    pub when: String,
}

/// Which objects go on: one with a label of these, and none of `except`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forward {
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Categories: all their labels.
    pub categories: BTreeSet<String>,
    /// Labels and categories that hold an object back whatever else it has.
    pub except: BTreeSet<String>,
}

/// The labels of a profile, compiled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels {
    queries: Vec<(String, Query)>,
    /// Every attribute that is asked about and every sequence on the way to it.
    paths: HashSet<Vec<Tag>>,
    /// Their last tags: most elements are none of them.
    tags: HashSet<Tag>,
    /// Labels of which one is needed; `None`: everything goes on.
    wanted: Option<BTreeSet<String>>,
    except: BTreeSet<String>,
}

impl Labels {
    /// # Errors
    /// [`ProfileError::Label`], [`ProfileError::Query`], [`ProfileError::NoSuchLabel`].
    pub(crate) fn new(profile: &Profile) -> Result<Self, ProfileError> {
        let mut labels = Self::default();
        for label in &profile.labels {
            let is_name = (1..=40).contains(&label.name.len())
                && label.name.bytes().all(|byte| byte.is_ascii_graphic())
                && label.name != ALL
                && !labels.has(&label.name);
            if !is_name {
                return Err(ProfileError::Label(label.name.clone()));
            }
            let query = Query::parse(&label.when)
                .map_err(|error| ProfileError::Query { label: label.name.clone(), error })?;
            for path in query.paths() {
                labels.tags.extend(path);
                labels.paths.extend((1..=path.len()).filter_map(|length| Some(path.get(..length)?.to_vec())));
            }
            labels.queries.push((label.name.clone(), query));
        }
        let categories = &profile.categories;
        for (category, of) in categories {
            if labels.knows(category) {
                return Err(ProfileError::Label(category.clone()));
            }
            labels.need(of)?;
        }
        for rule in &profile.rules {
            labels.need(&rule.labels)?;
            labels.need(&rule.except_labels)?;
        }
        if let Some(forward) = &profile.forward {
            let mut wanted = labels.resolved(&forward.labels, &BTreeMap::new())?;
            for category in &forward.categories {
                let of = categories.get(category);
                wanted.extend(of.ok_or_else(|| ProfileError::NoSuchLabel(category.clone()))?.iter().cloned());
            }
            labels.except = labels.resolved(&forward.except, categories)?;
            labels.wanted = Some(wanted);
        }
        Ok(labels)
    }

    /// What is wrong with each query by itself, else with the rest.
    pub(crate) fn problems(profile: &Profile) -> Vec<ProfileError> {
        let query = |label: &Label| {
            let error = Query::parse(&label.when).err()?;
            Some(ProfileError::Query { label: label.name.clone(), error })
        };
        let queries: Vec<_> = profile.labels.iter().filter_map(query).collect();
        if queries.is_empty() { Self::new(profile).err().into_iter().collect() } else { queries }
    }

    fn has(&self, name: &str) -> bool {
        self.queries.iter().any(|(known, _)| known == name)
    }

    fn knows(&self, name: &str) -> bool {
        name == ALL || self.has(name)
    }

    fn need(&self, names: &BTreeSet<String>) -> Result<(), ProfileError> {
        match names.iter().find(|name| !self.knows(name)) {
            Some(name) => Err(ProfileError::NoSuchLabel(name.clone())),
            None => Ok(()),
        }
    }

    /// Labels, with those of the categories among the names.
    fn resolved(
        &self,
        names: &BTreeSet<String>,
        categories: &BTreeMap<String, BTreeSet<String>>,
    ) -> Result<BTreeSet<String>, ProfileError> {
        let mut labels = BTreeSet::new();
        for name in names {
            match categories.get(name) {
                Some(of) => labels.extend(of.iter().cloned()),
                None if self.knows(name) => {
                    labels.insert(name.clone());
                }
                None => return Err(ProfileError::NoSuchLabel(name.clone())),
            }
        }
        Ok(labels)
    }

    /// Why an object with these labels does not go on; `None` when it does.
    fn held(&self, labels: &BTreeSet<String>) -> Option<String> {
        if labels.is_empty() {
            let go_on = self.queries.is_empty() && self.wanted.is_none();
            return (!go_on).then(|| "the labels of the profile cannot be told".to_owned());
        }
        if let Some(label) = self.except.intersection(labels).next() {
            return Some(format!("label {label:?} of the profile holds it"));
        }
        let is_wanted = self.wanted.as_ref().is_none_or(|wanted| !wanted.is_disjoint(labels));
        (!is_wanted).then(|| "no label of the profile lets it go on".to_owned())
    }
}

impl CompiledProfile {
    /// Why the labels of an object do not let it go on, as words for a person; `None` when they do. Where they cannot be told, they do not.
    #[must_use]
    pub fn held_by_labels(&self, survey: &Survey) -> Option<String> {
        self.labels.held(survey.labels())
    }
}
