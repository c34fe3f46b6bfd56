//! What identifies this patient, as search terms, and the rules by which a hit counts (DI-50, DI-54). Written apart from the after-check.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};
use dicom_stream::text::Date;

use super::fold::{Kind, kind_of as kind_of_char, squeezed};
use super::names::Names;
use super::patterns::months::names;
use super::variants::{broken, spellings};
use super::vocabulary::{Vocabulary, whole_words};
use super::words::{Marks, Words};
use super::{Search, TextCleanError};
use crate::verify::{
    Identity,
    known_words::{is_known_word, is_surname},
};

/// Characters of a term that counts inside a longer word too.
const LONG: usize = 6;
/// Characters of a word that counts alone.
const WORD: usize = 4;
/// Characters of an id that counts as a whole text.
const WHOLE: usize = 3;
/// Characters of an address or a telephone number that counts as a whole.
const CONTACT: usize = 8;
/// What a name in Han characters is followed by: Mr, doctor, teacher.
const HONORIFICS: [&str; 6] = ["様", "氏", "殿", "先生", "医師", "医生"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A word that counts where it is a word.
    Word,
    /// A term that counts inside a word, and over several words where it begins and ends with one.
    Long,
    /// A number or code.
    Id,
    /// A word that lost letters: counts beside the sign that replaces them.
    Broken,
}

struct Term {
    shape: Shape,
    length: usize,
    /// Of which names it is a part.
    names: Vec<usize>,
}

/// Search terms of one identity.
pub(super) struct Terms {
    search: AhoCorasick,
    terms: Vec<Term>,
    names: Names,
    /// Ids and names that count as a whole text.
    whole: HashSet<String>,
    /// UIDs too short to be known by their form.
    pub(super) uids: HashSet<String>,
}

#[derive(Default)]
struct Draft {
    terms: BTreeMap<String, (Option<Shape>, Vec<usize>)>,
    whole: HashSet<String>,
}

impl Terms {
    pub(super) fn new(identity: &Identity, vocabulary: &Vocabulary) -> Result<Self, TextCleanError> {
        if identity.too_many {
            return Err(TextCleanError::TooManyTerms);
        }
        let (mut draft, mut names) = (Draft::default(), Names::default());
        for components in &identity.names {
            let words = components.iter().take(3).flat_map(|component| whole_words(component)).collect();
            let number = names.add(words);
            draft.name(components, names.words(number), number, vocabulary);
        }
        for id in &identity.ids {
            draft.id(id);
        }
        for contact in &identity.contacts {
            draft.contact(contact);
            draft.contact_words(contact);
        }
        for contact in &identity.contacts_of_others {
            draft.contact(contact);
        }
        for date in &identity.dates {
            draft.date(*date);
        }
        let (patterns, terms): (Vec<_>, Vec<_>) = draft
            .terms
            .into_iter()
            .map(|(text, (shape, names))| {
                let length = text.chars().count();
                (text, Term { shape: shape.unwrap_or(Shape::Word), length, names })
            })
            .unzip();
        // Quick to build: an identity has few texts to search.
        let search = AhoCorasickBuilder::new()
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .prefilter(false)
            .dense_depth(1)
            .build(patterns)
            .map_err(|_| TextCleanError::TooManyTerms)?;
        let uids = identity.uids.iter().filter(|uid| !super::patterns::is_long_uid(uid)).cloned().collect();
        Ok(Self { search, terms, names, whole: draft.whole, uids })
    }

    /// Marks what identifies.
    pub(super) fn mark(&self, words: &Words<'_>, search: Search, marks: &mut Marks) {
        if self.whole.contains(words.all()) {
            marks.add(0..words.len());
            return;
        }
        for hit in self.search.find_overlapping_iter(words.all()) {
            let Some(term) = self.terms.get(hit.pattern().as_usize()) else { continue };
            let bytes = hit.start()..hit.end();
            let range = words.holding(bytes.clone());
            if counts(words, term, &bytes, range.clone()) {
                marks.add(range.clone());
                self.names.mark_around(words, &term.names, range, marks);
            }
        }
        self.names.mark_pairs(words, marks);
        match search {
            Search::Name => self.names.mark_parts(words, |_, _| true, marks),
            Search::Known => self.names.mark_parts(words, counts_alone, marks),
            Search::Text => {}
        }
    }
}

/// Whether a word of a name that is a word of imaging too counts alone where only harmless words stay. Words that stand for "nobody"
/// do not.
fn counts_alone(word: &str, kind: Kind) -> bool {
    const NOBODY: [&str; 14] = [
        "admin",
        "anon",
        "anonym",
        "anonyme",
        "anonymized",
        "anonymous",
        "deidentified",
        "demo",
        "dummy",
        "none",
        "patient",
        "phantom",
        "test",
        "unknown",
    ];
    word.chars().count() >= shortest(kind) && !NOBODY.contains(&word)
}

/// Characters of the shortest word that counts alone. A syllable of Hangul is two or three characters here.
fn shortest(kind: Kind) -> usize {
    match kind {
        Kind::Han => 2,
        Kind::Kana => 3,
        Kind::Digit | Kind::Hangul | Kind::Letter => WORD,
    }
}

/// Whether a hit in these bytes of the folded text, in these pieces, is one.
fn counts(words: &Words<'_>, term: &Term, bytes: &Range<usize>, range: Range<usize>) -> bool {
    let (Some(first), Some(last)) = (words.piece(range.start), words.piece(range.end.wrapping_sub(1))) else {
        return false;
    };
    let (begins, ends) = (first.folded.start == bytes.start, last.folded.end == bytes.end);
    let cuts_a_number = (!begins && first.kind == Kind::Digit) || (!ends && last.kind == Kind::Digit);
    if cuts_a_number {
        return false;
    }
    match term.shape {
        Shape::Long => (begins && ends) || words.is_compound(range),
        Shape::Id if term.length >= LONG => true,
        Shape::Id => {
            let apart = |index| !words.is_glued(index);
            let is_open = |kind, index| kind != Kind::Digit || apart(index);
            begins
                && ends
                && is_open(first.kind, range.start)
                && is_open(last.kind, range.end)
                && words.is_compound(range)
        }
        Shape::Word => {
            let honoured = || {
                let rest = words.all().get(bytes.end..last.folded.end).unwrap_or_default();
                HONORIFICS.iter().any(|title| rest.starts_with(title))
            };
            begins && (ends || honoured()) && words.is_compound(range)
        }
        Shape::Broken => {
            let lost = |index| words.gap(index).contains(['?', '\u{FFFD}']);
            let after = words.next_char(range.end.wrapping_sub(1));
            begins && ends && (matches!(after, Some('?' | '\u{FFFD}')) || range.into_iter().any(lost))
        }
    }
}

impl Draft {
    fn add(&mut self, text: String, shape: Shape, name: Option<usize>) {
        let (held, names) = self.terms.entry(text).or_default();
        // The wider rule holds where two kinds of identifier are the same word.
        if held.is_none_or(|held| held == Shape::Broken || held == Shape::Word || shape == Shape::Id) {
            *held = Some(shape);
        }
        names.extend(name.filter(|name| !names.contains(name)));
    }

    fn name(&mut self, components: &[String], words: &[String], number: usize, vocabulary: &Vocabulary) {
        for (at, word) in words.iter().enumerate() {
            self.word(word.clone(), Some(number));
            if let Some(next) = words.get(at + 1) {
                for both in [format!("{word}{next}"), format!("{next}{word}")] {
                    if both.chars().count() >= pair_length(&both) {
                        self.add(both, Shape::Long, Some(number));
                    }
                }
            }
        }
        for component in components.iter().take(3) {
            let joined = squeezed(component);
            if is_surname(&joined) {
                self.whole.insert(joined.clone());
            }
            self.word(joined, Some(number));
            for written in component.split([' ', '-', '\'', '.']) {
                for spelling in spellings(written, vocabulary) {
                    self.word(spelling, Some(number));
                }
                if let Some(broken) = broken(written).filter(|_| !vocabulary.has(&squeezed(written))) {
                    self.add(broken, Shape::Broken, Some(number));
                }
            }
        }
    }

    /// A word that counts alone, unless it is a word of imaging too (DI-54).
    fn word(&mut self, word: String, name: Option<usize>) {
        let kind = kind_of(&word);
        let length = word.chars().count();
        if length >= shortest(kind) && !is_known_word(&word) {
            self.add(word, if length >= LONG { Shape::Long } else { Shape::Word }, name);
        }
    }

    fn id(&mut self, id: &str) {
        let joined = squeezed(id);
        let length = joined.chars().count();
        let has_digit = joined.bytes().any(|byte| byte.is_ascii_digit());
        if !has_digit {
            self.word(joined, None);
            return;
        }
        if length == WHOLE {
            self.whole.insert(joined);
            return;
        }
        let is_number = joined.bytes().all(|byte| byte.is_ascii_digit());
        let significant = joined.trim_start_matches('0');
        if is_number && significant.len() >= WORD {
            self.add(significant.to_owned(), Shape::Id, None);
        }
        let digits: String = joined.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= LONG {
            self.add(digits, Shape::Id, None);
        }
        if length >= WORD && !is_known_word(&joined) {
            self.add(joined, Shape::Id, None);
        }
    }

    /// Notations of a date that pieces do not show, where its numbers are glued to others.
    fn date(&mut self, date: Date) {
        let (year, month, day) = (date.year(), date.month(), date.day());
        self.add(date.value(), Shape::Id, None);
        self.add(format!("{day:02}{month:02}{year:04}"), Shape::Id, None);
        self.add(format!("{month:02}{day:02}{year:04}"), Shape::Id, None);
        for name in names(month) {
            for day in [format!("{day}"), format!("{day:02}")] {
                self.add(format!("{day}{name}{year:04}"), Shape::Id, None);
                self.add(format!("{name}{day}{year:04}"), Shape::Id, None);
            }
        }
    }

    fn contact(&mut self, contact: &str) {
        let digits: String = contact.chars().filter(char::is_ascii_digit).collect();
        let national = digits.strip_prefix("33").map(|rest| format!("0{}", rest.trim_start_matches('0')));
        for term in [Some(squeezed(contact)), national, Some(digits)].into_iter().flatten() {
            if term.chars().count() >= CONTACT {
                self.add(term, Shape::Id, None);
            }
        }
    }

    fn contact_words(&mut self, contact: &str) {
        for word in whole_words(contact) {
            if word.chars().count() > WORD && !word.bytes().any(|byte| byte.is_ascii_digit()) {
                self.word(word, None);
            }
        }
    }
}

/// Characters of two neighbouring parts of a name, written as one, that count anywhere.
fn pair_length(both: &str) -> usize {
    let is_cased = both.is_ascii() || both.chars().any(char::is_lowercase);
    match kind_of(both) {
        Kind::Han => 2,
        _ if !is_cased => 3,
        _ => LONG,
    }
}

/// What a folded word begins with.
fn kind_of(word: &str) -> Kind {
    word.chars().next().map_or(Kind::Letter, kind_of_char)
}
