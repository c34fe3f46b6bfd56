//! Files that people bring: inclusion list, opposition list, merged numbers, existing correspondence (AC2.12, R02, R03). Each is parsed as a whole,
//! each faulty line is named by its number and never by its content, and nothing is imported by halves.

mod correspondence;
mod inclusion;
mod numbers;
mod opposition;
mod table;

pub use correspondence::{Correspondence, Holder};
pub use inclusion::InclusionList;
pub use numbers::Numbers;
pub use opposition::OppositionList;

use crate::code::CodeError;
use crate::subject::SubjectError;

/// A faulty line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {problem}", .column.is_empty().then(String::new).unwrap_or_else(|| format!(", column {column}")))]
pub struct LineError {
    /// Number in the file, from 1; the header is line 1.
    pub line: u64,
    /// Name of the column; empty when the line as a whole is meant.
    pub column: &'static str,
    /// What is wrong.
    pub problem: LineProblem,
}

/// What is wrong with a line; never shows what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineProblem {
    /// Split the file.
    #[error("the file has more than 100,000 lines or 32 MiB")]
    TooLong,
    /// Save the file as CSV in UTF-8.
    #[error("not CSV in UTF-8")]
    Encoding,
    /// Add the column to the header.
    #[error("the column is missing, or there twice")]
    MissingColumn,
    /// Take the column out, or correct its name.
    #[error("the header has a column that is not known")]
    UnknownColumn,
    /// Give the line as many fields as the header.
    #[error("another number of fields than the header")]
    FieldCount,
    /// Fill it in.
    #[error("empty")]
    Empty,
    /// Shorten it.
    #[error("longer than 64 characters")]
    LongField,
    /// Configure the authority, or correct the issuer.
    #[error("no assigning authority has this issuer")]
    UnknownIssuer,
    /// Correct the Patient ID.
    #[error(transparent)]
    Subject(SubjectError),
    /// Write YYYY-MM-DD, not later than today.
    #[error("not a day (YYYY-MM-DD) up to today")]
    Date,
    /// Correct the word.
    #[error("not one of the words of this column")]
    Word,
    /// Correct the code.
    #[error(transparent)]
    Code(CodeError),
    /// Keep one line per participant.
    #[error("the participant stands in an earlier line")]
    Twice,
    /// Correct the UID (PS3.5 §9.1).
    #[error("not a UID")]
    Uid,
    /// Make the map one to one.
    #[error("the UID is mapped otherwise already")]
    UidInUse,
    /// Take the line out: nothing of this person may be used.
    #[error("the participant is opposed, withdrawn or erased")]
    Opposed,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Participants named by the file.
    pub participants: usize,
    /// UIDs entered; 0 for the lists.
    pub uids: usize,
}
