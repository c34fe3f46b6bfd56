//! Frame after frame: decoded, shown to the recogniser, and what it reads judged.

use std::io::{Read, Seek};
use std::time::Duration;

use dicom_core::Tag;
use dicom_stream::{Limits, SourceError, Token, TokenSource};
use pixel::grey::{GreyImage, Palette, Window};
use pixel::recognise::{TIME_PER_OBJECT, TextBox, TextRecogniser, lines};
use pixel::{
    Assembler, Compression, Description, Fill, FrameLimit, Mask, NativeForm, NativeMasker, NativeMaskerError,
    Rectangle, Shape, decode_frame,
};

use super::assemble::frame_of;
use super::behind::has_more_behind;
use super::fit::fitted;
use super::inspect::{Decoded, Inspection, PixelPlan};
use super::policy::TextPolicy;
use crate::deidentify::Object;
use crate::profile::CompiledProfile;
use crate::text_clean::{Cleaned, TextCleaner};

/// Letters and digits of a line from which on it is a text.
const LETTERS_ANY: usize = 2;
/// Letters and digits of a line from which on it counts although no word was read for sure.
const LETTERS_UNREAD: usize = 4;
const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);

/// Why the frames were not looked at.
pub(super) enum NotLooked {
    /// They cannot be told or decoded: no mask can be laid on them either.
    Frames(String),
    /// What stands in them is not known.
    Text(String),
}

impl NotLooked {
    fn frames(error: impl ToString) -> Self {
        Self::Frames(error.to_string())
    }

    fn text(error: impl ToString) -> Self {
        Self::Text(error.to_string())
    }
}

/// Looks at the frames of one object, one after the other, and gathers the mask.
pub(super) struct Looking<'a> {
    pub(super) profile: &'a CompiledProfile,
    pub(super) cleaner: &'a TextCleaner<'a>,
    pub(super) compression: Option<Compression>,
    pub(super) palette: Option<Palette>,
    /// As the object stores it.
    pub(super) window: Option<Window>,
    /// Time that is left for recognition.
    pub(super) left: Duration,
    /// Of a decoded frame.
    pub(super) native: Option<Description>,
    pub(super) description: Description,
    pub(super) mask: Mask,
    pub(super) texts: usize,
    /// Frames read.
    pub(super) frame: u32,
}

/// Confidence and letters of a word that is believed where speckle shows as strokes.
const SURE: f32 = 75.0;
const LETTERS_SURE: usize = 3;

type Looked = Result<(), NotLooked>;

impl Looking<'_> {
    /// Reads the frames one after the other. The inner error says why an object cannot be inspected.
    pub(super) fn frames<R: Read + Seek>(
        &mut self,
        object: &Object<'_>,
        limits: Limits,
        recogniser: Option<&dyn TextRecogniser>,
        input: R,
    ) -> Result<Looked, SourceError> {
        let limit = usize::try_from(FrameLimit::DECODED.0).unwrap_or(usize::MAX);
        let mut assembler = Assembler::new(self.description.frames(), limit);
        let mut tokens = TokenSource::skimming(input, object.transfer_syntax, limits)?;
        let (mut held, mut depth, mut is_here) = (Vec::new(), 0_usize, false);
        while let Some(token) = tokens.next_token()? {
            match token {
                Token::SequenceStart { .. } => depth += 1,
                Token::SequenceEnd { .. } => depth = depth.saturating_sub(1),
                Token::FragmentsStart { header }
                    if depth == 0 && header.tag == PIXEL_DATA && self.compression.is_none() =>
                {
                    return Ok(Err(NotLooked::frames("fragments in a transfer syntax that has none")));
                }
                Token::BulkStart { header } | Token::FragmentsStart { header } => {
                    is_here = depth == 0 && header.tag == PIXEL_DATA;
                    if !is_here && matches!(token, Token::BulkStart { .. }) {
                        tokens.skip_bulk()?;
                        continue;
                    }
                }
                // Short pixel data are no bulk.
                Token::Value { header, value } if depth == 0 && header.tag == PIXEL_DATA => {
                    held.extend_from_slice(value);
                    if let Err(why) = self.native(&mut held, recogniser) {
                        return Ok(Err(why));
                    }
                }
                Token::Bulk(piece) if is_here && self.compression.is_none() => {
                    held.extend_from_slice(piece);
                    if let Err(why) = self.native(&mut held, recogniser) {
                        return Ok(Err(why));
                    }
                }
                _ => {}
            }
            if is_here && self.compression.is_some() {
                match frame_of(&mut assembler, &token) {
                    Ok(Some(frame)) => {
                        if let Err(why) = self.compressed(&frame, recogniser) {
                            return Ok(Err(why));
                        }
                    }
                    Ok(None) => {}
                    Err(error) => return Ok(Err(NotLooked::frames(error))),
                }
            }
            if self.is_enough(recogniser) {
                return Ok(Ok(()));
            }
        }
        let missing = self.frame < self.description.frames();
        Ok(if missing { Err(NotLooked::frames("pixel data: frames are missing")) } else { Ok(()) })
    }

    /// Without a recogniser the first frame tells all.
    fn is_enough(&self, recogniser: Option<&dyn TextRecogniser>) -> bool {
        recogniser.is_none() && (self.compression.is_none() || self.frame > 0)
    }

    fn native(&mut self, held: &mut Vec<u8>, recogniser: Option<&dyn TextRecogniser>) -> Looked {
        let Some(recogniser) = recogniser else { return Ok(()) };
        if self.description.bits_allocated() < 8 {
            return Err(NotLooked::text("single-bit frames cannot be inspected"));
        }
        let size = self.description.frame_bytes();
        let Some(size) = usize::try_from(size).ok().filter(|size| *size as u64 <= FrameLimit::DECODED.0)
        else {
            return Err(NotLooked::text("a frame is too large to be inspected"));
        };
        if self.frame >= self.description.frames() {
            held.clear();
        }
        while held.len() >= size && self.frame < self.description.frames() {
            let rest = held.split_off(size);
            let frame = std::mem::replace(held, rest);
            self.look(&self.description.clone(), frame, recogniser)?;
        }
        Ok(())
    }

    fn compressed(&mut self, frame: &[u8], recogniser: Option<&dyn TextRecogniser>) -> Looked {
        let Some(compression) = self.compression else { return Ok(()) };
        if !self.is_sampled() {
            self.frame += 1;
            return Ok(());
        }
        if has_more_behind(frame, compression) {
            return Err(NotLooked::frames("a compressed frame holds more than one image"));
        }
        let decoded = decode_frame(frame, &self.description, compression).map_err(NotLooked::frames)?;
        self.native.get_or_insert_with(|| decoded.description.clone());
        match recogniser {
            Some(recogniser) => self.look(&decoded.description, decoded.samples, recogniser),
            None => {
                self.frame += 1;
                Ok(())
            }
        }
    }

    /// Whether the frame is one of those that the profile wants to be looked at.
    fn is_sampled(&self) -> bool {
        let (most, frames) = (self.profile.profile.pixels.frames, self.description.frames());
        most == 0 || frames <= most || self.frame.is_multiple_of(frames.div_ceil(most).max(1))
    }

    /// Looks at one native frame; text that counts is added to the mask.
    fn look(
        &mut self,
        description: &Description,
        mut frame: Vec<u8>,
        recogniser: &dyn TextRecogniser,
    ) -> Looked {
        let is_sampled = self.is_sampled();
        self.frame += 1;
        if !is_sampled {
            return Ok(());
        }
        if let Some(masker) = self.masker(description).map_err(NotLooked::frames)? {
            masker.apply(0, &mut frame);
        }
        let images = pixel::renderings(description, &frame, self.window, self.palette.as_ref());
        for (number, image) in images.map_err(NotLooked::text)?.iter().enumerate() {
            // An image that is stretched further shows faint text, and speckle as strokes.
            let is_stretched = number > 0;
            self.look_at_image(image, is_stretched, recogniser)?;
        }
        Ok(())
    }

    /// Adds text that counts to the mask.
    fn look_at_image(
        &mut self,
        image: &GreyImage,
        is_stretched: bool,
        recogniser: &dyn TextRecogniser,
    ) -> Looked {
        let too_long = || {
            let seconds = TIME_PER_OBJECT.as_secs();
            NotLooked::Text(format!(
                "inspection-time: text recognition in its frames takes more than {seconds} s: set `frames` in the profile"
            ))
        };
        if self.left.is_zero() {
            return Err(too_long());
        }
        let boxes = recogniser
            .recognise(image, &mut self.left)
            .map_err(|error| if self.left.is_zero() { too_long() } else { NotLooked::text(error) })?;
        // Text is read for sure somewhere; speckle gives letters of which nothing is sure, and that would join to lines.
        let boxes: Vec<TextBox> =
            boxes.into_iter().filter(|word| !is_stretched || is_read_for_sure(word)).collect();
        let lines = self.counting(&boxes);
        if lines.is_empty() {
            return Ok(());
        }
        // The same text in the other image of the frame is not counted twice.
        let is_new = |line: &Rectangle| {
            !self.mask.contains(u32::midpoint(line.left, line.right), u32::midpoint(line.top, line.bottom))
        };
        self.texts += lines.iter().filter(|(line, _)| is_new(line)).count();
        let shapes: Vec<Shape> =
            lines.iter().map(|(line, letters)| Shape::from(fitted(image, line, *letters))).collect();
        let found = Mask::inside(self.description.rows(), self.description.columns(), &shapes);
        self.mask = found.and_then(|found| self.mask.union(&found)).map_err(NotLooked::text)?;
        Ok(())
    }

    /// The mask so far for pixels of this description; the first byte of a frame counts as offset 0.
    fn masker(&self, description: &Description) -> Result<Option<NativeMasker>, NativeMaskerError> {
        if self.mask.is_empty() {
            return Ok(None);
        }
        let darkest = self.palette.as_ref().and_then(Palette::darkest);
        let fill = match darkest {
            Some(index) => Fill::palette_index(description, index),
            None => Fill::darkest(description),
        };
        NativeMasker::new(description, &self.mask, &fill).map(Some)
    }

    /// The lines that the profile does not let pass, whole, with the height of their words.
    fn counting(&self, boxes: &[TextBox]) -> Vec<(Rectangle, u32)> {
        let (policy, cleaner) = (self.profile.profile.pixels.text, self.cleaner);
        let counted = |line: Rectangle| {
            let words: Vec<&TextBox> = boxes.iter().filter(|word| is_in(word, &line)).collect();
            let mut heights: Vec<u32> = words.iter().map(|word| word.height).collect();
            heights.sort_unstable();
            let letters = heights.get(heights.len() / 2).copied().unwrap_or_default();
            counts(policy, cleaner, &words).then_some((line, letters))
        };
        lines(boxes).into_iter().filter_map(counted).collect()
    }

    /// The error says why no mask can be laid on.
    pub(super) fn plan(self, recogniser: Option<String>) -> Result<Inspection, String> {
        let masker = self.masker(self.native.as_ref().unwrap_or(&self.description));
        let masker = masker.map_err(|error| error.to_string())?;
        let decoded = match (self.compression, &masker, self.native) {
            (Some(compression), Some(_), Some(native)) => Some(Decoded {
                form: NativeForm::of(&native, compression),
                source: self.description,
                compression,
                native,
            }),
            (Some(_), Some(_), None) => {
                return Err("pixel data: no frame could be decoded".to_owned());
            }
            _ => None,
        };
        Ok(Inspection::Clean(Box::new(PixelPlan { masker, decoded, texts: self.texts, recogniser })))
    }
}

/// Whether a word is more than the letter or two that speckle gives.
fn is_read_for_sure(word: &TextBox) -> bool {
    word.confidence >= SURE && word.text.chars().filter(|c| c.is_alphanumeric()).count() >= LETTERS_SURE
}

/// Whether a line of text counts. What a recogniser reads of a screen's font is often wrong: a line of some letters that are no known
/// words counts however unsure it is; a letter or two are most often anatomy.
pub(crate) fn counts(policy: TextPolicy, cleaner: &TextCleaner<'_>, words: &[&TextBox]) -> bool {
    let letters = |word: &TextBox| word.text.chars().filter(|c| c.is_alphanumeric()).count();
    let whole = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let unknown = |text: &str| cleaner.keep_known(text) != Cleaned::Unchanged;
    match policy {
        TextPolicy::Any => words.iter().map(|word| letters(word)).sum::<usize>() >= LETTERS_ANY,
        TextPolicy::Unknown => {
            let is_long = words.iter().map(|word| letters(word)).sum::<usize>() >= LETTERS_UNREAD;
            words.iter().any(|word| (is_long || word.is_readable()) && unknown(&word.text))
                || is_long && unknown(&whole)
        }
        TextPolicy::Identity => cleaner.without_identity(&whole, true) != Cleaned::Unchanged,
    }
}

/// Whether a word begins in the line.
pub(crate) fn is_in(found: &TextBox, line: &Rectangle) -> bool {
    (line.left..=line.right).contains(&found.x) && (line.top..=line.bottom).contains(&found.y)
}
