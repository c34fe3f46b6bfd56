//! A bare PDF as an Encapsulated PDF object (PS3.3 A.45.1) in a series of its own (flow table 8.3). It says its study and nothing of a patient:
//! a person decides whose it is, and accepts its body.

use dicom_stream::{Encoding, Header, Lengths, Tag, VR, Writer};
use sha2::{Digest, Sha256};

use super::manifest::ManifestFile;
use crate::listing::Row;

const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";

/// What stands around the body.
#[derive(PartialEq, Eq)]
pub(super) struct Wrapped {
    pub(super) row: Row,
    /// Data set up to the body.
    pub(super) before: Vec<u8>,
    /// Data set after the body, its padding included.
    pub(super) after: Vec<u8>,
}

impl Wrapped {
    /// The object of a file of the manifest: the same at every look, and however the partner writes the digits of its hash.
    pub(super) fn new(study: &str, file: &ManifestFile) -> Self {
        let uid = |what: &str| {
            let mut hash = Sha256::new();
            for part in ["research-pacs wrapped PDF", what, study, &file.sha256.to_ascii_lowercase()] {
                hash.update(part.as_bytes());
                hash.update([0]);
            }
            let number =
                hash.finalize().iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
            format!("2.25.{number}")
        };
        let row = Row {
            study: study.to_owned(),
            series: uid("series"),
            sop_class: ENCAPSULATED_PDF.to_owned(),
            sop_instance: uid("instance"),
            content: None,
        };
        let length = u32::try_from(file.bytes).unwrap_or(u32::MAX - 1);
        let even = length.next_multiple_of(2);
        let mut before = texts(&[
            (Tag(0x0008, 0x0016), VR::UI, &row.sop_class),
            (Tag(0x0008, 0x0018), VR::UI, &row.sop_instance),
            (Tag(0x0008, 0x0020), VR::DA, ""),
            (Tag(0x0008, 0x0023), VR::DA, ""),
            (Tag(0x0008, 0x002A), VR::DT, ""),
            (Tag(0x0008, 0x0030), VR::TM, ""),
            (Tag(0x0008, 0x0033), VR::TM, ""),
            (Tag(0x0008, 0x0050), VR::SH, ""),
            (Tag(0x0008, 0x0060), VR::CS, "DOC"),
            (Tag(0x0008, 0x0064), VR::CS, "WSD"),
            (Tag(0x0008, 0x0070), VR::LO, ""),
            (Tag(0x0008, 0x0090), VR::PN, ""),
            (Tag(0x0010, 0x0010), VR::PN, ""),
            (Tag(0x0010, 0x0020), VR::LO, ""),
            (Tag(0x0010, 0x0030), VR::DA, ""),
            (Tag(0x0010, 0x0040), VR::CS, ""),
            (Tag(0x0020, 0x000D), VR::UI, study),
            (Tag(0x0020, 0x000E), VR::UI, &row.series),
            (Tag(0x0020, 0x0010), VR::SH, ""),
            (Tag(0x0020, 0x0011), VR::IS, "1"),
            (Tag(0x0020, 0x0013), VR::IS, "1"),
            (Tag(0x0028, 0x0301), VR::CS, "YES"),
            (Tag(0x0042, 0x0010), VR::ST, "Result"),
        ]);
        before.extend_from_slice(
            Header::new(Tag(0x0042, 0x0011), VR::OB, even, Encoding::ExplicitLittle).raw(),
        );
        let mut after = if even > length { vec![0] } else { Vec::new() };
        after.extend(texts(&[(Tag(0x0042, 0x0012), VR::LO, "application/pdf")]));
        after.extend_from_slice(Header::new(Tag(0x0042, 0x0015), VR::UL, 4, Encoding::ExplicitLittle).raw());
        after.extend_from_slice(&length.to_le_bytes());
        Self { row, before, after }
    }
}

/// Elements in explicit VR little endian. Memory takes everything.
fn texts(elements: &[(Tag, VR, &str)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), Encoding::ExplicitLittle, Lengths::Undefined);
    let written = elements.iter().try_for_each(|(tag, vr, text)| writer.value(*tag, *vr, text.as_bytes()));
    written.and_then(|()| writer.finish()).unwrap_or_default()
}
