//! AC8.8, RR-11: Contributing Equipment, and Original Attributes for what the partner had altered, never for what was issued.

use dicom_stream::Tag;
use dicom_stream::VR;

use crate::support::{CODE, INSTANCE, ORIGINAL_STUDY, Run, SHIFTED_DAY, SR, own, result};
use crate::tree::{Element, has, sequence, tag, text, uid};

const MODIFIED: &str = "04000561/04000550";

#[test]
fn nothing_altered_nothing_recorded() {
    let output = Run::usual().elements(&result(SR, vec![])).unwrap();
    assert!(!has(&output.elements, 0x0400_0561));
    assert_eq!(output.at("0018A001").as_deref(), Some("#"));
    for (path, value) in [
        ("0018A001/00080070", "Our Site"),
        ("0018A001/00081090", "research-pacs"),
        ("0018A001/0018A002", "20260115080000"),
        ("0018A001/0040A170/00080100", "109103"),
        ("0018A001/0040A170/00080102", "DCM"),
        ("0018A001/0040A170/00080104", "Modifying Equipment"),
    ] {
        assert_eq!(output.at(path).as_deref(), Some(value), "{path}");
    }
}

#[test]
fn what_was_rewritten_is_recorded_once() {
    let elements = result(
        SR,
        vec![
            text(0x0010_0010, VR::PN, "ANON^1"),
            text(0x0010_0020, VR::LO, "000042"),
            text(0x0008_1030, VR::LO, "Trial read"),
            text(0x0010_1010, VR::AS, "042Y"),
            text(0x0008_0020, VR::DA, "20260110"),
        ],
    );
    let output = Run::usual().elements(&elements).unwrap();
    for (path, value) in [
        ("00080020", "20260110"),
        ("00081030", "Trial read"),
        ("00100010", "ANON^1"),
        ("00100020", "000042"),
        ("00101010", "042Y"),
    ] {
        assert_eq!(output.at(&format!("{MODIFIED}/{path}")).as_deref(), Some(value), "{path}");
    }
    for (path, value) in [
        ("04000561/04000562", "20260115080000"),
        ("04000561/04000563", "research-pacs"),
        ("04000561/04000564", "Partner AI"),
        ("04000561/04000565", "COERCE"),
    ] {
        assert_eq!(output.at(path).as_deref(), Some(value), "{path}");
    }
    assert_eq!(
        output.report.altered,
        ["(0008,0020)", "(0008,1030)", "(0010,0010)", "(0010,0020)", "(0010,1010)"]
    );
    assert!(output.report.altered_not_recorded.is_empty() && output.scan.findings.is_empty());
}

#[test]
fn what_was_issued_is_never_recorded() {
    let mut run = Run::usual();
    run.given.values.insert(Tag(0x0010, 0x0040), b"O ".to_vec());
    let elements = result(
        SR,
        vec![
            text(0x0010_0010, VR::PN, &format!("{CODE}^")),
            text(0x0010_0040, VR::CS, "O"),
            text(0x0010_0030, VR::DA, SHIFTED_DAY),
            text(0x0008_0050, VR::SH, ""),
        ],
    );
    let output = run.elements(&elements).unwrap();
    assert!(!has(&output.elements, 0x0400_0561), "{:?}", output.report.altered);
    // and not as a part of an altered text either
    let elements = result(
        SR,
        vec![
            text(0x0010_0010, VR::PN, "ANON"),
            text(0x0010_0020, VR::LO, "p-7k3m9"),
            text(0x0008_1030, VR::LO, "Read of P7K3M9"),
            text(0x0010_4000, VR::LT, &format!("see {INSTANCE}, 2024-01-15")),
            sequence(0x0010_1002, vec![vec![text(0x0010_0020, VR::LO, CODE)]]),
        ],
    );
    let output = Run::usual().elements(&elements).unwrap();
    assert_eq!(output.at(&format!("{MODIFIED}/00100010")).as_deref(), Some("ANON"));
    assert_eq!(
        output.report.altered_not_recorded,
        ["(0008,1030)", "(0010,0020)", "(0010,1002)", "(0010,4000)"]
    );
    assert!(output.scan.findings.is_empty());
}

#[test]
fn recorded_text_is_in_the_character_set_of_the_output() {
    let mut run = Run::usual();
    run.own = own("ISO_IR 127", "قباني^لنزار");
    let elements = result(
        SR,
        vec![
            text(0x0008_0005, VR::CS, "ISO_IR 100"),
            Element::Value(tag(0x0010_0010), VR::PN, b"M\xFCller".to_vec()),
        ],
    );
    let output = run.elements(&elements).unwrap();
    assert_eq!(output.at("00080005").as_deref(), Some("ISO_IR 192"));
    assert_eq!(output.at(&format!("{MODIFIED}/00100010")).as_deref(), Some("Müller"));
}

#[test]
fn our_items_follow_those_that_are_there() {
    let equipment = sequence(0x0018_A001, vec![vec![text(0x0008_0070, VR::LO, "Partner")]]);
    let original = sequence(0x0400_0561, vec![vec![text(0x0400_0563, VR::LO, "Partner")]]);
    let altered = text(0x0010_0020, VR::LO, "000042");
    let elements = result(SR, vec![equipment, original, altered, uid(0x0008_0014, "1.2.3.4")]);
    let output = Run::usual().elements(&elements).unwrap();
    for (sequence, number) in [("0018A001", 0x0008_0070), ("04000561", 0x0400_0563)] {
        assert_eq!(output.at(sequence).as_deref(), Some("##"));
        let found =
            output.elements.iter().find(|e| e.tag() == tag(u32::from_str_radix(sequence, 16).unwrap()));
        let Some(Element::Sequence(_, items)) = found else { panic!() };
        assert_eq!(crate::tree::at(&items[0], &format!("{number:08X}")).as_deref(), Some("Partner"));
    }
}

#[test]
fn rc_05_the_partners_own_study_uid_is_replaced_everywhere_once_a_person_said_so() {
    let mut run = Run::usual();
    run.identities.fresh.insert("1.2.826.1.9.3".into(), ORIGINAL_STUDY.into());
    let evidence = sequence(0x0040_A375, vec![vec![uid(0x0020_000D, "1.2.826.1.9.3")]]);
    let output = run.elements(&result(SR, vec![uid(0x0020_000D, "1.2.826.1.9.3"), evidence])).unwrap();
    assert_eq!(output.at("0020000D").as_deref(), Some(ORIGINAL_STUDY));
    assert_eq!(output.at("0040A375/0020000D").as_deref(), Some(ORIGINAL_STUDY));
    assert_eq!(output.at(&format!("{MODIFIED}/0020000D")).as_deref(), Some("1.2.826.1.9.3"));
    assert_eq!(output.report.altered, ["(0020,000D)"]);
}

#[test]
fn the_accession_number_of_the_request_is_the_own_one() {
    let request = |study: &str| {
        let item = vec![text(0x0008_0050, VR::SH, ""), uid(0x0020_000D, study)];
        result(SR, vec![sequence(0x0040_A370, vec![item])])
    };
    let path = "0040A370/00080050";
    assert_eq!(Run::usual().elements(&request("2.25.7100")).unwrap().at(path).as_deref(), Some("ACC-0042"));
    // a request of another study: not known, not invented
    assert_eq!(Run::usual().elements(&request("2.25.7199")).unwrap().at(path).as_deref(), Some(""));
}

#[test]
fn rc_04_an_altered_trial_subject_is_recorded_and_an_issued_one_is_not() {
    let output = Run::usual().elements(&result(SR, vec![text(0x0012_0040, VR::LO, "S1")])).unwrap();
    assert_eq!(output.report.altered, ["(0012,0040)"]);
    assert_eq!(output.at("04000561/04000550/00120040").as_deref(), Some("S1"));
    assert_eq!(output.at("00120040"), None);
    assert!(Run::usual().elements(&result(SR, vec![])).unwrap().report.altered.is_empty());
}

#[test]
fn rc_03_a_time_zone_of_the_partner_does_not_date_the_restored_times_anew() {
    let zone = || text(0x0008_0201, VR::SH, "+0900");
    let output = Run::usual().elements(&result(SR, vec![zone()])).unwrap();
    assert_eq!(output.at("00080201"), None);
    assert_eq!(output.at("04000561/04000550/00080201").as_deref(), Some("+0900"));
    // the zone that it was given
    let mut run = Run::usual();
    run.given.values.insert(tag(0x0008_0201), b"+0900 ".to_vec());
    let output = run.elements(&result(SR, vec![zone()])).unwrap();
    assert_eq!(output.at("00080201").as_deref(), Some("+0900"));
    assert!(output.report.altered.is_empty());
}
