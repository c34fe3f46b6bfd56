//! RR-3: text changes by a reviewed rule only, and what it leaves is stopped by the reverse scan (RR-9).

use dicom_stream::VR;
use reconciliation::{FindingKind, TextPseudonym, TextRule};

use crate::support::{CODE, INSTANCE, Run, SR, UIDS, own, result};
use crate::tree::{Element, sequence, text};

/// A report whose subject context and text show the pseudonyms (PS3.16 TID 1007).
fn report() -> Vec<Element> {
    let item = |kind: u32, vr, value: &str| vec![text(kind, vr, value)];
    result(
        SR,
        vec![
            text(0x0008_103E, VR::LO, &format!("Read of {CODE}")),
            sequence(
                0x0040_A730,
                vec![
                    item(0x0040_A160, VR::UT, &format!("Subject {CODE}, image {INSTANCE}.")),
                    item(0x0040_A123, VR::PN, CODE),
                ],
            ),
        ],
    )
}

fn rules(paths: &[&str]) -> Run {
    let both = [TextPseudonym::Uid, TextPseudonym::Code];
    let mut run = Run::usual();
    run.policy.text_rules = paths.iter().map(|path| TextRule::parse(path, &both).unwrap()).collect();
    run
}

#[test]
fn rr_3_without_a_rule_text_stays_and_is_found() {
    let output = Run::usual().elements(&report()).unwrap();
    assert_eq!(output.at("0040A730/0040A160"), Some(format!("Subject {CODE}, image {INSTANCE}.")));
    let kinds: Vec<_> = output.scan.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::Code, FindingKind::Code, FindingKind::Uid, FindingKind::Code]);
    assert_eq!(output.report.texts_rewritten, 0);
}

#[test]
fn rr_3_a_rule_replaces_at_its_place_and_nowhere_else() {
    let output = rules(&["*/(0040,A160)"]).elements(&report()).unwrap();
    assert_eq!(output.at("0040A730/0040A160"), Some(format!("Subject PID 0815, image {}.", UIDS[3].1)));
    assert_eq!(output.report.texts_rewritten, 1);
    let found: Vec<_> = output.scan.findings.iter().map(|finding| finding.path.to_string()).collect();
    assert_eq!(found, ["(0008,103E)", "(0040,A730)[2](0040,A123)"], "what has no rule is still stopped");
}

#[test]
fn rr_3_rules_for_all_places_leave_nothing_and_a_name_becomes_the_name() {
    for (set, name) in crate::support::NAMES {
        let mut run = rules(&["(0008,103E)", "*/(0040,A160)", "(0040,A730)/(0040,A123)"]);
        run.own = own(set, name);
        let output = run.elements(&report()).unwrap();
        assert!(output.scan.findings.is_empty(), "{:?}", output.scan.findings);
        assert_eq!(output.at("0008103E").as_deref(), Some("RESEARCH Read of PID 0815"));
        let named = crate::tree::bytes_at(&output.elements, "00100010").unwrap();
        let Some(Element::Sequence(_, items)) =
            output.elements.iter().find(|element| element.tag() == crate::tree::tag(0x0040_A730))
        else {
            panic!()
        };
        assert_eq!(crate::tree::bytes_at(&items[1], "0040A123").unwrap(), named, "{set}");
    }
}

#[test]
fn rr_3_what_would_be_longer_than_its_vr_stays_for_a_person() {
    let mut run = rules(&["(0008,1010)"]);
    let id = run.own.attributes.iter_mut().find(|of| of.tag == crate::tree::tag(0x0010_0020)).unwrap();
    id.value = reconciliation::Value::Bytes(b"A NUMBER OF MORE THAN SIXTEEN ".to_vec());
    let output = run.elements(&result(SR, vec![text(0x0008_1010, VR::SH, CODE)])).unwrap();
    assert_eq!(output.at("00081010").as_deref(), Some(CODE));
    assert_eq!(output.scan.findings.len(), 1);
}

/// The subject context of a report (PS3.16 TID 1007) names the patient again, without a rule; the same text under another concept does not.
#[test]
fn the_subject_of_a_report_is_the_patient_again() {
    let item = |concept: &str, value| {
        let name = vec![text(0x0008_0100, VR::SH, concept), text(0x0008_0102, VR::SH, "DCM")];
        vec![sequence(0x0040_A043, vec![name]), value]
    };
    let said = |items: Vec<Vec<Element>>| {
        let run = Run { own: own("ISO_IR 192", "Müller^Jörg"), ..Run::usual() };
        let output = run.elements(&result(SR, vec![sequence(0x0040_A730, items)])).unwrap();
        let values = ["0040A730/0040A160", "0040A730/0040A123"].map(|path| output.at(path));
        (values, output.scan.findings.len())
    };
    let id = || item("121030", text(0x0040_A160, VR::UT, CODE));
    let name = || item("121029", text(0x0040_A123, VR::PN, &format!("{CODE}^^")));
    assert_eq!(said(vec![id()]), ([Some("PID 0815".to_owned()), None], 0));
    assert_eq!(said(vec![name()]), ([None, Some("Müller^Jörg".to_owned())], 0));
    let comment = || item("121106", text(0x0040_A160, VR::UT, CODE));
    assert_eq!(said(vec![comment()]), ([Some(CODE.to_owned()), None], 1));
    assert_eq!(said(vec![name(), comment()]).1, 1, "the concept is that of its own item");
}
