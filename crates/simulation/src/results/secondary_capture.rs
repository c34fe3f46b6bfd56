//! Secondary Capture Image IOD (PS3.3 §A.8.1): a small grey picture, on request with the code burned in.

use dicom_dictionary_std::{tags, uids};
use dicom_stream::VR;

use super::job::{Job, source_image};
use crate::data_set::DataSet;

/// Rows and columns.
const SIDE: usize = 128;

/// A secondary capture; `burned_in` is drawn into its pixels.
pub(super) fn make(job: &Job<'_>, burned_in: Option<&str>) -> DataSet {
    let side = SIDE as u16;
    let (date, time) = job.now();
    job.object("capture", uids::SECONDARY_CAPTURE_IMAGE_STORAGE, "OT", "9004")
        .put(tags::LATERALITY, "")
        .put(tags::CONVERSION_TYPE, "WSD")
        .put(tags::DATE_OF_SECONDARY_CAPTURE, date)
        .put(tags::TIME_OF_SECONDARY_CAPTURE, time)
        .put(tags::IMAGE_TYPE, "DERIVED\\SECONDARY")
        .put(tags::PATIENT_ORIENTATION, "")
        .put(tags::BURNED_IN_ANNOTATION, if burned_in.is_some() { "YES" } else { "NO" })
        .items(tags::SOURCE_IMAGE_SEQUENCE, job.images.iter().take(1).map(|image| source_image(image)))
        .numbers(tags::SAMPLES_PER_PIXEL, [1])
        .put(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .numbers(tags::ROWS, [side])
        .numbers(tags::COLUMNS, [side])
        .numbers(tags::BITS_ALLOCATED, [8])
        .numbers(tags::BITS_STORED, [8])
        .numbers(tags::HIGH_BIT, [7])
        .numbers(tags::PIXEL_REPRESENTATION, [0])
        .bytes(tags::PIXEL_DATA, VR::OB, picture(burned_in.unwrap_or_default()))
}

/// Three by five bits of each digit and capital letter, a row in an octal digit.
const GLYPHS: [u16; 36] = [
    0o75557, 0o26227, 0o71747, 0o71717, 0o55711, 0o74717, 0o74757, 0o71122, 0o75757, 0o75717, 0o25755,
    0o65656, 0o34443, 0o65556, 0o74647, 0o74644, 0o34553, 0o55755, 0o72227, 0o11152, 0o55655, 0o44447,
    0o57755, 0o65555, 0o25552, 0o65644, 0o25573, 0o65655, 0o34216, 0o72222, 0o55557, 0o55522, 0o55775,
    0o55255, 0o55222, 0o71247,
];

/// A dark picture with white text, cut where it is too long.
fn picture(text: &str) -> Vec<u8> {
    let mut pixels = vec![32; SIDE * SIDE];
    for (column, character) in text.chars().enumerate() {
        let number = character.to_digit(36).map_or(usize::MAX, |digit| digit as usize);
        let Some(glyph) = GLYPHS.get(number) else { continue };
        let dots = (0..15).filter(|bit| glyph >> (14 - bit) & 1 == 1);
        for dot in dots {
            let (x, y) = (4 + column * 4 + dot % 3, 4 + dot / 3);
            if let Some(pixel) = pixels.get_mut(y * SIDE + x).filter(|_| x < SIDE) {
                *pixel = 255;
            }
        }
    }
    pixels
}
