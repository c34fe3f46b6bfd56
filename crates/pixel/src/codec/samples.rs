//! Decoded sample values to little endian cells.

use super::{CodecError, DecodedFrame};
use crate::description::{Description, Photometric};

/// Collects samples, colour by pixel, in cells of Bits Allocated.
pub(super) struct Cells {
    bytes: Vec<u8>,
    cell: usize,
    precision: u32,
    signed: bool,
}

impl Cells {
    /// For samples of `precision` bits.
    ///
    /// # Errors
    /// [`CodecError::Differs`] when they do not fit Bits Allocated.
    pub(super) fn new(description: &Description, precision: u32) -> Result<Self, CodecError> {
        if precision == 0 || precision > u32::from(description.bits_allocated()).min(32) {
            return Err(CodecError::Differs("bits of a sample"));
        }
        let bytes =
            Vec::with_capacity(usize::try_from(description.frame_bytes()).map_err(|_| CodecError::TooLarge)?);
        Ok(Self { bytes, cell: description.sample_bytes(), precision, signed: description.signed() })
    }

    /// Adds one sample: its lowest `precision` bits, read as Pixel Representation says, whatever the codestream says of its sign.
    pub(super) fn push(&mut self, value: i64) {
        let unused = 64 - self.precision;
        let pattern = value.cast_unsigned() << unused;
        let value =
            if self.signed { (pattern.cast_signed() >> unused).cast_unsigned() } else { pattern >> unused };
        self.bytes.extend(value.to_le_bytes().iter().take(self.cell));
    }

    pub(super) fn finish(self, description: &Description, photometric: Photometric) -> DecodedFrame {
        DecodedFrame { description: description.decoded(photometric), samples: self.bytes }
    }
}
