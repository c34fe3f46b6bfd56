//! Table 8.3: each class as partners make it (`data/make.py`): references resolve, no pseudonym is left, the identity is back.

use dicom_stream::{Tag, VR};
use reconciliation::{ManualReason, NotInspected, Outcome, ReconciliationError, judge};

use crate::support::{
    ALICE, CODE, DAY, NAMES, Run, UIDS, conditions, file, issued, own, survey_file, surveyed,
};
use crate::tree::{Element, at, read, tag, uids};

const CLASSES: [&str; 27] = [
    "seg",
    "labelmap",
    "surface",
    "sr",
    "cad",
    "chestcad",
    "wavesr",
    "wave",
    "kos",
    "gsps",
    "color",
    "pseudocolor",
    "blending",
    "pm",
    "rtstruct",
    "rtplan",
    "rtdose",
    "reg",
    "deform",
    "fid",
    "rwv",
    "ann",
    "enhanced",
    "sc",
    "pdf",
    "stl",
    "cda",
];

#[test]
fn each_class_is_accepted_and_comes_back_whole() {
    let set: Vec<_> = CLASSES.iter().map(|name| survey_file(name)).collect();
    let judgement = judge(&set, &issued(), &conditions());
    assert_eq!(judgement.outcome, Outcome::Accept { participant: ALICE });
    assert!(judgement.regenerate.is_empty());
    for name in CLASSES {
        for (character_set, patient) in NAMES {
            let run = Run { own: own(character_set, patient), ..Run::usual() };
            let output = run.file(name);
            assert!(output.scan.findings.is_empty(), "{name}: {:?}", output.scan.findings);
            let (syntax, bytes) = file(name);
            let before = read(&bytes, syntax);
            for (path, uid) in uids(&output.elements) {
                assert!(!uid.starts_with("2.25.7"), "{name} {path}");
            }
            // nothing but the identity, the marks and the traces differs
            assert!(output.report.altered.is_empty(), "{name}: {:?}", output.report.altered);
            assert_eq!(output.at("00100020").as_deref(), Some("PID 0815"));
            assert_eq!(output.at("00100030").as_deref(), Some("19480229"));
            assert_eq!(output.at("00080020").as_deref(), Some(DAY));
            assert_eq!(output.at("0020000D").as_deref(), Some(UIDS[0].1));
            assert_eq!(at(&before, "00080018"), output.at("00080018"));
            assert_eq!(at(&before, "00080070"), output.at("00080070"));
        }
    }
}

#[test]
fn the_study_uid_in_the_reference_of_an_rtstruct_maps_back() {
    let output = Run::usual().file("rtstruct");
    let study = "30060010/30060012";
    assert_eq!(output.at(&format!("{study}/00081155")).as_deref(), Some(UIDS[0].1));
    assert_eq!(output.at(&format!("{study}/30060014/0020000E")).as_deref(), Some(UIDS[1].1));
    assert_eq!(output.at(&format!("{study}/30060014/30060016/00081155")).as_deref(), Some(UIDS[3].1));
    assert_eq!(output.at("30060010/00200052").as_deref(), Some(UIDS[2].1));
    assert_eq!(output.at("30060020/30060024").as_deref(), Some(UIDS[2].1));
}

/// The body of a file's encapsulated document.
fn body(elements: &[Element]) -> Vec<u8> {
    crate::tree::bytes_at(elements, "00420011").unwrap()
}

/// The CDA with something changed in its body.
fn document(from: &str, to: &str) -> Vec<Element> {
    let (syntax, bytes) = file("cda");
    let elements = read(&bytes, syntax);
    let text = String::from_utf8(body(&elements)).unwrap();
    assert!(text.contains(from));
    let changed = Element::Value(tag(0x0042_0011), VR::OB, text.replace(from, to).into_bytes());
    elements
        .into_iter()
        .map(|element| if element.tag() == changed.tag() { changed.clone() } else { element })
        .collect()
}

#[test]
fn the_patient_role_of_a_clinical_document_is_written_anew_and_nothing_else_in_it() {
    for (set, name) in NAMES {
        let output = Run { own: own(set, name), ..Run::usual() }.file("cda");
        let after = String::from_utf8(body(&output.elements)).unwrap();
        let (syntax, bytes) = file("cda");
        let before = String::from_utf8(body(&read(&bytes, syntax))).unwrap();
        let split = |text: &str| {
            let (head, rest) = text.split_once("<patientRole classCode=\"PAT\">").unwrap();
            let (role, tail) = rest.split_once("</patientRole>").unwrap();
            (head.to_owned(), role.to_owned(), tail.trim_end().to_owned())
        };
        let ((head, _, tail), (same_head, role, same_tail)) = (split(&before), split(&after));
        assert_eq!((head, tail), (same_head, same_tail));
        assert!(
            role.contains("<id extension=\"PID 0815\"/>") && role.contains("<birthTime value=\"19480229\"/>"),
            "{role}"
        );
        assert!(
            role.contains("<administrativeGenderCode code=\"F\" codeSystem=\"2.16.840.1.113883.5.1\"/>"),
            "{role}"
        );
        for part in name.split(['=', '^']).filter(|part| !part.is_empty()) {
            assert!(role.contains(&format!(">{part}</")), "{role}");
        }
        // it was looked into as a whole, and its length is said
        assert!(output.report.not_inspected.is_empty() && output.scan.not_searched.is_empty());
        let length = after.len().next_multiple_of(2) as u32;
        assert_eq!(crate::tree::bytes_at(&output.elements, "00420015").unwrap(), length.to_le_bytes());
    }
}

#[test]
fn rc_04_another_patient_in_a_clinical_document_is_refused() {
    let set = [surveyed(&document(&format!("extension=\"{CODE}\""), "extension=\"P-BBBB7\""))];
    assert!(matches!(judge(&set, &issued(), &conditions()).outcome, Outcome::Refuse { .. }));
}

#[test]
fn rr_9_a_code_in_the_text_of_a_clinical_document_is_found_however_it_is_written() {
    for text in [CODE.to_owned(), CODE.replace('P', "&#80;"), "2.25.7201".to_owned(), "15.01.2024".to_owned()]
    {
        let output = Run::usual().elements(&document("12,5", &text)).unwrap();
        let places: Vec<_> = output.scan.findings.iter().map(|finding| finding.path.to_string()).collect();
        assert_eq!(places, ["(0042,0011)"], "{text}");
    }
}

#[test]
fn a_clinical_document_without_one_patient_role_is_a_persons_case() {
    for (from, to) in
        [("recordTarget", "participant"), ("<ClinicalDocument", "<!DOCTYPE x><ClinicalDocument")]
    {
        let elements = document(from, to);
        let outcome = judge(&[surveyed(&elements)], &issued(), &conditions()).outcome;
        let Outcome::Manual { reasons, .. } = outcome else { panic!("{to}") };
        assert_eq!(reasons, [ManualReason::UnreadableRole].into());
        assert!(matches!(Run::usual().elements(&elements), Err(ReconciliationError::UnreadableRole)));
    }
    // a picture in it is for a person, as in any document
    let output =
        Run::usual().elements(&document("12,5", "<value representation=\"B64\">AA</value>")).unwrap();
    assert_eq!(output.report.not_inspected, [NotInspected::DocumentBody]);
}

#[test]
fn rc_10_documents_and_captures_ask_a_person() {
    let pdf = Run::usual().file("pdf");
    assert_eq!(pdf.report.not_inspected, [NotInspected::DocumentBody]);
    assert!(pdf.scan.not_searched.contains(&NotInspected::DocumentBody));
    // the body is not touched, code and all
    assert!(pdf.bytes.windows(CODE.len()).any(|window| window == CODE.as_bytes()));
    assert!(survey_file("pdf").is_document);
    assert_eq!(Run::usual().file("sc").report.not_inspected, [NotInspected::SecondaryCapturePixels]);
    assert_eq!(Run::usual().file("seg").report.not_inspected, [NotInspected::Pixels]);
    assert!(Run::usual().file("sr").report.not_inspected.is_empty());
}

#[test]
fn pixels_and_names_of_the_partner_are_not_touched() {
    let (syntax, bytes) = file("seg");
    let (before, after) = (read(&bytes, syntax), Run::usual().file("seg"));
    assert_eq!(at(&before, "7FE00010"), after.at("7FE00010"));
    assert!(after.holds(Tag(0x0070, 0x0084), VR::PN, b"Creator^J\xFCrgen"));
}

/// Gives the code of Alice.
struct Source;

impl deidentification::PseudonymSource for Source {
    fn uid(&self, _original: &str) -> String {
        "2.25.4711".to_owned()
    }

    fn code(&self) -> &str {
        CODE
    }

    fn shift_days(&self) -> Option<i32> {
        None
    }

    fn token(&self, _value: &str) -> String {
        String::new()
    }
}

/// A document as it is made anew on the way out, which a partner sends back in an object of its own.
#[test]
fn a_clinical_document_that_was_made_anew_gets_its_patient_back() {
    use deidentification::{DeidentificationOption, DocumentInspection, Profile, Vocabulary};
    let mut profile = Profile::basic();
    profile.options.insert(DeidentificationOption::CleanPixelData);
    let profile = profile.compile(None).unwrap();
    let vocabulary = Vocabulary::builtin();
    let cleaner = deidentification::TextCleaner::new(&Default::default(), &vocabulary).unwrap();
    let (syntax, bytes) = file("cda");
    let input = std::io::Cursor::new(&bytes);
    let limits = dicom_stream::Limits::INSTANCE;
    let made =
        deidentification::inspect_clinical_document(&profile, &cleaner, &Source, syntax, limits, input);
    let DocumentInspection::Kept(kept) = made.unwrap() else { panic!("held") };
    let mut survey = deidentification::Survey::read(
        &profile,
        std::io::Cursor::new(&bytes),
        syntax,
        limits,
        &mut Default::default(),
    )
    .unwrap();
    survey = survey.with_document(kept);
    let elements = read(&bytes, syntax);
    let object = deidentification::Object {
        sop_class: deidentification::CDA_STORAGE,
        sop_instance: &at(&elements, "00080018").unwrap(),
        transfer_syntax: syntax,
        length: None,
    };
    let known = deidentification::Known { survey: &survey, cleaner: &cleaner, pixels: None };
    let mut out = Vec::new();
    let input = std::io::Cursor::new(&bytes);
    deidentification::deidentify(&profile, &object, &Source, known, limits, input, &mut out).unwrap();
    let made = String::from_utf8(body(&read(&out, syntax))).unwrap();
    assert!(made.contains(&format!("<patientRole><id extension=\"{CODE}\"/></patientRole>")), "{made}");
    let changed = Element::Value(tag(0x0042_0011), VR::OB, made.replace("2.25.4711", "2.25.99").into_bytes());
    let returned: Vec<Element> = elements
        .into_iter()
        .map(|element| if element.tag() == changed.tag() { changed.clone() } else { element })
        .collect();
    let output = Run::usual().elements(&returned).unwrap();
    let after = String::from_utf8(body(&output.elements)).unwrap();
    assert!(after.contains("<patientRole><id extension=\"PID 0815\"/><patient><name>"), "{after}");
    assert!(output.scan.findings.is_empty() && !after.contains(CODE), "{:?}", output.scan.findings);
}
