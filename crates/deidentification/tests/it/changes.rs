//! Before and after. What has to happen to an attribute is Table E.1-1's; how it is told is what a reader needs.

use deidentification::changes::{Changes, DataSet, Done, Recorded, Row, Show, compare, explain};
use deidentification::{DeidentificationOption, Profile, Report};
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};

use crate::support::{
    CODE, CT, Element, Output, bytes, data_set, run_profile, sequence, text, try_run_profile, with_options,
};

const MASKED: Show = Show { identity: false, new_values: true, equal: false };
const OPEN: Show = Show { identity: true, ..MASKED };
const ALL: Show = Show { equal: true, ..MASKED };

fn compared(before: &[u8], after: &[u8], recorded: &Recorded, show: Show) -> Changes {
    let of = |bytes| DataSet {
        input: Box::new(bytes) as Box<dyn std::io::Read>,
        transfer_syntax: &TransferSyntax::EXPLICIT_LITTLE,
    };
    compare(of(before), of(after), recorded, show, Limits::INSTANCE).unwrap()
}

/// De-identifies as a CT, and compares.
fn changes(profile: &Profile, elements: Vec<Element>, show: Show) -> Changes {
    let before = data_set(Encoding::ExplicitLittle, CT, elements.clone());
    let Output { bytes, report, .. } = run_profile(profile, CT, elements);
    compared(&before, &bytes, &Recorded::from(&report), show)
}

fn at<'a>(changes: &'a Changes, path: &str) -> &'a Row {
    changes.rows.iter().find(|row| row.path == path).unwrap_or_else(|| panic!("{path}: {:?}", changes.rows))
}

fn rules(row: &Row) -> Vec<&str> {
    row.causes.iter().map(|cause| cause.rule.as_str()).collect()
}

fn old(row: &Row) -> String {
    row.old.as_ref().unwrap().to_string()
}

fn new(row: &Row) -> String {
    row.new.as_ref().unwrap().to_string()
}

fn patient() -> Vec<Element> {
    vec![
        text(0x0008_0020, VR::DA, "19800229"),
        text(0x0008_0060, VR::CS, "CT"),
        text(0x0008_0080, VR::LO, "ST ELSEWHERE"),
        text(0x0010_0010, VR::PN, "MILLGATE^ANN"),
        text(0x0020_000D, VR::UI, "1.2.3.99"),
    ]
}

#[test]
fn each_difference_has_what_was_done_and_the_rule_that_did_it() {
    let changes = changes(&Profile::basic(), patient(), OPEN);
    let told: Vec<_> = ["(0008,0020)", "(0008,0080)", "(0010,0010)", "(0020,000D)", "(0012,0062)"]
        .map(|path| at(&changes, path))
        .into_iter()
        .map(|row| (row.keyword, row.vr, row.done, rules(row)))
        .collect();
    assert_eq!(
        told,
        [
            ("StudyDate", "DA", Done::Emptied, vec!["E.1-1"]),
            ("InstitutionName", "LO", Done::Removed, vec!["E.1-1"]),
            ("PatientName", "PN", Done::Replaced, vec!["own"]),
            ("StudyInstanceUID", "UI", Done::NewUid, vec!["E.1-1"]),
            ("PatientIdentityRemoved", "CS", Done::Added, vec!["own"]),
        ]
    );
    let name = at(&changes, "(0010,0010)");
    assert_eq!((old(name).as_str(), new(name).as_str()), ("MILLGATE^ANN", CODE));
    assert_eq!(
        (at(&changes, "(0008,0080)").new.as_ref(), at(&changes, "(0012,0062)").old.as_ref()),
        (None, None)
    );
    assert!(name.causes[0].explanation.contains("written by the de-identification"));
    // SOP class and modality
    assert_eq!(changes.totals[&Done::Kept], 2);
    assert!(changes.rows.iter().all(|row| row.done != Done::Kept));
}

#[test]
fn without_identity_an_original_value_is_its_vr_and_its_length() {
    let mut elements = patient();
    elements.push(Element::Value(0x0028_0010, VR::US, vec![0, 2]));
    elements.push(Element::Value(0x7FE0_0010, VR::OW, vec![7; 100_000]));
    let changes = changes(&Profile::basic(), elements, ALL);
    let name = at(&changes, "(0010,0010)");
    assert_eq!((old(name).as_str(), new(name).as_str()), ("PN, 12 characters", CODE));
    assert_eq!(old(at(&changes, "(0020,000D)")), "UI, 8 characters");
    let rows = at(&changes, "(0028,0010)");
    assert_eq!((rows.done, old(rows).as_str(), new(rows).as_str()), (Done::Kept, "US, 1 value", "512"));
    // SHA-256 of 100,000 bytes of 7, by sha256sum
    let pixels = at(&changes, "(7FE0,0010)");
    assert_eq!(old(pixels), "OW, 100000 bytes");
    assert_eq!(new(pixels), format!("OW, 100000 bytes, SHA-256 {DIGEST}"));
    let told = serde_json::to_string(&changes).unwrap() + &format!("{changes:?}");
    for value in ["MILLGATE", "ELSEWHERE", "1.2.3.99", "19800229"] {
        assert!(!told.contains(value), "{value}: {told}");
    }
}

const DIGEST: &str = "2c4b101169bf328cd4a882e640a8b57eb3acf76518b3d105869905cf629e791c";

#[test]
fn nothing_of_either_side_is_shown_of_what_is_held() {
    let changes = changes(&Profile::basic(), patient(), Show { new_values: false, ..ALL });
    assert!(
        changes.rows.iter().flat_map(|row| [&row.old, &row.new]).flatten().all(|shown| shown.text.is_none())
    );
}

#[test]
fn items_meet_by_their_number() {
    let reference = |uid| vec![text(0x0008_1150, VR::UI, CT), text(0x0008_1155, VR::UI, uid)];
    let elements = vec![sequence(0x0008_1140, vec![reference("1.2.3.1"), reference("1.2.3.2")])];
    let changes = changes(&Profile::basic(), elements, OPEN);
    for (item, uid) in [(1, "1.2.3.1"), (2, "1.2.3.2")] {
        let row = at(&changes, &format!("(0008,1140)[{item}](0008,1155)"));
        assert_eq!((row.done, rules(row), old(row).as_str()), (Done::NewUid, vec!["E.1-1"], uid));
    }
    assert!(!changes.rows.iter().any(|row| row.path == "(0008,1140)"), "the sequence itself is as before");
}

#[test]
fn what_was_in_a_removed_sequence_went_with_it() {
    let id = |value| vec![text(0x0010_0020, VR::LO, value)];
    let changes =
        changes(&Profile::basic(), vec![sequence(0x0010_1002, vec![id("MRN-1"), id("MRN-2")])], OPEN);
    let of: Vec<_> = changes.rows.iter().filter(|row| row.path.starts_with("(0010,1002)")).collect();
    let told: Vec<_> = of.iter().map(|row| (row.path.as_str(), old(row), rules(row))).collect();
    assert_eq!(
        told,
        [
            ("(0010,1002)", "SQ, 2 items".to_owned(), vec!["E.1-1"]),
            ("(0010,1002)[1](0010,0020)", "MRN-1".to_owned(), vec!["E.1-1"]),
            ("(0010,1002)[2](0010,0020)", "MRN-2".to_owned(), vec!["E.1-1"]),
        ]
    );
    assert!(of.iter().all(|row| row.done == Done::Removed && row.new.is_none()));
}

#[test]
fn what_the_de_identification_adds_is_its_own() {
    let method = || {
        let code = |value| {
            vec![
                text(0x0008_0100, VR::SH, value),
                text(0x0008_0102, VR::SH, "DCM"),
                text(0x0008_0104, VR::LO, "somebody's"),
            ]
        };
        sequence(0x0012_0064, vec![code("113105")])
    };
    let added = changes(&Profile::basic(), Vec::new(), MASKED);
    let whole = at(&added, "(0012,0064)");
    assert_eq!((whole.done, rules(whole), new(whole).as_str()), (Done::Added, vec!["own"], "SQ, 1 item"));
    let code = at(&added, "(0012,0064)[1](0008,0100)");
    assert_eq!((code.done, rules(code), new(code).as_str()), (Done::Added, vec!["own"], "113100"));
    let appended = changes(&Profile::basic(), vec![method()], MASKED);
    let whole = at(&appended, "(0012,0064)");
    assert_eq!((old(whole).as_str(), new(whole).as_str()), ("SQ, 1 item", "SQ, 2 items"));
    assert_eq!(rules(at(&appended, "(0012,0064)[2](0008,0100)")), ["own"]);
}

#[test]
fn a_sequence_stored_as_un_is_opened_on_both_sides() {
    let item = [
        text(0x0008_1150, VR::UI, CT),
        text(0x0008_1155, VR::UI, "1.2.3.17"),
        text(0x0010_0010, VR::PN, "MILLGATE^ANN"),
    ];
    let inside = bytes(Encoding::ImplicitLittle, &item);
    let mut value = vec![0xFE, 0xFF, 0x00, 0xE0];
    value.extend((inside.len() as u32).to_le_bytes());
    value.extend(inside);
    let changes = changes(&Profile::basic(), vec![Element::Value(0x0008_1140, VR::UN, value)], OPEN);
    let uid = at(&changes, "(0008,1140)[1](0008,1155)");
    assert_eq!((uid.done, rules(uid), old(uid).as_str()), (Done::NewUid, vec!["E.1-1"], "1.2.3.17"));
    let name = at(&changes, "(0008,1140)[1](0010,0010)");
    assert_eq!((name.done, rules(name), old(name).as_str()), (Done::Emptied, vec!["E.1-1"], "MILLGATE^ANN"));
}

#[test]
fn private_elements_and_their_creator_go_by_the_same_rule() {
    let elements = vec![
        text(0x0009_0010, VR::LO, "ACME 1"),
        text(0x0009_1001, VR::LO, "MILLGATE"),
        Element::Value(0x0009_1002, VR::UN, b"MILLGATE".to_vec()),
    ];
    let changes = changes(&Profile::basic(), elements, OPEN);
    for (path, shown) in [("(0009,0010)", "ACME 1"), ("(0009,1001)", "MILLGATE")] {
        let row = at(&changes, path);
        assert_eq!((row.done, rules(row), old(row).as_str()), (Done::Removed, vec!["private"], shown));
    }
    assert!(
        old(at(&changes, "(0009,1002)")).starts_with("UN, 8 bytes, SHA-256 "),
        "no text where there is none"
    );
}

#[test]
fn options_are_named_in_words() {
    let options = [DeidentificationOption::RetainLongitudinalModifiedDates];
    let changes = changes(&with_options(&options), patient(), MASKED);
    let date = at(&changes, "(0008,0020)");
    assert_eq!((date.done, rules(date)), (Done::DateMoved, vec!["E.1-1/113107"]));
    // 100 days before 29 February 1980, by date(1)
    assert_eq!(new(date), "19791121");
    assert!(date.causes[0].explanation.contains("Modified Dates Option"));
    for rule in
        ["E.1-1", "beyond-text", "private", "unknown", "rule-3", "own", "wrong-vr", "E.3.4-1", "container"]
    {
        assert!(!explain(rule).is_empty(), "{rule}");
    }
}

#[test]
fn an_order_of_a_careless_sender_confuses_nobody() {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let before = bytes(
        syntax.encoding,
        &[
            text(0x0008_0016, VR::UI, CT),
            text(0x0008_0018, VR::UI, crate::support::INSTANCE),
            text(0x0010_0010, VR::PN, "MILLGATE^ANN"),
            text(0x0010_1040, VR::LO, "12 MILL LANE"),
            text(0x0008_0060, VR::CS, "CT"),
            text(0x0028_0004, VR::CS, "MONOCHROME2"),
        ],
    );
    let profile = Profile::basic().compile(None).unwrap();
    let Output { bytes: after, report, .. } =
        try_run_profile(&profile, &syntax, CT, Limits::INSTANCE, &before).unwrap();
    let changes = compared(&before, &after, &Recorded::from(&report), MASKED);
    assert_eq!(at(&changes, "(0010,1040)").done, Done::Removed);
    assert!(!changes.rows.iter().any(|row| row.path == "(0008,0060)"), "{:?}", changes.rows);
    assert_eq!(changes.totals[&Done::Kept], 3);
}

#[test]
fn a_report_that_was_kept_tells_the_same() {
    let elements = || {
        let mut elements = patient();
        elements.push(sequence(0x0010_1002, vec![vec![text(0x0010_0020, VR::LO, "MRN-1")]]));
        elements
    };
    let before = data_set(Encoding::ExplicitLittle, CT, elements());
    let Output { bytes: after, report, .. } = run_profile(&Profile::basic(), CT, elements());
    let kept: Recorded = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let at_hand = compared(&before, &after, &Recorded::from(&report), OPEN);
    assert_eq!(compared(&before, &after, &kept, OPEN), at_hand);
    // without a report the differences show, and no rule
    let alone = compared(&before, &after, &Recorded::default(), OPEN);
    assert_eq!(alone.rows.len(), at_hand.rows.len());
    assert!(alone.rows.iter().all(|row| row.causes.is_empty()));
    assert!(
        serde_json::from_str::<Recorded>(r#"{"changes":[{"path":"","rule":"own","step":"keep"}]}"#).is_err()
    );
}

#[test]
fn values_and_rows_are_cut() {
    let long = "A".repeat(257);
    let cut = changes(&Profile::basic(), vec![text(0x0008_4000, VR::LT, &long)], OPEN);
    assert_eq!(old(at(&cut, "(0008,4000)")), "A".repeat(256) + "…");
    let item = || vec![text(0x0010_0020, VR::LO, "M")];
    let items = vec![sequence(0x0010_1002, (0..Changes::ROWS_MAX).map(|_| item()).collect())];
    let many = changes(&Profile::basic(), items, MASKED);
    assert_eq!(many.rows.len(), Changes::ROWS_MAX);
    assert!(many.rows_not_listed > 1, "the sequence itself, and what the de-identification adds");
    assert_eq!(many.totals[&Done::Removed], Changes::ROWS_MAX as u64 + 1);
}

#[test]
fn an_object_that_breaks_off_is_an_error() {
    let before = data_set(Encoding::ExplicitLittle, CT, patient());
    let of = |bytes: &'static [u8]| DataSet {
        input: Box::new(bytes) as Box<dyn std::io::Read>,
        transfer_syntax: &TransferSyntax::EXPLICIT_LITTLE,
    };
    let before: &'static [u8] = before.leak();
    let recorded = Recorded::from(&report());
    assert!(
        compare(of(before), of(&before[..before.len() - 3]), &recorded, MASKED, Limits::INSTANCE).is_err()
    );
    assert!(
        compare(of(&before[..before.len() - 3]), of(before), &recorded, MASKED, Limits::INSTANCE).is_err()
    );
}

fn report() -> Report {
    run_profile(&Profile::basic(), CT, patient()).report
}

#[test]
fn what_a_rule_adds_is_told_with_the_rule() {
    let head = "name = \"own\"\nversion = \"1\"\nedition = \"2026d\"\n";
    let rule = "[[rules]]\nattributes = [\"ReceiveCoilName\", \"StudyDescription\"]\naction = { add = { value = \"HEAD\" } }\n";
    let profile = Profile::from_toml(&format!("{head}{rule}")).unwrap();
    let changes = changes(&profile, vec![text(0x0008_1030, VR::LO, "Thorax of Ann")], MASKED);
    for (path, done) in [("(0018,1250)", Done::Added), ("(0008,1030)", Done::Replaced)] {
        let row = at(&changes, path);
        assert_eq!((row.done, rules(row), new(row).as_str()), (done, vec!["rule-1"], "HEAD"), "{path}");
    }
}
