//! Values of content items by Table E.3.4-1 (PS3.15 E.3.4): concept, scheme and value type decide.
//!
//! Without the option Clean Structured Content the tree is walked where another option keeps some of its values; then all others are
//! dummies, numbers and codes too.
//!
//! An X of that table is carried out as a dummy in place of the value, a dummy text in place of a reference: items keep their positions, for by-reference relationships name
//! them by position (PS3.3 C.17.3.2.5), and the tree stays readable (ADR 0007).

use dicom_core::{Tag, VR};

use crate::level::{Kind, Level};
use crate::option::DeidentificationOption as O;
use crate::profile::{Rule, RuleId, Settings, Treatment};
use crate::table::{Action, ContentRow, STRUCTURED_CONTENT};

/// Rule id where Table E.3.4-1 acts without an option column.
const CONTENT_TABLE: &str = "E.3.4-1";
/// Rule id for concepts that the table does not list.
const LOCAL_CONCEPT: &str = "E.3.4-1-not-listed";

/// The value type whose value stands in `tag`; `None` for what is no value.
fn value_type(tag: Tag) -> Option<&'static str> {
    Some(match tag {
        Tag(0x0040, 0xA120) => "DATETIME",
        Tag(0x0040, 0xA121) => "DATE",
        Tag(0x0040, 0xA122) => "TIME",
        Tag(0x0040, 0xA123) => "PNAME",
        Tag(0x0040, 0xA124) => "UIDREF",
        Tag(0x0040, 0xA160) => "TEXT",
        Tag(0x0040, 0xA168) => "CODE",
        Tag(0x0040, 0xA300) => "NUM",
        Tag(0x0040, 0xA730) => "CONTAINER",
        _ => return None,
    })
}

/// The rule of the content table for `tag` in an item of `level`; `None` where it is no value of a content item.
pub(crate) fn content_rule(level: &Level, tag: Tag, rule: Rule, settings: Settings) -> Option<Rule> {
    if level.kind != Kind::Content {
        return None;
    }
    let value_type = value_type(tag)?;
    // A container's items are judged each by itself, unless the table takes the whole away.
    if value_type == "CONTAINER" && level.value_type != "CONTAINER" {
        return None;
    }
    Some(match row(level, value_type) {
        Some(row) => of_row(row, rule, settings),
        None => not_listed(value_type, rule, settings),
    })
}

/// Whether the table takes away the reference of the content item: one of value type IMAGE, COMPOSITE or WAVEFORM. The reference
/// (0008,1199) stands before the concept name, so that the survey has to tell.
pub(crate) fn reference_goes(level: &Level, settings: Settings) -> bool {
    let is_reference = matches!(level.value_type.as_str(), "IMAGE" | "COMPOSITE" | "WAVEFORM");
    let row = if is_reference { row(level, &level.value_type) } else { None };
    row.is_some_and(|row| row.action == Action::X && row.keep.within(settings.options).is_empty())
}

fn row(level: &Level, value_type: &str) -> Option<&'static ContentRow> {
    let key = (level.concept.0.as_str(), level.concept.1.as_str(), value_type);
    let found = STRUCTURED_CONTENT.binary_search_by_key(&key, |row| (row.scheme, row.code, row.value_type));
    STRUCTURED_CONTENT.get(found.ok()?)
}

fn of_row(row: &ContentRow, rule: Rule, settings: Settings) -> Rule {
    let by = |option, treatment| Rule { id: RuleId::Option(option), treatment, basic: Action::D, ..rule };
    if let Some(option) = row.clean.within(settings.options).iter().next() {
        let treatment = match option {
            O::RetainLongitudinalModifiedDates => settings.date(rule.vr).map(|(_, treatment)| treatment),
            _ => Some(Treatment::Text),
        };
        if let Some(treatment) = treatment {
            return by(option, treatment);
        }
    }
    match row.keep.within(settings.options).iter().next() {
        Some(option) if row.value_type == "UIDREF" => by(option, Treatment::KeepUid),
        Some(option) if row.value_type == "TEXT" => by(option, Treatment::Term),
        Some(option) => by(option, Treatment::Action(Action::K)),
        None => taken_away(RuleId::Named(CONTENT_TABLE), row.value_type, rule),
    }
}

/// Section 6 of the defaults: what no row lists follows the VR.
fn not_listed(value_type: &str, rule: Rule, settings: Settings) -> Rule {
    let id = RuleId::Named(LOCAL_CONCEPT);
    match value_type {
        "TEXT" if settings.options.has(O::CleanDescriptors) => Rule {
            id: RuleId::Option(O::CleanDescriptors),
            treatment: Treatment::Text,
            basic: Action::D,
            ..rule
        },
        "DATETIME" | "DATE" | "TIME" => match settings.date(rule.vr) {
            Some((option, treatment)) => {
                Rule { id: RuleId::Option(option), treatment, basic: Action::D, ..rule }
            }
            None => taken_away(id, value_type, rule),
        },
        "TEXT" | "PNAME" => taken_away(id, value_type, rule),
        "UIDREF" => Rule { id, treatment: Treatment::Action(Action::U), ..rule },
        "CONTAINER" => Rule { id, treatment: Treatment::Content, ..rule },
        _ if settings.options.has(O::CleanStructuredContent) => {
            Rule { id, treatment: Treatment::Action(Action::K), ..rule }
        }
        _ => taken_away(id, value_type, rule),
    }
}

/// A dummy in place of the value; a measurement and the items of a container may be absent.
fn taken_away(id: RuleId, value_type: &str, rule: Rule) -> Rule {
    let action = match value_type {
        "NUM" => Action::Z,
        "CONTAINER" => Action::X,
        "UIDREF" => Action::U,
        _ => Action::D,
    };
    let vr = if rule.vr == VR::UN { VR::LO } else { rule.vr };
    Rule { id, treatment: Treatment::Action(action), basic: action, vr }
}
