//! Encapsulated PDF documents that a profile inspects (AC2.8): which leave, as what, and which wait for a person.

use std::collections::BTreeSet;
use std::io::Cursor;

use deidentification::DeidentificationOption::CleanPixelData;
use deidentification::pixels::{PixelPolicy, TextPolicy};
use deidentification::verify::{Identity, Verifier};
use deidentification::{
    DocumentInspection, DocumentPolicy, DocumentReport, Known, Object, PDF_STORAGE, Profile, Survey,
    deidentify, inspect_document,
};
use dicom_stream::{Limits, TransferSyntax, VR};
use pixel::{DocumentError, DocumentRenderer, GreyImage, RecogniserError, TextBox, TextRecogniser};

use crate::support::{Element, INSTANCE, Source, data_set, elements, text, with_options};

/// Its own text, and how many pages it has; `None`: it cannot be rendered.
struct Renders(&'static str, Option<u8>);

impl DocumentRenderer for Renders {
    fn pages(&self, document: &[u8]) -> Result<Vec<GreyImage>, DocumentError> {
        assert!(document.starts_with(b"%PDF-"));
        let pages = self.1.ok_or_else(|| DocumentError("the document cannot be rendered".to_owned()))?;
        Ok((0..pages).map(|page| GreyImage::new(4, 2, vec![page; 8]).unwrap()).collect())
    }

    fn text(&self, _document: &[u8]) -> Result<String, DocumentError> {
        Ok(self.0.to_owned())
    }
}

/// Reads this on the page whose samples have this value.
struct Reads(&'static str, u8);

impl TextRecogniser for Reads {
    fn name(&self) -> &str {
        "reader 1"
    }

    fn recognise(
        &self,
        image: &GreyImage,
        _left: &mut std::time::Duration,
    ) -> Result<Vec<TextBox>, RecogniserError> {
        let word = TextBox { x: 0, y: 0, width: 2, height: 1, text: self.0.to_owned(), confidence: 90.0 };
        Ok(if image.pixels()[0] == self.1 { vec![word] } else { Vec::new() })
    }
}

const HIDDEN: &[u8] = b"%PDF-1.4 /Author (Doe, Jane)";

fn profile(text: TextPolicy) -> Profile {
    Profile {
        documents: DocumentPolicy::Inspect,
        pixels: PixelPolicy { text, ..PixelPolicy::default() },
        ..with_options(&[CleanPixelData])
    }
}

fn object() -> Vec<u8> {
    let elements = vec![
        text(0x0008_0060, VR::CS, "DOC"),
        text(0x0010_0010, VR::PN, "Doe^Jane"),
        Element::Value(0x0042_0011, VR::OB, HIDDEN.to_vec()),
    ];
    data_set(TransferSyntax::EXPLICIT_LITTLE.encoding, PDF_STORAGE, elements)
}

/// The inspection, and what leaves after it.
fn inspected(
    profile: &Profile,
    renders: &Renders,
    reads: Option<&Reads>,
) -> Result<(Vec<u8>, usize), String> {
    inspected_by(profile, renders, reads.map(|reads| reads as &dyn TextRecogniser))
}

fn inspected_by(
    profile: &Profile,
    renders: &dyn DocumentRenderer,
    reads: Option<&dyn TextRecogniser>,
) -> Result<(Vec<u8>, usize), String> {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let profile = profile.compile(None).unwrap();
    let input = object();
    let mut identity = Identity::default();
    let survey =
        Survey::read(&profile, Cursor::new(&input), &syntax, Limits::INSTANCE, &mut identity).unwrap();
    let cleaner = profile.cleaner(&identity).unwrap();
    let programs = reads.map(|reads| (reads, renders));
    let looked =
        inspect_document(&profile, &cleaner, programs, &syntax, Limits::INSTANCE, Cursor::new(&input));
    let kept = match looked.unwrap() {
        DocumentInspection::Held(why) => return Err(why),
        DocumentInspection::Kept(kept) => kept,
    };
    let survey = survey.with_document(kept);
    let known = Known { survey: &survey, cleaner: &cleaner, pixels: None };
    let object =
        Object { sop_class: PDF_STORAGE, sop_instance: INSTANCE, transfer_syntax: &syntax, length: None };
    let mut out = Vec::new();
    let report =
        deidentify(&profile, &object, &Source, known, Limits::INSTANCE, Cursor::new(&input), &mut out)
            .unwrap();
    let Some(DocumentReport::Pages { pages, .. }) = report.document else { panic!("{:?}", report.document) };
    Ok((elements(&syntax, &out).remove("(0042,0011)").unwrap().1, pages))
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_document_without_text_that_counts_leaves_as_images_of_its_pages() {
    let (body, pages) = inspected(
        &profile(TextPolicy::Identity),
        &Renders("Conclusion: normal\n", Some(2)),
        Some(&Reads("normal", 1)),
    )
    .unwrap();
    assert_eq!(pages, 2);
    // ISO 32000-1 7.5: the body is a document of its own, and nothing of the other
    assert!(body.starts_with(b"%PDF-1.4\n") && holds(&body, b"/Count 2") && holds(&body, b"%%EOF"));
    assert!(!holds(&body, b"Jane") && !holds(&body, b"Author"));
}

#[test]
fn text_that_counts_in_the_document_or_on_a_page_holds_it() {
    let nothing = Reads("", 0);
    let cases = [
        (TextPolicy::Identity, Renders("seen by\nJane DOE", Some(1)), &nothing, "text in the document"),
        (TextPolicy::Identity, Renders("", Some(2)), &Reads("DOE", 1), "text on page 2"),
        (TextPolicy::Unknown, Renders("Mrs Somebody", Some(1)), &nothing, "text in the document"),
        (TextPolicy::Any, Renders("normal", Some(1)), &nothing, "text in the document"),
        (TextPolicy::Any, Renders("", Some(1)), &Reads("normal", 0), "text on page 1"),
        (TextPolicy::Identity, Renders("", None), &nothing, "cannot be rendered"),
    ];
    for (policy, renders, reads, why) in cases {
        let held = inspected(&profile(policy), &renders, Some(reads)).unwrap_err();
        assert!(held.contains(why), "{why}: {held}");
        assert!(!held.contains("DOE") && !held.contains("Somebody"));
    }
}

#[test]
fn without_a_recogniser_or_clean_pixel_data_nothing_is_inspected() {
    let renders = Renders("", Some(1));
    assert!(inspected(&profile(TextPolicy::Identity), &renders, None).unwrap_err().contains("recogniser"));
    let without = Profile { options: BTreeSet::new(), ..profile(TextPolicy::Identity) };
    let held = inspected(&without, &renders, Some(&Reads("", 0))).unwrap_err();
    assert!(held.contains("Clean Pixel Data"));
}

/// The after-check reads what leaves with search terms of its own.
#[test]
fn the_after_check_reads_the_document_that_leaves() {
    let mut identity = Identity::default();
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let profile = profile(TextPolicy::Identity).compile(None).unwrap();
    Survey::read(&profile, Cursor::new(object()), &syntax, Limits::INSTANCE, &mut identity).unwrap();
    let verifier = Verifier::new(&identity, &[]).unwrap();
    let check = |renders: &Renders, reads: &Reads| {
        verifier.verify_document(Cursor::new(object()), &syntax, Limits::INSTANCE, reads, renders)
    };
    assert!(check(&Renders("normal", Some(1)), &Reads("normal", 0)).unwrap().is_none());
    assert!(check(&Renders("Jane Doe", Some(1)), &Reads("", 0)).unwrap().is_some());
    assert!(check(&Renders("", Some(2)), &Reads("DOE JANE", 1)).unwrap().is_some());
    assert!(check(&Renders("", None), &Reads("", 0)).is_err(), "it fails closed");
}

/// A page of 4 × 2 pixels of which only the upper left one is dark.
struct Cornered;

impl DocumentRenderer for Cornered {
    fn pages(&self, _document: &[u8]) -> Result<Vec<GreyImage>, DocumentError> {
        Ok(vec![GreyImage::new(4, 2, vec![0, 255, 255, 255, 255, 255, 255, 255]).unwrap()])
    }

    fn text(&self, _document: &[u8]) -> Result<String, DocumentError> {
        Ok(String::new())
    }
}

/// Reads a word when the page lies so that its dark corner is in this place, and another for sure when it is upright.
struct Turned {
    size: (u32, u32),
    dark: usize,
    text: &'static str,
    at: (u32, u32),
    upright: &'static str,
}

impl TextRecogniser for Turned {
    fn name(&self) -> &str {
        "reader 2"
    }

    fn recognise(
        &self,
        image: &GreyImage,
        _left: &mut std::time::Duration,
    ) -> Result<Vec<TextBox>, RecogniserError> {
        let word = |text: &str, (x, y)| TextBox {
            x,
            y,
            width: 1,
            height: 1,
            text: text.to_owned(),
            confidence: 90.0,
        };
        let lies = |size, dark: usize| (image.width(), image.height()) == size && image.pixels()[dark] < 128;
        let mut words = Vec::new();
        if lies((4, 2), 0) && !self.upright.is_empty() {
            words.push(word(self.upright, (3, 1)));
        } else if lies(self.size, self.dark) {
            words.push(word(self.text, self.at));
        }
        Ok(words)
    }
}

/// By one, two and three quarters clockwise, the corner is at the upper right, the lower right, the lower left; so is the end of an upright line.
#[test]
fn text_is_read_whichever_way_a_page_lies() {
    let quarters = [((2, 4), 1, (0, 3)), ((4, 2), 7, (0, 0)), ((2, 4), 6, (1, 0))];
    let held = |policy, reads: &Turned| {
        inspected_by(&profile(policy), &Cornered, Some(reads as &dyn TextRecogniser)).is_err()
    };
    for (size, dark, end) in quarters {
        let reads = |text, at, upright| Turned { size, dark, text, at, upright };
        assert!(held(TextPolicy::Identity, &reads("DOE", (0, 0), "")));
        assert!(!held(TextPolicy::Identity, &reads("normal", (0, 0), "")));
        assert!(held(TextPolicy::Unknown, &reads("Zwickel", (0, 0), "")));
        // "normal", upside down, is no word; elsewhere it would be one
        assert!(!held(TextPolicy::Unknown, &reads("jewuou", end, "normal")), "{size:?}");
        assert!(held(TextPolicy::Unknown, &reads("DOE", end, "normal")), "a name counts all the same");
        let elsewhere = if end == (0, 0) { (3, 1) } else { (1 - end.0, 3 - end.1) };
        assert!(held(TextPolicy::Unknown, &reads("jewuou", elsewhere, "normal")), "{size:?}");
    }
    let verifier = |reads: &Turned| {
        let mut identity = Identity::default();
        let syntax = TransferSyntax::EXPLICIT_LITTLE;
        let profile = profile(TextPolicy::Identity).compile(None).unwrap();
        Survey::read(&profile, Cursor::new(object()), &syntax, Limits::INSTANCE, &mut identity).unwrap();
        let verifier = Verifier::new(&identity, &[]).unwrap();
        let found =
            verifier.verify_document(Cursor::new(object()), &syntax, Limits::INSTANCE, reads, &Cornered);
        found.unwrap().is_some()
    };
    for (size, dark, _) in quarters {
        assert!(verifier(&Turned { size, dark, text: "Jane Doe", at: (0, 0), upright: "" }));
    }
}
