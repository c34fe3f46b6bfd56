//! What a query asks, and what a match answers.

use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Lengths, Limits, Tag, Token, TokenSource, TransferSyntax, VR, Writer, dictionary_vr};

use super::Level;

/// Longest value of a key, in bytes; a list of UIDs is one value.
const VALUE_MAX: usize = 16 << 10;

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const QUERY_LEVEL: Tag = Tag(0x0008, 0x0052);

/// Attributes that have a keyword here: those of the Study Root model (PS3.4 §C.6.2.1) and what archives usually answer beside
/// them (PS3.4 §C.3.4). Every other attribute goes by its number.
const ATTRIBUTES: [(&str, Tag); 46] = [
    ("SOPClassUID", Tag(0x0008, 0x0016)),
    ("SOPInstanceUID", Tag(0x0008, 0x0018)),
    ("StudyDate", Tag(0x0008, 0x0020)),
    ("SeriesDate", Tag(0x0008, 0x0021)),
    ("ContentDate", Tag(0x0008, 0x0023)),
    ("StudyTime", Tag(0x0008, 0x0030)),
    ("SeriesTime", Tag(0x0008, 0x0031)),
    ("ContentTime", Tag(0x0008, 0x0033)),
    ("AccessionNumber", Tag(0x0008, 0x0050)),
    ("RetrieveAETitle", Tag(0x0008, 0x0054)),
    ("InstanceAvailability", Tag(0x0008, 0x0056)),
    ("Modality", Tag(0x0008, 0x0060)),
    ("ModalitiesInStudy", Tag(0x0008, 0x0061)),
    ("SOPClassesInStudy", Tag(0x0008, 0x0062)),
    ("Manufacturer", Tag(0x0008, 0x0070)),
    ("InstitutionName", Tag(0x0008, 0x0080)),
    ("ReferringPhysicianName", Tag(0x0008, 0x0090)),
    ("StationName", Tag(0x0008, 0x1010)),
    ("StudyDescription", Tag(0x0008, 0x1030)),
    ("SeriesDescription", Tag(0x0008, 0x103E)),
    ("InstitutionalDepartmentName", Tag(0x0008, 0x1040)),
    ("PerformingPhysicianName", Tag(0x0008, 0x1050)),
    ("OperatorsName", Tag(0x0008, 0x1070)),
    ("ManufacturerModelName", Tag(0x0008, 0x1090)),
    ("PatientName", Tag(0x0010, 0x0010)),
    ("PatientID", Tag(0x0010, 0x0020)),
    ("IssuerOfPatientID", Tag(0x0010, 0x0021)),
    ("PatientBirthDate", Tag(0x0010, 0x0030)),
    ("PatientBirthTime", Tag(0x0010, 0x0032)),
    ("PatientSex", Tag(0x0010, 0x0040)),
    ("OtherPatientIDs", Tag(0x0010, 0x1000)),
    ("PatientAge", Tag(0x0010, 0x1010)),
    ("PatientComments", Tag(0x0010, 0x4000)),
    ("BodyPartExamined", Tag(0x0018, 0x0015)),
    ("ProtocolName", Tag(0x0018, 0x1030)),
    ("StudyInstanceUID", Tag(0x0020, 0x000D)),
    ("SeriesInstanceUID", Tag(0x0020, 0x000E)),
    ("StudyID", Tag(0x0020, 0x0010)),
    ("SeriesNumber", Tag(0x0020, 0x0011)),
    ("InstanceNumber", Tag(0x0020, 0x0013)),
    ("NumberOfPatientRelatedStudies", Tag(0x0020, 0x1200)),
    ("NumberOfStudyRelatedSeries", Tag(0x0020, 0x1206)),
    ("NumberOfStudyRelatedInstances", Tag(0x0020, 0x1208)),
    ("NumberOfSeriesRelatedInstances", Tag(0x0020, 0x1209)),
    ("NumberOfFrames", Tag(0x0028, 0x0008)),
    ("PerformedProcedureStepStartDate", Tag(0x0040, 0x0244)),
];

/// An attribute and the value that it has to match; an empty one matches everything (PS3.4 §C.2.2.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    tag: Tag,
    value: String,
}

impl FromStr for Key {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let known = ATTRIBUTES.iter().find(|(keyword, _)| *keyword == name).map(|(_, tag)| *tag);
        let tag = known.or_else(|| number(name)).context(
            "a keyword of the query attributes of PS3.4 §C.6.2.1 (PatientID), or GGGG,EEEE, is expected",
        )?;
        if matches!(tag, SPECIFIC_CHARACTER_SET | QUERY_LEVEL) {
            bail!("the program sets this attribute itself");
        }
        ensure!(value.len() <= VALUE_MAX, "a value has at most {VALUE_MAX} bytes");
        ensure!(value.is_empty() || is_text(dictionary_vr(tag)), "only attributes with text can be matched");
        Ok(Self { tag, value: value.to_owned() })
    }
}

/// `0010,0020`, `(0010,0020)` or `00100020`; data set attributes alone.
fn number(text: &str) -> Option<Tag> {
    let digits: String = text.chars().filter(|character| !matches!(character, '(' | ')' | ',')).collect();
    let is_hex = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u32::from_str_radix(&digits, 16).ok().filter(|_| is_hex)?;
    let (group, element) = ((number >> 16) as u16, (number & 0xFFFF) as u16);
    ((8..0xFFFE).contains(&group) && element != 0).then_some(Tag(group, element))
}

fn is_text(vr: VR) -> bool {
    use VR::{AE, AS, CS, DA, DS, DT, IS, LO, LT, PN, SH, ST, TM, UC, UI, UR, UT};
    matches!(vr, AE | AS | CS | DA | DS | DT | IS | LO | LT | PN | SH | ST | TM | UC | UI | UR | UT)
}

/// The keyword of an attribute, or its number.
fn name(tag: Tag) -> String {
    let known = ATTRIBUTES.iter().find(|(_, of)| *of == tag);
    known.map_or_else(
        || format!("{:04X},{:04X}", tag.group(), tag.element()),
        |(keyword, _)| (*keyword).to_owned(),
    )
}

/// The attributes that are always asked for at a level, then those of the command line, which come first where both name one.
pub(super) fn asked(level: Level, given: &[Key]) -> Vec<Key> {
    let always: &[&str] = match level {
        Level::Study => &[
            "StudyInstanceUID",
            "StudyDate",
            "ModalitiesInStudy",
            "AccessionNumber",
            "PatientID",
            "PatientName",
            "StudyDescription",
            "NumberOfStudyRelatedInstances",
        ],
        Level::Series => &[
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "Modality",
            "SeriesNumber",
            "SeriesDescription",
            "NumberOfSeriesRelatedInstances",
        ],
        Level::Image => {
            &["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "InstanceNumber"]
        }
    };
    let always = ATTRIBUTES.iter().filter(|(keyword, _)| always.contains(keyword)).map(|(_, tag)| (*tag, ""));
    let mut asked: Vec<Key> = Vec::new();
    for (tag, value) in given.iter().map(|key| (key.tag, key.value.as_str())).chain(always) {
        if !asked.iter().any(|key| key.tag == tag) {
            asked.push(Key { tag, value: value.to_owned() });
        }
    }
    asked.sort_by_key(|key| key.tag);
    asked
}

/// The identifier of the query; text beyond ASCII goes as UTF-8 (PS3.3 §C.12.1.1.2).
pub(super) fn identifier(level: Level, asked: &[Key], syntax: &TransferSyntax) -> std::io::Result<Vec<u8>> {
    let level = match level {
        Level::Study => "STUDY",
        Level::Series => "SERIES",
        Level::Image => "IMAGE",
    };
    let mut elements = vec![(QUERY_LEVEL, level)];
    if !asked.iter().all(|key| key.value.is_ascii()) {
        elements.push((SPECIFIC_CHARACTER_SET, "ISO_IR 192"));
    }
    elements.extend(asked.iter().map(|key| (key.tag, key.value.as_str())));
    elements.sort_by_key(|(tag, _)| *tag);
    let mut writer = Writer::new(Vec::new(), syntax.encoding, Lengths::AsReceived);
    for (tag, value) in elements {
        writer.value(tag, dictionary_vr(tag), value.as_bytes())?;
    }
    writer.finish()
}

/// The attributes of one match, decoded.
pub(super) struct Match(Vec<(Tag, String)>);

impl Match {
    /// Reads an identifier as answered; `None` where it is no data set.
    pub(super) fn read(row: &[u8], syntax: &TransferSyntax) -> Option<Self> {
        let mut source = TokenSource::new(row, syntax, Limits::IDENTIFIER, Some(row.len() as u64));
        let mut values = Vec::new();
        loop {
            let depth = source.depth();
            match source.next_token().ok()? {
                Some(Token::Value { header, value }) if depth == 0 => {
                    values.push((header.tag, header.vr, value.to_vec()));
                }
                Some(_) => {}
                None => break,
            }
        }
        let set = values.iter().find(|(tag, ..)| *tag == SPECIFIC_CHARACTER_SET);
        let set = set.map_or_else(CharacterSet::default, |(.., value)| CharacterSet::parse(value).0);
        let text = |vr, value: &[u8]| match is_text(vr) {
            true => set.decode(vr, value).trim_matches([' ', '\0']).to_owned(),
            false => format!("({} bytes)", value.len()),
        };
        Some(Self(values.iter().map(|(tag, vr, value)| (*tag, text(*vr, value))).collect()))
    }

    fn value(&self, tag: Tag) -> Option<&str> {
        self.0.iter().find(|(of, _)| *of == tag).map(|(_, value)| value.as_str())
    }

    /// What was asked and answered, for a person: nothing that a terminal would obey.
    pub(super) fn line(&self, asked: &[Key]) -> String {
        let harmless = |character: char| if character.is_control() { '?' } else { character };
        let shown = |key: &Key| {
            let value = self.value(key.tag).filter(|value| !value.is_empty())?;
            Some(format!("{}={}", name(key.tag), value.chars().map(harmless).collect::<String>()))
        };
        asked.iter().filter_map(shown).collect::<Vec<_>>().join("  ")
    }

    /// What was asked, for a program.
    pub(super) fn json(&self, asked: &[Key]) -> serde_json::Value {
        asked.iter().map(|key| (name(key.tag), serde_json::json!(self.value(key.tag)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_keywords_or_numbers() {
        let key = |text: &str| text.parse::<Key>().map(|key| (key.tag, key.value)).ok();
        let expected = Some((Tag(0x0010, 0x0010), "DOE*=X".to_owned()));
        for text in ["PatientName=DOE*=X", "0010,0010=DOE*=X", "(0010,0010)=DOE*=X", "00100010=DOE*=X"] {
            assert_eq!(key(text), expected, "{text}");
        }
        assert_eq!(key("PatientSex"), Some((Tag(0x0010, 0x0040), String::new())));
        assert_eq!(
            key("0028,0010"),
            Some((Tag(0x0028, 0x0010), String::new())),
            "asked for, and not matched"
        );
        for bad in ["0028,0010=512", "PatientNam=X", "0008,0052=STUDY", "0002,0010", "+010,0010", "", "é"] {
            assert_eq!(key(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_keyword_is_an_attribute_with_text() {
        for (keyword, tag) in ATTRIBUTES {
            assert!(is_text(dictionary_vr(tag)), "{keyword}");
        }
        for level in [Level::Study, Level::Series, Level::Image] {
            assert!(asked(level, &[]).len() >= 5);
        }
    }

    #[test]
    fn the_command_line_says_the_value_and_the_identifier_is_sorted() {
        let given = ["PatientID=É1".parse::<Key>().unwrap()];
        let asked = asked(Level::Study, &given);
        assert_eq!(asked.iter().filter(|key| key.tag == Tag(0x0010, 0x0020)).count(), 1);
        let bytes = identifier(Level::Study, &asked, &TransferSyntax::EXPLICIT_LITTLE).unwrap();
        // PS3.5 §7.1.2: tag, VR, 16-bit length, value of even length
        assert!(bytes.starts_with(b"\x08\0\x05\0CS\x0A\0ISO_IR 192"));
        let row = Match::read(&bytes, &TransferSyntax::EXPLICIT_LITTLE).unwrap();
        assert!(row.line(&asked).contains("PatientID=É1"), "{}", row.line(&asked));
        assert_eq!(row.json(&asked)["PatientName"], "");
    }

    #[test]
    fn a_terminal_is_told_nothing() {
        let row = Match(vec![(Tag(0x0010, 0x0010), "A\u{1b}[2J\u{9b}1m".to_owned())]);
        let line = row.line(&[Key { tag: Tag(0x0010, 0x0010), value: String::new() }]);
        assert_eq!(line, "PatientName=A?[2J?1m");
    }
}
