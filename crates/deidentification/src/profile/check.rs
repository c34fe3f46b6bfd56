//! Everything that is wrong with a profile, not the first thing only.

use super::{FacePolicy, Profile, ProfileError, ProjectRule, RuleSet, Rules, Settings};
use crate::label::{ALL, Labels};
use crate::option::{DeidentificationOption, OptionSet};
use crate::pixels::{Masks, PixelPolicy};
use crate::table::EDITION;

/// Most entries of one list of a profile.
const LIST_MAX: usize = 2_000;

impl Profile {
    /// Every error of a profile as text, each with its place: rules that cannot be read, else all of [`Self::problems`].
    #[must_use]
    pub fn problems_of(text: &str) -> Vec<ProfileError> {
        let first = match Self::from_toml(text) {
            Ok(profile) => return profile.problems(),
            Err(first) => first,
        };
        let Ok(mut table) = toml::from_str::<toml::Table>(text) else { return vec![first] };
        let Some(toml::Value::Array(rules)) = table.remove("rules") else { return vec![first] };
        let Ok(mut profile) = table.try_into::<Self>() else { return vec![first] };
        let (mut numbers, mut problems) = (Vec::new(), Vec::new());
        for (rule, number) in rules.into_iter().zip(1_usize..) {
            match rule.try_into::<ProjectRule>() {
                Ok(rule) => {
                    profile.rules.push(rule);
                    numbers.push(number);
                }
                Err(error) => {
                    let what = error.to_string().trim_end().to_owned();
                    problems.push(ProfileError::Rule { rule: number, what });
                }
            }
        }
        problems.extend(profile.all_problems(numbers));
        if problems.is_empty() { vec![first] } else { problems }
    }

    /// Every error of the profile, each with its place; empty when it compiles.
    #[must_use]
    pub fn problems(&self) -> Vec<ProfileError> {
        let Err(first) = self.compile(None) else { return Vec::new() };
        let problems = self.all_problems(1..);
        if problems.is_empty() { vec![first] } else { problems }
    }

    /// `numbers` are those of the rules.
    fn all_problems(&self, numbers: impl IntoIterator<Item = usize>) -> Vec<ProfileError> {
        let rules: Vec<_> = numbers.into_iter().zip(&self.rules).collect();
        let mut problems = self.problems_of_settings();
        problems.extend(RuleSet::problems(rules.iter().copied(), &Rules::new(self.settings())));
        problems.extend(rules.into_iter().flat_map(|(number, rule)| self.labels_missing(number, rule)));
        problems.extend(self.pixels.masks.iter().zip(1..).filter_map(|(mask, number)| {
            let alone = PixelPolicy { masks: vec![mask.clone()], ..PixelPolicy::default() };
            Masks::new(&alone).err().map(|(_, what)| ProfileError::Mask { mask: number, what })
        }));
        problems.extend(self.private_elements.iter().filter_map(|of| {
            let alone =
                Self { private_elements: vec![of.clone()], options: self.options.clone(), ..Self::basic() };
            alone.compile(None).err()
        }));
        problems.extend(Labels::problems(&Self { rules: Vec::new(), ..self.clone() }));
        problems
    }

    /// Labels that a rule names and the profile does not have.
    fn labels_missing(&self, number: usize, rule: &ProjectRule) -> Vec<ProfileError> {
        let is_known = |name: &str| name == ALL || self.labels.iter().any(|label| label.name == name);
        let missing = rule.labels.iter().chain(&rule.except_labels).filter(|name| !is_known(name));
        let missing =
            missing.map(|name| ProfileError::Rule { rule: number, what: format!("no label {name:?}") });
        missing.collect()
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            options: self.options.iter().copied().collect::<OptionSet>(),
            pool_ages_over_89: self.pool_ages_over_89,
        }
    }

    /// What is wrong beside rules, masks, private elements and labels.
    pub(super) fn problems_of_settings(&self) -> Vec<ProfileError> {
        use DeidentificationOption as O;
        let has = |option| self.options.contains(&option);
        let printable = |text: &str| {
            (1..=40).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'\\')
        };
        let both_dates = has(O::RetainLongitudinalFullDates) && has(O::RetainLongitudinalModifiedDates);
        let defaces = self.faces == FacePolicy::Deface && !has(O::CleanRecognizableVisualFeatures);
        let settings = [
            (self.edition != EDITION, ProfileError::EditionNotAvailable),
            (both_dates, ProfileError::BothDates),
            (defaces, ProfileError::FacesNotAsked),
            (!printable(&self.name) || !printable(&self.version), ProfileError::Unnamed),
        ];
        let lists = [
            ("rules", self.rules.len()),
            ("labels", self.labels.len().saturating_mul(10)),
            ("categories", self.categories.len()),
            ("private elements", self.private_elements.len()),
            ("pixel masks", self.pixels.masks.len()),
            ("words", self.words.len() / 10),
            ("private SOP classes", self.private_sop_classes.len()),
        ];
        let lists = lists.map(|(list, length)| (length > LIST_MAX, ProfileError::TooMany(list)));
        let all = settings.into_iter().chain(lists);
        all.filter(|(is_wrong, _)| *is_wrong).map(|(_, error)| error).collect()
    }
}
