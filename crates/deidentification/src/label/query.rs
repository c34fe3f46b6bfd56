//! The query language of labels: `Modality StrEquals CT AND (PatientName Exists OR Rows NbGreater 512)`.
//!
//! | | |
//! |---|---|
//! | query | tests joined by `AND` and `OR`; `AND` binds closer; parentheses |
//! | test | attribute, operator, value where the operator takes one |
//! | attribute | keyword of PS3.6, `00080060` or `(0008,0060)`; in the items of a sequence `RequestAttributesSequence.ScheduledProcedureStepID` |
//! | value | a word, or text in double quotes; `*` any characters, `?` one, `\` before one takes it as it is |
//!
//! `DateEquals`, `DateNotEquals`, `DateBefore` and `DateAfter` take a day as `YYYYMMDD` and compare it with the day of a DA (PS3.5 6.2; the
//! old `YYYY.MM.DD` too) or DT; a value that is no day is neither equal, before nor after.
//!
//! Of several values, or items, one is enough. The operators with `Not` say the opposite of those without, but for `NotEmpty`: it asks for
//! a value, as `Empty` asks for an element without one. Case does not count.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use dicom_stream::text::Date;
use thiserror::Error;

use crate::profile::dictionary;

/// Characters of a query.
const LENGTH_MAX: usize = 4_000;
/// Open parentheses.
const DEPTH_MAX: usize = 16;
/// Tests of a query.
const TESTS_MAX: usize = 100;
/// Sequences around an attribute.
const PATH_MAX: usize = 8;

/// What in a query cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("column {column}: {what}")]
pub struct QueryError {
    /// Character of the query, counted from 1.
    pub column: usize,
    /// What is wrong, and what to write.
    pub what: &'static str,
}

/// A query, ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Query {
    All(Vec<Self>),
    Any(Vec<Self>),
    Test { path: Vec<Tag>, test: Test, is_negated: bool },
}

/// What is asked of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Exists,
    Empty,
    NotEmpty,
    Text(Pattern),
    Equal(f64),
    Greater(f64),
    Less(f64),
    On(Date),
    Before(Date),
    After(Date),
}

/// Text with wildcards, in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    One(char),
    AnyOne,
    AnyMany,
}

impl Pattern {
    /// Whether the whole text is like this; linear but for one step back to the last `*`.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let (mut piece, mut at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while let Some(letter) = text.get(at) {
            match self.0.get(piece) {
                Some(Piece::AnyMany) => {
                    star = Some((piece, at));
                    piece += 1;
                }
                Some(Piece::AnyOne) => (piece, at) = (piece + 1, at + 1),
                Some(Piece::One(wanted)) if wanted == letter => (piece, at) = (piece + 1, at + 1),
                _ => match &mut star {
                    Some((many, from)) => {
                        *from += 1;
                        (piece, at) = (*many + 1, *from);
                    }
                    None => return false,
                },
            }
        }
        self.0.iter().skip(piece).all(|piece| *piece == Piece::AnyMany)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Open,
    Close,
    Plain(Vec<Piece>, String),
    Quoted(Vec<Piece>),
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// [`QueryError`], with its place.
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        let words = words(text)?;
        let end = text.chars().count() + 1;
        let mut parser = Parser { words: &words, at: 0, end, tests: 0 };
        let query = parser.any(0)?;
        match parser.peek() {
            None => Ok(query),
            Some(_) => Err(parser.error("AND, OR or the end is expected here")),
        }
    }

    /// The attributes it asks about.
    pub(crate) fn paths(&self) -> Vec<&[Tag]> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::paths).collect(),
            Self::Test { path, .. } => vec![path],
        }
    }
}

struct Parser<'a> {
    words: &'a [(usize, Word)],
    at: usize,
    end: usize,
    tests: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Word> {
        self.words.get(self.at).map(|(_, word)| word)
    }

    fn error(&self, what: &'static str) -> QueryError {
        QueryError { column: self.words.get(self.at).map_or(self.end, |(column, _)| *column), what }
    }

    fn takes(&mut self, joint: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Word::Plain(_, word)) if word.eq_ignore_ascii_case(joint));
        self.at += usize::from(is_it);
        is_it
    }

    fn any(&mut self, depth: usize) -> Result<Query, QueryError> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("OR") {
            parts.push(self.all(depth)?);
        }
        Ok(Query::Any(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Query, QueryError> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("AND") {
            parts.push(self.one(depth)?);
        }
        Ok(Query::All(parts))
    }

    fn one(&mut self, depth: usize) -> Result<Query, QueryError> {
        if self.peek() != Some(&Word::Open) {
            return self.test();
        }
        if depth >= DEPTH_MAX {
            return Err(self.error("too many open parentheses: 16 at most"));
        }
        self.at += 1;
        let inner = self.any(depth + 1)?;
        if self.peek() != Some(&Word::Close) {
            return Err(self.error("a closing parenthesis is missing"));
        }
        self.at += 1;
        Ok(inner)
    }

    fn test(&mut self) -> Result<Query, QueryError> {
        let Some(Word::Plain(_, attribute)) = self.peek() else {
            return Err(self.error("an attribute is expected: a keyword, 00080060 or (0008,0060)"));
        };
        let (path, vr) = path(attribute).map_err(|what| self.error(what))?;
        self.tests += 1;
        if self.tests > TESTS_MAX {
            return Err(self.error("too many tests: 100 at most"));
        }
        self.at += 1;
        let Some(Word::Plain(_, operator)) = self.peek() else { return Err(self.error(OPERATORS)) };
        let operator = operator.to_ascii_lowercase();
        if !has_values(vr) && !matches!(operator.as_str(), "exists" | "notexists") {
            return Err(self.error("of a sequence or of bytes, only Exists and NotExists can be asked"));
        }
        let operator_at = self.at;
        self.at += 1;
        let (test, is_negated) = match operator.as_str() {
            "exists" => (Test::Exists, false),
            "notexists" => (Test::Exists, true),
            "empty" => (Test::Empty, false),
            "notempty" => (Test::NotEmpty, false),
            "strequals" => (Test::Text(self.pattern()?), false),
            "strnotequals" => (Test::Text(self.pattern()?), true),
            "nbequals" => (Test::Equal(self.number()?), false),
            "nbnotequals" => (Test::Equal(self.number()?), true),
            "nbgreater" => (Test::Greater(self.number()?), false),
            "nbless" => (Test::Less(self.number()?), false),
            "dateequals" => (Test::On(self.day(vr)?), false),
            "datenotequals" => (Test::On(self.day(vr)?), true),
            "datebefore" => (Test::Before(self.day(vr)?), false),
            "dateafter" => (Test::After(self.day(vr)?), false),
            _ => {
                self.at = operator_at;
                return Err(self.error(OPERATORS));
            }
        };
        Ok(Query::Test { path, test, is_negated })
    }

    fn pattern(&mut self) -> Result<Pattern, QueryError> {
        let (Some(Word::Plain(pieces, _)) | Some(Word::Quoted(pieces))) = self.peek() else {
            return Err(self.error("a value is expected; one with blanks stands in double quotes"));
        };
        self.at += 1;
        Ok(Pattern(pieces.clone()))
    }

    fn number(&mut self) -> Result<f64, QueryError> {
        let number = match self.peek() {
            Some(Word::Plain(_, word)) => word.parse::<f64>().ok().filter(|number| number.is_finite()),
            _ => None,
        };
        let number = number.ok_or_else(|| self.error("a number is expected"))?;
        self.at += 1;
        Ok(number)
    }

    fn day(&mut self, vr: VR) -> Result<Date, QueryError> {
        if !matches!(vr, VR::DA | VR::DT) {
            return Err(self.error("only of a date (DA, DT) can a day be asked"));
        }
        let day = match self.peek() {
            Some(Word::Plain(_, word)) if word.len() == 8 => day(word),
            _ => None,
        };
        let day = day.ok_or_else(|| self.error("a day is expected: YYYYMMDD"))?;
        self.at += 1;
        Ok(day)
    }
}

/// The day that a DA or DT begins with.
pub(super) fn day(value: &str) -> Option<Date> {
    let digits: String = value.chars().filter(|letter| *letter != '.').take(8).collect();
    Date::parse(digits.as_bytes())
}

/// Whether an attribute of this VR has values that can be compared.
pub(super) fn has_values(vr: VR) -> bool {
    !matches!(vr, VR::SQ | VR::UN | VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::AT)
}

const OPERATORS: &str = "an operator is expected: Exists, NotExists, Empty, NotEmpty, StrEquals, StrNotEquals, NbEquals, \
                         NbNotEquals, NbGreater, NbLess, DateEquals, DateNotEquals, DateBefore, DateAfter";

/// Tags of `A.B.C`, and the VR of the last.
fn path(text: &str) -> Result<(Vec<Tag>, VR), &'static str> {
    let mut path = Vec::new();
    let mut last = VR::SQ;
    for part in text.split('.') {
        if last != VR::SQ {
            return Err("only a sequence has attributes in it");
        }
        if path.len() > PATH_MAX {
            return Err("too many sequences around an attribute: 8 at most");
        }
        let tag =
            tag(part).ok_or("no such attribute: a keyword of PS3.6, 00080060 or (0008,0060) is expected")?;
        if tag.group() % 2 == 1 {
            return Err("a private element cannot be asked about: its block is not the same in all objects");
        }
        last = dictionary(tag).map_or(VR::UN, |(vr, _)| vr);
        path.push(tag);
    }
    Ok((path, last))
}

fn tag(text: &str) -> Option<Tag> {
    let digits: String = match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) if inner.len() == 9 && inner.as_bytes().get(4) == Some(&b',') => inner.replace(',', ""),
        Some(_) => return None,
        None => text.to_owned(),
    };
    if digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        let number = u32::from_str_radix(&digits, 16).ok()?;
        return Some(Tag((number >> 16) as u16, (number & 0xFFFF) as u16));
    }
    Some(StandardDataDictionary.by_name(text)?.tag())
}

/// The words of a query, each with its column.
fn words(text: &str) -> Result<Vec<(usize, Word)>, QueryError> {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() > LENGTH_MAX {
        return Err(QueryError { column: LENGTH_MAX, what: "too long: 4000 characters at most" });
    }
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(letter) = letters.get(at) {
        let column = at + 1;
        match letter {
            letter if letter.is_whitespace() => at += 1,
            '(' if is_tag(letters.get(at..).unwrap_or_default()) => {
                let (word, next) = plain(&letters, at);
                words.push((column, word));
                at = next;
            }
            '(' => {
                words.push((column, Word::Open));
                at += 1;
            }
            ')' => {
                words.push((column, Word::Close));
                at += 1;
            }
            '"' => {
                let (word, next) = quoted(&letters, at + 1)
                    .ok_or(QueryError { column, what: "the closing quote is missing" })?;
                words.push((column, word));
                at = next;
            }
            _ => {
                let (word, next) = plain(&letters, at);
                words.push((column, word));
                at = next;
            }
        }
    }
    Ok(words)
}

/// `(gggg,eeee)`, not a parenthesis around tests.
fn is_tag(letters: &[char]) -> bool {
    letters.len() >= 11 && letters.get(5) == Some(&',') && letters.get(10) == Some(&')')
}

/// Up to a blank, a quote, or a parenthesis that is no part of a tag.
fn plain(letters: &[char], from: usize) -> (Word, usize) {
    let (mut pieces, mut text, mut at) = (Vec::new(), String::new(), from);
    while let Some(letter) = letters.get(at) {
        if *letter == '(' && is_tag(letters.get(at..).unwrap_or_default()) {
            text.extend(letters.get(at..at + 11).unwrap_or_default());
            at += 11;
            continue;
        }
        if letter.is_whitespace() || matches!(letter, '(' | ')' | '"') {
            break;
        }
        text.push(*letter);
        at = piece(letters, at, &mut pieces);
    }
    (Word::Plain(pieces, text), at)
}

fn quoted(letters: &[char], from: usize) -> Option<(Word, usize)> {
    let (mut pieces, mut at) = (Vec::new(), from);
    loop {
        match letters.get(at)? {
            '"' => return Some((Word::Quoted(pieces), at + 1)),
            _ => at = piece(letters, at, &mut pieces),
        }
    }
}

/// Reads one letter or wildcard of a value; gives the place after it.
fn piece(letters: &[char], at: usize, pieces: &mut Vec<Piece>) -> usize {
    let mut one = |letter: char| pieces.extend(letter.to_lowercase().map(Piece::One));
    match (letters.get(at), letters.get(at + 1)) {
        (Some('\\'), Some(letter)) => {
            one(*letter);
            return at + 2;
        }
        (Some('*'), _) => pieces.push(Piece::AnyMany),
        (Some('?'), _) => pieces.push(Piece::AnyOne),
        (Some(letter), _) => one(*letter),
        (None, _) => {}
    }
    at + 1
}
