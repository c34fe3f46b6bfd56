//! Encrypted Attributes Sequence (0400,0500): a second way back (PS3.15 E.1.2), held against our own (RC-15, docs/adr/0012). A check, never a source:
//! nothing that is read here is written into an object. Decryption is the caller's.

mod content;
mod left_out;
mod modified;

use dicom_stream::{ElementPath, SourceError};
use thiserror::Error;

use crate::attribute::ENCRYPTED_ATTRIBUTES;
use crate::visit::Element;

pub use content::{EncryptedContent, encrypted_contents};
pub use left_out::without_encrypted_attributes;
pub use modified::ModifiedAttributes;

/// Where an object has Encrypted Attributes (0400,0500).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EncryptedAttributes {
    /// Nowhere.
    Absent,
    /// In the main data set, where PS3.3 C.12.1 has them.
    Main,
    /// Inside of items too, or as something that cannot be read as a sequence: nobody opens them.
    Elsewhere,
}

impl EncryptedAttributes {
    pub(crate) fn at(element: &Element<'_>) -> Self {
        let is_around = element.sequences.iter().any(|(tag, _)| *tag == ENCRYPTED_ATTRIBUTES);
        match element.sequences {
            _ if element.tag == ENCRYPTED_ATTRIBUTES => Self::Elsewhere,
            [(ENCRYPTED_ATTRIBUTES, _)] => Self::Main,
            _ if is_around => Self::Elsewhere,
            _ => Self::Absent,
        }
    }
}

/// Why Encrypted Attributes do not confirm an own record: hand the set to a person. Says no value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncryptedAttributesError {
    /// The object cannot be read: retry on I/O errors.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An item without one content and its transfer syntax, or no item at all.
    #[error("no encrypted content that can be read")]
    NoContent,
    /// More than is opened.
    #[error("more than {limit} {what}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// The limit in force.
        limit: usize,
    },
    /// The plain text is something else: the wrong key may have made it.
    #[error("the plain text is not one item of modified attributes in its transfer syntax")]
    NotOneItem,
    /// Patient ID (0010,0020) is not among them, is empty, or was not received.
    #[error("no patient id to compare")]
    NoPatientId,
    /// Another value than in the own record.
    #[error("{0} has another value in the own record")]
    Differs(ElementPath),
    /// A UID that no object of the participant had.
    #[error("a UID that is not the original of an issued one")]
    UnknownUid,
}
