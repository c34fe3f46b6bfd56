//! The after-check: searches what leaves for the identifiers of this patient and study (DI-50 to DI-57). Written apart from the
//! de-identifier: the two share the reader of data sets, the [`Identity`] that is read from the originals, and tables (of the standard, and
//! of words that prove nothing); how they search and judge is written twice, so that a mistake in one does not hide in the other.
//!
//! A finding means: quarantine, send nothing. The check holds no clean object (DI-56): short words and numbers count only where they
//! cannot be there by chance.

mod attributes;
mod clinical_document;
mod content_items;
mod dates;
mod document_text;
mod identity;
pub(crate) mod known_words;
mod markers;
mod markup;
mod normal;
mod original;
mod pass;
mod patterns;
mod pixel_text;
mod promise;
mod search;
mod segments;
mod terms;

use std::io::{Read, Seek};

use dicom_core::Tag;
use dicom_stream::{ElementPath, Limits, SourceError, TransferSyntax};
use serde::Serialize;
use thiserror::Error;

pub use identity::Identity;
pub use original::Original;
use pass::Pass;
pub use patterns::scan;
pub use promise::Promise;
use terms::Terms;

/// Why the check could not be made. The object must not leave.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The output cannot be read: quarantine.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The identity has too many terms for one search: quarantine.
    #[error("too many identifiers for one search")]
    TooManyTerms,
    /// The pixels that leave cannot be looked at once more: quarantine.
    #[error("pixels cannot be searched for text: {0}")]
    Pixels(String),
    /// The clinical document that leaves is none that the de-identifier makes: quarantine.
    #[error("the clinical document cannot be read again")]
    Document,
}

/// What is wrong at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A part of a name.
    Name,
    /// An id of patient, study, visit or order.
    Identifier,
    /// The birth date.
    Date,
    /// An original UID.
    Uid,
    /// A part of an address, a telephone number or an e-mail address.
    Contact,
    /// A date that the profile does not let stay: as received, or no dummy.
    DateNotAllowed,
    /// A UID that no source of pseudonyms gave.
    UidNotGiven,
    /// A statement about the de-identification that is missing or does not fit the profile.
    Marker,
    /// A UID without which the object is none.
    Missing,
}

impl FindingKind {
    /// In a word or two, for the detail that a person reads.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Name => "part of a name",
            Self::Identifier => "identifier",
            Self::Date => "birth date",
            Self::Uid => "original UID",
            Self::Contact => "part of an address",
            Self::DateNotAllowed => "date not allowed",
            Self::UidNotGiven => "UID not given",
            Self::Marker => "marker wrong",
            Self::Missing => "UID missing",
        }
    }
}

/// Something that must not leave. It tells the place and the kind, never the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The element.
    pub path: ElementPath,
    /// What was found there.
    pub kind: FindingKind,
}

/// Places of findings that a text names; the rest is counted.
const PLACES_MAX: usize = 20;

/// The places of findings as a person reads them: `(0010,4000) part of a name, (0020,000D) original UID and 3 more`. `None` without any.
#[must_use]
pub fn places(findings: &[Finding]) -> Option<String> {
    let named = findings.iter().take(PLACES_MAX);
    let named: Vec<String> =
        named.map(|finding| format!("{} {}", finding.path, finding.kind.words())).collect();
    let more = match findings.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!named.is_empty()).then(|| named.join(", ") + &more)
}

/// What is known of one object that leaves, beside whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// What the original was like.
    pub original: &'a Original,
    /// Whether its pixels were cleaned or inspected: only then may (0028,0301) say `NO` anew.
    pub pixels_cleaned: bool,
}

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why the object must not leave; empty when it may.
    pub findings: Vec<Finding>,
    /// Attributes that the IOD requires, that the original had, and that are lost: sequences around, then the element.
    pub damage: Vec<String>,
}

/// Findings of one object that are listed; one is enough to hold it.
const FINDINGS_MAX: usize = 1000;
/// Bytes of a bulk value that are searched together with the next piece, so that nothing hides at the seam.
const SEAM: usize = 1 << 10;
const PIXEL_GROUP: u16 = 0x7FE0;
const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);

/// Searches objects for one identity.
pub struct Verifier {
    terms: Terms,
    promise: Option<Promise>,
}

impl Verifier {
    /// Prepares the search. Make it once per study and use it for all objects that leave. `ours` are values that the project itself
    /// writes (code, sponsor, committee): an element that holds one of them and nothing else is clean, whoever bears the same name.
    ///
    /// # Errors
    /// [`VerifyError::TooManyTerms`].
    pub fn new(identity: &Identity, ours: &[&str]) -> Result<Self, VerifyError> {
        Ok(Self { terms: Terms::new(identity, ours)?, promise: None })
    }

    /// The profile under which the objects were made: what it retains in its own element is no finding, and dates and UIDs that it does
    /// not let stay are.
    #[must_use]
    pub fn promising(self, promise: Promise) -> Self {
        Self { promise: Some(promise), ..self }
    }

    /// Searches one data set as it leaves.
    ///
    /// # Errors
    /// [`VerifyError::Source`].
    pub fn verify<R: Read + Seek>(
        &self,
        input: R,
        syntax: &TransferSyntax,
        limits: Limits,
    ) -> Result<Vec<Finding>, VerifyError> {
        Ok(Pass::over(&self.terms, self.promise.as_ref(), false, input, syntax, limits)?.findings)
    }

    /// The same, and whether the object says of itself what was promised, and is whole.
    ///
    /// # Errors
    /// [`VerifyError::Source`].
    pub fn check<R: Read + Seek>(
        &self,
        input: R,
        syntax: &TransferSyntax,
        limits: Limits,
        leaving: Leaving<'_>,
    ) -> Result<Verdict, VerifyError> {
        let promise = self.promise.as_ref();
        let mut pass = Pass::over(&self.terms, promise, true, input, syntax, limits)?;
        let (missing, damage) = leaving.original.lost_in(&pass.output);
        if let Some(promise) = promise {
            let pixels_are_clean = leaving.pixels_cleaned || leaving.original.says_no_text;
            pass.findings.extend(pass.markers.findings(promise, pixels_are_clean));
        }
        pass.findings.extend(missing);
        Ok(Verdict { findings: pass.findings, damage })
    }

    /// Searches a text outside of a data set: a file name, a text recognised in pixels.
    pub fn verify_text(&self, text: &str) -> Option<FindingKind> {
        self.terms.in_text(text, false)
    }
}
