//! The grey of each pixel before a window makes it black, white or between.

use super::values::Values;
use super::{GreyImage, ImageError, Palette};
use crate::description::{Description, Photometric};

/// Of so many pixels one is an outermost one: hot pixels, padding.
const OUTERMOST: usize = 10_000;
/// Of so many pixels one lies outside of most of them: letters over them may be brighter, and are white then.
const OUTER: usize = 50;

pub(crate) struct Levels {
    width: u32,
    height: u32,
    levels: Vec<i64>,
    /// The greatest level of colours.
    full: Option<i64>,
    is_inverted: bool,
}

impl Levels {
    pub(crate) fn new(
        description: &Description,
        frame: &[u8],
        skipped_bits: u32,
        palette: Option<&Palette>,
    ) -> Result<Self, ImageError> {
        let (width, height) = (u32::from(description.columns()), u32::from(description.rows()));
        GreyImage::check(width, height)?;
        let values = Values::new(description, frame, skipped_bits).ok_or(ImageError::TooShort)?;
        let pixels = 0..width as usize * height as usize;
        let luma = |red: i64, green: i64, blue: i64| (red * 299 + green * 587 + blue * 114) / 1000;
        let levels = match (description.photometric(), palette) {
            (Photometric::PaletteColor, Some(palette)) => {
                pixels.map(|pixel| i64::from(palette.grey(values.get(pixel)))).collect()
            }
            (Photometric::Rgb | Photometric::YbrIct | Photometric::YbrRct, _) => pixels
                .map(|pixel| {
                    luma(values.of_plane(0, pixel), values.of_plane(1, pixel), values.of_plane(2, pixel))
                })
                .collect(),
            _ => pixels.map(|pixel| values.of_plane(0, pixel)).collect(),
        };
        let full = match palette {
            Some(_) => Some(255),
            None => (description.samples_per_pixel() == 3)
                .then(|| (1_i64 << description.bits_stored().min(32)) - 1),
        };
        let is_inverted = description.photometric() == Photometric::Monochrome1;
        Ok(Self { width, height, levels, full, is_inverted })
    }

    pub(crate) fn are_colours(&self) -> bool {
        self.full.is_some()
    }

    /// The lowest and highest level without the outermost 0.01 %; all that there are, of colours.
    pub(crate) fn whole(&self) -> (f64, f64) {
        match self.full {
            Some(full) => (0.0, full as f64),
            None => self.without(OUTERMOST).unwrap_or_else(|| {
                // Nothing but the outermost values differs.
                let ends = (self.levels.iter().min().copied(), self.levels.iter().max().copied());
                (ends.0.unwrap_or(0) as f64, ends.1.unwrap_or(1) as f64)
            }),
        }
    }

    /// The range of most levels, those of letters over an even ground in reach on both sides of it.
    pub(crate) fn most(&self) -> (f64, f64) {
        let (low, high) = self.without(OUTER).unwrap_or_else(|| {
            let ground = self.middle();
            (ground, ground)
        });
        let (centre, half) = (f64::midpoint(low, high), ((high - low) / 2.0).max(1.0));
        (centre - half, centre + half)
    }

    /// The lowest and highest level when one of `share` is left out at both ends; `None` when they are the same.
    fn without(&self, share: usize) -> Option<(f64, f64)> {
        let mut sorted = self.levels.clone();
        let cut = sorted.len() / share;
        let last = sorted.len().checked_sub(1 + cut)?;
        let low = *sorted.select_nth_unstable(cut).1;
        let high = *sorted.select_nth_unstable(last).1;
        (low < high).then_some((low as f64, high as f64))
    }

    fn middle(&self) -> f64 {
        let mut sorted = self.levels.clone();
        let middle = sorted.len() / 2;
        if sorted.is_empty() { 0.0 } else { *sorted.select_nth_unstable(middle).1 as f64 }
    }

    /// The image with `low` as black and `high` as white.
    pub(crate) fn image(&self, (low, high): (f64, f64)) -> Result<GreyImage, ImageError> {
        let span = (high - low).max(1.0);
        let shade = |level: &i64| {
            // A conversion from float saturates.
            let grey = ((*level as f64 - low) * 255.0 / span).round() as u8;
            if self.is_inverted { 255 - grey } else { grey }
        };
        GreyImage::new(self.width, self.height, self.levels.iter().map(shade).collect())
    }
}
