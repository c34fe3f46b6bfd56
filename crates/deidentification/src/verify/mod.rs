//! The after-check: searches what leaves for the identifiers of this patient and study (DI-50 to DI-57). Written apart from the
//! de-identifier: the two share no code but the reader of data sets, so that a mistake in one does not hide in the other.
//!
//! A finding means: quarantine, send nothing. The check holds no clean object (DI-56): short words and numbers count only where they
//! cannot be there by chance.

mod dates;
mod identity;
pub(crate) mod known_words;
mod normal;
mod patterns;
mod segments;
mod terms;

use std::io::{Read, Seek};

use dicom_core::{Tag, VR};
use dicom_stream::charset::CharacterSet;
use dicom_stream::{ElementPath, Limits, SourceError, Token, TokenSource, TransferSyntax};
use serde::Serialize;
use thiserror::Error;

use crate::option::{DeidentificationOption, OptionSet};

pub use identity::Identity;
pub use patterns::scan;
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
}

/// What kind of identifier was found.
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
}

/// An identifier that is still there. It tells the place and the kind, never the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The element.
    pub path: ElementPath,
    /// What was found there.
    pub kind: FindingKind,
}

/// Findings of one object that are listed; one is enough to hold it.
const FINDINGS_MAX: usize = 1000;
/// Bytes at the start of a compressed frame in which segments are looked for.
const FRAGMENT_HEAD: usize = 64 << 10;
/// Bytes of a bulk value that are searched together with the next piece, so that nothing hides at the seam.
const SEAM: usize = 1 << 10;
const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const PIXEL_GROUP: u16 = 0x7FE0;
const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
/// UIDs of equipment: Device UID, Manufacturer's Device Class UID; UID in a content item about a device.
const DEVICE_UIDS: [Tag; 3] = [Tag(0x0018, 0x1002), Tag(0x0018, 0x100B), Tag(0x0040, 0xA124)];

/// Searches objects for one identity.
pub struct Verifier {
    terms: Terms,
    retained: OptionSet,
}

impl Verifier {
    /// Prepares the search. Make it once per study and use it for all objects that leave. `ours` are values that the project itself
    /// writes (code, sponsor, committee): an element that holds one of them and nothing else is clean, whoever bears the same name.
    ///
    /// # Errors
    /// [`VerifyError::TooManyTerms`].
    pub fn new(identity: &Identity, ours: &[&str]) -> Result<Self, VerifyError> {
        Ok(Self { terms: Terms::new(identity, ours)?, retained: OptionSet::NONE })
    }

    /// The options of the profile under which the objects were made: what they retain in its own element is no finding.
    #[must_use]
    pub fn retaining(self, options: OptionSet) -> Self {
        Self { retained: options, ..self }
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
        let mut tokens = TokenSource::skimming(input, syntax, limits)?;
        let mut search = Search {
            terms: &self.terms,
            retained: self.retained,
            set: CharacterSet::default(),
            bulk: Bulk::Skip,
            held: Vec::new(),
        };
        let mut findings = Vec::new();
        while let Some(token) = tokens.next_token()? {
            let begins_bulk = matches!(token, Token::BulkStart { .. });
            let found = search.token(&token);
            if begins_bulk && matches!(search.bulk, Bulk::Skip) {
                tokens.skip_bulk()?;
            }
            if let Some(kind) = found
                && findings.len() < FINDINGS_MAX
            {
                let finding = Finding { path: tokens.path(), kind };
                if findings.last() != Some(&finding) {
                    findings.push(finding);
                }
            }
        }
        Ok(findings)
    }

    /// Searches a text outside of a data set: a file name, a text recognised in pixels.
    pub fn verify_text(&self, text: &str) -> Option<FindingKind> {
        self.terms.in_text(text, false)
    }
}

/// What is done with the bulk that passes.
enum Bulk {
    Skip,
    Raw,
    FragmentHead,
}

struct Search<'a> {
    terms: &'a Terms,
    retained: OptionSet,
    set: CharacterSet,
    bulk: Bulk,
    held: Vec<u8>,
}

impl Search<'_> {
    fn token(&mut self, token: &Token<'_>) -> Option<FindingKind> {
        match token {
            Token::Value { header, value } => {
                if header.tag == SPECIFIC_CHARACTER_SET {
                    self.set = CharacterSet::parse(value).0;
                }
                self.value(header.tag, header.vr, value)
            }
            Token::BulkStart { header } => {
                self.held.clear();
                self.bulk = if header.tag.group() == PIXEL_GROUP { Bulk::Skip } else { Bulk::Raw };
                None
            }
            Token::FragmentStart { .. } => {
                self.held.clear();
                self.bulk = Bulk::FragmentHead;
                None
            }
            Token::Bulk(piece) => self.piece(piece),
            Token::FragmentEnd => {
                let head = std::mem::take(&mut self.held);
                let mut found = None;
                segments::segments(&head, |segment| found = found.or_else(|| self.unknown(segment)));
                found
            }
            _ => None,
        }
    }

    fn piece(&mut self, piece: &[u8]) -> Option<FindingKind> {
        match self.bulk {
            Bulk::Skip => None,
            Bulk::FragmentHead => {
                let room = FRAGMENT_HEAD.saturating_sub(self.held.len()).min(piece.len());
                self.held.extend_from_slice(piece.get(..room).unwrap_or_default());
                None
            }
            Bulk::Raw => {
                self.held.extend_from_slice(piece);
                let found = self.terms.in_bytes(&self.held);
                self.held.drain(..self.held.len().saturating_sub(SEAM));
                found
            }
        }
    }

    /// One value, by the table of DI-52.
    fn value(&self, tag: Tag, vr: VR, value: &[u8]) -> Option<FindingKind> {
        let plain = || String::from_utf8_lossy(value);
        let each = |search: &dyn Fn(&str) -> Option<FindingKind>| {
            plain().split('\\').find_map(|part| search(part.trim_matches([' ', '\0'])))
        };
        match vr {
            VR::AE | VR::CS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT => {
                self.text(vr, value)
            }
            VR::AS | VR::DA | VR::DT | VR::TM if self.retains_dates() && tag != BIRTH_DATE => None,
            VR::AS | VR::DA | VR::DT | VR::TM => each(&|part| self.terms.in_date(part)),
            VR::UI if self.retains_uid(tag) => None,
            VR::UI => self
                .terms
                .uid_in(value)
                .or_else(|| each(&|part| part.split('.').find_map(|number| self.terms.in_number(number)))),
            VR::DS | VR::IS => self.terms.uid_in(value).or_else(|| each(&|part| self.terms.in_number(part))),
            VR::OB | VR::OW | VR::UN => self.unknown(value),
            _ => None,
        }
    }

    /// A retained date may be the birth date of a new-born; a moved one may fall on any day.
    fn retains_dates(&self) -> bool {
        self.retained.has(DeidentificationOption::RetainLongitudinalFullDates)
            || self.retained.has(DeidentificationOption::RetainLongitudinalModifiedDates)
    }

    fn retains_uid(&self, tag: Tag) -> bool {
        self.retained.has(DeidentificationOption::RetainUids)
            || self.retained.has(DeidentificationOption::RetainDeviceIdentity) && DEVICE_UIDS.contains(&tag)
    }

    /// Text in the declared character set, and in those that it may really be in.
    fn text(&self, vr: VR, value: &[u8]) -> Option<FindingKind> {
        let is_name = vr == VR::PN;
        let look = |text: &str| text.split('\\').find_map(|part| self.terms.in_text(part, is_name));
        if let Ok(text) = std::str::from_utf8(value)
            && text.is_ascii()
            && !value.contains(&0x1B)
        {
            return look(text);
        }
        let latin: String = value.iter().map(|byte| char::from(*byte)).collect();
        look(&self.set.decode(vr, value))
            .or_else(|| look(&String::from_utf8_lossy(value)))
            .or_else(|| look(&latin))
            .or_else(|| self.terms.in_bytes(value))
    }

    /// Bytes that may be anything: long terms as bytes, and all terms where the whole reads as text.
    fn unknown(&self, value: &[u8]) -> Option<FindingKind> {
        let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..);
        let body = value.strip_suffix(&[0]).unwrap_or(value);
        let is_text = !body.is_empty() && body.iter().all(printable);
        self.terms.in_bytes(value).or_else(|| if is_text { self.text(VR::UT, body) } else { None })
    }
}
