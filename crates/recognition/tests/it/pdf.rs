//! Documents written by hand after ISO 32000-1 7.5, rendered by `pdftoppm`.

use std::path::PathBuf;
use std::time::Duration;

use pixel::TextRecogniser;
use recognition::{Pdf, PdfError, Tesseract};

fn pdf() -> Pdf {
    Pdf { pages: 3, longer_side: 1_200, time: Duration::from_secs(30), ..Pdf::default() }
}

/// A document with a line of text on each page, A4.
fn document(lines: &[&str]) -> Vec<u8> {
    let kids: Vec<String> = (0..lines.len()).map(|page| format!("{} 0 R", 4 + 2 * page)).collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!("<</Type/Pages/Count {}/Kids[{}]>>", lines.len(), kids.join(" ")),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    for (page, line) in lines.iter().enumerate() {
        let contents = 5 + 2 * page;
        let stream = format!("BT /F1 24 Tf 72 720 Td ({line}) Tj ET");
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents {contents} 0 R>>"
        ));
        objects.push(format!("<</Length {}>>stream\n{stream}\nendstream", stream.len()));
    }
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(format!("{:010} 00000 n \n", file.len()));
        file += &format!("{} 0 obj{object}endobj\n", number + 1);
    }
    let table = file.len();
    let size = objects.len() + 1;
    file += &format!("xref\n0 {size}\n0000000000 65535 f \n{}", places.concat());
    file += &format!("trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n");
    file.into_bytes()
}

#[test]
fn every_page_is_rendered_and_its_text_is_found() {
    let pages = pdf().render(&document(&["Mrs Dupont", "born 1961"])).unwrap();
    assert_eq!(pages.iter().map(|page| page.height()).collect::<Vec<_>>(), [1_200, 1_200]);
    let tesseract = Tesseract::detect(Tesseract::PROGRAM.as_ref(), Duration::from_secs(60), 1).unwrap();
    for (page, word) in pages.iter().zip(["Dupont", "1961"]) {
        let boxes = tesseract.recognise(page, &mut pixel::recognise::TIME_PER_OBJECT.clone()).unwrap();
        assert!(boxes.iter().any(|found| found.text.contains(word)), "{word}");
    }
}

/// Text rendering mode 3 (ISO 32000-1 9.3.6): neither filled nor stroked.
#[test]
fn text_that_is_not_seen_is_extracted() {
    let hidden = String::from_utf8(document(&["Mrs Dupont"])).unwrap().replace("72 720 Td", "72 720 Td 3 Tr");
    assert!(pdf().extract(hidden.as_bytes()).unwrap().contains("Mrs Dupont"));
    assert!(matches!(pdf().extract(b"not a document"), Err(PdfError::NotRendered)));
    let missing = Pdf { text_program: PathBuf::from("/nowhere/pdftotext"), ..pdf() };
    assert!(matches!(missing.extract(&document(&["a"])), Err(PdfError::NotInstalled)));
}

#[test]
fn too_many_pages_are_refused() {
    assert!(matches!(pdf().render(&document(&["a", "b", "c", "d"])), Err(PdfError::TooManyPages(3))));
    assert_eq!(pdf().render(&document(&["a", "b", "c"])).unwrap().len(), 3);
}

#[test]
fn what_is_no_document_is_refused() {
    assert!(matches!(pdf().render(b"not a document"), Err(PdfError::NotRendered)));
    let missing = Pdf { program: PathBuf::from("/nowhere/pdftoppm"), ..pdf() };
    assert!(missing.render(&[]).unwrap_err().to_string().contains("poppler-utils"));
}
