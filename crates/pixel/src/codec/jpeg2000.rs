//! JPEG 2000 (ITU-T T.800): the codestream, with or without the boxes of a JP2 file around it.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::samples::Cells;
use super::{CodecError, DecodedFrame};
use crate::description::{Description, Photometric};
use crate::segments::boxes;

/// The decoder keeps four bytes for each sample and more while it works.
const MAX_SAMPLES: u64 = 1 << 26;

pub(super) fn decode(frame: &[u8], description: &Description) -> Result<DecodedFrame, CodecError> {
    let codestream = boxes::codestream(frame).ok_or(CodecError::Damaged("no JPEG 2000 codestream"))?;
    let size = Size::read(codestream)?;
    size.check(description)?;
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let image = Image::new(codestream, &settings).map_err(|_| CodecError::Damaged("JPEG 2000 header"))?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|_| CodecError::Damaged("JPEG 2000"))?;
    let mut components: Vec<_> =
        decoded.components().iter().map(|component| component.samples().iter()).collect();
    let mut cells = Cells::new(description, size.precision)?;
    // The decoder shifts every component as if it were unsigned.
    let shift = if size.signed { 1_i64 << (size.precision - 1) } else { 0 };
    let (lowest, highest) = (-shift, (1_i64 << size.precision) - 1 - shift);
    for _ in 0..u64::from(description.rows()) * u64::from(description.columns()) {
        for component in &mut components {
            let sample = component.next().ok_or(CodecError::Damaged("JPEG 2000"))?;
            cells.push((sample.round() as i64 - shift).clamp(lowest, highest));
        }
    }
    let photometric = match description.photometric() {
        Photometric::YbrIct | Photometric::YbrRct => Photometric::Rgb,
        Photometric::YbrFull422 => Photometric::YbrFull,
        other => other,
    };
    Ok(cells.finish(description, photometric))
}

/// The marker segment SIZ (A.5.1).
struct Size {
    columns: u32,
    rows: u32,
    tiles: u64,
    components: u16,
    precision: u32,
    signed: bool,
    /// All components have the same precision, sign and no subsampling.
    alike: bool,
}

impl Size {
    fn read(codestream: &[u8]) -> Result<Self, CodecError> {
        let damaged = CodecError::Damaged("JPEG 2000 size");
        let word = |at: usize| {
            let bytes = codestream.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
            bytes.map(u32::from_be_bytes).ok_or(damaged.clone())
        };
        // SOC, SIZ, its length, capabilities; then the reference grid.
        let span = |high: u32, low: u32| high.checked_sub(low).ok_or(damaged.clone());
        let (right, bottom, left, top) = (word(8)?, word(12)?, word(16)?, word(20)?);
        let (tile_columns, tile_rows, tile_left, tile_top) = (word(24)?, word(28)?, word(32)?, word(36)?);
        if tile_columns == 0 || tile_rows == 0 {
            return Err(damaged);
        }
        let tiles = u64::from(span(right, tile_left)?.div_ceil(tile_columns))
            * u64::from(span(bottom, tile_top)?.div_ceil(tile_rows));
        let components = codestream.get(40..42).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok());
        let components = u16::from_be_bytes(components.ok_or(damaged.clone())?);
        let described = codestream.get(42..42 + 3 * usize::from(components)).ok_or(damaged.clone())?;
        let (described, _) = described.as_chunks::<3>();
        let &first = described.first().ok_or(damaged.clone())?;
        let [depth, ..] = first;
        Ok(Self {
            columns: span(right, left)?,
            rows: span(bottom, top)?,
            tiles,
            components,
            precision: u32::from(depth & 0x7F) + 1,
            signed: depth & 0x80 != 0,
            alike: described.iter().all(|&component| component == [depth, 1, 1]),
        })
    }

    fn check(&self, description: &Description) -> Result<(), CodecError> {
        if (self.rows, self.columns) != (u32::from(description.rows()), u32::from(description.columns())) {
            return Err(CodecError::Differs("size"));
        }
        if self.components != description.samples_per_pixel() {
            return Err(CodecError::Differs("samples per pixel"));
        }
        // Samples pass the decoder as f32, which is exact up to 24 bits.
        if !self.alike || self.precision > 24 {
            return Err(CodecError::NoDecoder("components of JPEG 2000 that differ, or more than 24 bits"));
        }
        // A tile's number has 16 bits (A.4.2).
        if self.tiles > 65_535 {
            return Err(CodecError::Damaged("JPEG 2000 tiles"));
        }
        let samples = u64::from(self.rows) * u64::from(self.columns) * u64::from(self.components);
        if samples > MAX_SAMPLES { Err(CodecError::TooLarge) } else { Ok(()) }
    }
}
