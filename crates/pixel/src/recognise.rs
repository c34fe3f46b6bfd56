//! What a recogniser of text is, and what it finds.

use std::time::Duration;

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
    /// At least two letters or digits, read with a confidence of 60 or more. What is less is mostly noise and edges of anatomy.
    pub fn is_readable(&self) -> bool {
        self.confidence >= 60.0 && self.text.chars().filter(|c| c.is_alphanumeric()).count() >= 2
    }
}

/// The rectangles to blacken: words of one line that stand close to each other are covered together, so that a word between them that
/// was not found goes as well. Words share a line when they overlap by half of the lower one's height; they stand close when no more
/// than the height and a quarter lies between them.
pub fn lines(words: &[TextBox]) -> Vec<Rectangle> {
    let mut words: Vec<Rectangle> =
        words.iter().map(|word| Rectangle::around(word.x, word.y, word.width, word.height, 0)).collect();
    words.sort_by_key(|word| word.left);
    let mut lines: Vec<Rectangle> = Vec::new();
    for word in words {
        match lines.iter_mut().rev().find(|line| continues(line, &word)) {
            Some(line) => {
                *line = Rectangle {
                    left: line.left,
                    top: line.top.min(word.top),
                    right: line.right.max(word.right),
                    bottom: line.bottom.max(word.bottom),
                };
            }
            None => lines.push(word),
        }
    }
    lines
}

/// Whether the word, which does not start before the line, belongs to it.
fn continues(line: &Rectangle, word: &Rectangle) -> bool {
    let height = |area: &Rectangle| area.bottom - area.top + 1;
    let lower = height(line).min(height(word));
    let shared = (line.bottom.min(word.bottom) + 1).saturating_sub(line.top.max(word.top));
    // Of very different heights one is no word of the other's line.
    let alike = height(line).max(height(word)) <= 2 * lower;
    alike && shared * 2 >= lower && word.left <= line.right.saturating_add(height(line) + height(line) / 4)
}

/// The most time for recognition in all frames of one object: an object that takes longer is held.
pub const TIME_PER_OBJECT: Duration = Duration::from_secs(15 * 60);

/// Finds text in an image. Calls block; several may run at once.
pub trait TextRecogniser: Send + Sync {
    /// Name and version, for reports.
    fn name(&self) -> &str;

    /// All texts of the image, word by word, in no order. The boxes cover whole glyphs; [`lines`] makes rectangles to blacken of them.
    ///
    /// `left` is the time that is left for the object; what was used is taken off, waiting for others not counted.
    ///
    /// # Errors
    /// [`RecogniserError`]: the image was not inspected. Without time left it is [`RecogniserError::TimedOut`].
    fn recognise(&self, image: &GreyImage, left: &mut Duration) -> Result<Vec<TextBox>, RecogniserError>;
}
