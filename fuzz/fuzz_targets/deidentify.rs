//! The de-identifier: no panic; what comes out can be read, says what was done, and has nothing of the patient where no option keeps it.
//!
//! Input: see [`fuzz::planted::Case::read`].
#![no_main]

use deidentification::DeidentificationOption as O;
use dicom_stream::{Tag, VR};
use fuzz::output::{elements, holds, root};
use fuzz::panics::let_decoders_unwind;
use fuzz::planted::{BIRTH, CODE, Case, FAMILY, GIVEN, ID, INSTANCE, STUDY};
use libfuzzer_sys::fuzz_target;

/// Accession, referring and other physicians, operator, patient, address, telephone, comments, study id.
const NEVER: [Tag; 16] = [
    Tag(0x0008, 0x0050),
    Tag(0x0008, 0x0090),
    Tag(0x0008, 0x1048),
    Tag(0x0008, 0x1050),
    Tag(0x0008, 0x1060),
    Tag(0x0008, 0x1070),
    Tag(0x0010, 0x0010),
    Tag(0x0010, 0x0020),
    Tag(0x0010, 0x0030),
    Tag(0x0010, 0x1000),
    Tag(0x0010, 0x1001),
    Tag(0x0010, 0x1005),
    Tag(0x0010, 0x1040),
    Tag(0x0010, 0x2154),
    Tag(0x0010, 0x4000),
    Tag(0x0020, 0x0010),
];

/// No text belongs there.
const NUMBERS: [VR; 7] = [VR::DA, VR::DT, VR::TM, VR::AS, VR::DS, VR::IS, VR::UI];

/// Descriptions, comments, texts of reports and of graphics: gone, or cleaned of the identity by the option that keeps them.
const CLEANED: [Tag; 8] = [
    Tag(0x0008, 0x1030),
    Tag(0x0008, 0x103E),
    Tag(0x0018, 0x1030),
    Tag(0x0020, 0x4000),
    Tag(0x0032, 0x1060),
    Tag(0x0040, 0x0254),
    Tag(0x0040, 0xA160),
    Tag(0x0070, 0x0006),
];

fuzz_target!(|data: &[u8]| {
    let_decoders_unwind();
    let Some(case) = Case::read(data) else { return };
    let Some(output) = case.deidentified() else { return };
    let found = elements(&output.bytes, output.syntax).expect("what was written can be read");
    let options = case.profile.options();
    assert_eq!(root(&found, Tag(0x0012, 0x0062)).as_deref(), Some("YES"));
    assert_eq!(root(&found, Tag(0x0010, 0x0010)).as_deref(), Some(CODE));
    assert_eq!(root(&found, Tag(0x0010, 0x0020)).as_deref(), Some(CODE));
    let mut main: Vec<Tag> = found.iter().filter(|one| one.is_root()).map(|one| one.tag).collect();
    main.sort_unstable();
    assert!(main.windows(2).all(|pair| pair[0] != pair[1]), "an element stands twice");
    for one in &found {
        assert!(options.has(O::RetainSafePrivate) || !one.is_private(), "{}: private", one.path);
        if one.is_private() {
            continue;
        }
        let names = holds(&one.value, FAMILY) || holds(&one.value, GIVEN);
        assert!(one.vr != VR::PN || !names, "{}: name", one.path);
        if NEVER.contains(&one.tag) {
            assert!(!names && !holds(&one.value, ID) && !holds(&one.value, BIRTH), "{}: identity", one.path);
        }
        assert!(!NUMBERS.contains(&one.vr) || !names, "{}: name in a number", one.path);
        if CLEANED.contains(&one.tag) {
            assert!(!names && !holds(&one.value, ID), "{}: identity in a text", one.path);
        }
        if one.vr == VR::UI && !options.has(O::RetainUids) && !options.has(O::RetainDeviceIdentity) {
            let text = one.text();
            assert!(text.split('\\').all(|uid| uid != INSTANCE && uid != STUDY), "{}: UID", one.path);
        }
    }
});
