//! Which images may show a face: by words, and by the field of view where there are none.

use std::io::Cursor;

use deidentification::verify::Identity;
use deidentification::{Profile, Survey};
use dicom_stream::{Limits, TransferSyntax, VR};

use crate::support::{CT, Element, data_set, text};

const BODY_PART: u32 = 0x0018_0015;
const PROTOCOL: u32 = 0x0018_1030;
const STUDY_DESCRIPTION: u32 = 0x0008_1030;
const SERIES_DESCRIPTION: u32 = 0x0008_103E;
const AXIAL: &str = "1\\0\\0\\0\\1\\0";
const SAGITTAL: &str = "0\\1\\0\\0\\0\\-1";
const CORONAL: &str = "1\\0\\0\\0\\0\\-1";

/// Computed Radiography Image Storage: no volume by its class.
const CR: &str = "1.2.840.10008.5.1.4.1.1.1";

fn may_show_face(modality: &str, elements: Vec<Element>) -> bool {
    of_class(if modality == "CT" { CT } else { CR }, modality, elements)
}

fn of_class(class: &str, modality: &str, mut elements: Vec<Element>) -> bool {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    elements.push(text(0x0008_0060, VR::CS, modality));
    elements.push(text(0x0008_0005, VR::CS, "ISO_IR 192"));
    let input = data_set(syntax.encoding, class, elements);
    let profile = Profile::basic().compile(None).unwrap();
    let mut identity = Identity::default();
    Survey::read(&profile, Cursor::new(input), &syntax, Limits::INSTANCE, &mut identity)
        .unwrap()
        .may_show_face()
}

/// Rows, columns, pixel spacing, orientation.
fn geometry(rows: u16, columns: u16, spacing: &str, orientation: &str) -> Vec<Element> {
    vec![
        Element::Value(0x0028_0010, VR::US, rows.to_le_bytes().to_vec()),
        Element::Value(0x0028_0011, VR::US, columns.to_le_bytes().to_vec()),
        text(0x0028_0030, VR::DS, spacing),
        text(0x0020_0037, VR::DS, orientation),
    ]
}

fn with(words: &[(u32, &str)], mut geometry: Vec<Element>) -> Vec<Element> {
    let vr = |tag| if tag == BODY_PART { VR::CS } else { VR::LO };
    geometry.extend(words.iter().map(|(tag, value)| text(*tag, vr(*tag), value)));
    geometry
}

/// 512 x 0.5 mm is a head, 512 x 0.7 mm a chest.
fn head() -> Vec<Element> {
    geometry(512, 512, "0.5\\0.5", AXIAL)
}

fn chest() -> Vec<Element> {
    geometry(512, 512, "0.7\\0.7", AXIAL)
}

#[test]
fn words_of_a_head_count_whatever_the_field_of_view() {
    for (tag, value) in [
        (BODY_PART, "HEAD"),
        (BODY_PART, "EAR"),
        (PROTOCOL, "T1 MPRAGE BRAIN"),
        (SERIES_DESCRIPTION, "Crâne osseux"),
        (SERIES_DESCRIPTION, "Tête sans injection"),
        (STUDY_DESCRIPTION, "PET whole body"),
    ] {
        assert!(may_show_face("CT", with(&[(tag, value)], chest())), "{value}");
    }
    let both = with(&[(BODY_PART, "CHEST"), (SERIES_DESCRIPTION, "Head and chest")], chest());
    assert!(may_show_face("CT", both));
}

#[test]
fn words_of_another_part_clear_an_image_and_are_no_head_by_their_letters() {
    for (tag, value) in [
        (BODY_PART, "CHEST"),
        (BODY_PART, "HEART"),
        (PROTOCOL, "CARDIAC GATED"),
        (PROTOCOL, "Foie, surface"),
        (BODY_PART, "KNEE"),
    ] {
        for size in [head(), chest(), Vec::new()] {
            assert!(!may_show_face("CT", with(&[(tag, value)], size)), "{value}");
        }
    }
}

/// PS3.3 C.7.6.1: `YES` in (0028,0302) is the sender's own word.
#[test]
fn an_image_that_says_so_shows_a_face() {
    let mut says = with(&[(BODY_PART, "CHEST")], chest());
    says.push(text(0x0028_0302, VR::CS, "YES"));
    assert!(may_show_face("CT", says));
}

/// Another part in a description clears nothing: a study has many parts.
#[test]
fn without_words_the_field_of_view_of_an_axial_slice_decides() {
    for words in [&[][..], &[(PROTOCOL, "2.1 ROUTINE")], &[(STUDY_DESCRIPTION, "KNEE")]] {
        assert!(may_show_face("CT", with(words, head())), "{words:?}");
        assert!(may_show_face("MR", with(words, head())), "{words:?}");
        assert!(!may_show_face("CT", with(words, chest())), "{words:?}");
        assert!(!may_show_face("MR", with(words, chest())), "{words:?}");
    }
    // 300 mm, and 256 rows of 1 mm beside 600 columns of 0.6 mm.
    assert!(may_show_face("CT", geometry(600, 600, "0.5\\0.5", AXIAL)));
    assert!(!may_show_face("CT", geometry(256, 600, "1\\0.6", AXIAL)));
    // A gantry that leans by 20 degrees.
    assert!(!may_show_face("CT", geometry(512, 512, "0.7\\0.7", "1\\0\\0\\0\\0.93969\\-0.34202")));
}

/// Along the body a wide slice may reach the head; the ring of a PET has one width for all.
#[test]
fn what_the_field_of_view_cannot_tell_is_a_head() {
    for orientation in [SAGITTAL, CORONAL] {
        assert!(may_show_face("MR", geometry(512, 512, "0.9\\0.9", orientation)), "{orientation}");
    }
    for modality in ["PT", "NM"] {
        assert!(may_show_face(modality, geometry(200, 200, "4\\4", AXIAL)), "{modality}");
    }
    assert!(may_show_face("CT", Vec::new()));
    for damaged in ["0.7", "0.7\\x", "0.7\\NaN", "0.7\\inf", ""] {
        assert!(may_show_face("CT", geometry(512, 512, damaged, AXIAL)), "{damaged}");
    }
    assert!(may_show_face("CT", geometry(512, 512, "0.7\\0.7", "1\\0\\0")));
}

#[test]
fn what_is_no_volume_shows_no_face() {
    for modality in ["CR", "SEG", "US", "SR"] {
        assert!(!may_show_face(modality, with(&[(BODY_PART, "HEAD")], head())), "{modality}");
    }
}

#[test]
fn a_volume_is_one_by_its_class_or_by_any_spelling_of_its_modality() {
    for modality in ["", "ct", "OT", "CT\\OT", "Scanner"] {
        assert!(of_class(CT, modality, head()), "{modality}");
    }
    for modality in ["mr", "MRI", "PET", "pt", "OT\\CT"] {
        assert!(of_class(CR, modality, head()), "{modality}");
    }
    // the spine of the neck is near the face, and no colon
    for words in ["COLONNE CERVICALE", "RACHIS CERVICAL", "COLONNE"] {
        assert!(may_show_face("CT", with(&[(PROTOCOL, words)], head())), "{words}");
    }
    for words in ["COLON", "LEGS", "MAIN"] {
        let passes = words != "MAIN";
        assert_eq!(!may_show_face("CT", with(&[(PROTOCOL, words)], head())), passes, "{words}");
    }
}
