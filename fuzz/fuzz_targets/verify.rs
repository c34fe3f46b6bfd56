//! The after-check: no panic; it finds the name in an original wherever it stands as a text; and it can read whatever the de-identifier
//! writes.
//!
//! Input: see [`fuzz::planted::Case::read`].
#![no_main]

use std::collections::BTreeSet;
use std::io::Cursor;

use deidentification::verify::{Identity, Promise, Verifier, scan};
use dicom_stream::VR;
use fuzz::output::elements;
use fuzz::panics::let_decoders_unwind;
use fuzz::planted::{CODE, Case, FAMILY, SHIFT_DAYS};
use libfuzzer_sys::fuzz_target;

const TEXTS: [VR; 7] = [VR::LO, VR::SH, VR::ST, VR::LT, VR::UT, VR::UC, VR::PN];
/// As many as the check lists.
const FINDINGS_MAX: usize = 1000;

fuzz_target!(|data: &[u8]| {
    let_decoders_unwind();
    let Some(case) = Case::read(data) else { return };
    let mut identity = Identity::default();
    let original = || Cursor::new(&case.bytes);
    let _ = scan(original(), case.syntax, case.limits);
    if identity.add_object(original(), case.syntax, case.limits).is_err() {
        return;
    }
    let verifier = Verifier::new(&identity, &[CODE]).expect("few identifiers").promising(Promise {
        options: case.profile.options(),
        shift_days: Some(SHIFT_DAYS),
        given: BTreeSet::new(),
    });
    let findings = verifier.verify(original(), case.syntax, case.limits).expect("it was read before");
    if findings.len() < FINDINGS_MAX
        && let Ok(found) = elements(&case.bytes, case.syntax)
    {
        for one in found.iter().filter(|one| TEXTS.contains(&one.vr) && shows_name(&one.value)) {
            assert!(findings.iter().any(|finding| finding.path == one.path), "{}: not found", one.path);
        }
    }
    let Some(output) = case.deidentified() else { return };
    let again = || Cursor::new(&output.bytes);
    verifier.verify(again(), output.syntax, case.limits).expect("what was written can be read");
    scan(again(), output.syntax, case.limits).expect("what was written can be read");
});

/// The family name as a word of plain text.
fn shows_name(value: &[u8]) -> bool {
    let Some(text) = std::str::from_utf8(value).ok().filter(|text| text.is_ascii() && !text.contains('\x1B'))
    else {
        return false;
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case(FAMILY))
}
