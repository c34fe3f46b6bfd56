//! Labels: what their queries hold for, what goes on, and which rules they switch.

use deidentification::verify::Identity;
use deidentification::{Profile, ProfileError, SHIPPED, Survey};
use dicom_stream::{Limits, TransferSyntax};

/// Explicit VR Little Endian (PS3.5 §7.1.2); long VRs with 32 bits.
fn element(group: u16, element: u16, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes()].concat();
    bytes.extend(vr.as_bytes());
    let length = u32::try_from(value.len()).unwrap();
    if ["OB", "OW", "SQ", "UN", "UT"].contains(&vr) {
        bytes.extend([0, 0]);
        bytes.extend(length.to_le_bytes());
    } else {
        bytes.extend(u16::try_from(length).unwrap().to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

fn item(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [&[0xFE, 0xFF, 0x00, 0xE0][..], &length.to_le_bytes(), content].concat()
}

/// A CT of two image types, with a request of one item, 512 rows, slices of 2.5 mm, no description and no physician.
fn object(more: &[u8]) -> Vec<u8> {
    let request = item(&element(0x0040, 0x0009, "SH", b"STEP-7"));
    [
        element(0x0008, 0x0005, "CS", b"ISO_IR 100"),
        element(0x0008, 0x0008, "CS", b"ORIGINAL\\PRIMARY "),
        element(0x0008, 0x0016, "UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
        element(0x0008, 0x0018, "UI", b"1.2.276.0.777.1.1.1\0"),
        element(0x0008, 0x0020, "DA", b"20240131"),
        element(0x0008, 0x0021, "DA", b"2024.01.31"),
        element(0x0008, 0x0022, "DA", b"January "),
        element(0x0008, 0x002A, "DT", b"20240131101112.5+0100 "),
        element(0x0008, 0x0060, "CS", b"CT"),
        element(0x0008, 0x0070, "LO", b"ACME (\xE9tat) Inc "),
        element(0x0008, 0x1030, "LO", b""),
        element(0x0018, 0x0050, "DS", b"2.5 "),
        element(0x0028, 0x0010, "US", &512_u16.to_le_bytes()),
        element(0x0040, 0x0275, "SQ", &request),
        more.to_vec(),
    ]
    .concat()
}

fn survey(profile: &Profile, data_set: &[u8]) -> Survey {
    let profile = profile.compile(None).unwrap();
    let (input, syntax) = (std::io::Cursor::new(data_set), &TransferSyntax::EXPLICIT_LITTLE);
    Survey::read(&profile, input, syntax, Limits::INSTANCE, &mut Identity::default()).unwrap()
}

fn profile(more: &str) -> Profile {
    let head = "name = \"own\"\nversion = \"1\"\nedition = \"2026d\"\n";
    Profile::from_toml(&format!("{head}{more}")).unwrap()
}

fn labelled(when: &str) -> Profile {
    profile(&format!("[[labels]]\nname = \"IT\"\nwhen = '''{when}'''\n"))
}

#[test]
fn queries_hold_for_what_they_say() {
    for (when, holds) in [
        ("Modality StrEquals CT", true),
        ("Modality StrEquals ct", true),
        ("Modality strequals \"ct\"", true),
        ("00080060 StrEquals C?", true),
        ("(0008,0060) StrEquals CT", true),
        ("Modality StrEquals C", false),
        ("Modality StrNotEquals CT", false),
        ("Modality StrNotEquals MR", true),
        ("ImageType StrEquals primary", true),
        ("ImageType StrNotEquals PRIMARY", false),
        ("Manufacturer StrEquals \"acme (état) inc\"", true),
        ("Manufacturer StrEquals acme*", true),
        ("Manufacturer StrEquals *état*", true),
        ("Manufacturer StrEquals \"acme \\*\"", false),
        ("StudyDescription Exists", true),
        ("StudyDescription Empty", true),
        ("StudyDescription NotEmpty", false),
        ("SeriesDescription Empty", false),
        ("SeriesDescription NotExists", true),
        ("SeriesDescription StrNotEquals x", true),
        ("Rows NbEquals 512", true),
        ("Rows NbNotEquals 512", false),
        ("SliceThickness NbGreater 2", true),
        ("SliceThickness NbGreater 2.5", false),
        ("SliceThickness NbLess 2.51", true),
        ("SpacingBetweenSlices NbLess 100", false),
        ("RequestAttributesSequence Exists", true),
        ("RequestAttributesSequence.ScheduledProcedureStepID StrEquals STEP-*", true),
        ("00400275.00400009 StrEquals STEP-7", true),
        // elsewhere than in the sequence
        ("ScheduledProcedureStepID Exists", false),
        ("Modality StrEquals MR OR Modality StrEquals CT AND Rows NbLess 100", false),
        ("(Modality StrEquals CT OR Modality StrEquals MR) AND Rows NbGreater 100", true),
        ("((Modality StrEquals CT))", true),
        ("StudyDate DateEquals 20240131", true),
        ("StudyDate DateNotEquals 20240131", false),
        ("StudyDate DateAfter 20231231", true),
        ("StudyDate DateAfter 20240131", false),
        ("StudyDate datebefore 20240201 AND StudyDate DateAfter 20240130", true),
        ("SeriesDate DateEquals 20240131", true),
        ("AcquisitionDate DateAfter 19000101 OR AcquisitionDate DateBefore 99991231", false),
        ("AcquisitionDateTime DateEquals 20240131", true),
        ("ContentDate DateBefore 20240201", false),
    ] {
        let survey = survey(&labelled(when), &object(&[]));
        assert!(survey.labels().contains("ALL"), "{when}");
        assert_eq!(survey.labels().contains("IT"), holds, "{when}");
    }
}

#[test]
fn errors_say_where() {
    let deep = format!("{}Rows Exists{}", "(".repeat(17), ")".repeat(17));
    let many = vec!["Rows Exists"; 101].join(" OR ");
    for (when, column, what) in [
        ("", 1, "an attribute"),
        ("Modality", 9, "an operator"),
        ("Modality Like CT", 10, "an operator"),
        ("Modality StrEquals", 19, "a value"),
        ("NoSuchThing Exists", 1, "no such attribute"),
        ("Rows NbGreater many", 16, "a number"),
        ("Rows DateAfter 20240101", 16, "only of a date"),
        ("StudyDate DateAfter 2024", 21, "a day is expected"),
        ("StudyDate DateAfter 20241301", 21, "a day is expected"),
        ("Rows Exists Rows Exists", 13, "AND, OR"),
        ("(Rows Exists", 13, "a closing parenthesis"),
        ("Rows Exists)", 12, "AND, OR"),
        ("Modality StrEquals \"CT", 20, "the closing quote"),
        ("Modality.Rows Exists", 1, "only a sequence"),
        ("00191001 Exists", 1, "a private element"),
        ("RequestAttributesSequence Empty", 27, "of a sequence"),
        ("PixelData StrEquals x", 11, "of a sequence or of bytes"),
        (deep.as_str(), 17, "too many open parentheses"),
        (many.as_str(), 1501, "too many tests"),
        ("Modality StrEquals CT AND", 26, "an attribute"),
    ] {
        let Err(ProfileError::Query { label, error }) = labelled(when).compile(None) else {
            panic!("{when}");
        };
        assert_eq!((label.as_str(), error.column), ("IT", column), "{when}: {error}");
        assert!(error.what.starts_with(what), "{when}: {error}");
    }
    assert!(matches!(labelled(&"x".repeat(4001)).compile(None), Err(ProfileError::Query { .. })));
}

const LABELS: &str = "[[labels]]\nname = \"CT\"\nwhen = \"Modality StrEquals CT\"\n\
                      [[labels]]\nname = \"MR\"\nwhen = \"Modality StrEquals MR\"\n\
                      [[labels]]\nname = \"THICK\"\nwhen = \"SliceThickness NbGreater 2\"\n\
                      [categories]\nSLICES = [\"CT\", \"MR\"]\nODD = [\"THICK\"]\n";

#[test]
fn except_wins_and_without_a_match_nothing_goes_on() {
    for (forward, goes_on) in [
        ("", true),
        ("[forward]\n", false),
        ("[forward]\nlabels = [\"ALL\"]\n", true),
        ("[forward]\nlabels = [\"CT\"]\n", true),
        ("[forward]\nlabels = [\"MR\"]\n", false),
        ("[forward]\ncategories = [\"SLICES\"]\n", true),
        ("[forward]\nlabels = [\"CT\"]\nexcept = [\"THICK\"]\n", false),
        ("[forward]\nlabels = [\"ALL\"]\nexcept = [\"ODD\"]\n", false),
        ("[forward]\nlabels = [\"ALL\"]\nexcept = [\"MR\"]\n", true),
    ] {
        let profile = profile(&format!("{LABELS}{forward}"));
        let survey = survey(&profile, &object(&[]));
        assert_eq!(profile.compile(None).unwrap().held_by_labels(&survey).is_none(), goes_on, "{forward}");
    }
}

/// A sequence as UN is not looked into, and more values than can be compared are none: then nothing is said of the object.
#[test]
fn an_object_whose_labels_cannot_be_told_stays() {
    let nested = item(&element(0x0008, 0x0060, "CS", b"MR"));
    let plain = profile(&format!("{LABELS}[forward]\nlabels = [\"ALL\"]\n"));
    for (when, more) in [
        ("ContentSequence.TextValue Exists", element(0x0040, 0xA730, "UN", &nested)),
        ("TextValue StrEquals x", element(0x0040, 0xA160, "UT", &vec![b'x'; 70_000])),
        ("ContentTime StrEquals 1", Vec::new()),
    ] {
        let profile = Profile { labels: labelled(when).labels, categories: [].into(), ..plain.clone() };
        let survey = survey(&profile, &object(&more));
        assert_eq!(survey.labels().is_empty(), !more.is_empty(), "{when}");
        assert_eq!(
            profile.compile(None).unwrap().held_by_labels(&survey).is_none(),
            more.is_empty(),
            "{when}"
        );
    }
}

#[test]
fn names_that_are_not_there_and_names_taken_are_refused() {
    for more in [
        format!("{LABELS}[forward]\nlabels = [\"CR\"]\n"),
        format!("{LABELS}[forward]\ncategories = [\"CT\"]\n"),
        format!("{LABELS}[forward]\nexcept = [\"CR\"]\n"),
        format!("[[rules]]\nattributes = [\"Rows\"]\naction = \"X\"\nlabels = [\"CR\"]\n{LABELS}"),
        format!("[[rules]]\nattributes = [\"Rows\"]\naction = \"X\"\nexcept_labels = [\"CR\"]\n{LABELS}"),
        LABELS.replace("\"MR\"\nwhen", "\"CT\"\nwhen"),
        LABELS.replace("\"MR\"\nwhen", "\"ALL\"\nwhen"),
        LABELS.replace("\"MR\"\nwhen", "\"M R\"\nwhen"),
        LABELS.replace("ODD =", "CT ="),
    ] {
        assert!(profile(&more).compile(None).is_err(), "{more}");
        assert!(!profile(&more).problems().is_empty(), "{more}");
    }
}

#[test]
fn labels_switch_rules() {
    use crate::support::{run_profile, text};
    use dicom_stream::VR;
    for (condition, is_removed) in [
        ("labels = [\"CT\"]", true),
        ("labels = [\"ALL\"]", true),
        ("labels = [\"MR\", \"CT\"]", true),
        ("labels = [\"MR\"]", false),
        ("except_labels = [\"CT\"]", false),
        ("except_labels = [\"MR\"]", true),
        ("labels = [\"CT\"]\nexcept_labels = [\"THICK\"]", false),
    ] {
        let rule = format!("[[rules]]\nattributes = [\"ScanOptions\"]\naction = \"X\"\n{condition}\n");
        let elements = vec![
            text(0x0008_0060, VR::CS, "CT"),
            text(0x0018_0022, VR::CS, "HELICAL"),
            text(0x0018_0050, VR::DS, "2.5"),
        ];
        let output = run_profile(&profile(&format!("{rule}{LABELS}")), crate::support::CT, elements);
        assert_eq!(output.has("(0018,0022)"), !is_removed, "{condition}");
    }
}

/// The page that explains every key of a profile shows one that works, with every key that there is.
#[test]
fn the_profile_of_the_documentation_is_one_and_whole() {
    let page = include_str!("../../../../docs/profile.md");
    let (_, example) = page.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let profile = Profile::from_toml(example).unwrap();
    profile.compile(None).unwrap();
    for shipped in SHIPPED {
        let keys: toml::Table = shipped.1.parse().unwrap();
        assert!(keys.keys().all(|key| example.contains(key)), "{}: {keys}", shipped.0);
    }
}
