//! The images of a frame or page that its inspection looks at.

use crate::contrast;
use crate::description::{Attributes, Description, FrameLimit};
use crate::grey::{GreyImage, ImageError, Levels, Palette, Window};

/// Renders one native frame as its inspection needs it: over its whole range, and, where that shows notably more contrast and
/// strokes that the first image does not show, through the window that the object stores, or without one of use between the outer values
/// of the frame. At most two images: text in a narrow band of values is lost in the whole range when other values lie far from it.
///
/// # Errors
/// As [`crate::grey::render`].
pub fn renderings(
    description: &Description,
    frame: &[u8],
    stored: Option<Window>,
    palette: Option<&Palette>,
) -> Result<Vec<GreyImage>, ImageError> {
    let levels = Levels::new(description, frame, 0, palette)?;
    let range = levels.whole();
    let whole = levels.image(range)?;
    let narrow = if levels.are_colours() { None } else { narrow(&levels, stored, range, &whole)? };
    Ok([Some(whole), narrow].into_iter().flatten().collect())
}

/// Renders a page as its inspection needs it: as it is and, as [`renderings`] does, where most of its values lie close together.
///
/// # Errors
/// The page is larger than an image can be: hold the instance.
pub fn renderings_of_page(page: &GreyImage) -> Result<Vec<GreyImage>, ImageError> {
    let side = |length: u32| u16::try_from(length).map_err(|_| ImageError::TooLarge);
    let attributes = Attributes {
        rows: Some(side(page.height())?),
        columns: Some(side(page.width())?),
        samples_per_pixel: Some(1),
        photometric_interpretation: Some("MONOCHROME2".to_owned()),
        bits_allocated: Some(8),
        bits_stored: Some(8),
        high_bit: Some(7),
        pixel_representation: Some(0),
        ..Attributes::default()
    };
    let description = attributes.check(FrameLimit::DECODED).map_err(|_| ImageError::TooLarge)?;
    let levels = Levels::new(&description, page.pixels(), 0, None)?;
    let narrow = narrow(&levels, None, (0.0, 255.0), page)?;
    Ok([Some(page.clone()), narrow].into_iter().flatten().collect())
}

/// The second image, where it shows more than the `first` one, which has the values of `range` from black to white.
fn narrow(
    levels: &Levels,
    stored: Option<Window>,
    range: (f64, f64),
    first: &GreyImage,
) -> Result<Option<GreyImage>, ImageError> {
    let stored = match stored {
        Some(Window::Given { centre, width }) => Some((centre - width / 2.0, centre + width / 2.0)),
        _ => None,
    };
    let is_narrow = |(low, high): &(f64, f64)| {
        high - low <= (range.1 - range.0) / CONTRAST && *low < range.1 && *high > range.0
    };
    let narrow = stored.filter(is_narrow).or_else(|| Some(levels.most()).filter(is_narrow));
    let narrow = narrow.map(|narrow| levels.image(narrow)).transpose()?;
    Ok(narrow.filter(|narrow| contrast::shows_more(narrow, first)))
}

/// How many times the contrast a second image has to show.
const CONTRAST: f64 = 1.5;
