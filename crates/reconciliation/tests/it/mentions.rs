//! UIDs and codes that stand in text, in bytes of unknown meaning and in documents (RR-3, RR-9, RC-04, RC-06, RC-09): the caller looks up what
//! the survey names, and nothing else.

use std::collections::BTreeSet;

use dicom_stream::{ReadError, SourceError, TransferSyntax, VR};
use reconciliation::{
    FindingKind, Issued, Judgement, Kind, LIMITS, ManualReason, Outcome, RefuseReason, SurveyError,
    TextPseudonym, TextRule, judge, survey, uids_of,
};

use crate::support::{
    BOB, CODE, INSTANCE, Run, SR, UIDS, conditions, issued, issued_uid, reference, result, surveyed,
};
use crate::tree::{Element, explicit, sequence, tag, text, uid};

/// An instance of Alice's that nothing refers to as a UID, and one of Bob's.
const MENTIONED: &str = UIDS[4].0;
const BOBS: &str = "2.25.8201";

fn raw(vr: VR, value: &str) -> Element {
    let mut bytes = value.as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    Element::Value(tag(0x0009_1001), vr, bytes)
}

/// The places where a UID may stand without being one.
fn places(uid_there: &str) -> Vec<Element> {
    let wide: Vec<u8> = uid_there.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        sequence(0x0040_A730, vec![vec![text(0x0040_A160, VR::UT, &format!("see {uid_there}."))]]),
        text(0x0008_103E, VR::LO, uid_there),
        text(0x0008_1030, VR::LO, uid_there),
        text(0x0008_1190, VR::UR, &format!("https://x.invalid/studies/{uid_there}/1")),
        raw(VR::UT, &format!("{{\"uid\":\"{uid_there}\"}}")),
        raw(VR::UN, uid_there),
        raw(VR::UN, &format!("\u{1}x {uid_there}")),
        raw(VR::OB, uid_there),
        raw(VR::OF, &format!("{uid_there}  ")),
        Element::Value(tag(0x0009_1001), VR::UN, wide),
        uid(0x0062_0021, &format!("{uid_there}.7")),
        sequence(0x0009_1002, vec![vec![raw(VR::UN, uid_there)]]),
    ]
}

/// Each level is a copy of all that is below it.
#[test]
fn long_sequences_as_un_inside_of_one_another_are_not_copied_without_end() {
    let item = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        [&[0xFE, 0xFF, 0x00, 0xE0][..], &length, bytes].concat()
    };
    let element = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        [&[0x09, 0x00, 0x01, 0x10][..], &length, bytes].concat()
    };
    let mut value = item(&element(&vec![0; 15 << 20]));
    for _ in 0..20 {
        value = item(&element(&value));
    }
    let bytes = explicit(&result(SR, vec![Element::Value(tag(0x0009_1001), VR::UN, value)]));
    let surveyed = survey(&bytes[..], &TransferSyntax::EXPLICIT_LITTLE, LIMITS);
    assert!(matches!(surveyed, Err(SurveyError::Source(SourceError::Read(ReadError::TooLong { .. })))));
}

#[test]
fn a_patient_id_in_an_item_that_is_longer_than_any_is_not_held() {
    let of = |length: usize| {
        let item = vec![text(0x0010_0020, VR::UT, &"x".repeat(length))];
        let bytes = explicit(&result(SR, vec![sequence(0x0010_1002, vec![item])]));
        survey(&bytes[..], &TransferSyntax::EXPLICIT_LITTLE, LIMITS)
    };
    assert!(of(4096).is_ok());
    assert!(matches!(of(4098), Err(SurveyError::TooLong { .. })));
}

/// As the caller judges: with what it found of the UIDs that the set names.
fn judged(elements: &[Element], known: &Issued) -> Judgement {
    let set = [surveyed(elements)];
    let named = uids_of(&set);
    let mut issued = known.clone();
    issued.uids.retain(|uid, _| named.contains(uid.as_str()));
    for uids in [&mut issued.elsewhere, &mut issued.originals] {
        uids.retain(|uid| named.contains(uid.as_str()));
    }
    judge(&set, &issued, &conditions())
}

#[test]
fn rr_9_a_pseudonym_uid_that_only_text_or_private_bytes_hold_is_found_or_mapped() {
    for place in places(MENTIONED) {
        let elements = result(SR, vec![place.clone(), reference(INSTANCE)]);
        assert!(matches!(judged(&elements, &issued()).outcome, Outcome::Accept { .. }), "{place:?}");
        let output = Run::usual().elements(&elements).unwrap();
        let is_left = output.bytes.windows(MENTIONED.len()).any(|window| window == MENTIONED.as_bytes())
            || output.bytes.windows(3).any(|window| window == b"2\0.");
        let kinds: BTreeSet<_> = output.scan.findings.iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds.contains(&FindingKind::Uid), is_left, "{place:?}");
    }
    let element = raw(VR::UN, MENTIONED);
    let output = Run::usual().elements(&result(SR, vec![element])).unwrap();
    assert_eq!(output.at("00091001").as_deref(), Some(UIDS[4].1), "RC-09: private as UN");
}

#[test]
fn rr_3_a_rule_replaces_a_uid_that_only_the_text_holds() {
    let mut run = Run::usual();
    run.policy.text_rules = vec![TextRule::parse("(0040,A730)/(0040,A160)", &[TextPseudonym::Uid]).unwrap()];
    let output = run.elements(&result(SR, vec![places(MENTIONED).remove(0)])).unwrap();
    assert_eq!(output.at("0040A730/0040A160"), Some(format!("see {}.", UIDS[4].1)));
    assert!(output.scan.findings.is_empty());
}

#[test]
fn rc_04_a_uid_of_another_participant_is_refused_wherever_it_stands() {
    let mut issued = issued();
    issued.uids.insert(BOBS.into(), issued_uid(Kind::Instance, BOB));
    for place in places(BOBS) {
        let outcome = judged(&result(SR, vec![place.clone(), reference(INSTANCE)]), &issued).outcome;
        let reasons = BTreeSet::from([RefuseReason::SeveralParticipants]);
        assert_eq!(outcome, Outcome::Refuse { reasons }, "{place:?}");
    }
}

#[test]
fn rc_06_a_real_uid_or_one_issued_elsewhere_is_refused_wherever_it_stands() {
    for (real, reason) in [(true, RefuseReason::OriginalUid), (false, RefuseReason::IssuedElsewhere)] {
        let mut issued = issued();
        let list = if real { &mut issued.originals } else { &mut issued.elsewhere };
        list.insert("2.25.9999".into());
        for place in places("2.25.9999") {
            let outcome = judged(&result(SR, vec![place.clone(), reference(INSTANCE)]), &issued).outcome;
            assert_eq!(outcome, Outcome::Refuse { reasons: [reason].into() }, "{place:?}");
        }
    }
}

#[test]
fn a_uid_in_text_proposes_nobody() {
    let nothing = [0x0010_0010, 0x0010_0020, 0x0012_0040].map(|number| text(number, VR::LO, ""));
    let mut elements = result(SR, nothing.to_vec());
    elements.retain(|element| element.tag() != tag(0x0020_000D));
    elements.push(raw(VR::UT, MENTIONED));
    elements.sort_by_key(Element::tag);
    assert!(matches!(judged(&elements, &issued()).outcome, Outcome::Manual { proposal: None, .. }));
}

/// A content item of a report (PS3.16 TID 1007 for the subject context).
fn content(concept: &str, value: Element) -> Element {
    let name = vec![text(0x0008_0100, VR::SH, concept), text(0x0008_0102, VR::SH, "DCM")];
    sequence(0x0040_A730, vec![vec![sequence(0x0040_A043, vec![name]), value]])
}

fn outcome(more: Element) -> Outcome {
    judged(&result(SR, vec![more, reference(INSTANCE)]), &issued()).outcome
}

#[test]
fn rc_04_the_code_of_another_participant_is_refused_however_and_wherever_it_is_written() {
    for code in ["P-BBBB7", "p-bbbb7", " P-BBBB7  "] {
        let nested = |number, vr| sequence(0x0010_2203, vec![vec![text(number, vr, code)]]);
        for place in [
            text(0x0010_0010, VR::PN, code),
            text(0x0010_0010, VR::PN, &format!("{code}^^")),
            text(0x0010_0020, VR::LO, code),
            text(0x0012_0040, VR::LO, code),
            text(0x0010_1000, VR::LO, &format!("X\\{code}")),
            text(0x0008_1030, VR::LO, &format!("case {code}")),
            nested(0x0010_0020, VR::LO),
            nested(0x0010_0010, VR::PN),
            content("121030", text(0x0040_A160, VR::UT, code)),
            content("121029", text(0x0040_A123, VR::PN, code)),
            content("121106", text(0x0040_A160, VR::UT, &format!("as in {code}_2, left"))),
            raw(VR::UN, code),
            raw(VR::UT, &format!("{{\"id\":\"{code}\"}}")),
        ] {
            let reasons = BTreeSet::from([RefuseReason::SeveralParticipants]);
            assert_eq!(outcome(place.clone()), Outcome::Refuse { reasons }, "{place:?}");
        }
    }
}

#[test]
fn rc_04_a_short_code_of_another_is_refused_as_an_id_and_asked_about_in_text() {
    for place in [
        text(0x0010_0020, VR::LO, "b7"),
        text(0x0010_1000, VR::LO, "B7"),
        content("121030", text(0x0040_A160, VR::UT, "B7")),
    ] {
        assert!(matches!(outcome(place.clone()), Outcome::Refuse { .. }), "{place:?}");
    }
    let asked = outcome(content("121106", text(0x0040_A160, VR::UT, "as in s-7, left")));
    let Outcome::Manual { reasons, proposal: Some(_) } = asked else { panic!("{asked:?}") };
    assert_eq!(reasons, BTreeSet::from([ManualReason::OtherCodeInText]));
}

#[test]
fn rc_06_a_code_that_this_partner_was_never_given_is_refused() {
    let mut issued = issued();
    issued.codes_elsewhere.insert("P-CCCC8".into());
    for place in [text(0x0008_1030, VR::LO, "of P-CCCC8"), text(0x0010_0020, VR::LO, "P-cccc8")] {
        let outcome = judged(&result(SR, vec![place.clone(), reference(INSTANCE)]), &issued).outcome;
        assert_eq!(outcome, Outcome::Refuse { reasons: [RefuseReason::IssuedElsewhere].into() }, "{place:?}");
    }
}

#[test]
fn rc_04_an_id_or_name_inside_that_is_not_the_code_is_a_persons_case() {
    use ManualReason::{PatientIdAltered, PatientNameAltered};
    let nested = |number, vr, value| sequence(0x0040_A730, vec![vec![text(number, vr, value)]]);
    for (place, reason) in [
        (nested(0x0010_0020, VR::LO, "HOSP-0020"), PatientIdAltered),
        (nested(0x0010_0010, VR::PN, "DUPONT^BOB"), PatientNameAltered),
        (sequence(0x0010_1100, vec![vec![text(0x0010_0010, VR::PN, "DUPONT^BOB")]]), PatientNameAltered),
        (sequence(0x0010_1002, vec![vec![text(0x0010_0020, VR::LO, "HOSP-0020")]]), PatientIdAltered),
        (content("121030", text(0x0040_A160, VR::UT, "HOSP-0020")), PatientIdAltered),
        (content("121029", text(0x0040_A123, VR::PN, "DUPONT^BOB")), PatientNameAltered),
    ] {
        let Outcome::Manual { reasons, .. } = outcome(place.clone()) else { panic!("{place:?}") };
        assert_eq!(reasons, BTreeSet::from([reason]), "{place:?}");
    }
    // the code, and what goes anyway
    for place in [
        nested(0x0010_0020, VR::LO, CODE),
        nested(0x0010_0010, VR::PN, "P-7K3M9^^"),
        content("121030", text(0x0040_A160, VR::UT, CODE)),
        content("121029", text(0x0040_A123, VR::PN, CODE)),
        text(0x0010_1000, VR::LO, "HOSP-0020"),
    ] {
        assert!(matches!(outcome(place.clone()), Outcome::Accept { .. }), "{place:?}");
    }
}

#[test]
fn rr_11_the_code_of_another_is_never_recorded() {
    let mut run = Run::usual();
    run.given.others.insert("S-7".into());
    let output = run.elements(&result(SR, vec![text(0x0008_1030, VR::LO, "as s-7")])).unwrap();
    assert_eq!(output.report.altered_not_recorded, ["(0008,1030)"]);
    assert!(output.at("04000561").is_none());
}

/// Encapsulated CDA Storage with this patient role.
fn document(id: &str, name: &str) -> Vec<Element> {
    let body = format!(
        "<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><recordTarget><patientRole><id root=\"1.2.3\" extension=\"{id}\"/>\
         <patient><name>{name}</name></patient></patientRole></recordTarget></ClinicalDocument>"
    );
    let mut body = body.into_bytes();
    body.resize(body.len().next_multiple_of(2), b'\n');
    result(
        "1.2.840.10008.5.1.4.1.1.104.2",
        vec![Element::Value(tag(0x0042_0011), VR::OB, body), reference(INSTANCE)],
    )
}

#[test]
fn a_clinical_document_about_somebody_else_is_not_rewritten_in_silence() {
    use ManualReason::{PatientIdAltered, PatientNameAltered};
    let judged = |id, name| judged(&document(id, name), &issued()).outcome;
    assert!(matches!(judged(CODE, CODE), Outcome::Accept { .. }));
    assert!(matches!(judged(CODE, "<family>P-7K3M9</family>"), Outcome::Accept { .. }));
    assert!(matches!(judged(CODE, ""), Outcome::Accept { .. }));
    for (id, name, expected) in [
        ("HOSP-0020", CODE, vec![PatientIdAltered]),
        (CODE, "DUPONT BOB", vec![PatientNameAltered]),
        (
            "HOSP-0020",
            "<given>Bob</given><family>Dupont</family>",
            vec![PatientIdAltered, PatientNameAltered],
        ),
    ] {
        let Outcome::Manual { reasons, .. } = judged(id, name) else { panic!("{id} {name}") };
        assert_eq!(reasons.into_iter().collect::<Vec<_>>(), expected);
    }
    for (id, name) in [("p-bbbb7", CODE), (CODE, "P-BBBB7"), (CODE, "P-BBBB&#55;"), ("B7", CODE)] {
        assert!(matches!(judged(id, name), Outcome::Refuse { .. }), "{id} {name}");
    }
}
