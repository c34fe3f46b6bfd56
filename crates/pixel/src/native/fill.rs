//! What a masked sample becomes: the darkest value that the image can show.

use crate::description::{Description, Photometric};

/// The samples that replace masked ones, as little endian cells.
///
/// | Photometric Interpretation | unsigned | signed |
/// |---|---|---|
/// | MONOCHROME2 | 0 | Pixel Padding Value when present and storable, else the lowest value of Bits Stored |
/// | MONOCHROME1 | the highest value of Bits Stored | the same |
/// | PALETTE COLOR | the index given, else 0 | the index given, else the lowest value |
/// | RGB | 0, 0, 0 | – |
/// | YBR_FULL, YBR_FULL_422 | luminance 0, colour differences in the middle | – |
///
/// Bits above High Bit repeat the sign or are 0, bits below the stored ones are 0: overlay bits that were kept there go as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// One cell for each sample of a pixel.
    cells: Vec<Vec<u8>>,
    /// The value of a single-bit sample.
    bit: bool,
}

impl Fill {
    /// The darkest value by the table above.
    pub fn darkest(description: &Description) -> Self {
        Self::with_first(description, darkest_value(description))
    }

    /// Like [`Fill::darkest`], with the darkest index of the image's own palette.
    pub fn palette_index(description: &Description, index: u16) -> Self {
        Self::with_first(description, i128::from(index))
    }

    fn with_first(description: &Description, first: i128) -> Self {
        let rest = match description.photometric() {
            Photometric::YbrFull | Photometric::YbrFull422 => 1_i128 << (description.bits_stored() - 1),
            _ => 0,
        };
        let values = [first, rest, rest];
        let samples = usize::from(description.samples_per_pixel());
        let cells = values.iter().take(samples).map(|&value| cell(description, value)).collect();
        Self { cells, bit: first & 1 == 1 }
    }

    pub(super) fn fits(&self, description: &Description) -> bool {
        self.cells.len() == usize::from(description.samples_per_pixel())
            && self.cells.iter().all(|cell| cell.len() == description.sample_bytes())
    }

    pub(super) fn bit(&self) -> bool {
        self.bit
    }

    /// The bytes that repeat through the masked pixels of each plane.
    pub(super) fn patterns(&self, description: &Description) -> Vec<Vec<u8>> {
        if description.by_plane() {
            return self.cells.clone();
        }
        if !description.subsampled() {
            return vec![self.cells.concat()];
        }
        // Two luminances, then the colour differences of the pair (PS3.3 C.7.6.3.1.2).
        vec![self.cells.first().into_iter().chain(&self.cells).flatten().copied().collect()]
    }
}

/// The darkest stored value of the first sample.
fn darkest_value(description: &Description) -> i128 {
    let span = 1_i128 << description.bits_stored();
    let (lowest, highest) = if description.signed() { (-span / 2, span / 2 - 1) } else { (0, span - 1) };
    let padding = description.padding().map(i128::from).filter(|value| (lowest..=highest).contains(value));
    match description.photometric() {
        Photometric::Monochrome1 => highest,
        Photometric::Monochrome2 if description.signed() => padding.unwrap_or(lowest),
        Photometric::PaletteColor => lowest,
        Photometric::Monochrome2 => lowest,
        _ => 0,
    }
}

/// `value` placed at High Bit in a cell, sign repeated above it.
fn cell(description: &Description, value: i128) -> Vec<u8> {
    let shift = description.high_bit() + 1 - description.bits_stored();
    (value << shift).to_le_bytes().into_iter().take(description.sample_bytes()).collect()
}
