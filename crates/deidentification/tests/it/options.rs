//! What each option of PS3.15 E.3 keeps, cleans and says of itself.

use deidentification::DeidentificationOption::{
    CleanDescriptors, CleanGraphics, CleanStructuredContent, RetainDeviceIdentity, RetainInstitutionIdentity,
    RetainLongitudinalFullDates, RetainLongitudinalModifiedDates, RetainPatientCharacteristics,
    RetainSafePrivate, RetainUids,
};
use deidentification::{DeidentificationOption, Profile};
use dicom_stream::{Encoding, VR};

use crate::support::{CT, Element, Output, bytes, run_profile, sequence, text, with_options};

const SR: &str = "1.2.840.10008.5.1.4.1.1.88.33";

fn run(options: &[DeidentificationOption], elements: Vec<Element>) -> Output {
    run_profile(&with_options(options), CT, elements)
}

/// Codes of (0012,0064), in order.
fn codes(output: &Output) -> Vec<String> {
    (1..=13).map_while(|item| output.text(&format!("(0012,0064)[{item}](0008,0100)"))).collect()
}

/// Text in the place of a date, time or age is nobody's date: what retains those does not retain it.
#[test]
fn letters_are_no_date_time_or_age() {
    let written = |value: &str| {
        [
            text(0x0008_0020, VR::DA, value),
            text(0x0008_002A, VR::DT, value),
            text(0x0008_0030, VR::TM, value),
            text(0x0008_0032, VR::TM, "10:15:00.5"),
            text(0x0010_1010, VR::AS, value),
            text(0x0018_1200, VR::DA, value),
            // samples that say they are dates
            text(0x0028_1201, VR::DA, value),
        ]
    };
    for dates in [RetainLongitudinalFullDates, RetainLongitudinalModifiedDates] {
        let options = [dates, RetainPatientCharacteristics, RetainDeviceIdentity];
        let output = run(&options, written("Quizzlewick").into());
        assert!(!output.holds(b"Quizzlewick"), "{dates:?}");
        assert_eq!(output.text("(0008,0032)").as_deref(), Some("10:15:00.5"));
    }
}

/// Dates move by -100 days, times stay; what cannot be moved goes (PS3.15 E.3.6; SHIFT of the test source).
#[test]
fn modified_dates_move_by_one_shift() {
    let dates = |options: &[DeidentificationOption]| {
        run(
            options,
            vec![
                text(0x0008_0020, VR::DA, "20240310"),
                text(0x0008_0021, VR::DA, "2024.03.10"),
                text(0x0008_0022, VR::DA, "202403"),
                text(0x0008_002A, VR::DT, "20240101101500.25+0100"),
                text(0x0008_0030, VR::TM, "101500"),
                text(0x0010_0030, VR::DA, "19500101"),
                text(0x0008_0201, VR::SH, "+0100"),
                sequence(0x0040_0555, vec![vec![text(0x0040_A121, VR::DA, "20240310")]]),
            ],
        )
    };
    let output = dates(&[RetainLongitudinalModifiedDates]);
    for (path, expected) in [
        ("(0008,0020)", Some("20231201")),
        ("(0008,0021)", Some("2023.12.01")),
        ("(0008,0022)", None),
        ("(0008,002A)", Some("20230923101500.25+0100")),
        ("(0008,0030)", Some("101500")),
        ("(0010,0030)", Some("")),
        ("(0008,0201)", None),
        ("(0028,0303)", Some("MODIFIED")),
    ] {
        assert_eq!(output.text(path).as_deref(), expected, "{path}");
    }
    assert_eq!(codes(&output), ["113100", "113107"]);
    let output = dates(&[RetainLongitudinalFullDates]);
    assert_eq!(output.text("(0008,002A)").as_deref(), Some("20240101101500.25+0100"));
    assert_eq!(output.text("(0028,0303)").as_deref(), Some("UNMODIFIED"));
    assert_eq!(codes(&output), ["113100", "113106"]);
    let output = dates(&[]);
    assert_eq!(output.text("(0008,0020)").as_deref(), Some(""));
    assert_eq!(output.text("(0028,0303)").as_deref(), Some("REMOVED"));
}

/// 45 CFR 164.514(b)(2)(i)(C): ages over 89 only where the profile says so (`deidentification.md` §5, conflict 2).
#[test]
fn patient_characteristics_and_old_age() {
    let age = |age: &str, pool_ages_over_89| {
        let profile = Profile { pool_ages_over_89, ..with_options(&[RetainPatientCharacteristics]) };
        let output = run_profile(
            &profile,
            CT,
            vec![
                text(0x0010_1010, VR::AS, age),
                text(0x0010_0040, VR::CS, "F"),
                text(0x0010_0041, VR::SQ, ""),
            ],
        );
        assert_eq!(output.text("(0010,0040)").as_deref(), Some("F"));
        output.text("(0010,1010)").unwrap()
    };
    assert_eq!(age("089Y", true), "089Y");
    assert_eq!(age("090Y", true), "090Y");
    assert_eq!(age("101Y", true), "090Y");
    assert_eq!(age("101Y", false), "101Y");
}

/// The codes say what was done to this object, not what the profile could do (DI-13).
#[test]
fn codes_name_only_options_that_acted() {
    let all = [RetainDeviceIdentity, RetainInstitutionIdentity, RetainPatientCharacteristics, CleanGraphics];
    assert_eq!(codes(&run(&all, vec![text(0x0008_0070, VR::LO, "Maker")])), ["113100"]);
    let output = run(&all, vec![text(0x0008_0080, VR::LO, "General"), text(0x0018_1000, VR::LO, "SN17")]);
    assert_eq!(codes(&output), ["113100", "113109", "113112"]);
    assert_eq!(output.text("(0018,1000)").as_deref(), Some("SN17"));
    // In a sequence that goes, nothing acts.
    let request = sequence(0x0040_0275, vec![vec![text(0x0008_0080, VR::LO, "General")]]);
    assert_eq!(codes(&run(&all, vec![request])), ["113100"]);
}

/// What a rule took, what was cut away whole, what cannot be moved, what was empty: no option left anything of it (DI-13).
#[test]
fn codes_do_not_name_options_that_left_nothing() {
    let head =
        "name = \"own\"\nversion = \"1\"\nedition = \"2026d\"\noptions = [\"retain_device_identity\"]\n";
    let rule = "[[rules]]\nattributes = [\"StationName\"]\naction = \"X\"\n";
    let station = || text(0x0008_1010, VR::SH, "CT01");
    let own = |toml: &str| run_profile(&Profile::from_toml(toml).unwrap(), CT, vec![station()]);
    assert_eq!(codes(&own(head)), ["113100", "113109"]);
    let ruled = own(&format!("{head}{rule}"));
    assert_eq!(codes(&ruled), ["113100"]);
    assert_eq!(ruled.report.method_codes, ["113100"]);
    let patient = text(0x0010_0010, VR::PN, "Lefevre^Eloise");
    for (option, elements) in [
        (CleanDescriptors, vec![text(0x0008_1030, VR::LO, "Zqxv")]),
        (RetainInstitutionIdentity, vec![text(0x0008_0080, VR::LO, "Lefevre")]),
        (RetainLongitudinalModifiedDates, vec![text(0x0008_0020, VR::DA, "garbage")]),
        (RetainPatientCharacteristics, vec![text(0x0010_0040, VR::CS, ""), text(0x0010_1010, VR::AS, "")]),
        // a number by Table E.3.10-1, not a date: it goes
        (
            RetainSafePrivate,
            vec![text(0x0019_0011, VR::LO, "SIEMENS MR HEADER"), text(0x0019_110C, VR::DA, "20240310")],
        ),
    ] {
        let output = run(&[option], elements.into_iter().chain([patient.clone()]).collect());
        assert_eq!(codes(&output), ["113100"], "{option:?}");
    }
}

/// Equipment that calls a block unsafe lets nothing of it stay, whatever Table E.3.10-1 says.
#[test]
fn codes_do_not_name_private_elements_that_went() {
    let toml = "name = \"own\"\nversion = \"1\"\nedition = \"2026d\"\noptions = [\"retain_safe_private\"]\n\
                [[trusted_equipment]]\nmanufacturer = \"SIEMENS\"\n";
    let stated = |status: &str| {
        let block = vec![
            Element::Value(0x0008_0301, VR::US, 0x0019_u16.to_le_bytes().to_vec()),
            text(0x0008_0302, VR::LO, "SIEMENS MR HEADER"),
            text(0x0008_0303, VR::CS, status),
        ];
        let elements = vec![
            text(0x0008_0070, VR::LO, "SIEMENS"),
            sequence(0x0008_0300, vec![block]),
            text(0x0019_0011, VR::LO, "SIEMENS MR HEADER"),
            text(0x0019_110C, VR::IS, "800"),
        ];
        let output = run_profile(&Profile::from_toml(toml).unwrap(), CT, elements);
        (output.has("(0019,110C)"), codes(&output))
    };
    assert_eq!(stated("SAFE"), (true, vec!["113100".to_owned(), "113111".to_owned()]));
    assert_eq!(stated("UNSAFE"), (false, vec!["113100".to_owned()]));
}

#[test]
fn retained_uids_stay_but_for_those_without_an_entry() {
    let output = run(
        &[RetainUids],
        vec![
            text(0x0020_000D, VR::UI, "1.2.3.4"),
            text(0x0020_9312, VR::UI, "1.2.3.5"),
            text(0x0400_0100, VR::UI, "1.2.3.6"),
        ],
    );
    assert_eq!(output.text("(0020,000D)").as_deref(), Some("1.2.3.4"));
    assert_eq!(output.text("(0020,9312)").as_deref(), Some("1.2.3.5"), "beyond the table");
    assert_eq!(output.text("(0008,0018)").as_deref(), Some(crate::support::INSTANCE));
    assert!(output.text("(0400,0100)").is_none_or(|uid| uid.starts_with("2.25.")));
}

/// Table E.3.10-1 has (0019,xx0C) of SIEMENS MR HEADER, B_value, IS; creators move between blocks (DI-41).
#[test]
fn safe_private_elements_stay_with_their_creators() {
    let output = run(
        &[RetainSafePrivate],
        vec![
            text(0x0019_0010, VR::LO, "ACME"),
            text(0x0019_0011, VR::LO, "SIEMENS MR HEADER"),
            text(0x0019_100C, VR::IS, "1"),
            text(0x0019_110C, VR::IS, "800"),
            text(0x0019_1199, VR::LO, "unlisted"),
            text(0x0021_1001, VR::LO, "orphan"),
            sequence(
                0x0008_1115,
                vec![vec![text(0x0019_0020, VR::LO, "SIEMENS MR HEADER"), text(0x0019_200C, VR::IS, "900")]],
            ),
        ],
    );
    assert_eq!(output.text("(0019,110C)").as_deref(), Some("800"));
    assert_eq!(output.text("(0019,0011)").as_deref(), Some("SIEMENS MR HEADER"));
    assert_eq!(output.text("(0008,1115)[1](0019,200C)").as_deref(), Some("900"));
    for path in ["(0019,0010)", "(0019,100C)", "(0019,1199)", "(0021,1001)"] {
        assert!(!output.has(path), "{path}");
    }
    assert_eq!(codes(&output), ["113100", "113111"]);
    let without =
        run(&[], vec![text(0x0019_0011, VR::LO, "SIEMENS MR HEADER"), text(0x0019_110C, VR::IS, "8")]);
    assert!(!without.has("(0019,0011)") && !without.has("(0019,110C)"));
}

/// In implicit VR a private element has no VR: the table's counts. A UN value is the same (DI-44).
#[test]
fn safe_private_elements_stored_as_un() {
    let output = run(
        &[RetainSafePrivate],
        vec![
            text(0x0019_0011, VR::LO, "SIEMENS MR HEADER"),
            Element::Value(0x0019_110C, VR::UN, b"800 ".to_vec()),
        ],
    );
    assert_eq!(output.text("(0019,110C)").as_deref(), Some("800"));
}

fn concept(code: &str, scheme: &str, meaning: &str) -> Element {
    sequence(
        0x0040_A043,
        vec![vec![
            text(0x0008_0100, VR::SH, code),
            text(0x0008_0102, VR::SH, scheme),
            text(0x0008_0104, VR::LO, meaning),
        ]],
    )
}

fn item(value_type: &str, name: Element, value: Element) -> Vec<Element> {
    vec![text(0x0040_A010, VR::CS, "CONTAINS"), text(0x0040_A040, VR::CS, value_type), name, value]
}

/// Table E.3.4-1: concept, scheme and value type decide, at every depth; positions of the items stay.
#[test]
fn structured_content_by_concept() {
    let inner =
        item("TEXT", concept("121071", "DCM", "Finding"), text(0x0040_A160, VR::UT, "Seen with Welby"));
    let mut container = vec![
        text(0x0040_A010, VR::CS, "CONTAINS"),
        text(0x0040_A040, VR::CS, "CONTAINER"),
        concept("121070", "DCM", "Findings"),
    ];
    container.push(sequence(0x0040_A730, vec![inner]));
    let tree = sequence(
        0x0040_A730,
        vec![
            item(
                "PNAME",
                concept("121008", "DCM", "Person Observer Name"),
                text(0x0040_A123, VR::PN, "Welby^M"),
            ),
            item(
                "UIDREF",
                concept("121012", "DCM", "Device Observer UID"),
                text(0x0040_A124, VR::UI, "1.2.9.9"),
            ),
            item("TEXT", concept("L1", "99ACME", "about Welby"), text(0x0040_A160, VR::UT, "Welby")),
            item(
                "NUM",
                concept("410668003", "SCT", "Length"),
                sequence(0x0040_A300, vec![vec![text(0x0040_A30A, VR::DS, "12.5")]]),
            ),
            container,
        ],
    );
    let output = run_profile(&with_options(&[CleanStructuredContent]), SR, vec![tree.clone()]);
    assert!(!output.holds(b"Welby"));
    let at = |path: &str| output.text(&format!("(0040,A730)[{path}"));
    assert_eq!(at("1](0040,A123)").as_deref(), Some("REMOVED"));
    assert!(at("2](0040,A124)").unwrap().starts_with("2.25."));
    assert_eq!(at("4](0040,A300)[1](0040,A30A)").as_deref(), Some("12.5"));
    assert_eq!(at("4](0040,A043)[1](0008,0104)").as_deref(), Some("Length"));
    assert_eq!(at("5](0040,A730)[1](0040,A043)[1](0008,0104)").as_deref(), Some("Finding"));
    assert_eq!(codes(&output), ["113100", "113104"]);
    let plain = run_profile(&with_options(&[]), SR, vec![tree]);
    assert_eq!(plain.text("(0040,A730)[1](0040,A160)").as_deref(), Some("REMOVED"), "the tree is a dummy");
    assert!(!plain.has("(0040,A730)[2](0040,A124)"));
}

/// PS3.3 Table C.17.3-7: a content item of value type CODE has a code, and Table 8.8-1 a value, a scheme and a meaning in it.
#[test]
fn a_code_that_goes_leaves_a_code() {
    let value = sequence(
        0x0040_A168,
        vec![vec![
            text(0x0008_0100, VR::SH, "W1"),
            text(0x0008_0102, VR::SH, "99ACME"),
            text(0x0008_0104, VR::LO, "Welby"),
        ]],
    );
    let tree = sequence(0x0040_A730, vec![item("CODE", concept("121071", "DCM", "Finding"), value)]);
    let output = run_profile(&with_options(&[CleanDescriptors]), SR, vec![tree]);
    assert!(!output.holds(b"Welby") && !output.holds(b"99ACME"));
    for element in ["(0008,0100)", "(0008,0102)", "(0008,0104)"] {
        let found = output.text(&format!("(0040,A730)[1](0040,A168)[1]{element}"));
        assert!(found.is_some_and(|found| !found.is_empty()), "{element}");
    }
}

/// PS3.3 Table C.17.3-7: Text Value is Type 1C: a content item of value type TEXT has it, however long it was.
#[test]
fn a_text_that_is_too_long_to_be_cleaned_leaves_a_dummy() {
    let long = "normal thorax Welby ".repeat(6000);
    let value = text(0x0040_A160, VR::UT, &long);
    let tree = sequence(0x0040_A730, vec![item("TEXT", concept("121071", "DCM", "Finding"), value)]);
    let output = run_profile(&with_options(&[CleanStructuredContent, CleanDescriptors]), SR, vec![tree]);
    assert!(!output.holds(b"Welby"));
    assert_eq!(output.text("(0040,A730)[1](0040,A160)").as_deref(), Some("REMOVED"));
}

/// PS3.5 6.2.2: the same tree stored as UN is walked by the same table.
#[test]
fn structured_content_stored_as_un() {
    let tree =
        item("PNAME", concept("121008", "DCM", "Person Observer Name"), text(0x0040_A123, VR::PN, "Welby^M"));
    let whole = bytes(Encoding::ImplicitLittle, &[sequence(0x0040_A730, vec![tree])]);
    let value = whole[8..whole.len() - 8].to_vec();
    let output = run_profile(
        &with_options(&[CleanStructuredContent]),
        SR,
        vec![Element::Value(0x0040_A730, VR::UN, value)],
    );
    assert!(!output.holds(b"Welby"));
    assert!(output.has("(0040,A730)"));
}

#[test]
fn descriptors_lose_what_is_not_known() {
    let output = run(
        &[CleanDescriptors],
        vec![
            text(0x0008_1030, VR::LO, "Zqxv"),
            sequence(0x0008_1084, vec![vec![text(0x0008_0104, VR::LO, "Zqxv disease")]]),
        ],
    );
    assert!(!output.holds(b"Zqxv"));
    assert_eq!(codes(&output), ["113100", "113105"]);
}

/// An option is named for what it left: not for a UID that came as a value of unknown kind and was replaced, nor for a sequence without items.
#[test]
fn an_option_that_left_nothing_is_not_named() {
    let uid = text(0x0020_0052, VR::UN, "1.2.3.4");
    let replaced = run_profile(&with_options(&[RetainUids]), CT, vec![uid]);
    let kept = run_profile(&with_options(&[RetainUids]), CT, vec![text(0x0020_0052, VR::UI, "1.2.3.4")]);
    assert_ne!(replaced.text("(0020,0052)").as_deref(), Some("1.2.3.4"));
    assert_eq!(kept.text("(0020,0052)").as_deref(), Some("1.2.3.4"));
    let changes =
        |output: &Output| output.report.changes.iter().map(|of| of.rule.to_string()).collect::<Vec<_>>();
    assert!(changes(&replaced).iter().all(|rule| !rule.contains("113110")), "{:?}", changes(&replaced));
    let empty = sequence(0x0040_0555, vec![]);
    let output = run_profile(&with_options(&[CleanStructuredContent]), CT, vec![empty]);
    assert!(!output.report.method_codes.contains(&"113104"), "{:?}", output.report.method_codes);
}
