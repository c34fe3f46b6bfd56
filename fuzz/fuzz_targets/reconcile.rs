//! The way back: no panic, the same bytes every time (RR-6), and no issued UID left where UIDs stand.
//!
//! Input: see [`fuzz::result::Case::read`].
#![no_main]

use dicom_stream::{Tag, VR};
use fuzz::output::{elements, holds, root};
use fuzz::result::{CODE, Case, PATIENT_ID, UIDS, conditions, is_uid, issued};
use libfuzzer_sys::fuzz_target;
use reconciliation::{
    LIMITS, NotInspected, Object, Pseudonyms, Report, Survey, codes_of, judge, reconcile, reverse_scan,
    survey, uids_of,
};

fuzz_target!(|data: &[u8]| {
    let Some(case) = Case::read(data) else { return };
    let Ok(seen) = survey(&case.bytes[..], case.syntax, LIMITS) else { return };
    let set = [seen.clone(), seen.clone()];
    assert_eq!(judge(&set, &issued(), &conditions()), judge(&set, &issued(), &conditions()));
    judge(&set[..1], &issued(), &conditions());
    assert!(
        uids_of(&set).len() <= Survey::UIDS_MAX * 2 && codes_of(&set).iter().all(|code| !code.is_empty())
    );

    let Some((bytes, report)) = back(&case, &seen) else { return };
    let (again, _) = back(&case, &seen).expect("it went back before");
    assert_eq!(again, bytes);
    let found = elements(&bytes, case.syntax).expect("what was written can be read");
    assert_eq!(root(&found, Tag(0x0010, 0x0020)).as_deref(), Some(PATIENT_ID));
    assert_eq!(root(&found, Tag(0x0020, 0x000D)).as_deref(), Some(UIDS[0].1));
    assert_eq!(root(&found, Tag(0x0008, 0x0018)).unwrap_or_default(), report.sop_instance);
    for one in found.iter().filter(|one| is_uid(one.tag, one.vr)) {
        let text = one.text();
        assert!(
            text.split('\\').all(|uid| UIDS.iter().all(|(issued, ..)| *issued != uid.trim())),
            "{}: UID",
            one.path
        );
    }
    let pseudonyms = Pseudonyms::new(
        CODE,
        case.identities.originals.keys().cloned(),
        &case.identities.shifted,
        case.identities.shift_days,
    );
    let scan =
        reverse_scan(&bytes[..], case.syntax, LIMITS, &pseudonyms).expect("what was written can be read");
    if scan.findings.is_empty() {
        // the body of a document is a person's: the scan says that it was not searched
        let searched =
            |tag| tag != Tag(0x0042, 0x0011) || !scan.not_searched.contains(&NotInspected::DocumentBody);
        let texts = found.iter().filter(|one| matches!(one.vr, VR::LO | VR::SH | VR::PN | VR::UT | VR::LT));
        for one in texts.filter(|one| searched(one.tag)) {
            assert!(!one.value.is_ascii() || !holds(&one.value, CODE), "{}: code", one.path);
        }
    }
});

fn back(case: &Case, survey: &Survey) -> Option<(Vec<u8>, Report)> {
    let object = Object {
        survey,
        transfer_syntax: case.syntax,
        length: Some(case.bytes.len() as u64),
        limits: LIMITS,
    };
    let mut out = Vec::new();
    let report =
        reconcile(&object, &case.identities, &case.own, &case.given, &case.policy, &case.bytes[..], &mut out)
            .ok()?;
    Some((out, report))
}
