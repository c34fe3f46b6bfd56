//! RC-03, RR-8: three classes of dates.

use dicom_stream::VR;
use reconciliation::{ManualReason, Outcome, ReconciliationError, judge};

use crate::support::{
    ALICE, INSTANCE, Run, SHIFTED_DAY, SR, conditions, issued, reference, result, surveyed,
};
use crate::tree::{Element, sequence, text};

fn content_item(vr: VR, number: u32, value: &str) -> Element {
    sequence(0x0040_A730, vec![vec![text(number, vr, value)]])
}

#[test]
fn rc_03_issued_dates_go_back_and_the_partners_stay() {
    let elements = result(
        SR,
        vec![
            reference(INSTANCE),
            text(0x0008_0012, VR::DA, "20260110"),
            text(0x0008_0022, VR::DA, SHIFTED_DAY),
            text(0x0008_0023, VR::DA, SHIFTED_DAY),
            text(0x0008_002A, VR::DT, "20240115101500.5+0100"),
            text(0x0040_A032, VR::DT, "20260131235959"),
            content_item(VR::DA, 0x0040_A121, "20240115\\20240115"),
        ],
    );
    assert_eq!(
        judge(&[surveyed(&elements)], &issued(), &conditions()).outcome,
        Outcome::Accept { participant: ALICE }
    );
    let output = Run::usual().elements(&elements).unwrap();
    for (path, value) in [
        ("00080012", "20260110"),
        ("00080020", "20240120"),
        ("00080022", "20240120"),
        // a processing date that is an issued one is an issued one
        ("00080023", "20240120"),
        ("0008002A", "20240120101500.5+0100"),
        ("0040A032", "20260131235959"),
        ("0040A730/0040A121", "20240120\\20240120"),
    ] {
        assert_eq!(output.at(path).as_deref(), Some(value), "{path}");
    }
    assert_eq!((output.report.dates_restored, output.report.dates_kept), (5, 2));
    assert!(output.scan.findings.is_empty());
    // the time zone was removed at export: not invented
    assert_eq!(output.at("00080201"), None);
}

/// Issued, of the partner's work, and neither, in DA, DT and items: the third alone asks a person, and is kept once accepted.
#[test]
fn rc_03_all_three_classes_in_one_object() {
    let elements = result(
        SR,
        vec![
            reference(INSTANCE),
            text(0x0008_0012, VR::DA, "20260110"),
            text(0x0008_0022, VR::DA, SHIFTED_DAY),
            text(0x0008_002A, VR::DT, "20240115101500"),
            text(0x0040_A032, VR::DT, "20260131235959"),
            sequence(
                0x0040_A730,
                vec![
                    vec![text(0x0040_A121, VR::DA, SHIFTED_DAY)],
                    vec![text(0x0040_A120, VR::DT, "20200229120000")],
                    vec![text(0x0040_A13A, VR::DT, "20240115")],
                ],
            ),
        ],
    );
    let Outcome::Manual { reasons, proposal } =
        judge(&[surveyed(&elements)], &issued(), &conditions()).outcome
    else {
        panic!()
    };
    assert_eq!(reasons, [ManualReason::DateOfNoClass].into());
    assert_eq!(proposal.map(|proposal| proposal.participant), Some(ALICE));
    let mut run = Run::usual();
    let Err(ReconciliationError::DateOfNoClass { path }) = run.elements(&elements) else { panic!() };
    assert_eq!(path.to_string(), "(0040,A730)[2](0040,A120)");
    run.policy.accepted_dates.insert(20_200_229);
    let output = run.elements(&elements).unwrap();
    let Some(Element::Sequence(_, items)) =
        output.elements.iter().find(|element| element.tag() == crate::tree::tag(0x0040_A730))
    else {
        panic!()
    };
    let of_item = |item: usize, path: &str| crate::tree::at(&items[item], path).unwrap();
    assert_eq!(
        [of_item(0, "0040A121"), of_item(1, "0040A120"), of_item(2, "0040A13A")],
        ["20240120", "20200229120000", "20240120"]
    );
    assert_eq!(output.at("0008002A").as_deref(), Some("20240120101500"));
    assert_eq!((output.report.dates_restored, output.report.dates_kept), (4, 3));
    assert!(output.scan.findings.is_empty(), "{:?}", output.scan.findings);
}

/// What de-identification wrote in the place of a date (PS3.15 E.3, action D) is no shifted date: it means nothing, and a person decides.
#[test]
fn rc_03_a_dummy_that_the_partner_copied_is_a_persons_case() {
    let elements = result(SR, vec![reference(INSTANCE), text(0x0008_002A, VR::DT, "19000101000000")]);
    let outcome = judge(&[surveyed(&elements)], &issued(), &conditions()).outcome;
    assert!(
        matches!(outcome, Outcome::Manual { reasons, .. } if reasons == [ManualReason::DateOfNoClass].into())
    );
}

#[test]
fn rc_03_a_date_of_no_class_is_a_persons_case() {
    for element in [
        text(0x0008_0012, VR::DA, "20251231"),               // before the export
        text(0x0008_0012, VR::DA, "20260201"),               // after receipt
        text(0x0008_0022, VR::DA, "20260110"),               // no processing date
        text(0x0008_0022, VR::DA, "20240116"),               // a day beside the issued one
        text(0x0008_0012, VR::DA, "2026"),                   // no whole day
        content_item(VR::DT, 0x0040_A120, "20240114120000"), // in an item
        Element::Value(crate::tree::tag(0x0008_0022), VR::UN, b"20240116".to_vec()),
    ] {
        let elements = result(SR, vec![reference(INSTANCE), element.clone()]);
        let outcome = judge(&[surveyed(&elements)], &issued(), &conditions()).outcome;
        let Outcome::Manual { reasons, .. } = outcome else { panic!("{element:?}") };
        assert_eq!(reasons, [ManualReason::DateOfNoClass].into());
        let error = Run::usual().elements(&elements).err().unwrap();
        assert!(matches!(error, ReconciliationError::DateOfNoClass { .. }), "{element:?}");
    }
    // accepted by a person
    let mut run = Run::usual();
    run.policy.accepted_dates.insert(20_240_116);
    let output = run.elements(&result(SR, vec![text(0x0008_0022, VR::DA, "20240116")])).unwrap();
    assert_eq!(output.at("00080022").as_deref(), Some("20240116"));
}

#[test]
fn rc_12_the_shift_is_that_of_the_export() {
    // one study, exported to two partners: 20 January as the 15th and as 2 February
    for (shifted, days) in [("20240115", -5), ("20240202", 13)] {
        let mut run = Run::usual();
        run.identities.shifted = [shifted.parse().unwrap()].into();
        run.identities.shift_days = days;
        let elements =
            result(SR, vec![text(0x0008_0020, VR::DA, shifted), text(0x0008_0022, VR::DA, shifted)]);
        assert_eq!(run.elements(&elements).unwrap().at("00080022").as_deref(), Some("20240120"));
        // what only the other one got is of no class
        run.identities.shifted = [20_240_116].into();
        assert!(run.elements(&elements).is_err());
    }
}
