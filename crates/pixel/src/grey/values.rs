//! Stored values out of their cells.

use crate::description::Description;

/// The samples of one native frame.
pub(super) struct Values<'a> {
    bytes: &'a [u8],
    skipped: u64,
    allocated: u64,
    stored: u32,
    shift: u32,
    signed: bool,
    swapped: bool,
    samples: usize,
    plane: usize,
    subsampled: bool,
}

impl<'a> Values<'a> {
    /// `None` when the frame is too short.
    pub(super) fn new(description: &Description, bytes: &'a [u8], skipped_bits: u32) -> Option<Self> {
        let needed = (description.frame_bits() + u64::from(skipped_bits)).div_ceil(8);
        if (bytes.len() as u64) < needed {
            return None;
        }
        let (samples, plane) = match (description.samples_per_pixel(), description.by_plane()) {
            (1, _) => (1, 0),
            (samples, false) => (usize::from(samples), 1),
            _ => (1, usize::from(description.rows()) * usize::from(description.columns())),
        };
        Some(Self {
            bytes,
            skipped: u64::from(skipped_bits),
            allocated: u64::from(description.bits_allocated()),
            stored: u32::from(description.bits_stored()),
            shift: u32::from(description.high_bit() + 1 - description.bits_stored()),
            signed: description.signed(),
            swapped: description.big_endian_words(),
            samples,
            plane,
            subsampled: description.subsampled(),
        })
    }

    /// The sample of a pixel in one of the three planes.
    pub(super) fn of_plane(&self, plane: usize, pixel: usize) -> i64 {
        if self.subsampled {
            // Two luminances and two colour differences for each pair.
            let pair = pixel / 2 * 4;
            return self.get(if plane == 0 { pair + pixel % 2 } else { pair + 1 + plane });
        }
        self.get(plane * self.plane + pixel * self.samples)
    }

    /// The stored value of the sample at `index`; 0 beyond the frame.
    pub(super) fn get(&self, index: usize) -> i64 {
        let bit = self.skipped + index as u64 * self.allocated;
        let first = (bit / 8) as usize;
        let mut cell = 0_u64;
        for byte in 0..(self.allocated / 8).max(1) as usize {
            let place = if self.swapped { (first + byte) ^ 1 } else { first + byte };
            cell |= u64::from(self.bytes.get(place).copied().unwrap_or(0)) << (8 * byte);
        }
        let cell = if self.allocated == 1 { cell >> (bit % 8) } else { cell >> self.shift };
        let unused = 64 - self.stored;
        let pattern = cell << unused;
        if self.signed { pattern.cast_signed() >> unused } else { (pattern >> unused).cast_signed() }
    }
}
