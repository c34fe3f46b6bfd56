//! What peers really send: read, kept byte for byte and reported with its place (rust.md; flow AC1.3 e).

use dicom_stream::{Encoding, IrregularityKind, Lengths, Limits, TokenSource, TransferSyntax, Writer};

use crate::data_set::{Seen, delimiter, element, plain, walk_whole};

const LE: Encoding = Encoding::ExplicitLittle;
const IMPLICIT: Encoding = Encoding::ImplicitLittle;

fn kinds(bytes: &[u8], encoding: Encoding) -> Vec<(String, IrregularityKind)> {
    let walked = walk_whole(bytes, encoding).unwrap();
    assert_eq!(walked.copy, bytes, "bytes as received");
    walked
        .irregularities
        .first()
        .iter()
        .map(|irregularity| (irregularity.path.to_string(), irregularity.kind))
        .collect()
}

#[test]
fn un_of_undefined_length_is_a_sequence_in_implicit_vr_cp_246() {
    let inner = plain(IMPLICIT, (0x0009, 0x1001), "", b"AB");
    let mut bytes = element(LE, (0x0009, 0x1000), "UN", u32::MAX, &[]);
    bytes.extend(plain(LE, (0xFFFE, 0xE000), "", &inner));
    bytes.extend(delimiter(LE, 0xE0DD));
    bytes.extend(plain(LE, (0x0010, 0x0020), "LO", b"ID"));
    assert_eq!(kinds(&bytes, LE), [("(0009,1000)".to_owned(), IrregularityKind::UnSequence)]);
    let seen = walk_whole(&bytes, LE).unwrap().seen;
    assert!(seen.contains(&Seen::Value(0x0009, 0x1001, b"AB".to_vec())));
    assert!(seen.contains(&Seen::Value(0x0010, 0x0020, b"ID".to_vec())));
}

#[test]
fn lengths_that_do_not_fit_the_vr_are_kept_and_reported() {
    let bytes = [
        plain(LE, (0x0009, 0x1001), "UL", &[0; 10]),
        plain(LE, (0x0009, 0x1002), "LO", b"ABC"),
        plain(LE, (0x0010, 0x0010), "PN", b"ODD"),
    ]
    .concat();
    assert_eq!(
        kinds(&bytes, LE),
        [
            ("(0009,1001)".to_owned(), IrregularityKind::LengthOfVr(dicom_stream::VR::UL)),
            ("(0009,1002)".to_owned(), IrregularityKind::OddLength),
            ("(0010,0010)".to_owned(), IrregularityKind::OddLength),
        ]
    );
}

#[test]
fn an_unknown_vr_is_read_in_the_long_form() {
    let mut bytes = vec![0x09, 0, 0x01, 0x10, b'Z', b'Z', 0, 0, 4, 0, 0, 0];
    bytes.extend(b"ABCD");
    bytes.extend(plain(LE, (0x0010, 0x0020), "LO", b"ID"));
    assert_eq!(kinds(&bytes, LE), [("(0009,1001)".to_owned(), IrregularityKind::UnknownVr)]);
}

#[test]
fn an_implicit_header_amid_explicit_ones_is_read() {
    let bytes =
        [plain(IMPLICIT, (0x0008, 0x0060), "", b"CT"), plain(LE, (0x0010, 0x0020), "LO", b"ID")].concat();
    assert_eq!(kinds(&bytes, LE), [("(0008,0060)".to_owned(), IrregularityKind::ImplicitHeader)]);
}

/// A data set has one encoding (PS3.5 7.1): what writes it anew gives every element a VR.
#[test]
fn a_data_set_that_is_written_anew_has_one_encoding() {
    let value = |encoding| plain(encoding, (0x0008, 0x0060), "CS", b"CT");
    let rest = plain(LE, (0x0010, 0x0020), "LO", b"ID");
    let mixed = [value(IMPLICIT), rest.clone()].concat();
    let mut out = Writer::new(Vec::new(), LE, Lengths::Undefined);
    let mut tokens = TokenSource::new(&mixed[..], &TransferSyntax::EXPLICIT_LITTLE, Limits::INSTANCE, None);
    while let Some(token) = tokens.next_token().unwrap() {
        out.copy(&token).unwrap();
    }
    assert_eq!(out.finish().unwrap(), [value(LE), rest].concat());
}

#[test]
fn a_child_longer_than_its_item_ends_the_item() {
    let child = plain(LE, (0x0009, 0x1001), "LO", b"ABCD");
    let item = element(LE, (0xFFFE, 0xE000), "", 8, &child);
    let bytes = [
        element(LE, (0x0008, 0x1140), "SQ", item.len() as u32, &item),
        plain(LE, (0x0010, 0x0020), "LO", b"ID"),
    ]
    .concat();
    assert_eq!(kinds(&bytes, LE), [("(0008,1140)[1](0009,1001)".to_owned(), IrregularityKind::BeyondParent)]);
}

#[test]
fn a_missing_item_delimiter_is_made_up_for() {
    let mut bytes = element(LE, (0x0008, 0x1140), "SQ", u32::MAX, &[]);
    bytes.extend(element(LE, (0xFFFE, 0xE000), "", u32::MAX, &[]));
    bytes.extend(plain(LE, (0x0009, 0x1001), "LO", b"AB"));
    bytes.extend(delimiter(LE, 0xE0DD));
    bytes.extend(plain(LE, (0x0010, 0x0020), "LO", b"ID"));
    let found = kinds(&bytes, LE);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, IrregularityKind::Delimiter);
}

#[test]
fn repeated_and_unordered_tags_are_reported() {
    let id = plain(LE, (0x0010, 0x0020), "LO", b"ID");
    let name = plain(LE, (0x0010, 0x0010), "PN", b"A^B ");
    assert_eq!(
        kinds(&[id.clone(), name, id].concat(), LE),
        [("(0010,0010)".to_owned(), IrregularityKind::OutOfOrder)]
    );
}

#[test]
fn the_report_is_bounded() {
    let bytes = plain(LE, (0x0010, 0x0020), "LO", b"ODD").repeat(1000);
    let walked = walk_whole(&bytes, LE).unwrap();
    assert_eq!(walked.irregularities.first().len(), 32);
    assert_eq!(walked.irregularities.count(), 1999); // 1,000 odd lengths, 999 repeats
}
