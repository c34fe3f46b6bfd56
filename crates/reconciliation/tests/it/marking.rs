//! AC8.7 and AC8.9: marks of de-identification go, marks of research come.

use dicom_stream::VR;
use reconciliation::TrialAttributes;

use crate::support::{CODE, Run, SC, SR, result};
use crate::tree::{Element, has, sequence, tag, text};

#[test]
fn the_marks_of_de_identification_go() {
    let elements = result(
        SR,
        vec![
            text(0x0012_0063, VR::LO, "method"),
            sequence(0x0012_0064, vec![vec![text(0x0008_0100, VR::SH, "113100")]]),
            text(0x0028_0303, VR::CS, "MODIFIED"),
        ],
    );
    let output = Run::usual().elements(&elements).unwrap();
    assert_eq!(output.at("00120062").as_deref(), Some("NO"));
    for number in [0x0012_0063, 0x0012_0064, 0x0028_0303, 0x0012_0040] {
        assert!(!has(&output.elements, number), "{number:08X}");
    }
    // also where the partner had removed the mark itself
    let bare: Vec<Element> =
        elements.into_iter().filter(|element| element.tag() != tag(0x0012_0062)).collect();
    assert_eq!(Run::usual().elements(&bare).unwrap().at("00120062").as_deref(), Some("NO"));
}

#[test]
fn trial_attributes_go_or_the_time_point_stays() {
    let elements = result(
        SR,
        vec![
            text(0x0012_0010, VR::LO, "Sponsor"),
            text(0x0012_0050, VR::LO, "V2"),
            text(0x0012_0060, VR::LO, "Core Lab"),
            sequence(0x0012_0083, vec![]),
        ],
    );
    let mut run = Run::usual();
    let output = run.elements(&elements).unwrap();
    assert!(
        [0x0012_0010, 0x0012_0050, 0x0012_0060, 0x0012_0083]
            .iter()
            .all(|number| !has(&output.elements, *number))
    );
    run.policy.trial = TrialAttributes::KeepTimePoint;
    let output = run.elements(&elements).unwrap();
    assert_eq!(output.at("00120050").as_deref(), Some("V2"));
    assert_eq!(output.at("00120060").as_deref(), Some("Core Lab"));
    assert!([0x0012_0010, 0x0012_0040, 0x0012_0083].iter().all(|number| !has(&output.elements, *number)));
}

#[test]
fn results_are_marked_as_research() {
    let elements = result(SR, vec![text(0x0008_103E, VR::LO, "AI report")]);
    let output = Run::usual().elements(&elements).unwrap();
    assert_eq!(output.at("0008103E").as_deref(), Some("RESEARCH AI report"));
    assert_eq!(output.at("00189004").as_deref(), Some("RESEARCH"));
    assert_eq!(output.at("00200011").as_deref(), Some("9005"));
    assert_eq!(output.at("00080008"), None);
    // absent, empty and long ones; a prefix that is there already
    let output = Run::usual().elements(&result(SR, vec![text(0x0020_0011, VR::IS, "")])).unwrap();
    assert_eq!(output.at("0008103E").as_deref(), Some("RESEARCH"));
    assert_eq!(output.at("00200011").as_deref(), Some("9000"));
    let output =
        Run::usual().elements(&result(SR, vec![text(0x0008_103E, VR::LO, &"x".repeat(64))])).unwrap();
    assert_eq!(output.at("0008103E").unwrap().len(), 64);
    let output = Run::usual().elements(&result(SR, vec![text(0x0008_103E, VR::LO, "RESEARCH x")])).unwrap();
    assert_eq!(output.at("0008103E").as_deref(), Some("RESEARCH x"));
    // one blank after it, however it is configured
    let mut run = Run::usual();
    run.policy.marking.as_mut().unwrap().series_description_prefix = "RESEARCH: ".to_owned();
    let output = run.elements(&elements).unwrap();
    assert_eq!(output.at("0008103E").as_deref(), Some("RESEARCH: AI report"));
    // a partner whose results are no research
    let mut run = Run::usual();
    run.policy.marking = None;
    let output = run.elements(&elements).unwrap();
    assert_eq!(output.at("0008103E").as_deref(), Some("AI report"));
    assert_eq!(output.at("00200011").as_deref(), Some("5"));
    assert!(!has(&output.elements, 0x0018_9004));
}

#[test]
fn image_type_says_derived_and_secondary_where_the_class_leaves_it_free() {
    let image = |image_type: &str| {
        let pixels = Element::Value(tag(0x7FE0_0010), VR::OB, vec![0; 4]);
        result(SC, vec![text(0x0008_0008, VR::CS, image_type), pixels])
    };
    let run = |elements: &[Element]| Run::usual().elements(elements).unwrap().at("00080008").unwrap();
    assert_eq!(run(&image("ORIGINAL\\PRIMARY\\AXIAL")), "DERIVED\\SECONDARY\\AXIAL");
    assert_eq!(run(&image("ORIGINAL")), "DERIVED\\SECONDARY");
    assert_eq!(run(&image("")), "DERIVED\\SECONDARY");
    let without: Vec<Element> =
        image("x").into_iter().filter(|element| element.tag() != tag(0x0008_0008)).collect();
    assert_eq!(run(&without), "DERIVED\\SECONDARY");
    // enumerated in PS3.3 C.8.20.2
    assert_eq!(Run::usual().file("seg").at("00080008").as_deref(), Some("DERIVED\\PRIMARY"));
}

#[test]
fn signatures_that_no_longer_hold_go() {
    let elements = result(SR, vec![sequence(0x4FFE_0001, vec![]), sequence(0xFFFA_FFFA, vec![])]);
    let output = Run::usual().elements(&elements).unwrap();
    assert!(output.report.signatures_removed);
    assert!(!has(&output.elements, 0x4FFE_0001) && !has(&output.elements, 0xFFFA_FFFA));
    assert!(!output.bytes.windows(CODE.len()).any(|window| window == CODE.as_bytes()));
}

#[test]
fn of_an_attribute_that_was_received_twice_the_first_goes_back() {
    let mut run = Run::usual();
    let mut second = run.own.attributes.iter().find(|of| of.tag == tag(0x0010_0020)).unwrap().clone();
    second.value = reconciliation::Value::Bytes(b"PID 9999".to_vec());
    run.own.attributes.push(second);
    let output = run.elements(&result(SR, vec![])).unwrap();
    assert_eq!(output.at("00100020").as_deref(), Some("PID 0815"));
}
