//! Who must not be found: the identifiers of one patient and study, read from the originals (DI-50).

use std::collections::BTreeSet;
use std::fmt;
use std::io::{Cursor, Read, Seek};
use std::ops::Range;

use dicom_core::{Tag, VR};
use dicom_stream::charset::{CharacterSet, CharacterSets};
use dicom_stream::text::{Date, PersonName, trim_uid};
use dicom_stream::{
    Header, Limits, SourceError, Token, TokenSource, TransferSyntax, as_sequence, dictionary_vr,
};

use super::BIRTH_DATE;
use super::attributes::{
    CONTACTS, CONTACTS_OF_OTHERS, IDS, INSTITUTIONS, STEP_IDS, STUDY_DATES, is_step_id, names_a_class,
};

/// Identifiers of one patient and study. Shows nothing of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// One list of components for each name and each of its representations.
    pub(crate) names: BTreeSet<Vec<String>>,
    pub(crate) ids: BTreeSet<String>,
    /// Names of institutions and departments: they go from descriptors, and are not searched afterwards.
    pub(crate) institutions: BTreeSet<String>,
    /// Dates of the study: they go from text where the profile does not keep dates.
    pub(crate) study_dates: BTreeSet<Date>,
    /// Addresses, telephone numbers, e-mail addresses, whole.
    pub(crate) contacts: BTreeSet<String>,
    /// Those of other people: searched as a whole only.
    pub(crate) contacts_of_others: BTreeSet<String>,
    /// Birth dates.
    pub(crate) dates: BTreeSet<Date>,
    /// Days of all other dates.
    pub(crate) other_days: BTreeSet<Date>,
    pub(crate) uids: BTreeSet<String>,
    /// More identifiers than can be kept.
    pub(crate) too_many: bool,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(redacted)")
    }
}

/// Most dates of one study that are searched.
const STUDY_DATES_MAX: usize = 100;
/// Words of one name: each is searched together with each other.
const NAME_WORDS_MAX: usize = 64;
/// Birth dates that stand for "not known"; our own dummies are among them.
const PLACEHOLDERS: [u32; 4] = [18_000_101, 19_000_101, 19_010_101, 19_700_101];
/// Digits of a birth date in a form of its own, and beside letters: fewer are a year, or nothing.
const BIRTH_DIGITS: (usize, usize) = (5, 3);
/// Most different identifiers of one kind. With more no search is made, and nothing leaves: split the study.
const IDENTIFIERS_MAX: usize = 250_000;

impl Identity {
    /// Adds the identifiers of one original object: call it once for each object of the study that leaves.
    ///
    /// # Errors
    /// Any [`SourceError`]: the object must not leave then.
    pub fn add_object<R: Read + Seek>(
        &mut self,
        input: R,
        syntax: &TransferSyntax,
        limits: Limits,
    ) -> Result<(), SourceError> {
        self.add_tokens(&mut TokenSource::skimming(input, syntax, limits)?, CharacterSet::default(), limits)
    }

    fn add_tokens<R: Read + Seek>(
        &mut self,
        tokens: &mut TokenSource<R>,
        outer: CharacterSet,
        limits: Limits,
    ) -> Result<(), SourceError> {
        let mut set = CharacterSets::inside(outer);
        while let Some(token) = tokens.next_token()? {
            set.token(&token);
            match token {
                Token::BulkStart { .. } | Token::FragmentStart { .. } => tokens.skip_bulk()?,
                Token::Value { header, value } => {
                    self.add_element(&header, dictionary_vr(header.tag), &set, value, limits)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds one element of an original, and what stands in it where it is a sequence stored as UN. `known` is the VR of PS3.6, `UN` where
    /// it has none: who goes over an object by its rules has it at hand, and a look into the dictionary costs more than all else here.
    ///
    /// # Errors
    /// Any [`SourceError`]: the object must not leave then.
    pub(crate) fn add_element(
        &mut self,
        header: &Header,
        known: VR,
        set: &CharacterSet,
        value: &[u8],
        limits: Limits,
    ) -> Result<(), SourceError> {
        let may_be_items =
            matches!(header.vr, VR::UN | VR::OB | VR::OW) && value.starts_with(&[0xFE, 0xFF, 0x00, 0xE0]);
        let items = may_be_items.then(|| as_sequence(header.tag, header.vr, value, limits)).flatten();
        let Some(items) = items else {
            self.add_known(header.tag, header.vr, known, set, value);
            return Ok(());
        };
        let limits = Limits { depth: limits.depth.saturating_sub(1), ..limits };
        let mut inner = TokenSource::skimming(Cursor::new(items), &TransferSyntax::IMPLICIT_LITTLE, limits)?;
        self.add_tokens(&mut inner, set.clone(), limits)
    }

    /// Adds one element of an original: an index that keeps them needs no second reading of the object. `vr` is the one received: a name
    /// under a wrong VR is a name all the same.
    pub fn add_value(&mut self, tag: Tag, vr: VR, set: &CharacterSet, value: &[u8]) {
        self.add_known(tag, vr, dictionary_vr(tag), set, value);
    }

    fn add_known(&mut self, tag: Tag, vr: VR, known: VR, set: &CharacterSet, value: &[u8]) {
        self.add_as(tag, if known == VR::UN { vr } else { known }, set, value);
        if known != VR::UN && known != vr && matches!(vr, VR::PN | VR::UI | VR::DA | VR::DT) {
            self.add_as(tag, vr, set, value);
        }
    }

    fn add_as(&mut self, tag: Tag, vr: VR, set: &CharacterSet, value: &[u8]) {
        match vr {
            VR::PN => {
                for text in readings(set, vr, value) {
                    text.split('\\').for_each(|name| self.add_name(name));
                }
            }
            VR::UI if !names_a_class(tag, true) => {
                for uid in value.split(|byte| *byte == b'\\') {
                    let uid = String::from_utf8_lossy(trim_uid(uid)).into_owned();
                    if !uid.is_empty() && !uid.starts_with("1.2.840.10008.") {
                        self.too_many |= is_full(&mut self.uids, uid);
                    }
                }
            }
            VR::DA if tag == BIRTH_DATE => self.add_birth_date(&String::from_utf8_lossy(value)),
            VR::DA | VR::DT => {
                for value in values(&String::from_utf8_lossy(value)) {
                    let digits: String = value.chars().filter(|c| *c != '.').take(8).collect();
                    if let Some(date) = Date::parse(digits.as_bytes()) {
                        if STUDY_DATES.contains(&tag) && self.study_dates.len() < STUDY_DATES_MAX {
                            self.study_dates.insert(date);
                        }
                        self.too_many |= is_full(&mut self.other_days, date);
                    }
                }
            }
            _ => {
                let is_step = STEP_IDS.contains(&tag);
                let (kept, full) = match tag {
                    tag if is_step || IDS.contains(&tag) => (&mut self.ids, &mut self.too_many),
                    tag if INSTITUTIONS.contains(&tag) => (&mut self.institutions, &mut self.too_many),
                    tag if CONTACTS.contains(&tag) => (&mut self.contacts, &mut self.too_many),
                    tag if CONTACTS_OF_OTHERS.contains(&tag) => {
                        (&mut self.contacts_of_others, &mut self.too_many)
                    }
                    _ => return,
                };
                for text in readings(set, vr, value) {
                    for value in values(&text).filter(|value| !is_step || is_step_id(value)) {
                        *full |= is_full(kept, value);
                    }
                }
            }
        }
    }

    /// A birth date in the form of the standard, or in the order of day, month and year; as an id where it is in no form at all.
    fn add_birth_date(&mut self, value: &str) {
        let value = value.trim_matches(['\0', ' ']);
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        let part = |range: Range<usize>| digits.get(range).unwrap_or_default();
        let orders = [
            digits.clone(),
            [part(4..8), part(2..4), part(0..2)].concat(),
            [part(4..8), part(0..2), part(2..4)].concat(),
        ];
        let form = if Date::parse(value.as_bytes()).is_some() { 1 } else { orders.len() };
        let mut found = orders.iter().take(form).filter_map(|order| Date::parse(order.as_bytes())).peekable();
        let least = if value.contains(char::is_alphabetic) { BIRTH_DIGITS.1 } else { BIRTH_DIGITS.0 };
        if found.peek().is_none() && digits.len() >= least && digits.contains(|c: char| c != '0') {
            self.too_many |= is_full(&mut self.ids, value.to_owned());
        }
        self.dates.extend(found.filter(|date| !PLACEHOLDERS.contains(&date.yyyymmdd())));
    }

    fn add_name(&mut self, name: &str) {
        let name = PersonName::parse(name);
        for group in [name.alphabetic(), name.ideographic(), name.phonetic()] {
            let parts: Vec<_> = group
                .components()
                .iter()
                .map(|part| part.trim_matches(['\0', ' ', '\t', '\r', '\n']).to_owned())
                .filter(|part| !part.is_empty())
                .collect();
            if !parts.is_empty() {
                let words: usize = parts.iter().map(|part| words_of(part)).sum();
                self.too_many |= words > NAME_WORDS_MAX || is_full(&mut self.names, parts);
            }
        }
    }
}

/// A text in its declared character set, and as UTF-8 or Latin-1 where it is that rather: the declaration may be wrong.
fn readings(set: &CharacterSet, vr: VR, value: &[u8]) -> Vec<String> {
    let declared = set.decode(vr, value).into_owned();
    let other = match std::str::from_utf8(value) {
        _ if value.is_ascii() => None,
        Ok(text) => Some(text.to_owned()),
        Err(_) if declared.contains('\u{FFFD}') => Some(value.iter().map(|byte| char::from(*byte)).collect()),
        Err(_) => None,
    };
    let other = other.filter(|other| *other != declared);
    [declared].into_iter().chain(other).collect()
}

fn values(text: &str) -> impl Iterator<Item = String> {
    text.split('\\').map(|value| value.trim_matches(['\0', ' ']).to_owned()).filter(|value| !value.is_empty())
}

/// Inserts; `true` when there is no room any more.
fn is_full<T: Ord>(set: &mut BTreeSet<T>, value: T) -> bool {
    let full = set.len() >= IDENTIFIERS_MAX && !set.contains(&value);
    if !full {
        set.insert(value);
    }
    full
}

fn words_of(text: &str) -> usize {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count()
}
