//! Prepares an image for a recogniser: what is thin and differs from its surroundings stays, anatomy goes.
//!
//! A recogniser that separates dark from light over the whole page loses text that lies over anatomy, and takes outlines of organs for
//! letters. The top-hat transform (the image less its opening) keeps strokes narrower than a window, whatever lies beneath them; its
//! counterpart keeps dark strokes. Both results go onto one page, dark on white, twice as large where there is room, so that letters of
//! seven pixels become readable. Strokes wider than the window (15 pixels, or a hundredth of the smaller side) are not found.

mod enlarge;
mod letters;
mod morphology;

use crate::grey::{GreyImage, ImageError};
use crate::recognise::TextBox;
use crate::shape::Rectangle;

/// Differences up to this are noise.
const NOISE: u8 = 40;
/// Differences from this on are full black on the page.
const CERTAIN: u8 = 160;
/// Of 255 on the page from where on a pixel is clear: recognisers read faint strokes where nothing darker stands.
const CLEAR: u8 = 32;
/// Clear pixels without which a polarity is left out.
const FEWEST: usize = 20;
/// White rows and columns around each band, in pixels of the image.
const BORDER: usize = 10;
/// Pages are enlarged up to this size of the image.
const ENLARGED: usize = 1 << 22;

/// A page for a recogniser, and the way back to the image's pixels.
pub struct Page {
    /// Dark strokes on white.
    pub image: GreyImage,
    scale: usize,
    /// Rows from one band to the next, in pixels of the image.
    band: usize,
    width: usize,
    height: usize,
    /// The strokes of each band: below 255 where the image differs from its surroundings.
    bands: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Page {
    // Pixels may show an identity.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Page({:?}, {} bands)", self.image, self.bands.len())
    }
}

impl Page {
    /// The page of an image; `None` when nothing in it differs enough from its surroundings to be text.
    ///
    /// # Errors
    /// [`ImageError::TooLarge`] when the page would be too large.
    pub fn of(image: &GreyImage) -> Result<Option<Self>, ImageError> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let bands: Vec<Vec<u8>> = differences(image).into_iter().filter_map(strokes).collect();
        if bands.is_empty() {
            return Ok(None);
        }
        let (band, page_width) = (height + 2 * BORDER, width + 2 * BORDER);
        let mut page = Vec::with_capacity(page_width * band * bands.len());
        for strokes in &bands {
            page.resize(page.len() + BORDER * page_width, 255);
            for row in strokes.chunks_exact(width) {
                page.resize(page.len() + BORDER, 255);
                page.extend_from_slice(row);
                page.resize(page.len() + BORDER, 255);
            }
            page.resize(page.len() + BORDER * page_width, 255);
        }
        let scale = if width * height <= ENLARGED { 2 } else { 1 };
        let page = if scale == 2 { enlarge::double(&page, page_width) } else { page };
        let size = |length: usize| u32::try_from(length * scale).map_err(|_| ImageError::TooLarge);
        let image = GreyImage::new(size(page_width)?, size(band * bands.len())?, page)?;
        Ok(Some(Self { image, scale, band, width, height, bands }))
    }

    /// A box found on the page, in pixels of the image; `None` when it lies outside.
    ///
    /// Recognisers cut glyphs and leave air around them. The box is widened by two pixels and a quarter of its height, then drawn in to
    /// the strokes that lie in it: it covers whole glyphs and little else.
    pub fn in_image(&self, found: TextBox) -> Option<TextBox> {
        let scale = |start: u32, length: u32, border: usize, size: usize| {
            let first = (start as usize / self.scale).saturating_sub(border);
            let end =
                ((start as usize + length as usize).div_ceil(self.scale)).saturating_sub(border).min(size);
            (first < end).then_some((first as u32, (end - first) as u32))
        };
        // The band in which the middle of the box lies.
        let middle = (found.y as usize + found.height as usize / 2) / self.scale;
        let band = middle / self.band;
        let (x, width) = scale(found.x, found.width, BORDER, self.width)?;
        let (y, height) = scale(found.y, found.height, BORDER + band * self.band, self.height)?;
        let wide = Rectangle::around(x, y, width, height, 2 + height / 4);
        let drawn = self.bands.get(band).and_then(|strokes| drawn_in(strokes, self.width, wide));
        let Rectangle { left, top, right, bottom } =
            drawn.unwrap_or(Rectangle::around(x, y, width, height, 0));
        Some(TextBox { x: left, y: top, width: right - left + 1, height: bottom - top + 1, ..found })
    }
}

/// Whether an image shows a stroke as large as a letter that `other`, of the same size, does not show. Where noise alone is stretched
/// there is nothing to read.
pub(crate) fn shows_more(image: &GreyImage, other: &GreyImage) -> bool {
    let width = image.width() as usize;
    let pairs = differences(image).into_iter().zip(differences(other));
    pairs.into_iter().any(|(here, there)| letters::has_more(&here, &there, width))
}

/// How far light strokes, and dark ones, differ from their surroundings.
fn differences(image: &GreyImage) -> [Vec<u8>; 2] {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let window = ((width.min(height) / 100) | 1).max(15);
    let inverted: Vec<u8> = image.pixels().iter().map(|pixel| 255 - pixel).collect();
    [image.pixels(), &inverted].map(|pixels| morphology::top_hat(pixels, width, window))
}

/// The smallest rectangle around the strokes inside of `wide`.
fn drawn_in(strokes: &[u8], width: usize, wide: Rectangle) -> Option<Rectangle> {
    let mut drawn: Option<Rectangle> = None;
    let rows = strokes.chunks_exact(width).zip(0..).skip(wide.top as usize);
    for (row, y) in rows.take((wide.bottom - wide.top) as usize + 1) {
        let columns =
            row.iter().zip(0..).skip(wide.left as usize).take((wide.right - wide.left) as usize + 1);
        for (_, x) in columns.filter(|(level, _)| **level < 255) {
            let found = drawn.get_or_insert(Rectangle { left: x, top: y, right: x, bottom: y });
            found.left = found.left.min(x);
            found.right = found.right.max(x);
            found.bottom = y;
        }
    }
    drawn
}

/// Differences to dark strokes on white; `None` when there are hardly any.
fn strokes(differences: Vec<u8>) -> Option<Vec<u8>> {
    let mut clear = 0;
    let page = differences
        .into_iter()
        .map(|difference| {
            clear += usize::from(is_clear(difference));
            255 - kept(difference)
        })
        .collect();
    (clear >= FEWEST).then_some(page)
}

/// How dark a difference stands on the page.
fn kept(difference: u8) -> u8 {
    let kept = u32::from(difference.saturating_sub(NOISE)) * 255 / u32::from(CERTAIN - NOISE);
    kept.min(255) as u8
}

fn is_clear(difference: u8) -> bool {
    kept(difference) > CLEAR
}
