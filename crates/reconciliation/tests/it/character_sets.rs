//! RC-09, RC-14, AC8.10: names come back readable, byte-equal where the character set can stay the source's.

use dicom_stream::charset::CharacterSet;
use dicom_stream::{Tag, VR};
use reconciliation::{ManualReason, NotInspected, Outcome, ReconciliationError, TextSet, judge};

use crate::support::{NAMES, Output, Run, SR, conditions, issued, own, result, surveyed};
use crate::tree::{Element, bytes_at, tag, text};

/// A text of the output, decoded by the set it declares.
fn decoded(output: &Output, path: &str, vr: VR) -> String {
    let declared = bytes_at(&output.elements, "00080005").unwrap_or_default();
    let bytes = bytes_at(&output.elements, path).unwrap();
    CharacterSet::parse(&declared).0.decode(vr, &bytes).trim_end().to_owned()
}

fn with(character_set: &str, name: &str) -> Run {
    Run { own: own(character_set, name), ..Run::usual() }
}

fn partner(character_set: &str, description: &[u8]) -> Vec<Element> {
    let description = Element::Value(tag(0x0008_103E), VR::LO, description.to_vec());
    let declared = text(0x0008_0005, VR::CS, character_set);
    result(SR, if character_set.is_empty() { vec![description] } else { vec![declared, description] })
}

#[test]
fn rc_09_ascii_results_take_the_sources_set_and_its_bytes() {
    for (set, name) in NAMES {
        for declared in ["", "ISO_IR 100", "ISO_IR 192", "\\ISO 2022 IR 58"] {
            let run = with(set, name);
            let output = run.elements(&partner(declared, b"Lesion")).unwrap();
            assert_eq!(output.report.text_set, TextSet::Source, "{set} {declared}");
            assert_eq!(decoded(&output, "00100010", VR::PN), name);
            for attribute in &run.own.attributes {
                if let reconciliation::Value::Bytes(bytes) = &attribute.value {
                    assert!(output.holds(attribute.tag, attribute.vr, bytes), "{set} {attribute:?}");
                }
            }
        }
    }
}

#[test]
fn rc_14_absent_empty_and_valued_come_back_as_they_were() {
    let partners = vec![
        text(0x0010_1000, VR::LO, "X1"),
        text(0x0010_1010, VR::AS, "042Y"),
        text(0x0008_1030, VR::LO, "X"),
    ];
    let output = Run::usual().elements(&result(SR, partners)).unwrap();
    for (number, there) in [
        (0x0010_1000, false), // absent in the record
        (0x0010_1010, false), // not in the record
        (0x0008_1030, false),
        (0x0010_0021, false),
        (0x0008_0090, true), // empty in the record
        (0x0020_0010, true),
    ] {
        assert_eq!(crate::tree::has(&output.elements, number), there, "{number:08X}");
    }
    assert!(output.holds(Tag(0x0008, 0x0090), VR::PN, b"") && output.holds(Tag(0x0020, 0x0010), VR::SH, b""));
}

#[test]
fn rc_09_the_partners_text_stays_readable_too() {
    // Latin in both
    let output =
        with("ISO_IR 100", "Müller^Jörg").elements(&partner("ISO_IR 192", "Läsion".as_bytes())).unwrap();
    assert_eq!(output.report.text_set, TextSet::Source);
    assert_eq!(decoded(&output, "0008103E", VR::LO), "RESEARCH Läsion");
    // the partner's set holds the name, the source's does not hold the text
    let (set, name) = NAMES[1];
    let output = with(set, name).elements(&partner("ISO_IR 192", "Läsion".as_bytes())).unwrap();
    assert_eq!(output.report.text_set, TextSet::Partner);
    assert_eq!(decoded(&output, "00100010", VR::PN), name);
    assert_eq!(decoded(&output, "0008103E", VR::LO), "RESEARCH Läsion");
    // neither: UTF-8
    for (set, name) in &NAMES[1..4] {
        let output = with(set, name).elements(&partner("ISO_IR 100", b"L\xE4sion")).unwrap();
        assert_eq!(output.report.text_set, TextSet::Utf8);
        assert_eq!(bytes_at(&output.elements, "00080005").unwrap(), b"ISO_IR 192");
        assert_eq!(decoded(&output, "00100010", VR::PN), *name);
        assert_eq!(decoded(&output, "0008103E", VR::LO), "RESEARCH Läsion");
    }
}

#[test]
fn items_with_a_set_of_their_own_keep_it() {
    let item = vec![
        text(0x0008_0005, VR::CS, "ISO_IR 100"),
        Element::Value(tag(0x0008_0104), VR::LO, b"L\xE4sion".into()),
    ];
    let inherits = vec![Element::Value(tag(0x0008_0104), VR::LO, "Läsion".into())];
    let elements = result(
        SR,
        vec![
            text(0x0008_0005, VR::CS, "ISO_IR 192"),
            crate::tree::sequence(0x0040_A043, vec![item, inherits]),
        ],
    );
    let output = with("ISO_IR 100", "Müller^Jörg").elements(&elements).unwrap();
    let Some(Element::Sequence(_, items)) = output.elements.iter().find(|e| e.tag() == tag(0x0040_A043))
    else {
        panic!()
    };
    for item in items {
        assert_eq!(bytes_at(item, "00080104").unwrap(), b"L\xE4sion");
    }
}

#[test]
fn rc_09_text_that_cannot_be_read_is_a_persons_case() {
    let elements = partner("ISO_IR 192", b"L\xE4sion");
    let Outcome::Manual { reasons, .. } = judge(&[surveyed(&elements)], &issued(), &conditions()).outcome
    else {
        panic!()
    };
    assert_eq!(reasons, [ManualReason::UnreadableText].into());
    let error = with("ISO_IR 127", NAMES[3].1).elements(&elements).err().unwrap();
    assert!(matches!(error, ReconciliationError::UnreadableText));
    // a dropped declaration is read as Latin-1, and said so
    let output = Run::usual().elements(&partner("", b"L\xE4sion")).unwrap();
    assert!(output.report.not_inspected.contains(&NotInspected::AssumedText));
    assert_eq!(decoded(&output, "0008103E", VR::LO), "RESEARCH Läsion");
}

#[test]
fn an_identity_in_an_undeclared_set_comes_back_byte_for_byte_or_not_at_all() {
    let mut run = Run::usual();
    run.own.character_set = reconciliation::Value::Absent;
    let output = run.elements(&partner("ISO_IR 192", b"Lesion")).unwrap();
    assert!(output.holds(Tag(0x0010, 0x0010), VR::PN, b"M\xFCller^J\xF6rg "));
    assert!(!crate::tree::has(&output.elements, 0x0008_0005));
    let error = run.elements(&partner("ISO_IR 192", "病変".as_bytes())).err().unwrap();
    assert!(matches!(error, ReconciliationError::UnreadableText));
}
