//! What project and site decide about a return: marking, traces, dates that a person accepted.

use std::collections::BTreeSet;

use crate::date::Window;
use crate::text_rule::TextRule;

/// Policy of one return. Nothing in it is read from a clock: the same policy gives the same bytes (RR-6).
#[derive(Debug, Clone)]
pub struct Policy {
    /// Marking as a research result (AC8.9); `None` for a partner whose results are no research (DEC-M).
    pub marking: Option<Marking>,
    /// What becomes of the Clinical Trial attributes (AC8.7).
    pub trial: TrialAttributes,
    /// This product, in Contributing Equipment (0018,A001) and as Modifying System (0400,0563).
    pub equipment: Equipment,
    /// The partner by a name that may be shown: Source of Previous Values (0400,0564).
    pub partner: String,
    /// Time of the change as DT: when the result was received, so that a repeat gives the same bytes.
    pub changed_at: String,
    /// When the partner's own dates can be.
    pub window: Window,
    /// Dates of neither class that a person accepted as they are (RR-8), as yyyymmdd.
    pub accepted_dates: BTreeSet<u32>,
    /// Where text may have its pseudonyms replaced (RR-3).
    pub text_rules: Vec<TextRule>,
}

/// Marking of a result in the clinical PACS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marking {
    /// Stands before Series Description (0008,103E), a blank after it; at most 32 printable ASCII characters count.
    pub series_description_prefix: String,
    /// Added to Series Number (0020,0011).
    pub series_number_offset: i32,
}

/// What becomes of group 0012 beside the marks of de-identification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialAttributes {
    /// All go.
    Remove,
    /// Time point and trial series stay (PS3.3 C.7.2.3, C.7.3.2). Subject, sponsor and protocol always go: the Clinical Trial Subject
    /// module is not valid without the subject id, and that is the code.
    KeepTimePoint,
}

/// An equipment module in few words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Equipment {
    /// Manufacturer (0008,0070).
    pub manufacturer: String,
    /// Manufacturer's Model Name (0008,1090).
    pub model: String,
    /// Software Versions (0018,1020).
    pub software: String,
    /// Station Name (0008,1010), which of the site's systems it was; may be empty.
    pub station: String,
}
