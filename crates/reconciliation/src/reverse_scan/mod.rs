//! The reverse scan (RR-9): no code, no pseudonym UID, no shifted date is left in what goes to the clinical PACS. A finding means: do
//! not return. Written apart from the walk that maps, so that a mistake in one does not hide in the other.

mod terms;

use std::collections::BTreeSet;
use std::io::Read;

use dicom_stream::charset::uses_character_set;
use dicom_stream::text::{trim_uid, yyyymmdd};
use dicom_stream::{ElementPath, Limits, SourceError, Tag, TransferSyntax, VR};
use serde::Serialize;

use crate::attribute::{ENCAPSULATED_DOCUMENT, PIXEL_GROUP, SOP_CLASS_UID, is_identity};
use crate::clinical_document::{self, ClinicalDocument, is_clinical_document, unpadded};
use crate::report::NotInspected;
use crate::visit::{Element, Visitor, visit};

pub use terms::Pseudonyms;
pub(crate) use terms::{shows_code, shows_date};

/// What kind of pseudonym was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The code.
    Code,
    /// A pseudonym UID, alone or as the root of a longer one.
    Uid,
    /// A shifted date.
    Date,
}

/// A pseudonym that is still there. It tells the place and the kind, never the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The element.
    pub path: ElementPath,
    /// What was found there.
    pub kind: FindingKind,
}

/// Result of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// What was found, at most [`Scan::FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// What was not searched: pixels and bodies of documents (the exception of AC8.10).
    pub not_searched: BTreeSet<NotInspected>,
}

impl Scan {
    /// Findings that are listed; one is enough to hold the object.
    pub const FINDINGS_MAX: usize = 1000;
}

/// Searches one data set as it would be returned.
///
/// # Errors
/// [`SourceError`]: the output cannot be read; do not return it.
pub fn reverse_scan<R: Read>(
    output: R,
    syntax: &TransferSyntax,
    limits: Limits,
    pseudonyms: &Pseudonyms,
) -> Result<Scan, SourceError> {
    let mut search = Search {
        pseudonyms,
        scan: Scan::default(),
        is_clinical_document: false,
        bulk: None,
        held: Vec::new(),
    };
    visit(output, syntax, limits, &mut search)?;
    Ok(search.scan)
}

/// Bytes of a bulk value that are searched together with the next piece, so that nothing hides at the seam.
const SEAM: usize = 1 << 10;

struct Search<'a> {
    pseudonyms: &'a Pseudonyms,
    scan: Scan,
    is_clinical_document: bool,
    /// Where the bulk that is searched stands.
    bulk: Option<ElementPath>,
    held: Vec<u8>,
}

impl Visitor for Search<'_> {
    fn value(&mut self, element: &Element<'_>, value: &[u8]) {
        let is_body = element.is_root() && element.tag == ENCAPSULATED_DOCUMENT;
        if element.is_root() && element.tag == SOP_CLASS_UID {
            self.is_clinical_document = is_clinical_document(&String::from_utf8_lossy(trim_uid(value)));
        }
        if is_body && !self.is_clinical_document {
            self.scan.not_searched.insert(NotInspected::DocumentBody);
            return;
        }
        let kinds = if is_body { self.in_clinical_document(value) } else { self.kinds(element, value) };
        for kind in kinds {
            self.found(ElementPath::nested(element.sequences.to_vec(), element.tag), kind);
        }
    }

    fn bulk(&mut self, element: &Element<'_>) {
        self.held.clear();
        self.bulk = None;
        match element.tag {
            Tag(PIXEL_GROUP, _) => _ = self.scan.not_searched.insert(NotInspected::Pixels),
            ENCAPSULATED_DOCUMENT => _ = self.scan.not_searched.insert(NotInspected::DocumentBody),
            tag => self.bulk = Some(ElementPath::nested(element.sequences.to_vec(), tag)),
        }
    }

    fn piece(&mut self, piece: &[u8]) {
        let Some(path) = self.bulk.clone() else { return };
        self.held.extend_from_slice(piece);
        for kind in self.pseudonyms.in_bytes(&self.held) {
            self.found(path.clone(), kind);
        }
        self.held.drain(..self.held.len().saturating_sub(SEAM));
    }
}

impl Search<'_> {
    fn found(&mut self, path: ElementPath, kind: FindingKind) {
        let finding = Finding { path, kind };
        if self.scan.findings.len() < Scan::FINDINGS_MAX && self.scan.findings.last() != Some(&finding) {
            self.scan.findings.push(finding);
        }
    }

    /// Everything that is text in a clinical document, as it is written and as a reader sees it.
    fn in_clinical_document(&mut self, body: &[u8]) -> BTreeSet<FindingKind> {
        let body = unpadded(body);
        if ClinicalDocument::read(body).is_none_or(|document| document.has_opaque_parts) {
            self.scan.not_searched.insert(NotInspected::DocumentBody);
        }
        let written = String::from_utf8_lossy(body);
        let mut kinds = self.pseudonyms.in_bytes(body);
        kinds.extend(self.pseudonyms.in_text(&written));
        if let Some(seen) = clinical_document::text(&written) {
            kinds.extend(self.pseudonyms.in_text(&seen));
        }
        kinds
    }

    fn kinds(&self, element: &Element<'_>, value: &[u8]) -> BTreeSet<FindingKind> {
        let pseudonyms = self.pseudonyms;
        // what the own record wrote is true, even where it equals a shifted date by chance
        let is_own = is_identity(element.sequences.first().map_or(element.tag, |(tag, _)| *tag));
        let mut kinds = match element.vr {
            VR::DA | VR::DT => {
                let parts = value.split(|byte| *byte == b'\\').filter_map(yyyymmdd);
                let is_shifted = parts.into_iter().any(|day| pseudonyms.is_shifted(day));
                let mut kinds = pseudonyms.in_bytes(value);
                if is_shifted {
                    kinds.insert(FindingKind::Date);
                }
                kinds
            }
            VR::IS | VR::DS => pseudonyms.in_number(value),
            vr if uses_character_set(vr) || matches!(vr, VR::AE | VR::CS | VR::UR | VR::AS | VR::TM) => {
                let mut kinds = pseudonyms.in_text(&element.sets.current().decode(vr, value));
                if !value.is_ascii() || value.contains(&0x1B) {
                    kinds.extend(pseudonyms.in_text(&String::from_utf8_lossy(value)));
                }
                kinds.extend(pseudonyms.in_bytes(value));
                kinds
            }
            VR::UI => pseudonyms.in_bytes(value),
            // whatever it should be: the value of a sequence that is none shows what stands in it, too
            _ => {
                let mut kinds = pseudonyms.in_bytes(value);
                let body = value.strip_suffix(&[0]).unwrap_or(value);
                if !body.is_empty()
                    && body.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..))
                {
                    kinds.extend(pseudonyms.in_text(&String::from_utf8_lossy(body)));
                }
                kinds
            }
        };
        if is_own {
            kinds.remove(&FindingKind::Date);
        }
        kinds
    }
}
