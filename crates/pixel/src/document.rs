//! What makes images and text of a document.

use crate::grey::GreyImage;

/// Why nothing is known of a document: hold the instance.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DocumentError(pub String);

/// Renders PDF documents. Calls block; several may run at once.
pub trait DocumentRenderer: Send + Sync {
    /// All pages, in order, as they are printed.
    ///
    /// # Errors
    /// [`DocumentError`]: nobody has seen the document.
    fn pages(&self, document: &[u8]) -> Result<Vec<GreyImage>, DocumentError>;

    /// The text that the document says it has, also where it cannot be seen; UTF-8.
    ///
    /// # Errors
    /// [`DocumentError`].
    fn text(&self, document: &[u8]) -> Result<String, DocumentError>;
}
