//! Masks over samples of whole bytes.

use super::Fill;
use crate::description::Description;
use crate::shape::Mask;

/// Bytes of prepared fill; longer runs repeat it.
const FILLER: usize = 64 << 10;

/// Bytes `start..end` of a frame that become the fill of `plane`.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: u64,
    end: u64,
    plane: usize,
}

/// A pattern repeated, from which a fill can start at any phase.
#[derive(Clone, Debug)]
struct Filler {
    pattern: usize,
    bytes: Vec<u8>,
}

impl Filler {
    fn new(pattern: &[u8]) -> Self {
        let length = pattern.len().max(1);
        let bytes = pattern.iter().copied().cycle().take((FILLER / length + 1) * length).collect();
        Self { pattern: length, bytes }
    }

    /// Fills `target`, which starts `from` bytes after the start of a run.
    fn fill(&self, from: u64, target: &mut [u8]) {
        let phase = (from % self.pattern as u64) as usize;
        // Whole patterns for each part, so that the phase stays.
        let part = self.bytes.len() - self.pattern;
        for target in target.chunks_mut(part.max(1)) {
            if let Some(source) = self.bytes.get(phase..phase + target.len()) {
                target.copy_from_slice(source);
            }
        }
    }

    fn byte(&self, from: u64) -> u8 {
        self.bytes.get((from % self.pattern as u64) as usize).copied().unwrap_or(0)
    }
}

/// The runs of one frame, in order, and what to fill them with.
#[derive(Clone, Debug)]
pub(super) struct ByteRuns {
    frame_bytes: u64,
    frames: u64,
    runs: Vec<Run>,
    fillers: Vec<Filler>,
}

impl ByteRuns {
    pub(super) fn new(description: &Description, mask: &Mask, fill: &Fill) -> Self {
        let fillers: Vec<Filler> =
            fill.patterns(description).iter().map(|pattern| Filler::new(pattern)).collect();
        let mut runs: Vec<Run> = Vec::new();
        // A group of pixels shares one pattern: a pair under 4:2:2, else a single pixel.
        let pixels = if description.subsampled() { 2 } else { 1 };
        let groups = u64::from(description.columns()) / pixels;
        for (plane, filler) in fillers.iter().enumerate() {
            let group = filler.pattern as u64;
            for row in 0..description.rows() {
                let row_start =
                    (plane as u64 * u64::from(description.rows()) + u64::from(row)) * groups * group;
                for span in mask.row(u32::from(row)) {
                    let start = row_start + u64::from(span.start) / pixels * group;
                    let end = row_start + u64::from(span.end).div_ceil(pixels) * group;
                    match runs.last_mut() {
                        // Spans of neighbouring pairs may meet in one pair.
                        Some(last) if last.plane == plane && start <= last.end => last.end = end,
                        _ => runs.push(Run { start, end, plane }),
                    }
                }
            }
        }
        Self {
            frame_bytes: description.frame_bytes(),
            frames: u64::from(description.frames()),
            runs,
            fillers,
        }
    }

    /// Calls `with` for what each run covers of the bytes `from..to` of the value: first byte, end, bytes since the run's start.
    fn each(&self, from: u64, to: u64, mut with: impl FnMut(u64, u64, u64, &Filler)) {
        if self.runs.is_empty() {
            return;
        }
        let mut frame = from / self.frame_bytes;
        while frame < self.frames && frame * self.frame_bytes < to {
            let base = frame * self.frame_bytes;
            let (low, high) = (from.saturating_sub(base), (to - base).min(self.frame_bytes));
            let first = self.runs.partition_point(|run| run.end <= low);
            for run in self.runs.iter().skip(first).take_while(|run| run.start < high) {
                let (start, end) = (run.start.max(low), run.end.min(high));
                if let Some(filler) = self.fillers.get(run.plane) {
                    with(base + start, base + end, start - run.start, filler);
                }
            }
            frame += 1;
        }
    }

    pub(super) fn apply(&self, offset: u64, piece: &mut [u8]) {
        let to = offset.saturating_add(piece.len() as u64);
        self.each(offset, to, |start, end, since, filler| {
            if let Some(target) = piece.get_mut((start - offset) as usize..(end - offset) as usize) {
                filler.fill(since, target);
            }
        });
    }

    /// As [`Self::apply`], for swapped words: a byte's neighbour in its word decides, which may lie in the next piece.
    pub(super) fn apply_swapped(&self, offset: u64, piece: &mut [u8]) {
        let to = offset.saturating_add(piece.len() as u64);
        self.each(offset & !1, to.saturating_add(to & 1), |start, end, since, filler| {
            for byte in start..end {
                let place = (byte ^ 1).checked_sub(offset).and_then(|place| usize::try_from(place).ok());
                if let Some(target) = place.and_then(|place| piece.get_mut(place)) {
                    *target = filler.byte(since + (byte - start));
                }
            }
        });
    }
}
