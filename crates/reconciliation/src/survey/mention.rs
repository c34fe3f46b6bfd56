//! What a value mentions without being it: UIDs and words that may be codes, in text, in bytes of unknown meaning and in documents. They
//! are looked up like the values of their own (RR-1, RC-04, RC-06), so that none of them goes back unseen (RR-9).

use std::collections::BTreeSet;

use dicom_stream::text::{InvalidUid, check_uid};

use super::{Survey, SurveyError, is_standard};

/// Longest code (VR LO, PS3.5 Table 6.2-1) and longest UID (PS3.5 9.1).
const LONGEST: usize = 64;
/// Bytes of one run that are looked at together; what is longer is looked at in overlapping parts.
const WINDOW: usize = 4 * LONGEST;
const OVERLAP: usize = 2 * LONGEST;
/// Shortest word of a text that is looked up.
const WORD_MIN: usize = 3;
/// Shortest UID that is looked up.
const UID_MIN: usize = 6;
/// Parts, with `.`, `_` or `-` between, of a word that are looked up together; the whole word always is.
const PARTS_MAX: usize = 8;
/// Root of the UIDs that are derived from a UUID (PS3.5 B.2), ours among them: what hangs below one of them shows it.
const UUID_ROOT: &str = "2.25.";

/// What is looked for in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// UIDs, and words as short as a person may write a code.
    Text,
    /// UIDs, and words too long to come about by chance.
    Bytes,
    /// UIDs: in numbers nearly every word comes about by chance.
    Numbers,
}

/// Gathers what the values mention. A value comes in pieces of any length, one value after the other.
#[derive(Default)]
pub(super) struct Mentions {
    pub(super) uids: BTreeSet<String>,
    pub(super) words: BTreeSet<String>,
    look: Option<Look>,
    narrow: Run,
    wide: Run<true>,
    too_many: Option<&'static str>,
}

/// A run of letters, digits and `. _ -` that is still open. A wide one is of two bytes a character: zeros between them do not end it, and
/// one without zeros is none.
#[derive(Default)]
struct Run<const WIDE: bool = false> {
    bytes: Vec<u8>,
    has_zeros: bool,
}

impl<const WIDE: bool> Run<WIDE> {
    /// Takes a byte; answers a run that is over, or a part of a long one.
    fn push(&mut self, byte: u8) -> Option<Vec<u8>> {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            self.bytes.push(byte);
            if self.bytes.len() < WINDOW {
                return None;
            }
            let rest = self.bytes.split_off(WINDOW - OVERLAP);
            let run = [self.bytes.as_slice(), &rest].concat();
            self.bytes = rest;
            return Some(run).filter(|_| self.has_zeros || !WIDE);
        }
        if WIDE && byte == 0 {
            self.has_zeros |= !self.bytes.is_empty();
            return None;
        }
        self.end()
    }

    fn end(&mut self) -> Option<Vec<u8>> {
        let is_run = !self.bytes.is_empty() && (std::mem::take(&mut self.has_zeros) || !WIDE);
        let run = std::mem::take(&mut self.bytes);
        is_run.then_some(run)
    }
}

impl Mentions {
    /// A whole value.
    pub(super) fn value(&mut self, look: Look, value: &[u8]) {
        self.begin(look);
        self.piece(value);
        self.end();
    }

    /// A value begins; the one before is over.
    pub(super) fn begin(&mut self, look: Look) {
        self.end();
        self.look = Some(look);
    }

    /// A part of it.
    pub(super) fn piece(&mut self, piece: &[u8]) {
        let Some(look) = self.look else { return };
        for byte in piece {
            if let Some(run) = self.narrow.push(*byte) {
                self.run(look, &run);
            }
            if let Some(run) = self.wide.push(*byte) {
                self.run(look, &run);
            }
        }
    }

    /// The value is over.
    pub(super) fn end(&mut self) {
        let Some(look) = self.look.take() else { return };
        for run in [self.narrow.end(), self.wide.end()].into_iter().flatten() {
            self.run(look, &run);
        }
    }

    /// A UID that stands for itself: what it hangs below is mentioned.
    pub(super) fn root_of(&mut self, uid: &str) {
        let Some(number) = uid.strip_prefix(UUID_ROOT) else { return };
        if let Some((number, _)) = number.split_once('.') {
            self.uid(&format!("{UUID_ROOT}{number}"));
        }
    }

    fn run(&mut self, look: Look, run: &[u8]) {
        let Ok(run) = std::str::from_utf8(run) else { return };
        if run.len() >= UID_MIN {
            run.split(|c: char| !c.is_ascii_digit() && c != '.').for_each(|uid| self.uid(uid));
        }
        match look {
            Look::Text => self.words(run, WORD_MIN),
            Look::Bytes => self.words(run, Survey::LONG_WORD),
            Look::Numbers => {}
        }
    }

    fn uid(&mut self, uid: &str) {
        let uid = uid.trim_matches('.');
        let is_like = uid.starts_with(['0', '1', '2']) && uid.get(1..2) == Some(".");
        if !is_like
            || uid.len() < UID_MIN
            || !uid.get(2..).unwrap_or_default().contains('.')
            || is_standard(uid)
        {
            return;
        }
        self.root_of(uid);
        let is_uid = matches!(check_uid(uid.as_bytes()), Ok(_) | Err(InvalidUid::LeadingZero));
        if is_uid && !self.uids.contains(uid) {
            if self.uids.len() >= Survey::MENTIONS_MAX {
                self.too_many = Some("UIDs in text");
                return;
            }
            self.uids.insert(uid.to_owned());
        }
    }

    fn words(&mut self, run: &str, shortest: usize) {
        let run = run.trim_matches(['.', '_', '-']);
        self.word(run, shortest);
        let ends = |at: usize| {
            run.get(at..).unwrap_or_default().find(['.', '_', '-']).map_or(run.len(), |end| at + end)
        };
        let mut start = 0;
        while start < run.len() {
            let mut end = start;
            for _ in 0..PARTS_MAX {
                end = ends(end);
                if end - start > LONGEST {
                    break;
                }
                self.word(run.get(start..end).unwrap_or_default(), shortest);
                end += 1;
                if end >= run.len() {
                    break;
                }
            }
            start = ends(start) + 1;
        }
    }

    fn word(&mut self, word: &str, shortest: usize) {
        if !(shortest..=LONGEST).contains(&word.len()) {
            return;
        }
        let word = normal(word);
        if self.words.contains(&word) {
            return;
        }
        if self.words.len() >= Survey::MENTIONS_MAX {
            self.too_many = Some("words");
            return;
        }
        self.words.insert(word);
    }

    /// # Errors
    /// There was more than can be looked up.
    pub(super) fn finish(mut self) -> Result<(BTreeSet<String>, BTreeSet<String>), SurveyError> {
        self.end();
        match self.too_many {
            Some(what) => Err(SurveyError::TooMany { what, limit: Survey::MENTIONS_MAX }),
            None => Ok((self.uids, self.words)),
        }
    }
}

/// A code as it is compared: without padding, capitals and small letters the same.
pub(super) fn normal(code: &str) -> String {
    code.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\0' | '^' | '=')).to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(look: Look, value: &[u8], piece: usize) -> (Vec<String>, Vec<String>) {
        let mut mentions = Mentions::default();
        mentions.begin(look);
        value.chunks(piece).for_each(|piece| mentions.piece(piece));
        let (uids, words) = mentions.finish().unwrap();
        (uids.into_iter().collect(), words.into_iter().collect())
    }

    #[test]
    fn uids_are_found_in_every_form_and_cut() {
        let wide: Vec<u8> = "2.25.7201".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for piece in [1, 3, 1000] {
            for (value, expected) in [
                (b"see 2.25.7201.".as_slice(), &["2.25.7201"][..]),
                (b"study_2.25.7201-seg.nii", &["2.25.7201"]),
                (b"\x01\x022.25.7201\0", &["2.25.7201"]),
                (b"2.25.7201.1.2", &["2.25.7201", "2.25.7201.1.2"]),
                (&wide, &["2.25.7201"]),
                (b"1.2.840.10008.1.2.1 12.5 20240115 1.5.3 01.02.2024", &[]),
            ] {
                for look in [Look::Text, Look::Bytes, Look::Numbers] {
                    assert_eq!(of(look, value, piece).0, expected, "{value:?} in {piece}");
                }
            }
        }
    }

    #[test]
    fn a_long_run_hides_nothing() {
        let hex = "0123456789abcdef".repeat(40);
        for before in 0..140 {
            let value = format!("{}_P-BBBB7_2.25.7201_{hex}", hex.get(before..).unwrap());
            let (uids, words) = of(Look::Bytes, value.as_bytes(), 1000);
            assert!(
                uids.contains(&"2.25.7201".to_owned()) && words.contains(&"P-BBBB7".to_owned()),
                "{before}"
            );
        }
    }

    #[test]
    fn words_are_whole_runs_and_their_parts_in_capitals() {
        let (_, words) = of(Look::Text, b"(p-bbbb7) x", 1000);
        assert_eq!(words, ["BBBB7", "P-BBBB7"]);
        let (_, words) = of(Look::Text, b"case-P-BBBB7_seg.nii", 1000);
        assert!(words.contains(&"P-BBBB7".to_owned()) && words.contains(&"CASE-P-BBBB7_SEG.NII".to_owned()));
        assert_eq!(of(Look::Bytes, b"S-001 P-BBBB7", 1000).1, ["P-BBBB7"]);
        assert!(of(Look::Numbers, b"P-BBBB7", 1000).1.is_empty());
        assert_eq!(normal(" p-bbbb7^^ \0"), "P-BBBB7");
    }

    #[test]
    fn too_much_is_said() {
        let mut mentions = Mentions::default();
        for number in 0..=Survey::MENTIONS_MAX {
            mentions.value(Look::Numbers, format!("2.25.{number}0").as_bytes());
        }
        assert!(matches!(mentions.finish(), Err(SurveyError::TooMany { what: "UIDs in text", .. })));
    }
}
