//! The profile: what a project says about de-identification, as TOML, and its compiled form.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::basic_profile::{BASIC_PROFILE_2026D, EDITION};
use crate::option::DeidentificationOption;
use crate::rule::Rules;
use crate::trial::ClinicalTrial;

/// Why a profile cannot be used. Correct the profile; none is transient.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// An option that PS3.15 defines and this version does not carry out: take it out of the profile.
    #[error("option {0:?} (DCM {code}) is not available in this version", code = .0.code())]
    OptionNotAvailable(DeidentificationOption),
    /// An edition of Table E.1-1 that is not built in: the edition in use is named.
    #[error("edition of Table E.1-1 is not available in this version: use {EDITION}")]
    EditionNotAvailable,
    /// The profile has no name or no version: give both, reports and method texts show them.
    #[error("a profile needs a name and a version of printable ASCII, 40 characters at most")]
    Unnamed,
    /// Not TOML, or a key that no profile has.
    #[error("profile cannot be read: {0}")]
    Syntax(String),
}

/// A de-identification profile: base, options, project rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name, shown in reports and in (0012,0063).
    pub name: String,
    /// Version of the profile's text.
    pub version: String,
    /// Edition of Table E.1-1.
    pub edition: String,
    /// Options of PS3.15 E.3.
    #[serde(default)]
    pub options: BTreeSet<DeidentificationOption>,
    /// Private SOP classes that may pass (DI-22); all others are refused.
    #[serde(default)]
    pub private_sop_classes: BTreeSet<String>,
    /// Project rules, first match first.
    #[serde(default)]
    pub rules: Vec<ProjectRule>,
}

/// A rule of the project beyond the profile's options. This version has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProjectRule {}

/// A profile ready for use: rules by tag, project values, identity of the profile.
#[derive(Debug, Clone)]
pub struct CompiledProfile {
    pub(crate) profile: Profile,
    pub(crate) hash: String,
    pub(crate) rules: Rules,
    pub(crate) trial: Option<ClinicalTrial>,
}

impl CompiledProfile {
    /// Name, version and edition, as the audit trail shows them.
    #[must_use]
    pub fn title(&self) -> String {
        let Profile { name, version, edition, .. } = &self.profile;
        format!("{name}, version {version}, PS3.15 {edition}")
    }
}

impl Profile {
    /// The plain Basic Application Confidentiality Profile, without options.
    pub fn basic() -> Self {
        Self {
            name: "basic".to_owned(),
            version: "1".to_owned(),
            edition: EDITION.to_owned(),
            options: BTreeSet::new(),
            private_sop_classes: BTreeSet::new(),
            rules: Vec::new(),
        }
    }

    /// Reads a profile from TOML.
    ///
    /// # Errors
    /// [`ProfileError::Syntax`].
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        toml::from_str(text).map_err(|error| ProfileError::Syntax(error.to_string()))
    }

    /// The profile as TOML: what [`Self::hash`] is about.
    ///
    /// # Errors
    /// [`ProfileError::Syntax`], which no profile made by [`Self::from_toml`] gives.
    pub fn to_toml(&self) -> Result<String, ProfileError> {
        toml::to_string(self).map_err(|error| ProfileError::Syntax(error.to_string()))
    }

    /// SHA-256 of the profile's content in hex; layout and comments of the file do not count.
    ///
    /// # Errors
    /// As [`Self::to_toml`].
    pub fn hash(&self) -> Result<String, ProfileError> {
        let digest = Sha256::digest(self.to_toml()?.as_bytes());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Checks the profile and prepares it for use. `trial` fills the Clinical Trial modules (AC2.6).
    ///
    /// # Errors
    /// Any [`ProfileError`].
    pub fn compile(&self, trial: Option<ClinicalTrial>) -> Result<CompiledProfile, ProfileError> {
        if self.edition != EDITION {
            return Err(ProfileError::EditionNotAvailable);
        }
        if let Some(option) = self.options.first() {
            return Err(ProfileError::OptionNotAvailable(*option));
        }
        let printable = |text: &str| {
            (1..=40).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'\\')
        };
        if !printable(&self.name) || !printable(&self.version) {
            return Err(ProfileError::Unnamed);
        }
        let rules = Rules::new(&BASIC_PROFILE_2026D);
        Ok(CompiledProfile { profile: self.clone(), hash: self.hash()?, rules, trial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_round_trip_and_unknown_keys() {
        let basic = Profile::basic();
        let text = basic.to_toml().unwrap();
        assert_eq!(Profile::from_toml(&text).unwrap(), basic);
        assert!(Profile::from_toml(&format!("keep_everything = true\n{text}")).is_err());
        assert!(Profile::from_toml(&text.replace("rules = []", "rules = [\"keep\"]")).is_err());
        assert_eq!(Profile::from_toml(&format!("# remark\n{text}")).unwrap().hash(), basic.hash());
    }

    #[test]
    fn what_is_not_available_is_refused() {
        let mut profile = Profile::basic();
        profile.options.insert(DeidentificationOption::RetainUids);
        let error = profile.compile(None).unwrap_err();
        assert_eq!(error.to_string(), "option RetainUids (DCM 113110) is not available in this version");
        let old = Profile { edition: "2023a".to_owned(), ..Profile::basic() };
        assert_eq!(old.compile(None).unwrap_err(), ProfileError::EditionNotAvailable);
    }
}
