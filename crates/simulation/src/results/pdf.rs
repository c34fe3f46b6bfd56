//! Encapsulated PDF IOD (PS3.3 §A.45.1): one page that shows the code of the patient, as partners' reports do.

use dicom_dictionary_std::{tags, uids};
use dicom_stream::VR;

use super::job::{Cited, Job};
use crate::data_set::{Code, DataSet};

pub(super) fn make(job: &Job<'_>) -> DataSet {
    let document = document(&format!("Simulated report about {}", job.code()));
    let length = u32::try_from(document.len()).unwrap_or(u32::MAX);
    job.object("document", uids::ENCAPSULATED_PDF_STORAGE, "DOC", "9005")
        .put(tags::CONVERSION_TYPE, "WSD")
        .put(tags::ACQUISITION_DATE_TIME, "")
        .put(tags::BURNED_IN_ANNOTATION, "YES")
        .items(tags::SOURCE_INSTANCE_SEQUENCE, [Cited::of(&job.first().attributes).item()])
        .put(tags::DOCUMENT_TITLE, "Simulated report")
        .code(tags::CONCEPT_NAME_CODE_SEQUENCE, Code("18748-4", "LN", "Diagnostic imaging report"))
        .put(tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, "application/pdf")
        .bytes(tags::ENCAPSULATED_DOCUMENT, VR::OB, document)
        .longs(tags::ENCAPSULATED_DOCUMENT_LENGTH, [length])
}

/// A PDF 1.4 file of one page with one line of ASCII (ISO 32000-1 §7.5).
fn document(line: &str) -> Vec<u8> {
    let line: String =
        line.chars().filter(|c| c.is_ascii() && !c.is_ascii_control() && !"()\\".contains(*c)).collect();
    let page = format!("BT /F1 12 Tf 72 720 Td ({line}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut out = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (number, object) in (1..).zip(&objects) {
        table.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let (start, size) = (out.len(), objects.len() + 1);
    out.push_str(&format!(
        "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    out.into_bytes()
}
