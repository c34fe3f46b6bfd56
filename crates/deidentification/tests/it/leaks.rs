//! Identities that are written where nobody looks for them: under a wrong VR, in another character set, in a sequence stored as UN. The
//! cleaner and the after-check learn them from the same reading; each is asked by itself here.

use std::io::Cursor;

use deidentification::verify::{FindingKind, Identity, Promise, Verifier};
use deidentification::{DeidentificationOption as O, Profile, TrustedEquipment};
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};

use crate::support::{CT, Element, Output, bytes, data_set, run_profile, sequence, text, with_options};
use FindingKind::{Contact, Date, Identifier, Name, Uid};

const SYNTAX: TransferSyntax = TransferSyntax::EXPLICIT_LITTLE;
const SR: &str = "1.2.840.10008.5.1.4.1.1.88.33";
/// Manufacturer's Model Name: kept, but for identifiers.
const MODEL: u32 = 0x0008_1090;

/// What is left of a kept text beside these elements.
fn beside(elements: &[Element], echo: &str) -> String {
    let all = [elements, &[text(MODEL, VR::LO, echo)]].concat();
    run_profile(&Profile::basic(), CT, all).text("(0008,1090)").unwrap_or_default()
}

/// What the after-check says of the text, if it were to leave.
fn finding(elements: &[Element], echo: &str) -> Option<FindingKind> {
    let mut identity = Identity::default();
    let original = data_set(SYNTAX.encoding, CT, elements.to_vec());
    identity.add_object(Cursor::new(&original), &SYNTAX, Limits::INSTANCE).unwrap();
    let output = bytes(SYNTAX.encoding, &[text(MODEL, VR::LO, echo)]);
    let verifier = Verifier::new(&identity, &[]).unwrap();
    let findings = verifier.verify(Cursor::new(&output), &SYNTAX, Limits::INSTANCE).unwrap();
    findings.first().map(|finding| finding.kind)
}

#[track_caller]
fn both_see(elements: &[Element], echo: &str, kind: FindingKind) {
    assert_eq!(finding(elements, &format!("Scan {echo}")), Some(kind), "{elements:?}");
    let left = beside(elements, &format!("Scan {echo}"));
    assert!(left.starts_with("Scan *") && !left.contains(echo), "{left}: {elements:?}");
}

/// The items of a sequence as PS3.5 6.2.2 stores them in a UN value.
fn items(elements: &[Element]) -> Vec<u8> {
    let whole = bytes(Encoding::ImplicitLittle, &[sequence(0x0008_1115, vec![elements.to_vec()])]);
    whole[8..whole.len() - 8].to_vec()
}

#[test]
fn a_name_under_a_wrong_vr_is_a_name() {
    for vr in [VR::PN, VR::LO, VR::ST, VR::UT, VR::OB, VR::UN, VR::SH] {
        both_see(&[text(0x0010_0010, vr, "Lefevre^Marie")], "Lefevre", Name);
        both_see(&[text(0x0008_1070, vr, "Martineau^Zoe")], "Martineau", Name);
        both_see(&[text(0x0010_0020, vr, "PAT0012345")], "PAT0012345", Identifier);
    }
    both_see(&[text(0x0020_000D, VR::LO, "1.2.250.1.999.1.1")], "1.2.250.1.999.1.1", Uid);
}

#[test]
fn a_birth_date_in_any_form_is_one() {
    for (vr, value) in [
        (VR::DA, "19310325"),
        (VR::LO, "19310325"),
        (VR::UN, "19310325"),
        (VR::DA, "25/03/1931"),
        (VR::DA, "25.03.1931"),
        (VR::DA, "03-25-1931"),
        (VR::DA, "1931-03-25"),
    ] {
        let birth = [text(0x0010_0030, vr, value)];
        both_see(&birth, "19310325", Date);
        both_see(&birth, "25 mars 1931", Date);
    }
    both_see(&[text(0x0010_0030, VR::DA, "25 mars 31")], "25 mars 31", Identifier);
    for nothing in ["", "0000", "00000000", "1931", "UNKNOWN", "19000101", "01/01/1900"] {
        let birth = [text(0x0010_0030, VR::DA, nothing)];
        for echo in ["Scan 1931 0000", "Scan 00000000", "Scan unknown", "Scan 19000101"] {
            assert_eq!((finding(&birth, echo), beside(&birth, echo)), (None, echo.to_owned()), "{nothing}");
        }
    }
}

/// PS3.3 C.12.1.1.2: the character set of an item holds in the item and below it, and nowhere else.
#[test]
fn the_character_set_of_an_item_ends_with_it() {
    let latin = |number, value: &[u8]| Element::Value(number, VR::PN, value.to_vec());
    let elements = vec![
        text(0x0008_0005, VR::CS, "ISO_IR 192"),
        sequence(
            0x0008_1110,
            vec![
                vec![
                    text(0x0008_0005, VR::CS, "ISO_IR 100"),
                    sequence(0x0008_1115, vec![vec![latin(0x0008_0090, b"Gu\xE9rin^No\xE9")]]),
                ],
                vec![text(0x0008_0090, VR::PN, "Bénard^Zoé")],
            ],
        ),
        text(0x0010_0010, VR::PN, "Müller^Gérôme"),
    ];
    for echo in ["MULLER", "GEROME", "BENARD", "GUERIN"] {
        both_see(&elements, echo, Name);
    }
}

/// Nothing in the bytes tells Latin from Cyrillic: only the place of the declaration does.
#[test]
fn a_name_after_an_item_in_another_alphabet() {
    let cyrillic = b"\xBA\xDE\xE0\xDE\xDB\xF1\xD2^\xC1".to_vec(); // Королёв^С
    let elements = vec![
        text(0x0008_0005, VR::CS, "ISO_IR 100"),
        sequence(
            0x0008_1110,
            vec![vec![
                text(0x0008_0005, VR::CS, "ISO_IR 144"),
                Element::Value(0x0008_0090, VR::PN, cyrillic),
            ]],
        ),
        Element::Value(0x0010_0010, VR::PN, b"M\xFCller^G\xE9r\xF4me".to_vec()),
    ];
    for echo in ["MULLER", "GEROME"] {
        both_see(&elements, echo, Name);
    }
    let mut identity = Identity::default();
    let original = data_set(SYNTAX.encoding, CT, elements);
    identity.add_object(Cursor::new(&original), &SYNTAX, Limits::INSTANCE).unwrap();
    assert_eq!(Verifier::new(&identity, &[]).unwrap().verify_text("КОРОЛЁВ"), Some(Name));
}

/// The walk reads and writes the text of an item in the item's set, and what follows in its own.
#[test]
fn text_in_an_item_is_read_in_its_own_set() {
    let output = run_profile(
        &Profile::basic(),
        CT,
        vec![
            text(0x0008_0005, VR::CS, "ISO_IR 192"),
            sequence(
                0x0008_1115,
                vec![vec![
                    text(0x0008_0005, VR::CS, "ISO_IR 100"),
                    Element::Value(MODEL, VR::LO, b"\xC9cho M\xFCller".to_vec()),
                ]],
            ),
            text(MODEL, VR::LO, "Écho Müller"),
            text(0x0010_0010, VR::PN, "Müller^Gérôme"),
        ],
    );
    assert_eq!(output.text("(0008,1090)").as_deref(), Some("Écho ***"));
    let (_, item) = &output.elements["(0008,1115)[1](0008,1090)"];
    assert_eq!(item.trim_ascii_end(), b"\xC9cho ***");
}

/// The declaration is wrong: UTF-8 under ISO_IR 100, Latin-1 under ISO_IR 192, and none at all.
#[test]
fn names_in_a_set_that_is_not_declared() {
    for (set, name) in [
        ("ISO_IR 100", "Müller^Gérôme".as_bytes()),
        ("ISO_IR 192", b"M\xFCller^G\xE9r\xF4me"),
        ("", "Müller^Gérôme".as_bytes()),
        ("", b"M\xFCller^G\xE9r\xF4me"),
    ] {
        let elements = [text(0x0008_0005, VR::CS, set), Element::Value(0x0010_0010, VR::PN, name.to_vec())];
        for echo in ["MULLER", "GEROME"] {
            both_see(&elements, echo, Name);
        }
    }
}

/// PS3.5 6.2.2: what a UN value holds is a sequence like any other, at any depth.
#[test]
fn identities_in_sequences_stored_as_un() {
    let other_ids = items(&[text(0x0010_0020, VR::LO, "NIP778899")]);
    let inner = items(&[text(0x0008_0090, VR::PN, "Martineau^Zoe")]);
    for vr in [VR::UN, VR::OB] {
        both_see(&[Element::Value(0x0010_1002, vr, other_ids.clone())], "NIP778899", Identifier);
        let deep =
            Element::Value(0x0008_1115, vr, items(&[Element::Value(0x0008_1110, VR::UN, inner.clone())]));
        both_see(&[deep], "Martineau", Name);
    }
    both_see(
        &[
            text(0x0009_0010, VR::LO, "ACME"),
            sequence(0x0008_1110, vec![vec![Element::Value(0x0009_1001, VR::UN, inner)]]),
        ],
        "Martineau",
        Name,
    );
}

/// What stands in such a sequence is judged element by element: a UID that an option retains is no finding, a name beside it is one.
#[test]
fn a_retained_uid_in_a_sequence_stored_as_un() {
    let mut identity = Identity::default();
    let reference = [text(0x0008_1155, VR::UI, "1.2.250.1.999.7"), text(0x0010_0010, VR::PN, "Li^Na")];
    let stored = |elements: &[Element]| Element::Value(0x300C_0002, VR::UN, items(elements));
    let original = data_set(SYNTAX.encoding, CT, vec![stored(&reference)]);
    identity.add_object(Cursor::new(&original), &SYNTAX, Limits::INSTANCE).unwrap();
    let promise = Promise { options: [O::RetainUids].into_iter().collect(), ..Promise::default() };
    let verifier = Verifier::new(&identity, &[]).unwrap().promising(promise);
    let findings = |elements: &[Element]| {
        let output = bytes(SYNTAX.encoding, &[stored(elements)]);
        let findings = verifier.verify(Cursor::new(&output), &SYNTAX, Limits::INSTANCE).unwrap();
        findings.into_iter().map(|finding| (finding.path.to_string(), finding.kind)).collect::<Vec<_>>()
    };
    assert_eq!(findings(&reference[..1]), []);
    assert_eq!(findings(&reference), [("(300C,0002)[1](0010,0010)".to_owned(), Name)]);
}

/// DI-50: ids of other trials, steps and specimens, and how to reach physicians and other people.
#[test]
fn more_identifiers_of_the_patient_and_of_people() {
    for (number, vr) in [
        (0x0010_1050, VR::LO),
        (0x0012_0040, VR::LO),
        (0x0012_0042, VR::LO),
        (0x0040_0009, VR::SH),
        (0x0040_0253, VR::SH),
        (0x0040_050A, VR::LO),
        (0x0040_0512, VR::LO),
        (0x0040_0551, VR::LO),
        (0x0040_06FA, VR::LO),
        (0x4008_0040, VR::SH),
        (0x4008_0200, VR::SH),
    ] {
        both_see(&[text(number, vr, "QZ-4711-83")], "QZ471183", Identifier);
    }
    for number in [0x0008_0094, 0x0040_1103, 0x0040_1104, 0x0040_2010, 0x0040_2011, 0x0040_A354] {
        both_see(&[text(number, VR::LO, "+33 1 23 45 67 89")], "33 1 23 45 67 89", Contact);
    }
    for number in [0x0008_0092, 0x0040_1102, 0x0040_A353] {
        both_see(&[text(number, VR::ST, "Hopital Kirchengasse 12")], "Hopital Kirchengasse 12", Contact);
        // The hospital's words are no identity.
        let address = [text(number, VR::ST, "Hopital Kirchengasse 12")];
        assert_eq!(beside(&address, "Hopital"), "Hopital");
        assert_eq!(finding(&address, "Hopital"), None);
    }
    for (number, id) in
        [(0x0040_0009, "1"), (0x0040_0253, "CT1"), (0x0040_0253, "THORAX"), (0x0040_0551, "A2")]
    {
        let step = [text(number, VR::SH, id)];
        assert_eq!((finding(&step, id), beside(&step, id)), (None, id.to_owned()));
    }
}

/// Text where the standard has a number: nobody knows what it says. A number under the VR of another number stays.
#[test]
fn text_under_the_tag_of_a_number_goes() {
    let long = "Zoe Martineau ".repeat(6_000);
    let basic = |elements| run_profile(&Profile::basic(), CT, elements);
    for (number, vr, value) in [
        (0x0028_0106, VR::LO, "Zoe Martineau 06 12"),
        (0x0018_9087, VR::UT, "Zoe Martineau 06 12 "),
        (0x0018_9087, VR::UT, long.as_str()),
        (0x0018_9087, VR::UN, "Zoe Martinea"),
        (0x0018_9087, VR::OB, "Zoe Martinea"),
        (0x0028_3006, VR::UT, "Zoe Martineau 06 12"),
        (0x0028_3006, VR::UT, long.as_str()),
        (0x0018_9087, VR::FL, "Zoe Martin"),
    ] {
        let output = basic(vec![text(number, vr, value)]);
        assert!(!output.holds(b"Zoe"), "{number:08X} {vr:?}");
    }
    for (number, vr, value) in [
        (0x0028_0106, VR::SS, vec![1, 0]),
        (0x0028_0106, VR::UN, vec![1, 0]),
        (0x0018_9087, VR::FL, vec![0, 0, 0x80, 0x3F]),
        (0x0028_3006, VR::US, vec![1, 0, 2, 0]),
        (0x0028_3006, VR::OW, vec![1, 0, 2, 0]),
    ] {
        let path = format!("({:04X},{:04X})", number >> 16, number & 0xFFFF);
        let output = basic(vec![Element::Value(number, vr, value.clone())]);
        assert_eq!(output.elements.get(&path), Some(&(vr, value)), "{path}");
    }
}

fn philips(element: Element) -> Output {
    let creator = text(0x2001_0010, VR::LO, "Philips Imaging DD 001");
    run_profile(&with_options(&[O::RetainSafePrivate]), CT, vec![creator, element])
}

/// Table E.3.10-1 says of (2001,xx04) that it is a CS, of (2001,xx01) an FL, of (2001,xx74) a DS: as something else it is not known to be safe.
#[test]
fn a_safe_private_element_has_the_vr_of_the_list() {
    for (number, vr, value) in [
        (0x2001_1004, VR::OB, "Zoe Martineau 06 12 34 56 78"),
        (0x2001_1004, VR::UI, "1.2.3.4"),
        (0x2001_1001, VR::LO, "Zoe "),
        (0x2001_1001, VR::OB, "Zoe "),
        (0x2001_1074, VR::LO, "Zoe Martineau"),
        (0x2001_105F, VR::LO, "Zoe Martineau"),
    ] {
        let output = philips(text(number, vr, value));
        assert!(!output.holds(value.as_bytes()), "{number:08X} {vr:?}");
    }
    for (number, vr, value) in [
        (0x2001_1004, VR::CS, "DWI "),
        (0x2001_1004, VR::LO, "DWI "),
        (0x2001_1004, VR::UN, "DWI "),
        (0x2001_1074, VR::DS, "2.5 "),
        (0x2001_1074, VR::IS, "2 "),
        (0x2001_1074, VR::LO, "2.5 "),
    ] {
        let output = philips(text(number, vr, value));
        assert!(output.holds(value.as_bytes()), "{number:08X} {vr:?}");
    }
}

fn code(number: u32, value: &str, scheme: &str, meaning: &str) -> Element {
    let code = [(0x0008_0100, VR::SH, value), (0x0008_0102, VR::SH, scheme), (0x0008_0104, VR::LO, meaning)];
    sequence(number, vec![code.map(|(number, vr, value)| text(number, vr, value)).to_vec()])
}

/// 45 CFR 164.514(b)(2)(i)(C): the Subject Age of a report is pooled like Patient's Age, in its unit.
#[test]
fn the_subject_age_of_a_report_is_pooled() {
    for (age, unit, expected) in [
        ("95", "a", "90"),
        ("90", "a", "90"),
        ("89", "a", "89"),
        ("1140", "mo", "1080"),
        ("40", "mo", "40"),
        ("34675", "d", "32850"),
        ("95", "year", "90"),
    ] {
        let measured = vec![
            code(0x0040_08EA, unit, "UCUM", "unit"),
            Element::Value(0x0040_A161, VR::FD, 95.0_f64.to_le_bytes().to_vec()),
            text(0x0040_A30A, VR::DS, age),
        ];
        let item = vec![
            text(0x0040_A010, VR::CS, "HAS OBS CONTEXT"),
            text(0x0040_A040, VR::CS, "NUM"),
            code(0x0040_A043, "121033", "DCM", "Subject Age"),
            sequence(0x0040_A300, vec![measured.clone()]),
        ];
        let mut stored_as_un = item.clone();
        stored_as_un[3] = Element::Value(0x0040_A300, VR::UN, items(&measured));
        let mut profile = with_options(&[O::CleanStructuredContent, O::RetainPatientCharacteristics]);
        profile.pool_ages_over_89 = true;
        let output = run_profile(&profile, SR, vec![sequence(0x0040_A730, vec![item.clone()])]);
        let at = "(0040,A730)[1](0040,A300)[1]";
        assert_eq!(output.text(&format!("{at}(0040,A30A)")).as_deref(), Some(expected), "{age} {unit}");
        assert!(!output.has(&format!("{at}(0040,A161)")));
        let output = run_profile(&profile, SR, vec![sequence(0x0040_A730, vec![stored_as_un])]);
        let (_, value) = &output.elements["(0040,A730)[1](0040,A300)"];
        let holds = |text: &str| value.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds(expected) && (age == expected || !holds(age)), "stored as UN: {age} {unit}");
        profile.pool_ages_over_89 = false;
        let output = run_profile(&profile, SR, vec![sequence(0x0040_A730, vec![item])]);
        assert_eq!(output.text(&format!("{at}(0040,A30A)")).as_deref(), Some(age));
    }
}

/// DI-54: as the whole value, a surname that is a word too is the name; a word of imaging never is.
#[test]
fn a_whole_value_that_is_a_surname() {
    for (name, echo) in [
        ("Legrand^Marie", "LEGRAND"),
        ("Morgan^Kate", "MORGAN"),
        ("Roux^Jean", "ROUX"),
        ("Brown^John", "BROWN"),
        ("Petit^Paul", "PETIT"),
        ("Long^Max", "Long"),
        ("White^Ann", "white"),
    ] {
        let patient = [text(0x0010_0010, VR::PN, name)];
        assert_eq!(finding(&patient, echo), Some(Name), "{name}");
        assert_eq!(beside(&patient, echo), "", "{name}");
    }
    for (name, echo) in [("Long^Max", "Long axis"), ("Head^Phantom", "HEAD"), ("White^Ann", "white matter")] {
        let patient = [text(0x0010_0010, VR::PN, name)];
        assert_eq!((finding(&patient, echo), beside(&patient, echo)), (None, echo.to_owned()));
    }
}

/// What trusted equipment calls safe stays, unless its creator is itself a text that somebody wrote.
#[test]
fn the_creator_of_trusted_elements_is_searched_too() {
    let profile = Profile {
        trusted_equipment: vec![TrustedEquipment { manufacturer: "ACME".into(), model: String::new() }],
        ..with_options(&[O::RetainSafePrivate])
    };
    for (creator, stays) in
        [("ACME DOSE 1.0", true), ("Zoe Martineau 0612345678", false), ("ACME Lefevre", false)]
    {
        let output = run_profile(
            &profile,
            CT,
            vec![
                text(0x0008_0070, VR::LO, "ACME"),
                text(0x0010_0010, VR::PN, "Lefevre^Marie"),
                sequence(
                    0x0008_0300,
                    vec![vec![
                        Element::Value(0x0008_0301, VR::US, 0x0009_u16.to_le_bytes().to_vec()),
                        text(0x0008_0302, VR::LO, creator),
                        text(0x0008_0303, VR::CS, "SAFE"),
                    ]],
                ),
                text(0x0009_0010, VR::LO, creator),
                text(0x0009_1001, VR::DS, "1.5"),
            ],
        );
        assert_eq!((output.has("(0009,0010)"), output.has("(0009,1001)")), (stays, stays), "{creator}");
        assert_eq!(output.holds(creator.as_bytes()), stays, "{creator}");
    }
}
