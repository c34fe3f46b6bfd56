//! The pseudonyms of one participant as search terms.

use std::collections::BTreeSet;
use std::fmt;

use dicom_stream::text::Date;

use super::FindingKind;

/// A code as long as this counts inside of longer words and in raw bytes; a shorter one as a word of a text only.
const LONG_MIN: usize = 6;
/// Shortest run of digits and dots that is looked at as a UID.
const UID_MIN: usize = 6;

/// What must not be left. Prints nothing of it.
#[derive(Clone, Default)]
pub struct Pseudonyms {
    code: String,
    uids: BTreeSet<String>,
    dates: BTreeSet<u32>,
}

impl Pseudonyms {
    /// The code, the issued UIDs and the shifted dates (yyyymmdd) of one participant and partner. UIDs that were issued unchanged (a
    /// project that retains UIDs) are to be left out. A shifted date that is also the true day of another value, by `shift_days`, is
    /// not looked for: it may stand there rightly.
    pub fn new(
        code: &str,
        uids: impl IntoIterator<Item = String>,
        shifted: &BTreeSet<u32>,
        shift_days: i32,
    ) -> Self {
        let original = |day: u32| {
            let date = Date::parse(format!("{day:08}").as_bytes())?;
            Some(Date::from_days(date.to_days().checked_sub(shift_days)?)?.yyyymmdd())
        };
        let true_days: BTreeSet<u32> = shifted.iter().filter_map(|day| original(*day)).collect();
        Self {
            code: code.to_owned(),
            uids: uids.into_iter().collect(),
            dates: shifted.difference(&true_days).copied().collect(),
        }
    }

    pub(super) fn is_shifted(&self, day: u32) -> bool {
        self.dates.contains(&day)
    }

    /// A decoded text.
    pub(super) fn in_text(&self, text: &str) -> BTreeSet<FindingKind> {
        let mut kinds = BTreeSet::new();
        if shows_code(text, &self.code) {
            kinds.insert(FindingKind::Code);
        }
        if self.uid_in(text.as_bytes()) {
            kinds.insert(FindingKind::Uid);
        }
        if shows_date(text, &self.dates) {
            kinds.insert(FindingKind::Date);
        }
        kinds
    }

    /// Bytes of unknown meaning: as they are, and as text of two bytes a character.
    pub(super) fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<FindingKind> {
        let mut kinds = BTreeSet::new();
        let is_wide = bytes.contains(&0);
        let narrow: Vec<u8> =
            if is_wide { bytes.iter().copied().filter(|byte| *byte != 0).collect() } else { Vec::new() };
        for bytes in [bytes, narrow.as_slice()] {
            let code = self.code.as_bytes();
            if code.len() >= LONG_MIN
                && bytes.windows(code.len()).any(|window| window.eq_ignore_ascii_case(code))
            {
                kinds.insert(FindingKind::Code);
            }
            if self.uid_in(bytes) {
                kinds.insert(FindingKind::Uid);
            }
        }
        kinds
    }

    /// A field of numbers: a whole one that is the code.
    pub(super) fn in_number(&self, field: &[u8]) -> BTreeSet<FindingKind> {
        let mut kinds = BTreeSet::new();
        let is_code = |value: &[u8]| value.trim_ascii() == self.code.as_bytes();
        if self.code.len() >= LONG_MIN && field.split(|byte| *byte == b'\\').any(is_code) {
            kinds.insert(FindingKind::Code);
        }
        kinds
    }

    /// A pseudonym UID among the runs of digits and dots, whole or as the root of a longer one.
    fn uid_in(&self, bytes: &[u8]) -> bool {
        let runs = bytes.split(|byte| !matches!(byte, b'0'..=b'9' | b'.'));
        let runs = runs.filter(|run| run.len() >= UID_MIN).filter_map(|run| std::str::from_utf8(run).ok());
        runs.map(|run| run.trim_matches('.')).any(|run| {
            let dots = run.match_indices('.').map(|(at, _)| at);
            dots.chain([run.len()]).any(|end| run.get(..end).is_some_and(|root| self.uids.contains(root)))
        })
    }
}

/// Whether the code is in a text: as a word in any case, with or without its separators; a long one also inside of words.
pub(crate) fn shows_code(text: &str, code: &str) -> bool {
    if code.is_empty() {
        return false;
    }
    let text = text.to_uppercase();
    let code = code.to_uppercase();
    let joined: String = code.chars().filter(|c| c.is_alphanumeric()).collect();
    let is_word = |code: &str| {
        !code.is_empty()
            && text.match_indices(code).any(|(at, found)| {
                let before = text.get(..at).and_then(|text| text.chars().next_back());
                let after = text.get(at + found.len()..).and_then(|text| text.chars().next());
                !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
            })
    };
    is_word(&code)
        || is_word(&joined)
        || [&code, &joined].iter().any(|code| code.len() >= LONG_MIN && text.contains(*code))
}

/// Whether one of the days is in a text: as eight digits, or in three parts with one separator each, year first or last.
pub(crate) fn shows_date(text: &str, days: &BTreeSet<u32>) -> bool {
    if days.is_empty() {
        return false;
    }
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).filter(|at| is_digit(*at) && !at.checked_sub(1).is_some_and(is_digit)).any(|start| {
        let Some((first, at)) = number(bytes, start) else { return false };
        // a date, or a date and time without a separator
        if at - start >= 8 {
            let day = bytes.get(start..start + 8).and_then(|day| number(day, 0));
            return day.is_some_and(|(day, _)| days.contains(&day));
        }
        let Some((second, at)) = separator(bytes, at).and_then(|at| number(bytes, at)) else { return false };
        let Some((third, _)) = separator(bytes, at).and_then(|at| number(bytes, at)) else { return false };
        [(first, second, third), (third, second, first), (third, first, second)].iter().any(
            |(year, month, day)| {
                let parts = (1000..=9999).contains(year) && *month <= 12 && *day <= 31;
                parts && days.contains(&(year * 10_000 + month * 100 + day))
            },
        )
    })
}

/// The number that begins at `at`, and where it ends. Digits beyond nine are passed over.
fn number(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let digits = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = bytes.get(at..at + digits.min(9))?;
    let number = value.iter().fold(0u32, |number, byte| number * 10 + u32::from(byte - b'0'));
    (digits > 0).then_some((number, at + digits))
}

fn separator(bytes: &[u8], at: usize) -> Option<usize> {
    matches!(bytes.get(at)?, b'-' | b'/' | b'.' | b' ').then_some(at + 1)
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pseudonyms({} UIDs, {} dates)", self.uids.len(), self.dates.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_in_text() {
        for text in ["p-7k3m9", "Lesion of P-7K3M9.", "P7K3M9", "{\"id\":\"P-7K3M9\"}", "xP-7K3M9x"] {
            assert!(shows_code(text, "P-7K3M9"), "{text}");
        }
        assert!(!shows_code("P-7K3M", "P-7K3M9"));
        assert!(shows_code("case 12, left", "12"));
        assert!(!shows_code("case 120 of 1200", "12"));
        assert!(!shows_code("anything", ""));
    }

    #[test]
    fn dates_in_text() {
        let days = BTreeSet::from([20_240_301]);
        for text in ["on 20240301.", "2024-03-01T10:00", "01.03.2024", "3/1/2024", "20240301101500"] {
            assert!(shows_date(text, &days), "{text}");
        }
        for text in ["20240302", "120240301", "2024-3-2", "1.3.24", ""] {
            assert!(!shows_date(text, &days), "{text}");
        }
    }

    #[test]
    fn uids_whole_and_as_a_root() {
        let terms = Pseudonyms::new("", ["2.25.1234".to_owned()], &BTreeSet::new(), 0);
        assert!(terms.uid_in(b"see 2.25.1234."));
        assert!(terms.uid_in(b"2.25.1234.5.6"));
        assert!(!terms.uid_in(b"2.25.12345"));
        assert!(terms.in_bytes(b"2\0.\x002\x005\0.\x001\x002\x003\x004\0").contains(&FindingKind::Uid));
    }

    #[test]
    fn a_shifted_day_that_is_also_a_true_one_is_not_looked_for() {
        // true days 10 and 20 January, shifted by 10 days to 20 and 30
        let terms = Pseudonyms::new("", [], &BTreeSet::from([20_240_120, 20_240_130]), 10);
        assert!(!terms.is_shifted(20_240_120) && terms.is_shifted(20_240_130));
    }
}
