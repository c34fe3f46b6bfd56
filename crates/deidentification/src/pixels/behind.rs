//! What follows the image in a compressed frame.

use pixel::Compression;

/// Whether anything but padding follows the end of the image in a frame (markers EOI of ITU-T T.81, EOC of ISO 15444-1): a decoder reads
/// the first image alone. Coded data hold no such marker.
pub(super) fn has_more_behind(frame: &[u8], compression: Compression) -> bool {
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
