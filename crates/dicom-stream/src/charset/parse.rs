//! Reads the value of Specific Character Set (0008,0005), as sent rather than as it should be.

use super::repertoire::{Repertoire, by_number};
use super::{CharacterSet, Scheme};

/// Values read from (0008,0005); the defined terms are fewer. Further ones are ignored.
const MAX_VALUES: usize = 32;

/// What is wrong with a Specific Character Set. None stops reading: the caller records it. Values are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Understood, but not the defined term for this place.
    #[error("value {value} of Specific Character Set is not spelled as the defined term")]
    Misspelled {
        /// Which value.
        value: usize,
    },
    /// Not understood. Value 1 is then the default repertoire, with bytes above 0x7F taken as Latin-1; others are ignored.
    #[error("value {value} of Specific Character Set is not a known term")]
    UnknownTerm {
        /// Which value.
        value: usize,
    },
    /// Value 1 is a multi-byte set: read as if an empty value stood before it (PS3.3 C.12.1.1.2).
    #[error("value 1 of Specific Character Set is a multi-byte character set")]
    MultiByteFirst,
    /// UTF-8, GB18030 or GBK beside other sets: it alone counts as value 1, else it is ignored.
    #[error("value {value} of Specific Character Set cannot be combined with others")]
    NotCombinable {
        /// Which value.
        value: usize,
    },
}

enum Term {
    Set(&'static Repertoire),
    Standalone(Scheme),
}

impl CharacterSet {
    /// Reads the value field of (0008,0005), backslashes and padding included; empty means the default repertoire.
    ///
    /// Never fails: common misspellings are understood (`ISO-IR 100`, `iso 2022 ir 87`, `ISO 8859-1`, `UTF-8`), the
    /// rest is left out, each with a [`Problem`]. Source: PS3.3 C.12.1.1.2, 2026.
    #[must_use]
    pub fn parse(specific_character_set: &[u8]) -> (Self, Vec<Problem>) {
        let values: Vec<&[u8]> =
            specific_character_set.split(|b| *b == b'\\').take(MAX_VALUES).map(trim).collect();
        let mut problems = Vec::new();
        let mut sets: Vec<&'static Repertoire> = Vec::new();
        for (index, text) in values.iter().enumerate() {
            let value = index + 1;
            match term(text) {
                // value 1 may be empty in front of others; an empty one elsewhere says nothing
                _ if text.is_empty() => sets.extend(by_number(6).filter(|_| index == 0 && values.len() > 1)),
                None => {
                    problems.push(Problem::UnknownTerm { value });
                    sets.extend(by_number(6).filter(|_| index == 0));
                }
                Some(Term::Standalone(scheme)) => {
                    let alone = sets.iter().all(|set| set.number == 6) && problems.is_empty();
                    let others = values.iter().filter(|text| !text.is_empty()).count() > 1;
                    problems.extend(others.then_some(Problem::NotCombinable { value }));
                    problems.extend(
                        (!others && !is_defined_standalone(text)).then_some(Problem::Misspelled { value }),
                    );
                    if alone {
                        return (Self { scheme }, problems);
                    }
                }
                Some(Term::Set(set)) => {
                    if !is_defined_term(text, set, values.len() > 1) {
                        problems.push(Problem::Misspelled { value });
                    }
                    if set.multi_byte && sets.is_empty() {
                        problems.push(Problem::MultiByteFirst);
                        sets.extend(by_number(6));
                    }
                    if !sets.contains(&set) {
                        sets.push(set);
                    }
                }
            }
        }
        if let [Repertoire { number: 6, .. }] = sets.as_slice() {
            sets.clear();
        }
        (Self { scheme: Scheme::Iso2022(sets) }, problems)
    }
}

fn trim(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let [b' ' | 0, rest @ ..] | [rest @ .., b' ' | 0] = value {
        value = rest;
    }
    value
}

/// A single value without code extension is `ISO_IR n`; alone, `ISO 2022 IR n` means the same and is common.
fn is_defined_term(text: &[u8], set: &Repertoire, several: bool) -> bool {
    let extension = text == format!("ISO 2022 IR {}", set.number).as_bytes();
    let plain = text == format!("ISO_IR {}", set.number).as_bytes();
    extension || (plain && !several && !set.multi_byte)
}

fn is_defined_standalone(text: &[u8]) -> bool {
    matches!(text, b"ISO_IR 192" | b"GB18030" | b"GBK")
}

/// Letters and digits alone decide, in any case: `ISO_IR 100`, `ISO-IR-100`, `iso ir 100` are one term.
fn term(text: &[u8]) -> Option<Term> {
    const LONGEST: usize = 16;
    let squashed: String = text
        .iter()
        .filter(|b| b.is_ascii_alphanumeric())
        .take(LONGEST)
        .map(|b| char::from(b.to_ascii_uppercase()))
        .collect();
    let rest = squashed.strip_prefix("ISO").unwrap_or(&squashed);
    let rest = rest.strip_prefix("2022").unwrap_or(rest);
    let rest = rest.strip_prefix("IR").unwrap_or(rest);
    let number = match rest {
        "192" | "UTF8" => return Some(Term::Standalone(Scheme::Utf8)),
        "GB18030" => return Some(Term::Standalone(Scheme::Gb18030)),
        "GBK" => return Some(Term::Standalone(Scheme::Gbk)),
        "88591" | "LATIN1" => 100,
        "88592" => 101,
        "88593" => 109,
        "88594" => 110,
        "88595" => 144,
        "88596" => 127,
        "88597" => 126,
        "88598" => 138,
        "88599" => 148,
        "885911" => 166,
        "885915" => 203,
        "GB2312" => 58,
        number => number.parse().ok()?,
    };
    by_number(number).map(Term::Set)
}
