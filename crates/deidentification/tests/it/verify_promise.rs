//! The after-check against what the profile promises: dates, UIDs, markers, and what the IOD requires (ARC-17, PS3.15 E.1 and E.3.6).

use std::collections::BTreeSet;
use std::io::Cursor;

use deidentification::verify::{
    FindingKind, Identity, Leaving, Original, Promise, Verdict, Verifier, places,
};
use deidentification::{DeidentificationOption as O, Profile, ProjectRule, RuleAction, Survey};
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};

use crate::support::{CT, Element, SHIFT, bytes, data_set, run_profile, sequence, text, with_options};
use FindingKind::{Date, DateNotAllowed, Marker, Missing, Name, Uid, UidNotGiven};

const SYNTAX: TransferSyntax = TransferSyntax::EXPLICIT_LITTLE;

fn original() -> Vec<Element> {
    vec![
        text(0x0008_0020, VR::DA, "20240301"),
        text(0x0008_0023, VR::DA, "20240311"),
        text(0x0010_0010, VR::PN, "Lefevre^Eloise"),
        text(0x0010_0020, VR::LO, "MRN 8841-772"),
        text(0x0010_0030, VR::DA, "19710303"),
        text(0x0018_1200, VR::DA, "20230105"),
        text(0x0020_000D, VR::UI, "1.2.999.55.1"),
        text(0x0020_000E, VR::UI, "1.2.999.55.2"),
    ]
}

fn surveyed(elements: Vec<Element>) -> (Identity, Original) {
    let profile = Profile::basic().compile(None).unwrap();
    let mut identity = Identity::default();
    let bytes = data_set(SYNTAX.encoding, CT, elements);
    let survey =
        Survey::read(&profile, Cursor::new(bytes), &SYNTAX, Limits::INSTANCE, &mut identity).unwrap();
    let original = survey.original().clone();
    (identity, original)
}

fn promise(options: &[O]) -> Promise {
    Promise {
        options: options.iter().copied().collect(),
        shift_days: options.contains(&O::RetainLongitudinalModifiedDates).then_some(SHIFT),
        given: BTreeSet::from(["2.25.7".to_owned()]),
    }
}

/// What is found in one element.
fn kind(promise: Promise, element: Element) -> Option<FindingKind> {
    let verifier = Verifier::new(&surveyed(original()).0, &[]).unwrap().promising(promise);
    let output = bytes(SYNTAX.encoding, &[element]);
    let findings = verifier.verify(Cursor::new(&output), &SYNTAX, Limits::INSTANCE).unwrap();
    findings.first().map(|finding| finding.kind)
}

#[test]
fn dates_by_option() {
    let (none, full, modified) =
        (&[][..], &[O::RetainLongitudinalFullDates][..], &[O::RetainLongitudinalModifiedDates][..]);
    let device = &[O::RetainDeviceIdentity][..];
    // 20240311 less 100 days is 20231202; 20240609 less 100 days is 20240301.
    for (options, number, vr, value, expected) in [
        (none, 0x0008_0020, VR::DA, "", None),
        (none, 0x0008_0020, VR::DA, "19000101", None),
        (none, 0x0008_002A, VR::DT, "19000101000000", None),
        (none, 0x0008_0020, VR::DA, "20240301", Some(DateNotAllowed)),
        (none, 0x0008_0020, VR::DA, "20991231", Some(DateNotAllowed)),
        (none, 0x0008_002A, VR::DT, "2024", Some(DateNotAllowed)),
        (none, 0x0008_0020, VR::DA, "19710303", Some(Date)),
        (none, 0x0018_1200, VR::DA, "20230105", Some(DateNotAllowed)),
        (device, 0x0018_1200, VR::DA, "20230105", None),
        (device, 0x0008_0020, VR::DA, "20240301", Some(DateNotAllowed)),
        (full, 0x0008_0020, VR::DA, "20240301", None),
        (full, 0x0010_0030, VR::DA, "19710303", Some(Date)),
        (full, 0x0008_0020, VR::DA, "19710303", Some(Date)),
        (modified, 0x0008_0020, VR::DA, "20231122", None),
        (modified, 0x0008_002A, VR::DT, "20231202101500.5+0100", None),
        (modified, 0x0008_0020, VR::DA, "20240301", Some(DateNotAllowed)),
        (modified, 0x0008_0020, VR::DA, "20230105\\20231122", Some(DateNotAllowed)),
        (modified, 0x0008_0020, VR::DA, "19710303", Some(Date)),
        (modified, 0x0008_0020, VR::DA, "19000101", None),
        (modified, 0x0008_0106, VR::DT, "20240301", None),
    ] {
        assert_eq!(
            kind(promise(options), text(number, vr, value)),
            expected,
            "{options:?} {number:08X} {value}"
        );
    }
}

/// A study on the day of birth: the date is one of the study's as well. A moved date that falls on another day of the study is explained
/// by the day that it was moved from.
#[test]
fn dates_that_meet_by_chance_are_clean() {
    let born = |birth: &str| {
        let mut elements = original();
        elements[4] = text(0x0010_0030, VR::DA, birth);
        surveyed(elements).0
    };
    let full = Verifier::new(&born("20240301"), &[]).unwrap();
    let full = full.promising(promise(&[O::RetainLongitudinalFullDates]));
    let study_date = bytes(SYNTAX.encoding, &[text(0x0008_0020, VR::DA, "20240301")]);
    assert!(full.verify(Cursor::new(&study_date), &SYNTAX, Limits::INSTANCE).unwrap().is_empty());
    let ten_days = Promise { shift_days: Some(10), ..promise(&[O::RetainLongitudinalModifiedDates]) };
    let moved = bytes(SYNTAX.encoding, &[text(0x0008_0020, VR::DA, "20240311")]);
    for birth in ["19710303", "20240311"] {
        let verifier = Verifier::new(&born(birth), &[]).unwrap().promising(ten_days.clone());
        assert!(verifier.verify(Cursor::new(&moved), &SYNTAX, Limits::INSTANCE).unwrap().is_empty());
    }
}

#[test]
fn uids_are_given_or_of_the_standard() {
    let code = |uid: &str| sequence(0x0008_1140, vec![vec![text(0x0008_0117, VR::UI, uid)]]);
    for (options, element, expected) in [
        (&[][..], text(0x0020_000D, VR::UI, "2.25.7"), None),
        (&[], text(0x0020_000D, VR::UI, ""), None),
        (&[], text(0x0020_000D, VR::UI, "2.25.8"), Some(UidNotGiven)),
        (&[], text(0x0020_000D, VR::UI, "2.25.7\\1.2.3"), Some(UidNotGiven)),
        (&[], text(0x0020_000D, VR::UI, "1.2.999.55.1"), Some(Uid)),
        (&[], text(0x0008_1150, VR::UI, "1.2.840.10008.5.1.4.1.1.2"), None),
        (&[], text(0x0008_1150, VR::UI, "1.2.826.0.1.7"), None), // a private class
        (&[], text(0x0020_000D, VR::UI, "1.2.840.10008.x"), Some(UidNotGiven)),
        (&[], code("1.2.826.0.1.9"), None),
        (&[], text(0x0008_0117, VR::UI, "1.2.826.0.1.9"), Some(UidNotGiven)),
        (&[O::RetainUids], text(0x0020_000D, VR::UI, "1.2.999.55.1"), None),
        (&[O::RetainDeviceIdentity], text(0x0018_1002, VR::UI, "1.2.999.55.1"), None),
        (&[O::RetainDeviceIdentity], text(0x0020_000D, VR::UI, "1.2.999.55.1"), Some(Uid)),
    ] {
        assert_eq!(kind(promise(options), element.clone()), expected, "{options:?} {element:?}");
    }
}

/// A sequence stored as UN (PS3.5 6.2.2), at two depths and in a private element: its elements are searched each by its own rules.
#[test]
fn sequences_stored_as_unknown_are_read() {
    let items = |elements: &[Element]| {
        let content = bytes(Encoding::ImplicitLittle, elements);
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        [b"\xFE\xFF\x00\xE0", &length[..], &content].concat()
    };
    let inner = items(&[text(0x0008_0090, VR::PN, "Li"), text(0x0020_000D, VR::UI, "2.25.8")]);
    let outer = items(&[Element::Value(0x0009_1002, VR::UN, inner)]);
    let mut elements = original();
    elements[2] = text(0x0010_0010, VR::PN, "Li^Na");
    let verifier = Verifier::new(&surveyed(elements).0, &[]).unwrap().promising(promise(&[]));
    for number in [0x0009_1001, 0x0040_A730] {
        let output = bytes(SYNTAX.encoding, &[Element::Value(number, VR::UN, outer.clone())]);
        let findings = verifier.verify(Cursor::new(&output), &SYNTAX, Limits::INSTANCE).unwrap();
        let path = format!("({:04X},{:04X})[1](0009,1002)[1]", number >> 16, number & 0xFFFF);
        let found: Vec<_> = findings.iter().map(|of| (of.path.to_string(), of.kind)).collect();
        let expected = [("(0008,0090)", Name), ("(0020,000D)", UidNotGiven)];
        assert_eq!(found, expected.map(|(tag, kind)| (format!("{path}{tag}"), kind)));
    }
}

#[test]
fn long_texts_and_utf_16_are_read_as_text() {
    let mut elements = original();
    elements[2] = text(0x0010_0010, VR::PN, "Mart^Eloi");
    let verifier = Verifier::new(&surveyed(elements).0, &[]).unwrap();
    let found = |element: Element| {
        let output = bytes(SYNTAX.encoding, &[element]);
        let limits = Limits { value: 4096, ..Limits::INSTANCE };
        let findings = verifier.verify(Cursor::new(&output), &SYNTAX, limits).unwrap();
        findings.first().map(|finding| finding.kind)
    };
    // A piece is 32 KiB at most: "Mart" ends one where "Martian" goes on in the next.
    for at in [0, 5_000, 32_700, 32_760, 32_763, 32_764, 32_766, 40_000, 69_990] {
        for (word, expected) in [("Mart", Some(Name)), ("Martian", None)] {
            let mut body = " x".repeat(35_000);
            body.replace_range(at..at + word.len() + 2, &format!(" {word} "));
            assert_eq!(found(text(0x0040_A160, VR::UT, &body)), expected, "{word} {at}");
        }
    }
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let utf_16: Vec<u8> = "seen by Mart".encode_utf16().flat_map(order).collect();
        assert_eq!(found(Element::Value(0x0009_1001, VR::UN, utf_16)), Some(Name));
    }
}

fn check(options: &[O], output: &[u8], pixels_cleaned: bool, given: &[&str]) -> Verdict {
    let (identity, original) = surveyed(original());
    let mut promise = promise(options);
    promise.given.extend(given.iter().map(|uid| (*uid).to_owned()));
    let verifier = Verifier::new(&identity, &["P-7K3M"]).unwrap().promising(promise);
    let leaving = Leaving { original: &original, pixels_cleaned };
    verifier.check(Cursor::new(output), &SYNTAX, Limits::INSTANCE, leaving).unwrap()
}

/// The output of the profile is what was promised; what another one would have written is not.
#[test]
fn markers_fit_the_profile() {
    let modified = [O::RetainLongitudinalModifiedDates];
    let output = run_profile(&with_options(&modified), CT, original());
    let uids: Vec<String> =
        ["(0008,0018)", "(0020,000D)", "(0020,000E)"].map(|p| output.text(p).unwrap()).into();
    let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
    assert_eq!(check(&modified, &output.bytes, false, &uids), Verdict::default());
    let paths = |options: &[O], bytes: &[u8]| -> Vec<String> {
        let wrong = check(options, bytes, false, &uids).findings.into_iter();
        wrong.filter(|finding| finding.kind == Marker).map(|finding| finding.path.to_string()).collect()
    };
    // 113107 is no option of the Basic profile, which removes dates.
    assert_eq!(paths(&[], &output.bytes), ["(0012,0064)", "(0028,0303)"]);
    let bare = data_set(SYNTAX.encoding, CT, original());
    assert_eq!(paths(&[], &bare), ["(0012,0062)", "(0012,0064)", "(0028,0303)"]);
}

#[test]
fn burned_in_annotation_is_no_only_after_a_look() {
    let bytes_of = |element: Option<Element>| {
        let mut elements = original();
        elements.extend(element);
        run_profile(&Profile::basic(), CT, elements).bytes
    };
    let claimed = bytes_of(Some(text(0x0028_0301, VR::CS, "NO")));
    let path = |cleaned: bool| {
        let findings = check(&[], &claimed, cleaned, &[]).findings;
        findings.iter().any(|finding| finding.path.to_string() == "(0028,0301)")
    };
    assert_eq!((path(false), path(true)), (true, false));
    let (identity, said) = {
        let mut elements = original();
        elements.push(text(0x0028_0301, VR::CS, "NO"));
        surveyed(elements)
    };
    let verifier = Verifier::new(&identity, &[]).unwrap().promising(promise(&[]));
    let leaving = Leaving { original: &said, pixels_cleaned: false };
    let verdict = verifier.check(Cursor::new(&claimed), &SYNTAX, Limits::INSTANCE, leaving).unwrap();
    assert!(verdict.findings.iter().all(|finding| finding.kind != Marker));
}

/// PS3.3 C.7.2.1: Study Date is of Type 2, Study Instance UID of Type 1. What the original lacks is not lost.
#[test]
fn what_the_iod_requires_is_not_lost() {
    let lacking = |without: &[u32], empty: u32| {
        let elements = original().into_iter().filter(|element| match element {
            Element::Value(number, ..) | Element::Sequence(number, _) => !without.contains(number),
        });
        let elements = elements.map(|element| match element {
            Element::Value(number, vr, _) if number == empty => Element::Value(number, vr, Vec::new()),
            other => other,
        });
        let verdict = check(&[], &data_set(SYNTAX.encoding, CT, elements.collect()), true, &[]);
        let missing = verdict.findings.iter().filter(|finding| finding.kind == Missing);
        (verdict.damage, missing.map(|finding| finding.path.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(lacking(&[], 0x0008_0020), (vec![], vec![]));
    assert_eq!(lacking(&[0x0008_0020], 0), (vec!["(0008,0020)".to_owned()], vec![]));
    assert_eq!(lacking(&[0x0018_1200], 0), (vec![], vec![]));
    assert_eq!(
        lacking(&[0x0020_000D], 0x0020_000E),
        (vec![], vec!["(0020,000D)".to_owned(), "(0020,000E)".to_owned()])
    );
}

/// PS3.3 C.7.3.1 and C.7.6.1: Series Number and Instance Number are of Type 2; Body Part Examined is of Type 3.
#[test]
fn what_a_rule_of_the_project_takes_away_is_named() {
    let mut before = original();
    before.extend([
        text(0x0018_0015, VR::CS, "CHEST"),
        text(0x0020_0011, VR::IS, "3"),
        text(0x0020_0013, VR::IS, "17"),
    ]);
    let (identity, whole) = surveyed(before.clone());
    let rule = ProjectRule {
        attributes: ["SeriesNumber", "InstanceNumber", "BodyPartExamined"].map(str::to_owned).into(),
        value: None,
        sop_classes: BTreeSet::new(),
        modalities: BTreeSet::new(),
        labels: BTreeSet::new(),
        except_labels: BTreeSet::new(),
        action: RuleAction::X,
        reason: String::new(),
    };
    let output = run_profile(&Profile { rules: vec![rule], ..Profile::basic() }, CT, before);
    let leaving = Leaving { original: &whole, pixels_cleaned: false };
    let verifier = Verifier::new(&identity, &[]).unwrap();
    let verdict = verifier.check(Cursor::new(&output.bytes), &SYNTAX, Limits::INSTANCE, leaving).unwrap();
    assert_eq!(verdict.damage, ["(0020,0011)", "(0020,0013)"]);
}

/// PS3.3 Tables C.17.3-7 and 8.8-1: a content item of value type CODE has a code, one of value type TEXT a text.
#[test]
fn a_content_item_without_its_value_is_named() {
    let sr = "1.2.840.10008.5.1.4.1.1.88.33";
    let kind = |value_type| text(0x0040_A040, VR::CS, value_type);
    let tree = |code: Vec<Element>, words: &str| {
        let items = vec![
            vec![kind("CODE"), sequence(0x0040_A168, vec![code])],
            vec![kind("TEXT"), text(0x0040_A160, VR::UT, words)],
        ];
        let outer = vec![kind("CONTAINER"), sequence(0x0040_A730, items)];
        data_set(SYNTAX.encoding, sr, vec![sequence(0x0040_A730, vec![outer])])
    };
    let code = || vec![text(0x0008_0100, VR::SH, "T-D0050"), text(0x0008_0102, VR::SH, "SRT")];
    let profile = Profile::basic().compile(None).unwrap();
    let damage = |before: Vec<u8>, after: Vec<u8>| {
        let mut identity = Identity::default();
        let survey =
            Survey::read(&profile, Cursor::new(before), &SYNTAX, Limits::INSTANCE, &mut identity).unwrap();
        let leaving = Leaving { original: survey.original(), pixels_cleaned: false };
        let verifier = Verifier::new(&identity, &[]).unwrap();
        verifier.check(Cursor::new(after), &SYNTAX, Limits::INSTANCE, leaving).unwrap().damage
    };
    let (whole, no_code, no_text) = (tree(code(), "seen"), tree(vec![], "seen"), tree(code(), ""));
    assert_eq!(damage(whole.clone(), whole.clone()), Vec::<String>::new());
    assert_eq!(damage(whole.clone(), no_code.clone()), ["(0040,A730)(0040,A168)"]);
    assert_eq!(damage(whole.clone(), no_text), ["(0040,A730)(0040,A160)"]);
    assert_eq!(damage(no_code.clone(), no_code.clone()), Vec::<String>::new(), "it lacked before");
    assert_eq!(damage(no_code, whole), Vec::<String>::new());
}

/// A person reads where, never what; beyond twenty places, how many.
#[test]
fn places_are_named() {
    assert_eq!(places(&[]), None);
    let output = bytes(SYNTAX.encoding, &original());
    let verifier = Verifier::new(&surveyed(original()).0, &[]).unwrap();
    let findings = verifier.verify(Cursor::new(&output), &SYNTAX, Limits::INSTANCE).unwrap();
    let text = places(&findings).unwrap();
    assert!(
        text.starts_with("(0010,0010) part of a name, (0010,0020) identifier, (0010,0030) birth date"),
        "{text}"
    );
    assert!(!text.contains("Lefevre") && !text.contains("8841") && !text.contains("1971"));
    let many: Vec<_> = findings.iter().cycle().take(23).cloned().collect();
    assert!(places(&many).unwrap().ends_with(" and 3 more"));
}

/// Reads the first bytes of a frame as text: what a recogniser does with pixels, the test does with letters.
struct Letters;

impl pixel::TextRecogniser for Letters {
    fn name(&self) -> &str {
        "letters"
    }

    fn recognise(
        &self,
        image: &pixel::GreyImage,
        _left: &mut std::time::Duration,
    ) -> Result<Vec<pixel::TextBox>, pixel::RecogniserError> {
        let black = image.pixels().iter().filter(|pixel| **pixel == 0).count();
        let word = |x, text: &str| pixel::TextBox {
            x,
            y: 2,
            width: 10,
            height: 8,
            text: text.to_owned(),
            confidence: 12.0,
        };
        // Half of the frame is black: there the name was.
        Ok(if black * 2 >= image.pixels().len() {
            vec![word(0, "120"), word(14, "kV")]
        } else {
            vec![word(14, "Eloise"), word(0, "Lefevre")]
        })
    }
}

#[test]
fn text_in_the_pixels_that_leave_is_found() {
    let frames = |masked: &[bool]| -> Vec<u8> {
        let frame = |masked: &bool| {
            let upper = if *masked { 0 } else { 200 };
            (0..400_u32)
                .map(move |at| if at < 200 { upper } else { 100 + (at % 2) as u8 })
                .collect::<Vec<u8>>()
        };
        masked.iter().flat_map(frame).collect()
    };
    let short = |number, value: u16| Element::Value(number, VR::US, value.to_le_bytes().to_vec());
    let object = |masked: &[bool]| {
        bytes(
            SYNTAX.encoding,
            &[
                short(0x0028_0002, 1),
                text(0x0028_0004, VR::CS, "MONOCHROME2"),
                text(0x0028_0008, VR::IS, &masked.len().to_string()),
                short(0x0028_0010, 20),
                short(0x0028_0011, 20),
                short(0x0028_0100, 8),
                short(0x0028_0101, 8),
                short(0x0028_0102, 7),
                short(0x0028_0103, 0),
                Element::Value(0x7FE0_0010, VR::OB, frames(masked)),
            ],
        )
    };
    let verifier = Verifier::new(&surveyed(original()).0, &[]).unwrap();
    for limit in [Limits::INSTANCE, Limits { value: 64, ..Limits::INSTANCE }] {
        let found = |masked: &[bool]| {
            let input = Cursor::new(object(masked));
            let found = verifier.verify_pixels(input, &SYNTAX, limit, &Letters).unwrap();
            found.map(|finding| (finding.path.to_string(), finding.kind))
        };
        assert_eq!(found(&[true, true]), None);
        assert_eq!(found(&[true, false]), Some(("(7FE0,0010)".to_owned(), Name)));
    }
    let cut = &object(&[true])[..200];
    assert!(verifier.verify_pixels(Cursor::new(cut), &SYNTAX, Limits::INSTANCE, &Letters).is_err());
}
