//! Masks over single-bit samples. The first pixel is the lowest bit of the first byte; frames follow each other without padding, so
//! that a frame may start in the middle of a byte (PS3.5 8.1.1).

use super::Fill;
use crate::description::Description;
use crate::shape::Mask;

/// Bits `start..end` of each frame, in order, that become `fill`.
#[derive(Clone, Debug)]
pub(super) struct BitRuns {
    frame_bits: u64,
    frames: u64,
    runs: Vec<(u64, u64)>,
    fill: bool,
}

impl BitRuns {
    pub(super) fn new(description: &Description, mask: &Mask, fill: &Fill) -> Self {
        let columns = u64::from(description.columns());
        let runs = (0..description.rows())
            .flat_map(|row| mask.row(u32::from(row)).iter().map(move |span| (u64::from(row) * columns, span)))
            .map(|(row_start, span)| (row_start + u64::from(span.start), row_start + u64::from(span.end)))
            .collect();
        Self {
            frame_bits: description.frame_bits(),
            frames: u64::from(description.frames()),
            runs,
            fill: fill.bit(),
        }
    }

    pub(super) fn apply(&self, offset: u64, piece: &mut [u8], swapped: bool) {
        // Whole words, so that the swapped neighbour of a byte at the piece's edge is reached.
        let end = offset.saturating_add(piece.len() as u64);
        let (from, to) = if swapped { (offset & !1, end.saturating_add(end & 1)) } else { (offset, end) };
        let (from, to) = (from.saturating_mul(8), to.saturating_mul(8));
        let mut frame = from / self.frame_bits;
        while frame < self.frames && frame * self.frame_bits < to {
            let base = frame * self.frame_bits;
            let (low, high) = (from.saturating_sub(base), (to - base).min(self.frame_bits));
            let first = self.runs.partition_point(|run| run.1 <= low);
            for &(start, end) in self.runs.iter().skip(first).take_while(|run| run.0 < high) {
                self.set(base + start.max(low), base + end.min(high), offset, piece, swapped);
            }
            frame += 1;
        }
    }

    /// Sets the bits `start..end` of the value as far as they lie in the piece.
    fn set(&self, start: u64, end: u64, offset: u64, piece: &mut [u8], swapped: bool) {
        let mut bit = start;
        while bit < end {
            let byte = bit / 8;
            let until = end.min((byte + 1) * 8);
            let covered = (0xFF_u16 << (bit % 8)) as u8 & (0xFF_u16 >> ((byte + 1) * 8 - until)) as u8;
            let place = if swapped { byte ^ 1 } else { byte }.checked_sub(offset);
            let place = place.and_then(|place| usize::try_from(place).ok());
            if let Some(target) = place.and_then(|place| piece.get_mut(place)) {
                *target = if self.fill { *target | covered } else { *target & !covered };
            }
            bit = until;
        }
    }
}
