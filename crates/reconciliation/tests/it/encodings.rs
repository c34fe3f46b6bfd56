//! RC-09: the same object in every form gives the same data set.

use std::io::Write;

use dicom_stream::{Encoding, TransferSyntax, VR};
use flate2::{Compression, write::DeflateEncoder};

use crate::support::{INSTANCE, Run, SHIFTED_DAY, SR, file, reference, result};
use crate::tree::{Element, Sequences, explicit, read, sequence, tag, text, uid, write};

const FORMS: [(TransferSyntax, Sequences); 5] = [
    (TransferSyntax::IMPLICIT_LITTLE, Sequences::Undefined),
    (TransferSyntax::EXPLICIT_BIG, Sequences::Undefined),
    (TransferSyntax::EXPLICIT_LITTLE, Sequences::Unknown),
    (TransferSyntax::EXPLICIT_BIG, Sequences::Unknown),
    (TransferSyntax::IMPLICIT_LITTLE, Sequences::Unknown),
];

fn same_in_all_forms(elements: &[Element], expected: &[Element]) {
    for (syntax, sequences) in FORMS {
        let bytes = write(elements, syntax.encoding, sequences);
        let output = Run::usual().bytes(&syntax, &bytes).unwrap();
        assert_eq!(output.elements, expected, "{} {sequences:?}", syntax.uid);
        assert!(output.scan.findings.is_empty());
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&explicit(elements)).unwrap();
    let output = Run::usual().bytes(&TransferSyntax::DEFLATED, &encoder.finish().unwrap()).unwrap();
    assert_eq!(output.elements, expected, "deflated");
}

#[test]
fn rc_09_files_in_every_syntax_and_with_sequences_as_un() {
    for name in [
        "seg", "labelmap", "surface", "sr", "cad", "chestcad", "wavesr", "wave", "gsps", "color", "blending",
        "kos", "pm", "rtstruct", "rtplan", "rtdose", "reg", "deform", "fid", "rwv", "ann", "enhanced", "cda",
    ] {
        let (syntax, bytes) = file(name);
        let elements = read(&bytes, syntax);
        let expected = Run::usual().file(name).elements;
        same_in_all_forms(&elements, &expected);
    }
}

#[test]
fn rc_09_wrong_vrs_hide_nothing() {
    let as_un = |number, value: &str| Element::Value(tag(number), VR::UN, value.as_bytes().to_vec());
    let elements = result(
        SR,
        vec![
            as_un(0x0010_0020, "P-7K3M9"),
            as_un(0x0020_000D, "2.25.7100"),
            as_un(0x0008_0022, SHIFTED_DAY),
            sequence(0x0008_2112, vec![vec![as_un(0x0008_1155, INSTANCE)]]),
            text(0x0020_0052, VR::LO, "2.25.7102"),
        ],
    );
    let output = Run::usual().elements(&elements).unwrap();
    for (path, value) in [
        ("00100020", "PID 0815"),
        ("0020000D", "1.2.392.200036.1.100"),
        ("00080022", "20240120"),
        ("00082112/00081155", "1.2.392.200036.1.201"),
        ("00200052", "1.2.392.200036.1.102"),
    ] {
        assert_eq!(output.at(path).as_deref(), Some(value), "{path}");
    }
    assert!(output.scan.findings.is_empty());
}

#[test]
fn un_in_un_in_private_sequences_is_walked() {
    let inner = write(&[uid(0x0008_1155, INSTANCE)], Encoding::ImplicitLittle, Sequences::Undefined);
    let item = |body: &[u8]| {
        let head = dicom_stream::Header::new(
            dicom_stream::Tag(0xFFFE, 0xE000),
            VR::UN,
            body.len() as u32,
            Encoding::ImplicitLittle,
        );
        [head.raw(), body].concat()
    };
    let middle = write(
        &[Element::Value(tag(0x0009_1002), VR::UN, item(&inner))],
        Encoding::ImplicitLittle,
        Sequences::Undefined,
    );
    let elements = result(
        SR,
        vec![text(0x0009_0010, VR::LO, "PARTNER"), Element::Value(tag(0x0009_1001), VR::UN, item(&middle))],
    );
    let output = Run::usual().elements(&elements).unwrap();
    assert_eq!(output.at("00091001/00091002/00081155").as_deref(), Some("1.2.392.200036.1.201"));
    assert!(output.scan.findings.is_empty());
}

#[test]
fn group_lengths_go_and_lengths_of_sequences_are_made_anew() {
    let mut elements = result(SR, vec![reference(INSTANCE)]);
    elements.insert(0, Element::Value(tag(0x0008_0000), VR::UL, 9u32.to_le_bytes().to_vec()));
    let output = Run::usual().elements(&elements).unwrap();
    assert!(!crate::tree::has(&output.elements, 0x0008_0000));
    assert_eq!(output.at("00082112/00081155").as_deref(), Some("1.2.392.200036.1.201"));
}

#[test]
fn numbers_of_the_own_record_are_in_the_byte_order_of_the_output() {
    let mut run = Run::usual();
    let value = reconciliation::Value::Bytes(vec![4, 0]);
    run.own.attributes.push(reconciliation::Attribute { tag: tag(0x0010_21C0), vr: VR::US, value });
    for (syntax, bytes) in [(TransferSyntax::EXPLICIT_LITTLE, [4, 0]), (TransferSyntax::EXPLICIT_BIG, [0, 4])]
    {
        let input = write(&result(SR, vec![]), syntax.encoding, Sequences::Undefined);
        let output = run.bytes(&syntax, &input).unwrap();
        let header = dicom_stream::Header::new(tag(0x0010_21C0), VR::US, 2, syntax.encoding);
        let wanted = [header.raw(), &bytes].concat();
        assert!(output.bytes.windows(wanted.len()).any(|window| window == wanted), "{}", syntax.uid);
    }
}

#[test]
fn deep_un_ends_at_the_limit_and_not_at_the_stack() {
    let mut value = write(&[uid(0x0008_1155, INSTANCE)], Encoding::ImplicitLittle, Sequences::Undefined);
    for level in 0..500 {
        let head = dicom_stream::Header::new(
            dicom_stream::Tag(0xFFFE, 0xE000),
            VR::UN,
            value.len() as u32,
            Encoding::ImplicitLittle,
        );
        let items = [head.raw(), &value].concat();
        let element = Element::Value(tag(0x0009_1001), VR::UN, items);
        if level == 40 {
            // within the limit: walked to the bottom
            let output = Run::usual().elements(&result(SR, vec![element.clone()])).unwrap();
            assert!(output.scan.findings.is_empty());
            assert_eq!(output.report.uids_restored, 1);
        }
        value = write(&[element], Encoding::ImplicitLittle, Sequences::Undefined);
    }
    let bytes = [explicit(&result(SR, vec![])), value].concat();
    let survey =
        reconciliation::survey(&bytes[..], &TransferSyntax::EXPLICIT_LITTLE, reconciliation::LIMITS).unwrap();
    let run = Run::usual();
    let object = reconciliation::Object {
        survey: &survey,
        transfer_syntax: &TransferSyntax::EXPLICIT_LITTLE,
        length: None,
        limits: reconciliation::LIMITS,
    };
    let mut out = Vec::new();
    reconciliation::reconcile(
        &object,
        &run.identities,
        &run.own,
        &run.given,
        &run.policy,
        &bytes[..],
        &mut out,
    )
    .unwrap();
    // below the limit nothing is mapped, and the reverse scan finds it
    let pseudonyms =
        reconciliation::Pseudonyms::new("", run.identities.originals.keys().cloned(), &Default::default(), 0);
    let scan = reconciliation::reverse_scan(
        &out[..],
        &TransferSyntax::EXPLICIT_LITTLE,
        reconciliation::LIMITS,
        &pseudonyms,
    );
    assert!(!scan.unwrap().findings.is_empty());
}
