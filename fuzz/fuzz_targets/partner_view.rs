//! The archive's object as one partner gets it: no panic, the same bytes twice, and no UID or code of the archive in the places of both.
//!
//! Input: see [`fuzz::planted::Case::read`]; what is de-identified there is derived here, and so is the original as it stands.
#![no_main]

use deidentification::{PartnerPseudonyms, Replaced, partner_view};
use dicom_stream::{Limits, Tag, TransferSyntax, VR};
use fuzz::output::{elements, root};
use fuzz::panics::let_decoders_unwind;
use fuzz::planted::{CODE, Case};
use libfuzzer_sys::fuzz_target;

struct Partner;

impl PartnerPseudonyms for Partner {
    fn uid(&self, archive: &str) -> Option<String> {
        assert!(!archive.starts_with("1.2.840.10008."), "asked about a class");
        archive.strip_prefix("2.25.").map(|rest| format!("2.25.0{rest}"))
    }

    fn archive_code(&self) -> &str {
        CODE
    }

    fn code(&self) -> &str {
        "R-TWO-22"
    }

    fn shift_days(&self, day: u32) -> Option<i32> {
        (day != 19_000_101).then_some(-7)
    }
}

fuzz_target!(|data: &[u8]| {
    let_decoders_unwind();
    let Some(case) = Case::read(data) else { return };
    let _ = view(&case.bytes, case.syntax, case.limits);
    let Some(archive) = case.deidentified() else { return };
    let Some((bytes, replaced)) = view(&archive.bytes, archive.syntax, case.limits) else { return };
    assert_eq!(view(&archive.bytes, archive.syntax, case.limits), Some((bytes.clone(), replaced.clone())));
    let found = elements(&bytes, archive.syntax).expect("what was written can be read");
    for place in [Tag(0x0010, 0x0010), Tag(0x0010, 0x0020)] {
        assert_eq!(root(&found, place).as_deref(), Some("R-TWO-22"));
    }
    for one in found.iter().filter(|one| one.vr == VR::UI && one.value.len() <= case.limits.value) {
        let text = one.text();
        assert!(text.split('\\').all(|uid| !replaced.uids.contains(uid)), "{}: UID of the archive", one.path);
    }
});

fn view(bytes: &[u8], syntax: &TransferSyntax, limits: Limits) -> Option<(Vec<u8>, Replaced)> {
    let mut out = Vec::new();
    let replaced = partner_view(bytes, syntax, &Partner, limits, &mut out).ok()?;
    Some((out, replaced))
}
