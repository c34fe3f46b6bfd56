//! The identifiers as search terms, and the rules that keep clean objects clean (DI-52, DI-54, DI-56).

use std::collections::{BTreeSet, HashMap, HashSet};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, BuildError};
use dicom_stream::charset::byte_forms;
use dicom_stream::text::Date;

use super::dates::notations;
use super::identity::Identity;
use super::known_words::{is_known_word, is_surname};
use super::normal::{Normal, normal};
use super::{FindingKind, VerifyError};

/// Shortest word of a name, and shortest id, that counts alone in a text.
const WORD_MIN: usize = 4;
/// Shortest id that counts as a whole value.
const ID_MIN: usize = 3;
/// Shortest term that counts inside a longer word, as digits of a number, or in raw bytes.
const LONG_MIN: usize = 6;
/// Shortest address or telephone number that counts as a whole.
const CONTACT_MIN: usize = 8;

/// Search terms of one identity.
pub(super) struct Terms {
    /// Whole values of the project's own.
    ours: HashSet<String>,
    /// Count as a whole word of any text.
    words: HashMap<String, FindingKind>,
    /// Count as a whole word of a name: all parts, short ones too.
    name_words: HashSet<String>,
    /// Neighbours that are two parts of one name, in either order.
    pairs: HashMap<String, HashSet<String>>,
    /// Count as a whole value.
    whole: HashMap<String, FindingKind>,
    /// Count anywhere in a text, digits not beside other digits.
    long: AhoCorasick,
    long_kinds: Vec<FindingKind>,
    /// Birth dates, `YYYYMMDD`.
    days: HashSet<String>,
    /// Days of the originals' other dates.
    other_days: BTreeSet<Date>,
    uids: HashSet<String>,
    /// Ids of digits.
    numbers: HashSet<String>,
    /// Count in raw bytes.
    raw: AhoCorasick,
    raw_kinds: Vec<FindingKind>,
}

/// What is collected before the automata are built.
#[derive(Default)]
struct Draft {
    words: HashMap<String, FindingKind>,
    name_words: HashSet<String>,
    pairs: HashMap<String, HashSet<String>>,
    whole: HashMap<String, FindingKind>,
    long: HashMap<String, FindingKind>,
    numbers: HashSet<String>,
    raw: HashMap<String, FindingKind>,
}

impl Terms {
    pub(super) fn new(identity: &Identity, ours: &[&str]) -> Result<Self, VerifyError> {
        if identity.too_many {
            return Err(VerifyError::TooManyTerms);
        }
        let mut draft = Draft::default();
        for name in &identity.names {
            draft.name(name);
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
        let mut days = HashSet::new();
        for date in &identity.dates {
            draft.long.extend(notations(*date).into_iter().map(|form| (form, FindingKind::Date)));
            draft.raw.insert(date.value(), FindingKind::Date);
            days.insert(date.value());
        }
        let (long, long_kinds) =
            automaton(draft.long.into_iter().map(|(term, kind)| (term.into_bytes(), kind)))?;
        let raw = draft.raw.into_iter().flat_map(|(term, kind)| {
            byte_forms(&term).into_iter().filter(|form| form.len() >= LONG_MIN).map(move |form| (form, kind))
        });
        let (raw, raw_kinds) = automaton(raw)?;
        Ok(Self {
            ours: ours.iter().map(|value| normal(value).joined).collect(),
            words: draft.words,
            name_words: draft.name_words,
            pairs: draft.pairs,
            whole: draft.whole,
            long,
            long_kinds,
            days,
            other_days: identity.other_days.clone(),
            uids: identity.uids.iter().cloned().collect(),
            numbers: draft.numbers,
            raw,
            raw_kinds,
        })
    }

    /// Searches a text; `is_name` where every part of a name counts.
    pub(super) fn in_text(&self, text: &str, is_name: bool) -> Option<FindingKind> {
        let Normal { words, joined } = normal(text);
        if self.ours.contains(&joined) {
            return None;
        }
        if let Some(kind) = self.whole.get(&joined) {
            return Some(*kind);
        }
        self.in_words(&words, is_name)
            .or_else(|| if joined == words { None } else { self.in_words(&joined, is_name) })
            .or_else(|| self.uid_in(text.as_bytes()))
    }

    fn in_words(&self, text: &str, is_name: bool) -> Option<FindingKind> {
        let mut before = "";
        for word in text.split(' ') {
            let letters = word.trim_matches(|c: char| c.is_ascii_digit());
            for word in [word, letters] {
                if let Some(kind) = self.words.get(word) {
                    return Some(*kind);
                }
            }
            let neighbours = self.pairs.get(before).is_some_and(|others| others.contains(word));
            if neighbours || (is_name && self.name_words.contains(word)) {
                return Some(FindingKind::Name);
            }
            before = word;
        }
        let bytes = text.as_bytes();
        self.long
            .find_overlapping_iter(bytes)
            .find(|found| !cuts_a_number(bytes, found.start(), found.end()))
            .and_then(|found| self.long_kinds.get(found.pattern().as_usize()).copied())
    }

    /// Searches bytes of unknown meaning.
    pub(super) fn in_bytes(&self, bytes: &[u8]) -> Option<FindingKind> {
        self.raw
            .find_overlapping_iter(bytes)
            .find(|found| !cuts_a_number(bytes, found.start(), found.end()))
            .and_then(|found| self.raw_kinds.get(found.pattern().as_usize()).copied())
            .or_else(|| self.uid_in(bytes))
    }

    /// A date, time or age: an identifying date as its date part.
    pub(super) fn in_date(&self, value: &str) -> Option<FindingKind> {
        let digits: String = value.chars().filter(|c| *c != '.').take(8).collect();
        self.days.contains(&digits).then_some(FindingKind::Date)
    }

    /// Whether an original has a date on this day, birth dates aside.
    pub(super) fn has_day(&self, day: Date) -> bool {
        self.other_days.contains(&day)
    }

    pub(super) fn is_birth_date(&self, day: Date) -> bool {
        self.days.contains(&day.value())
    }

    /// Whether the value is one that the project writes itself.
    pub(super) fn is_ours(&self, value: &str) -> bool {
        !self.ours.is_empty() && self.ours.contains(&normal(value).joined)
    }

    /// A number or UID: a whole id.
    pub(super) fn in_number(&self, value: &str) -> Option<FindingKind> {
        self.numbers.contains(value).then_some(FindingKind::Identifier)
    }

    /// An original UID among the runs of digits and dots.
    pub(super) fn uid_in(&self, bytes: &[u8]) -> Option<FindingKind> {
        if self.uids.is_empty() {
            return None;
        }
        bytes
            .split(|byte| !matches!(byte, b'0'..=b'9' | b'.'))
            .filter(|run| run.len() >= LONG_MIN && run.contains(&b'.'))
            .filter_map(|run| std::str::from_utf8(run).ok())
            .any(|run| self.uids.contains(run.trim_matches('.')))
            .then_some(FindingKind::Uid)
    }
}

impl Draft {
    fn name(&mut self, components: &[String]) {
        // Prefix and suffix (Dr, MD) identify nobody.
        let parts: Vec<_> = components.iter().take(3).map(|part| normal(part)).collect();
        let words: Vec<&str> =
            parts.iter().flat_map(|part| part.words.split(' ')).filter(|w| !w.is_empty()).collect();
        for (at, word) in words.iter().enumerate() {
            self.name_words.insert((*word).to_owned());
            self.word(word, FindingKind::Name);
            for (other_at, other) in words.iter().enumerate().filter(|(other_at, _)| *other_at != at) {
                self.pairs.entry((*word).to_owned()).or_default().insert((*other).to_owned());
                let whole = format!("{word}{other}");
                let script = !whole.is_ascii() && !whole.chars().any(|c| c.is_lowercase());
                if whole.chars().count() >= if script { ID_MIN } else { LONG_MIN }
                    && at.abs_diff(other_at) == 1
                {
                    self.long.insert(whole, FindingKind::Name);
                }
            }
        }
        for part in parts.iter().filter(|part| is_surname(&part.joined)) {
            self.whole.insert(part.joined.clone(), FindingKind::Name);
        }
        for part in &parts {
            self.word(&part.joined.replace(' ', ""), FindingKind::Name);
        }
        let originals = components.iter().take(3).flat_map(|part| part.split([' ', '-']));
        for word in originals.chain(words) {
            if word.chars().count() >= WORD_MIN && !is_known_word(&normal(word).words) {
                self.raw.insert(word.to_owned(), FindingKind::Name);
            }
        }
    }

    fn word(&mut self, word: &str, kind: FindingKind) {
        let length = word.chars().count();
        if length < WORD_MIN || is_known_word(word) {
            return;
        }
        self.words.insert(word.to_owned(), kind);
        if length >= LONG_MIN {
            self.long.insert(word.to_owned(), kind);
        }
    }

    fn id(&mut self, id: &str) {
        let Normal { words, joined } = normal(id);
        let joined = joined.replace(' ', "");
        if joined.chars().count() == ID_MIN && joined.chars().any(|c| c.is_ascii_digit()) {
            self.whole.insert(joined.clone(), FindingKind::Identifier);
        }
        self.word(&joined, FindingKind::Identifier);
        if joined.len() >= LONG_MIN && !is_known_word(&joined) {
            if joined.bytes().all(|byte| byte.is_ascii_digit()) {
                self.numbers.insert(joined.clone());
            }
            self.long.insert(words, FindingKind::Identifier);
            self.raw.insert(joined, FindingKind::Identifier);
            self.raw.insert(id.to_owned(), FindingKind::Identifier);
        }
    }

    fn contact(&mut self, contact: &str) {
        let Normal { words, joined } = normal(contact);
        let digits: String = contact.chars().filter(char::is_ascii_digit).collect();
        for term in [&words, &joined, &digits] {
            if term.chars().count() >= CONTACT_MIN {
                self.long.insert(term.clone(), FindingKind::Contact);
            }
        }
        if contact.len() >= CONTACT_MIN {
            self.raw.insert(contact.to_owned(), FindingKind::Contact);
        }
    }

    fn contact_words(&mut self, contact: &str) {
        let Normal { words, .. } = normal(contact);
        for word in words.split(' ').filter(|word| word.chars().count() > WORD_MIN) {
            if !word.bytes().any(|byte| byte.is_ascii_digit()) {
                self.word(word, FindingKind::Contact);
            }
        }
    }
}

/// Whether a match that begins or ends with a digit is only a part of a longer number.
fn cuts_a_number(bytes: &[u8], start: usize, end: usize) -> bool {
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    (digit(Some(start)) && digit(start.checked_sub(1))) || (digit(end.checked_sub(1)) && digit(Some(end)))
}

fn automaton(
    terms: impl Iterator<Item = (Vec<u8>, FindingKind)>,
) -> Result<(AhoCorasick, Vec<FindingKind>), VerifyError> {
    let mut terms: Vec<_> = terms.collect();
    terms.sort_unstable();
    let (patterns, kinds): (Vec<_>, Vec<_>) = terms.into_iter().unzip();
    // The kind that is quickest to build: a study has few objects for each term, and little text in each.
    let automaton = AhoCorasickBuilder::new()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .build(patterns)
        .map_err(|_: BuildError| VerifyError::TooManyTerms)?;
    Ok((automaton, kinds))
}
