//! The identity as received (flow table 8.2): patient module, patient-study attributes and study attributes of one data set, raw.

use std::io::{Read, Seek};

use dicom_stream::charset::CharacterSet;
use dicom_stream::text::yyyymmdd;
use dicom_stream::{Limits, SourceError, Tag, Token, TokenSource, TransferSyntax, VR, dictionary_vr};
use pseudonym::{Attribute, OwnRecord, Receipt, Value};

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_BIRTH_DATE: Tag = Tag(0x0010, 0x0030);

/// Attributes of the record: General Study and Patient Study (PS3.3 C.7.2), Patient (C.7.1.1); sequences are not among them.
const ATTRIBUTES: &[Tag] = &[
    Tag(0x0008, 0x0020), // Study Date
    Tag(0x0008, 0x0030), // Study Time
    Tag(0x0008, 0x0050), // Accession Number
    Tag(0x0008, 0x0090), // Referring Physician's Name
    Tag(0x0008, 0x1030), // Study Description
    PATIENT_NAME,
    Tag(0x0010, 0x0020), // Patient ID
    Tag(0x0010, 0x0021), // Issuer of Patient ID
    PATIENT_BIRTH_DATE,
    Tag(0x0010, 0x0032), // Patient's Birth Time
    Tag(0x0010, 0x0040), // Patient's Sex
    Tag(0x0010, 0x1000), // Other Patient IDs
    Tag(0x0010, 0x1001), // Other Patient Names
    Tag(0x0010, 0x1010), // Patient's Age
    Tag(0x0010, 0x1020), // Patient's Size
    Tag(0x0010, 0x1030), // Patient's Weight
    Tag(0x0010, 0x2160), // Ethnic Group
    Tag(0x0010, 0x2180), // Occupation
    Tag(0x0010, 0x21B0), // Additional Patient History
    Tag(0x0010, 0x4000), // Patient Comments
    Tag(0x0020, 0x0010), // Study ID
];
/// Nothing of the record stands after this tag.
const LAST: Tag = Tag(0x0020, 0x0010);

/// A record, and what the vault compares a new code with (C13).
pub(crate) struct Identified {
    /// As received.
    pub record: OwnRecord,
    /// Patient's Name, decoded; empty when absent.
    pub name: String,
    /// Patient's Birth Date as yyyymmdd; empty when absent.
    pub birth_date: String,
}

impl Identified {
    /// Whether both say the same of patient and study.
    pub(crate) fn is_of_the_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.record, &other.record);
        ours.study == theirs.study
            && ours.character_set == theirs.character_set
            && ours.attributes == theirs.attributes
    }

    /// Whether Patient's Birth Date has a value, whatever it is.
    pub(crate) fn has_birth_date(&self) -> bool {
        let of_birth = |of: &&Attribute| of.tag == number(PATIENT_BIRTH_DATE);
        match self.record.attributes.iter().find(of_birth).map(|of| &of.value) {
            Some(Value::Bytes(bytes)) => bytes.iter().any(|byte| !matches!(byte, b' ' | 0)),
            _ => false,
        }
    }
}

/// Why an original has no record: a person has to look.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnRecordError {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An attribute is there more than once: which value is the patient's is not known.
    #[error("attribute {0:08X} occurs more than once")]
    Repeated(u32),
}

/// Reads the record of the original in `input`.
///
/// # Errors
/// Any [`OwnRecordError`].
pub(crate) fn read(
    input: impl Read + Seek,
    syntax: &TransferSyntax,
    study: &str,
    receipt: Receipt,
) -> Result<Identified, OwnRecordError> {
    let mut tokens = TokenSource::skimming(input, syntax, Limits::INSTANCE)?;
    let mut character_set = Value::Absent;
    let mut has_character_set = false;
    let mut attributes: Vec<Attribute> = Vec::with_capacity(ATTRIBUTES.len());
    loop {
        let depth = tokens.depth();
        let Some(token) = tokens.next_token()? else { break };
        match token {
            Token::Value { header, value } if depth == 0 => {
                if header.tag > LAST {
                    break;
                }
                let vr = if header.vr == VR::UN { dictionary_vr(header.tag) } else { header.vr };
                let value = if value.is_empty() { Value::Empty } else { Value::Bytes(value.to_vec()) };
                let seen = |of: &Attribute| of.tag == number(header.tag);
                let is_character_set = header.tag == SPECIFIC_CHARACTER_SET;
                if (is_character_set && has_character_set) || attributes.iter().any(seen) {
                    return Err(OwnRecordError::Repeated(number(header.tag)));
                }
                if is_character_set {
                    (character_set, has_character_set) = (value, true);
                } else if ATTRIBUTES.contains(&header.tag) {
                    attributes.push(attribute(header.tag, vr, value));
                }
            }
            Token::SequenceStart { header } if depth == 0 && header.tag > LAST => break,
            _ => {}
        }
    }
    for tag in ATTRIBUTES {
        if !attributes.iter().any(|attribute| attribute.tag == number(*tag)) {
            attributes.push(attribute(*tag, dictionary_vr(*tag), Value::Absent));
        }
    }
    attributes.sort_by_key(|attribute| attribute.tag);
    let set = match &character_set {
        Value::Bytes(value) => CharacterSet::parse(value).0,
        Value::Absent | Value::Empty => CharacterSet::default(),
    };
    let bytes = |tag| match attributes.iter().find(|attribute| attribute.tag == number(tag)) {
        Some(Attribute { value: Value::Bytes(bytes), .. }) => bytes.as_slice(),
        _ => &[],
    };
    let name = set.decode(VR::PN, bytes(PATIENT_NAME)).into_owned();
    let birth_date = yyyymmdd(bytes(PATIENT_BIRTH_DATE)).map_or(String::new(), |date| date.to_string());
    let record = OwnRecord { study: study.to_owned(), character_set, attributes, receipt };
    Ok(Identified { record, name, birth_date })
}

fn attribute(tag: Tag, vr: VR, value: Value) -> Attribute {
    Attribute { tag: number(tag), vr: vr.to_bytes(), value }
}

fn number(tag: Tag) -> u32 {
    u32::from(tag.group()) << 16 | u32::from(tag.element())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(group: u8, number: u8, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
        [&[group, 0, number, 0, vr[0], vr[1], value.len() as u8, 0][..], value].concat()
    }

    fn record(elements: &[Vec<u8>]) -> Result<Identified, OwnRecordError> {
        let receipt = Receipt {
            calling_ae: "CT1".to_owned(),
            peer: "ct".to_owned(),
            received_at: 0,
            dossier: "1".to_owned(),
        };
        let input = std::io::Cursor::new(elements.concat());
        read(input, &TransferSyntax::EXPLICIT_LITTLE, "2.25.1", receipt)
    }

    #[test]
    fn an_attribute_that_is_there_twice_makes_no_record() {
        let id = |value: &[u8]| element(0x10, 0x20, b"LO", value);
        assert_eq!(record(&[id(b"P1")]).unwrap().record.attributes.len(), ATTRIBUTES.len());
        let error = record(&[id(b"P1"), id(b"P2")]).err().unwrap();
        assert!(matches!(error, OwnRecordError::Repeated(0x0010_0020)), "{error}");
        // also when one of the two is empty
        assert!(record(&[id(b""), id(b"P2")]).is_err());
        let set = |value: &[u8]| element(8, 5, b"CS", value);
        let error = record(&[set(b"ISO_IR 100"), set(b"ISO_IR 192")]).err().unwrap();
        assert!(matches!(error, OwnRecordError::Repeated(0x0008_0005)), "{error}");
    }
}
