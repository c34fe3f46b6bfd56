//! The encrypted content of one object, for the caller to decrypt.

use std::fmt;
use std::io::Read;

use dicom_stream::text::trim_uid;
use dicom_stream::{Limits, Tag, TransferSyntax};

use super::EncryptedAttributesError;
use crate::attribute::ENCRYPTED_ATTRIBUTES;
use crate::survey::LIMITS;
use crate::visit::{Element, Visitor, visit};

/// Encrypted Content Transfer Syntax UID.
const TRANSFER_SYNTAX: Tag = Tag(0x0400, 0x0510);
/// Encrypted Content.
const CONTENT: Tag = Tag(0x0400, 0x0520);

/// One item of (0400,0500).
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedContent {
    /// Encrypted Content Transfer Syntax UID (0400,0510), without padding.
    pub transfer_syntax: String,
    /// Encrypted Content (0400,0520): enveloped data (RFC 5652, 6) in DER, with its padding.
    pub content: Vec<u8>,
}

impl EncryptedContent {
    /// Items of one object: one for each group of recipients (PS3.3 C.12.1.1.4).
    pub const ITEMS_MAX: usize = 8;
    /// Bytes of one content, and of what it may hide: the attributes of a patient need a few thousand.
    pub const BYTES_MAX: usize = 1 << 20;
}

/// What the main data set has in (0400,0500).
///
/// # Errors
/// [`EncryptedAttributesError::Source`], [`EncryptedAttributesError::NoContent`], [`EncryptedAttributesError::TooMuch`].
pub fn encrypted_contents<R: Read>(
    input: R,
    syntax: &TransferSyntax,
) -> Result<Vec<EncryptedContent>, EncryptedAttributesError> {
    let mut items = Items::default();
    visit(input, syntax, Limits { value: EncryptedContent::BYTES_MAX, ..LIMITS }, &mut items)?;
    if let Some(error) = items.failed {
        return Err(error);
    }
    let whole = items.items.into_iter().map(|item| {
        let transfer_syntax = item.transfer_syntax?;
        Some(EncryptedContent { transfer_syntax, content: item.content? })
    });
    let contents: Option<Vec<EncryptedContent>> = whole.collect();
    contents.filter(|contents| !contents.is_empty()).ok_or(EncryptedAttributesError::NoContent)
}

#[derive(Default)]
struct Items {
    items: Vec<Item>,
    failed: Option<EncryptedAttributesError>,
}

#[derive(Default)]
struct Item {
    number: u32,
    transfer_syntax: Option<String>,
    content: Option<Vec<u8>>,
}

impl Visitor for Items {
    fn value(&mut self, element: &Element<'_>, value: &[u8]) {
        let [(ENCRYPTED_ATTRIBUTES, number)] = *element.sequences else { return };
        if self.items.last().is_none_or(|item| item.number != number) {
            if self.items.len() >= EncryptedContent::ITEMS_MAX {
                let limit = EncryptedContent::ITEMS_MAX;
                return self.fail(EncryptedAttributesError::TooMuch { what: "items", limit });
            }
            self.items.push(Item { number, ..Item::default() });
        }
        let Some(item) = self.items.last_mut() else { return };
        // an element that stands twice, or a second sequence: which one counts is not ours to say
        let is_twice = match element.tag {
            TRANSFER_SYNTAX => {
                let uid = String::from_utf8_lossy(trim_uid(value)).into_owned();
                item.transfer_syntax.replace(uid).is_some()
            }
            CONTENT => item.content.replace(value.to_vec()).is_some(),
            _ => false,
        };
        if is_twice {
            self.fail(EncryptedAttributesError::NoContent);
        }
    }

    fn bulk(&mut self, element: &Element<'_>) {
        let is_of_them = element.tag == ENCRYPTED_ATTRIBUTES
            || element.sequences.iter().any(|(tag, _)| *tag == ENCRYPTED_ATTRIBUTES);
        if is_of_them {
            let limit = EncryptedContent::BYTES_MAX;
            self.fail(EncryptedAttributesError::TooMuch { what: "bytes of encrypted content", limit });
        }
    }
}

impl Items {
    fn fail(&mut self, error: EncryptedAttributesError) {
        self.failed.get_or_insert(error);
    }
}

impl fmt::Debug for EncryptedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedContent({} bytes)", self.content.len())
    }
}
