//! A frame as an 8-bit grey image, for recognition only: nothing here is written back.

mod image;
mod palette;
mod values;

pub use image::{GreyImage, ImageError};
pub use palette::{Palette, PaletteError};

use crate::description::{Description, Photometric};
use values::Values;

/// Which stored values become black and white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Window {
    /// From the lowest to the highest value of the frame, without the outermost 0.01 % at both ends: single hot pixels and padding
    /// values would otherwise leave no range for the rest.
    FrameRange,
    /// The values `centre - width / 2` to `centre + width / 2`, as stored (before Rescale Slope and Intercept).
    Given {
        /// Middle of the range.
        centre: f64,
        /// Width of the range, above 0.
        width: f64,
    },
}

/// Renders one native frame.
///
/// `frame` starts at the byte that [`Description::frame_place`] gives for it, `skipped_bits` is what it gives beside. `palette` is
/// needed for `PALETTE COLOR`; without it the indices are shown as grey values.
///
/// # Errors
/// [`ImageError`] when the frame is too short or the image too large to be inspected: hold the instance.
pub fn render(
    description: &Description,
    frame: &[u8],
    skipped_bits: u32,
    window: Window,
    palette: Option<&Palette>,
) -> Result<GreyImage, ImageError> {
    let (width, height) = (u32::from(description.columns()), u32::from(description.rows()));
    GreyImage::check(width, height)?;
    let values = Values::new(description, frame, skipped_bits).ok_or(ImageError::TooShort)?;
    let pixels = width as usize * height as usize;
    let stored = description.bits_stored();
    let luma = |red: i64, green: i64, blue: i64| (red * 299 + green * 587 + blue * 114) / 1000;
    let levels: Vec<i64> = match (description.photometric(), palette) {
        (Photometric::PaletteColor, Some(palette)) => {
            (0..pixels).map(|pixel| i64::from(palette.grey(values.get(pixel)))).collect()
        }
        (Photometric::Rgb | Photometric::YbrIct | Photometric::YbrRct, _) => (0..pixels)
            .map(|pixel| {
                luma(values.of_plane(0, pixel), values.of_plane(1, pixel), values.of_plane(2, pixel))
            })
            .collect(),
        _ => (0..pixels).map(|pixel| values.of_plane(0, pixel)).collect(),
    };
    let colour = description.samples_per_pixel() == 3 || palette.is_some();
    let full = if palette.is_some() { 255 } else { (1_i64 << stored.min(32)) - 1 };
    let (low, high) = match window {
        Window::FrameRange if colour => (0.0, full as f64),
        Window::FrameRange => range(&levels),
        Window::Given { centre, width } => (centre - width / 2.0, centre + width / 2.0),
    };
    let span = (high - low).max(1.0);
    let inverted = description.photometric() == Photometric::Monochrome1;
    let shade = |level: &i64| {
        // A conversion from float saturates.
        let grey = ((*level as f64 - low) * 255.0 / span).round() as u8;
        if inverted { 255 - grey } else { grey }
    };
    GreyImage::new(width, height, levels.iter().map(shade).collect())
}

/// The lowest and highest level without the outermost 0.01 %.
fn range(levels: &[i64]) -> (f64, f64) {
    let mut sorted = levels.to_vec();
    let cut = sorted.len() / 10_000;
    let last = sorted.len().saturating_sub(1 + cut);
    if sorted.is_empty() {
        return (0.0, 1.0);
    }
    let low = *sorted.select_nth_unstable(cut).1;
    let high = *sorted.select_nth_unstable(last).1;
    if low < high {
        return (low as f64, high as f64);
    }
    // Nothing but the outermost values differs.
    let ends = (levels.iter().min().copied(), levels.iter().max().copied());
    (ends.0.unwrap_or(0) as f64, ends.1.unwrap_or(1) as f64)
}
