//! RR-9: what the reverse scan finds, and what it does not mistake.

use std::collections::BTreeSet;

use dicom_stream::{TransferSyntax, VR};
use reconciliation::{FindingKind, LIMITS, NotInspected, Pseudonyms, Scan, reverse_scan};

use crate::support::{CODE, INSTANCE, SHIFT_DAYS, SHIFTED, SHIFTED_DAY, SR, STUDY};
use crate::tree::{Element, Sequences, explicit, sequence, tag, text, uid, write};

fn scan(elements: &[Element], syntax: &TransferSyntax, sequences: Sequences) -> Scan {
    let pseudonyms =
        Pseudonyms::new(CODE, [INSTANCE, STUDY].map(str::to_owned), &BTreeSet::from([SHIFTED]), SHIFT_DAYS);
    reverse_scan(&write(elements, syntax.encoding, sequences)[..], syntax, LIMITS, &pseudonyms).unwrap()
}

fn kinds(element: Element) -> Vec<FindingKind> {
    let mut all = Vec::new();
    for (syntax, sequences) in [
        (TransferSyntax::EXPLICIT_LITTLE, Sequences::Undefined),
        (TransferSyntax::IMPLICIT_LITTLE, Sequences::Undefined),
        (TransferSyntax::EXPLICIT_BIG, Sequences::Unknown),
    ] {
        let found = scan(std::slice::from_ref(&element), &syntax, sequences);
        let kinds: Vec<_> = found.findings.into_iter().map(|finding| finding.kind).collect();
        assert!(all.is_empty() || all == kinds, "{element:?} in {} {sequences:?}", syntax.uid);
        all = kinds;
    }
    all
}

/// A wrong VR hides nothing: text in the place of a sequence or of numbers.
#[test]
fn pseudonyms_are_found_under_a_wrong_vr() {
    for (number, vr) in
        [(0x0008_1199, VR::UT), (0x0008_1115, VR::LO), (0x0028_0010, VR::US), (0x5600_0020, VR::OF)]
    {
        let value = format!("of {CODE}, {INSTANCE} ").into_bytes();
        let found = scan(
            &[Element::Value(tag(number), vr, value)],
            &TransferSyntax::EXPLICIT_LITTLE,
            Sequences::Undefined,
        );
        let kinds: Vec<_> = found.findings.into_iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, [FindingKind::Code, FindingKind::Uid], "{number:08X}");
    }
}

#[test]
fn pseudonyms_are_found_in_every_form() {
    use FindingKind::{Code, Date, Uid};
    let raw = |vr, bytes: Vec<u8>| Element::Value(tag(0x0009_1001), vr, bytes);
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (element, kind) in [
        (text(0x0040_A160, VR::UT, "Lesion of p-7k3m9, left"), Code),
        (text(0x0040_A160, VR::UT, "{\"patient\":\"P-7K3M9\"}"), Code),
        (text(0x0040_A123, VR::PN, CODE), Code),
        (text(0x0008_1010, VR::SH, CODE), Code),
        (text(0x0008_1190, VR::UR, "https://x.invalid/P-7K3M9/1"), Code),
        (sequence(0x0040_A730, vec![vec![text(0x0040_A160, VR::UT, CODE)]]), Code),
        (raw(VR::UN, CODE.into()), Code),
        (raw(VR::UN, wide(CODE)), Code),
        (uid(0x0020_0052, INSTANCE), Uid),
        (uid(0x0020_0052, &format!("{STUDY}.1.2")), Uid),
        (text(0x0040_A160, VR::UT, &format!("<a id='{INSTANCE}'/>")), Uid),
        (raw(VR::UN, wide(INSTANCE)), Uid),
        (text(0x0008_0022, VR::DA, SHIFTED_DAY), Date),
        (text(0x0008_002A, VR::DT, "20240115101500"), Date),
        (text(0x0040_A160, VR::UT, "Study of 2024-01-15"), Date),
        (text(0x0008_1030, VR::LO, "x"), Code),
    ] {
        let expected = if element == text(0x0008_1030, VR::LO, "x") { vec![] } else { vec![kind] };
        assert_eq!(kinds(element.clone()), expected, "{element:?}");
    }
    let long = format!("{}{CODE}{}", "x".repeat(70_000), "y".repeat(70_000));
    let limits = dicom_stream::Limits::INSTANCE;
    let pseudonyms = Pseudonyms::new(CODE, [], &BTreeSet::new(), 0);
    let bytes = explicit(&[text(0x0040_A160, VR::UT, &long)]);
    let found = reverse_scan(&bytes[..], &TransferSyntax::EXPLICIT_LITTLE, limits, &pseudonyms).unwrap();
    assert_eq!(found.findings.len(), 1);
}

#[test]
fn clean_values_are_left_alone_and_pixels_are_named() {
    let elements = [
        text(0x0008_0022, VR::DA, "20240120"),
        uid(0x0008_0016, SR),
        // true by the own record, whatever was issued
        text(0x0010_0030, VR::DA, SHIFTED_DAY),
        uid(0x0020_0052, "2.25.72011"),
        text(0x0028_0030, VR::DS, "20240115\\2.25"),
        Element::Value(tag(0x7FE0_0010), VR::OB, CODE.as_bytes().to_vec()),
    ];
    let found = scan(&elements, &TransferSyntax::EXPLICIT_LITTLE, Sequences::Undefined);
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    assert_eq!(found.not_searched, [NotInspected::Pixels].into());
}
