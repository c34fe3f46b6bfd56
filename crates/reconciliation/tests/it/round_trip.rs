//! Identity → de-identified → simulated partner → identity (AC8.10), with the de-identifier of this product.

use std::cell::RefCell;
use std::collections::HashMap;

use deidentification::verify::Identity;
use deidentification::{Known, Profile, PseudonymSource, Survey, deidentify};
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};
use reconciliation::{Attribute, Given, Identities, LIMITS, OwnRecord, Value};

use crate::support::{CODE, NAMES, Run, SR, result};
use crate::tree::{Element, Sequences, at, bytes_at, explicit, read, sequence, tag, text, uid, write};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// The vault: remembers what it gave.
#[derive(Default)]
struct Source {
    given: RefCell<HashMap<String, String>>,
}

impl PseudonymSource for Source {
    fn uid(&self, original: &str) -> String {
        let hash = original.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
        let pseudonym = format!("2.25.{hash}");
        self.given.borrow_mut().insert(pseudonym.clone(), original.to_owned());
        pseudonym
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

fn original(character_set: &str, name: &str) -> Vec<Element> {
    let set = CharacterSet::parse(character_set.as_bytes()).0;
    let mut elements = vec![
        text(0x0008_0005, VR::CS, character_set),
        uid(0x0008_0016, CT),
        uid(0x0008_0018, "1.2.3.4.5.3"),
        text(0x0008_0020, VR::DA, "20240120"),
        text(0x0008_0030, VR::TM, "101500"),
        text(0x0008_0050, VR::SH, "ACC-0042"),
        Element::Value(tag(0x0008_0090), VR::PN, set.encode(VR::PN, name).unwrap()),
        text(0x0010_0020, VR::LO, "PID 0815"),
        text(0x0010_0030, VR::DA, "19480229"),
        text(0x0010_0040, VR::CS, ""),
        Element::Value(tag(0x0010_0010), VR::PN, set.encode(VR::PN, name).unwrap()),
        text(0x0010_4000, VR::LT, "Lives alone"),
        uid(0x0020_000D, "1.2.3.4.5.1"),
        uid(0x0020_000E, "1.2.3.4.5.2"),
        text(0x0020_0010, VR::SH, "S1"),
        uid(0x0020_0052, "1.2.3.4.5.4"),
    ];
    elements.sort_by_key(Element::tag);
    elements
}

/// As `pipeline` keeps it at receipt.
fn own_record(original: &[Element]) -> OwnRecord {
    let numbers = [
        0x0008_0020u32,
        0x0008_0030,
        0x0008_0050,
        0x0008_0090,
        0x0008_1030,
        0x0010_0010,
        0x0010_0020,
        0x0010_0030,
        0x0010_0040,
        0x0010_1010,
        0x0010_4000,
        0x0020_0010,
    ];
    let value = |number: u32| match bytes_at(original, &format!("{number:08X}")) {
        None => Value::Absent,
        Some(bytes) if bytes.is_empty() => Value::Empty,
        Some(mut bytes) => {
            bytes.resize(bytes.len().next_multiple_of(2), b' ');
            Value::Bytes(bytes)
        }
    };
    let vr = |number: u32| dicom_stream::dictionary_vr(tag(number));
    OwnRecord {
        study: at(original, "0020000D").unwrap(),
        character_set: value(0x0008_0005),
        attributes: numbers
            .map(|number| Attribute { tag: tag(number), vr: vr(number), value: value(number) })
            .into(),
    }
}

#[test]
fn rc_14_patient_and_study_come_back_byte_for_byte() {
    for (character_set, name) in NAMES {
        let original = original(character_set, name);
        let bytes = explicit(&original);
        let syntax = TransferSyntax::EXPLICIT_LITTLE;
        let source = Source::default();
        let object = deidentification::Object {
            sop_class: CT,
            sop_instance: "1.2.3.4.5.3",
            transfer_syntax: &syntax,
            length: None,
        };
        let profile = Profile::basic().compile(None).unwrap();
        let mut sent = Vec::new();
        let (survey, cleaner) = (Survey::default(), profile.cleaner(&Identity::default()).unwrap());
        let known = Known { survey: &survey, cleaner: &cleaner, pixels: None };
        deidentify(
            &profile,
            &object,
            &source,
            known,
            Limits::INSTANCE,
            std::io::Cursor::new(&bytes),
            &mut sent,
        )
        .unwrap();
        let given = Given::of_sent(CODE, &sent[..], &syntax, LIMITS).unwrap();
        let sent = read(&sent, &syntax);

        // the partner copies what it was given, and refers to it
        let mut result: Vec<Element> = sent
            .iter()
            .filter(|element| matches!(element.tag().group(), 0x0010 | 0x0012 | 0x0020))
            .cloned()
            .collect();
        let copied = [0x0008_0020, 0x0008_0030, 0x0008_0050, 0x0008_0090].map(tag);
        result.extend(sent.iter().filter(|element| copied.contains(&element.tag())).cloned());
        result.retain(|element| element.tag() != tag(0x0020_000E));
        result.extend([
            uid(0x0008_0016, SR),
            uid(0x0008_0018, "1.2.826.1.9.1"),
            uid(0x0020_000E, "1.2.826.1.9.2"),
            sequence(0x0008_2112, vec![vec![uid(0x0008_1155, &at(&sent, "00080018").unwrap())]]),
        ]);
        result.sort_by_key(Element::tag);

        let identities = Identities { originals: source.given.borrow().clone(), ..Identities::default() };
        let run = Run { own: own_record(&original), identities, given, policy: crate::support::policy() };
        let output = run.elements(&result).unwrap();
        let module = |elements: &[Element]| -> Vec<Element> {
            let of_study =
                [0x0008_0005, 0x0008_0020, 0x0008_0030, 0x0008_0050, 0x0008_0090, 0x0020_000D, 0x0020_0010];
            let is_ours = |t: dicom_stream::Tag| t.group() == 0x0010 || of_study.map(tag).contains(&t);
            elements.iter().filter(|element| is_ours(element.tag())).cloned().collect()
        };
        let expected = read(&bytes, &syntax);
        assert_eq!(module(&output.elements), module(&expected), "{character_set}");
        assert_eq!(output.at("00082112/00081155").as_deref(), Some("1.2.3.4.5.3"));
        assert_eq!(output.at("00200052").as_deref(), Some("1.2.3.4.5.4"));
        assert!(
            output.scan.findings.is_empty() && output.report.altered.is_empty(),
            "{:?}",
            output.report.altered
        );
    }
}

/// Sequences and a number of the modules Patient and General Study (PS3.3 C.7.1.1, C.7.2.1), names in `set`; one item has a set of its own.
fn of_modules(set: &str) -> Vec<Element> {
    let name = |number, text: &str, set: &str| {
        let set = CharacterSet::parse(set.as_bytes()).0;
        Element::Value(tag(number), VR::LO, set.encode(VR::LO, text).unwrap())
    };
    let cyrillic = "ISO_IR 144";
    let person = vec![
        text(0x0008_0005, VR::CS, cyrillic),
        name(0x0008_0080, "Луна", cyrillic),
        sequence(0x0040_1101, vec![vec![name(0x0008_0104, "Звезда", cyrillic)]]),
    ];
    let other = |id: &str, issuer: &str| vec![text(0x0010_0020, VR::LO, id), name(0x0010_0021, issuer, set)];
    vec![
        sequence(0x0008_0051, vec![vec![text(0x0040_0031, VR::UT, "RIS")]]),
        sequence(0x0008_0096, vec![person]),
        sequence(0x0008_1110, vec![]),
        name(0x0010_0021, "Möwe", set),
        sequence(0x0010_1002, vec![other("OLD-1", "Müller"), other("OLD-2", "Möwe")]),
        Element::Value(tag(0x0010_21C0), VR::US, vec![4, 0]),
        sequence(0x0040_1012, vec![vec![name(0x0008_0104, "Überwachung", set)]]),
    ]
}

/// As `pipeline` keeps them.
fn kept(elements: &[Element]) -> Vec<Attribute> {
    let value = |bytes: Vec<u8>| if bytes.is_empty() { Value::Empty } else { Value::Bytes(bytes) };
    let attribute = |element: &Element| match element {
        Element::Value(tag, vr, bytes) => Attribute { tag: *tag, vr: *vr, value: value(bytes.clone()) },
        Element::Sequence(tag, _) => {
            let whole = explicit(std::slice::from_ref(element));
            Attribute { tag: *tag, vr: VR::SQ, value: value(whole[12..whole.len() - 8].to_vec()) }
        }
    };
    elements.iter().map(attribute).collect()
}

fn modules(elements: &[Element], expected: &[Element]) -> Vec<Element> {
    let is_expected = |element: &&Element| expected.iter().any(|of| of.tag() == element.tag());
    elements.iter().filter(is_expected).cloned().collect()
}

#[test]
fn rc_14_sequences_of_patient_and_study_come_back_with_their_items_in_every_encoding() {
    let original = of_modules("ISO_IR 100");
    let mut run = Run::usual();
    run.own.attributes.retain(|of| of.tag != tag(0x0010_0021));
    run.own.attributes.extend(kept(&original));
    // what the partner has in their place goes, and does not mix with them
    let partner = result(
        SR,
        vec![
            text(0x0008_0005, VR::CS, "ISO_IR 100"),
            sequence(0x0010_1002, vec![vec![text(0x0010_0020, VR::LO, "FORGED")]]),
            sequence(0x0008_1110, vec![vec![uid(0x0008_1155, "1.2.826.1.9.7")]]),
            text(0x0010_2000, VR::LO, "MADE-UP"),
        ],
    );
    let syntaxes =
        [TransferSyntax::EXPLICIT_LITTLE, TransferSyntax::IMPLICIT_LITTLE, TransferSyntax::EXPLICIT_BIG];
    for syntax in syntaxes {
        for sequences in [Sequences::Undefined, Sequences::Unknown] {
            let output = run.bytes(&syntax, &write(&partner, syntax.encoding, sequences)).unwrap();
            assert_eq!(modules(&output.elements, &original), original, "{} {sequences:?}", syntax.uid);
            assert!(!output.bytes.windows(6).any(|bytes| bytes == b"FORGED"));
            assert_eq!(output.at("00102000"), None, "the source had none");
            assert_eq!(output.report.altered, ["(0008,1110)", "(0010,1002)", "(0010,2000)"]);
            assert!(output.scan.findings.is_empty());
        }
    }
    let output = run.bytes(
        &TransferSyntax::EXPLICIT_LITTLE,
        &write(&result(SR, vec![]), Encoding::ExplicitLittle, Sequences::Undefined),
    );
    assert_eq!(modules(&output.unwrap().elements, &original), original, "also where the partner has nothing");
}

#[test]
fn rc_14_text_in_sequences_follows_the_character_set_of_the_output() {
    let mut run = Run::usual();
    run.own.attributes.retain(|of| of.tag != tag(0x0010_0021));
    run.own.attributes.extend(kept(&of_modules("ISO_IR 100")));
    // 頭 has no place in the source's set
    let partner = vec![text(0x0008_0005, VR::CS, "ISO_IR 192"), text(0x0008_103E, VR::LO, "頭")];
    let output = run.elements(&result(SR, partner)).unwrap();
    let expected = of_modules("ISO_IR 192");
    assert_eq!(modules(&output.elements, &expected), expected, "an item with a set of its own keeps both");
}
