//! Who must not be found: the identifiers of one patient and study, read from the originals (DI-50).

use std::collections::BTreeSet;
use std::fmt;
use std::io::{Read, Seek};

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use dicom_stream::charset::CharacterSet;
use dicom_stream::text::{Date, PersonName, trim_uid};
use dicom_stream::{Limits, SourceError, Token, TokenSource, TransferSyntax, dictionary_vr};

use super::BIRTH_DATE;

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

/// Identifiers of the patient, the study, the visit and the order.
const IDS: [Tag; 10] = [
    Tag(0x0008, 0x0050), // Accession Number
    Tag(0x0010, 0x0020), // Patient ID, in Other Patient IDs Sequence as well
    Tag(0x0010, 0x1000), // Other Patient IDs
    Tag(0x0010, 0x1090), // Medical Record Locator
    Tag(0x0020, 0x0010), // Study ID
    Tag(0x0038, 0x0010), // Admission ID
    Tag(0x0038, 0x0060), // Service Episode ID
    Tag(0x0040, 0x1001), // Requested Procedure ID
    Tag(0x0040, 0x2016), // Placer Order Number
    Tag(0x0040, 0x2017), // Filler Order Number
];
/// Study Date, Series Date, Acquisition Date, Content Date.
const STUDY_DATES: [Tag; 4] =
    [Tag(0x0008, 0x0020), Tag(0x0008, 0x0021), Tag(0x0008, 0x0022), Tag(0x0008, 0x0023)];
/// Most dates of one study that are searched.
const STUDY_DATES_MAX: usize = 100;
/// Institution Name, Institutional Department Name.
const INSTITUTIONS: [Tag; 2] = [Tag(0x0008, 0x0080), Tag(0x0008, 0x1040)];
const CONTACTS: [Tag; 3] = [Tag(0x0010, 0x1040), Tag(0x0010, 0x2154), Tag(0x0010, 0x2155)];
const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
/// UIDs of vocabularies, which stay.
const VOCABULARIES: [Tag; 4] =
    [Tag(0x0008, 0x010C), Tag(0x0008, 0x010D), Tag(0x0008, 0x0117), Tag(0x0008, 0x0118)];
/// Birth dates that stand for "not known"; our own dummies are among them.
const PLACEHOLDERS: [u32; 4] = [18_000_101, 19_000_101, 19_010_101, 19_700_101];
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
        let mut tokens = TokenSource::skimming(input, syntax, limits)?;
        let mut set = CharacterSet::default();
        while let Some(token) = tokens.next_token()? {
            match token {
                Token::BulkStart { .. } | Token::FragmentStart { .. } => tokens.skip_bulk()?,
                Token::Value { header, value } if header.tag == SPECIFIC_CHARACTER_SET => {
                    set = CharacterSet::parse(value).0;
                }
                Token::Value { header, value } => {
                    let vr = if header.vr == VR::UN { dictionary_vr(header.tag) } else { header.vr };
                    self.add_value(header.tag, vr, &set, value);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds one element of an original: an index that keeps them needs no second reading of the object.
    pub fn add_value(&mut self, tag: Tag, vr: VR, set: &CharacterSet, value: &[u8]) {
        match vr {
            VR::PN => {
                for name in set.decode(vr, value).split('\\') {
                    self.add_name(name);
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
            VR::DA if tag == BIRTH_DATE => {
                let date = Date::parse(value).filter(|date| !PLACEHOLDERS.contains(&date.yyyymmdd()));
                self.dates.extend(date);
            }
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
            _ if IDS.contains(&tag) => {
                for id in values(&set.decode(vr, value)) {
                    self.too_many |= is_full(&mut self.ids, id);
                }
            }
            _ if INSTITUTIONS.contains(&tag) => {
                for institution in values(&set.decode(vr, value)) {
                    self.too_many |= is_full(&mut self.institutions, institution);
                }
            }
            _ if CONTACTS.contains(&tag) => {
                for contact in values(&set.decode(vr, value)) {
                    self.too_many |= is_full(&mut self.contacts, contact);
                }
            }
            _ => {}
        }
    }

    fn add_name(&mut self, name: &str) {
        let name = PersonName::parse(name);
        for group in [name.alphabetic(), name.ideographic(), name.phonetic()] {
            let parts: Vec<_> = group
                .components()
                .iter()
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect();
            if !parts.is_empty() {
                self.too_many |= is_full(&mut self.names, parts);
            }
        }
    }
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

/// UIDs that name a class, a syntax or a vocabulary are no identity, private ones included. Vocabularies are named in items only.
pub(super) fn names_a_class(tag: Tag, is_nested: bool) -> bool {
    is_nested && VOCABULARIES.contains(&tag)
        || StandardDataDictionary
            .by_tag(tag)
            .is_some_and(|entry| entry.alias().contains("Class") || entry.alias().contains("TransferSyntax"))
}
