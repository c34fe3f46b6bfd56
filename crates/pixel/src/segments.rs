//! Texts inside a compressed frame, found without touching coded data: JPEG COM and APPn, JPEG-LS COM, JPEG 2000 COM, JP2 boxes.
//!
//! Each finding can be blanked in place with zeros, which changes no length and no offset and is what callers should do; most could
//! also be left out. Kept are APP14 of Adobe and APP8 `mrfx` (the colour transform depends on them) and APP0 `JFIF` without its
//! thumbnail. User data of MPEG streams are out of scope: the caller holds video, or lets it pass by a rule of its own.

pub(crate) mod boxes;
mod jpeg;
mod jpeg2000;
pub(crate) mod marker;

use std::ops::Range;

use crate::codec::Compression;

/// Why the texts of a frame cannot be told from its data: hold the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// The head ends before the first coded data: give a longer one or the whole frame.
    #[error(
        "the head of the frame ends before its first coded data: give a longer one, or hold the instance"
    )]
    HeadTooShort,
    /// A length or a marker that cannot be: hold the instance.
    #[error("the segments of the frame are damaged: hold the instance")]
    Damaged,
    /// A colour profile inside the codestream: hold the instance.
    #[error("the frame is a JP2 file with a colour profile of its own: hold the instance")]
    ColourProfile,
}

/// How much of the frame the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Its start: segments up to the first coded data are found. 64 KiB are enough for nearly all.
    Head,
    /// All of it: also what stands between scans, in tile-part headers and after the end.
    Whole,
}

/// A segment that may hold text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSegment {
    /// The bytes to blank, counted from the start of the frame. They may reach beyond a head.
    pub content: Range<usize>,
    /// The bytes to leave out instead, when the rest stays a valid codestream without them.
    pub removable: Option<Range<usize>>,
}

/// The segments of the frame's bytes that may hold text, in order.
///
/// # Errors
/// [`SegmentError`]; for all of them the instance is held.
pub fn text_segments(
    bytes: &[u8],
    extent: Extent,
    compression: Compression,
) -> Result<Vec<TextSegment>, SegmentError> {
    match compression {
        Compression::Rle => Ok(Vec::new()),
        Compression::Jpeg2000 | Compression::HighThroughputJpeg2000 => jpeg2000::text_segments(bytes, extent),
        Compression::JpegLs | Compression::JpegLsNearLossless => {
            jpeg::text_segments(bytes, extent, marker::ends_jpeg_ls_scan)
        }
        _ => jpeg::text_segments(bytes, extent, marker::ends_jpeg_scan),
    }
}

/// Blanks the findings in the bytes they were found in.
pub fn blank(bytes: &mut [u8], found: &[TextSegment]) {
    let length = bytes.len();
    for segment in found {
        let range = segment.content.start.min(length)..segment.content.end.min(length);
        if let Some(content) = bytes.get_mut(range) {
            content.fill(0);
        }
    }
}
