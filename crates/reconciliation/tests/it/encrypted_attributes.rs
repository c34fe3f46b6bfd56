//! Encrypted Attributes of a result (RC-15, PS3.15 E.1.2, PS3.3 C.12.1.1.4): a check of the own record and never a source. What is decrypted here is
//! written by hand; conformance tests have it of `gdcmanon` and `openssl`.

use std::collections::BTreeSet;
use std::io::Write;

use dicom_stream::{Encoding, TransferSyntax, VR};
use reconciliation::{
    Conditions, EncryptedAttributesError, EncryptedContent, ManualReason, ModifiedAttributes, Outcome,
    OwnRecord, encrypted_contents, judge, without_encrypted_attributes,
};

use crate::support::{CODE, Run, SR, STUDY, UIDS, conditions, issued, own, reference, result, surveyed};
use crate::tree::{Element, Sequences, explicit, read, sequence, tag, text, uid, write};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// The Patient ID of `own`.
const PATIENT_ID: &str = "PID 0815";

/// (0400,0500) with one item for each content.
fn encrypted(contents: &[&[u8]]) -> Element {
    let item = |content: &&[u8]| {
        vec![uid(0x0400_0510, EXPLICIT), Element::Value(tag(0x0400_0520), VR::OB, content.to_vec())]
    };
    sequence(0x0400_0500, contents.iter().map(item).collect())
}

fn modified(items: Vec<Vec<Element>>) -> Vec<Element> {
    vec![sequence(0x0400_0550, items)]
}

/// What a de-identifier took away from a slice of the study.
fn of_study() -> Vec<Element> {
    vec![
        uid(0x0008_0018, UIDS[3].1),
        text(0x0008_0050, VR::SH, "ACC-0042"),
        text(0x0008_0090, VR::PN, ""),
        text(0x0008_103E, VR::LO, "SLICES"),
        Element::Value(tag(0x0010_0010), VR::PN, b"M\xFCller^J\xF6rg".to_vec()),
        text(0x0010_0020, VR::LO, PATIENT_ID),
        text(0x0010_0030, VR::DA, "19480229"),
        uid(0x0020_000D, UIDS[0].1),
        uid(0x0020_0052, UIDS[2].1),
    ]
}

/// The same with one element in the place of its own.
fn with(element: Element) -> Vec<Element> {
    let mut all = of_study();
    all.retain(|other| other.tag() != element.tag());
    all.push(element);
    all.sort_by_key(Element::tag);
    all
}

fn latin() -> OwnRecord {
    own("ISO_IR 100", "Müller^Jörg")
}

fn originals() -> BTreeSet<String> {
    UIDS.iter().map(|(_, original, _)| (*original).to_owned()).collect()
}

fn confirmed(plain: &[u8], syntax: &str, own: &OwnRecord) -> Result<(), EncryptedAttributesError> {
    ModifiedAttributes::read(plain, syntax)?.confirm(own, &originals())
}

fn doubt(item: Vec<Element>) -> String {
    confirmed(&explicit(&modified(vec![item])), EXPLICIT, &latin()).unwrap_err().to_string()
}

#[test]
fn rc_15_without_a_key_and_at_another_place_they_are_a_persons_case() {
    let with_key = Conditions { opens_encrypted_attributes: true, ..conditions() };
    let main = encrypted(&[b"\x30\x80"]);
    let unreadable = Element::Value(tag(0x0400_0500), VR::UN, b"no sequence!".to_vec());
    // longer than any value that is held whole
    let long = sequence(0x0400_0500, vec![vec![Element::Value(tag(0x0400_0520), VR::OB, vec![0; 17 << 20])]]);
    let nested = |element: Element| sequence(0x0040_0275, vec![vec![element]]);
    let cases = [
        (vec![main.clone()], true),
        (vec![long], true),
        (vec![nested(main.clone())], false),
        (vec![sequence(0x0400_0500, vec![vec![main.clone()]])], false),
        (vec![unreadable], false),
        (vec![nested(main.clone()), main], false),
    ];
    for (more, is_opened) in cases {
        let set = [surveyed(&result(SR, [vec![reference(UIDS[3].0)], more].concat()))];
        for (conditions, goes_on) in [(conditions(), false), (with_key.clone(), is_opened)] {
            match judge(&set, &issued(), &conditions).outcome {
                Outcome::Accept { .. } => assert!(goes_on),
                Outcome::Manual { reasons, .. } => {
                    assert!(!goes_on);
                    assert!(reasons.contains(&ManualReason::EncryptedAttributes));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn rc_15_each_content_is_read_in_every_form_and_only_whole_ones() {
    let elements = result(SR, vec![encrypted(&[b"one ", b"two "])]);
    let both = [b"one ", b"two "]
        .map(|content| EncryptedContent { transfer_syntax: EXPLICIT.to_owned(), content: content.to_vec() });
    for (syntax, sequences) in [
        (TransferSyntax::EXPLICIT_LITTLE, Sequences::Undefined),
        (TransferSyntax::EXPLICIT_LITTLE, Sequences::Unknown),
        (TransferSyntax::IMPLICIT_LITTLE, Sequences::Undefined),
        (TransferSyntax::EXPLICIT_BIG, Sequences::Undefined),
    ] {
        let bytes = write(&elements, syntax.encoding, sequences);
        assert_eq!(encrypted_contents(&bytes[..], &syntax).unwrap(), both);
    }
    let error = |encrypted: Element| {
        let bytes = explicit(&result(SR, vec![encrypted]));
        encrypted_contents(&bytes[..], &TransferSyntax::EXPLICIT_LITTLE).unwrap_err()
    };
    let content = || Element::Value(tag(0x0400_0520), VR::OB, b"one ".to_vec());
    for item in [vec![content()], vec![uid(0x0400_0510, EXPLICIT)], vec![]] {
        assert!(matches!(error(sequence(0x0400_0500, vec![item])), EncryptedAttributesError::NoContent));
    }
    let twice = vec![uid(0x0400_0510, EXPLICIT), content(), content()];
    assert!(matches!(error(sequence(0x0400_0500, vec![twice])), EncryptedAttributesError::NoContent));
    let long = vec![0; EncryptedContent::BYTES_MAX + 2];
    assert!(matches!(error(encrypted(&[&long])), EncryptedAttributesError::TooMuch { .. }));
    assert!(matches!(error(encrypted(&[&b"one "[..]; 9])), EncryptedAttributesError::TooMuch { .. }));
}

#[test]
fn rc_15_what_agrees_with_the_own_record_confirms_it() {
    let elements = modified(vec![of_study()]);
    for (syntax, encoding) in [
        (EXPLICIT, Encoding::ExplicitLittle),
        ("1.2.840.10008.1.2", Encoding::ImplicitLittle),
        ("1.2.840.10008.1.2.2", Encoding::ExplicitBig),
    ] {
        confirmed(&write(&elements, encoding, Sequences::Undefined), syntax, &latin()).unwrap();
    }
    // its own character set, at the item and above it; the other padding; absent is as good as empty
    let declared = text(0x0008_0005, VR::CS, "ISO_IR 192");
    let name = text(0x0010_0010, VR::PN, "Müller^Jörg  ");
    let item = |more: &[Element]| {
        let mut item = [vec![name.clone(), text(0x0010_1000, VR::LO, "")], more.to_vec()].concat();
        item.extend(of_study().into_iter().filter(|of| of.tag() == tag(0x0010_0020)));
        item.sort_by_key(Element::tag);
        item
    };
    for elements in [
        modified(vec![item(std::slice::from_ref(&declared))]),
        [vec![declared], modified(vec![item(&[])])].concat(),
    ] {
        confirmed(&explicit(&elements), EXPLICIT, &latin()).unwrap();
    }
}

#[test]
fn rc_15_another_value_another_uid_and_no_patient_id_are_doubts() {
    let cases = [
        (text(0x0010_0020, VR::LO, "PID 0816"), "(0010,0020) has another value in the own record"),
        (text(0x0010_0010, VR::PN, "Else^Somebody"), "(0010,0010) has another value in the own record"),
        (text(0x0010_0030, VR::DA, ""), "(0010,0030) has another value in the own record"),
        // received empty, received not at all
        (text(0x0008_0090, VR::PN, "Doctor^A"), "(0008,0090) has another value in the own record"),
        (text(0x0010_1000, VR::LO, "OTHER"), "(0010,1000) has another value in the own record"),
        (uid(0x0020_000D, UIDS[1].1), "(0020,000D) has another value in the own record"),
        (uid(0x0020_000E, "1.2.3.4"), "a UID that is not the original of an issued one"),
        // a pseudonym is no original
        (uid(0x0020_000E, UIDS[1].0), "a UID that is not the original of an issued one"),
        (reference("1.2.3.4"), "a UID that is not the original of an issued one"),
        (text(0x0010_0020, VR::LO, " "), "no patient id to compare"),
    ];
    for (element, said) in cases {
        assert_eq!(doubt(with(element)), said);
    }
    let mut without = of_study();
    without.retain(|element| element.tag() != tag(0x0010_0020));
    assert_eq!(doubt(without), "no patient id to compare");
    // received without one
    let mut nobody = latin();
    nobody.attributes.retain(|attribute| attribute.tag != tag(0x0010_0020));
    let plain = explicit(&modified(vec![of_study()]));
    assert!(matches!(confirmed(&plain, EXPLICIT, &nobody), Err(EncryptedAttributesError::NoPatientId)));
}

#[test]
fn rc_15_a_plain_text_that_is_something_else_is_a_doubt() {
    let plain = explicit(&modified(vec![of_study()]));
    // as a wrong key may give it
    let random: Vec<u8> = (0u32..496).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let twice = [of_study(), of_study()].concat();
    let above = [vec![text(0x0010_0020, VR::LO, PATIENT_ID)], modified(vec![of_study()])].concat();
    for (plain, syntax) in [
        (random, EXPLICIT),
        (plain[..plain.len() / 2].to_vec(), EXPLICIT),
        (plain.clone(), "1.2.840.10008.1.2"),
        (plain.clone(), "1.2.3.4"),
        (explicit(&modified(vec![of_study(), of_study()])), EXPLICIT),
        (explicit(&modified(vec![twice])), EXPLICIT),
        (explicit(&above), EXPLICIT),
    ] {
        let error = confirmed(&plain, syntax, &latin()).unwrap_err();
        assert!(matches!(error, EncryptedAttributesError::NotOneItem), "{error}");
    }
    // a data set, and nothing of what has to be there
    for plain in [Vec::new(), explicit(&of_study()[..1]), explicit(&[sequence(0x0040_0275, vec![vec![]])])] {
        assert!(confirmed(&plain, EXPLICIT, &latin()).is_err());
    }
}

#[test]
fn rc_15_no_identity_shows_in_messages() {
    let modified = ModifiedAttributes::read(&explicit(&modified(vec![of_study()])), EXPLICIT).unwrap();
    let content = EncryptedContent { transfer_syntax: EXPLICIT.to_owned(), content: b"PID 0815".to_vec() };
    assert_eq!(
        format!("{modified:?} {content:?}"),
        "ModifiedAttributes(6 compared, ..) EncryptedContent(8 bytes)"
    );
}

#[test]
fn rc_15_the_returned_object_and_the_archives_copy_have_none() {
    let (after, inner) = (text(0x0040_A160, VR::UT, "nodule"), reference(UIDS[3].0));
    let more = |encrypted: Option<Element>| {
        let more = [
            vec![after.clone(), inner.clone(), text(0x0009_0010, VR::LO, "PARTNER")],
            encrypted.into_iter().collect(),
        ];
        result(SR, more.concat())
    };
    let (with, without) = (more(Some(encrypted(&[b"one ", b"two "]))), more(None));
    let output = Run::usual().elements(&with).unwrap();
    assert!(output.elements.iter().all(|element| element.tag() != tag(0x0400_0500)));
    assert_eq!(output.elements, Run::usual().elements(&without).unwrap().elements);
    for (syntax, sequences) in [
        (TransferSyntax::EXPLICIT_LITTLE, Sequences::Undefined),
        (TransferSyntax::EXPLICIT_LITTLE, Sequences::Unknown),
        (TransferSyntax::IMPLICIT_LITTLE, Sequences::Undefined),
        (TransferSyntax::EXPLICIT_BIG, Sequences::Undefined),
    ] {
        let [with, without] = [&with, &without].map(|elements| write(elements, syntax.encoding, sequences));
        assert_eq!(without_encrypted_attributes(&with[..], &syntax, Vec::new()).unwrap(), without);
        assert_eq!(without_encrypted_attributes(&without[..], &syntax, Vec::new()).unwrap(), without);
    }
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    deflated.write_all(&explicit(&with)).unwrap();
    let deflated = deflated.finish().unwrap();
    let inflated =
        without_encrypted_attributes(&deflated[..], &TransferSyntax::DEFLATED, Vec::new()).unwrap();
    assert_eq!(inflated, explicit(&without));
    // the pseudonymised form of the result is what is left
    let text = |number| crate::tree::at(&read(&inflated, &TransferSyntax::EXPLICIT_LITTLE), number);
    assert_eq!((text("00100020").as_deref(), text("0020000D").as_deref()), (Some(CODE), Some(STUDY)));
}
