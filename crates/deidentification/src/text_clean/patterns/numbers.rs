//! Numbers in groups: telephone numbers, national numbers, addresses of the network, UIDs.

use std::collections::HashSet;
use std::ops::Range;

use super::super::words::{Marks, Words};
use super::network::is_long_uid;

/// What a telephone number or a national number is announced by.
const ANNOUNCED: [&str; 9] = ["fax", "gsm", "nhs", "nir", "ph", "phone", "tel", "telephone", "ssn"];
/// What a version is announced by.
const VERSION: [&str; 11] =
    ["build", "firmware", "fw", "rel", "release", "rev", "software", "sw", "syngo", "ver", "version"];

/// Marks numbers that identify by their form.
pub(super) fn mark(words: &Words<'_>, uids: &HashSet<String>, marks: &mut Marks) {
    let mut start = 0;
    while start < words.len() {
        let end = run(words, start, |gap| matches!(gap, "."));
        if end > start + 1 {
            dotted(words, start..end, uids, marks);
        }
        start = end.max(start + 1);
    }
    for start in 0..words.len() {
        let end = run(words, start, is_link);
        let is_inside = words.gap(start) == "."
            && start.checked_sub(1).is_some_and(|before| words.digits(before).is_some());
        if end == start || is_inside || words.is_glued(start) {
            continue;
        }
        let found = [announced(words, start..end), phone(words, start..end), national(words, start)];
        if let Some(end) = found.into_iter().flatten().max() {
            marks.add(start..end);
        }
    }
}

/// The end of a run of digits from `start`.
fn run(words: &Words<'_>, start: usize, is_link: impl Fn(&str) -> bool) -> usize {
    let mut end = start;
    while words.digits(end).is_some() && (end == start || is_link(words.gap(end))) {
        end += 1;
    }
    end
}

fn is_link(gap: &str) -> bool {
    !gap.is_empty()
        && gap.len() <= 2
        && gap.chars().all(|c| matches!(c, ' ' | '.' | '-' | '/' | '(' | ')' | '\u{A0}'))
}

/// A UID, or an address of the network; a version is announced, or begins with a letter or a small number.
fn dotted(words: &Words<'_>, range: Range<usize>, uids: &HashSet<String>, marks: &mut Marks) {
    let groups: Vec<&str> = range.clone().filter_map(|index| words.digits(index)).collect();
    let text = groups.join(".");
    let is_uid = is_long_uid(&text) || uids.contains(&text);
    let octets: Vec<u8> = groups
        .iter()
        .filter(|group| group.len() == 1 || !group.starts_with('0'))
        .filter_map(|group| group.parse().ok())
        .collect();
    let before = range.start.checked_sub(1).and_then(|before| words.letters(before));
    let is_address = groups.len() == 4
        && octets.len() == 4
        && !words.is_glued(range.start)
        && (octets.first() >= Some(&10) || before == Some("ip"))
        && !is_version(words, range.start);
    if is_uid || is_address {
        marks.add(range);
    }
}

/// Whether a version is announced in one of the two words before.
fn is_version(words: &Words<'_>, index: usize) -> bool {
    let announces = |back: usize| {
        index
            .checked_sub(back)
            .and_then(|before| words.letters(before))
            .is_some_and(|word| VERSION.contains(&word))
    };
    words.is_glued(index) || announces(1) || announces(2)
}

/// `tel: 123456`
fn announced(words: &Words<'_>, range: Range<usize>) -> Option<usize> {
    let word = words.letters(range.start.checked_sub(1)?)?;
    let is_near = words.gap(range.start).chars().all(|c| matches!(c, ' ' | '.' | ':' | '+' | '(' | '#'));
    (is_near && ANNOUNCED.contains(&word) && count(words, range.clone()) >= 6).then_some(range.end)
}

fn count(words: &Words<'_>, range: Range<usize>) -> usize {
    range.map(|index| words.folded(index).len()).sum()
}

fn phone(words: &Words<'_>, range: Range<usize>) -> Option<usize> {
    international(words, range.clone())
        .or_else(|| french(words, range.clone()))
        .or_else(|| american(words, range.clone()))
        .or_else(|| with_trunk_zero(words, range))
}

/// `+33 1 23 45 67 89`, `0033 1 …`
fn international(words: &Words<'_>, range: Range<usize>) -> Option<usize> {
    let first = words.digits(range.start)?;
    let code = if words.gap(range.start).ends_with('+') { first } else { first.strip_prefix("00")? };
    if !code.starts_with(|c| matches!(c, '1'..='9')) || (range.len() > 1 && code.len() > 3) {
        return None;
    }
    let is_group = |index: usize| index <= range.start + 1 || words.folded(index).len() >= 2;
    let end = range.clone().find(|index| !is_group(*index)).unwrap_or(range.end);
    let digits = count(words, range.start..end) - (first.len() - code.len());
    (range.len() > 1 || first.len() == code.len()).then_some(())?;
    (8..=15).contains(&digits).then_some(end)
}

/// `01 23 45 67 89`
fn french(words: &Words<'_>, range: Range<usize>) -> Option<usize> {
    let end = range.start + 5;
    let first = words.folded(range.start);
    let is_number = end <= range.end
        && (range.start..end).all(|index| words.folded(index).len() == 2)
        && first.starts_with('0')
        && first != "00"
        && is_even(words, range.start..end)
        && !is_version(words, range.start);
    is_number.then_some(end)
}

/// `(555) 123-4567`, `555-123-4567`, `123-45-6789`
fn american(words: &Words<'_>, range: Range<usize>) -> Option<usize> {
    let end = range.start + 3;
    let lengths: Vec<usize> =
        (range.start..end.min(range.end)).map(|index| words.folded(index).len()).collect();
    let gap = words.gap(range.start + 1);
    let is_telephone = lengths == [3, 3, 4]
        && (gap == "-" || gap == "." || (gap.starts_with(')') && words.gap(range.start).ends_with('(')));
    let is_social_security = lengths == [3, 2, 4] && gap == "-" && words.gap(range.start + 2) == "-";
    (is_telephone || is_social_security).then_some(end)
}

/// `020 7946 0958`, `0171/123 45 67`: from the zero to the end of the run.
fn with_trunk_zero(words: &Words<'_>, range: Range<usize>) -> Option<usize> {
    let groups: Vec<&str> = range.clone().map(|index| words.folded(index)).collect();
    let is_number = groups.len() >= 3
        && (9..=12).contains(&count(words, range.clone()))
        && groups
            .first()
            .is_some_and(|first| first.starts_with('0') && !first.starts_with("00") && first.len() >= 3)
        && groups.iter().all(|group| group.len() >= 2)
        && !is_version(words, range.start);
    is_number.then_some(range.end)
}

/// Whether all gaps are one and the same character.
fn is_even(words: &Words<'_>, range: Range<usize>) -> bool {
    let gap = words.gap(range.start + 1);
    gap.chars().count() == 1 && range.skip(1).all(|index| words.gap(index) == gap)
}

/// The French number of social security, of 13 digits or 15 with its key: sex, year, month, department, …
fn national(words: &Words<'_>, start: usize) -> Option<usize> {
    const GROUPS: [&[usize]; 5] = [&[13], &[15], &[13, 2], &[1, 2, 2, 2, 3, 3], &[1, 2, 2, 2, 3, 3, 2]];
    let (mut text, mut lengths, mut end) = (String::new(), Vec::new(), start);
    while text.len() < 15 && (end == start || matches!(words.gap(end), " " | "." | "-" | "\u{A0}")) {
        let group = words.word(end);
        // Corsica has `2A` and `2B` for its departments.
        let digits = words.joined(group.clone());
        let is_number = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a' | b'b'));
        if !is_number || group.is_empty() || digits.is_empty() {
            break;
        }
        text.push_str(digits);
        lengths.push(digits.len());
        end = group.end;
    }
    let month = text.get(3..5).and_then(|month| month.parse::<u8>().ok());
    let department = text.get(5..7).is_some_and(|code| code.starts_with(|c: char| c.is_ascii_digit()));
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_number = GROUPS.contains(&lengths.as_slice())
        && text.starts_with(['1', '2'])
        && matches!(month, Some(1..=12))
        && department
        && (letters == 0 || (letters == 1 && matches!(text.get(5..7), Some("2a" | "2b"))));
    is_number.then_some(end)
}
