//! The area of a recognised text fitted to its strokes: recognisers cut glyphs close or leave room, and what is blackened beside the text is
//! lost for research.

use pixel::Rectangle;
use pixel::grey::GreyImage;

/// Share of stroke-like pixels around the box from which on strokes and anatomy cannot be told apart.
const CLUTTER: usize = 5;

/// The rectangle to blacken: the strokes of the line of text, or the line with a margin where its surroundings look like strokes too.
/// `letters` is the height of its words: what was cut of a glyph is at most a quarter of it.
pub(super) fn fitted(image: &GreyImage, line: &Rectangle, letters: u32) -> Rectangle {
    let (width, height) = (line.right - line.left + 1, line.bottom - line.top + 1);
    let around = |margin| Rectangle::around(line.left, line.top, width, height, margin);
    let (wide, safe) = (around(2 + letters / 4), around(2));
    let (Some(area), Some(tight)) = (Area::clipped(image, &wide), Area::clipped(image, line)) else {
        return wide;
    };
    let Some(strokes) = Strokes::of(image, &area, &tight) else { return safe };
    let fitted = tight.fitted(&area, &|area| strokes.are_in(image, area));
    Rectangle::new(fitted.left, fitted.top, fitted.right, fitted.bottom).unwrap_or(safe)
}

/// Pixels from corner to corner, all inside the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Area {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl Area {
    fn clipped(image: &GreyImage, rectangle: &Rectangle) -> Option<Self> {
        let (right, bottom) = (image.width().checked_sub(1)?, image.height().checked_sub(1)?);
        let area = Self {
            left: rectangle.left,
            top: rectangle.top,
            right: rectangle.right.min(right),
            bottom: rectangle.bottom.min(bottom),
        };
        (area.left <= area.right && area.top <= area.bottom).then_some(area)
    }

    fn pixels(self) -> impl Iterator<Item = (u32, u32)> {
        (self.top..=self.bottom)
            .flat_map(move |row| (self.left..=self.right).map(move |column| (column, row)))
    }

    /// Grown side by side while strokes go on outside, at most to `most`; then shrunk while a side has none.
    fn fitted(self, most: &Self, has_strokes: &dyn Fn(&Self) -> bool) -> Self {
        let mut fitted = self;
        loop {
            let before = fitted;
            if fitted.left > most.left
                && has_strokes(&Self { right: fitted.left - 1, left: fitted.left - 1, ..fitted })
            {
                fitted.left -= 1;
            }
            if fitted.right < most.right
                && has_strokes(&Self { left: fitted.right + 1, right: fitted.right + 1, ..fitted })
            {
                fitted.right += 1;
            }
            if fitted.top > most.top
                && has_strokes(&Self { bottom: fitted.top - 1, top: fitted.top - 1, ..fitted })
            {
                fitted.top -= 1;
            }
            if fitted.bottom < most.bottom
                && has_strokes(&Self { top: fitted.bottom + 1, bottom: fitted.bottom + 1, ..fitted })
            {
                fitted.bottom += 1;
            }
            if fitted == before {
                break;
            }
        }
        while fitted.left < fitted.right && !has_strokes(&Self { right: fitted.left, ..fitted }) {
            fitted.left += 1;
        }
        while fitted.left < fitted.right && !has_strokes(&Self { left: fitted.right, ..fitted }) {
            fitted.right -= 1;
        }
        while fitted.top < fitted.bottom && !has_strokes(&Self { bottom: fitted.top, ..fitted }) {
            fitted.top += 1;
        }
        while fitted.top < fitted.bottom && !has_strokes(&Self { top: fitted.bottom, ..fitted }) {
            fitted.bottom -= 1;
        }
        fitted
    }
}

fn at(image: &GreyImage, column: u32, row: u32) -> Option<u8> {
    let place = u64::from(row) * u64::from(image.width()) + u64::from(column);
    image.pixels().get(usize::try_from(place).ok()?).copied()
}

/// What tells the strokes of a text from its background.
struct Strokes {
    /// Values on this side of the threshold are strokes.
    threshold: f64,
    are_brighter: bool,
}

impl Strokes {
    /// `None` where strokes and surroundings cannot be told apart.
    fn of(image: &GreyImage, area: &Area, tight: &Area) -> Option<Self> {
        let split = otsu(area.pixels().filter_map(|(column, row)| at(image, column, row)))?;
        let is_bright = |place: (u32, u32)| at(image, place.0, place.1).is_some_and(|value| value > split);
        // Above and below: on both sides stand other words.
        let ring: Vec<bool> = area
            .pixels()
            .filter(|(_, row)| !(tight.top..=tight.bottom).contains(row))
            .map(is_bright)
            .collect();
        let bright = ring.iter().filter(|bright| **bright).count();
        let are_brighter = bright * 2 < ring.len();
        let like_strokes = if are_brighter { bright } else { ring.len() - bright };
        if ring.is_empty() || like_strokes * CLUTTER > ring.len() {
            return None;
        }
        let mean = |bright: bool| {
            let values = area.pixels().filter(|place| is_bright(*place) == bright);
            let values: Vec<f64> =
                values.filter_map(|(column, row)| at(image, column, row)).map(f64::from).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let (strokes, background) = (mean(are_brighter)?, mean(!are_brighter)?);
        // Smoothed edges are fainter than the stroke.
        Some(Self { threshold: background + (strokes - background) * 0.4, are_brighter })
    }

    fn are_in(&self, image: &GreyImage, area: &Area) -> bool {
        area.pixels().filter_map(|(column, row)| at(image, column, row)).any(|value| {
            if self.are_brighter {
                f64::from(value) > self.threshold
            } else {
                f64::from(value) < self.threshold
            }
        })
    }
}

/// The value that best splits the histogram in two (N. Otsu, 1979): values above it are bright. `None` when all are equal.
fn otsu(values: impl Iterator<Item = u8>) -> Option<u8> {
    let mut histogram = [0_u64; 256];
    for value in values {
        if let Some(count) = histogram.get_mut(usize::from(value)) {
            *count += 1;
        }
    }
    let total: u64 = histogram.iter().sum();
    let sum: f64 = (0_u32..).zip(&histogram).map(|(value, count)| f64::from(value) * *count as f64).sum();
    let (mut below, mut sum_below, mut best) = (0_u64, 0.0, (0.0, None));
    for (value, count) in (0_u8..=255).zip(&histogram) {
        below += count;
        sum_below += f64::from(value) * *count as f64;
        let above = total - below;
        if below == 0 || above == 0 {
            continue;
        }
        let apart = sum_below / below as f64 - (sum - sum_below) / above as f64;
        let between = below as f64 * above as f64 * apart * apart;
        if between > best.0 {
            best = (between, Some(value));
        }
    }
    best.1
}
