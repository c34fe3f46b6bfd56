//! Text on a page, whichever way it is turned: scanners turn pages, and people write along margins.

use std::time::Duration;

use pixel::recognise::{TextBox, lines};
use pixel::renderings::renderings_of_page;
use pixel::{GreyImage, RecogniserError, Rectangle, TextRecogniser};

use crate::pixels::{TextPolicy, counts, is_in};
use crate::text_clean::TextCleaner;

/// What is looked for on the pages of one document.
pub(super) struct Pages<'a> {
    pub(super) policy: TextPolicy,
    pub(super) cleaner: &'a TextCleaner<'a>,
    pub(super) recogniser: &'a dyn TextRecogniser,
    /// Time that is left for recognition.
    pub(super) left: Duration,
}

impl Pages<'_> {
    /// Whether a text on the page counts: as it lies in each of its renderings, then turned by one, two and three quarters.
    ///
    /// Text that lies upright is read in a turned page, too, as words that nobody knows: where something was read for sure, no other reading counts,
    /// unless it resembles the patient.
    pub(super) fn has_text(&mut self, page: &GreyImage) -> Result<bool, RecogniserError> {
        let mut images = renderings_of_page(page)?;
        let mut upright: Vec<Rectangle> = Vec::new();
        for quarters in 0..4_u8 {
            for image in &mut images {
                if quarters > 0 {
                    *image = image.turned();
                }
                let words = self.recogniser.recognise(image, &mut self.left)?;
                if quarters == 0 {
                    let sure: Vec<TextBox> =
                        words.iter().filter(|word| word.is_readable()).cloned().collect();
                    upright.extend(lines(&sure));
                }
                if self.any_counts(&words, |word| quarters > 0 && lies_in(&upright, word, page, quarters)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// `is_echo`: whether a word is text that was read before, turned.
    fn any_counts(&self, words: &[TextBox], is_echo: impl Fn(&TextBox) -> bool) -> bool {
        let known: Vec<TextBox> = words.iter().filter(|word| !is_echo(word)).cloned().collect();
        let counted = |policy, words: &[TextBox]| {
            lines(words).iter().any(|line| {
                let mut of_line: Vec<&TextBox> = words.iter().filter(|word| is_in(word, line)).collect();
                of_line.sort_by_key(|word| word.x);
                counts(policy, self.cleaner, &of_line)
            })
        };
        counted(TextPolicy::Identity, words) || counted(self.policy, &known)
    }
}

/// Whether the middle of a word of the page, turned so many quarters clockwise, lies in one of these areas of the page.
fn lies_in(areas: &[Rectangle], word: &TextBox, page: &GreyImage, quarters: u8) -> bool {
    let (x, y) = (word.x.saturating_add(word.width / 2), word.y.saturating_add(word.height / 2));
    let (right, bottom) = (page.width().saturating_sub(1), page.height().saturating_sub(1));
    let (column, row) = match quarters {
        1 => (y, bottom.saturating_sub(x)),
        2 => (right.saturating_sub(x), bottom.saturating_sub(y)),
        _ => (right.saturating_sub(y), x),
    };
    areas
        .iter()
        .any(|area| (area.left..=area.right).contains(&column) && (area.top..=area.bottom).contains(&row))
}
