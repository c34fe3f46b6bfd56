//! References and UIDs: RC-01, RC-02, RC-06 to RC-08, RR-1, RR-7.

use std::collections::BTreeSet;

use dicom_stream::VR;
use reconciliation::{Conditions, Geometry, ManualReason, Outcome, ReconciliationError, Sent, judge};

use crate::support::{
    ALICE, INSTANCE, Run, SERIES, SR, STUDY, UIDS, conditions, file, issued, reference, result, survey_file,
    surveyed,
};
use crate::tree::{Element, sequence, text, uid, uids};

fn accepted() -> Outcome {
    Outcome::Accept { participant: ALICE }
}

fn manual(reason: ManualReason) -> impl Fn(&Outcome) -> bool {
    move |outcome| matches!(outcome, Outcome::Manual { reasons, .. } if *reasons == BTreeSet::from([reason]))
}

#[test]
fn rc_01_the_partners_own_uids_stay_and_a_repeat_gives_the_same_bytes() {
    for name in ["seg", "sr"] {
        let (first, second) = (Run::usual().file(name), Run::usual().file(name));
        assert_eq!(first.bytes, second.bytes);
        let (syntax, bytes) = file(name);
        let before = uids(&crate::tree::read(&bytes, syntax));
        let after = uids(&first.elements);
        // the same graph: each place holds the same UID or its original
        let mut mapped = 0;
        let after: Vec<_> = after.into_iter().filter(|(path, _)| !path.starts_with("/0018A001")).collect();
        let before: Vec<_> = before.into_iter().filter(|(path, _)| !path.starts_with("/0018A001")).collect();
        assert_eq!(before.len(), after.len(), "{name}");
        for ((path, before), (same_path, after)) in before.iter().zip(&after) {
            assert_eq!(path, same_path);
            match UIDS.iter().find(|(pseudonym, ..)| pseudonym == before) {
                Some((_, original, _)) => {
                    assert_eq!(after, original);
                    mapped += 1;
                }
                None => assert_eq!(after, before),
            }
        }
        assert!(mapped > 5, "{name}");
        assert_eq!(first.report.uids_regenerated, 0);
    }
    // SR → SEG
    let (seg, sr) = (Run::usual().file("seg"), Run::usual().file("sr"));
    assert!(uids(&sr.elements).iter().any(|(_, uid)| *uid == seg.report.sop_instance));
}

#[test]
fn rc_02_a_report_waits_for_the_segmentation_it_cites() {
    let (seg, sr) = (survey_file("seg"), survey_file("sr"));
    assert_eq!(judge(&[sr.clone(), seg.clone()], &issued(), &conditions()).outcome, accepted());
    assert_eq!(judge(&[seg.clone(), sr.clone()], &issued(), &conditions()).outcome, accepted());
    let judgement = judge(std::slice::from_ref(&sr), &issued(), &conditions());
    assert_eq!(judgement.outcome, Outcome::Hold);
    assert!(judgement.objects[0].waits);
    // an earlier set of the job had it
    let mut earlier = issued();
    earlier.returned =
        seg.can_be_cited().map(|(place, uid)| (uid.to_owned(), BTreeSet::from([place]))).collect();
    assert_eq!(judge(std::slice::from_ref(&sr), &earlier, &conditions()).outcome, accepted());
    // it never comes
    let late = Conditions { deadline_passed: true, ..conditions() };
    assert!(manual(ManualReason::UnknownReference)(&judge(&[sr], &issued(), &late).outcome));
}

#[test]
fn rc_07_an_original_that_comes_back_is_dropped_or_a_persons_case() {
    let same = survey_file("source1");
    let judgement = judge(std::slice::from_ref(&same), &issued(), &conditions());
    assert!(judgement.objects[0].drop);
    assert_eq!(judgement.outcome, accepted());
    let mut altered = same;
    altered.pixels = Some([0; 32]);
    let judgement = judge(&[altered], &issued(), &conditions());
    assert!(manual(ManualReason::OriginalAltered)(&judgement.outcome));
    assert!(!judgement.objects[0].drop);
    // by decision only, under a new UID
    assert!(judgement.regenerate.contains(INSTANCE) && judgement.regenerate.contains(SERIES));
    let (syntax, bytes) = file("source1");
    assert!(matches!(Run::usual().bytes(syntax, &bytes), Err(ReconciliationError::ReusedUid { .. })));
    let mut run = Run::usual();
    run.identities.fresh =
        [(INSTANCE, "2.25.1"), (SERIES, "2.25.2")].map(|(old, new)| (old.into(), new.into())).into();
    let output = run.bytes(syntax, &bytes).unwrap();
    assert_eq!((output.report.sop_instance.as_str(), output.report.series.as_str()), ("2.25.1", "2.25.2"));
    assert_eq!(output.at("00080018").as_deref(), Some("2.25.1"));
}

/// A second value where there is one by PS3.6 hides no issued UID.
#[test]
fn an_issued_uid_beside_an_own_one_is_a_reused_uid() {
    for number in [0x0008_0018, 0x0020_000E] {
        for value in [format!("1.2.826.1.9.7\\{SERIES}"), format!("{INSTANCE} \\1.2.826.1.9.7")] {
            let refused = Run::usual().elements(&result(SR, vec![uid(number, &value)])).err();
            assert!(matches!(refused, Some(ReconciliationError::ReusedUid { .. })), "{number:08X} {value}");
        }
    }
}

#[test]
fn rc_08_a_frame_of_reference_is_believed_only_with_the_sources_grid() {
    let ask = |change: &dyn Fn(&mut Geometry)| {
        let mut seg = survey_file("seg");
        change(seg.geometry.as_mut().unwrap());
        judge(&[seg], &issued(), &conditions()).outcome
    };
    assert_eq!(ask(&|_| {}), accepted());
    assert_eq!(ask(&|geometry| geometry.positions.truncate(1)), accepted());
    assert_eq!(ask(&|geometry| geometry.positions[0][2] += 0.001), accepted());
    let changes: [&dyn Fn(&mut Geometry); 5] = [
        &|geometry| geometry.rows = 16,
        &|geometry| geometry.spacing = Some([0.5, 0.5]),
        &|geometry| geometry.orientation = Some([-1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        &|geometry| geometry.positions[0][2] += 1.0,
        &|geometry| geometry.mixed = true,
    ];
    for change in changes {
        assert!(manual(ManualReason::GeometryDiffers)(&ask(change)));
    }
    // nothing to compare with
    let mut nothing = issued();
    nothing.sent = Vec::<Sent>::new();
    let outcome = judge(&[survey_file("seg")], &nothing, &conditions()).outcome;
    assert!(manual(ManualReason::GeometryDiffers)(&outcome));
    // a frame of reference of the partner's own claims nothing
    let mut own = survey_file("seg");
    own.frame_of_reference = "1.2.826.1.9.8".into();
    assert_eq!(judge(&[own], &nothing, &conditions()).outcome, accepted());
}

#[test]
fn a_reused_series_uid_is_replaced_and_one_that_is_cited_is_a_persons_case() {
    let reuse = surveyed(&result(SR, vec![uid(0x0020_000E, SERIES), reference(INSTANCE)]));
    let judgement = judge(std::slice::from_ref(&reuse), &issued(), &conditions());
    assert_eq!(judgement.outcome, accepted());
    assert_eq!(judgement.regenerate, BTreeSet::from([SERIES.to_owned()]));
    let citing = result(SR, vec![uid(0x0008_0018, "1.2.826.1.9.6"), reference("1.2.826.1.9.1")]);
    let outcome = judge(&[reuse, surveyed(&citing)], &issued(), &conditions()).outcome;
    assert!(manual(ManualReason::SeriesUidReused)(&outcome));
    // the new one stands at the object's own place only; references go to the source
    let mut run = Run::usual();
    run.identities.fresh.insert(SERIES.into(), "2.25.2".into());
    let cites = sequence(0x0008_1115, vec![vec![uid(0x0020_000E, SERIES)]]);
    let output = run.elements(&result(SR, vec![uid(0x0020_000E, SERIES), cites])).unwrap();
    assert_eq!(output.at("0020000E").as_deref(), Some("2.25.2"));
    assert_eq!(output.at("00081115/0020000E").as_deref(), Some(UIDS[1].1));
}

#[test]
fn rr_7_invalid_and_taken_uids_are_replaced_everywhere() {
    let more = vec![uid(0x0008_0018, "partner-1"), uid(0x0020_0052, "1.2.826.1.9.5"), reference("partner-1")];
    let elements = result(SR, more);
    let mut issued = issued();
    issued.taken.insert("1.2.826.1.9.5".into());
    let judgement = judge(&[surveyed(&elements)], &issued, &conditions());
    assert_eq!(judgement.regenerate, ["partner-1", "1.2.826.1.9.5"].map(str::to_owned).into());
    let mut run = Run::usual();
    run.identities.fresh =
        [("partner-1", "2.25.1"), ("1.2.826.1.9.5", "2.25.5")].map(|(a, b)| (a.into(), b.into())).into();
    let output = run.elements(&elements).unwrap();
    assert_eq!(output.at("00082112/00081155").as_deref(), Some("2.25.1"));
    assert_eq!(output.at("00200052").as_deref(), Some("2.25.5"));
    assert_eq!(output.report.uids_regenerated, 3);
}

#[test]
fn rr_1_by_membership_in_every_form_and_nothing_else() {
    let private = |value: &str| Element::Value(crate::tree::tag(0x0009_1001), VR::UN, value.into());
    let elements = result(
        SR,
        vec![
            text(0x0009_0010, VR::LO, "PARTNER"),
            private(&format!("{INSTANCE}\\{SERIES}\\1.2.3.4.5")),
            sequence(0x0009_1002, vec![vec![uid(0x0009_1003, INSTANCE)]]),
            uid(0x0008_001A, "1.2.840.10008.5.1.4.1.1.2"),
            uid(0x0020_9161, &format!("{INSTANCE}.1")),
            // several values, padded with blanks
            uid(0x0008_0119, &format!("{INSTANCE} \\1.2.3\\{STUDY}")),
            text(0x0040_A160, VR::UT, &format!("see {INSTANCE}")),
        ],
    );
    let output = Run::usual().elements(&elements).unwrap();
    let (study, series, instance) = (UIDS[0].1, UIDS[1].1, UIDS[3].1);
    assert_eq!(output.at("00091001"), Some(format!("{instance}\\{series}\\1.2.3.4.5")));
    assert_eq!(output.at("00091002/00091003").as_deref(), Some(instance));
    assert_eq!(output.at("00209161"), Some(format!("{INSTANCE}.1")));
    assert_eq!(output.at("00080119"), Some(format!("{instance}\\1.2.3\\{study}")));
    // text is for a reviewed rule (RR-3): it is found, not changed
    assert_eq!(output.at("0040A160"), Some(format!("see {INSTANCE}")));
    let found: Vec<String> = output.scan.findings.iter().map(|finding| finding.path.to_string()).collect();
    assert_eq!(found, ["(0020,9161)", "(0040,A160)"]);
}

#[test]
fn rr_4_a_reference_resolves_to_what_can_be_referred_to_and_to_nothing_else() {
    let waits = |set: &[Vec<Element>]| {
        let surveys: Vec<_> = set.iter().map(|elements| surveyed(elements)).collect();
        judge(&surveys, &issued(), &conditions()).outcome == Outcome::Hold
    };
    let dangling = || reference("1.2.826.1.9.77");
    let private = Element::Value(crate::tree::tag(0x0009_1001), VR::UI, b"1.2.826.1.9.77\0".to_vec());
    assert!(waits(&[result(SR, vec![dangling(), private])]));
    assert!(
        waits(&[result(SR, vec![dangling(), uid(0x0020_000E, "1.2.826.1.9.77")])]),
        "a series is no instance"
    );
    assert!(!waits(&[
        result(SR, vec![dangling()]),
        result(SR, vec![uid(0x0008_0018, "1.2.826.1.9.77"), reference(INSTANCE)]),
    ]));
}

/// The segmentation's series cannot be what an instance is referred to by, whichever set it came in and wherever else it is named.
#[test]
fn rr_4_a_reference_resolves_to_what_its_attribute_names() {
    let (series, instance) = ("1.2.826.1.9.2", "1.2.826.1.9.1");
    let defining = surveyed(&result(SR, vec![]));
    let citing = |attribute: u32, named: &str| {
        let by_series = sequence(0x0008_1115, vec![vec![uid(0x0020_000E, series)]]);
        let cited = sequence(0x0042_0013, vec![vec![uid(0x0008_1150, SR), uid(attribute, named)]]);
        let own = [uid(0x0008_0018, "1.2.826.1.9.3"), uid(0x0020_000E, "1.2.826.1.9.4")];
        surveyed(&result(SR, [&own[..], &[by_series, cited]].concat()))
    };
    let mut earlier = issued();
    earlier.returned =
        defining.can_be_cited().map(|(place, uid)| (uid.to_owned(), BTreeSet::from([place]))).collect();
    for (attribute, named, waits) in [
        (0x0008_1155, instance, false),
        // stands in an attribute before it where it is right
        (0x0008_1155, series, true),
        (0x0020_000E, series, false),
        (0x0020_000E, instance, true),
        (0x0020_0052, series, true),
    ] {
        let citing = citing(attribute, named);
        let together = judge(&[defining.clone(), citing.clone()], &issued(), &conditions());
        assert_eq!(together.objects[1].waits, waits, "{attribute:08X} {named}");
        assert_eq!(judge(&[citing], &earlier, &conditions()).objects[0].waits, waits, "{attribute:08X}");
    }
}

#[test]
fn rr_7_a_uid_that_an_earlier_result_has_for_a_thing_of_another_kind_is_a_persons_case() {
    let defining = surveyed(&result(SR, vec![]));
    let mut earlier = issued();
    earlier.reused.insert("1.2.826.1.9.2".to_owned());
    let judgement = judge(std::slice::from_ref(&defining), &earlier, &conditions());
    assert!(manual(ManualReason::UidReused)(&judgement.outcome), "{:?}", judgement.outcome);
    earlier.reused = BTreeSet::from(["1.2.826.1.9.99".to_owned()]);
    assert_eq!(judge(&[defining], &earlier, &conditions()).outcome, accepted());
}
