//! What the de-identifier writes itself, what it refuses, what it reports.

use deidentification::{
    ClinicalTrial, Consent, DeidentificationError, Distribution, Known, Object, Profile, PseudonymSource,
    RuleId, Step, deidentify,
};
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};

use crate::support::{
    CODE, CT, INSTANCE, Source, bytes, data_set, nothing_known, run, sequence, tag, text, try_run,
};

#[test]
fn markers_state_what_was_done() {
    let output = run(vec![]);
    for (path, expected) in [
        ("(0012,0062)", "YES"),
        ("(0012,0064)[1](0008,0100)", "113100"),
        ("(0012,0064)[1](0008,0102)", "DCM"),
        ("(0028,0303)", "REMOVED"),
    ] {
        assert_eq!(output.text(path).unwrap(), expected, "{path}");
    }
    let method = output.text("(0012,0063)").unwrap();
    assert!(method.contains("2026d") && method.contains("basic"), "{method}");
    assert!(method.split('\\').all(|value| value.len() <= 64), "LO");
    assert!(!output.has("(0028,0301)") && !output.has("(0028,0302)"), "never set as a side effect");
    assert_eq!(output.report.method_codes, ["113100"]);
}

#[test]
fn values_already_there_stay_and_ours_follow() {
    let code = |value| vec![text(0x0008_0100, VR::SH, value), text(0x0008_0102, VR::SH, "DCM")];
    let output = run(vec![
        text(0x0012_0062, VR::CS, "NO"),
        text(0x0012_0063, VR::LO, "earlier"),
        sequence(0x0012_0064, vec![code("113105")]),
        text(0x0028_0301, VR::CS, "YES"),
        text(0x0028_0303, VR::CS, "MODIFIED"),
    ]);
    assert_eq!(output.text("(0012,0062)").unwrap(), "YES");
    assert!(output.text("(0012,0063)").unwrap().starts_with("earlier\\DICOM PS3.15"));
    assert_eq!(output.text("(0012,0064)[1](0008,0100)").unwrap(), "113105");
    assert_eq!(output.text("(0012,0064)[2](0008,0100)").unwrap(), "113100");
    assert_eq!(output.text("(0028,0301)").unwrap(), "YES");
    assert_eq!(output.text("(0028,0303)").unwrap(), "REMOVED");
}

#[test]
fn trial_values_replace_those_of_the_source() {
    let trial = ClinicalTrial {
        sponsor_name: "CHU de Génie".into(),
        protocol_id: "P-17".into(),
        site_id: "03".into(),
        time_point_id: Some("V2".into()),
        ethics_committee_name: Some("CPP Est".into()),
        ethics_committee_approval_number: Some("2026-17".into()),
        consent: Some(Consent { distribution: Distribution::NamedProtocol }),
        ..ClinicalTrial::default()
    };
    let elements = vec![
        text(0x0008_0005, VR::CS, "ISO_IR 192"),
        text(0x0012_0010, VR::LO, "Sponsor of the source"),
        text(0x0012_0042, VR::LO, "reading 9"),
        text(0x0012_0071, VR::LO, "series 9"),
    ];
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let input = data_set(syntax.encoding, CT, elements);
    let output = try_run(&syntax, CT, Some(trial), Limits::INSTANCE, &input).unwrap();
    for (path, expected) in [
        ("(0012,0010)", Some("CHU de Génie")),
        ("(0012,0020)", Some("P-17")),
        ("(0012,0021)", Some("")),
        ("(0012,0030)", Some("03")),
        ("(0012,0040)", Some(CODE)),
        ("(0012,0042)", Some("REMOVED")),
        ("(0012,0050)", Some("V2")),
        ("(0012,0071)", None),
        ("(0012,0081)", Some("CPP Est")),
        ("(0012,0082)", Some("2026-17")),
        ("(0012,0083)[1](0012,0020)", Some("P-17")),
        ("(0012,0083)[1](0012,0084)", Some("NAMED_PROTOCOL")),
        ("(0012,0083)[1](0012,0085)", Some("YES")),
    ] {
        assert_eq!(output.text(path).as_deref(), expected, "{path}");
    }
}

/// The code is that of the object's patient; another patient inside an item does not get it.
#[test]
fn the_code_stands_at_the_top_only() {
    let patient = || vec![text(0x0010_0010, VR::PN, "Roe^Richard"), text(0x0010_0020, VR::LO, "MRN2")];
    let output = run(vec![sequence(0x0040_0260, vec![patient()]), text(0x0010_0020, VR::LO, "MRN1")]);
    assert_eq!(output.text("(0010,0020)").unwrap(), CODE);
    assert_eq!(output.text("(0040,0260)[1](0010,0020)").unwrap(), "");
    assert_eq!(output.text("(0040,0260)[1](0010,0010)").unwrap(), "");
}

#[test]
fn what_cannot_be_done_safely_is_refused() {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let refused =
        |sop_class: &str, input: &[u8]| try_run(&syntax, sop_class, None, Limits::INSTANCE, input).err();
    let ct = data_set(syntax.encoding, CT, vec![]);
    assert!(matches!(refused("1.3.12.2.1107.5.9.1", &ct), Some(DeidentificationError::PrivateSopClass)));
    assert!(matches!(refused("1.2.840.10008.1.3.10", &ct), Some(DeidentificationError::Dicomdir)));
    assert!(matches!(refused("1.2.840.10008.5.1.4.1.1.4", &ct), Some(DeidentificationError::NotTheObject)));
    assert!(matches!(refused(CT, b""), Some(DeidentificationError::NotTheObject)));
    // an instance whose UID is declared to be something else
    let undeclared =
        bytes(syntax.encoding, &[text(0x0008_0016, VR::UI, CT), text(0x0008_0018, VR::UN, INSTANCE)]);
    assert!(matches!(refused(CT, &undeclared), Some(DeidentificationError::NotTheObject)));
    assert!(matches!(refused(CT, &ct[..ct.len() - 3]), Some(DeidentificationError::Input(_))));

    struct NoCode;
    impl PseudonymSource for NoCode {
        fn uid(&self, original: &str) -> String {
            original.to_owned()
        }
        fn code(&self) -> &str {
            " "
        }
        fn shift_days(&self) -> Option<i32> {
            None
        }
        fn token(&self, _value: &str) -> String {
            String::new()
        }
    }
    let profile = Profile::basic().compile(None).unwrap();
    let object = Object { sop_class: CT, sop_instance: INSTANCE, transfer_syntax: &syntax, length: None };
    let (survey, cleaner) = nothing_known();
    let known = Known { survey: &survey, cleaner: &cleaner, pixels: None };
    let error = deidentify(
        &profile,
        &object,
        &NoCode,
        known,
        Limits::INSTANCE,
        std::io::Cursor::new(&ct),
        Vec::new(),
    )
    .unwrap_err();
    assert!(matches!(error, DeidentificationError::NoCode));
}

#[test]
fn a_private_sop_class_passes_when_the_profile_names_it() {
    let private = "1.3.12.2.1107.5.9.1";
    let mut profile = Profile::basic();
    profile.private_sop_classes.insert(private.to_owned());
    let profile = profile.compile(None).unwrap();
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let object =
        Object { sop_class: private, sop_instance: INSTANCE, transfer_syntax: &syntax, length: None };
    let input = data_set(Encoding::ExplicitLittle, private, vec![]);
    let (survey, cleaner) = nothing_known();
    let known = Known { survey: &survey, cleaner: &cleaner, pixels: None };
    assert!(
        deidentify(
            &profile,
            &object,
            &Source,
            known,
            Limits::INSTANCE,
            std::io::Cursor::new(&input),
            Vec::new()
        )
        .is_ok()
    );
}

#[test]
fn the_report_is_deterministic_and_holds_no_value() {
    let elements = || {
        vec![
            text(0x0008_0080, VR::LO, "SECRETHOSPITAL"),
            text(0x0010_0010, VR::PN, "SECRETNAME"),
            text(0x0020_000D, VR::UI, "1.2.77777.4"),
            sequence(
                0x0008_1115,
                vec![vec![text(0x0008_0080, VR::LO, "SECRET1")], vec![text(0x0008_0080, VR::LO, "SECRET2")]],
            ),
        ]
    };
    let json = serde_json::to_string(&run(elements()).report).unwrap();
    assert_eq!(json, serde_json::to_string(&run(elements()).report).unwrap());
    assert!(!json.contains("SECRET") && !json.contains("77777"), "{json}");
    assert!(
        json.contains(r#"{"path":"(0008,1115)(0008,0080)","rule":"E.1-1","step":"remove","count":2}"#),
        "{json}"
    );
}

/// Responsible Person is X in the table and Type 2C in a CT: the profile prevails, and the report says so (DI-23).
#[test]
fn the_report_names_what_the_iod_requires() {
    let output = run(vec![text(0x0010_2154, VR::SH, "555"), text(0x0010_2297, VR::PN, "Doe^John")]);
    let rule = |number| {
        let changes = &output.report.changes;
        changes.iter().find(|change| change.path == [tag(number)]).map(|change| (change.rule, change.step))
    };
    assert_eq!(rule(0x0010_2154), Some((RuleId::Table, Step::Remove)));
    assert_eq!(rule(0x0010_2297), Some((RuleId::TableRequired, Step::Remove)));
}
