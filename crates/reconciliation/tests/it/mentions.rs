//! UIDs and codes that stand in text, in bytes of unknown meaning and in documents (RR-3, RR-9, RC-04, RC-06, RC-09): the caller looks up what
//! the survey names, and nothing else.

use std::collections::BTreeSet;

use dicom_stream::VR;
use reconciliation::{
    FindingKind, Issued, Judgement, Kind, Outcome, RefuseReason, TextPseudonym, TextRule, judge, uids_of,
};

use crate::support::{
    BOB, INSTANCE, Run, SR, UIDS, conditions, issued, issued_uid, reference, result, surveyed,
};
use crate::tree::{Element, sequence, tag, text, uid};

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
