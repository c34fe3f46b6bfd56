//! Encapsulated CDA documents (HL7 CDA R2) that are made anew (AC2.8): a header that says whose code it is and what kind of document, and
//! the narrative of its sections without what identifies.
//!
//! What leaves is not the document with parts blackened but another one, of the few things that are known: everything else stays behind, and
//! a narrative that is not understood holds the document.

mod body;
mod header;
mod judge;
mod narrative;
mod people;
mod tree;
mod written;

use std::io::{Read, Seek};

use dicom_stream::{Limits, SourceError, TokenSource, TransferSyntax};

use crate::deidentify::PseudonymSource;
use crate::document_inspection::{DocumentInspection, DocumentKept, body_of};
use crate::option::{DeidentificationOption, OptionSet};
use crate::profile::CompiledProfile;
use crate::report::DocumentReport;
use crate::text_clean::TextCleaner;
use crate::verify::Identity;
use judge::Judge;
pub(crate) use people::add_people;
use written::Written;

/// Encapsulated CDA Storage (PS3.4 Table B.5-1).
pub const CDA_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.104.2";
/// Bytes of a document that is read.
pub(crate) const CLINICAL_DOCUMENT_MAX: usize = 4 << 20;

/// A part of the new document, or why it is held. No word of the document is in it.
type Made<T> = Result<T, &'static str>;

/// Makes the document of one original anew. Whom its header names goes from its text, whether `cleaner` knows them or not.
///
/// # Errors
/// Any [`SourceError`]: the object cannot be read.
pub fn inspect_clinical_document<R: Read + Seek>(
    profile: &CompiledProfile,
    cleaner: &TextCleaner<'_>,
    source: &dyn PseudonymSource,
    syntax: &TransferSyntax,
    limits: Limits,
    input: R,
) -> Result<DocumentInspection, SourceError> {
    let held = |why: &str| Ok(DocumentInspection::Held(why.to_owned()));
    if !profile.options().has(DeidentificationOption::CleanPixelData) {
        return held(
            "documents are inspected with the option Clean Pixel Data, which the profile does not have",
        );
    }
    let tokens = TokenSource::skimming(input, syntax, limits)?;
    let Some(original) = body_of(tokens, CLINICAL_DOCUMENT_MAX)? else {
        return held("no clinical document, or one of more than 4 MiB");
    };
    let mut people = Identity::default();
    add_people(&original, &mut people);
    let Ok(of_people) = profile.cleaner(&people) else {
        return held("the header of the document names too many people");
    };
    let maker = Maker {
        options: profile.options(),
        source,
        judge: Judge::new(&profile.profile.pixels, [cleaner, &of_people]),
        out: Written::new(),
        sections: 0,
        left_out: 0,
    };
    match maker.document(&original) {
        Ok(kept) => Ok(DocumentInspection::Kept(kept)),
        Err(why) => held(why),
    }
}

/// The new document so far.
struct Maker<'a> {
    options: OptionSet,
    source: &'a dyn PseudonymSource,
    judge: Judge<'a>,
    out: Written,
    sections: usize,
    /// Entries and pictures of sections that are not in it.
    left_out: usize,
}

impl Maker<'_> {
    fn document(mut self, original: &[u8]) -> Made<DocumentKept> {
        let original = tree::read(original)?;
        self.out.start("ClinicalDocument", &[("xmlns", "urn:hl7-org:v3")]);
        self.header(&original)?;
        self.body(&original)?;
        self.out.end("ClinicalDocument");
        let report = DocumentReport::Clinical {
            sections: self.sections,
            cuts: self.judge.cuts,
            left_out: self.left_out,
        };
        Ok(DocumentKept::new(self.out.finish(), report))
    }
}
