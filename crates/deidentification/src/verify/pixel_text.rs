//! Text in the pixels that leave: frames are recognised once more, after the masks, and read for this identity alone (DI-52).

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::time::Duration;

use dicom_core::Tag;
use dicom_stream::{ElementPath, Encoding, Limits, Token, TokenSource, TransferSyntax};
use pixel::grey::{GreyImage, Palette, Window};
use pixel::recognise::{TIME_PER_OBJECT, TextBox, lines};
use pixel::{Assembler, Attributes, Compression, Description, FrameLimit, TextRecogniser, decode_frame};

use super::{Finding, FindingKind, Verifier, VerifyError};

const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
/// Group of the Image Pixel module.
const IMAGE_GROUP: u16 = 0x0028;
/// Most frames of one object that are recognised again, spread over it: recognition costs more than all else.
const FRAMES_MAX: u32 = 8;

impl Verifier {
    /// Recognises the text of frames as they leave, at most eight, spread over the object. For objects whose original a recogniser has
    /// looked at.
    ///
    /// # Errors
    /// [`VerifyError::Source`], [`VerifyError::Pixels`]: nobody knows what is in them, so the object must not leave.
    pub fn verify_pixels<R: Read + Seek>(
        &self,
        input: R,
        syntax: &TransferSyntax,
        limits: Limits,
        recogniser: &dyn TextRecogniser,
    ) -> Result<Option<Finding>, VerifyError> {
        let mut tokens = TokenSource::skimming(input, syntax, limits)?;
        let mut image = BTreeMap::new();
        let mut reading: Option<Reading<'_>> = None;
        let mut depth = 0_usize;
        while let Some(token) = tokens.next_token()? {
            match &token {
                Token::SequenceStart { .. } => depth += 1,
                Token::SequenceEnd { .. } => depth = depth.saturating_sub(1),
                Token::Value { header, value } if depth == 0 && header.tag.group() == IMAGE_GROUP => {
                    image.insert(header.tag.element(), value.to_vec());
                }
                Token::Value { header, .. }
                | Token::BulkStart { header }
                | Token::FragmentsStart { header }
                    if depth == 0 && header.tag == PIXEL_DATA =>
                {
                    reading = Some(Reading::new(self, &image, syntax, recogniser)?);
                }
                _ => {}
            }
            let Some(reading) = &mut reading else {
                if matches!(token, Token::BulkStart { .. }) {
                    tokens.skip_bulk()?;
                }
                continue;
            };
            if let Some(kind) = reading.token(&token)? {
                return Ok(Some(Finding { path: ElementPath::root(PIXEL_DATA), kind }));
            }
            if matches!(token, Token::BulkEnd | Token::FragmentsEnd { .. }) {
                break;
            }
        }
        Ok(None)
    }

    /// What the recogniser reads of an image, line by line.
    pub(super) fn in_image(
        &self,
        image: &GreyImage,
        recogniser: &dyn TextRecogniser,
        left: &mut Duration,
    ) -> Result<Option<FindingKind>, VerifyError> {
        let words = recogniser.recognise(image, left).map_err(pixels)?;
        Ok(lines(&words).iter().find_map(|line| {
            let is_in = |word: &&TextBox| {
                (line.left..=line.right).contains(&word.x) && (line.top..=line.bottom).contains(&word.y)
            };
            let mut of_line: Vec<&TextBox> = words.iter().filter(is_in).collect();
            of_line.sort_by_key(|word| word.x);
            let text = of_line.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
            self.verify_text(&text)
        }))
    }
}

/// The frames of one object, one after the other.
struct Reading<'a> {
    verifier: &'a Verifier,
    recogniser: &'a dyn TextRecogniser,
    description: Description,
    palette: Option<Palette>,
    window: Option<Window>,
    /// Time that is left for recognition.
    left: Duration,
    /// Of encapsulated pixel data.
    compressed: Option<(Compression, Assembler)>,
    frame_bytes: usize,
    held: Vec<u8>,
    frame: u32,
}

pub(super) fn pixels(error: impl ToString) -> VerifyError {
    VerifyError::Pixels(error.to_string())
}

impl<'a> Reading<'a> {
    fn new(
        verifier: &'a Verifier,
        image: &BTreeMap<u16, Vec<u8>>,
        syntax: &TransferSyntax,
        recogniser: &'a dyn TextRecogniser,
    ) -> Result<Self, VerifyError> {
        let description = described(image, syntax).check(FrameLimit::DECODED).map_err(pixels)?;
        let limit = usize::try_from(FrameLimit::DECODED.0).map_err(pixels)?;
        let compression = match syntax.encapsulated {
            true => Some(
                Compression::of(syntax.uid)
                    .ok_or_else(|| pixels("a transfer syntax that cannot be decoded"))?,
            ),
            false => None,
        };
        let assembler = |of: Compression| (of, Assembler::new(description.frames(), limit));
        Ok(Self {
            verifier,
            recogniser,
            palette: palette(image, syntax),
            window: window(image),
            left: TIME_PER_OBJECT,
            compressed: compression.map(assembler),
            frame_bytes: usize::try_from(description.frame_bytes()).map_err(pixels)?,
            description,
            held: Vec::new(),
            frame: 0,
        })
    }

    fn token(&mut self, token: &Token<'_>) -> Result<Option<FindingKind>, VerifyError> {
        let Some((compression, assembler)) = &mut self.compressed else {
            return match token {
                Token::Bulk(piece) | Token::Value { value: piece, .. } => self.native(piece),
                _ => Ok(None),
            };
        };
        let compression = *compression;
        let frame = match token {
            Token::FragmentStart { header } => assembler.begin(header.length),
            Token::Bulk(piece) => {
                assembler.bytes(piece).map_err(pixels)?;
                None
            }
            Token::FragmentEnd => {
                assembler.end();
                None
            }
            Token::FragmentsEnd { .. } => assembler.finish(),
            _ => None,
        };
        let Some(frame) = frame.filter(|_| self.is_next_read()) else { return Ok(None) };
        let decoded = decode_frame(&frame, &self.description, compression).map_err(pixels)?;
        self.read(&decoded.description, &decoded.samples)
    }

    fn native(&mut self, piece: &[u8]) -> Result<Option<FindingKind>, VerifyError> {
        self.held.extend_from_slice(piece);
        while self.held.len() >= self.frame_bytes && self.frame < self.description.frames() {
            let rest = self.held.split_off(self.frame_bytes);
            let frame = std::mem::replace(&mut self.held, rest);
            if self.is_next_read() {
                let description = self.description.clone();
                if let Some(kind) = self.read(&description, &frame)? {
                    return Ok(Some(kind));
                }
            }
        }
        Ok(None)
    }

    /// Counts a frame; whether it is one that is read.
    fn is_next_read(&mut self) -> bool {
        let frame = self.frame;
        self.frame += 1;
        frame.is_multiple_of(self.description.frames().div_ceil(FRAMES_MAX).max(1))
    }

    fn read(&mut self, description: &Description, frame: &[u8]) -> Result<Option<FindingKind>, VerifyError> {
        let images =
            pixel::renderings(description, frame, self.window, self.palette.as_ref()).map_err(pixels)?;
        for image in &images {
            if let Some(kind) = self.verifier.in_image(image, self.recogniser, &mut self.left)? {
                return Ok(Some(kind));
            }
        }
        Ok(None)
    }
}

fn shorts(image: &BTreeMap<u16, Vec<u8>>, syntax: &TransferSyntax, element: u16) -> Vec<u16> {
    let bytes = image.get(&element).map(Vec::as_slice).unwrap_or_default();
    let pairs = bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
    let is_big = syntax.encoding == Encoding::ExplicitBig;
    pairs.map(|pair| if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }).collect()
}

fn text(image: &BTreeMap<u16, Vec<u8>>, element: u16) -> String {
    let value = image.get(&element).map(|value| String::from_utf8_lossy(value).trim().to_owned());
    value.map(|value| value.trim_matches('\0').trim().to_owned()).unwrap_or_default()
}

/// The window through which the object shows its values (PS3.3 C.11.2).
fn window(image: &BTreeMap<u16, Vec<u8>>) -> Option<Window> {
    let [centre, width, intercept, slope] =
        [0x1050, 0x1051, 0x1052, 0x1053].map(|element| text(image, element));
    Window::stored(&centre, &width, &slope, &intercept)
}

/// The Image Pixel module (PS3.3 C.7.6.3).
fn described(image: &BTreeMap<u16, Vec<u8>>, syntax: &TransferSyntax) -> Attributes {
    let short = |element| shorts(image, syntax, element).first().copied();
    let text = |element| Some(text(image, element)).filter(|value| !value.is_empty());
    Attributes {
        rows: short(0x0010),
        columns: short(0x0011),
        samples_per_pixel: short(0x0002),
        photometric_interpretation: text(0x0004),
        planar_configuration: short(0x0006),
        bits_allocated: short(0x0100),
        bits_stored: short(0x0101),
        high_bit: short(0x0102),
        pixel_representation: short(0x0103),
        number_of_frames: text(0x0008).and_then(|frames| frames.parse().ok()),
        pixel_padding_value: short(0x0120),
        big_endian_words: syntax.encoding == Encoding::ExplicitBig,
        encapsulated: syntax.encapsulated,
    }
}

fn palette(image: &BTreeMap<u16, Vec<u8>>, syntax: &TransferSyntax) -> Option<Palette> {
    let descriptor = <[u16; 3]>::try_from(shorts(image, syntax, 0x1101)).ok()?;
    let is_signed = shorts(image, syntax, 0x0103).first() == Some(&1);
    let table = |element: u16| image.get(&element).map(Vec::as_slice);
    Palette::new(descriptor, is_signed, [table(0x1201)?, table(0x1202)?, table(0x1203)?]).ok()
}
