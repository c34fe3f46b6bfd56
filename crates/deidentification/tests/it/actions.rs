//! Every row of the table, in every native encoding, at the top and in an item.

use deidentification::table::Row;
use deidentification::{Action, TABLE_E1_1};
use dicom_stream::{Limits, TransferSyntax, VR, dictionary_vr};

use crate::support::{CODE, CT, Element, NATIVE, Output, data_set, run, sequence, tag, text, try_run};

/// A value of the VR that occurs nowhere else: `row` makes it so.
fn canary(vr: VR, row: usize) -> Vec<u8> {
    match vr {
        VR::UI => format!("1.2.999.{row}.1").into_bytes(),
        VR::DA => format!("18{:02}{:02}{:02}", row % 90 + 10, row % 12 + 1, row % 28 + 1).into_bytes(),
        VR::DT => format!("18{:02}0203040506.{row:06}", row % 90 + 10).into_bytes(),
        VR::TM => format!("112233.{row:06}").into_bytes(),
        VR::DS | VR::IS => format!("77{row:05}").into_bytes(),
        VR::AS => b"093Y".to_vec(),
        VR::US | VR::SS => vec![0x5A, 0x5A],
        VR::AT | VR::FL | VR::UL | VR::SL => vec![0x5A; 4],
        VR::FD => vec![0x5A; 8],
        _ => format!("QZ{row:04}ZQ").into_bytes(),
    }
}

fn rows() -> impl Iterator<Item = (usize, u32, Action, VR)> {
    let in_data_set = |row: &&Row| row.tag >> 16 >= 8 && row.tag != 0x0008_0018;
    TABLE_E1_1
        .iter()
        .filter(in_data_set)
        .enumerate()
        .map(|(number, row)| (number, row.tag, row.action, dictionary_vr(tag(row.tag))))
}

fn element(row: usize, number: u32, vr: VR) -> Element {
    match vr {
        VR::SQ => sequence(number, vec![vec![text(0x0008_0104, VR::LO, &format!("QZ{row:04}ZQ"))]]),
        _ => Element::Value(number, vr, canary(vr, row)),
    }
}

fn check(output: &Output, path: &str, row: usize, action: Action, vr: VR) {
    let found = output.elements.get(path).map(|(_, value)| value);
    let kept_sequence = vr == VR::SQ && output.has(&format!("{path}[1](0008,0104)"));
    let leaked = |value: &Vec<u8>| value.starts_with(&canary(vr, row));
    match action {
        Action::X => assert!(found.is_none(), "{path} is X"),
        Action::D => assert!(
            found.is_some_and(|value| vr == VR::SQ || (!value.is_empty() && !leaked(value))),
            "{path} is D"
        ),
        Action::U => {
            let new = output.text(path).unwrap();
            assert!(new.starts_with("2.25."), "{path} is U: {new}");
        }
        Action::XZU => assert!(kept_sequence, "{path} is X/Z/U*"),
        _ => assert!(found.is_none_or(|value| !leaked(value)), "{path} is {action:?}"),
    }
    if action != Action::XZU {
        assert!(!output.holds(format!("QZ{row:04}ZQ").as_bytes()), "{path} leaks");
    }
}

#[test]
fn every_row_in_every_encoding() {
    let elements: Vec<_> = rows().map(|(row, number, _, vr)| element(row, number, vr)).collect();
    for syntax in NATIVE {
        let input = data_set(syntax.encoding, CT, elements.clone());
        let output = try_run(&syntax, CT, None, Limits::INSTANCE, &input).unwrap();
        for (row, number, action, vr) in rows() {
            check(&output, &tag_text(number), row, action, vr);
        }
    }
}

#[test]
fn every_row_in_an_item() {
    let item: Vec<_> = rows().map(|(row, number, _, vr)| element(row, number, vr)).collect();
    for syntax in NATIVE {
        let input = data_set(syntax.encoding, CT, vec![sequence(0x0008_1115, vec![vec![], item.clone()])]);
        let output = try_run(&syntax, CT, None, Limits::INSTANCE, &input).unwrap();
        for (row, number, action, vr) in rows() {
            check(&output, &format!("(0008,1115)[2]{}", tag_text(number)), row, action, vr);
        }
    }
}

fn tag_text(number: u32) -> String {
    format!("({:04X},{:04X})", number >> 16, number & 0xFFFF)
}

/// What PS3.15 asks for in a CT, element by element.
#[test]
fn a_ct() {
    let output = run(vec![
        text(0x0008_0020, VR::DA, "20240131"),
        text(0x0008_0021, VR::DA, "20240131"),
        text(0x0008_0050, VR::SH, "ACC12345"),
        text(0x0008_0060, VR::CS, "CT"),
        text(0x0008_0080, VR::LO, "General Hospital"),
        text(0x0008_0090, VR::PN, "Welby^Marcus"),
        text(0x0008_103E, VR::LO, "AX thin"),
        text(0x0010_0010, VR::PN, "Doe^Jane"),
        text(0x0010_0020, VR::LO, "MRN1"),
        text(0x0010_0030, VR::DA, "19701231"),
        text(0x0010_1010, VR::AS, "053Y"),
        text(0x0018_0050, VR::DS, "1.25"),
        text(0x0018_1030, VR::LO, "Thorax"),
        text(0x0020_000D, VR::UI, "1.2.3.4"),
        text(0x0020_0013, VR::IS, "7"),
    ]);
    for (path, expected) in [
        ("(0008,0016)", Some(CT)),
        ("(0008,0020)", Some("")),
        ("(0008,0021)", None),
        ("(0008,0050)", Some("")),
        ("(0008,0060)", Some("CT")),
        ("(0008,0080)", None),
        ("(0008,0090)", Some("")),
        ("(0008,103E)", None),
        ("(0010,0010)", Some(CODE)),
        ("(0010,0020)", Some(CODE)),
        ("(0010,0030)", Some("")),
        ("(0010,1010)", None),
        ("(0018,0050)", Some("1.25")),
        ("(0020,0013)", Some("7")),
    ] {
        assert_eq!(output.text(path).as_deref(), expected, "{path}");
    }
    assert!(output.text("(0020,000D)").unwrap().starts_with("2.25."));
}

/// (0008,0023) is Z/D: Type 2C in a CT, Type 1 in a Comprehensive SR.
#[test]
fn the_sop_class_decides() {
    let elements = || vec![text(0x0008_0023, VR::DA, "20240131")];
    let sr = "1.2.840.10008.5.1.4.1.1.88.33";
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let report =
        try_run(&syntax, sr, None, Limits::INSTANCE, &data_set(syntax.encoding, sr, elements())).unwrap();
    assert_eq!(run(elements()).text("(0008,0023)").unwrap(), "");
    assert_eq!(report.text("(0008,0023)").unwrap(), "19000101");
}

#[test]
fn a_dummy_is_unlike_the_original() {
    let output = run(vec![text(0x0072_0061, VR::DA, "19000101"), text(0x0072_0066, VR::LO, "REMOVED")]);
    assert_eq!(output.text("(0072,0061)").unwrap(), "19010101");
    assert_eq!(output.text("(0072,0066)").unwrap(), "NONE");
}

/// Encapsulated Document is D: a body of the same type, and its length after it.
#[test]
fn encapsulated_documents_get_a_valid_body() {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    for (sop_class, start) in [
        ("1.2.840.10008.5.1.4.1.1.104.1", &b"%PDF-1."[..]),
        ("1.2.840.10008.5.1.4.1.1.104.2", b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ClinicalDocument"),
        ("1.2.840.10008.5.1.4.1.1.104.3", &[0; 80]),
        ("1.2.840.10008.5.1.4.1.1.104.4", b"v 0 0 0"),
        ("1.2.840.10008.5.1.4.1.1.104.5", b"newmtl"),
    ] {
        for body in [&b"Jane Doe"[..], &[b'J'; 200_000]] {
            let elements = vec![
                Element::Value(0x0042_0011, VR::OB, body.to_vec()),
                Element::Value(0x0042_0015, VR::UL, 8_u32.to_le_bytes().to_vec()),
            ];
            let input = data_set(syntax.encoding, sop_class, elements);
            let output = try_run(&syntax, sop_class, None, Limits::INSTANCE, &input).unwrap();
            let (_, new) = &output.elements["(0042,0011)"];
            let (_, length) = &output.elements["(0042,0015)"];
            let length = u32::from_le_bytes(length[..].try_into().unwrap()) as usize;
            assert!(new.starts_with(start), "{sop_class}");
            assert!(length <= new.len() && new.len() - length < 2);
            assert!(!output.holds(b"JJJJ") && !output.holds(b"Jane"));
        }
    }
}

/// A short text that is nothing but an identifier goes; where the IOD demands a value, a dummy stands there (PS3.3 C.7.5.2, Table 8.8-1a).
#[test]
fn a_required_short_text_that_identifies_becomes_a_dummy() {
    let segmentation = "1.2.840.10008.5.1.4.1.1.66.4";
    let address = "https://example.org/doe.git";
    let code = vec![text(0x0008_0104, VR::LO, address)];
    let elements = || {
        vec![
            text(0x0008_0070, VR::LO, "Maker"),
            text(0x0008_1090, VR::LO, address),
            sequence(0x0018_9346, vec![code.clone()]),
        ]
    };
    for (sop_class, model) in [(segmentation, Some("REMOVED")), (CT, None)] {
        let syntax = TransferSyntax::EXPLICIT_LITTLE;
        let input = data_set(syntax.encoding, sop_class, elements());
        let output = try_run(&syntax, sop_class, None, Limits::INSTANCE, &input).unwrap();
        assert_eq!(output.text("(0008,1090)").as_deref(), model, "{sop_class}");
        assert_eq!(output.text("(0018,9346)[1](0008,0104)").as_deref(), Some("REMOVED"));
    }
}

/// What another de-identifier encrypted is the identity still (PS3.15 E.1.2).
#[test]
fn encrypted_attributes_do_not_leave() {
    let item = || vec![Element::Value(0x0400_0520, VR::OB, b"sealed".to_vec())];
    let nested = vec![sequence(0x0400_0500, vec![item()])];
    let output = run(vec![sequence(0x0040_0555, vec![nested]), sequence(0x0400_0500, vec![item()])]);
    assert!(!output.holds(b"sealed") && !output.has("(0400,0500)"));
}
