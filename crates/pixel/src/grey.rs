//! A frame as an 8-bit grey image, for recognition only: nothing here is written back.

mod image;
mod levels;
mod palette;
mod values;
mod window;

pub use image::{GreyImage, ImageError};
pub use palette::{Palette, PaletteError};

use crate::description::Description;
pub(crate) use levels::Levels;
pub use window::Window;

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
    let levels = Levels::new(description, frame, skipped_bits, palette)?;
    let range = match window {
        Window::FrameRange => levels.whole(),
        Window::Given { centre, width } => (centre - width / 2.0, centre + width / 2.0),
    };
    levels.image(range)
}
