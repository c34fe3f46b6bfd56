//! Dates in the notations of DI-51: of digits, with the month in words, of the far east.

use std::ops::Range;

use dicom_stream::text::Date;

use super::super::words::{Marks, Words};
use super::months::month;

/// Characters between two parts of any date. Parts of a date that is known may be further apart: the after-check sees no gaps.
const GAP: usize = 3;

/// One reading of a date: a year of two digits, or none, where the text has no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    year: Option<u16>,
    month: u16,
    day: u16,
}

/// A place that reads as a date, in one way or two.
struct Found {
    range: Range<usize>,
    readings: [Option<Reading>; 3],
    /// Only beside other dates: it could be a number like any other.
    is_faint: bool,
}

/// Marks dates: any, or those of `dates`.
pub(super) fn mark(words: &Words<'_>, dates: &[Date], any: bool, marks: &mut Marks) {
    if !any && dates.is_empty() {
        return;
    }
    for index in 0..words.len() {
        for found in [
            compact(words, index),
            numeric(words, index),
            in_words(words, index),
            eastern(words, index),
            of_year(words, index),
        ] {
            let Some(found) = found else { continue };
            let readings = || found.readings.iter().flatten();
            let is_known = || readings().any(|reading| dates.iter().any(|date| reading.is(*date)));
            let is_close = || found.range.clone().skip(1).all(|part| is_near(words, part));
            let is_any = any && !found.is_faint && readings().next().is_some() && is_close();
            if is_any || is_known() {
                marks.add(found.range);
            }
        }
    }
}

/// Marks the first of a month in words: `le premier mars`.
pub(super) fn mark_first(words: &Words<'_>, dates: &[Date], any: bool, marks: &mut Marks) {
    for index in 1..words.len() {
        let Some(month) = words.letters(index).and_then(month) else { continue };
        if words.letters(index - 1) == Some("premier") && is_near(words, index) {
            let year = year(words, index + 1);
            let reading = Reading { year, month, day: 1 };
            if any || dates.iter().any(|date| reading.is(*date)) {
                marks.add(index - 1..index + 1 + usize::from(year.is_some()));
            }
        }
    }
}

impl Reading {
    fn new(year: Option<u16>, month: u16, day: u16) -> Option<Self> {
        let is_year = year.is_none_or(|year| year < 100 || (1850..=2150).contains(&year));
        (is_year && (1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Self { year, month, day })
    }

    /// Whether it is this date; without a year, its day of some year.
    fn is(self, date: Date) -> bool {
        let year =
            self.year.is_none_or(|year| year == date.year() || (year < 100 && year == date.year() % 100));
        year && self.month == u16::from(date.month()) && self.day == u16::from(date.day())
    }
}

/// `19710303`, `03031971`, with a time after it, `710303` (only one that is known).
fn compact(words: &Words<'_>, index: usize) -> Option<Found> {
    let digits = words.digits(index)?;
    let part = |range: Range<usize>| digits.get(range).and_then(|part| part.parse().ok());
    let reading = |y, m, d| Reading::new(Some(part(y)?), part(m)?, part(d)?);
    let readings = match digits.len() {
        6 => [reading(0..2, 2..4, 4..6), reading(4..6, 2..4, 0..2), reading(4..6, 0..2, 2..4)],
        8 => [reading(0..4, 4..6, 6..8), reading(4..8, 2..4, 0..2), reading(4..8, 0..2, 2..4)],
        10 | 12 | 14 => [reading(0..4, 4..6, 6..8), None, None],
        _ => return None,
    };
    Some(Found { range: index..index + 1, readings, is_faint: digits.len() == 6 })
}

/// A number of one to `longest` digits.
fn number(words: &Words<'_>, index: usize, longest: usize) -> Option<u16> {
    words.digits(index).filter(|digits| digits.len() <= longest)?.parse().ok()
}

fn year(words: &Words<'_>, index: usize) -> Option<u16> {
    words.digits(index).filter(|digits| matches!(digits.len(), 2 | 4))?.parse().ok()
}

fn is_near(words: &Words<'_>, index: usize) -> bool {
    let gap = words.gap(index);
    gap.chars().count() <= GAP && !gap.contains('*')
}

/// `1971-03-03`, `03.03.1971`, `3/3/71`.
fn numeric(words: &Words<'_>, index: usize) -> Option<Found> {
    let range = index..index + 3;
    let (first, second) = (words.digits(index)?, number(words, index + 1, 2)?);
    if first.len() == 4 {
        let reading = Reading::new(year(words, index), second, number(words, index + 2, 2)?);
        return Some(Found { range, readings: [reading, None, None], is_faint: false });
    }
    let (first, year) = (number(words, index, 2)?, year(words, index + 2)?);
    if year < 100 {
        let is_even = words.gap(index + 1) == words.gap(index + 2);
        let is_date = is_even && matches!(words.gap(index + 1), "/" | "-" | ".");
        let is_part = is_linked(words, index) || is_linked(words, index + 3);
        if !is_date || is_part || words.digits(index + 2).is_none_or(|digits| digits.len() != 2) {
            return None;
        }
    }
    let readings = [Reading::new(Some(year), second, first), Reading::new(Some(year), first, second), None];
    Some(Found { range, readings, is_faint: false })
}

/// `du 10/1`: day and month after a word that dates have before them. `du 1/3` is a part of a bone.
fn of_year(words: &Words<'_>, index: usize) -> Option<Found> {
    let before = words.letters(index.checked_sub(1)?)?;
    if !matches!(before, "au" | "dated" | "du" | "le" | "of" | "on") || words.is_glued(index) {
        return None;
    }
    let (day, month) = (number(words, index, 2)?, number(words, index + 1, 2)?);
    let is_fraction = day < month && month <= 5;
    if words.gap(index + 1) != "/" || is_fraction || is_linked(words, index + 2) || words.is_glued(index + 2)
    {
        return None;
    }
    let readings = [Reading::new(None, month, day), Reading::new(None, day, month), None];
    Some(Found { range: index..index + 2, readings, is_faint: false })
}

/// Whether a piece and the one before it are digits with a dot, slash or hyphen between.
fn is_linked(words: &Words<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|before| words.digits(before));
    before.is_some() && words.digits(index).is_some() && matches!(words.gap(index), "." | "/" | "-")
}

/// `3 March 1971`, `March 3rd, 1971`, `1er mars 1971`, `1971-Mar-03`; without its year where any date goes.
fn in_words(words: &Words<'_>, index: usize) -> Option<Found> {
    let found = |end, year, month, day| {
        let readings = [Reading::new(year, month, day), None, None];
        Some(Found { range: index..end, readings, is_faint: false })
    };
    if let Some(month) = words.letters(index).and_then(month) {
        let day = number(words, index + 1, 2)?;
        let after = after_ordinal(words, index + 2);
        return match year(words, after) {
            Some(year) => found(after + 1, Some(year), month, day),
            None => found(after, None, month, day),
        };
    }
    let first = words.digits(index)?;
    let mut at = after_ordinal(words, index + 1);
    if matches!(words.letters(at), Some("of" | "de")) {
        at += 1;
    }
    let month = words.letters(at).and_then(month)?;
    if first.len() == 4 {
        return found(at + 2, year(words, index), month, number(words, at + 1, 2)?);
    }
    let day = number(words, index, 2)?;
    match year(words, at + 1) {
        Some(year) => found(at + 2, Some(year), month, day),
        None => found(at + 1, None, month, day),
    }
}

/// Skips `st`, `nd`, `rd`, `th`, `er` after a number.
fn after_ordinal(words: &Words<'_>, index: usize) -> usize {
    let is_ordinal =
        words.is_glued(index) && matches!(words.letters(index), Some("st" | "nd" | "rd" | "th" | "er"));
    if is_ordinal { index + 1 } else { index }
}

/// `1971年3月3日`, `1971년 3월 3일`, `昭和46年3月3日`.
fn eastern(words: &Words<'_>, index: usize) -> Option<Found> {
    const UNITS: [[&str; 2]; 3] = [
        ["年", "\u{1102}\u{1167}\u{11AB}"],
        ["月", "\u{110B}\u{116F}\u{11AF}"],
        ["日", "\u{110B}\u{1175}\u{11AF}"],
    ];
    const ERAS: [(&str, u16); 5] =
        [("明治", 1867), ("大正", 1911), ("昭和", 1925), ("平成", 1988), ("令和", 2018)];
    let mut parts = [0; 3];
    for ((place, units), part) in [0, 2, 4].into_iter().zip(UNITS).zip(&mut parts) {
        *part = number(words, index + place, 4)?;
        let unit = words.folded(index + place + 1);
        units.iter().any(|name| unit.starts_with(name)).then_some(())?;
    }
    let [mut year, month, day] = parts;
    let mut range = index..index + 6;
    if let Some(before) = index.checked_sub(1)
        && let Some((_, base)) = ERAS.iter().find(|(name, _)| words.folded(before).ends_with(name))
    {
        year += base;
        range.start = before;
    }
    Some(Found { range, readings: [Reading::new(Some(year), month, day), None, None], is_faint: false })
}
