//! The profile: what a project says about de-identification, as TOML, and its compiled form.

mod add;
mod advice;
mod check;
mod compile_rule;
mod explain;
mod hash;
mod private;
mod project_rule;
mod rule_fit;
pub(crate) mod rules;
mod selector;
mod shipped;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::deidentify::PseudonymSource;
use crate::label::{Forward, Label, Labels, QueryError};
use crate::option::{DeidentificationOption, OptionSet};
use crate::pixels::{Masks, PixelPolicy};
use crate::table::EDITION;
use crate::text_clean::{TextCleanError, TextCleaner, Vocabulary};
use crate::trial::ClinicalTrial;
use crate::verify::Identity;
pub use add::Add;
pub use advice::Advice;
pub use explain::{AttributeEffect, Decision, DefaultEffect, Effect, Explanation, Topic};
pub(crate) use hash::TokenKeys;
pub use hash::{Hash, Scope};
pub(crate) use private::SafePrivate;
pub use private::{PrivateElements, TrustedEquipment};
pub use project_rule::{ProjectRule, RuleAction};
pub(crate) use project_rule::{Rewritten, RuleSet};
pub(crate) use rule_fit::{SPECIFIC_CHARACTER_SET, can_hold, is_out_of_reach, is_text};
pub use rules::RuleId;
pub(crate) use rules::{RecentRules, Rule, Rules, Settings, Treatment, dictionary};
pub use shipped::SHIPPED;

/// Why a profile cannot be used. Correct the profile; none is transient.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Two options that exclude each other (DI-14): take one out.
    #[error(
        "retain_longitudinal_full_dates and retain_longitudinal_modified_dates exclude each other: take one out"
    )]
    BothDates,
    /// Faces would be removed, and the profile does not ask for it: they would leave.
    #[error(
        "faces = \"deface\" needs the option clean_recognizable_visual_features: add it, or take faces out"
    )]
    FacesNotAsked,
    /// An edition of Table E.1-1 that is not built in: the edition in use is named.
    #[error("edition of Table E.1-1 is not available in this version: use {EDITION}")]
    EditionNotAvailable,
    /// The profile has no name or no version: give both, reports and method texts show them.
    #[error("a profile needs a name and a version of printable ASCII, 40 characters at most")]
    Unnamed,
    /// Not TOML, or a key that no profile has.
    #[error("profile cannot be read: {0}")]
    Syntax(String),
    /// A rule that would keep what the table, its options or the defaults beyond it take away: choose an option instead.
    #[error(
        "rule {rule}: {selector:?} is taken away by {by}; a rule can only be stricter: choose an option that keeps it"
    )]
    BelowTheFloor {
        /// Number of the rule, counted from 1.
        rule: usize,
        /// The selector.
        selector: String,
        /// What takes it away.
        by: String,
    },
    /// A rule that cannot be carried out as it is written.
    #[error("rule {rule}: {what}")]
    Rule {
        /// Number of the rule, counted from 1.
        rule: usize,
        /// What is wrong, and what to write.
        what: String,
    },
    /// A list of private elements that cannot be used.
    #[error("private elements of {creator:?}: {what}")]
    Private {
        /// The creator.
        creator: String,
        /// What is wrong, and what to write.
        what: &'static str,
    },
    /// A pixel mask that cannot be laid on an image.
    #[error("pixel mask {mask}: {what}")]
    Mask {
        /// Number of the mask, counted from 1.
        mask: usize,
        /// What is wrong, and what to write.
        what: String,
    },
    /// The name of a label or category that is empty, longer than 40 characters, taken, `ALL`, or has blanks: choose another.
    #[error("label {0:?}: a name is 1 to 40 characters without blanks, not \"ALL\", and used once")]
    Label(String),
    /// The query of a label that cannot be understood.
    #[error("label {label:?}: {error}")]
    Query {
        /// The label.
        label: String,
        /// Where, and what is expected there.
        error: QueryError,
    },
    /// A label or category that a rule, a category or `[forward]` names and that is not there: add it, or correct the name.
    #[error("no label or category {0:?}")]
    NoSuchLabel(String),
    /// More of something than a profile can have.
    #[error("too many {0}: shorten the profile")]
    TooMany(&'static str),
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
    /// What it is for, in one sentence; shown by `profile list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Whether what leaves is meant to satisfy 45 CFR 164.514(b)(2), safe harbour. It changes nothing: what contradicts it is named by
    /// [`CompiledProfile::advice`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub safe_harbour: bool,
    /// Options of PS3.15 E.3.
    #[serde(default)]
    pub options: BTreeSet<DeidentificationOption>,
    /// Whether ages over 89 years that stay (Retain Patient Characteristics) are written as 90 (45 CFR 164.514(b)(2)(i)(C)).
    #[serde(default, skip_serializing_if = "is_false")]
    pub pool_ages_over_89: bool,
    /// Private SOP classes that may pass (DI-22); all others are refused.
    #[serde(default)]
    pub private_sop_classes: BTreeSet<String>,
    /// Words of this site that are harmless in descriptors, beside the built-in vocabulary.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub words: BTreeSet<String>,
    /// Private elements that the site holds safe beside Table E.3.10-1 (with Retain Safe Private).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub private_elements: Vec<PrivateElements>,
    /// Equipment whose Private Data Element Characteristics (0008,0300) are believed (DI-45).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_equipment: Vec<TrustedEquipment>,
    /// What is done with pixels (with Clean Pixel Data).
    #[serde(default, skip_serializing_if = "is_default")]
    pub pixels: PixelPolicy,
    /// What a server does with encapsulated documents (AC2.8); offline they are left out, or leave as dummies where
    /// that is accepted.
    #[serde(default, skip_serializing_if = "is_hold")]
    pub documents: DocumentPolicy,
    /// What a server does with images that may show a face (with Clean Recognizable Visual Features); offline they are left out.
    #[serde(default, skip_serializing_if = "is_held")]
    pub faces: FacePolicy,
    /// Names for the objects that a query holds for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// Sets of labels, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, BTreeSet<String>>,
    /// Which objects go on; without it all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<Forward>,
    /// Project rules, first match first.
    #[serde(default)]
    pub rules: Vec<ProjectRule>,
}

/// One sentence in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_default(policy: &PixelPolicy) -> bool {
    *policy == PixelPolicy::default()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_hold(policy: &DocumentPolicy) -> bool {
    *policy == DocumentPolicy::Hold
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_held(policy: &FacePolicy) -> bool {
    *policy == FacePolicy::Hold
}

/// What happens to encapsulated documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentPolicy {
    /// They wait for a person.
    #[default]
    Hold,
    /// They leave with a valid, empty body.
    Dummy,
    /// With Clean Pixel Data. PDF: its pages are read like pixels at risk; where no text counts they leave, as images. CDA: it is made anew
    /// without the text that counts. Others wait for a person.
    Inspect,
}

/// What happens to images that may show a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FacePolicy {
    /// They pass: the profile does not ask for Clean Recognizable Visual Features.
    #[serde(skip)]
    Pass,
    /// They wait for a person.
    #[default]
    Hold,
    /// The defacing program of the site takes the face out, series by series; what it cannot do waits for a person.
    Deface,
}

/// A profile ready for use: rules by tag, project values, identity of the profile.
#[derive(Debug, Clone)]
pub struct CompiledProfile {
    pub(crate) profile: Profile,
    pub(crate) hash: String,
    pub(crate) rules: Rules,
    pub(crate) project_rules: RuleSet,
    pub(crate) private: SafePrivate,
    pub(crate) trial: Option<ClinicalTrial>,
    pub(crate) masks: Masks,
    pub(crate) labels: Labels,
    vocabulary: Vocabulary,
}

impl CompiledProfile {
    /// Name, version and edition, as the audit trail shows them.
    #[must_use]
    pub fn title(&self) -> String {
        let Profile { name, version, edition, .. } = &self.profile;
        format!("{name}, version {version}, PS3.15 {edition}")
    }

    /// Content hash of the profile: SHA-256 in hex.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The profile that was compiled.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The SOP Instance UID that an object gets.
    pub fn instance_uid(&self, source: &dyn PseudonymSource, original: &str) -> String {
        if self.options().has(DeidentificationOption::RetainUids) {
            original.to_owned()
        } else {
            source.uid(original)
        }
    }

    /// A cleaner of text for the objects of one patient and study.
    ///
    /// # Errors
    /// [`TextCleanError::TooManyTerms`]: quarantine.
    pub fn cleaner(&self, identity: &Identity) -> Result<TextCleaner<'_>, TextCleanError> {
        let cleaner = TextCleaner::new(identity, &self.vocabulary)?;
        let keeps = self.options().has(DeidentificationOption::RetainLongitudinalFullDates);
        Ok(if keeps { cleaner } else { cleaner.with_dates(identity.study_dates.iter().copied()) })
    }

    /// What happens to images that may show a face (PS3.15 E.3.2).
    #[must_use]
    pub fn faces(&self) -> FacePolicy {
        match self.options().has(DeidentificationOption::CleanRecognizableVisualFeatures) {
            true => self.profile.faces,
            false => FacePolicy::Pass,
        }
    }

    /// Texts that its rules write: they are the project's own, whoever bears the same name.
    pub fn texts_of_rules(&self) -> impl Iterator<Item = &str> {
        self.profile.rules.iter().flat_map(|rule| match &rule.action {
            RuleAction::Replace(text) => vec![text.as_str()],
            RuleAction::Map(table) => table.values().map(String::as_str).collect(),
            RuleAction::Add(add) => vec![add.value.as_str()],
            _ => Vec::new(),
        })
    }

    /// Whether dates leave moved by the participant's shift.
    #[must_use]
    pub fn shifts_dates(&self) -> bool {
        self.options().has(DeidentificationOption::RetainLongitudinalModifiedDates)
            || self.profile.rules.iter().any(|rule| rule.action == RuleAction::Shift)
    }

    /// Its options.
    #[must_use]
    pub fn options(&self) -> OptionSet {
        self.rules.settings.options
    }
}

impl Profile {
    /// The plain Basic Application Confidentiality Profile, without options.
    pub fn basic() -> Self {
        Self {
            name: "basic".to_owned(),
            version: "1".to_owned(),
            edition: EDITION.to_owned(),
            summary: None,
            safe_harbour: false,
            options: BTreeSet::new(),
            pool_ages_over_89: false,
            private_sop_classes: BTreeSet::new(),
            words: BTreeSet::new(),
            private_elements: Vec::new(),
            trusted_equipment: Vec::new(),
            pixels: PixelPolicy::default(),
            documents: DocumentPolicy::Hold,
            faces: FacePolicy::Hold,
            labels: Vec::new(),
            categories: BTreeMap::new(),
            forward: None,
            rules: Vec::new(),
        }
    }

    /// The profile of this name that comes with the program ([`SHIPPED`]).
    #[must_use]
    pub fn shipped(name: &str) -> Option<Self> {
        let (_, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
        Self::from_toml(text).ok()
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
        if let Some(problem) = self.problems_of_settings().into_iter().next() {
            return Err(problem);
        }
        let rules = Rules::new(self.settings());
        Ok(CompiledProfile {
            hash: self.hash()?,
            project_rules: RuleSet::new(&self.rules, &rules)?,
            private: SafePrivate::new(self, rules.settings.options)?,
            rules,
            labels: Labels::new(self)?,
            trial,
            masks: Masks::new(&self.pixels).map_err(|(mask, what)| ProfileError::Mask { mask, what })?,
            vocabulary: Vocabulary::builtin().with_words(self.words.iter().map(String::as_str)),
            profile: self.clone(),
        })
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
    fn what_cannot_hold_is_refused() {
        let mut profile = Profile::basic();
        profile.options.insert(DeidentificationOption::RetainLongitudinalFullDates);
        assert!(profile.compile(None).is_ok());
        profile.options.insert(DeidentificationOption::RetainLongitudinalModifiedDates);
        assert_eq!(profile.compile(None).unwrap_err(), ProfileError::BothDates);
        let old = Profile { edition: "2023a".to_owned(), ..Profile::basic() };
        assert_eq!(old.compile(None).unwrap_err(), ProfileError::EditionNotAvailable);
        let deface = Profile { faces: FacePolicy::Deface, ..Profile::basic() };
        assert_eq!(deface.compile(None).unwrap_err(), ProfileError::FacesNotAsked);
    }
}
