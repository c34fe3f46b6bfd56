//! Palette Color Lookup Tables (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6).

/// Why a palette cannot be used: inspect without it, or hold the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaletteError {
    /// Descriptors that differ or allow no table.
    #[error("the descriptors of the palette are not allowed")]
    Descriptor,
    /// A table shorter than its descriptor says.
    #[error("a table of the palette is shorter than its descriptor says")]
    TooShort,
}

/// The grey of each index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    first: i64,
    greys: Vec<u8>,
}

impl Palette {
    /// From one descriptor (0028,1101) and the red, green and blue data (0028,1201) to (0028,1203) as little endian words, or as
    /// bytes when the descriptor says 8 bits and the data are that short. `signed`: Pixel Representation is 1. Segmented palettes
    /// (0028,1221) are not read.
    ///
    /// # Errors
    /// [`PaletteError`].
    pub fn new(descriptor: [u16; 3], signed: bool, tables: [&[u8]; 3]) -> Result<Self, PaletteError> {
        let [entries, first, bits] = descriptor;
        // 0 means 65,536.
        let entries = if entries == 0 { 1 << 16 } else { usize::from(entries) };
        if !matches!(bits, 8 | 16) {
            return Err(PaletteError::Descriptor);
        }
        let first = if signed { i64::from(first.cast_signed()) } else { i64::from(first) };
        let [red, green, blue] = tables.map(|table| table_levels(table, entries, bits));
        let (red, green, blue) = (red?, green?, blue?);
        let colours = red.iter().zip(&green).zip(&blue);
        let grey = |((red, green), blue): ((&u8, &u8), &u8)| {
            (u32::from(*red) * 299 + u32::from(*green) * 587 + u32::from(*blue) * 114).div_ceil(1000).min(255)
                as u8
        };
        Ok(Self { first, greys: colours.map(grey).collect() })
    }

    /// The grey of a stored value; values outside the table take its ends.
    pub(super) fn grey(&self, value: i64) -> u8 {
        let index = (value - self.first).clamp(0, self.greys.len() as i64 - 1);
        usize::try_from(index).ok().and_then(|index| self.greys.get(index)).copied().unwrap_or(0)
    }

    /// The index of the darkest colour, for masks ([`crate::Fill::palette_index`]). `None` when it is not a positive number.
    pub fn darkest(&self) -> Option<u16> {
        let darkest = self.greys.iter().enumerate().min_by_key(|(_, grey)| **grey).map(|(index, _)| index)?;
        u16::try_from(self.first + i64::try_from(darkest).ok()?).ok()
    }
}

/// The high byte of each entry.
fn table_levels(table: &[u8], entries: usize, bits: u16) -> Result<Vec<u8>, PaletteError> {
    let (words, _) = table.as_chunks::<2>();
    if words.len() >= entries {
        let words: Vec<u16> = words.iter().take(entries).map(|word| u16::from_le_bytes(*word)).collect();
        // Entries of 8 bits in words, or of 16 bits that only use 8, stand in the low byte.
        let low = bits == 8 || words.iter().all(|&word| word < 256);
        return Ok(words.iter().map(|&word| if low { word as u8 } else { (word >> 8) as u8 }).collect());
    }
    if bits == 8 && table.len() >= entries {
        return Ok(table.iter().take(entries).copied().collect());
    }
    Err(PaletteError::TooShort)
}
