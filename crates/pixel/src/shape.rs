//! Areas of a frame in pixel coordinates, compiled to spans of columns per row.
//!
//! A pixel is (column, row), both from 0; (0, 0) is the upper left one. Every border is inclusive: a rectangle from column 2 to
//! column 5 covers the columns 2, 3, 4 and 5, as the Region Location attributes count (PS3.3 C.8.5.5).

mod mask;
mod polygon;
mod span;

pub use mask::Mask;
pub use polygon::Polygon;
pub use span::Span;

/// Why an area cannot be used. The rule or the region that named it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A minimum above its maximum: correct the rule, or hold the instance that carries the region.
    #[error(
        "a rectangle ends before it starts: correct the rule, or hold the instance that carries the region"
    )]
    Reversed,
    /// Fewer than three or more than 1,000 corners: correct the rule.
    #[error("a polygon needs 3 to {max} corners: correct the rule", max = Polygon::MAX_CORNERS)]
    Corners,
    /// Too many spans: simplify the rule.
    #[error("the areas make more than {max} spans: simplify the rule", max = Mask::MAX_SPANS)]
    TooManySpans,
    /// Masks of images of different sizes were joined: an error of the caller.
    #[error("masks of images of different sizes cannot be joined")]
    SizesDiffer,
}

/// A rectangle of pixels, all four borders inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rectangle {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Last column, inclusive.
    pub right: u32,
    /// Last row, inclusive.
    pub bottom: u32,
}

impl Rectangle {
    /// A rectangle from its first to its last column and row, inclusive: also Region Location Min X0, Min Y0, Max X1, Max Y1 of
    /// the Sequence of Ultrasound Regions (0018,6011).
    ///
    /// # Errors
    /// [`ShapeError::Reversed`] when a last one lies before its first one.
    pub fn new(left: u32, top: u32, right: u32, bottom: u32) -> Result<Self, ShapeError> {
        if right < left || bottom < top {
            return Err(ShapeError::Reversed);
        }
        Ok(Self { left, top, right, bottom })
    }

    /// The rectangle of a box that starts at (x, y) with a width and a height in pixels, and `margin` pixels around it.
    /// An empty box covers its first pixel.
    pub fn around(x: u32, y: u32, width: u32, height: u32, margin: u32) -> Self {
        Self {
            left: x.saturating_sub(margin),
            top: y.saturating_sub(margin),
            right: x.saturating_add(width.max(1) - 1).saturating_add(margin),
            bottom: y.saturating_add(height.max(1) - 1).saturating_add(margin),
        }
    }
}

/// An area of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// All pixels from corner to corner.
    Rectangle(Rectangle),
    /// All pixels inside or touched by the outline.
    Polygon(Polygon),
}

impl From<Rectangle> for Shape {
    fn from(rectangle: Rectangle) -> Self {
        Self::Rectangle(rectangle)
    }
}

impl From<Polygon> for Shape {
    fn from(polygon: Polygon) -> Self {
        Self::Polygon(polygon)
    }
}

impl Shape {
    /// Adds the shape's columns in `row` to `spans`, clipped to the image's columns.
    fn spans_in_row(&self, row: u32, columns: u32, spans: &mut Vec<Span>) {
        match self {
            Self::Rectangle(area) if (area.top..=area.bottom).contains(&row) => {
                spans.extend(Span::clipped(i64::from(area.left), i64::from(area.right), columns));
            }
            Self::Rectangle(_) => {}
            Self::Polygon(area) => area.spans_in_row(row, columns, spans),
        }
    }
}
