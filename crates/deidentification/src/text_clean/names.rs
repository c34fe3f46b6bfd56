//! The words of names beside each other: short ones and words of imaging count next to another part of the same name (DI-54).

use std::collections::HashMap;
use std::ops::Range;

use super::fold::Kind;
use super::words::{Marks, Words};

/// Folded words of each name, short ones included.
#[derive(Default)]
pub(super) struct Names {
    names: Vec<Vec<String>>,
    /// In which names a word is.
    holders: HashMap<String, Vec<usize>>,
}

impl Names {
    /// Adds one name; its number.
    pub(super) fn add(&mut self, words: Vec<String>) -> usize {
        let number = self.names.len();
        for word in &words {
            let holders = self.holders.entry(word.clone()).or_default();
            if holders.last() != Some(&number) {
                holders.push(number);
            }
        }
        self.names.push(words);
        number
    }

    pub(super) fn words(&self, number: usize) -> &[String] {
        self.names.get(number).map(Vec::as_slice).unwrap_or_default()
    }

    /// Marks words of a name that stand alone.
    pub(super) fn mark_parts(
        &self,
        words: &Words<'_>,
        counts: impl Fn(&str, Kind) -> bool,
        marks: &mut Marks,
    ) {
        for index in 0..words.len() {
            let Some(piece) = words.piece(index) else { continue };
            let word = if piece.glued { 0..0 } else { words.word(index) };
            for word in [index..index + 1, word] {
                let text = words.joined(word.clone());
                if self.holders.contains_key(text) && counts(text, piece.kind) {
                    marks.add(word);
                }
            }
        }
    }

    /// Marks two neighbours that are two parts of one name, in either order, one of them perhaps as an initial with a dot.
    pub(super) fn mark_pairs(&self, words: &Words<'_>, marks: &mut Marks) {
        let mut before: Option<(Range<usize>, &Vec<usize>)> = None;
        let mut index = 0;
        while index < words.len() {
            let whole = words.word(index);
            // A word with digits at its end counts without them.
            let part =
                self.holders.get_key_value(words.joined(whole.clone())).map(|found| (whole.clone(), found));
            let (range, found) = match part {
                Some((range, found)) => (range, Some(found)),
                None => (index..index + 1, self.holders.get_key_value(words.folded(index))),
            };
            let Some((word, holders)) = found else {
                before = None;
                index += 1;
                continue;
            };
            let of_same = |other: &str| {
                holders.iter().any(|name| {
                    let parts = self.words(*name);
                    parts.iter().any(|part| part == other) && (other != word || is_twice(parts, word))
                })
            };
            if let Some((other, _)) =
                before.as_ref().filter(|(other, _)| of_same(words.joined(other.clone())))
            {
                marks.add(other.clone());
                marks.add(range.clone());
            } else if self.is_initial(words, index.wrapping_sub(1), word, holders) {
                marks.add(index - 1..range.end);
            }
            index = range.end;
            before = Some((range, holders));
        }
    }

    /// Whether the piece is the initial, with a dot, of another part of a name than `word`.
    fn is_initial(&self, words: &Words<'_>, index: usize, word: &str, holders: &[usize]) -> bool {
        let Some(initial) = words.letters(index).filter(|letters| letters.chars().count() == 1) else {
            return false;
        };
        word.chars().count() > 1
            && words.gap(index + 1).starts_with('.')
            && holders
                .iter()
                .flat_map(|name| self.words(*name))
                .any(|part| part != word && part.starts_with(initial))
    }

    /// Marks parts and initials of the names on both sides of a part that was found.
    pub(super) fn mark_around(
        &self,
        words: &Words<'_>,
        names: &[usize],
        found: Range<usize>,
        marks: &mut Marks,
    ) {
        let is_part = |index: usize, gap: &str| {
            let piece = words.folded(index);
            let is_initial = piece.chars().count() == 1 && gap.len() <= 2 && !gap.contains('*');
            !piece.is_empty()
                && names
                    .iter()
                    .flat_map(|name| self.words(*name))
                    .any(|part| part == piece || (is_initial && part.starts_with(piece)))
        };
        let mut start = found.start;
        while start > 0 && is_part(start - 1, words.gap(start)) {
            start -= 1;
        }
        let mut end = found.end;
        while end < words.len() && is_part(end, words.gap(end)) {
            end += 1;
        }
        marks.add(start..end);
    }
}

fn is_twice(parts: &[String], word: &str) -> bool {
    parts.iter().filter(|part| *part == word).count() > 1
}
