//! What a recogniser of text is, and what it finds.

use crate::grey::GreyImage;
use crate::shape::Rectangle;

/// Why nothing is known about the texts of an image: hold the instance, it was not inspected.
#[derive(Debug, thiserror::Error)]
pub enum RecogniserError {
    /// The recogniser is not there; the text says what to install.
    #[error("{0}")]
    NotInstalled(String),
    /// It took longer than it may: hold the instance.
    #[error("text recognition took longer than {0} s: hold the instance, or raise the limit")]
    TimedOut(u64),
    /// It wrote more than it may: hold the instance.
    #[error("text recognition gave more output than allowed: hold the instance")]
    TooMuchOutput,
    /// It ended with an error: hold the instance.
    #[error("text recognition failed ({0}): hold the instance")]
    Failed(&'static str),
    /// The image cannot be inspected: hold the instance.
    #[error(transparent)]
    Image(#[from] crate::grey::ImageError),
    /// The system refused to start it or to talk to it.
    #[error("text recognition could not be run: {0}")]
    Io(#[from] std::io::Error),
}

/// A text that was found, in pixels of the image.
#[derive(Clone, PartialEq)]
pub struct TextBox {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// What was read; often wrong in single characters.
    pub text: String,
    /// How sure the recogniser is, 0 to 100.
    pub confidence: f32,
}

impl std::fmt::Debug for TextBox {
    // The text may be an identity.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { x, y, width, height, confidence, .. } = self;
        write!(formatter, "TextBox({x}, {y}, {width} × {height}, confidence {confidence})")
    }
}

impl TextBox {
    /// The rectangle to blacken: the box and a margin of two pixels and a quarter of its height, because recognisers cut glyphs close.
    pub fn to_mask(&self) -> Rectangle {
        Rectangle::around(self.x, self.y, self.width, self.height, 2 + self.height / 4)
    }

    /// At least two letters or digits, read with a confidence of 60 or more. What is less is mostly noise and edges of anatomy.
    pub fn is_readable(&self) -> bool {
        self.confidence >= 60.0 && self.text.chars().filter(|c| c.is_alphanumeric()).count() >= 2
    }
}

/// Finds text in an image. Calls block; several may run at once.
pub trait TextRecogniser: Send + Sync {
    /// Name and version, for reports.
    fn name(&self) -> &str;

    /// All texts of the image, in no order.
    ///
    /// # Errors
    /// [`RecogniserError`]: the image was not inspected.
    fn recognise(&self, image: &GreyImage) -> Result<Vec<TextBox>, RecogniserError>;
}
