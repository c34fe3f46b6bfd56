//! What in a profile can be used as it stands but is most likely not meant.

use thiserror::Error;

use super::{CompiledProfile, DocumentPolicy, is_default};
use crate::option::DeidentificationOption as O;

/// Something that the author of a profile should look at. None stops it from being used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Advice {
    /// `deidentification` §5, conflict 3: safe harbour takes away what the option keeps.
    #[error("safe_harbour and {0} contradict each other (45 CFR 164.514(b)(2)(i)): take the option out")]
    AgainstSafeHarbour(&'static str),
    /// Safe harbour wants ages over 89 pooled.
    #[error(
        "safe_harbour and retain_patient_characteristics: ages over 89 stay as they are; set pool_ages_over_89 = true"
    )]
    AgesNotPooled,
    /// A setting that acts only with an option that is not chosen.
    #[error("{setting} never acts: it needs the option {option}")]
    NeverActs {
        /// Key of the profile.
        setting: &'static str,
        /// Option, or options, one of which it needs.
        option: &'static str,
    },
    /// A rule that an earlier one hides: it never acts.
    #[error("rule {rule} never acts: rule {by} takes the same attributes before it")]
    Hidden {
        /// Counted from 1.
        rule: u16,
        /// Counted from 1.
        by: u16,
    },
    /// No masks: everything at risk depends on a recogniser.
    #[error(
        "clean_pixel_data without masks: where no text recogniser is installed, all images at risk are held"
    )]
    OnlyRecogniser,
}

impl CompiledProfile {
    /// What its author should look at. [`Advice::OnlyRecogniser`] is of interest only where none is installed.
    #[must_use]
    pub fn advice(&self) -> Vec<Advice> {
        let mut advice = Vec::new();
        let (profile, has) = (&self.profile, |option| self.options().has(option));
        if profile.safe_harbour {
            let kept = [
                O::RetainLongitudinalFullDates,
                O::RetainDeviceIdentity,
                O::RetainUids,
                O::RetainInstitutionIdentity,
            ];
            let against = kept.into_iter().filter(|option| has(*option));
            advice.extend(against.map(|option| Advice::AgainstSafeHarbour(option.word())));
            if has(O::RetainPatientCharacteristics) && !profile.pool_ages_over_89 {
                advice.push(Advice::AgesNotPooled);
            }
        }
        let cleans_text = [
            O::CleanDescriptors,
            O::CleanGraphics,
            O::CleanStructuredContent,
            O::CleanPixelData,
            O::RetainPatientCharacteristics,
        ];
        for (setting, is_set, needs, option) in [
            (
                "pool_ages_over_89",
                profile.pool_ages_over_89,
                &[O::RetainPatientCharacteristics][..],
                "retain_patient_characteristics",
            ),
            ("words", !profile.words.is_empty(), &cleans_text, "clean_descriptors"),
            ("pixels", !is_default(&profile.pixels), &[O::CleanPixelData], "clean_pixel_data"),
            (
                "documents",
                profile.documents == DocumentPolicy::Inspect,
                &[O::CleanPixelData],
                "clean_pixel_data",
            ),
        ] {
            if is_set && !needs.iter().any(|option| has(*option)) {
                advice.push(Advice::NeverActs { setting, option });
            }
        }
        let hidden = self.project_rules.hidden().into_iter();
        advice.extend(hidden.map(|(rule, by)| Advice::Hidden { rule, by }));
        if has(O::CleanPixelData) && profile.pixels.masks.is_empty() {
            advice.push(Advice::OnlyRecogniser);
        }
        advice
    }
}
