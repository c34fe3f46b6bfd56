//! Texts of JPEG and JPEG-LS frames.

use super::marker::{self, Segment, Stop};
use super::{Extent, SegmentError, TextSegment};

/// Bytes of a JFIF payload before its thumbnail.
const JFIF: usize = 14;
/// Bytes of an Adobe payload.
const ADOBE: usize = 12;

pub(super) fn text_segments(
    bytes: &[u8],
    extent: Extent,
    ends_scan: fn(u8) -> bool,
) -> Result<Vec<TextSegment>, SegmentError> {
    let mut found = Vec::new();
    let mut segments = marker::segments(bytes);
    while let Some(segment) = segments.next() {
        let segment = segment.map_err(|stop| match (stop, extent) {
            (Stop::End, Extent::Head) => SegmentError::HeadTooShort,
            _ => SegmentError::Damaged,
        })?;
        if segment.end > bytes.len() && extent == Extent::Whole {
            return Err(SegmentError::Damaged);
        }
        match (segment.code, extent) {
            (marker::SOS, Extent::Head) => break,
            (marker::SOS, Extent::Whole) => {
                let coded = bytes.get(segment.end..).unwrap_or_default();
                let end = segment.end + marker::end_of_scan(coded, ends_scan);
                // Frames without an end marker exist; decoders accept them.
                if end >= bytes.len() {
                    break;
                }
                segments.resume(end);
            }
            (marker::EOI, _) => found.extend(trailing(segment.end, bytes.len())),
            _ => found.extend(text_of(&segment)),
        }
    }
    Ok(found)
}

/// What may hold text in one segment.
fn text_of(segment: &Segment<'_>) -> Option<TextSegment> {
    let content = |kept: usize| Some(segment.content + kept..segment.end).filter(|range| !range.is_empty());
    match (segment.code, segment.payload) {
        (marker::APP0, [b'J', b'F', b'I', b'F', 0, ..]) => {
            content(JFIF).map(|content| TextSegment { content, removable: None })
        }
        (marker::APP14, [b'A', b'd', b'o', b'b', b'e', ..]) => {
            content(ADOBE).map(|content| TextSegment { content, removable: None })
        }
        (marker::APP8, [b'm', b'r', b'f', b'x', _]) => None,
        (marker::COM | marker::APP0..=marker::APP15, _) => {
            Some(TextSegment { content: content(0)?, removable: Some(segment.start..segment.end) })
        }
        _ => None,
    }
}

/// Bytes after the end of the image, but for one that makes the length even.
fn trailing(end: usize, length: usize) -> Option<TextSegment> {
    (end + 1 < length).then_some(TextSegment { content: end..length, removable: Some(end..length) })
}
