//! What came out, read back.

use dicom_stream::{ElementPath, Limits, SourceError, Tag, Token, TokenSource, TransferSyntax, VR};

/// A value of an output.
pub struct Found {
    pub path: ElementPath,
    pub tag: Tag,
    pub vr: VR,
    pub value: Vec<u8>,
}

impl Found {
    /// Whether the element or a sequence around it is private.
    pub fn is_private(&self) -> bool {
        let around = self.path.sequences().iter().map(|(tag, _)| *tag);
        around.chain([self.tag]).any(|tag| tag.group() % 2 == 1)
    }

    pub fn is_root(&self) -> bool {
        self.path.sequences().is_empty()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.value).trim_end_matches([' ', '\0']).to_owned()
    }
}

/// Every value and every sequence, bulk values whole.
pub fn elements(bytes: &[u8], syntax: &TransferSyntax) -> Result<Vec<Found>, SourceError> {
    let mut tokens = TokenSource::new(bytes, syntax, Limits::INSTANCE, Some(bytes.len() as u64));
    let mut found: Vec<Found> = Vec::new();
    while let Some(token) = tokens.next_token()? {
        let (tag, vr, value) = match token {
            Token::Value { header, value } => (header.tag, header.vr, value.to_vec()),
            Token::BulkStart { header }
            | Token::SequenceStart { header }
            | Token::FragmentsStart { header } => (header.tag, header.vr, Vec::new()),
            Token::Bulk(piece) => {
                found.last_mut().unwrap().value.extend_from_slice(piece);
                continue;
            }
            _ => continue,
        };
        found.push(Found { path: tokens.path(), tag, vr, value });
    }
    Ok(found)
}

/// The text of an element of the main data set.
pub fn root(found: &[Found], tag: Tag) -> Option<String> {
    found.iter().find(|one| one.is_root() && one.tag == tag).map(Found::text)
}

/// Whether `needle` is in there, in whatever case.
pub fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}
