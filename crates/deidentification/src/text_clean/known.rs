//! Which words stay where only what is known to be harmless stays.

use std::ops::Range;

use super::fold::Kind;
use super::vocabulary::Vocabulary;
use super::words::{Marks, Words};

/// Digits of a number that identifies nobody.
const DIGITS: usize = 3;
/// Characters of a technical token such as `B30f`, `T2W`, `SW2`.
const TOKEN: usize = 5;
/// Letters of each part of a word with a hump: `ThoraxRoutine`, but not `DeLong`.
const HUMP: usize = 3;
/// Units after which, and `b` before which, a number may have one digit more.
const UNITS: [&str; 14] =
    ["bpm", "cm", "gy", "hu", "hz", "khz", "kv", "mgy", "mm", "ms", "msec", "pixels", "rpm", "us"];

/// Marks every word that is not known, the numbers that belong to one, and the names of the object's institutions.
pub(super) fn mark(
    words: &Words<'_>,
    vocabulary: &Vocabulary,
    institutions: &[Vec<String>],
    marks: &mut Marks,
) {
    let mut start = 0;
    while start < words.len() {
        let word = words.word(start);
        start = word.end;
        if !is_known(words, word.clone(), vocabulary) {
            marks.add(word);
        }
    }
    mark_numbers_beside(words, marks);
    for institution in institutions {
        mark_phrase(words, institution, marks);
    }
}

/// The short groups of a number that goes: `555-0123`.
fn mark_numbers_beside(words: &Words<'_>, marks: &mut Marks) {
    let is_number = |index: usize| words.digits(index).is_some();
    let is_linked = |index: usize| matches!(words.gap(index), "-" | "." | "/");
    let belongs = |index: usize| is_number(index) && is_number(index - 1) && is_linked(index);
    for index in (1..words.len()).rev() {
        if belongs(index) && marks.has(index) {
            marks.add(index - 1..index);
        }
    }
    for index in 1..words.len() {
        if belongs(index) && marks.has(index - 1) {
            marks.add(index..index + 1);
        }
    }
}

/// The words of a phrase, one after the other.
fn mark_phrase(words: &Words<'_>, phrase: &[String], marks: &mut Marks) {
    let mut start = 0;
    while start < words.len() {
        let mut end = start;
        let is_here = phrase.iter().all(|wanted| {
            let word = words.word(end);
            end = word.end;
            words.joined(word) == wanted
        });
        if is_here && end > start {
            marks.add(start..end);
        }
        start = words.word(start).end.max(start + 1);
    }
}

fn is_known(words: &Words<'_>, word: Range<usize>, vocabulary: &Vocabulary) -> bool {
    let joined = words.joined(word.clone());
    if vocabulary.has(joined) {
        return true;
    }
    let is_short = word.len() > 1 && joined.len() <= TOKEN;
    let has_digit = word.clone().any(|index| words.digits(index).is_some());
    word.clone().all(|index| {
        let piece = words.folded(index);
        match words.piece(index).map(|piece| piece.kind) {
            Some(Kind::Digit) => {
                piece.len() <= DIGITS || (piece.len() == DIGITS + 1 && has_unit(words, index))
            }
            Some(Kind::Letter) if piece.chars().count() == 1 => true,
            Some(Kind::Letter) if is_short && has_digit && piece.len() <= 2 => true,
            _ => vocabulary.has(piece) && (piece.len() >= HUMP || !has_hump(words, index)),
        }
    })
}

/// Whether letters are right before or after letters: the word has a hump there.
fn has_hump(words: &Words<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).is_some_and(|before| words.letters(before).is_some());
    (words.is_glued(index) && before) || (words.is_glued(index + 1) && words.letters(index + 1).is_some())
}

fn has_unit(words: &Words<'_>, index: usize) -> bool {
    let after =
        words.is_glued(index + 1) && words.letters(index + 1).is_some_and(|unit| UNITS.contains(&unit));
    let before = index.checked_sub(1).and_then(|before| words.letters(before));
    after || (words.is_glued(index) && before == Some("b"))
}
