//! Text in an encapsulated document that leaves: what it says it has, and what is read of its pages (DI-52).

use std::io::{Read, Seek};

use dicom_core::Tag;
use dicom_stream::{ElementPath, Limits, Token, TokenSource, TransferSyntax};
use pixel::recognise::TIME_PER_OBJECT;
use pixel::renderings::renderings_of_page;
use pixel::{DocumentRenderer, TextRecogniser};

use super::pixel_text::pixels;
use super::{Finding, Verifier, VerifyError};

pub(super) const ENCAPSULATED_DOCUMENT: Tag = Tag(0x0042, 0x0011);
/// Bytes of a document that is read again.
const MOST: usize = 256 << 20;

impl Verifier {
    /// Renders the document of an object as it leaves, and reads it for this identity alone. For documents whose pages were kept.
    ///
    /// # Errors
    /// [`VerifyError::Source`], [`VerifyError::Pixels`]: nobody knows what is in it, so the object must not leave.
    pub fn verify_document<R: Read + Seek>(
        &self,
        input: R,
        syntax: &TransferSyntax,
        limits: Limits,
        recogniser: &dyn TextRecogniser,
        renderer: &dyn DocumentRenderer,
    ) -> Result<Option<Finding>, VerifyError> {
        let document = document(input, syntax, limits)?;
        let text = renderer.text(&document).map_err(pixels)?;
        let mut left = TIME_PER_OBJECT;
        let mut found = text.lines().find_map(|line| self.verify_text(line));
        for page in renderer.pages(&document).map_err(pixels)? {
            // every way up; faint text as it lies
            let turned = std::iter::successors(Some(page.clone()), |page| Some(page.turned())).take(4);
            let faint = renderings_of_page(&page).map_err(pixels)?.into_iter().skip(1);
            for image in turned.chain(faint) {
                if found.is_none() {
                    found = self.in_image(&image, recogniser, &mut left)?;
                }
            }
        }
        Ok(found.map(|kind| Finding { path: ElementPath::root(ENCAPSULATED_DOCUMENT), kind }))
    }
}

/// The body of an object as it leaves.
pub(super) fn document<R: Read + Seek>(
    input: R,
    syntax: &TransferSyntax,
    limits: Limits,
) -> Result<Vec<u8>, VerifyError> {
    let mut tokens = TokenSource::skimming(input, syntax, limits)?;
    let (mut document, mut is_here) = (Vec::new(), false);
    while let Some(token) = tokens.next_token()? {
        match token {
            Token::Value { header, value } if header.tag == ENCAPSULATED_DOCUMENT => {
                document.extend_from_slice(value);
            }
            Token::BulkStart { header } => is_here = header.tag == ENCAPSULATED_DOCUMENT,
            Token::Bulk(piece) if is_here => document.extend_from_slice(piece),
            _ => {}
        }
        if document.len() > MOST {
            return Err(pixels("the document is too large"));
        }
    }
    Ok(document)
}
