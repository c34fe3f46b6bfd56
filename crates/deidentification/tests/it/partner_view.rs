//! The object of the archive as one partner gets it: the same graph of UIDs under other names, other dates and code, nothing else changed.

use std::collections::{BTreeMap, BTreeSet};

use deidentification::{PartnerPseudonyms, PartnerViewError, Replaced, output_syntax, partner_view};
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};
use proptest::prelude::*;

use crate::support::*;

const ARCHIVE_CODE: &str = "P-7K3M-AB";
const DEVICE: &str = "1.2.276.0.99.5";

/// One partner: its number is in all that it gets.
struct Partner(u8);

impl PartnerPseudonyms for Partner {
    fn uid(&self, archive: &str) -> Option<String> {
        assert!(!archive.starts_with("1.2.840.10008."), "asked about a class");
        archive.strip_prefix("2.25.").map(|rest| format!("2.25.{}{rest}", self.0))
    }

    fn archive_code(&self) -> &str {
        ARCHIVE_CODE
    }

    fn code(&self) -> &str {
        if self.0 == 1 { "Q-ONE" } else { "R-TWO-22" }
    }

    fn shift_days(&self, day: u32) -> Option<i32> {
        (day != 19_000_101).then_some(-i32::from(self.0))
    }
}

fn derive(
    partner: u8,
    syntax: &TransferSyntax,
    bytes: &[u8],
) -> Result<(Vec<u8>, Replaced), PartnerViewError> {
    let mut out = Vec::new();
    let replaced = partner_view(bytes, syntax, &Partner(partner), Limits::INSTANCE, &mut out)?;
    Ok((out, replaced))
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// An object of the archive: UIDs at three depths, in a UN sequence, in a private element, and what has to stay.
fn object(uids: &[u64], pixels: &[u8]) -> Vec<Element> {
    let uid = |n: usize| format!("2.25.{}", uids[n % uids.len()]);
    let inner = bytes(
        Encoding::ImplicitLittle,
        &[sequence(
            0x0008_1140,
            vec![vec![text(0x0008_1155, VR::UI, &uid(3))], vec![text(0x0008_1155, VR::UI, &uid(1))]],
        )],
    );
    // header and delimiter of the sequence are not of the value
    let un = inner[8..inner.len() - 8].to_vec();
    vec![
        text(0x0008_0018, VR::UI, &uid(0)),
        text(0x0008_0016, VR::UI, CT),
        text(0x0008_0020, VR::DA, "20240301"),
        text(0x0008_0022, VR::DA, "19000101"),
        text(0x0008_002A, VR::DT, "20240301120000.5+0100"),
        text(0x0008_0030, VR::TM, "120000"),
        text(0x0008_103E, VR::LO, "AX P-7K3M-ABC"),
        Element::Value(0x0008_1140, VR::UN, un),
        sequence(
            0x0008_1115,
            vec![vec![
                text(0x0020_000E, VR::UI, &uid(2)),
                sequence(
                    0x0008_1199,
                    vec![vec![text(0x0008_1155, VR::UI, &format!("{}\\{}", uid(0), uid(4)))]],
                ),
            ]],
        ),
        text(0x0009_0010, VR::LO, "MAKER"),
        Element::Value(0x0009_1001, VR::UN, format!("{} ", uid(5)).into_bytes()),
        text(0x0010_0010, VR::PN, ARCHIVE_CODE),
        text(0x0010_0020, VR::LO, ARCHIVE_CODE),
        text(0x0012_0040, VR::LO, ARCHIVE_CODE),
        text(0x0018_1002, VR::UI, DEVICE),
        Element::Value(0x7FE0_0010, VR::OW, pixels.to_vec()),
    ]
}

fn written(encoding: Encoding, uids: &[u64], pixels: &[u8]) -> Vec<u8> {
    let mut elements = object(uids, pixels);
    elements.sort_by_key(|element| match element {
        Element::Value(number, ..) | Element::Sequence(number, _) => *number,
    });
    bytes(encoding, &elements)
}

/// Every UID with the places where it stands, the names left out: what has to be the same before and after.
fn graph(elements: &BTreeMap<String, (VR, Vec<u8>)>) -> BTreeSet<BTreeSet<String>> {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, (vr, value)) in elements {
        let text = String::from_utf8_lossy(value);
        for (n, uid) in text.split('\\').map(|uid| uid.trim_end_matches(['\0', ' '])).enumerate() {
            if (*vr == VR::UI || *vr == VR::UN) && uid.starts_with("2.25.") {
                places.entry(uid.to_owned()).or_default().insert(format!("{path}/{n}"));
            }
        }
    }
    places.into_values().collect()
}

proptest! {
    #[test]
    fn the_graph_of_uids_is_the_same_and_nothing_of_the_archive_is_left(
        uids in prop::collection::btree_set(10_000_000_000_000_u64.., 1..7),
        pixels in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let uids: Vec<u64> = uids.into_iter().collect();
        let pixels = [&pixels[..], &[0][..pixels.len() % 2]].concat();
        for syntax in NATIVE {
            let archive = written(syntax.encoding, &uids, &pixels);
            let before = elements(&syntax, &archive);
            let (one, replaced) = derive(1, &syntax, &archive).unwrap();
            let (two, _) = derive(2, &syntax, &archive).unwrap();
            prop_assert_eq!(&derive(1, &syntax, &archive).unwrap().0, &one, "the same bytes again");
            let (of_one, of_two) = (elements(&syntax, &one), elements(&syntax, &two));
            prop_assert_eq!(graph(&of_one), graph(&before));
            prop_assert_eq!(graph(&of_two), graph(&before));
            prop_assert_eq!(replaced.dates, BTreeSet::from([20_240_301]));
            for uid in &replaced.uids {
                let ends = [[uid.as_bytes(), b"\0"].concat(), [uid.as_bytes(), b"\\"].concat()];
                prop_assert!(!ends.iter().any(|end| holds(&one, end)));
                let [ours, theirs] = [1, 2].map(|of| Partner(of).uid(uid).unwrap());
                prop_assert!(holds(&one, ours.as_bytes()) && !holds(&two, ours.as_bytes()));
                prop_assert!(holds(&two, theirs.as_bytes()) && !holds(&one, theirs.as_bytes()));
            }
            // what is neither UID, date nor code is as it was
            for (path, (vr, value)) in &before {
                let of_ours = |number| path.ends_with(number);
                let changes = matches!(*vr, VR::UI | VR::UN | VR::DA | VR::DT)
                    || ["(0010,0010)", "(0010,0020)", "(0012,0040)"].into_iter().any(of_ours);
                if !changes {
                    prop_assert_eq!(&of_one[path].1, value, "{}", path);
                }
            }
            prop_assert_eq!(before.keys().collect::<Vec<_>>(), of_one.keys().collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_input_makes_it_fail_otherwise_than_with_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for syntax in NATIVE {
            let _ = derive(1, &syntax, &bytes);
        }
    }
}

#[test]
fn code_dates_and_what_stays() {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let (out, _) = derive(2, &syntax, &written(syntax.encoding, &[11, 12, 13, 14, 15, 16], b"ab")).unwrap();
    let found = elements(&syntax, &out);
    let text = |path: &str| String::from_utf8_lossy(&found[path].1).trim_end_matches([' ', '\0']).to_owned();
    for path in ["(0010,0010)", "(0010,0020)", "(0012,0040)"] {
        assert_eq!(text(path), "R-TWO-22");
    }
    assert_eq!(text("(0008,0020)"), "20240228", "the leap day counts");
    assert_eq!(text("(0008,0022)"), "19000101", "what the profile did not shift");
    assert_eq!(text("(0008,002A)"), "20240228120000.5+0100");
    assert_eq!(text("(0008,0030)"), "120000");
    assert_eq!(text("(0018,1002)"), DEVICE);
    assert_eq!(text("(0008,0016)"), CT);
    assert_eq!(text("(0008,1115)[1](0008,1199)[1](0008,1155)"), "2.25.211\\2.25.215");
    assert_eq!(
        text("(0008,103E)"),
        "AX P-7K3M-ABC",
        "a part of a text is no code; the after-check looks at it"
    );
}

#[test]
fn a_sequence_stored_as_un_is_walked_and_stays_one() {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let (out, replaced) =
        derive(1, &syntax, &written(syntax.encoding, &[11, 12, 13, 14, 15, 16], b"")).unwrap();
    assert!(replaced.uids.contains("2.25.14") && replaced.uids.contains("2.25.12"));
    assert!(holds(&out, b"\x08\0\x40\x11UN\0\0") && holds(&out, b"2.25.114") && holds(&out, b"2.25.116"));
}

#[test]
fn what_cannot_be_derived_is_an_error_that_says_where() {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let long = "2.25.1\\".repeat(12_000);
    let bytes = |element| bytes(syntax.encoding, &[element]);
    let error = |element| derive(1, &syntax, &bytes(element)).unwrap_err().to_string();
    assert_eq!(error(text(0x0008_1155, VR::UI, &long)), "(0008,1155): value too long to be derived");
    let nested = sequence(0x0008_1115, vec![vec![], vec![text(0x0008_0020, VR::DA, "00010101")]]);
    assert_eq!(error(nested), "(0008,1115)[2](0008,0020): date that cannot be moved");
    assert!(matches!(derive(1, &syntax, b"\x08\0\x18"), Err(PartnerViewError::Input(_))));
}

#[test]
fn deflated_goes_out_inflated() {
    assert_eq!(output_syntax(&TransferSyntax::DEFLATED), &TransferSyntax::EXPLICIT_LITTLE);
    assert_eq!(output_syntax(&TransferSyntax::EXPLICIT_BIG), &TransferSyntax::EXPLICIT_BIG);
}

/// A clinical document as it is made anew has the code, a UID and a date of the archive in its header.
#[test]
fn a_clinical_document_has_the_code_id_and_date_of_the_partner() {
    let document = |code: &str, id: &str, day: &str, text: &str| {
        let mut body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><id root=\"{id}\"/>\
             <effectiveTime value=\"{day}101500+0100\"/><recordTarget><patientRole><id extension=\"{code}\"/></patientRole>\
             </recordTarget><component><structuredBody>{text}</structuredBody></component></ClinicalDocument>\n"
        );
        body.push_str(if body.len() % 2 == 1 { "\n" } else { "" });
        body
    };
    let object = |class: &str, body: &str| {
        let length = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        let elements = [
            text(0x0008_0016, VR::UI, class),
            Element::Value(0x0042_0011, VR::OB, body.as_bytes().to_vec()),
            Element::Value(0x0042_0015, VR::UL, length),
        ];
        bytes(Encoding::ExplicitLittle, &elements)
    };
    let cda = deidentification::CDA_STORAGE;
    for narrative in ["Normal".to_owned(), "Normal ".repeat(20_000)] {
        let archive = document(ARCHIVE_CODE, "2.25.77", "20240301", &narrative);
        let (derived_object, replaced) =
            derive(1, &TransferSyntax::EXPLICIT_LITTLE, &object(cda, &archive)).unwrap();
        let expected = document("Q-ONE", "2.25.177", "20240229", &narrative);
        assert!(derived_object == object(cda, &expected));
        assert_eq!(replaced.uids, ["2.25.77".to_owned()].into());
        assert_eq!(replaced.dates, [20_240_301].into());
        // the document of another object is none of ours
        let pdf = object(deidentification::PDF_STORAGE, &archive);
        assert!(derive(1, &TransferSyntax::EXPLICIT_LITTLE, &pdf).unwrap().0 == pdf);
    }
    let other = object(cda, &document("P-OTHER", "1.2.3", "19000101", "Normal"));
    assert!(derive(1, &TransferSyntax::EXPLICIT_LITTLE, &other).unwrap().0 == other);
}
