//! AC8.1: every combination of the four keys, and the pitfalls of identity (RC-04, RC-05, RC-06, RC-11).

use std::collections::BTreeSet;

use dicom_stream::VR;
use reconciliation::{
    IssuedUid, Kind, ManualReason, Outcome, Proposal, RefuseReason, Survey, codes_of, judge,
};

use crate::support::{
    ALICE, BOB, CODE, INSTANCE, SR, STUDY, STUDY_KEY, conditions, issued, issued_uid, reference, result,
    surveyed,
};
use crate::tree::{Element, text, uid};

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Absent,
    Unknown,
    Alice,
    Bob,
}

const STATES: [State; 4] = [State::Absent, State::Unknown, State::Alice, State::Bob];

/// A result with the keys in these states: code, trial subject, study, references.
fn with_keys([code, subject, study, references]: [State; 4]) -> Vec<Element> {
    let pick = |state, alice: &str, bob: &str, unknown: &str| match state {
        State::Absent => String::new(),
        State::Unknown => unknown.to_owned(),
        State::Alice => alice.to_owned(),
        State::Bob => bob.to_owned(),
    };
    let code_of = |state| pick(state, CODE, "P-BBBB7", "ANON-1");
    let mut more = vec![
        text(0x0010_0010, VR::PN, ""),
        text(0x0010_0020, VR::LO, &code_of(code)),
        text(0x0012_0040, VR::LO, &code_of(subject)),
        uid(0x0020_000D, &pick(study, STUDY, "2.25.8100", "1.2.826.1.9.3")),
    ];
    if references != State::Absent {
        more.push(reference(&pick(references, INSTANCE, "2.25.8201", "1.2.826.1.9.4")));
    }
    result(SR, more)
}

#[test]
fn every_combination_of_keys() {
    let mut issued = issued();
    issued.uids.insert("2.25.8100".into(), issued_uid(Kind::Study, BOB));
    issued.uids.insert("2.25.8201".into(), issued_uid(Kind::Instance, BOB));
    let mut accepted = 0;
    for n in 0..256 {
        let states = [n % 4, n / 4 % 4, n / 16 % 4, n / 64].map(|at| STATES[at]);
        let [code, subject, study, references] = states;
        let set = [surveyed(&with_keys(states))];
        let outcome = judge(&set, &issued, &conditions()).outcome;
        let count = |state| states.iter().filter(|other| **other == state).count();
        match outcome {
            Outcome::Refuse { reasons } => {
                assert!(count(State::Alice) > 0 && count(State::Bob) > 0, "{states:?}");
                assert_eq!(reasons, BTreeSet::from([RefuseReason::SeveralParticipants]), "{states:?}");
                continue;
            }
            _ => assert!(count(State::Alice) == 0 || count(State::Bob) == 0, "{states:?}"),
        }
        match judge(&set, &issued, &conditions()).outcome {
            Outcome::Accept { participant } => {
                accepted += 1;
                let (who, state) =
                    if participant == ALICE { (ALICE, State::Alice) } else { (BOB, State::Bob) };
                assert!(participant == who && count(state) >= 2 && count(State::Unknown) == 0, "{states:?}");
                assert_eq!(study, state, "{states:?}");
            }
            Outcome::Hold => assert_eq!(references, State::Unknown, "{states:?}"),
            Outcome::Manual { reasons, proposal } => {
                let known = count(State::Alice) + count(State::Bob);
                let few = known < 2 && reasons.contains(&ManualReason::TooFewKeys);
                let unknown_study = matches!(study, State::Absent | State::Unknown)
                    && reasons.contains(&ManualReason::StudyUnknown);
                let altered = code == State::Unknown || subject == State::Unknown;
                assert!(few || unknown_study || altered, "{states:?} {reasons:?}");
                let by_uid = matches!(study, State::Alice | State::Bob)
                    || matches!(references, State::Alice | State::Bob);
                assert_eq!(proposal.is_some(), by_uid, "{states:?}");
            }
            Outcome::Refuse { .. } => unreachable!(),
        }
    }
    // of one participant: study, and one to three of the other keys, the rest absent; two participants
    assert_eq!(accepted, 14);
}

#[test]
fn rc_04_a_rewritten_patient_id_or_name_is_a_persons_case_with_a_proposal() {
    let proposal = Some(Proposal { participant: ALICE, study: Some(STUDY_KEY.to_owned()) });
    for (more, reason) in [
        (text(0x0010_0020, VR::LO, "p-7k3m9"), ManualReason::PatientIdAltered),
        (text(0x0010_0020, VR::LO, "000042"), ManualReason::PatientIdAltered),
        (text(0x0010_0010, VR::PN, "ANON"), ManualReason::PatientNameAltered),
        (text(0x0012_0040, VR::LO, "S1"), ManualReason::TrialSubjectAltered),
    ] {
        let set = [surveyed(&result(SR, vec![more, reference(INSTANCE)]))];
        let expected = Outcome::Manual { reasons: BTreeSet::from([reason]), proposal: proposal.clone() };
        assert_eq!(judge(&set, &issued(), &conditions()).outcome, expected, "{}", reason.word());
    }
    // padding is no change
    let padded = [
        text(0x0010_0020, VR::LO, &format!(" {CODE}   ")),
        text(0x0010_0010, VR::PN, &format!("{CODE}^^^^ ")),
    ];
    let set = [surveyed(&result(SR, padded.to_vec()))];
    assert_eq!(judge(&set, &issued(), &conditions()).outcome, Outcome::Accept { participant: ALICE });
}

#[test]
fn rc_04_two_participants_are_refused_in_one_object_and_in_one_set() {
    let mut issued = issued();
    issued.uids.insert("2.25.8100".into(), issued_uid(Kind::Study, BOB));
    issued.uids.insert("2.25.8102".into(), issued_uid(Kind::FrameOfReference, BOB));
    let refused = Outcome::Refuse { reasons: BTreeSet::from([RefuseReason::SeveralParticipants]) };
    // by a frame of reference alone, which is no key
    let one = [surveyed(&result(SR, vec![uid(0x0020_0052, "2.25.8102")]))];
    assert_eq!(judge(&one, &issued, &conditions()).outcome, refused);
    let bobs = result(
        SR,
        vec![
            text(0x0010_0010, VR::PN, "P-BBBB7"),
            text(0x0010_0020, VR::LO, "P-BBBB7"),
            text(0x0012_0040, VR::LO, "P-BBBB7"),
            uid(0x0020_000D, "2.25.8100"),
            uid(0x0008_0018, "1.2.826.1.9.7"),
        ],
    );
    let set = [surveyed(&result(SR, vec![])), surveyed(&bobs)];
    assert_eq!(judge(&set[1..], &issued, &conditions()).outcome, Outcome::Accept { participant: BOB });
    let judgement = judge(&set, &issued, &conditions());
    assert_eq!(judgement.outcome, refused);
    assert!(
        judgement.objects.iter().all(|object| object.refuse.contains(&RefuseReason::SeveralParticipants))
    );
}

#[test]
fn rc_05_a_study_of_the_partners_own_is_proposed_by_its_references_only() {
    let own_study = uid(0x0020_000D, "1.2.826.1.9.3");
    let manual = |set: &[Survey], study: Option<&str>| {
        let Outcome::Manual { reasons, proposal } = judge(set, &issued(), &conditions()).outcome else {
            panic!()
        };
        assert!(reasons.contains(&ManualReason::StudyUnknown));
        assert_eq!(proposal.and_then(|proposal| proposal.study).as_deref(), study);
    };
    manual(&[surveyed(&result(SR, vec![own_study.clone(), reference(INSTANCE)]))], Some(STUDY_KEY));
    // no reference at all: the code proposes nothing
    manual(&[surveyed(&result(SR, vec![own_study.clone()]))], None);
    // references into two studies: the participant, but no study
    let mut two = issued();
    let other = IssuedUid { kind: Kind::Instance, participant: ALICE, study: Some("study-2".into()) };
    two.uids.insert("2.25.7301".into(), vec![other]);
    let both = crate::tree::sequence(
        0x0008_2112,
        vec![vec![uid(0x0008_1155, INSTANCE)], vec![uid(0x0008_1155, "2.25.7301")]],
    );
    let set = [surveyed(&result(SR, vec![own_study, both]))];
    let Outcome::Manual { proposal, .. } = judge(&set, &two, &conditions()).outcome else { panic!() };
    assert_eq!(proposal, Some(Proposal { participant: ALICE, study: None }));
}

#[test]
fn a_result_over_two_studies_is_proposed_for_the_one_that_it_says() {
    let mut issued = issued();
    let other = IssuedUid { kind: Kind::Instance, participant: ALICE, study: Some("study-2".into()) };
    issued.uids.insert("2.25.7301".into(), vec![other]);
    let both = crate::tree::sequence(
        0x0008_2112,
        vec![vec![uid(0x0008_1155, INSTANCE)], vec![uid(0x0008_1155, "2.25.7301")]],
    );
    let set = [surveyed(&result(SR, vec![both.clone()]))];
    assert_eq!(judge(&set, &issued, &conditions()).outcome, Outcome::Accept { participant: ALICE });
    let set = [surveyed(&result(SR, vec![text(0x0010_0020, VR::LO, "000042"), both]))];
    let Outcome::Manual { proposal, .. } = judge(&set, &issued, &conditions()).outcome else { panic!() };
    assert_eq!(proposal, Some(Proposal { participant: ALICE, study: Some(STUDY_KEY.to_owned()) }));
}

#[test]
fn rc_06_uids_of_others_and_real_ones_are_refused_wherever_they_stand() {
    for (elsewhere, reason) in [(true, RefuseReason::IssuedElsewhere), (false, RefuseReason::OriginalUid)] {
        for more in [
            reference("2.25.9999"),
            uid(0x0020_0052, "2.25.9999"),
            crate::tree::sequence(0x0040_A730, vec![vec![uid(0x0040_A124, "2.25.9999")]]),
            Element::Value(crate::tree::tag(0x0009_1001), VR::UI, b"2.25.9999\0".to_vec()),
        ] {
            let mut issued = issued();
            let list = if elsewhere { &mut issued.elsewhere } else { &mut issued.originals };
            list.insert("2.25.9999".into());
            let set = [surveyed(&result(SR, vec![more]))];
            assert_eq!(
                judge(&set, &issued, &conditions()).outcome,
                Outcome::Refuse { reasons: BTreeSet::from([reason]) }
            );
        }
    }
}

#[test]
fn rc_10_a_class_that_is_not_on_the_list_is_refused() {
    for class in ["1.2.840.10008.5.1.4.1.1.66", "1.3.12.2.1107.5.9.1", ""] {
        let set = [surveyed(&result(class, vec![]))];
        assert_eq!(
            judge(&set, &issued(), &conditions()).outcome,
            Outcome::Refuse { reasons: BTreeSet::from([RefuseReason::SopClassNotAllowed]) }
        );
    }
}

#[test]
fn rc_11_retained_uids_are_issued_ones_and_what_was_not_exported_is_refused() {
    // the map is the identity: the UIDs issued are real ones, and some are of two participants
    let mut issued = issued();
    issued.originals = [STUDY, INSTANCE, "2.25.7777"].map(str::to_owned).into();
    issued.uids.get_mut(STUDY).unwrap().extend(issued_uid(Kind::Study, BOB));
    let set = [surveyed(&result(SR, vec![reference(INSTANCE)]))];
    assert_eq!(judge(&set, &issued, &conditions()).outcome, Outcome::Accept { participant: ALICE });
    let set = [surveyed(&result(SR, vec![reference("2.25.7777")]))];
    assert!(matches!(judge(&set, &issued, &conditions()).outcome, Outcome::Refuse { .. }));
    // nothing but what two participants share: never guessed
    let shared =
        [text(0x0010_0020, VR::LO, ""), text(0x0012_0040, VR::LO, ""), text(0x0010_0010, VR::PN, "")];
    let set = [surveyed(&result(SR, shared.to_vec()))];
    let Outcome::Manual { reasons, proposal: None } = judge(&set, &issued, &conditions()).outcome else {
        panic!()
    };
    assert!(reasons.contains(&ManualReason::TooFewKeys));
}

#[test]
fn rc_11_retained_uids_go_through_unchanged_and_are_no_findings() {
    let mut run = crate::support::Run::usual();
    run.identities.originals =
        [(STUDY, STUDY), (INSTANCE, INSTANCE)].map(|(a, b)| (a.into(), b.into())).into();
    run.own.study = STUDY.to_owned();
    let elements = result(SR, vec![reference(INSTANCE)]);
    let (syntax, bytes) = (dicom_stream::TransferSyntax::EXPLICIT_LITTLE, crate::tree::explicit(&elements));
    let survey = surveyed(&elements);
    let object = reconciliation::Object {
        survey: &survey,
        transfer_syntax: &syntax,
        length: None,
        limits: reconciliation::LIMITS,
    };
    let mut out = Vec::new();
    let report = reconciliation::reconcile(
        &object,
        &run.identities,
        &run.own,
        &run.given,
        &run.policy,
        &bytes[..],
        &mut out,
    );
    assert!(report.unwrap().altered.is_empty());
    let after = crate::tree::read(&out, &syntax);
    assert_eq!(crate::tree::at(&after, "00082112/00081155").as_deref(), Some(INSTANCE));
    assert_eq!(crate::tree::at(&after, "0020000D").as_deref(), Some(STUDY));
    // what was issued unchanged is no pseudonym
    let pseudonyms = reconciliation::Pseudonyms::new(CODE, [], &BTreeSet::new(), 0);
    let scan = reconciliation::reverse_scan(&out[..], &syntax, reconciliation::LIMITS, &pseudonyms).unwrap();
    assert!(scan.findings.is_empty());
}

#[test]
fn an_empty_set_is_nobodys() {
    assert!(matches!(judge(&[], &issued(), &conditions()).outcome, Outcome::Manual { proposal: None, .. }));
}

#[test]
fn rc_04_a_code_of_another_inside_of_an_item_is_refused_and_one_that_stands_twice_is_no_key() {
    let nested = crate::tree::sequence(0x0040_A730, vec![vec![text(0x0010_0020, VR::LO, "P-BBBB7 ")]]);
    let set = [surveyed(&result(SR, vec![nested, reference(INSTANCE)]))];
    assert!(codes_of(&set).contains("P-BBBB7"));
    assert!(matches!(judge(&set, &issued(), &conditions()).outcome, Outcome::Refuse { .. }));
    // an unsorted data set with two patients, the right one last
    let mut twice = result(SR, vec![reference(INSTANCE)]);
    twice.insert(0, text(0x0010_0020, VR::LO, "P-BBBB7"));
    let outcome = judge(&[surveyed(&twice)], &issued(), &conditions()).outcome;
    assert_eq!(outcome, Outcome::Refuse { reasons: [RefuseReason::SeveralParticipants].into() });
    let mut twice = result(SR, vec![reference(INSTANCE)]);
    twice.insert(0, text(0x0010_0020, VR::LO, "000042"));
    let outcome = judge(&[surveyed(&twice)], &issued(), &conditions()).outcome;
    let Outcome::Manual { reasons, .. } = outcome else { panic!() };
    assert_eq!(reasons, BTreeSet::from([ManualReason::PatientIdAltered]));
}

#[test]
fn each_object_says_which_study_of_the_participant_it_is_of() {
    let mut issued = issued();
    let other = IssuedUid { kind: Kind::Study, participant: ALICE, study: Some("study-2".to_owned()) };
    issued.uids.insert("2.25.7900".into(), vec![other]);
    let set = [result(SR, vec![]), result(SR, vec![uid(0x0020_000D, "2.25.7900")])];
    let judgement = judge(&set.map(|elements| surveyed(&elements)), &issued, &conditions());
    // one participant, so the set is accepted: where each object goes is for the caller to look at
    assert_eq!(judgement.outcome, Outcome::Accept { participant: ALICE });
    let studies: Vec<_> = judgement.objects.iter().map(|object| object.study.as_deref()).collect();
    assert_eq!(studies, [Some(STUDY_KEY), Some("study-2")]);
}

#[test]
fn text_in_pixels_is_a_persons_case_whatever_the_class_is() {
    use crate::tree::tag;
    const ULTRASOUND: &str = "1.2.840.10008.5.1.4.1.1.6.1";
    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    for (class, modality, stated, asks) in [
        (CT, "CT", "YES", true),
        (CT, "CT", "NO", false),
        (CT, "CT", "", false),
        (CT, "US", "", true),
        (CT, "US", "NO", false),
        (ULTRASOUND, "US", "", true),
        (ULTRASOUND, "US", "NO", false),
        ("1.2.840.10008.5.1.4.1.1.77.1.4", "OPTN", "", true),
        (crate::support::SC, "OT", "YES", true),
        // asked about at release, as all of its class
        (crate::support::SC, "OT", "", false),
    ] {
        let elements = result(
            class,
            vec![
                text(0x0008_0060, VR::CS, modality),
                text(0x0028_0301, VR::CS, stated),
                reference(INSTANCE),
                Element::Value(tag(0x7FE0_0010), VR::OB, vec![0; 4]),
            ],
        );
        let mut conditions = conditions();
        conditions.sop_classes.insert(class.to_owned());
        let outcome = judge(&[surveyed(&elements)], &issued(), &conditions).outcome;
        match outcome {
            Outcome::Manual { reasons, .. } => {
                assert!(
                    asks && reasons == BTreeSet::from([ManualReason::TextInPixels]),
                    "{class} {modality} {stated}"
                );
            }
            Outcome::Accept { .. } => assert!(!asks, "{class} {modality} {stated}"),
            other => panic!("{other:?}"),
        }
    }
}
