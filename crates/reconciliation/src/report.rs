//! What was done to one object: counts and places. Never a value.

use serde::Serialize;

/// Report of one reconciled object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// SOP Instance UID of the output, for its file meta and ledger.
    pub sop_instance: String,
    /// Series Instance UID of the output.
    pub series: String,
    /// UID values that went back to the original.
    pub uids_restored: u64,
    /// UID values of the partner that were replaced by new ones (RR-7).
    pub uids_regenerated: u64,
    /// Dates that went back by the shift.
    pub dates_restored: u64,
    /// Processing dates of the partner, and dates that a person accepted, that stayed.
    pub dates_kept: u64,
    /// Texts that a reviewed rule changed (RR-3).
    pub texts_rewritten: u64,
    /// Patient and study attributes written from the own record.
    pub attributes_restored: u64,
    /// Attributes of patient and study that the partner had altered or added, as `(gggg,eeee)`.
    pub altered: Vec<String>,
    /// Those of `altered` that are not in the Original Attributes: sequences, values that are long or cannot be read, and those in which a pseudonym
    /// shows.
    pub altered_not_recorded: Vec<String>,
    /// The character set of the output.
    pub text_set: TextSet,
    /// Digital signatures were left out: the change had made them invalid.
    pub signatures_removed: bool,
    /// What stayed without being looked into; any of it but [`NotInspected::Pixels`] asks a person at release (AC8.10).
    pub not_inspected: Vec<NotInspected>,
}

/// Which character set the output is in (AC8.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextSet {
    /// The source's: patient and study attributes are byte-equal.
    Source,
    /// The partner's: patient and study attributes are equal when decoded.
    Partner,
    /// UTF-8, because neither held both: all text was re-encoded.
    Utf8,
}

/// A part of the object that was not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotInspected {
    /// Pixels of an image, where text is unlikely, or a person was asked about it before ([`crate::ManualReason::TextInPixels`]).
    Pixels,
    /// Pixels of a secondary capture: the code may be drawn there.
    SecondaryCapturePixels,
    /// The body of an encapsulated document: its text may show the code.
    DocumentBody,
    /// Text of an object that only a person can read: its bytes are not of the character set it declares.
    AssumedText,
}

impl NotInspected {
    /// Its word in reports and in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pixels => "pixels",
            Self::SecondaryCapturePixels => "secondary-capture-pixels",
            Self::DocumentBody => "document-body",
            Self::AssumedText => "assumed-text",
        }
    }
}
