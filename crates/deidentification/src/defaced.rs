//! A series before and after a defacing program (PS3.15 E.3.2): the program gets each image with native samples, and of what it
//! gives back the samples alone are taken. Everything else stays the original's, whatever the program wrote.

use std::io::{self, Read, Seek, Write};

use dicom_core::Tag;
use dicom_stream::{
    Encoding, Header, Lengths, Limits, SourceError, Token, TokenSource, TransferSyntax, Writer,
};
use pixel::deface::InstanceFacts;
use pixel::{Assembler, Compression, Description, FrameLimit, decode_frame};

use crate::pixels::{frame_of, native_vr};
use crate::survey::Survey;

const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
/// Extended Offset Table and its lengths: they are about compressed frames.
const OFFSETS: [Tag; 2] = [Tag(0x7FE0, 0x0001), Tag(0x7FE0, 0x0002)];

/// Why an image cannot be given to a defacing program, or its samples not be taken back: hold the series.
#[derive(Debug, thiserror::Error)]
pub enum DefacedError {
    /// The original cannot be read: retry on I/O errors, hold the series otherwise.
    #[error(transparent)]
    Original(SourceError),
    /// What the program gave cannot be read.
    #[error("what the defacing program gave cannot be read")]
    Given,
    /// It has more or fewer samples than the original.
    #[error("the defacing program changed the length of the pixel data")]
    Length,
    /// The original has no samples that can be written natively.
    #[error("pixel data: {0}")]
    Pixels(&'static str),
    /// The copy cannot be written: retry.
    #[error("the copy cannot be written: {0}")]
    Output(#[source] io::Error),
}

/// The transfer syntax in which an image is given to a defacing program; `None`: it cannot be (big endian, retired).
#[must_use]
pub fn native_syntax(syntax: &TransferSyntax) -> Option<&'static TransferSyntax> {
    match syntax.encoding {
        Encoding::ImplicitLittle => Some(&TransferSyntax::IMPLICIT_LITTLE),
        Encoding::ExplicitLittle => Some(&TransferSyntax::EXPLICIT_LITTLE),
        Encoding::ExplicitBig => None,
    }
}

/// An original on its way to a defacing program, or from it.
pub struct OriginalImage<'a, R> {
    /// Of this object.
    pub survey: &'a Survey,
    /// Of `input`.
    pub syntax: &'a TransferSyntax,
    /// Its data set.
    pub input: R,
    /// What is read of it.
    pub limits: Limits,
}

impl<R: Read + Seek> OriginalImage<'_, R> {
    /// Writes it in [`native_syntax`]: compressed samples decoded, everything else as it is.
    ///
    /// # Errors
    /// [`DefacedError`].
    pub fn write_native(self, out: impl Write) -> Result<(), DefacedError> {
        self.copy(&mut AsTheyAre, out)
    }

    /// Writes it with the samples of `given`, which has little endian samples in `syntax`; answers whether one of them differs.
    ///
    /// # Errors
    /// [`DefacedError`].
    pub fn write_defaced(
        self,
        given: impl Read + Seek,
        syntax: &TransferSyntax,
        out: impl Write,
    ) -> Result<bool, DefacedError> {
        let tokens = TokenSource::skimming(given, syntax, self.limits).map_err(|_| DefacedError::Given)?;
        let mut given = Given { tokens, held: Vec::new(), at: 0, is_inside: false, differs: false };
        self.copy(&mut given, out)?;
        match given.next_piece()? {
            true => Err(DefacedError::Length),
            false => Ok(given.differs),
        }
    }

    fn copy(self, samples: &mut dyn Samples, out: impl Write) -> Result<(), DefacedError> {
        let Self { survey, syntax, input, limits } = self;
        let native = native_syntax(syntax).ok_or(DefacedError::Pixels("big endian"))?;
        if !survey.has_pixel_data {
            return Err(DefacedError::Pixels("there are none"));
        }
        let pixels = survey.pixels(syntax).map_err(|_| DefacedError::Pixels("their description"))?;
        let mut frames = match syntax.encapsulated {
            true => Some(Frames::new(pixels, syntax)?),
            false => None,
        };
        let mut out = Writer::new(out, native.encoding, Lengths::AsReceived);
        let mut tokens = TokenSource::skimming(input, syntax, limits).map_err(DefacedError::Original)?;
        let (mut is_pixels, mut is_left_out) = (false, false);
        loop {
            let depth = tokens.depth();
            let Some(token) = tokens.next_token().map_err(DefacedError::Original)? else { break };
            match &token {
                Token::Value { header, .. } if depth == 0 && OFFSETS.contains(&header.tag) => continue,
                Token::BulkStart { header } | Token::FragmentsStart { header } if depth == 0 => {
                    is_left_out = OFFSETS.contains(&header.tag);
                    is_pixels = header.tag == PIXEL_DATA;
                    if is_pixels && matches!(token, Token::FragmentsStart { .. }) != frames.is_some() {
                        return Err(DefacedError::Pixels("not in the form of their transfer syntax"));
                    }
                }
                Token::Value { header, value } if depth == 0 && header.tag == PIXEL_DATA => {
                    let value = samples.of(value)?;
                    out.copy(&Token::Value { header: *header, value }).map_err(DefacedError::Output)?;
                    continue;
                }
                _ => {}
            }
            let written = match (&mut frames, &token) {
                _ if is_left_out => {
                    is_left_out = !matches!(token, Token::BulkEnd);
                    continue;
                }
                (Some(frames), token) if is_pixels => frames.token(token, samples, &mut out)?,
                (None, Token::Bulk(piece)) if is_pixels => out.copy(&Token::Bulk(samples.of(piece)?)),
                (_, token) => out.copy(token),
            };
            written.map_err(DefacedError::Output)?;
            is_pixels &= !matches!(token, Token::BulkEnd | Token::FragmentsEnd { .. });
        }
        out.finish().map(drop).map_err(DefacedError::Output)
    }
}

/// Which samples are written in the place of those of the original.
trait Samples {
    /// As many bytes as `original` has.
    fn of<'a>(&'a mut self, original: &'a [u8]) -> Result<&'a [u8], DefacedError>;
}

struct AsTheyAre;

impl Samples for AsTheyAre {
    fn of<'a>(&'a mut self, original: &'a [u8]) -> Result<&'a [u8], DefacedError> {
        Ok(original)
    }
}

/// Those of the main data set's Pixel Data of another object.
struct Given<R: Read> {
    tokens: TokenSource<R>,
    held: Vec<u8>,
    at: usize,
    is_inside: bool,
    differs: bool,
}

impl<R: Read + Seek> Given<R> {
    /// Holds the next bytes; `false` when there are no more.
    fn next_piece(&mut self) -> Result<bool, DefacedError> {
        self.held.drain(..self.at);
        self.at = 0;
        if !self.held.is_empty() {
            return Ok(true);
        }
        loop {
            let depth = self.tokens.depth();
            let token = self.tokens.next_token().map_err(|_| DefacedError::Given)?;
            match token {
                None => return Ok(false),
                Some(Token::Value { header, value }) if depth == 0 && header.tag == PIXEL_DATA => {
                    self.held.extend_from_slice(value);
                    return Ok(true);
                }
                Some(Token::BulkStart { header }) => {
                    self.is_inside = depth == 0 && header.tag == PIXEL_DATA;
                    if !self.is_inside {
                        self.tokens.skip_bulk().map_err(|_| DefacedError::Given)?;
                    }
                }
                Some(Token::FragmentsStart { header }) if header.tag == PIXEL_DATA && depth == 0 => {
                    return Err(DefacedError::Given);
                }
                Some(Token::Bulk(piece)) if self.is_inside => {
                    self.held.extend_from_slice(piece);
                    return Ok(true);
                }
                Some(_) => {}
            }
        }
    }
}

impl<R: Read + Seek> Samples for Given<R> {
    fn of<'a>(&'a mut self, original: &'a [u8]) -> Result<&'a [u8], DefacedError> {
        let mut taken = std::mem::take(&mut self.held);
        taken.drain(..self.at);
        self.at = 0;
        while taken.len() < original.len() {
            if !self.next_piece()? {
                return Err(DefacedError::Length);
            }
            taken.append(&mut self.held);
        }
        self.held = taken;
        self.at = original.len();
        let samples = self.held.get(..self.at).ok_or(DefacedError::Length)?;
        self.differs |= samples != original;
        Ok(samples)
    }
}

/// Compressed frames that are written natively.
struct Frames {
    source: Description,
    compression: Compression,
    assembler: Assembler,
    written: u32,
}

type Written = Result<io::Result<()>, DefacedError>;

impl Frames {
    fn new(source: Description, syntax: &TransferSyntax) -> Result<Self, DefacedError> {
        let compression = Compression::of(syntax.uid)
            .ok_or(DefacedError::Pixels("a transfer syntax that cannot be decoded"))?;
        if source.samples_per_pixel() != 1 {
            return Err(DefacedError::Pixels("compressed, and in colour"));
        }
        let limit = usize::try_from(FrameLimit::DECODED.0).unwrap_or(usize::MAX);
        let assembler = Assembler::new(source.frames(), limit);
        Ok(Self { source, compression, assembler, written: 0 })
    }

    fn token<W: Write>(
        &mut self,
        token: &Token<'_>,
        samples: &mut dyn Samples,
        out: &mut Writer<W>,
    ) -> Written {
        if let Token::FragmentsStart { .. } = token {
            let length = self.source.frame_bytes().checked_mul(u64::from(self.source.frames()));
            let length = length.and_then(|length| u32::try_from(length.next_multiple_of(2)).ok());
            let length = length.filter(|length| *length < u32::MAX - 1);
            let length = length.ok_or(DefacedError::Pixels("too large to be written natively"))?;
            let vr = native_vr(self.source.bits_allocated());
            let header = Header::new(PIXEL_DATA, vr, length, out.encoding());
            return Ok(out.copy(&Token::BulkStart { header }));
        }
        let frame = frame_of(&mut self.assembler, token).map_err(|error| DefacedError::Pixels(error.0))?;
        if let Some(frame) = frame
            && let Err(error) = self.frame(&frame, samples, out)?
        {
            return Ok(Err(error));
        }
        if let Token::FragmentsEnd { .. } = token {
            if self.written != self.source.frames() {
                return Err(DefacedError::Pixels("frames are missing"));
            }
            if self.source.frame_bytes() * u64::from(self.written) % 2 == 1 {
                return Ok(out.copy(&Token::Bulk(samples.of(&[0])?)));
            }
        }
        Ok(Ok(()))
    }

    fn frame<W: Write>(&mut self, frame: &[u8], samples: &mut dyn Samples, out: &mut Writer<W>) -> Written {
        let decoded = decode_frame(frame, &self.source, self.compression)
            .map_err(|_| DefacedError::Pixels("a frame cannot be decoded"))?;
        let is_same = decoded.description.photometric() == self.source.photometric();
        if !is_same || self.written >= self.source.frames() {
            return Err(DefacedError::Pixels("a frame of another form"));
        }
        self.written += 1;
        Ok(out.copy(&Token::Bulk(samples.of(&decoded.samples)?)))
    }
}

/// What has to be the same before and after, of one image.
///
/// # Errors
/// Any [`SourceError`].
pub fn instance_facts<R: Read + Seek>(
    input: R,
    syntax: &TransferSyntax,
    limits: Limits,
) -> Result<InstanceFacts, SourceError> {
    let mut tokens = TokenSource::skimming(input, syntax, limits)?;
    let mut texts: [String; 18] = Default::default();
    loop {
        let depth = tokens.depth();
        let Some(token) = tokens.next_token()? else { break };
        match token {
            Token::Value { header, value } if depth == 0 => {
                let at = COMPARED.iter().position(|(group, element, _)| Tag(*group, *element) == header.tag);
                let row = at.and_then(|at| Some((texts.get_mut(at)?, COMPARED.get(at)?)));
                if let Some((text, (.., form))) = row {
                    *text = form.text(value, header.encoding);
                }
            }
            Token::BulkStart { .. } => tokens.skip_bulk()?,
            _ => {}
        }
    }
    let number = |text: String| text.parse().unwrap_or(0);
    let [uid, class, rows, columns, per_pixel, allocated, frames, texts @ ..] = texts;
    let [spacing, position, orientation, frame_of_reference, samples @ ..] = texts;
    Ok(InstanceFacts {
        sop_instance_uid: uid,
        sop_class_uid: class,
        size: [number(rows), number(columns), number(per_pixel), number(allocated), number(frames).max(1)],
        geometry: [spacing, position, orientation, frame_of_reference],
        samples,
    })
}

/// How a value is compared.
#[derive(Clone, Copy)]
enum Form {
    Text,
    /// Decimal or integer strings: `1`, `1.0` and `1.00e0` are one number.
    Numbers,
    /// VR US
    Short,
}

impl Form {
    fn text(self, value: &[u8], encoding: Encoding) -> String {
        let text = || String::from_utf8_lossy(value).trim_matches(['\0', ' ']).to_owned();
        match self {
            Self::Text => text(),
            Self::Numbers => {
                let number = |text: &str| match text.trim().parse::<f64>() {
                    Ok(number) => number.to_string(),
                    Err(_) => text.trim().to_owned(),
                };
                text().split('\\').map(number).collect::<Vec<_>>().join("\\")
            }
            Self::Short => <[u8; 2]>::try_from(value)
                .map_or_else(|_| "?".to_owned(), |bytes| encoding.u16(bytes).to_string()),
        }
    }
}

/// In the order of [`InstanceFacts`].
const COMPARED: [(u16, u16, Form); 18] = [
    (0x0008, 0x0018, Form::Text),    // SOP Instance UID
    (0x0008, 0x0016, Form::Text),    // SOP Class UID
    (0x0028, 0x0010, Form::Short),   // Rows
    (0x0028, 0x0011, Form::Short),   // Columns
    (0x0028, 0x0002, Form::Short),   // Samples per Pixel
    (0x0028, 0x0100, Form::Short),   // Bits Allocated
    (0x0028, 0x0008, Form::Numbers), // Number of Frames
    (0x0028, 0x0030, Form::Numbers), // Pixel Spacing
    (0x0020, 0x0032, Form::Numbers), // Image Position (Patient)
    (0x0020, 0x0037, Form::Numbers), // Image Orientation (Patient)
    (0x0020, 0x0052, Form::Text),    // Frame of Reference UID
    (0x0028, 0x0004, Form::Text),    // Photometric Interpretation
    (0x0028, 0x0006, Form::Short),   // Planar Configuration
    (0x0028, 0x0101, Form::Short),   // Bits Stored
    (0x0028, 0x0102, Form::Short),   // High Bit
    (0x0028, 0x0103, Form::Short),   // Pixel Representation
    (0x0028, 0x1052, Form::Numbers), // Rescale Intercept
    (0x0028, 0x1053, Form::Numbers), // Rescale Slope
];
