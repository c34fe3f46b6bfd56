//! Rules of the project on top of PS3.15, never instead of it: a rule can be stricter than the options, not laxer (S-06).

use std::collections::{BTreeMap, BTreeSet};

use dicom_core::{Tag, VR};
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::compile_rule::compile;
use super::selector::Selector;
use super::{Add, Hash, ProfileError, Rule, Rules, TokenKeys, Treatment};
use crate::table::{Action, Step};

/// A rule of the project: what it is about, when it holds, what it does. Of several that hold, the first acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectRule {
    /// Selectors, one of which must match: `(0018,1030)`, `(0018,10xx)`, `ProtocolName`, `Protocol*`, `vr:LO`, `creator:NAME`, each inside
    /// the sequences named before it (`RequestAttributesSequence/ProtocolName`), by `root:` or `nested:` in one place only
    /// (`docs/profile-rules.md`).
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
    /// Hex digits that follow from value and key of the participant: equal values stay equal.
    #[serde(rename = "hash")]
    Hash(Hash),
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
    /// An attribute that is not there gets this value.
    #[serde(rename = "add")]
    Add(Add),
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
pub(super) struct Compiled {
    pub(super) selectors: Vec<Selector>,
    pub(super) value: Option<Regex>,
    pub(super) find: Option<Regex>,
    pub(super) rule: ProjectRule,
}

/// The rules of a profile, compiled.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleSet {
    rules: Vec<Compiled>,
}

impl RuleSet {
    pub(super) fn new(rules: &[ProjectRule], floor: &Rules) -> Result<Self, ProfileError> {
        let mut compiled = Vec::with_capacity(rules.len());
        for (rule, number) in rules.iter().zip(1..) {
            match compile(number, rule, floor) {
                Ok(rule) => compiled.push(rule),
                Err(problems) => problems.into_iter().next().map_or(Ok(()), Err)?,
            }
        }
        Ok(Self { rules: compiled })
    }

    /// What is wrong with these rules, each with its number.
    pub(super) fn problems<'a>(
        rules: impl Iterator<Item = (usize, &'a ProjectRule)>,
        floor: &Rules,
    ) -> Vec<ProfileError> {
        rules.filter_map(|(number, rule)| compile(number, rule, floor).err()).flatten().collect()
    }

    /// Numbers of the rules, counted from 1, that are about this attribute wherever they hold.
    pub(super) fn about(&self, tag: Tag, vr: VR) -> Vec<u16> {
        let about = self.rules.iter().zip(1..).filter(|(of, _)| of.covers(tag, vr, None));
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

    /// The rules that can hold for objects of this SOP class and modality with these labels, in order, counted from 0.
    pub(super) fn holding<'a>(
        &'a self,
        sop_class: &'a str,
        modality: &'a str,
        labels: &'a BTreeSet<String>,
    ) -> impl Iterator<Item = (u16, &'a Compiled)> {
        let holds = |set: &BTreeSet<String>, value: &str| set.is_empty() || set.contains(value);
        (0..).zip(&self.rules).filter(move |(_, compiled)| {
            holds(&compiled.rule.sop_classes, sop_class)
                && holds(&compiled.rule.modalities, modality)
                && (compiled.rule.labels.is_empty() || !compiled.rule.labels.is_disjoint(labels))
                && compiled.rule.except_labels.is_disjoint(labels)
        })
    }

    /// Numbers of those that are about elements which are there.
    pub(crate) fn of_object(&self, sop_class: &str, modality: &str, labels: &BTreeSet<String>) -> Vec<u16> {
        let holding = self.holding(sop_class, modality, labels);
        holding.filter(|(_, compiled)| !compiled.adds()).map(|(number, _)| number).collect()
    }

    /// Whether rule `number` asks where an element stands.
    pub(crate) fn is_placed(&self, number: u16) -> bool {
        let compiled = self.rules.get(usize::from(number));
        compiled.is_some_and(|compiled| compiled.selectors.iter().any(Selector::is_placed))
    }

    /// Whether rule `number` is about this element, wherever it stands.
    pub(crate) fn is_about(&self, number: u16, tag: Tag, vr: VR, creator: Option<&str>) -> bool {
        let compiled = self.rules.get(usize::from(number));
        compiled.is_some_and(|compiled| compiled.covers(tag, vr, creator))
    }

    /// Whether it is about this element inside these sequences, each with the number of its open item.
    pub(crate) fn is_about_there(
        &self,
        number: u16,
        (tag, vr, creator): (Tag, VR, Option<&str>),
        path: &[(Tag, u64)],
    ) -> bool {
        let is_meant = |one: &Selector| one.element.matches(tag, vr, creator) && one.stands(path);
        let compiled = self.rules.get(usize::from(number));
        compiled.is_some_and(|compiled| compiled.selectors.iter().any(is_meant))
    }

    /// What rule `number` makes of the values; `None` when none matches its pattern, so that the next rule is asked. `rule` is what the
    /// profile says without rules: nothing that it takes away is kept.
    pub(crate) fn apply(
        &self,
        number: u16,
        rule: &Rule,
        values: &[&str],
        keys: &TokenKeys<'_>,
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
            RuleAction::Hash(hash) => {
                let tokens = values.iter().map(|value| hash.replaced(value, keys));
                tokens.collect::<Option<_>>().map_or(Rewritten::Removed, Rewritten::Texts)
            }
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
            RuleAction::Add(_) => return None,
        })
    }

    /// Whether rule `number` has something to say of a value that is too long to be read: one that keeps what it would have to read has not.
    pub(crate) fn reaches_unread(&self, number: u16) -> bool {
        let rule = self.rules.get(usize::from(number));
        !rule.is_some_and(|of| matches!((&of.rule.action, &of.value), (RuleAction::K, Some(_))))
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
    fn covers(&self, tag: Tag, vr: VR, creator: Option<&str>) -> bool {
        self.selectors.iter().any(|selector| selector.element.matches(tag, vr, creator))
    }

    fn adds(&self) -> bool {
        matches!(self.rule.action, RuleAction::Add(_))
    }

    /// Whether whatever `later` is about is taken by this rule before.
    fn hides(&self, later: &Self) -> bool {
        let takes = |mine: &BTreeSet<String>, theirs: &BTreeSet<String>| {
            mine.is_empty() || (!theirs.is_empty() && theirs.is_subset(mine))
        };
        let is_about = |theirs: &Selector| self.selectors.iter().any(|mine| mine.covers(theirs));
        self.value.is_none()
            && self.adds() == later.adds()
            && takes(&self.rule.sop_classes, &later.rule.sop_classes)
            && takes(&self.rule.modalities, &later.rule.modalities)
            && takes(&self.rule.labels, &later.rule.labels)
            && self.rule.except_labels.is_subset(&later.rule.except_labels)
            && later.selectors.iter().all(is_about)
    }
}

/// Whether the profile without rules lets nothing of the value through.
pub(super) fn takes_away(rule: &Rule) -> bool {
    matches!(rule.treatment, Treatment::Action(action) if !matches!(action, Action::K | Action::KItem | Action::XZU))
}
