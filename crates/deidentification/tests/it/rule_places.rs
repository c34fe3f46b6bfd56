//! Where a rule acts: the sequences and items that its selector names (`docs/profile-rules.md`).

use dicom_stream::{Encoding, VR};

use crate::rules::{profile, rule, run};
use crate::support::{Element, Output, bytes, sequence, text};

const REGION_1: &str = "(0008,2218)[1](0008,0104)";
const REGION_2: &str = "(0008,2218)[2](0008,0104)";
const VIEW: &str = "(0054,0220)[1](0008,0104)";
const MODIFIER: &str = "(0054,0220)[1](0054,0222)[1](0008,0104)";
const PLACES: [&str; 4] = [REGION_1, REGION_2, VIEW, MODIFIER];

fn meaning(of: &str) -> Element {
    text(0x0008_0104, VR::LO, of)
}

fn views() -> Vec<Vec<Element>> {
    vec![vec![meaning("medio-lateral"), sequence(0x0054_0222, vec![vec![meaning("axillary tail")]])]]
}

/// Anatomic Region Sequence with two items; View Code Sequence with View Modifier Code Sequence in it.
fn codes() -> Vec<Element> {
    vec![
        sequence(0x0008_2218, vec![vec![meaning("Thorax")], vec![meaning("Abdomen")]]),
        sequence(0x0054_0220, views()),
    ]
}

fn left(output: &Output) -> Vec<&'static str> {
    PLACES.into_iter().filter(|path| output.has(path)).collect()
}

#[test]
fn a_rule_acts_where_its_selector_says() {
    assert_eq!(left(&run("", codes())), PLACES);
    for (selector, expected) in [
        ("CodeMeaning", &[][..]),
        ("nested:CodeMeaning", &[]),
        ("root:CodeMeaning", &PLACES),
        ("AnatomicRegionSequence/CodeMeaning", &[VIEW, MODIFIER]),
        ("(0008,2218)[2]/(0008,01xx)", &[REGION_1, VIEW, MODIFIER]),
        ("AnatomicRegionSequence[3]/CodeMeaning", &PLACES),
        ("ViewModifierCodeSequence/CodeMeaning", &[REGION_1, REGION_2, VIEW]),
        ("root:ViewModifierCodeSequence/CodeMeaning", &PLACES),
        ("View*Sequence/CodeMeaning", &[REGION_1, REGION_2]),
        ("nested:View*Sequence/CodeMeaning", &[REGION_1, REGION_2, VIEW]),
        ("ViewCodeSequence/*Sequence/vr:LO", &[REGION_1, REGION_2, VIEW]),
        ("ViewCodeSequence/ViewModifierCodeSequence", &[REGION_1, REGION_2, VIEW]),
        ("root:ViewCodeSequence", &[REGION_1, REGION_2]),
    ] {
        assert_eq!(left(&run(&rule(selector, "\"X\""), codes())), expected, "{selector}");
    }
}

/// PS3.5 6.2.2: a sequence stored as UN is one all the same, and its items stand where it stands.
#[test]
fn a_path_leads_into_a_sequence_that_is_stored_as_un() {
    let whole = bytes(Encoding::ImplicitLittle, &[sequence(0x0054_0220, views())]);
    // without the header before the items, and the delimiter behind them
    let items = whole[8..whole.len() - 8].to_vec();
    let stored = || vec![Element::Value(0x0054_0220, VR::UN, items.clone())];
    for (selector, view, modifier) in [
        ("ImageType", true, true),
        ("root:ViewCodeSequence/CodeMeaning", false, true),
        ("root:ViewCodeSequence[1]/ViewModifierCodeSequence/CodeMeaning", true, false),
        ("nested:ViewModifierCodeSequence/CodeMeaning", true, false),
        ("root:CodeMeaning", true, true),
    ] {
        let output = run(&rule(selector, "\"X\""), stored());
        let has = |text: &[u8]| output.holds(text);
        assert_eq!((has(b"medio-lateral"), has(b"axillary tail")), (view, modifier), "{selector}");
    }
}

/// What the main data set's own are, an item's are not: but how its texts are read, no rule changes.
#[test]
fn attributes_that_the_program_writes_are_within_reach_in_items_only() {
    for (selector, is_read) in [
        ("nested:StudyInstanceUID", true),
        ("ReferencedStudySequence/PatientID", true),
        ("StudyInstanceUID", false),
        ("root:StudyInstanceUID", false),
        ("nested:SpecificCharacterSet", false),
        ("nested:PixelData", false),
    ] {
        assert_eq!(profile(&rule(selector, "\"X\"")).compile(None).is_ok(), is_read, "{selector}");
    }
    let item = vec![text(0x0008_0005, VR::CS, "ISO_IR 192"), meaning("Thorax")];
    let output = run(&rule("vr:CS", "\"X\""), vec![sequence(0x0008_2218, vec![item])]);
    assert!(output.has("(0008,2218)[1](0008,0005)"));
}

/// The low byte of a private element counts in whatever block its creator has (PS3.5 7.8.1).
#[test]
fn a_private_element_is_named_by_creator_and_low_byte() {
    let block = |block: u32| {
        vec![
            text(0x0019_0000 | block, VR::LO, "SIEMENS MR HEADER"),
            text(0x0019_000C | block << 8, VR::IS, "1000"),
            text(0x0019_000D | block << 8, VR::CS, "NONE"),
        ]
    };
    let safe = "options = [\"retain_safe_private\"]\n";
    for (number, low, other) in [(0x10, "(0019,100C)", "(0019,100D)"), (0x4F, "(0019,4F0C)", "(0019,4F0D)")] {
        let named = rule("(0019,xx0C)creator:SIEMENS MR HEADER", "\"X\"");
        let output = run(&format!("{safe}{named}"), block(number));
        assert_eq!((output.has(low), output.has(other)), (false, true));
        let foreign = rule("(0019,xx0C)creator:ACME", "\"X\"");
        assert!(run(&format!("{safe}{foreign}"), block(number)).has(low));
    }
}

#[test]
fn a_rule_in_one_place_does_not_hide_one_for_all_places() {
    use deidentification::Advice;
    let hidden = |first: &str, second: &str| {
        let rules = rule(first, "\"X\"") + &rule(second, "\"Z\"");
        let advice = profile(&rules).compile(None).unwrap().advice();
        advice.contains(&Advice::Hidden { rule: 2, by: 1 })
    };
    assert!(hidden("CodeMeaning", "AnatomicRegionSequence/CodeMeaning"));
    assert!(hidden("Code*", "nested:CodeMeaning"));
    assert!(!hidden("AnatomicRegionSequence/CodeMeaning", "CodeMeaning"));
    assert!(!hidden("nested:CodeMeaning", "CodeMeaning"));
}
