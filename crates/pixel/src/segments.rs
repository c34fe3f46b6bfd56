//! Texts inside compressed frames, blanked as the frames pass, without touching coded data: JPEG and JPEG-LS COM, APPn and reserved segments,
//! JPEG 2000 COM and reserved segments, boxes of a JP2 file, what stands between and behind RLE segments, and whatever follows the end of an image.
//!
//! Blanking with zeros changes no length and no offset. Nothing is held but the head of a marker, so that frames of any size pass. Kept
//! are APP14 of Adobe and APP8 `mrfx` (the colour transform depends on them) and APP0 `JFIF` without its thumbnail. User data of MPEG
//! streams are out of scope: the caller holds video, or lets it pass by a rule of its own.

pub(crate) mod boxes;
mod file;
mod head;
mod jpeg;
mod jpeg2000;
pub(crate) mod marker;
mod payload;
mod rle;

use crate::codec::Compression;
use file::Jpeg2000;
use jpeg::Jpeg;
use rle::Rle;

/// Why the texts of a frame cannot be told from its data: hold the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// A length or a marker that cannot be: hold the instance.
    #[error("the segments of a compressed frame are damaged: hold the instance")]
    Damaged,
    /// A colour profile inside the codestream: hold the instance.
    #[error("the frame is a JP2 file with a colour profile of its own: hold the instance")]
    ColourProfile,
}

type Walked<T> = Result<T, SegmentError>;

/// Blanks the texts of the frames of one object, fragment after fragment, and counts the frames by the starts of their codestreams.
#[derive(Debug)]
pub struct FrameTexts {
    compression: Compression,
    /// Pixels of a frame, if they are known.
    pixels: Option<(u64, u32)>,
    /// The frame that is passing.
    walk: Option<Walk>,
    frames: u32,
    found: bool,
}

#[derive(Debug)]
enum Walk {
    Jpeg(Jpeg),
    Jpeg2000(Jpeg2000),
    Rle(Rle),
}

impl FrameTexts {
    /// Bytes at the start of a fragment that tell whether a frame begins with it.
    pub const START: usize = 12;

    /// For frames of this compression.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self { compression, pixels: None, walk: None, frames: 0, found: false }
    }

    /// For frames of so many pixels, each of so many bytes: without these the end of an RLE segment, and of the segments, cannot be told.
    #[must_use]
    pub fn of_pixels(self, pixels: Option<(u64, u32)>) -> Self {
        Self { pixels, ..self }
    }

    /// A fragment begins with `start`: its first [`Self::START`] bytes, or all of it. Whether a frame begins with it; the bytes themselves
    /// are still to be given to [`Self::blank`].
    ///
    /// # Errors
    /// [`SegmentError`]: the frame before it is damaged, or there is none and this is none either.
    pub fn begin_fragment(&mut self, start: &[u8]) -> Result<bool, SegmentError> {
        let may_begin = self.walk.as_ref().is_none_or(Walk::may_end);
        if !may_begin || !Walk::begins(self.compression, start) {
            return if self.walk.is_some() { Ok(false) } else { Err(SegmentError::Damaged) };
        }
        self.frames = self.frames.saturating_add(1);
        self.walk = Some(Walk::new(self.compression, self.pixels, start));
        Ok(true)
    }

    /// Blanks what may be text in the next bytes of the fragment.
    ///
    /// # Errors
    /// [`SegmentError`]; for all of them the instance is held.
    pub fn blank(&mut self, bytes: &mut [u8]) -> Result<(), SegmentError> {
        match &mut self.walk {
            Some(Walk::Jpeg(jpeg)) => jpeg.pass(bytes, &mut self.found),
            Some(Walk::Jpeg2000(jpeg_2000)) => jpeg_2000.pass(bytes, &mut self.found),
            Some(Walk::Rle(rle)) => rle.pass(bytes, &mut self.found),
            None => Err(SegmentError::Damaged),
        }
    }

    /// All fragments have passed: how many frames began.
    ///
    /// # Errors
    /// [`SegmentError::Damaged`]: the last frame ends inside of a segment.
    pub fn finish(&self) -> Result<u32, SegmentError> {
        let is_whole = self.walk.as_ref().is_none_or(Walk::may_end);
        if is_whole { Ok(self.frames) } else { Err(SegmentError::Damaged) }
    }

    /// Whether anything was blanked so far.
    #[must_use]
    pub fn found(&self) -> bool {
        self.found
    }
}

impl Walk {
    fn new(compression: Compression, pixels: Option<(u64, u32)>, start: &[u8]) -> Self {
        match compression {
            Compression::Rle => Self::Rle(Rle::new(pixels)),
            Compression::Jpeg2000 | Compression::HighThroughputJpeg2000 => {
                Self::Jpeg2000(Jpeg2000::new(boxes::is_file(start)))
            }
            Compression::JpegLs | Compression::JpegLsNearLossless => {
                Self::Jpeg(Jpeg::new(marker::ends_jpeg_ls_scan, marker::is_of_jpeg_ls))
            }
            _ => Self::Jpeg(Jpeg::new(marker::ends_jpeg_scan, marker::is_of_jpeg)),
        }
    }

    fn begins(compression: Compression, start: &[u8]) -> bool {
        match compression {
            // One frame is one fragment (PS3.5 A.4.2).
            Compression::Rle => true,
            Compression::Jpeg2000 | Compression::HighThroughputJpeg2000 => {
                boxes::is_file(start) || start.starts_with(&boxes::CODESTREAM)
            }
            _ => start.starts_with(&[0xFF, marker::SOI]),
        }
    }

    /// Whether the frame may end here.
    fn may_end(&self) -> bool {
        match self {
            Self::Jpeg(jpeg) => jpeg.may_end(),
            Self::Jpeg2000(jpeg_2000) => jpeg_2000.may_end(),
            Self::Rle(rle) => rle.may_end(),
        }
    }
}

/// Blanks bytes.
fn erase(bytes: &mut [u8], found: &mut bool) {
    *found |= bytes.iter().any(|byte| *byte != 0);
    bytes.fill(0);
}

/// Blanks what follows the end of an image, but for padding.
fn erase_behind(bytes: &mut [u8], found: &mut bool) {
    for byte in bytes.iter_mut().filter(|byte| !matches!(byte, 0 | 0xFF)) {
        *byte = 0;
        *found = true;
    }
}
