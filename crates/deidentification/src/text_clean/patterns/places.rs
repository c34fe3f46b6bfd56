//! Postal addresses: a number and a street, French or English, with the town after it.

use super::super::vocabulary::Vocabulary;
use super::super::words::{Marks, Words};

/// Words of the name of a street or town.
const NAME: usize = 4;
const ARTICLES: [&str; 9] = ["aux", "d", "de", "des", "du", "l", "la", "le", "les"];

/// Marks addresses.
pub(super) fn mark(words: &Words<'_>, vocabulary: &Vocabulary, marks: &mut Marks) {
    for index in 0..words.len() {
        let Some(word) = words.letters(index) else { continue };
        let street = match word {
            "rue" | "avenue" | "boulevard" | "allee" | "impasse" | "chemin" | "quai" | "place" | "route" => {
                french(words, index, vocabulary)
            }
            _ => None,
        };
        let english = match word {
            "street" | "avenue" | "ave" | "road" | "lane" | "boulevard" | "blvd" => english(words, index),
            _ => None,
        };
        if let Some((start, end)) = street.or(english) {
            marks.add(start..town(words, end));
        }
        if word == "cedex" {
            marks.add(before_cedex(words, index)..index + 1);
        }
    }
}

/// `12 bis, rue de la Paix`: the number before, the name up to a known word.
fn french(words: &Words<'_>, index: usize, vocabulary: &Vocabulary) -> Option<(usize, usize)> {
    let mut start = index.checked_sub(1)?;
    if matches!(words.letters(start), Some("b" | "bis" | "ter")) {
        start = start.checked_sub(1)?;
    }
    words.digits(start).filter(|digits| digits.len() <= 4)?;
    let is_close = (start + 1..=index).all(|at| matches!(words.gap(at), "" | " " | "," | ", "));
    is_close.then_some(())?;
    let mut end = index + 1;
    while is_in_name(words, end) && words.letters(end).is_some_and(|word| ARTICLES.contains(&word)) {
        end += 1;
    }
    let has_article = end > index + 1;
    if matches!(words.letters(index), Some("place" | "route")) && !has_article {
        return None;
    }
    let name = end;
    while is_in_name(words, end)
        && end < name + NAME
        && words
            .letters(end)
            .is_some_and(|word| end == name || !vocabulary.has(word) || ARTICLES.contains(&word))
    {
        end += 1;
    }
    (end > name).then_some((start, end))
}

/// `12 Old Mill Lane`: words with capitals between the number and the street.
fn english(words: &Words<'_>, index: usize) -> Option<(usize, usize)> {
    let mut start = index;
    while start > 0 && index - start <= NAME && words.gap(start) == " " {
        start -= 1;
        if let Some(number) = words.digits(start) {
            return (start + 1 < index && number.len() <= 5 && !words.is_glued(start))
                .then_some((start, index + 1));
        }
        if !words.piece(start).is_some_and(|piece| piece.capital) || words.is_glued(start) {
            return None;
        }
    }
    None
}

fn is_in_name(words: &Words<'_>, index: usize) -> bool {
    matches!(words.gap(index), " " | "'" | "’" | "-") && words.letters(index).is_some()
}

/// The end of `, 75002 Paris` or `, Springfield, IL 62704` after a street, where it has a postcode.
fn town(words: &Words<'_>, street: usize) -> usize {
    let mut at = street;
    let is_next = |at: usize| matches!(words.gap(at), " " | "," | ", " | "\n" | "\r\n" | ",\n" | "-" | " - ");
    let is_capital =
        |at: usize| words.letters(at).is_some() && words.piece(at).is_some_and(|piece| piece.capital);
    while at < street + NAME && is_next(at) && is_capital(at) {
        at += 1;
    }
    if !is_next(at) || words.digits(at).is_none_or(|code| code.len() != 5) {
        return street;
    }
    at += 1;
    let name = at;
    while at < name + NAME && matches!(words.gap(at), " " | "-") && is_capital(at) {
        at += 1;
    }
    at
}

/// `75010 PARIS CEDEX`: the postcode and the town before.
fn before_cedex(words: &Words<'_>, index: usize) -> usize {
    let from = index.saturating_sub(NAME);
    (from..index).rev().find(|at| words.digits(*at).is_some_and(|code| code.len() == 5)).unwrap_or(index)
}
