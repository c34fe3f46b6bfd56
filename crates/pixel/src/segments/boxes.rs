//! Boxes of a JP2 file (ITU-T T.800 annex I). DICOM does not allow them (PS3.5 A.4.4), some encoders write them.

use std::ops::Range;

/// The first bytes of a JP2 file: its signature box.
const SIGNATURE: [u8; 8] = [0, 0, 0, 12, b'j', b'P', b' ', b' '];
/// The first bytes of a codestream: SOC, SIZ.
pub(super) const CODESTREAM: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];

/// A box and where it lies.
pub(super) struct Box {
    pub(super) kind: [u8; 4],
    /// Header and content; may reach beyond the bytes.
    pub(super) whole: Range<usize>,
    pub(super) content: Range<usize>,
}

pub(super) fn is_file(bytes: &[u8]) -> bool {
    bytes.starts_with(&SIGNATURE)
}

/// The codestream, with or without boxes around it.
pub(crate) fn codestream(frame: &[u8]) -> Option<&[u8]> {
    if !is_file(frame) {
        return frame.starts_with(&CODESTREAM).then_some(frame);
    }
    let mut at = 0;
    while let Some(found) = read(frame, at, frame.len()) {
        if &found.kind == b"jp2c" {
            let end = found.content.end.min(frame.len());
            return frame.get(found.content.start..end).filter(|bytes| bytes.starts_with(&CODESTREAM));
        }
        at = found.whole.end;
    }
    None
}

/// The box at `at`, in a space that ends at `end`; a length of 0 reaches to there.
pub(super) fn read(bytes: &[u8], at: usize, end: usize) -> Option<Box> {
    let word = |at: usize| bytes.get(at..at.checked_add(4)?).and_then(|word| <[u8; 4]>::try_from(word).ok());
    let kind = word(at.checked_add(4)?)?;
    let (header, length) = match u32::from_be_bytes(word(at)?) {
        0 => (8, end.checked_sub(at)?),
        1 => {
            let high = u64::from(u32::from_be_bytes(word(at + 8)?));
            let low = u64::from(u32::from_be_bytes(word(at + 12)?));
            (16, usize::try_from(high << 32 | low).ok()?)
        }
        length => (8, length as usize),
    };
    let whole = at..at.checked_add(length)?;
    (length >= header).then(|| Box { kind, content: at + header..whole.end, whole })
}
