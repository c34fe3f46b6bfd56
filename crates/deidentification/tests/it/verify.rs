//! The after-check: planted identifiers are found wherever they stand, clean objects are never held.

use std::io::Cursor;

use deidentification::verify::{FindingKind, Identity, Verifier};
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};
use proptest::prelude::*;

use crate::support::{CT, Element, bytes, data_set, run, sequence, tag, text};
use FindingKind::{Contact, Date, Identifier, Name, Uid};

const SYNTAX: TransferSyntax = TransferSyntax::EXPLICIT_LITTLE;

/// The identity of one original.
fn identity(elements: Vec<Element>) -> Identity {
    let mut identity = Identity::default();
    let original = data_set(SYNTAX.encoding, CT, elements);
    identity.add_object(Cursor::new(&original), &SYNTAX, Limits::INSTANCE).unwrap();
    identity
}

fn jane() -> Identity {
    identity(vec![
        text(0x0008_0005, VR::CS, "ISO_IR 192"),
        text(0x0008_0050, VR::SH, "ACC-2024/0017"),
        text(0x0008_0090, VR::PN, "Welby^Marcus^^Dr"),
        text(0x0010_0010, VR::PN, "Lefèvre^Éloïse=山田^太郎=やまだ^たろう"),
        text(0x0010_0020, VR::LO, "MRN 8841-772"),
        text(0x0010_0030, VR::DA, "19710303"),
        text(0x0010_1000, VR::LO, "73041\\998877665"),
        text(0x0010_1040, VR::LO, "12 Kirchengasse, Springfield"),
        text(0x0010_2154, VR::SH, "+33 1 23 45 67 89"),
        text(0x0020_000D, VR::UI, "1.2.999.55.1"),
        text(0x0020_0010, VR::SH, "1"),
    ])
}

fn found(identity: &Identity, elements: &[Element]) -> Vec<(String, FindingKind)> {
    let verifier = Verifier::new(identity, &[]).unwrap();
    let output = bytes(SYNTAX.encoding, elements);
    let findings = verifier.verify(Cursor::new(&output), &SYNTAX, Limits::INSTANCE).unwrap();
    findings.into_iter().map(|finding| (finding.path.to_string(), finding.kind)).collect()
}

fn kind(identity: &Identity, element: Element) -> Option<FindingKind> {
    found(identity, &[element]).first().map(|(_, kind)| *kind)
}

#[test]
fn texts() {
    let jane = jane();
    for (value, expected) in [
        ("AX thin LEFEVRE", Some(Name)),
        ("eloise_chest", Some(Name)),
        ("LefevreEloise01", Some(Name)),
        ("lefevre01", Some(Name)),
        ("read by Marcus", Some(Name)),
        ("Dr", None),
        ("MRN8841772", Some(Identifier)),
        ("mrn 8841 772", Some(Identifier)),
        ("scan of MRN-8841-772", Some(Identifier)),
        ("acc20240017", Some(Identifier)),
        ("73041", Some(Identifier)),
        ("173041", None),
        ("998877665", Some(Identifier)),
        ("1998877665", None),
        ("1", None),
        ("19710303", Some(Date)),
        ("born 1971-03-03", Some(Date)),
        ("3 mars 1971", Some(Date)),
        ("03.03.1971", Some(Date)),
        ("03/03/71 119710303", None),
        ("March 3, 1971", Some(Date)),
        ("3-Mar-1971", Some(Date)),
        ("Kirchengasse", Some(Contact)),
        ("tel +33 1 23 45 67 89", Some(Contact)),
        ("0033123456789", None),
        ("see 1.2.999.55.1/frames", Some(Uid)),
        ("see 1.2.999.55.12", None),
        ("AX 1.25 CHEST HELICAL", None),
    ] {
        assert_eq!(kind(&jane, text(0x0018_1020, VR::LO, value)), expected, "{value}");
    }
}

#[test]
fn every_character_set() {
    let jane = jane();
    let raw = |value: &[u8]| Element::Value(0x0018_1020, VR::LO, value.to_vec());
    let encodings: [&[u8]; 4] = [
        "Lefèvre".as_bytes(),
        b"Lef\xE8vre",                        // ISO_IR 100, undeclared
        b"\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B", // ISO 2022 IR 87, undeclared
        "山田太郎".as_bytes(),
    ];
    for value in encodings {
        assert_eq!(kind(&jane, raw(value)), Some(Name), "{value:?}");
    }
    let utf16: Vec<u8> = "Lefèvre".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in
        [&b"\0\x01\x02LEFEVRE\0"[..], &utf16, b"HDR\0Welby\0", b"\x01998877665\x02", b"\0\x011.2.999.55.1\0"]
    {
        for vr in [VR::OB, VR::UN] {
            assert!(
                kind(&jane, Element::Value(0x0028_2000, vr, bytes.to_vec())).is_some()
                    == (bytes != b"HDR\0Welby\0")
            );
        }
    }
}

#[test]
fn places() {
    let jane = jane();
    let deep = sequence(0x0008_1115, vec![vec![], vec![text(0x0018_1020, VR::LO, "Lefevre")]]);
    assert_eq!(found(&jane, &[deep]), [("(0008,1115)[2](0018,1020)".to_owned(), Name)]);
    for (element, expected) in [
        (text(0x0008_0020, VR::DA, "19710303"), Some(Date)),
        (text(0x0008_002A, VR::DT, "19710303121212"), Some(Date)),
        (text(0x0008_0020, VR::DA, "19710304"), None),
        (text(0x0020_000D, VR::UI, "2.25.7\\1.2.999.55.1"), Some(Uid)),
        (text(0x0020_000D, VR::UI, "1.2.998877665.3"), Some(Identifier)),
        (text(0x0028_0030, VR::DS, "0.5\\998877665"), Some(Identifier)),
        (text(0x0028_0030, VR::DS, "73041"), None),
        (Element::Value(0x0009_1001, VR::UN, b"Lefevre^Eloise".to_vec()), Some(Name)),
        (Element::Value(0x0042_0011, VR::OB, b"<name>Lefevre</name>".to_vec()), Some(Name)),
        (Element::Value(0x7FE0_0010, VR::OW, b"Lefevre Lefevre!".to_vec()), None),
    ] {
        assert_eq!(kind(&jane, element.clone()), expected, "{element:?}");
    }
}

#[test]
fn short_words_and_words_of_imaging() {
    let li = identity(vec![text(0x0010_0010, VR::PN, "Li^Na"), text(0x0010_0020, VR::LO, "4711")]);
    let long = identity(vec![text(0x0010_0010, VR::PN, "Long^Max"), text(0x0010_0020, VR::LO, "PHANTOM")]);
    for (identity, vr, value, expected) in [
        (&li, VR::LO, "Li battery", None),
        (&li, VR::LO, "na li", Some(Name)),
        (&li, VR::LO, "Li, Na", Some(Name)),
        (&li, VR::PN, "Li", Some(Name)),
        (&li, VR::LO, "room 4711", Some(Identifier)),
        (&li, VR::LO, "v4711.2", None),
        (&long, VR::LO, "Long axis", None),
        (&long, VR::LO, "Max intensity", None),
        (&long, VR::LO, "Max Long", Some(Name)),
        (&long, VR::LO, "phantom", None),
    ] {
        let number = if vr == VR::PN { 0x0014_2006 } else { 0x0018_1020 };
        assert_eq!(kind(identity, text(number, vr, value)), expected, "{value}");
    }
}

#[test]
fn comment_segments_of_compressed_frames() {
    let fragments = |frame: &[u8]| {
        let head = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0";
        let length = u32::try_from(frame.len()).unwrap().to_le_bytes();
        [&head[..], &length, frame, b"\xFE\xFF\xDD\xE0\0\0\0\0"].concat()
    };
    let verifier = Verifier::new(&jane(), &[]).unwrap();
    for (frame, expected) in [
        (&b"\xFF\xD8\xFF\xFE\0\x0ELefevre CT1\0\xFF\xDA\0\x02xxxx"[..], 1),
        (b"\xFF\xD8\xFF\xE1\0\x0FExif\0\0LEFEVRE\xFF\xDA\0\x02xxxx", 1),
        (b"\xFF\xD8\xFF\xFE\0\x0Echest thin 1\0\xFF\xDA\0\x02Lefevre ", 0),
        (b"Lefevre in coded data, no header", 0),
    ] {
        let data = fragments(frame);
        assert_eq!(
            verifier.verify(Cursor::new(&data), &SYNTAX, Limits::INSTANCE).unwrap().len(),
            expected,
            "{frame:?}"
        );
    }
}

#[test]
fn nothing_hides_at_the_seam_of_two_pieces() {
    let verifier = Verifier::new(&jane(), &[]).unwrap();
    let limits = Limits { value: 64, ..Limits::INSTANCE };
    for at in [0, 100, 256 * 1024 - 40, 256 * 1024 - 23, 256 * 1024, 299_990] {
        let mut body = vec![0; 300_000];
        body[at..at + 7].copy_from_slice(b"LEFEVRE");
        let data = bytes(SYNTAX.encoding, &[Element::Value(0x0028_3006, VR::OW, body)]);
        assert_eq!(verifier.verify(Cursor::new(&data), &SYNTAX, limits).unwrap().len(), 1, "{at}");
    }
}

#[test]
fn the_output_of_the_profile_is_clean_and_the_original_is_not() {
    let elements = vec![
        text(0x0008_0090, VR::PN, "Welby^Marcus^^Dr"),
        text(0x0010_0010, VR::PN, "Lefevre^Eloise"),
        text(0x0010_0020, VR::LO, "MRN 8841-772"),
        text(0x0010_0030, VR::DA, "19710303"),
        text(0x0010_4000, VR::LT, "Lefevre, born 1971-03-03"),
        text(0x0020_000D, VR::UI, "1.2.999.55.1"),
    ];
    let verifier = Verifier::new(&identity(elements.clone()), &[]).unwrap();
    let check = |data: &[u8]| verifier.verify(Cursor::new(data), &SYNTAX, Limits::INSTANCE).unwrap().len();
    assert_eq!(check(&data_set(Encoding::ExplicitLittle, CT, elements.clone())), 7);
    assert_eq!(check(&run(elements).bytes), 0);
}

/// A placeholder as birth date is no identity: our own dummies look like it.
#[test]
fn placeholders_are_not_searched() {
    let nobody =
        identity(vec![text(0x0010_0030, VR::DA, "19000101"), text(0x0010_0010, VR::PN, "Anonymous")]);
    assert_eq!(kind(&nobody, text(0x0008_0023, VR::DA, "19000101")), None);
    assert_eq!(kind(&nobody, text(0x0018_1020, VR::LO, "anonymous")), None);
}

/// A patient named like the sponsor: the sponsor's name in its element is no finding, in a description it is.
#[test]
fn values_of_the_project_are_clean() {
    let verifier = Verifier::new(&jane(), &["Institut Lefèvre", "P-73041"]).unwrap();
    let findings = |number, value: &str| {
        let data = bytes(SYNTAX.encoding, &[text(number, VR::LO, value)]);
        verifier.verify(Cursor::new(&data), &SYNTAX, Limits::INSTANCE).unwrap().len()
    };
    assert_eq!(findings(0x0012_0010, "Institut Lefevre"), 0);
    assert_eq!(findings(0x0012_0040, "P-73041"), 0);
    assert_eq!(findings(0x0018_1020, "Institut Lefevre 2"), 1);
}

/// More identifiers than fit: no search, so nothing leaves.
#[test]
fn too_many_identifiers_fail_closed() {
    let mut identity = Identity::default();
    for n in 0..250_001 {
        identity.add_value(tag(0x0008_1155), VR::UI, &Default::default(), format!("1.2.999.{n}").as_bytes());
    }
    assert!(Verifier::new(&identity, &[]).is_err());
}

#[test]
fn an_identity_shows_nothing() {
    assert_eq!(format!("{:?}", jane()), "Identity(redacted)");
}

#[test]
fn values_of_an_index_serve_as_well() {
    let mut identity = Identity::default();
    identity.add_value(tag(0x0010_0010), VR::PN, &Default::default(), b"Lefevre^Eloise");
    assert_eq!(Verifier::new(&identity, &[]).unwrap().verify_text("LEFEVRE_CT.dcm"), Some(Name));
    assert_eq!(Verifier::new(&identity, &[]).unwrap().verify_text("P-7K3M_CT.dcm"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// DI-56: random compressed frames and random tables under names of 1 to 3 letters and ids of 4 digits.
    #[test]
    fn random_samples_are_clean(
        frame in prop::collection::vec(any::<u8>(), 100_000),
        family in "[A-Z][a-z]{0,2}",
        given in "[A-Z][a-z]{0,2}",
        id in "[0-9]{4}",
    ) {
        let short = identity(vec![
            text(0x0010_0010, VR::PN, &format!("{family}^{given}")),
            text(0x0010_0020, VR::LO, &id),
        ]);
        let jpeg = [b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xFF\xDA\0\x02", &frame[..]].concat();
        for (number, vr, body) in [
            (0x7FE0_0010, VR::OB, frame.clone()),
            (0x0028_3006, VR::OW, frame.clone()),
            (0x0028_2000, VR::OB, frame[..60_000].to_vec()),
            (0x0009_1001, VR::UN, jpeg),
        ] {
            prop_assert_eq!(kind(&short, Element::Value(number, vr, body)), None);
        }
    }
}
