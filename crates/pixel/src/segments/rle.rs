//! One RLE frame (PS3.5 annex G): a header of 16 numbers, then segments of runs. What stands between the runs that make the samples and the next
//! segment, or the end of the frame, is padding, and no decoder reads it.

use super::{SegmentError, Walked, erase};

/// Bytes of the header.
const HEADER: u64 = 64;
/// Most segments of a frame (G.5).
const SEGMENTS_MAX: u32 = 15;

#[derive(Debug)]
pub(super) struct Rle {
    /// Samples of a segment, and segments of a frame; `None` where nobody said how large the image is.
    expected: Option<(u64, u32)>,
    /// Bytes passed.
    at: u64,
    /// The number of the header that is passing.
    number: [u8; 4],
    segments: u32,
    /// Where the segments begin that are still to come, the next one last.
    starts: Vec<u64>,
    /// Samples that are missing of the segment that is passing.
    missing: u64,
    run: Run,
}

#[derive(Debug)]
enum Run {
    /// The byte that says what follows.
    Control,
    Literal(u64),
    Repeated(u64),
}

impl Rle {
    pub(super) fn new(expected: Option<(u64, u32)>) -> Self {
        let (number, starts) = ([0; 4], Vec::new());
        Self { expected, at: 0, number, segments: 0, starts, missing: 0, run: Run::Control }
    }

    /// Frames that end early exist; decoders tell.
    pub(super) fn may_end(&self) -> bool {
        self.at >= HEADER
    }

    pub(super) fn pass(&mut self, bytes: &mut [u8], found: &mut bool) -> Walked<()> {
        for byte in bytes.chunks_mut(1) {
            let [value] = *byte else { continue };
            let is_read = if self.at < HEADER { self.header(value)? } else { self.coded(value)? };
            if !is_read {
                erase(byte, found);
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Whether a decoder reads this byte of the header.
    fn header(&mut self, byte: u8) -> Walked<bool> {
        let (index, place) = ((self.at / 4) as u32, (self.at % 4) as usize);
        if let Some(own) = self.number.get_mut(place) {
            *own = byte;
        }
        let number = u32::from_le_bytes(self.number);
        match (index, place) {
            (0, 3) if number > SEGMENTS_MAX => return Err(SegmentError::Damaged),
            // One for each byte of a pixel (G.2): what is in another one no decoder reads.
            (0, 3) if self.expected.is_some_and(|(_, segments)| number != segments) => {
                return Err(SegmentError::Damaged);
            }
            (0, 3) => self.segments = number,
            (1.., 3) if index <= self.segments => {
                let ascends = self.starts.last().is_none_or(|before| *before < u64::from(number));
                if !ascends || u64::from(number) < HEADER {
                    return Err(SegmentError::Damaged);
                }
                self.starts.push(number.into());
            }
            _ => {}
        }
        if self.at == HEADER - 1 {
            self.starts.reverse();
            if self.segments > 0 && self.expected.is_none() {
                return Err(SegmentError::Damaged);
            }
        }
        Ok(index <= self.segments)
    }

    /// Whether a decoder reads this byte behind the header.
    fn coded(&mut self, byte: u8) -> Walked<bool> {
        if self.starts.last() == Some(&self.at) {
            self.starts.pop();
            self.missing = self.expected.map_or(0, |(samples, _)| samples);
            self.run = Run::Control;
        }
        if self.missing == 0 {
            return Ok(false);
        }
        match &mut self.run {
            // G.3.2
            Run::Control => {
                self.run = match byte {
                    0..=127 => Run::Literal(u64::from(byte) + 1),
                    128 => Run::Control,
                    129..=255 => Run::Repeated(257 - u64::from(byte)),
                }
            }
            Run::Literal(left) => {
                *left -= 1;
                self.missing -= 1;
                if *left == 0 {
                    self.run = Run::Control;
                }
            }
            Run::Repeated(count) => {
                self.missing = self.missing.saturating_sub(*count);
                self.run = Run::Control;
            }
        }
        Ok(true)
    }
}
