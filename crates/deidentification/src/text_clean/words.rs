//! A text as pieces: runs of letters or of digits, with their place in the text, so that what is not cut keeps its spelling.

use std::ops::Range;

use super::fold::{Folded, Kind, fold};

/// One run of characters of one kind. Pieces of one word are glued: `T2Flair` is `t`, `2`, `flair`.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Bytes of the text.
    at: Range<usize>,
    /// Bytes of the folded text.
    pub(super) folded: Range<usize>,
    pub(super) kind: Kind,
    /// Nothing is between the piece before and this one.
    pub(super) glued: bool,
    /// Begins with a capital, or has no capitals to begin with.
    pub(super) capital: bool,
    /// What was before it has been cut.
    after_cut: bool,
}

/// What a gap is called where a cut is, or a mark of one.
const CUT: &str = "***";

/// The pieces of one text that are still there.
pub(super) struct Words<'t> {
    text: &'t str,
    /// The pieces in folded form, nothing between them.
    folded: String,
    pieces: Vec<Piece>,
    cut: Vec<Range<usize>>,
}

impl<'t> Words<'t> {
    pub(super) fn read(text: &'t str) -> Self {
        let mut words = Self {
            text,
            folded: String::with_capacity(text.len()),
            pieces: Vec::with_capacity(text.len() / 4 + 1),
            cut: Vec::new(),
        };
        let (mut glued, mut lower) = (false, false);
        for (at, c) in text.char_indices() {
            let from = words.folded.len();
            let end = at + c.len_utf8();
            match fold(c, &mut words.folded) {
                Folded::Part(kind) => {
                    words.push(c, kind, at..end, from, glued, lower && c.is_uppercase());
                    (glued, lower) = (true, c.is_lowercase());
                }
                Folded::Separator => (glued, lower) = (false, false),
                Folded::Invisible => {
                    if let Some(last) = words.pieces.last_mut().filter(|_| glued) {
                        last.at.end = end;
                    }
                }
            }
        }
        words
    }

    fn push(&mut self, c: char, kind: Kind, at: Range<usize>, from: usize, glued: bool, hump: bool) {
        let to = self.folded.len();
        match self.pieces.last_mut() {
            Some(last) if glued && !hump && last.kind == kind => {
                last.at.end = at.end;
                last.folded.end = to;
            }
            _ => self.pieces.push(Piece {
                at,
                folded: from..to,
                kind,
                glued,
                capital: !c.is_lowercase(),
                after_cut: false,
            }),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// All pieces in folded form.
    pub(super) fn all(&self) -> &str {
        &self.folded
    }

    pub(super) fn piece(&self, index: usize) -> Option<&Piece> {
        self.pieces.get(index)
    }

    /// A piece in folded form; empty where there is none.
    pub(super) fn folded(&self, index: usize) -> &str {
        self.piece(index).and_then(|piece| self.folded.get(piece.folded.clone())).unwrap_or_default()
    }

    /// Pieces in folded form, as one.
    pub(super) fn joined(&self, range: Range<usize>) -> &str {
        let (Some(first), Some(last)) = (self.piece(range.start), self.piece(range.end.wrapping_sub(1)))
        else {
            return "";
        };
        self.folded.get(first.folded.start..last.folded.end).unwrap_or_default()
    }

    /// A piece of digits.
    pub(super) fn digits(&self, index: usize) -> Option<&str> {
        self.piece(index).filter(|piece| piece.kind == Kind::Digit).map(|_| self.folded(index))
    }

    /// A piece of letters of an alphabet.
    pub(super) fn letters(&self, index: usize) -> Option<&str> {
        self.piece(index).filter(|piece| piece.kind == Kind::Letter).map(|_| self.folded(index))
    }

    /// A piece as it is written.
    pub(super) fn written(&self, index: usize) -> &'t str {
        self.piece(index).and_then(|piece| self.text.get(piece.at.clone())).unwrap_or_default()
    }

    /// What is written before a piece. A gap with a star is a cut, now or in an earlier cleaning: both read the same.
    pub(super) fn gap(&self, index: usize) -> &'t str {
        let Some(piece) = self.piece(index) else { return "" };
        if piece.after_cut {
            return CUT;
        }
        let start =
            index.checked_sub(1).and_then(|before| self.piece(before)).map_or(0, |before| before.at.end);
        let gap = self.text.get(start..piece.at.start).unwrap_or_default();
        if gap.contains('*') { CUT } else { gap }
    }

    /// The character right after a piece.
    pub(super) fn next_char(&self, index: usize) -> Option<char> {
        self.text.get(self.piece(index)?.at.end..)?.chars().next()
    }

    pub(super) fn is_glued(&self, index: usize) -> bool {
        self.piece(index).is_some_and(|piece| piece.glued)
    }

    /// Whether every gap within the range is nothing, or of the characters that hold a compound together.
    pub(super) fn is_compound(&self, range: Range<usize>) -> bool {
        range
            .skip(1)
            .all(|index| self.gap(index).chars().all(|c| matches!(c, '-' | '_' | '.' | '/' | '\'' | '’')))
    }

    /// The pieces that hold these bytes of the folded text.
    pub(super) fn holding(&self, folded: Range<usize>) -> Range<usize> {
        let start = self.pieces.partition_point(|piece| piece.folded.end <= folded.start);
        start..self.pieces.partition_point(|piece| piece.folded.start < folded.end)
    }

    /// The pieces that touch these bytes of the text.
    pub(super) fn touching(&self, bytes: Range<usize>) -> Range<usize> {
        let start = self.pieces.partition_point(|piece| piece.at.end <= bytes.start);
        start..self.pieces.partition_point(|piece| piece.at.start < bytes.end)
    }

    /// The pieces of the word that begins at a piece.
    pub(super) fn word(&self, start: usize) -> Range<usize> {
        let mut end = start + 1;
        while self.is_glued(end) {
            end += 1;
        }
        start..end
    }

    /// Takes marked pieces out: whole words, whichever of their pieces is marked. `true` when there were any.
    pub(super) fn cut(&mut self, marks: &Marks) -> bool {
        if !marks.any {
            return false;
        }
        let mut kept = Vec::with_capacity(self.pieces.len());
        let mut folded = String::with_capacity(self.folded.len());
        let (mut start, mut after_cut) = (0, false);
        while start < self.pieces.len() {
            let word = self.word(start);
            let pieces = self.pieces.get(word.clone()).unwrap_or_default();
            if word.clone().any(|index| marks.has(index)) {
                self.cut.extend(pieces.iter().map(|piece| piece.at.clone()));
                after_cut = true;
            } else {
                for piece in pieces {
                    let from = folded.len();
                    folded.push_str(self.folded.get(piece.folded.clone()).unwrap_or_default());
                    let after_cut = piece.after_cut || after_cut;
                    kept.push(Piece { folded: from..folded.len(), after_cut, ..piece.clone() });
                }
                after_cut = false;
            }
            start = word.end;
        }
        (self.pieces, self.folded) = (kept, folded);
        true
    }

    /// What was cut, neighbours together: bytes of the text, in order.
    pub(super) fn cuts(&mut self) -> Vec<Range<usize>> {
        self.cut.sort_unstable_by_key(|range| range.start);
        let mut cuts: Vec<Range<usize>> = Vec::new();
        for range in self.cut.drain(..) {
            match cuts.last_mut() {
                Some(last) if is_free(&self.pieces, last.end..range.start) => last.end = range.end,
                _ => cuts.push(range),
            }
        }
        cuts
    }
}

/// Whether no piece is in a part of the text.
fn is_free(pieces: &[Piece], bytes: Range<usize>) -> bool {
    let next = pieces.partition_point(|piece| piece.at.start < bytes.start);
    pieces.get(next).is_none_or(|piece| piece.at.start >= bytes.end)
}

/// Pieces that have to go.
pub(super) struct Marks {
    marked: Vec<bool>,
    any: bool,
}

impl Marks {
    pub(super) fn none(pieces: usize) -> Self {
        Self { marked: vec![false; pieces], any: false }
    }

    pub(super) fn add(&mut self, range: Range<usize>) {
        for mark in self.marked.get_mut(range).unwrap_or_default() {
            *mark = true;
            self.any = true;
        }
    }

    pub(super) fn has(&self, index: usize) -> bool {
        self.marked.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_gaps() {
        let words = Words::read("AX_T2Flair, 5.0mm");
        let pieces: Vec<_> =
            (0..words.len()).map(|i| (words.gap(i), words.folded(i), words.is_glued(i))).collect();
        assert_eq!(
            pieces,
            [
                ("", "ax", false),
                ("_", "t", false),
                ("", "2", true),
                ("", "flair", true),
                (", ", "5", false),
                (".", "0", false),
                ("", "mm", true),
            ]
        );
    }
}
