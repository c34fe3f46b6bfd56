//! The pixels of a frame that are to be blackened.

use super::span::{between, join};
use super::{Shape, ShapeError, Span};

/// A set of pixels of an image of fixed size: joined spans of columns, row after row. It holds for every frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    rows: u16,
    columns: u16,
    /// Where each row's spans end in `spans`.
    ends: Vec<usize>,
    spans: Vec<Span>,
}

impl Mask {
    /// The most spans of one mask.
    pub const MAX_SPANS: usize = 1 << 18;

    /// The pixels inside at least one of the shapes. Parts outside the image are cut off.
    ///
    /// # Errors
    /// [`ShapeError::TooManySpans`].
    pub fn inside(rows: u16, columns: u16, shapes: &[Shape]) -> Result<Self, ShapeError> {
        Self::from_rows(rows, columns, |row| {
            let mut spans = Vec::new();
            for shape in shapes {
                shape.spans_in_row(row, u32::from(columns), &mut spans);
            }
            join(&mut spans);
            spans
        })
    }

    /// The pixels outside all of the shapes: what a Sequence of Ultrasound Regions leaves over. Without a shape: every pixel.
    ///
    /// # Errors
    /// [`ShapeError::TooManySpans`].
    pub fn outside(rows: u16, columns: u16, kept: &[Shape]) -> Result<Self, ShapeError> {
        let kept = Self::inside(rows, columns, kept)?;
        Self::from_rows(rows, columns, |row| between(kept.row(row), u32::from(columns)))
    }

    /// The pixels of either mask.
    ///
    /// # Errors
    /// [`ShapeError::SizesDiffer`], [`ShapeError::TooManySpans`].
    pub fn union(&self, other: &Self) -> Result<Self, ShapeError> {
        if (self.rows, self.columns) != (other.rows, other.columns) {
            return Err(ShapeError::SizesDiffer);
        }
        Self::from_rows(self.rows, self.columns, |row| {
            let mut spans = [self.row(row), other.row(row)].concat();
            join(&mut spans);
            spans
        })
    }

    fn from_rows(rows: u16, columns: u16, spans_of: impl Fn(u32) -> Vec<Span>) -> Result<Self, ShapeError> {
        let mut mask = Self { rows, columns, ends: Vec::with_capacity(usize::from(rows)), spans: Vec::new() };
        for row in 0..u32::from(rows) {
            mask.spans.extend(spans_of(row));
            if mask.spans.len() > Self::MAX_SPANS {
                return Err(ShapeError::TooManySpans);
            }
            mask.ends.push(mask.spans.len());
        }
        Ok(mask)
    }

    /// Rows of the image that the mask was made for.
    pub fn rows(&self) -> u16 {
        self.rows
    }

    /// Columns of the image that the mask was made for.
    pub fn columns(&self) -> u16 {
        self.columns
    }

    /// The joined spans of one row, in order; none for a row outside the image.
    pub fn row(&self, row: u32) -> &[Span] {
        let index = row as usize;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(index).and_then(|&end| self.spans.get(start..end)).unwrap_or_default()
    }

    /// Whether the pixel is in the mask.
    pub fn contains(&self, column: u32, row: u32) -> bool {
        self.row(row).iter().any(|span| (span.start..span.end).contains(&column))
    }

    /// No pixel is in the mask.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Number of pixels in the mask.
    pub fn pixels(&self) -> u64 {
        self.spans.iter().map(|span| u64::from(span.end - span.start)).sum()
    }
}
