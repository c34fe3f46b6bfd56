//! Marker segments of JPEG and JPEG-LS (ITU-T T.81 B.1): FFH, a code, two bytes of length that count themselves.

pub(crate) const SOI: u8 = 0xD8;
pub(crate) const EOI: u8 = 0xD9;
pub(crate) const SOS: u8 = 0xDA;
pub(crate) const DRI: u8 = 0xDD;
pub(crate) const APP0: u8 = 0xE0;
pub(crate) const APP8: u8 = 0xE8;
pub(crate) const APP14: u8 = 0xEE;

/// A marker segment and where it lies in the bytes.
pub(crate) struct Segment<'a> {
    pub(crate) code: u8,
    /// One after its last byte, which may lie beyond the bytes.
    pub(crate) end: usize,
    /// What follows the length, as far as it is there.
    pub(crate) payload: &'a [u8],
}

/// Why the walk stopped before a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The bytes end.
    End,
    /// Something that is no marker segment.
    Damaged,
}

/// The segments from the start of a frame to its first SOS (given as the last) or EOI.
pub(crate) fn segments(frame: &[u8]) -> Segments<'_> {
    let start = if frame.starts_with(&[0xFF, SOI]) { Some(2) } else { None };
    Segments { bytes: frame, at: start, damaged: start.is_none() }
}

/// The segments that follow a scan.
pub(crate) fn segments_between_scans(bytes: &[u8]) -> Segments<'_> {
    Segments { bytes, at: Some(0), damaged: false }
}

pub(crate) struct Segments<'a> {
    bytes: &'a [u8],
    at: Option<usize>,
    damaged: bool,
}

impl<'a> Segments<'a> {
    fn read(&self, start: usize) -> Result<Segment<'a>, Stop> {
        let byte = |at: usize| self.bytes.get(at).copied().ok_or(Stop::End);
        if byte(start)? != 0xFF {
            return Err(Stop::Damaged);
        }
        // Any number of fill bytes may stand before the code (B.1.1.2).
        let mut at = start + 1;
        while byte(at)? == 0xFF {
            at += 1;
        }
        let code = byte(at)?;
        if code == EOI {
            return Ok(Segment { code, end: at + 1, payload: &[] });
        }
        if matches!(code, 0x00 | 0x01 | 0xD0..=0xD8) {
            return Err(Stop::Damaged);
        }
        let length = usize::from(u16::from_be_bytes([byte(at + 1)?, byte(at + 2)?]));
        if length < 2 {
            return Err(Stop::Damaged);
        }
        let end = at + 1 + length;
        let payload = self.bytes.get(at + 3..end.min(self.bytes.len())).unwrap_or_default();
        Ok(Segment { code, end, payload })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, Stop>;

    fn next(&mut self) -> Option<Self::Item> {
        if std::mem::take(&mut self.damaged) {
            return Some(Err(Stop::Damaged));
        }
        let at = self.at.take()?;
        let segment = self.read(at);
        if let Ok(segment) = &segment
            && !matches!(segment.code, SOS | EOI)
        {
            self.at = Some(segment.end);
        }
        Some(segment)
    }
}

/// In JPEG a byte FFH of coded data is followed by a stuffed 00H, or is a restart marker.
pub(crate) fn ends_jpeg_scan(after_ff: u8) -> bool {
    !matches!(after_ff, 0x00 | 0xD0..=0xD7)
}

/// In JPEG-LS the byte after FFH has its high bit clear, or is a restart marker.
pub(crate) fn ends_jpeg_ls_scan(after_ff: u8) -> bool {
    after_ff >= 0x80 && !matches!(after_ff, 0xD0..=0xD7)
}

/// Whether a segment of JPEG holds what decoders read (T.81 Table B.1): frames, tables, scans, restarts, the hierarchy. APPn and COM do not, nor do
/// the reserved JPG, JPGn and RES.
pub(crate) fn is_of_jpeg(code: u8) -> bool {
    matches!(code, 0xC0..=0xC7 | 0xC9..=0xCF | SOS..=0xDF)
}

/// The same of JPEG-LS, which has a frame and parameters of its own (T.87 C.1.1).
pub(crate) fn is_of_jpeg_ls(code: u8) -> bool {
    is_of_jpeg(code) || matches!(code, 0xF7 | 0xF8)
}

/// Where the marker lies that ends the coded data; the end of the bytes when there is none.
pub(crate) fn end_of_scan(coded: &[u8], ends: fn(u8) -> bool) -> usize {
    let marker = |pair: &[u8]| matches!(pair, [0xFF, code] if *code != 0xFF && ends(*code));
    coded.windows(2).position(marker).unwrap_or(coded.len())
}
