//! One JPEG 2000 frame: a codestream, or a JP2 file around it (ITU-T T.800 I). DICOM does not allow the file (PS3.5 A.4.4), some encoders
//! write it.

use super::jpeg2000::Codestream;
use super::{SegmentError, Walked, boxes, erase};

/// Most bytes of a header box: real ones have less than a hundred without a profile.
const HEADER_MAX: u64 = 64 << 10;
/// Most bytes of a file type box.
const TYPE_MAX: u64 = 64;
/// Content of the signature box (T.800 I.5.1).
const SIGNATURE: [u8; 4] = [0x0D, 0x0A, 0x87, 0x0A];

#[derive(Debug)]
pub(super) struct Jpeg2000 {
    codestream: Codestream,
    /// `None` without a file.
    file: Option<File>,
}

#[derive(Debug, Default)]
struct File {
    /// Head of a box, as far as it has passed; or the box that is open.
    head: Vec<u8>,
    open: Option<Open>,
    has_codestream: bool,
}

/// A box whose content passes.
#[derive(Debug)]
struct Open {
    kind: [u8; 4],
    /// `None`: it ends with the frame.
    left: Option<u64>,
    /// Content of a box that is looked at as a whole.
    held: Vec<u8>,
}

impl Jpeg2000 {
    pub(super) fn new(is_file: bool) -> Self {
        Self { codestream: Codestream::new(), file: is_file.then(File::default) }
    }

    pub(super) fn may_end(&self) -> bool {
        let Some(file) = &self.file else { return self.codestream.may_end() };
        let is_between = match &file.open {
            // The byte that makes a fragment even.
            None => matches!(file.head.as_slice(), [] | [0]),
            Some(open) => open.left.is_none(),
        };
        is_between && file.has_codestream && self.codestream.may_end()
    }

    pub(super) fn pass(&mut self, mut bytes: &mut [u8], found: &mut bool) -> Walked<()> {
        let Some(file) = &mut self.file else { return self.codestream.pass(bytes, found) };
        while let Some(first) = bytes.first().copied() {
            let taken = match &mut file.open {
                None => {
                    file.head(first)?;
                    1
                }
                Some(open) => {
                    let taken =
                        open.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
                    let taken = taken.min(bytes.len());
                    open.pass(bytes.get_mut(..taken).unwrap_or_default(), &mut self.codestream, found)?;
                    taken
                }
            };
            if file.open.as_ref().is_some_and(|open| open.left == Some(0)) {
                file.close(&self.codestream)?;
            }
            bytes = bytes.get_mut(taken..).unwrap_or_default();
        }
        Ok(())
    }
}

impl File {
    /// The next byte of the head of a box: length and kind, and a longer length when the first is 1.
    fn head(&mut self, byte: u8) -> Walked<()> {
        self.head.push(byte);
        let Some((&[a, b, c, d, kind @ ..], long)) = self.head.split_first_chunk::<8>() else {
            return Ok(());
        };
        let left = match (u32::from_be_bytes([a, b, c, d]), <[u8; 8]>::try_from(long)) {
            (0, _) => None,
            (1, Ok(long)) => Some(u64::from_be_bytes(long).checked_sub(16).ok_or(SegmentError::Damaged)?),
            (1, Err(_)) => return Ok(()),
            (length, _) => Some(u64::from(length).checked_sub(8).ok_or(SegmentError::Damaged)?),
        };
        let is_codestream = kind == *b"jp2c";
        let most = match &kind {
            b"jP  " => 4,
            b"ftyp" => TYPE_MAX,
            b"jp2h" => HEADER_MAX,
            _ => u64::MAX,
        };
        let is_large = left.unwrap_or(u64::MAX) > most;
        if is_large || is_codestream && self.has_codestream {
            return Err(SegmentError::Damaged);
        }
        self.has_codestream |= is_codestream;
        self.head.clear();
        self.open = Some(Open { kind, left, held: Vec::new() });
        Ok(())
    }

    fn close(&mut self, codestream: &Codestream) -> Walked<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        match &open.kind {
            b"jP  " if open.held != SIGNATURE => Err(SegmentError::Damaged),
            b"ftyp" if !is_type(&open.held) => Err(SegmentError::Damaged),
            b"jp2h" => refuse_profile(&open.held),
            b"jp2c" if !codestream.may_end() => Err(SegmentError::Damaged),
            _ => Ok(()),
        }
    }
}

impl Open {
    fn pass(&mut self, bytes: &mut [u8], codestream: &mut Codestream, found: &mut bool) -> Walked<()> {
        match &self.kind {
            b"jP  " | b"ftyp" | b"jp2h" => self.held.extend_from_slice(bytes),
            b"jp2c" => codestream.pass(bytes, found)?,
            _ => erase(bytes, found),
        }
        self.left = self.left.map(|left| left - bytes.len() as u64);
        Ok(())
    }
}

/// File type: a brand, a minor version, and brands that it is compatible with (T.800 I.5.2); nothing that could be words.
fn is_type(content: &[u8]) -> bool {
    let is_brand = |word: &[u8; 4]| {
        matches!(word, b"jp2 " | b"jpx " | b"jpxb" | b"jpm " | b"J2P0" | b"J2P1" | [0, 0, 0, 0])
    };
    let (words, rest) = content.as_chunks::<4>();
    rest.is_empty() && words.iter().all(is_brand)
}

/// A colour specification with a profile (method other than 1) may hold text that cannot be blanked without harm.
fn refuse_profile(header: &[u8]) -> Walked<()> {
    let mut at = 0;
    while at < header.len() {
        let inner = boxes::read(header, at, header.len()).ok_or(SegmentError::Damaged)?;
        // Image header, bits per component, palette and its mapping, channels, resolution (T.800 I.5.3).
        let is_known =
            matches!(&inner.kind, b"ihdr" | b"bpcc" | b"colr" | b"pclr" | b"cmap" | b"cdef" | b"res ");
        if !is_known {
            return Err(SegmentError::Damaged);
        }
        if &inner.kind == b"colr" && header.get(inner.content.start) != Some(&1) {
            return Err(SegmentError::ColourProfile);
        }
        at = inner.whole.end;
    }
    Ok(())
}
