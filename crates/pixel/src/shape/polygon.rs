//! A polygon: what lies inside by the even-odd rule, and every pixel that its outline touches.

use super::{ShapeError, Span};

/// A closed outline through pixel centres. The last corner is joined to the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polygon {
    corners: Vec<(u16, u16)>,
}

impl Polygon {
    /// The most corners of one polygon.
    pub const MAX_CORNERS: usize = 1_000;

    /// A polygon through the corners (column, row).
    ///
    /// # Errors
    /// [`ShapeError::Corners`] outside 3 to [`Self::MAX_CORNERS`] corners.
    pub fn new(corners: Vec<(u16, u16)>) -> Result<Self, ShapeError> {
        if !(3..=Self::MAX_CORNERS).contains(&corners.len()) {
            return Err(ShapeError::Corners);
        }
        Ok(Self { corners })
    }

    /// Adds the columns of `row` that lie inside or are touched. A pixel is a square of side 1 around its centre.
    pub(super) fn spans_in_row(&self, row: u32, columns: u32, spans: &mut Vec<Span>) {
        let row = f64::from(row);
        let mut crossings = Vec::new();
        let following = self.corners.iter().cycle().skip(1);
        for (&from, &to) in self.corners.iter().zip(following) {
            let (from, to) = (point(from), point(to));
            spans
                .extend(touched(from, to, row).and_then(|(first, last)| Span::clipped(first, last, columns)));
            // Half-open: a corner on the line belongs to one of its two edges, so that the crossings are even in number.
            if (from.1 <= row) != (to.1 <= row) {
                crossings.push(column_at(from, to, row));
            }
        }
        crossings.sort_unstable_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            if let [first, last] = pair {
                spans.extend(Span::clipped(first.ceil() as i64, last.floor() as i64, columns));
            }
        }
    }
}

fn point(corner: (u16, u16)) -> (f64, f64) {
    (f64::from(corner.0), f64::from(corner.1))
}

/// The column at which the edge passes the height `row`. The edge is not level.
fn column_at(from: (f64, f64), to: (f64, f64), row: f64) -> f64 {
    from.0 + (row - from.1) * (to.0 - from.0) / (to.1 - from.1)
}

/// First and last column of `row` whose pixels the edge touches.
fn touched(from: (f64, f64), to: (f64, f64), row: f64) -> Option<(i64, i64)> {
    let (low, high) = (from.1.min(to.1).max(row - 0.5), from.1.max(to.1).min(row + 0.5));
    if low > high {
        return None;
    }
    let level = from.1 == to.1;
    let ends = if level { (from.0, to.0) } else { (column_at(from, to, low), column_at(from, to, high)) };
    Some((ends.0.min(ends.1).round() as i64, ends.0.max(ends.1).round() as i64))
}
