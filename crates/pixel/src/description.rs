//! What the Image Pixel module says about the samples (PS3.3 C.7.6.3), checked before anything is computed from it.

mod attributes;
mod photometric;

pub use attributes::{Attributes, DescriptionError};
pub use photometric::Photometric;

/// The most bytes that one uncompressed frame may have (R-12: compared before anything is allocated).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimit(pub u64);

impl FrameLimit {
    /// 1 GiB: for frames that pass as a stream and are never held.
    pub const STREAMED: Self = Self(1 << 30);
    /// 256 MiB: for frames that are decoded into memory.
    pub const DECODED: Self = Self(256 << 20);
}

/// The checked meaning of the pixel data of one instance.
///
/// Sizes computed from it fit `u64`, and one frame fits the [`FrameLimit`] it was checked with. Float and double float pixel data
/// (7FE0,0008), (7FE0,0009) have no description here: they are not masked, the caller holds what would need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) samples_per_pixel: u16,
    pub(crate) photometric: Photometric,
    pub(crate) by_plane: bool,
    pub(crate) bits_allocated: u16,
    pub(crate) bits_stored: u16,
    pub(crate) high_bit: u16,
    pub(crate) signed: bool,
    pub(crate) frames: u32,
    pub(crate) padding: Option<i64>,
    pub(crate) big_endian_words: bool,
    pub(crate) subsampled: bool,
}

impl Description {
    /// Rows (0028,0010), pixels.
    pub fn rows(&self) -> u16 {
        self.rows
    }

    /// Columns (0028,0011), pixels.
    pub fn columns(&self) -> u16 {
        self.columns
    }

    /// Samples per Pixel (0028,0002): 1 or 3.
    pub fn samples_per_pixel(&self) -> u16 {
        self.samples_per_pixel
    }

    /// Photometric Interpretation (0028,0004).
    pub fn photometric(&self) -> Photometric {
        self.photometric
    }

    /// Planar Configuration (0028,0006) is 1: all red, then all green, then all blue, frame by frame.
    pub fn by_plane(&self) -> bool {
        self.by_plane
    }

    /// Bits Allocated (0028,0100): 1, 8, 16, 32 or 64.
    pub fn bits_allocated(&self) -> u16 {
        self.bits_allocated
    }

    /// Bits Stored (0028,0101).
    pub fn bits_stored(&self) -> u16 {
        self.bits_stored
    }

    /// High Bit (0028,0102).
    pub fn high_bit(&self) -> u16 {
        self.high_bit
    }

    /// Pixel Representation (0028,0103) is 1: two's complement.
    pub fn signed(&self) -> bool {
        self.signed
    }

    /// Number of Frames (0028,0008), 1 when it is absent.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Pixel Padding Value (0028,0120), read as Pixel Representation says.
    pub fn padding(&self) -> Option<i64> {
        self.padding
    }

    /// 16-bit words are written with the high byte first (Explicit VR Big Endian with VR OW).
    pub fn big_endian_words(&self) -> bool {
        self.big_endian_words
    }

    /// Native YBR_FULL_422: two luminances, then the two colour differences that both pixels share.
    pub fn subsampled(&self) -> bool {
        self.subsampled
    }

    /// Bytes of one sample's cell; 0 when a cell is a single bit.
    pub(crate) fn sample_bytes(&self) -> usize {
        usize::from(self.bits_allocated / 8)
    }

    /// Bits of one native frame. Frames of single bits follow each other without padding to a byte (PS3.5 8.1.1).
    pub fn frame_bits(&self) -> u64 {
        let samples = if self.subsampled { 2 } else { u64::from(self.samples_per_pixel) };
        u64::from(self.rows) * u64::from(self.columns) * samples * u64::from(self.bits_allocated)
    }

    /// Bytes that one native frame needs, rounded up to whole bytes.
    pub fn frame_bytes(&self) -> u64 {
        self.frame_bits().div_ceil(8)
    }

    /// Where a native frame lies in the value of Pixel Data: its bytes, and how many bits of the first byte belong to the frame
    /// before. Swapped words are given whole.
    pub fn frame_place(&self, frame: u32) -> (std::ops::Range<u64>, u32) {
        let start = self.frame_bits().saturating_mul(u64::from(frame));
        let end = start.saturating_add(self.frame_bits()).div_ceil(8);
        let word = u64::from(self.big_endian_words);
        let first = start / 8 & !word;
        (first..end.saturating_add(end & word), (start - first * 8) as u32)
    }

    /// Bytes of all native frames, without the padding to an even length.
    pub fn native_bytes(&self) -> u64 {
        // Saturates at 2^61 bytes, which no file has.
        self.frame_bits().saturating_mul(u64::from(self.frames)).div_ceil(8)
    }

    /// The description of the same image's frame decoded to native little endian samples, colour by pixel, one frame.
    pub(crate) fn decoded(&self, photometric: Photometric) -> Self {
        Self {
            photometric,
            by_plane: false,
            frames: 1,
            big_endian_words: false,
            subsampled: false,
            ..self.clone()
        }
    }
}
