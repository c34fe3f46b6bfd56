//! The profile parser: no panic; what is read is written back to the same profile; and no profile lets the patient's name out (S-06).
//!
//! Input: a profile in TOML.
#![no_main]

use deidentification::Profile;
use dicom_stream::{Tag, VR};
use fuzz::output::{elements, holds, root};
use fuzz::planted::{CODE, Case, FAMILY, ID};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(profile) = Profile::from_toml(text) else { return };
    let written = profile.to_toml().expect("what was read can be written");
    let again = Profile::from_toml(&written).expect("what was written can be read");
    assert_eq!(again, profile);
    assert_eq!(again.hash(), profile.hash());
    let Ok(compiled) = profile.compile(None) else { return };
    assert_eq!(Ok(compiled.hash().to_owned()), profile.hash());
    assert_eq!(compiled.options(), profile.options.iter().copied().collect());
    // a text of the profile itself may say anything
    if holds(written.as_bytes(), FAMILY) || holds(written.as_bytes(), ID) || written.contains("\\u") {
        return;
    }
    let case = Case::plain(compiled);
    let Some(output) = case.deidentified() else { return };
    let found = elements(&output.bytes, output.syntax).expect("what was written can be read");
    assert_eq!(root(&found, Tag(0x0010, 0x0020)).as_deref(), Some(CODE));
    for one in &found {
        assert!(one.vr != VR::PN || !holds(&one.value, FAMILY), "{}: name", one.path);
        assert!(one.tag.group() != 0x0010 || !holds(&one.value, ID), "{}: Patient ID", one.path);
    }
});
