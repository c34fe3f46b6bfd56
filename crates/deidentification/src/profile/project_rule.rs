//! Rules of the project on top of PS3.15, never instead of it: a rule can be stricter than the options, not laxer (S-06).

use std::collections::{BTreeMap, BTreeSet};

use dicom_core::{Tag, VR};
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::selector::{HINT, Selector};
use super::{ProfileError, Rule, Rules, Treatment, dictionary, rule_fit};
use crate::deidentify::PseudonymSource;
use crate::option::DeidentificationOption;
use crate::table::{Action, Step};

/// A rule of the project: what it is about, when it holds, what it does. Of several that hold, the first acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectRule {
    /// Selectors, one of which must match: `(0018,1030)`, `(0018,10xx)`, `ProtocolName`, `Protocol*`, `vr:LO`, `creator:NAME`.
    pub attributes: BTreeSet<String>,
    /// Pattern that one of the values must hold (regular expression of crate `regex`); without it any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// SOP classes it holds for; empty: all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sop_classes: BTreeSet<String>,
    /// Modalities it holds for; empty: all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub modalities: BTreeSet<String>,
    /// Labels of which an object needs one; empty: all objects.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// Labels of which an object has none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub except_labels: BTreeSet<String>,
    /// What is done.
    pub action: RuleAction,
    /// Why; shown by `profile show`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a rule does with the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RuleAction {
    /// Removed.
    X,
    /// Emptied.
    Z,
    /// A dummy of the VR.
    D,
    /// What the profile does without rules; shields the attribute from the rules that follow.
    K,
    /// A new UID, the same for the same original.
    U,
    /// Only what is known to be harmless stays of a text.
    C,
    /// This text; the VR of the attribute must be able to hold it.
    #[serde(rename = "replace")]
    Replace(String),
    /// So many hex digits (8 to 32) that follow from value and key of the participant: equal values stay equal.
    #[serde(rename = "hash")]
    Hash(u8),
    /// By a table; what is not in it is removed.
    #[serde(rename = "map")]
    Map(BTreeMap<String, String>),
    /// The first so many characters of what the profile leaves.
    #[serde(rename = "truncate")]
    Truncate(u16),
    /// Every match of a regular expression replaced, then the profile's own treatment.
    #[serde(rename = "regex")]
    Regex {
        /// What is searched.
        find: String,
        /// What takes its place; `$1` and so on name groups.
        with: String,
    },
    /// The date moved by the participant's shift, in addition to what the profile does with it.
    #[serde(rename = "shift")]
    Shift,
}

/// What a rule makes of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rewritten {
    Removed,
    Emptied,
    Dummy,
    /// The profile's own treatment.
    AsProfile,
    /// Values that are written as they are.
    Texts(Vec<String>),
    /// Values that go through the profile's own treatment.
    Then(Vec<String>),
    /// A date to be moved.
    Shifted,
    /// A UID to be replaced.
    NewUid,
    /// A text to be cleaned.
    Cleaned,
}

#[derive(Debug, Clone)]
struct Compiled {
    selectors: Vec<Selector>,
    value: Option<Regex>,
    find: Option<Regex>,
    rule: ProjectRule,
}

/// The rules of a profile, compiled.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleSet {
    rules: Vec<Compiled>,
}

/// Size of a compiled regular expression.
const REGEX_SIZE: usize = 1 << 20;

impl RuleSet {
    pub(super) fn new(rules: &[ProjectRule], floor: &Rules) -> Result<Self, ProfileError> {
        let compiled = rules.iter().enumerate().map(|(number, rule)| compile(number + 1, rule, floor));
        Ok(Self { rules: compiled.collect::<Result<_, _>>()? })
    }

    /// What is wrong with each rule that cannot be used.
    pub(super) fn problems(rules: &[ProjectRule], floor: &Rules) -> Vec<ProfileError> {
        let each = rules.iter().enumerate();
        each.filter_map(|(number, rule)| compile(number + 1, rule, floor).err()).collect()
    }

    /// Numbers of the rules, counted from 1, that are about this attribute wherever they hold.
    pub(super) fn about(&self, tag: Tag, vr: VR) -> Vec<u16> {
        let about = self.rules.iter().zip(1..).filter(|(of, _)| of.covers(tag, vr));
        about.map(|(_, number)| number).collect()
    }

    /// Rules that never act, each with the earlier one that acts instead; both counted from 1.
    pub(super) fn hidden(&self) -> Vec<(u16, u16)> {
        let mut hidden = Vec::new();
        for (later, number) in self.rules.iter().zip(1_u16..) {
            let earlier = self.rules.iter().zip(1_u16..).take_while(|(_, at)| *at < number);
            let by = earlier.filter(|(rule, _)| rule.hides(later)).map(|(_, at)| at).next();
            hidden.extend(by.map(|by| (number, by)));
        }
        hidden
    }

    /// Numbers of the rules that can hold for objects of this SOP class and modality with these labels, in order.
    pub(crate) fn of_object(&self, sop_class: &str, modality: &str, labels: &BTreeSet<String>) -> Vec<u16> {
        let holds = |set: &BTreeSet<String>, value: &str| set.is_empty() || set.contains(value);
        let numbers = self.rules.iter().zip(0..).filter(|(compiled, _)| {
            holds(&compiled.rule.sop_classes, sop_class)
                && holds(&compiled.rule.modalities, modality)
                && (compiled.rule.labels.is_empty() || !compiled.rule.labels.is_disjoint(labels))
                && compiled.rule.except_labels.is_disjoint(labels)
        });
        numbers.map(|(_, number)| number).collect()
    }

    /// Whether rule `number` is about this element.
    pub(crate) fn is_about(&self, number: u16, tag: Tag, vr: VR, creator: Option<&str>) -> bool {
        let compiled = self.rules.get(usize::from(number));
        compiled.is_some_and(|compiled| compiled.selectors.iter().any(|one| one.matches(tag, vr, creator)))
    }

    /// What rule `number` makes of the values; `None` when none matches its pattern, so that the next rule is asked. `rule` is what the
    /// profile says without rules: nothing that it takes away is kept.
    pub(crate) fn apply(
        &self,
        number: u16,
        rule: &Rule,
        values: &[&str],
        source: &dyn PseudonymSource,
    ) -> Option<Rewritten> {
        let compiled = self.rules.get(usize::from(number))?;
        let matches = |pattern: &Regex| values.iter().any(|value| pattern.is_match(value));
        if compiled.value.as_ref().is_some_and(|pattern| !matches(pattern)) {
            return None;
        }
        let each = |make: &dyn Fn(&str) -> String| values.iter().map(|value| make(value)).collect::<Vec<_>>();
        Some(match &compiled.rule.action {
            RuleAction::X => Rewritten::Removed,
            RuleAction::Z => Rewritten::Emptied,
            RuleAction::D => Rewritten::Dummy,
            RuleAction::Replace(text) => Rewritten::Texts(vec![text.clone()]),
            RuleAction::Hash(digits) => Rewritten::Texts(each(&|value| {
                source.token(value).chars().take(usize::from(*digits)).collect()
            })),
            RuleAction::Map(table) => {
                let mapped: Vec<String> =
                    values.iter().filter_map(|value| table.get(value.trim()).cloned()).collect();
                if mapped.len() == values.len() { Rewritten::Texts(mapped) } else { Rewritten::Removed }
            }
            _ if takes_away(rule) => Rewritten::AsProfile,
            RuleAction::K => Rewritten::AsProfile,
            RuleAction::U => Rewritten::NewUid,
            RuleAction::C => Rewritten::Cleaned,
            RuleAction::Truncate(length) => {
                Rewritten::Then(each(&|value| value.chars().take(usize::from(*length)).collect()))
            }
            RuleAction::Regex { with, .. } => match &compiled.find {
                Some(find) => {
                    Rewritten::Then(each(&|value| find.replace_all(value, with.as_str()).into_owned()))
                }
                None => Rewritten::Removed,
            },
            RuleAction::Shift => Rewritten::Shifted,
        })
    }

    /// What rule `number` makes of a value that is too long to be read: what would have to read it removes it.
    pub(crate) fn unread(&self, number: u16) -> Rewritten {
        match self.rules.get(usize::from(number)).map(|compiled| (&compiled.rule.action, &compiled.value)) {
            Some((RuleAction::K, _)) => Rewritten::AsProfile,
            Some((RuleAction::Z, None)) => Rewritten::Emptied,
            Some((RuleAction::D, None)) => Rewritten::Dummy,
            _ => Rewritten::Removed,
        }
    }

    /// What rule `number` does with a whole sequence; patterns and other actions do not fit one.
    pub(crate) fn of_sequence(&self, number: u16) -> Option<Step> {
        match self.rules.get(usize::from(number)).map(|compiled| (&compiled.rule.action, &compiled.value))? {
            (RuleAction::X, None) => Some(Step::Remove),
            (RuleAction::Z, None) => Some(Step::Empty),
            (RuleAction::D, None) => Some(Step::Dummy),
            _ => None,
        }
    }
}

impl Compiled {
    fn covers(&self, tag: Tag, vr: VR) -> bool {
        self.selectors.iter().any(|selector| selector.matches(tag, vr, None))
    }

    /// Whether whatever `later` is about is taken by this rule before.
    fn hides(&self, later: &Self) -> bool {
        let takes = |mine: &BTreeSet<String>, theirs: &BTreeSet<String>| {
            mine.is_empty() || (!theirs.is_empty() && theirs.is_subset(mine))
        };
        let is_about = |selector: &Selector| match selector.single() {
            Some(tag) => self.covers(tag, dictionary(tag).map_or(VR::UN, |(vr, _)| vr)),
            None => self.selectors.contains(selector),
        };
        self.value.is_none()
            && takes(&self.rule.sop_classes, &later.rule.sop_classes)
            && takes(&self.rule.modalities, &later.rule.modalities)
            && takes(&self.rule.labels, &later.rule.labels)
            && self.rule.except_labels.is_subset(&later.rule.except_labels)
            && later.selectors.iter().all(is_about)
    }
}

/// Whether the profile without rules lets nothing of the value through.
fn takes_away(rule: &Rule) -> bool {
    matches!(rule.treatment, Treatment::Action(action) if !matches!(action, Action::K | Action::KItem | Action::XZU))
}

fn compile(number: usize, rule: &ProjectRule, floor: &Rules) -> Result<Compiled, ProfileError> {
    let wrong = |what: String| ProfileError::Rule { rule: number, what };
    let regex = |pattern: &str| {
        let built = regex::RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build();
        built.map_err(|error| wrong(format!("regular expression: {error}")))
    };
    let mut selectors = Vec::new();
    for text in &rule.attributes {
        let selector = Selector::parse(text).ok_or_else(|| ProfileError::Selector {
            rule: number,
            selector: text.clone(),
            hint: HINT,
        })?;
        if let Some(tag) = selector.single()
            && lets_through(&rule.action)
        {
            let by = floor.get(tag);
            if takes_away(&by) {
                let (selector, by) = (text.clone(), by.id.to_string());
                return Err(ProfileError::BelowTheFloor { rule: number, selector, by });
            }
        }
        let refusal = match (&selector, selector.single()) {
            (_, Some(tag)) => rule_fit::refusal(tag, dictionary(tag).map(|(vr, _)| vr), &rule.action),
            (Selector::Vr(vr), None) => rule_fit::by_vr(*vr, &rule.action),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Err(wrong(format!("{text}: {refusal}")));
        }
        selectors.push(selector);
    }
    if selectors.is_empty() {
        return Err(wrong("attributes is empty: name what the rule is about".to_owned()));
    }
    match &rule.action {
        RuleAction::Hash(digits) if !(8..=32).contains(digits) => {
            return Err(wrong("hash: 8 to 32 digits".to_owned()));
        }
        RuleAction::Replace(text) if text.contains('\\') => {
            return Err(wrong("replace: a backslash would make two values".to_owned()));
        }
        RuleAction::Map(table) if table.values().any(|text| text.contains('\\')) => {
            return Err(wrong("map: a backslash would make two values".to_owned()));
        }
        RuleAction::Shift
            if floor.settings.options.has(DeidentificationOption::RetainLongitudinalFullDates) =>
        {
            let what = "shift: beside dates that leave as they are, the shift can be computed: use retain_longitudinal_modified_dates";
            return Err(wrong(what.to_owned()));
        }
        _ => {}
    }
    let no_class = |class: &&String| !class.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
    if let Some(class) = rule.sop_classes.iter().find(no_class) {
        return Err(wrong(format!(
            "sop_classes: {class:?} is no UID: write it like 1.2.840.10008.5.1.4.1.1.2"
        )));
    }
    if let Some(modality) = rule.modalities.iter().find(|modality| !rule_fit::can_hold(VR::CS, modality)) {
        return Err(wrong(format!("modalities: {modality:?} is no modality: write it in capitals, like CT")));
    }
    let find = match &rule.action {
        RuleAction::Regex { find, .. } => Some(regex(find)?),
        _ => None,
    };
    let value = rule.value.as_deref().map(regex).transpose()?;
    Ok(Compiled { selectors, value, find, rule: rule.clone() })
}

/// Whether something of the original can be left by it.
fn lets_through(action: &RuleAction) -> bool {
    matches!(
        action,
        RuleAction::K
            | RuleAction::C
            | RuleAction::Truncate(_)
            | RuleAction::Regex { .. }
            | RuleAction::Shift
    )
}
