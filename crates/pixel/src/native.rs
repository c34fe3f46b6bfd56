//! Blackens the masked samples of native pixel data while its bytes pass (PS3.5 8.1 and annex D).
//!
//! The masker is given pieces of any length with their offset in the value of Pixel Data (7FE0,0010). It changes masked samples only,
//! in all frames; a piece that no mask touches costs one binary search for each frame in it.
//!
//! Under Explicit VR Big Endian with VR OW the bytes of each 16-bit word are swapped, also where samples have 8 or 32 bits or one: the
//! byte at offset `o` of the value is byte `o ^ 1` of the little endian order, for which everything here is computed.

mod bits;
mod fill;
mod runs;
mod unused;

pub use fill::Fill;
pub use unused::UnusedBits;

use crate::description::Description;
use crate::shape::Mask;
use bits::BitRuns;
use runs::ByteRuns;

/// Why a mask cannot be applied: hold the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NativeMaskerError {
    /// The mask was made for another image size: hold the instance.
    #[error("the mask was made for another image size: hold the instance")]
    SizeDiffers,
    /// The fill was made for another kind of sample: an error of the caller.
    #[error("the fill was made for another description of the pixels")]
    FillDiffers,
}

/// A mask made ready for the native layout of one instance.
#[derive(Clone, Debug)]
pub struct NativeMasker {
    runs: Runs,
    swapped: bool,
}

#[derive(Clone, Debug)]
enum Runs {
    Bytes(ByteRuns),
    Bits(BitRuns),
}

impl NativeMasker {
    /// Compiles the mask for the sample layout.
    ///
    /// # Errors
    /// [`NativeMaskerError`] when mask, fill and description do not belong together.
    pub fn new(description: &Description, mask: &Mask, fill: &Fill) -> Result<Self, NativeMaskerError> {
        if (mask.rows(), mask.columns()) != (description.rows(), description.columns()) {
            return Err(NativeMaskerError::SizeDiffers);
        }
        if !fill.fits(description) {
            return Err(NativeMaskerError::FillDiffers);
        }
        let runs = if description.bits_allocated() == 1 {
            Runs::Bits(BitRuns::new(description, mask, fill))
        } else {
            Runs::Bytes(ByteRuns::new(description, mask, fill))
        };
        Ok(Self { runs, swapped: description.big_endian_words() })
    }

    /// Blackens what the mask covers in `piece`, whose first byte lies at `offset` of the value. Bytes after the last frame stay.
    pub fn apply(&self, offset: u64, piece: &mut [u8]) {
        match &self.runs {
            Runs::Bytes(runs) if self.swapped => runs.apply_swapped(offset, piece),
            Runs::Bytes(runs) => runs.apply(offset, piece),
            Runs::Bits(runs) => runs.apply(offset, piece, self.swapped),
        }
    }
}
