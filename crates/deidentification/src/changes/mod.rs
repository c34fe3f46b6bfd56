//! Before and after: an original and its de-identified form, element by element, each difference with the rule that made it.
//!
//! Both data sets are walked in step, in bounded memory: elements meet by tag, items by their number. An original value is shown only to
//! whoever asks for it by [`Show::identity`]; else its VR and its length stand in its place.

mod cause;
mod cursor;
mod value;
mod walk;

use std::collections::BTreeMap;
use std::io::Read;

use dicom_stream::{Limits, SourceError, TransferSyntax};
use serde::Serialize;

pub use cause::{Cause, Recorded, explain};
pub use value::{Shown, Unit};

use cursor::Cursor;
use walk::Walk;

/// A data set to compare.
pub struct DataSet<'a> {
    /// Its bytes, from the first element on.
    pub input: Box<dyn Read + 'a>,
    /// How they are encoded.
    pub transfer_syntax: &'a TransferSyntax,
}

/// What of a comparison is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Show {
    /// Values of the original; whoever asks for them needs a reason, and leaves a trace.
    pub identity: bool,
    /// Values of the de-identified form; not those of one that the verification holds.
    pub new_values: bool,
    /// Elements that are equal are listed too.
    pub equal: bool,
}

/// What happened to one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// It stands there as before.
    Kept,
    /// It is gone.
    Removed,
    /// It has no value any more.
    Emptied,
    /// It has a value without meaning.
    Dummy,
    /// It has another UID.
    NewUid,
    /// Parts of its text are gone.
    TextCleaned,
    /// Its date is another day.
    DateMoved,
    /// It has a value of the project, or pixels with a mask.
    Replaced,
    /// It was not there before.
    Added,
}

impl Done {
    /// As a reader sees it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Removed => "removed",
            Self::Emptied => "emptied",
            Self::Dummy => "dummy",
            Self::NewUid => "new UID",
            Self::TextCleaned => "text cleaned",
            Self::DateMoved => "date moved",
            Self::Replaced => "replaced",
            Self::Added => "added",
        }
    }
}

/// One element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Where it stands, items counted from 1: `(0008,1115)[1](0008,0080)`.
    pub path: String,
    /// Keyword of PS3.6; empty where the dictionary has none.
    pub keyword: &'static str,
    /// VR, of the new element where there is one.
    pub vr: &'static str,
    /// What happened to it.
    pub done: Done,
    /// By which rule. Several where the report does not tell apart the items that one rule or the other acted in; none for what is equal.
    pub causes: Vec<Cause>,
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Shown>,
    /// After.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Shown>,
}

/// A comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// In the order of the data sets.
    pub rows: Vec<Row>,
    /// Rows beyond [`Changes::ROWS_MAX`].
    pub rows_not_listed: u64,
    /// How many elements each thing happened to, equal ones too. A sequence counts where it changed as a whole.
    pub totals: BTreeMap<Done, u64>,
}

impl Changes {
    /// So many rows are listed; the rest is counted.
    pub const ROWS_MAX: usize = 100_000;
}

/// Compares the data set `before` with the de-identified form `after`; `recorded` is what the report of the de-identification says.
///
/// # Errors
/// [`SourceError`]: one of them cannot be read to its end.
pub fn compare(
    before: DataSet<'_>,
    after: DataSet<'_>,
    recorded: &Recorded,
    show: Show,
    limits: Limits,
) -> Result<Changes, SourceError> {
    let (before, after) = (Cursor::new(before, limits), Cursor::new(after, limits));
    Walk::new(before, after, recorded, show).run()
}
