//! Texts of JPEG 2000: COM in the main header and in tile-part headers, boxes of a JP2 file.

use super::boxes::{self, CODESTREAM};
use super::{Extent, SegmentError, TextSegment};

const COM: u8 = 0x64;
const SOT: u8 = 0x90;
const SOD: u8 = 0x93;
const EOC: [u8; 2] = [0xFF, 0xD9];
/// Bytes of SOT: marker, length, tile, length of the tile-part, its number, their number (A.4.2).
const SOT_BYTES: usize = 12;

pub(super) fn text_segments(bytes: &[u8], extent: Extent) -> Result<Vec<TextSegment>, SegmentError> {
    let mut found = Vec::new();
    if !boxes::is_file(bytes) {
        codestream(bytes, 0, bytes.len(), extent, &mut found)?;
        return Ok(found);
    }
    let short = if extent == Extent::Head { SegmentError::HeadTooShort } else { SegmentError::Damaged };
    let (mut at, mut seen) = (0, false);
    while at < bytes.len() {
        let found_box = boxes::read(bytes, at, bytes.len()).ok_or(short)?;
        match &found_box.kind {
            b"jP  " | b"ftyp" => {}
            b"jp2h" => refuse_profile(bytes, found_box.content)?,
            b"jp2c" => {
                seen = true;
                codestream(bytes, found_box.content.start, found_box.content.end, extent, &mut found)?;
            }
            _ => found
                .push(TextSegment { content: found_box.content, removable: Some(found_box.whole.clone()) }),
        }
        at = found_box.whole.end;
    }
    if seen { Ok(found) } else { Err(short) }
}

/// A colour specification with a profile (method other than 1) may hold text that cannot be blanked without harm.
fn refuse_profile(bytes: &[u8], header: std::ops::Range<usize>) -> Result<(), SegmentError> {
    let mut at = header.start;
    while at < header.end {
        let inner = boxes::read(bytes, at, header.end).ok_or(SegmentError::Damaged)?;
        if &inner.kind == b"colr" && bytes.get(inner.content.start) != Some(&1) {
            return Err(SegmentError::ColourProfile);
        }
        at = inner.whole.end;
    }
    Ok(())
}

/// Walks the markers of the codestream `start..end`.
fn codestream(
    bytes: &[u8],
    start: usize,
    end: usize,
    extent: Extent,
    found: &mut Vec<TextSegment>,
) -> Result<(), SegmentError> {
    let short = if extent == Extent::Head { SegmentError::HeadTooShort } else { SegmentError::Damaged };
    if !bytes.get(start..).is_some_and(|rest| rest.starts_with(&CODESTREAM)) {
        return Err(SegmentError::Damaged);
    }
    let end = end.min(bytes.len());
    let mut at = start + 2;
    // Where the tile-part that is being read ends; its length counts its header, so that nothing of it can be left out.
    let mut tile_part = None;
    while at < end {
        let [code, high, low] = header(bytes, at).ok_or(short)?;
        match (code, tile_part) {
            (SOT, None) if extent == Extent::Head => return Ok(()),
            (SOT, None) => tile_part = Some(tile_part_end(bytes, at, end)?),
            (SOD, Some(next)) => {
                tile_part = None;
                at = next;
                if bytes.get(at..at + 2) == Some(&EOC) || at >= end {
                    found.extend(trailing(at + 2, end));
                    return Ok(());
                }
                continue;
            }
            (SOD, None) => return Err(SegmentError::Damaged),
            _ => {}
        }
        let next = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        if next < at + 4 {
            return Err(SegmentError::Damaged);
        }
        if code == COM && at + 6 < next {
            let removable = tile_part.is_none().then_some(at..next);
            found.push(TextSegment { content: at + 6..next, removable });
        }
        at = next;
    }
    if extent == Extent::Head { Err(short) } else { Err(SegmentError::Damaged) }
}

/// Code and length of the marker at `at`; a marker without length gives what follows it.
fn header(bytes: &[u8], at: usize) -> Option<[u8; 3]> {
    match bytes.get(at..)? {
        [0xFF, SOD, ..] => Some([SOD, 0, 0]),
        [0xFF, code, high, low, ..] => Some([*code, *high, *low]),
        _ => None,
    }
}

/// Where the tile-part that starts at `at` ends: 0 means with the codestream.
fn tile_part_end(bytes: &[u8], at: usize, end: usize) -> Result<usize, SegmentError> {
    let length = bytes.get(at + 6..at + 10).and_then(|word| <[u8; 4]>::try_from(word).ok());
    match length.map(u32::from_be_bytes).ok_or(SegmentError::Damaged)? {
        0 => Ok(end),
        length if length as usize >= SOT_BYTES => {
            at.checked_add(length as usize).filter(|&next| next <= end).ok_or(SegmentError::Damaged)
        }
        _ => Err(SegmentError::Damaged),
    }
}

/// Bytes after the end of the codestream, but for one that makes the length even.
fn trailing(after: usize, end: usize) -> Option<TextSegment> {
    (after + 1 < end).then_some(TextSegment { content: after..end, removable: Some(after..end) })
}
