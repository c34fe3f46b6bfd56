//! The payload of a segment as it passes: kept, blanked, or blanked but for its start.

use super::erase;

/// What stays of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    All,
    Nothing,
    /// So many bytes at its start.
    Start(usize),
    /// So many bytes at its start if it begins with these; else those that are the same as these, up to the first that is not.
    Named(&'static [u8], usize),
}

#[derive(Debug)]
pub(super) struct Payload {
    left: usize,
    at: usize,
    kept: Kept,
}

impl Payload {
    pub(super) fn new(length: usize, kept: Kept) -> Self {
        Self { left: length, at: 0, kept }
    }

    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Blanks what has to go at the start of the bytes; how many of them were of the payload.
    pub(super) fn pass(&mut self, bytes: &mut [u8], found: &mut bool) -> usize {
        let taken = self.left.min(bytes.len());
        let mine = bytes.get_mut(..taken).unwrap_or_default();
        let stays = match self.kept {
            Kept::All => taken,
            Kept::Nothing => 0,
            Kept::Start(kept) => kept.saturating_sub(self.at),
            Kept::Named(name, kept) => self.named(name, kept, mine),
        };
        erase(mine.get_mut(stays..).unwrap_or_default(), found);
        self.left -= taken;
        self.at += taken;
        taken
    }

    /// How many bytes stay of a payload that should begin with `name`.
    fn named(&mut self, name: &'static [u8], kept: usize, bytes: &[u8]) -> usize {
        let expected = name.get(self.at..).unwrap_or_default();
        let same = bytes.iter().zip(expected).take_while(|(byte, expected)| byte == expected).count();
        if same < expected.len().min(bytes.len()) {
            self.kept = Kept::Nothing;
            return same;
        }
        kept.saturating_sub(self.at)
    }
}
