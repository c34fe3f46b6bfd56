//! Encapsulated PDF documents whose pages are looked at (AC2.8): rendered, read as pixels at risk are, and written anew. Clinical documents
//! are made anew by [`crate::clinical_document`].
//!
//! What leaves is not the document but its pages as images: a PDF has text that is not seen, earlier versions of itself, attachments,
//! forms, scripts and metadata, none of which a look at its pages judges.

mod images;
mod pages;

use std::io::{Read, Seek};
use std::sync::Arc;

use dicom_core::Tag;
use dicom_stream::{Limits, SourceError, Token, TokenSource, TransferSyntax};
use pixel::recognise::{TIME_PER_OBJECT, TextBox};
use pixel::{DocumentRenderer, GreyImage, TextRecogniser};

use crate::option::DeidentificationOption;
use crate::pixels::{TextPolicy, counts};
use crate::profile::CompiledProfile;
use crate::report::DocumentReport;
use crate::text_clean::TextCleaner;
use pages::Pages;

/// Encapsulated PDF Storage (PS3.4 Table B.5-1).
pub const PDF_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.104.1";
pub(crate) const ENCAPSULATED_DOCUMENT: Tag = Tag(0x0042, 0x0011);
/// Bytes of a document that is inspected.
const DOCUMENT_MAX: usize = 64 << 20;

/// What became of a document.
#[derive(Debug)]
pub enum DocumentInspection {
    /// It may leave as the document that was made of it.
    Kept(DocumentKept),
    /// It must not leave without a person's decision: why.
    Held(String),
}

/// A document that takes the place of an inspected one.
#[derive(Clone)]
pub struct DocumentKept {
    document: Arc<[u8]>,
    report: DocumentReport,
}

impl std::fmt::Debug for DocumentKept {
    // It may show an identity.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DocumentKept").field("report", &self.report).finish_non_exhaustive()
    }
}

impl DocumentKept {
    pub(crate) fn new(document: Vec<u8>, report: DocumentReport) -> Self {
        Self { document: document.into(), report }
    }

    pub(crate) fn document(&self) -> &[u8] {
        &self.document
    }

    pub(crate) fn report(&self) -> DocumentReport {
        self.report.clone()
    }
}

/// Looks at the document of one original. Any text that counts in its own text or on a page holds it: nothing is masked here.
///
/// # Errors
/// Any [`SourceError`]: the object cannot be read.
pub fn inspect_document<R: Read + Seek>(
    profile: &CompiledProfile,
    cleaner: &TextCleaner<'_>,
    programs: Option<(&dyn TextRecogniser, &dyn DocumentRenderer)>,
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
    let Some((recogniser, renderer)) = programs else {
        return held("documents are inspected with a text recogniser, and there is none");
    };
    let Some(document) = body_of(TokenSource::skimming(input, syntax, limits)?, DOCUMENT_MAX)? else {
        return held("no document that can be inspected, or a larger one");
    };
    let looked = look(profile.profile.pixels.text, cleaner, recogniser, renderer, &document);
    Ok(match looked {
        Ok(pages) => {
            let report =
                DocumentReport::Pages { pages: pages.len(), recogniser: recogniser.name().to_owned() };
            DocumentInspection::Kept(DocumentKept::new(images::document(&pages), report))
        }
        Err(why) => DocumentInspection::Held(why),
    })
}

fn look(
    policy: TextPolicy,
    cleaner: &TextCleaner<'_>,
    recogniser: &dyn TextRecogniser,
    renderer: &dyn DocumentRenderer,
    document: &[u8],
) -> Result<Vec<GreyImage>, String> {
    let text = renderer.text(document).map_err(|error| error.to_string())?;
    let word =
        |text: &str| TextBox { x: 0, y: 0, width: 1, height: 1, text: text.to_owned(), confidence: 100.0 };
    for line in text.lines() {
        let words: Vec<TextBox> = line.split_whitespace().map(word).collect();
        if !words.is_empty() && counts(policy, cleaner, &words.iter().collect::<Vec<_>>()) {
            return Err("text in the document".to_owned());
        }
    }
    let pages = renderer.pages(document).map_err(|error| error.to_string())?;
    let mut looking = Pages { policy, cleaner, recogniser, left: TIME_PER_OBJECT };
    for (number, page) in pages.iter().enumerate() {
        if looking.has_text(page).map_err(|error| error.to_string())? {
            return Err(format!("text on page {} of the document", number + 1));
        }
    }
    Ok(pages)
}

/// The body of the main data set's Encapsulated Document; `None` when there is none, or one of more than `most` bytes.
pub(crate) fn body_of<R: Read + Seek>(
    mut tokens: TokenSource<R>,
    most: usize,
) -> Result<Option<Vec<u8>>, SourceError> {
    let mut found: Option<Vec<u8>> = None;
    let mut is_here = false;
    loop {
        let depth = tokens.depth();
        let Some(token) = tokens.next_token()? else { return Ok(found) };
        match token {
            Token::Value { header, value } if depth == 0 && header.tag == ENCAPSULATED_DOCUMENT => {
                found = Some(value.to_vec());
            }
            Token::BulkStart { header } => {
                is_here = depth == 0 && header.tag == ENCAPSULATED_DOCUMENT;
                match is_here {
                    true if header.length as usize > most => return Ok(None),
                    true => found = Some(Vec::new()),
                    false => tokens.skip_bulk()?,
                }
            }
            Token::Bulk(piece) if is_here => found.get_or_insert_default().extend_from_slice(piece),
            _ => {}
        }
    }
}
