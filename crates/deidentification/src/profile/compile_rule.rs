//! A rule as it is read: everything that is wrong with it, or what is asked of elements.

use dicom_core::VR;

use super::project_rule::{Compiled, ProjectRule, RuleAction, takes_away};
use super::selector::{Element, Selector};
use super::{ProfileError, Rules, dictionary, rule_fit};
use crate::option::DeidentificationOption;

/// Size of a compiled regular expression.
const REGEX_SIZE: usize = 1 << 20;

/// # Errors
/// Everything that is wrong with the rule; never nothing.
pub(super) fn compile(
    number: usize,
    rule: &ProjectRule,
    floor: &Rules,
) -> Result<Compiled, Vec<ProfileError>> {
    let wrong = |what: String| ProfileError::Rule { rule: number, what };
    let (mut selectors, mut problems) = (Vec::new(), Vec::new());
    for text in &rule.attributes {
        match Selector::parse(text) {
            Ok(selector) => {
                problems.extend(below_the_floor(number, text, &selector, rule, floor).or_else(|| {
                    refusal(&selector, &rule.action).map(|what| wrong(format!("{text}: {what}")))
                }));
                selectors.push(selector);
            }
            Err(what) => problems.push(wrong(what)),
        }
    }
    if rule.attributes.is_empty() {
        problems.push(wrong("attributes is empty: name what the rule is about".to_owned()));
    }
    problems.extend(of_action(rule, floor).map(|what| wrong(what.to_owned())));
    problems.extend(of_conditions(rule).into_iter().map(wrong));
    let mut regex = |pattern: &str| {
        let built = regex::RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build();
        built.map_err(|error| problems.push(wrong(format!("regular expression: {error}")))).ok()
    };
    let find = match &rule.action {
        RuleAction::Regex { find, .. } => regex(find),
        _ => None,
    };
    let value = rule.value.as_deref().and_then(&mut regex);
    if problems.is_empty() {
        Ok(Compiled { selectors, value, find, rule: rule.clone() })
    } else {
        Err(problems)
    }
}

/// Whether it names an attribute and would leave of it what the profile takes away.
fn below_the_floor(
    number: usize,
    text: &str,
    selector: &Selector,
    rule: &ProjectRule,
    floor: &Rules,
) -> Option<ProfileError> {
    let tag = selector.element.single().filter(|_| lets_through(&rule.action))?;
    let by = floor.get(tag);
    let (selector, by) = (text.to_owned(), takes_away(&by).then(|| by.id.to_string())?);
    Some(ProfileError::BelowTheFloor { rule: number, selector, by })
}

/// Why the action does not fit what the selector is about.
fn refusal(selector: &Selector, action: &RuleAction) -> Option<String> {
    match (action, &selector.element, selector.element.single()) {
        (RuleAction::Add(add), ..) => add.refusal(selector),
        (_, _, Some(tag)) => {
            rule_fit::refusal(tag, selector.reaches_root(), dictionary(tag).map(|(vr, _)| vr), action)
        }
        (_, Element::Vr(vr), None) => rule_fit::by_vr(*vr, action),
        _ => None,
    }
}

/// What is wrong with the action, whatever it is applied to.
fn of_action(rule: &ProjectRule, floor: &Rules) -> Option<&'static str> {
    match &rule.action {
        RuleAction::Hash(hash) => hash.refusal(),
        RuleAction::Replace(text) if text.contains('\\') => {
            Some("replace: a backslash would make two values")
        }
        RuleAction::Map(table) if table.values().any(|text| text.contains('\\')) => {
            Some("map: a backslash would make two values")
        }
        RuleAction::Shift
            if floor.settings.options.has(DeidentificationOption::RetainLongitudinalFullDates) =>
        {
            Some(
                "shift: beside dates that leave as they are, the shift can be computed: use retain_longitudinal_modified_dates",
            )
        }
        RuleAction::Add(_) if rule.value.is_some() => {
            Some("add: there is no value to be looked at: take value out")
        }
        _ => None,
    }
}

/// What is wrong with SOP classes and modalities.
fn of_conditions(rule: &ProjectRule) -> Vec<String> {
    let no_class = |class: &&String| !class.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
    let classes = rule.sop_classes.iter().filter(no_class);
    let classes = classes
        .map(|class| format!("sop_classes: {class:?} is no UID: write it like 1.2.840.10008.5.1.4.1.1.2"));
    let modalities = rule.modalities.iter().filter(|modality| !rule_fit::can_hold(VR::CS, modality));
    let modalities = modalities
        .map(|modality| format!("modalities: {modality:?} is no modality: write it in capitals, like CT"));
    classes.chain(modalities).collect()
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
