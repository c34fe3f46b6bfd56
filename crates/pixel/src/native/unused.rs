//! Bits of a cell that hold no part of the sample.

use crate::description::Description;

/// Sets the bits outside the stored ones to 0 in every sample: retired overlays were kept there (Overlay Bit Position (60xx,0102) other
/// than 0). Only for instances that have such an overlay: elsewhere these bits repeat the sign, and readers count on it.
#[derive(Clone, Debug)]
pub struct UnusedBits {
    kept: Vec<u8>,
    length: u64,
    swapped: bool,
}

impl UnusedBits {
    /// `None` when every bit of a cell is stored.
    pub fn new(description: &Description) -> Option<Self> {
        let (stored, allocated) = (description.bits_stored(), description.bits_allocated());
        if stored == allocated {
            return None;
        }
        let kept = ((1_u64 << stored) - 1) << (description.high_bit() + 1 - stored);
        let kept = kept.to_le_bytes().into_iter().take(description.sample_bytes()).collect();
        Some(Self { kept, length: description.native_bytes(), swapped: description.big_endian_words() })
    }

    /// Clears them in `piece`, whose first byte lies at `offset` of the value of Pixel Data. Bytes after the last frame stay.
    pub fn clear(&self, offset: u64, piece: &mut [u8]) {
        for (byte, place) in piece.iter_mut().zip(offset..) {
            let place = if self.swapped { place ^ 1 } else { place };
            if place < self.length {
                *byte &= self.kept.get((place % self.kept.len() as u64) as usize).copied().unwrap_or(0xFF);
            }
        }
    }
}
