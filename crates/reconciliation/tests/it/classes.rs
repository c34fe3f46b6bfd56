//! Table 8.3: each class as partners make it (`data/make.py`): references resolve, no pseudonym is left, the identity is back.

use dicom_stream::{Tag, VR};
use reconciliation::{NotInspected, Outcome, judge};

use crate::support::{ALICE, CODE, DAY, NAMES, Run, UIDS, conditions, file, issued, own, survey_file};
use crate::tree::{at, read, uids};

const CLASSES: [&str; 8] = ["seg", "sr", "pm", "kos", "gsps", "sc", "rtstruct", "pdf"];

#[test]
fn each_class_is_accepted_and_comes_back_whole() {
    let set: Vec<_> = CLASSES.iter().map(|name| survey_file(name)).collect();
    let judgement = judge(&set, &issued(), &conditions());
    assert_eq!(judgement.outcome, Outcome::Accept { participant: ALICE });
    assert!(judgement.regenerate.is_empty());
    for name in CLASSES {
        for (character_set, patient) in NAMES {
            let run = Run { own: own(character_set, patient), ..Run::usual() };
            let output = run.file(name);
            assert!(output.scan.findings.is_empty(), "{name}: {:?}", output.scan.findings);
            let (syntax, bytes) = file(name);
            let before = read(&bytes, syntax);
            for (path, uid) in uids(&output.elements) {
                assert!(!uid.starts_with("2.25.7"), "{name} {path}");
            }
            // nothing but the identity, the marks and the traces differs
            assert!(output.report.altered.is_empty(), "{name}: {:?}", output.report.altered);
            assert_eq!(output.at("00100020").as_deref(), Some("PID 0815"));
            assert_eq!(output.at("00100030").as_deref(), Some("19480229"));
            assert_eq!(output.at("00080020").as_deref(), Some(DAY));
            assert_eq!(output.at("0020000D").as_deref(), Some(UIDS[0].1));
            assert_eq!(at(&before, "00080018"), output.at("00080018"));
            assert_eq!(at(&before, "00080070"), output.at("00080070"));
        }
    }
}

#[test]
fn the_study_uid_in_the_reference_of_an_rtstruct_maps_back() {
    let output = Run::usual().file("rtstruct");
    let study = "30060010/30060012";
    assert_eq!(output.at(&format!("{study}/00081155")).as_deref(), Some(UIDS[0].1));
    assert_eq!(output.at(&format!("{study}/30060014/0020000E")).as_deref(), Some(UIDS[1].1));
    assert_eq!(output.at(&format!("{study}/30060014/30060016/00081155")).as_deref(), Some(UIDS[3].1));
    assert_eq!(output.at("30060010/00200052").as_deref(), Some(UIDS[2].1));
    assert_eq!(output.at("30060020/30060024").as_deref(), Some(UIDS[2].1));
}

#[test]
fn rc_10_documents_and_captures_ask_a_person() {
    let pdf = Run::usual().file("pdf");
    assert_eq!(pdf.report.not_inspected, [NotInspected::DocumentBody]);
    assert!(pdf.scan.not_searched.contains(&NotInspected::DocumentBody));
    // the body is not touched, code and all
    assert!(pdf.bytes.windows(CODE.len()).any(|window| window == CODE.as_bytes()));
    assert!(survey_file("pdf").is_document);
    assert_eq!(Run::usual().file("sc").report.not_inspected, [NotInspected::SecondaryCapturePixels]);
    assert_eq!(Run::usual().file("seg").report.not_inspected, [NotInspected::Pixels]);
    assert!(Run::usual().file("sr").report.not_inspected.is_empty());
}

#[test]
fn pixels_and_names_of_the_partner_are_not_touched() {
    let (syntax, bytes) = file("seg");
    let (before, after) = (read(&bytes, syntax), Run::usual().file("seg"));
    assert_eq!(at(&before, "7FE00010"), after.at("7FE00010"));
    assert!(after.holds(Tag(0x0070, 0x0084), VR::PN, b"Creator^J\xFCrgen"));
}
