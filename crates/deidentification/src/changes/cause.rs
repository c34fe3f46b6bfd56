//! Which rule made a difference: what the report recorded for the place, and in plain words what the rule is.

use std::collections::HashMap;

use dicom_core::Tag;
use serde::{Deserialize, Deserializer, Serialize};

use super::Done;
use crate::creators::is_creator;
use crate::option::DeidentificationOption;
use crate::report::Report;
use crate::table::Step;
use crate::table::vr_default::{BY_TAG, BY_VR, CONTAINER, CURVE, OVERLAY, PRIVATE, UNKNOWN, VOCABULARY};

/// A rule that acted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cause {
    /// Its id, as reports have it.
    pub rule: String,
    /// The same in plain words.
    pub explanation: String,
}

impl Cause {
    fn of(rule: &str) -> Self {
        Self { rule: rule.to_owned(), explanation: explain(rule) }
    }
}

/// What a report says was done: of a [`Report`] at hand, or read from the JSON of one that was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    #[serde(deserialize_with = "by_place")]
    changes: Places,
}

/// Rules and steps by place.
type Places = HashMap<Vec<Tag>, Vec<(String, Step)>>;

/// One line of a report: place, rule and step.
#[derive(Deserialize)]
struct RecordedChange {
    #[serde(deserialize_with = "path")]
    path: Vec<Tag>,
    rule: String,
    step: Step,
}

impl From<&Report> for Recorded {
    fn from(report: &Report) -> Self {
        let changes = report.changes.iter().map(|change| RecordedChange {
            path: change.path.clone(),
            rule: change.rule.to_string(),
            step: change.step,
        });
        Self { changes: grouped(changes) }
    }
}

fn grouped(changes: impl IntoIterator<Item = RecordedChange>) -> Places {
    let mut places = Places::new();
    for RecordedChange { path, rule, step } in changes {
        places.entry(path).or_default().push((rule, step));
    }
    places
}

/// What is kept of a report hides tags that may be letters, as `(unknown)`: such a line tells of no place.
fn by_place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Places, D::Error> {
    let changes = Vec::<RecordedChange>::deserialize(deserializer)?;
    Ok(grouped(changes.into_iter().filter(|change| !change.path.is_empty())))
}

/// `(0008,1115)(0008,0080)`; empty where a part of it is hidden.
fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Tag>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.contains("(unknown)") {
        return Ok(Vec::new());
    }
    let tag = |text: &str| {
        let (group, element) = text.strip_prefix('(')?.split_once(',')?;
        Some(Tag(u16::from_str_radix(group, 16).ok()?, u16::from_str_radix(element, 16).ok()?))
    };
    let tags = text.strip_suffix(')').unwrap_or_default().split(')').map(tag);
    tags.collect::<Option<_>>().ok_or_else(|| serde::de::Error::custom("no path of an element"))
}

/// How two elements differ, as far as it shows without a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    Gone,
    New,
    Other { is_empty: bool },
}

impl Difference {
    fn done(self, step: Option<Step>) -> Done {
        match (self, step) {
            (Self::Gone, _) => Done::Removed,
            (Self::New, _) => Done::Added,
            (_, Some(Step::Empty)) | (Self::Other { is_empty: true }, _) => Done::Emptied,
            (_, Some(Step::Dummy)) => Done::Dummy,
            (_, Some(Step::NewUid)) => Done::NewUid,
            (_, Some(Step::CleanText | Step::CleanTerm)) => Done::TextCleaned,
            (_, Some(Step::Shift)) => Done::DateMoved,
            _ => Done::Replaced,
        }
    }

    /// Whether a step at the place itself can have made it.
    fn may_be_made_by(self, step: Step) -> bool {
        match self {
            Self::Gone => step == Step::Remove,
            Self::New => matches!(step, Step::Dummy | Step::Replace | Step::Add),
            Self::Other { is_empty: true } => step != Step::Remove && step != Step::Shift,
            Self::Other { is_empty: false } => !matches!(step, Step::Remove | Step::Empty),
        }
    }
}

impl Recorded {
    /// What happened at the place, and by which rules.
    pub(super) fn cause(&self, path: &[Tag], difference: Difference) -> (Done, Vec<Cause>) {
        let here: Vec<&(String, Step)> =
            self.at(path).iter().filter(|(_, step)| difference.may_be_made_by(*step)).collect();
        if let Some((_, step)) = here.first() {
            return (difference.done(Some(*step)), causes(here.iter().map(|(rule, _)| rule.as_str())));
        }
        let done = difference.done(None);
        // What stands in a sequence went, or came, with it.
        for length in (1..path.len()).rev() {
            let around = self.at(path.get(..length).unwrap_or_default());
            let around = around.iter().filter(|(_, step)| {
                matches!(step, Step::Empty | Step::Dummy | Step::Replace)
                    || *step == Step::Remove && difference == Difference::Gone
            });
            let causes = causes(around.map(|(rule, _)| rule.as_str()));
            if !causes.is_empty() {
                return (done, causes);
            }
        }
        let is_creator_gone =
            difference == Difference::Gone && path.last().is_some_and(|tag| is_creator(*tag));
        (done, if is_creator_gone { vec![Cause::of(PRIVATE.rule)] } else { Vec::new() })
    }

    /// Whether the report says that the element was taken away, and not that one was put there.
    pub(super) fn is_gone(&self, path: &[Tag]) -> bool {
        self.at(path).iter().any(|(_, step)| *step == Step::Remove)
    }

    /// Whether the report says that an element was put there.
    pub(super) fn is_new(&self, path: &[Tag]) -> bool {
        self.at(path).iter().any(|(_, step)| matches!(step, Step::Dummy | Step::Replace | Step::Add))
    }

    fn at(&self, path: &[Tag]) -> &[(String, Step)] {
        self.changes.get(path).map_or(&[], Vec::as_slice)
    }
}

fn causes<'a>(rules: impl Iterator<Item = &'a str>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = rules.map(Cause::of).collect();
    causes.sort();
    causes.dedup();
    causes
}

/// A rule id of a report in plain words.
#[must_use]
pub fn explain(rule: &str) -> String {
    if let Some(code) = rule.strip_prefix("E.1-1/") {
        let option = DeidentificationOption::ALL.into_iter().find(|option| option.code() == code);
        let meaning = option.map_or("an option", DeidentificationOption::meaning);
        return format!("Table E.1-1 of PS3.15 and its defaults, {meaning}");
    }
    if let Some(number) = rule.strip_prefix("rule-") {
        return format!("rule {number} of the profile");
    }
    let said = match rule {
        "E.1-1" => "Table E.1-1 of PS3.15, Basic Profile",
        "E.1-1-required-by-iod" => {
            "Table E.1-1 of PS3.15, Basic Profile: taken away although the IOD requires the attribute"
        }
        "E.3.4-1" => "Table E.3.4-1 of PS3.15, by the concept of the content item",
        "E.3.4-1-not-listed" => "a content item whose concept is not in Table E.3.4-1 of PS3.15",
        "own" => "written by the de-identification: code, trial, consent, markers",
        "wrong-vr" => "a value that is not of the VR that PS3.6 gives the attribute",
        "no-number" => "a number or UID with other characters in it",
        "too-long" => "too long to be read",
        "un-sequence" => "should be a sequence, stored as UN, and cannot be read as one",
        "frame-segments" => "texts inside compressed frames are blanked",
        _ => "",
    };
    if !said.is_empty() {
        return said.to_owned();
    }
    let defaults = [&VOCABULARY, &PRIVATE, &CURVE, &OVERLAY, &CONTAINER, &UNKNOWN];
    let mut defaults = BY_VR.iter().chain(BY_TAG.iter().map(|(_, default)| default)).chain(defaults);
    match defaults.find(|default| default.rule == rule) {
        Some(default) if rule.starts_with("beyond-") => {
            format!("not in Table E.1-1 of PS3.15: {}", default.reason)
        }
        Some(default) => default.reason.to_owned(),
        None => String::new(),
    }
}
