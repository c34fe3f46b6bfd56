//! A PDF document of grey images, one on each page (ISO 32000-1 7.5, 8.9.5).

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pixel::GreyImage;

/// Points of the longer side of a page: an A4 page's. How large it was is not known any more.
const LONGER_SIDE: u32 = 842;
/// Objects before those of the pages: catalogue and list of pages.
const HEAD: usize = 2;
/// Objects of a page: itself, what is drawn on it, the image.
const OF_PAGE: usize = 3;

/// The document of these pages.
pub(super) fn document(pages: &[GreyImage]) -> Vec<u8> {
    let number = |page: usize| HEAD + page * OF_PAGE + 1;
    let kids: String = (0..pages.len()).map(|page| format!("{} 0 R ", number(page))).collect();
    let mut file = File { bytes: b"%PDF-1.4\n".to_vec(), offsets: Vec::new() };
    file.object("<</Type/Catalog/Pages 2 0 R>>", None);
    file.object(&format!("<</Type/Pages/Kids[{kids}]/Count {}>>", pages.len()), None);
    for (page, image) in pages.iter().enumerate() {
        let longer = image.width().max(image.height()).max(1);
        let points = |pixels: u32| (u64::from(pixels) * u64::from(LONGER_SIDE) / u64::from(longer)).max(1);
        let (width, height) = (points(image.width()), points(image.height()));
        let first = number(page);
        file.object(
            &format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Contents {} 0 R/Resources<</XObject<</I {} 0 R>>>>>>",
                first + 1,
                first + 2
            ),
            None,
        );
        let drawn = format!("{width} 0 0 {height} 0 0 cm /I Do");
        file.object(&format!("<</Length {}>>", drawn.len()), Some(drawn.as_bytes()));
        let samples = deflated(image.pixels());
        let dictionary = format!(
            "<</Type/XObject/Subtype/Image/Width {}/Height {}/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode/Length {}>>",
            image.width(),
            image.height(),
            samples.len()
        );
        file.object(&dictionary, Some(&samples));
    }
    file.finish()
}

fn deflated(samples: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Into memory: there is nothing that could fail.
    let _ = encoder.write_all(samples);
    encoder.finish().unwrap_or_default()
}

struct File {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
}

impl File {
    fn object(&mut self, dictionary: &str, stream: Option<&[u8]>) {
        self.offsets.push(self.bytes.len());
        self.bytes.extend_from_slice(format!("{} 0 obj{dictionary}", self.offsets.len()).as_bytes());
        if let Some(stream) = stream {
            self.bytes.extend_from_slice(b"stream\n");
            self.bytes.extend_from_slice(stream);
            self.bytes.extend_from_slice(b"\nendstream");
        }
        self.bytes.extend_from_slice(b"\nendobj\n");
    }

    fn finish(mut self) -> Vec<u8> {
        let table = self.bytes.len();
        let count = self.offsets.len() + 1;
        let entries: String = self.offsets.iter().map(|offset| format!("{offset:010} 00000 n \n")).collect();
        let end = format!(
            "xref\n0 {count}\n0000000000 65535 f \n{entries}trailer<</Size {count}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n"
        );
        self.bytes.extend_from_slice(end.as_bytes());
        self.bytes
    }
}
