//! What is done about the pixels of one object, decided before its first byte is written.

use std::io::{Read, Seek};
use std::time::Duration;

use dicom_core::{Tag, VR};
use dicom_stream::{Limits, SourceError, Token, TokenSource};
use pixel::grey::{GreyImage, Palette, Window, renderings};
use pixel::recognise::{TIME_PER_OBJECT, TextBox, TextRecogniser, lines};
use pixel::{
    Assembler, Compression, Description, Fill, FrameLimit, Mask, NativeForm, NativeMasker, NativeMaskerError,
    Rectangle, Shape, decode_frame,
};

use super::assemble::frame_of;
use super::fit::fitted;
use super::policy::{FoundText, TextPolicy};
use crate::deidentify::Object;
use crate::option::DeidentificationOption;
use crate::profile::CompiledProfile;
use crate::survey::Survey;
use crate::text_clean::{Cleaned, TextCleaner};

/// Most frames of one object that are looked at when every frame is to be: each takes up to a second.
const FRAMES_MAX: u32 = 2_000;
/// Letters and digits of a line from which on it is a text.
const LETTERS_ANY: usize = 2;
/// Letters and digits of a line from which on it counts although no word was read for sure.
const LETTERS_UNREAD: usize = 4;
const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);

/// What is to be done with the pixels of one object.
#[derive(Debug)]
pub enum Inspection {
    /// Nothing: there are none, or none at risk.
    Untouched,
    /// They are at risk and nobody looked at them: a project lets a person decide (AC2.7).
    NotInspected,
    /// They were inspected or are masked.
    Clean(Box<PixelPlan>),
    /// They must not leave without a person's decision: why.
    Held(String),
    /// A rule of the profile masks them, and its mask cannot be laid on: why. No decision stands for the mask.
    NotMasked(String),
}

/// Why the frames were not looked at.
enum NotLooked {
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

/// Masks and what follows from them.
#[derive(Debug)]
pub struct PixelPlan {
    /// Blackens what has to go; `None` where nothing has.
    pub(crate) masker: Option<NativeMasker>,
    /// Compressed frames that a mask touches: how they are decoded, and the form in which they are written.
    pub(crate) decoded: Option<Decoded>,
    /// How many areas of text were found.
    pub(crate) texts: usize,
    /// Name of the recogniser that looked at the frames.
    pub(crate) recogniser: Option<String>,
}

/// Frames that are written natively.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) source: Description,
    pub(crate) compression: Compression,
    pub(crate) native: Description,
    pub(crate) form: NativeForm,
}

impl PixelPlan {
    /// Whether compressed frames are written natively: the transfer syntax becomes Explicit VR Little Endian.
    #[must_use]
    pub fn decodes(&self) -> bool {
        self.decoded.is_some()
    }
}

/// Reads the pixel data of one original as far as the profile asks for it.
///
/// # Errors
/// Any [`SourceError`]: the object cannot be read.
pub fn inspect<R: Read + Seek>(
    profile: &CompiledProfile,
    object: &Object<'_>,
    survey: &Survey,
    cleaner: &TextCleaner<'_>,
    recogniser: Option<&dyn TextRecogniser>,
    limits: Limits,
    input: R,
) -> Result<Inspection, SourceError> {
    let policy = &profile.profile.pixels;
    if !survey.has_pixel_data && !survey.has_float_pixel_data {
        return Ok(Inspection::Untouched);
    }
    let at_risk = policy.is_at_risk(object.sop_class, survey);
    if !profile.options().has(DeidentificationOption::CleanPixelData) {
        return Ok(if at_risk { Inspection::NotInspected } else { Inspection::Untouched });
    }
    let may_be_masked = profile.masks.may_match(object.sop_class, survey);
    let doubt = |why: String| match (may_be_masked, at_risk) {
        (true, _) => Inspection::NotMasked(why),
        (false, true) => Inspection::Held(why),
        (false, false) => Inspection::Untouched,
    };
    if survey.has_float_pixel_data {
        return Ok(doubt("pixel data of floating point numbers cannot be inspected".to_owned()));
    }
    let encapsulated = object.transfer_syntax.encapsulated;
    let description = match survey.pixels(object.transfer_syntax) {
        Ok(description) => description,
        Err(error) => return Ok(doubt(format!("pixel data: {error}"))),
    };
    let by_rule = match profile.masks.of(object.sop_class, survey, description.rows(), description.columns())
    {
        Ok(mask) => mask,
        Err(error) => return Ok(Inspection::NotMasked(error)),
    };
    let looks = recogniser.filter(|_| at_risk || policy.inspect_all);
    let is_masked = by_rule.is_some();
    if !is_masked && looks.is_none() {
        let why = "pixels at risk: no mask matches and there is no text recogniser".to_owned();
        return Ok(if at_risk { Inspection::Held(why) } else { Inspection::Untouched });
    }
    let no_frames = |why| if is_masked { Inspection::NotMasked(why) } else { Inspection::Held(why) };
    let empty = Mask::inside(description.rows(), description.columns(), &[]);
    let mask = match by_rule.map_or(empty, Ok) {
        Ok(mask) => mask,
        Err(error) => return Ok(no_frames(error.to_string())),
    };
    let mut looking = Looking {
        profile,
        cleaner,
        compression: encapsulated.then(|| Compression::of(object.transfer_syntax.uid)).flatten(),
        palette: survey.palette(),
        window: survey.window(),
        left: TIME_PER_OBJECT,
        native: None,
        description,
        mask,
        texts: 0,
        frame: 0,
    };
    if encapsulated && looking.compression.is_none() {
        return Ok(no_frames("pixel data of a transfer syntax that cannot be decoded".to_owned()));
    }
    if looks.is_some() && policy.frames == 0 && looking.description.frames() > FRAMES_MAX {
        let why = format!("more than {FRAMES_MAX} frames to inspect: set `frames` in the profile");
        return Ok(Inspection::Held(why));
    }
    // Without a recogniser one frame is read: it tells whether and how compressed frames can be written.
    match looking.frames(object, limits, looks, input)? {
        Err(NotLooked::Frames(why)) => return Ok(no_frames(why)),
        Err(NotLooked::Text(why)) => return Ok(Inspection::Held(why)),
        Ok(()) => {}
    }
    if looking.texts > 0 && policy.found == FoundText::Hold {
        return Ok(Inspection::Held(format!("text in the pixels, in {} places", looking.texts)));
    }
    Ok(looking.plan(looks.map(|looks| looks.name().to_owned())).unwrap_or_else(no_frames))
}

struct Looking<'a> {
    profile: &'a CompiledProfile,
    cleaner: &'a TextCleaner<'a>,
    compression: Option<Compression>,
    palette: Option<Palette>,
    /// As the object stores it.
    window: Option<Window>,
    /// Time that is left for recognition.
    left: Duration,
    /// Of a decoded frame.
    native: Option<Description>,
    description: Description,
    mask: Mask,
    texts: usize,
    /// Frames read.
    frame: u32,
}

type Looked = Result<(), NotLooked>;

impl Looking<'_> {
    /// Reads the frames one after the other. The inner error says why an object cannot be inspected.
    fn frames<R: Read + Seek>(
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
        let images = renderings(description, &frame, self.window, self.palette.as_ref());
        for image in images.map_err(NotLooked::text)? {
            self.look_at_image(&image, recogniser)?;
        }
        Ok(())
    }

    /// Adds text that counts to the mask.
    fn look_at_image(&mut self, image: &GreyImage, recogniser: &dyn TextRecogniser) -> Looked {
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
        let counts = |line: Rectangle| {
            let words: Vec<&TextBox> = boxes.iter().filter(|word| is_in(word, &line)).collect();
            let mut heights: Vec<u32> = words.iter().map(|word| word.height).collect();
            heights.sort_unstable();
            let letters = heights.get(heights.len() / 2).copied().unwrap_or_default();
            self.counts(&words).then_some((line, letters))
        };
        lines(boxes).into_iter().filter_map(counts).collect()
    }

    /// Whether a line of text counts. What a recogniser reads of a screen's font is often wrong: a line of some letters that are no known
    /// words counts however unsure it is; a letter or two are most often anatomy.
    fn counts(&self, words: &[&TextBox]) -> bool {
        let letters = |word: &TextBox| word.text.chars().filter(|c| c.is_alphanumeric()).count();
        let whole = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let unknown = |text: &str| self.cleaner.keep_known(text) != Cleaned::Unchanged;
        match self.profile.profile.pixels.text {
            TextPolicy::Any => words.iter().map(|word| letters(word)).sum::<usize>() >= LETTERS_ANY,
            TextPolicy::Unknown => {
                let is_long = words.iter().map(|word| letters(word)).sum::<usize>() >= LETTERS_UNREAD;
                words.iter().any(|word| (is_long || word.is_readable()) && unknown(&word.text))
                    || is_long && unknown(&whole)
            }
            TextPolicy::Identity => self.cleaner.without_identity(&whole, true) != Cleaned::Unchanged,
        }
    }

    /// The error says why no mask can be laid on.
    fn plan(self, recogniser: Option<String>) -> Result<Inspection, String> {
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

/// Whether a word begins in the line.
fn is_in(found: &TextBox, line: &Rectangle) -> bool {
    (line.left..=line.right).contains(&found.x) && (line.top..=line.bottom).contains(&found.y)
}

/// VR of native pixel data (PS3.5 A.2).
pub(crate) fn native_vr(bits_allocated: u16) -> VR {
    if bits_allocated > 8 { VR::OW } else { VR::OB }
}

/// Whether anything but padding follows the end of the image in a frame (markers EOI of ITU-T T.81, EOC of ISO 15444-1): a decoder reads
/// the first image alone. Coded data hold no such marker.
fn has_more_behind(frame: &[u8], compression: Compression) -> bool {
    if compression == Compression::Rle {
        return false;
    }
    let Some(coded) = start_of_coded(frame) else { return false };
    let rest = frame.get(coded..).unwrap_or_default();
    match rest.windows(2).position(|pair| pair == [0xFF, 0xD9]) {
        Some(end) => rest.get(end + 2..).unwrap_or_default().iter().any(|byte| !matches!(byte, 0 | 0xFF)),
        None => false,
    }
}

/// Where the coded data begin: behind the first Start of Scan, or Start of Data.
fn start_of_coded(frame: &[u8]) -> Option<usize> {
    let mut at = frame.windows(2).position(|pair| matches!(pair, [0xFF, 0xD8 | 0x4F]))? + 2;
    loop {
        match frame.get(at..at + 4)? {
            [0xFF, 0x93, ..] => return Some(at + 2),
            [0xFF, 0xFF, ..] => at += 1,
            [0xFF, code, high, low] => {
                at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
                if *code == 0xDA {
                    return Some(at);
                }
            }
            _ => return None,
        }
    }
}
