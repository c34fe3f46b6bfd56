//! The identity as received (flow table 8.2): the attributes of the modules Patient, Patient Study and General Study (PS3.3 C.7.1.1, C.7.2.1,
//! C.7.2.2) of one data set, raw, sequences with all that is in them.

mod gathered;

use std::io::{Read, Seek};

use dicom_stream::charset::CharacterSet;
use dicom_stream::text::yyyymmdd;
use dicom_stream::{Limits, SourceError, Tag, Token, TokenSource, TransferSyntax, VR, dictionary_vr};
use pseudonym::{Attribute, OwnRecord, Receipt, Value};
use reconciliation::LAST_OF_OWN_RECORD;

use gathered::Gathered;

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_BIRTH_DATE: Tag = Tag(0x0010, 0x0030);

/// The attributes that say whose study it is and which: received with different values of these, it has several identities. They stand in
/// each record, the absent ones too.
const IDENTIFYING: &[Tag] = &[
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
    /// More than is kept of patient and study; shortened, it would not come back as it was.
    #[error(
        "attribute {0:08X} has more than 64 KiB in one value, or all of patient and study have more than 128 KiB"
    )]
    TooLarge(u32),
    /// The copy in memory cannot be written.
    #[error(transparent)]
    Memory(#[from] std::io::Error),
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
    let Gathered { character_set, mut attributes, .. } = gather(input, syntax)?;
    let character_set = character_set.unwrap_or(Value::Absent);
    for tag in IDENTIFYING {
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

fn gather(input: impl Read + Seek, syntax: &TransferSyntax) -> Result<Gathered, OwnRecordError> {
    let mut tokens = TokenSource::skimming(input, syntax, Limits::INSTANCE)?;
    let mut gathered = Gathered::default();
    loop {
        let depth = tokens.depth();
        let Some(token) = tokens.next_token()? else { break };
        let tag = match token {
            Token::Value { header, .. }
            | Token::BulkStart { header }
            | Token::SequenceStart { header }
            | Token::FragmentsStart { header } => Some(header.tag),
            _ => None,
        };
        if depth == 0 && tag.is_some_and(|tag| tag > LAST_OF_OWN_RECORD) {
            break;
        }
        gathered.token(&token, depth)?;
        if matches!(token, Token::BulkStart { .. } | Token::FragmentStart { .. }) {
            tokens.skip_bulk()?;
        }
    }
    Ok(gathered)
}

/// The one identity that a study was received with; `None` when these records differ in who it is or in which study. The first one
/// received counts: its further attributes come back, where a later object of the study had others.
pub(crate) fn of_one_identity(records: Vec<OwnRecord>) -> Option<OwnRecord> {
    let mut records = records.into_iter();
    let first = records.next()?;
    let value = |of: &OwnRecord, tag: Tag| {
        of.attributes.iter().find(|of| of.tag == number(tag)).map_or(Value::Absent, |of| of.value.clone())
    };
    let is_same = |other: OwnRecord| {
        other.study == first.study
            && other.character_set == first.character_set
            && IDENTIFYING.iter().all(|tag| value(&other, *tag) == value(&first, *tag))
    };
    records.all(is_same).then_some(first)
}

fn attribute(tag: Tag, vr: VR, value: Value) -> Attribute {
    Attribute { tag: number(tag), vr: vr.to_bytes(), value }
}

fn number(tag: Tag) -> u32 {
    u32::from(tag.group()) << 16 | u32::from(tag.element())
}

/// The tag of an attribute of the record.
pub(crate) fn tag_of(number: u32) -> Tag {
    Tag((number >> 16) as u16, (number & 0xFFFF) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(group: u8, number: u8, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
        [&[group, 0, number, 0, vr[0], vr[1], value.len() as u8, 0][..], value].concat()
    }

    fn read_as(syntax: &TransferSyntax, bytes: &[u8]) -> Result<OwnRecord, OwnRecordError> {
        let receipt = Receipt {
            calling_ae: "CT1".to_owned(),
            peer: "ct".to_owned(),
            received_at: 0,
            dossier: "1".to_owned(),
        };
        let identified = read(std::io::Cursor::new(bytes), syntax, "2.25.1", receipt);
        identified.map(|identified| identified.record)
    }

    fn record(elements: &[Vec<u8>]) -> Result<OwnRecord, OwnRecordError> {
        read_as(&TransferSyntax::EXPLICIT_LITTLE, &elements.concat())
    }

    fn value(record: &OwnRecord, tag: u32) -> Option<([u8; 2], Value)> {
        let found = record.attributes.iter().find(|attribute| attribute.tag == tag);
        found.map(|attribute| (attribute.vr, attribute.value.clone()))
    }

    #[test]
    fn an_attribute_that_is_there_twice_makes_no_record() {
        let id = |value: &[u8]| element(0x10, 0x20, b"LO", value);
        assert_eq!(record(&[id(b"P1")]).unwrap().attributes.len(), IDENTIFYING.len());
        let error = record(&[id(b"P1"), id(b"P2")]).err().unwrap();
        assert!(matches!(error, OwnRecordError::Repeated(0x0010_0020)), "{error}");
        // also when one of the two is empty
        assert!(record(&[id(b""), id(b"P2")]).is_err());
        let set = |value: &[u8]| element(8, 5, b"CS", value);
        let error = record(&[set(b"ISO_IR 100"), set(b"ISO_IR 192")]).err().unwrap();
        assert!(matches!(error, OwnRecordError::Repeated(0x0008_0005)), "{error}");
    }

    /// Other Patient IDs Sequence (0010,1002) with one item, Patient ID P1, as PS3.5 7.5 and 6.2.2 write it.
    const ITEM: &[u8] =
        b"\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF\x10\x00\x20\x00LO\x02\x00P1\xFE\xFF\x0D\xE0\0\0\0\0";

    #[test]
    fn a_sequence_is_kept_with_its_items_however_it_was_encoded() {
        let explicit =
            b"\x10\x00\x02\x10SQ\0\0\x12\0\0\0\xFE\xFF\x00\xE0\x0A\0\0\0\x10\x00\x20\x00LO\x02\x00P1";
        let implicit = b"\x10\x00\x02\x10\x12\0\0\0\xFE\xFF\x00\xE0\x0A\0\0\0\x10\x00\x20\x00\x02\0\0\0P1";
        let unknown =
            b"\x10\x00\x02\x10UN\0\0\x12\0\0\0\xFE\xFF\x00\xE0\x0A\0\0\0\x10\x00\x20\x00\x02\0\0\0P1";
        let big = b"\x00\x10\x10\x02SQ\0\0\0\0\0\x12\xFF\xFE\xE0\x00\0\0\0\x0A\x00\x10\x00\x20LO\x00\x02P1";
        let encodings: [(&TransferSyntax, &[u8]); 4] = [
            (&TransferSyntax::EXPLICIT_LITTLE, explicit),
            (&TransferSyntax::IMPLICIT_LITTLE, implicit),
            (&TransferSyntax::EXPLICIT_LITTLE, unknown),
            (&TransferSyntax::EXPLICIT_BIG, big),
        ];
        for (syntax, bytes) in encodings {
            let record = read_as(syntax, bytes).unwrap();
            let kept = value(&record, 0x0010_1002);
            assert_eq!(kept, Some((*b"SQ", Value::Bytes(ITEM.to_vec()))), "{}", syntax.uid);
        }
        let empty = record(&[b"\x10\x00\x02\x10SQ\0\0\0\0\0\0".to_vec()]).unwrap();
        assert_eq!(value(&empty, 0x0010_1002), Some((*b"SQ", Value::Empty)));
    }

    #[test]
    fn numbers_are_kept_in_little_endian() {
        let big = read_as(&TransferSyntax::EXPLICIT_BIG, b"\x00\x10\x21\xC0US\x00\x02\x00\x04").unwrap();
        assert_eq!(value(&big, 0x0010_21C0), Some((*b"US", Value::Bytes(vec![4, 0]))));
    }

    #[test]
    fn what_is_of_the_image_or_of_the_series_is_not_kept() {
        let series = element(0x20, 0x11, b"IS", b"4 ");
        let record = record(&[element(0x08, 0x60, b"CS", b"CT"), series]).unwrap();
        assert_eq!(record.attributes.len(), IDENTIFYING.len());
    }

    #[test]
    fn more_than_is_kept_makes_no_record() {
        let long = |element: u8, length: usize| {
            let head =
                [&[0x10, 0, element, 0x40, b'U', b'T', 0, 0][..], &(length as u32).to_le_bytes()].concat();
            [head, vec![b'x'; length]].concat()
        };
        assert!(record(&[long(1, 60_000), long(2, 60_000)]).is_ok());
        let all = record(&[long(1, 60_000), long(2, 60_000), long(3, 60_000)]);
        assert!(matches!(all, Err(OwnRecordError::TooLarge(0x0010_4003))));
        let one = record(&[long(1, 70_000)]);
        assert!(matches!(one, Err(OwnRecordError::TooLarge(0x0010_4001))));
        let items = b"\xFE\xFF\x00\xE0\0\0\0\0".repeat(20_000);
        let head = [&b"\x10\x00\x02\x10SQ\0\0"[..], &(items.len() as u32).to_le_bytes()].concat();
        let sequence = record(&[[head, items].concat()]);
        assert!(matches!(sequence, Err(OwnRecordError::TooLarge(0x0010_1002))));
    }

    #[test]
    fn a_study_has_one_identity_as_long_as_its_objects_agree_in_what_identifies() {
        let of = |id: &[u8], alerts: &[u8]| {
            record(&[element(0x10, 0x20, b"LO", id), element(0x10, 0xFF, b"LO", alerts)]).unwrap()
        };
        let [first, later, other] = [of(b"P1", b"A "), of(b"P1", b"B "), of(b"P2", b"A ")];
        let chosen = of_one_identity(vec![first.clone(), later]).unwrap();
        assert!(chosen == first, "the one received first");
        assert!(of_one_identity(vec![first, other]).is_none());
    }
}
