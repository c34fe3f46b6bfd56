//! Clear strokes that hang together and are as large as a letter.

use super::is_clear;

/// Rows, or columns, of the smallest letter that a recogniser can read.
const SMALLEST: usize = 5;

/// Whether `here` has a group of touching clear strokes, at least as high or as wide as a letter, of which `there` shows less than half.
/// Differences from the surroundings, row by row.
pub(super) fn has_more(here: &[u8], there: &[u8], width: usize) -> bool {
    let is_known = |place: usize| there.get(place).is_some_and(|difference| is_clear(*difference));
    // Strokes of no group yet.
    let mut left: Vec<bool> = here.iter().map(|difference| is_clear(*difference)).collect();
    let mut take = |place: usize| left.get_mut(place).is_some_and(std::mem::take);
    let mut open = Vec::new();
    for start in 0..here.len() {
        if !take(start) {
            continue;
        }
        let mut group = Group::at(start, width);
        open.push(start);
        while let Some(place) = open.pop() {
            group.add(place, width, is_known(place));
            open.extend(around(place, width, here.len()).filter(|next| take(*next)));
        }
        if group.is_letter() && group.known * 2 < group.pixels {
            return true;
        }
    }
    false
}

/// Strokes that touch each other.
struct Group {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
    pixels: usize,
    /// Pixels that the other image shows too.
    known: usize,
}

impl Group {
    fn at(place: usize, width: usize) -> Self {
        let (x, y) = (place % width, place / width);
        Self { left: x, right: x, top: y, bottom: y, pixels: 0, known: 0 }
    }

    fn add(&mut self, place: usize, width: usize, is_known: bool) {
        let (x, y) = (place % width, place / width);
        (self.left, self.right) = (self.left.min(x), self.right.max(x));
        (self.top, self.bottom) = (self.top.min(y), self.bottom.max(y));
        self.pixels += 1;
        self.known += usize::from(is_known);
    }

    fn is_letter(&self) -> bool {
        self.right - self.left + 1 >= SMALLEST || self.bottom - self.top + 1 >= SMALLEST
    }
}

/// The eight neighbours that lie in the image.
fn around(place: usize, width: usize, pixels: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (place % width, place / width);
    let columns = x.saturating_sub(1)..=(x + 1).min(width - 1);
    let rows = y.saturating_sub(1)..=(y + 1).min((pixels / width).saturating_sub(1));
    rows.flat_map(move |row| columns.clone().map(move |column| row * width + column))
}
