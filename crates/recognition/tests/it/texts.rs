//! Every burned-in text is covered by boxes; images without text get hardly any.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pixel::recognise::TIME_PER_OBJECT;
use pixel::{Attributes, FrameLimit, GreyImage, Mask, Shape, TextBox, TextRecogniser, Window, renderings};
use recognition::Tesseract;

struct Picture {
    name: String,
    image: GreyImage,
    /// Left, top, right, bottom of what was drawn.
    texts: Vec<[u32; 4]>,
}

fn pictures() -> Option<Vec<Picture>> {
    let folder = PathBuf::from(std::env::var_os("RESEARCH_PACS_PYDICOM_FILES")?);
    // data, pydicom, site-packages, python3.x, lib, environment
    let python = folder.ancestors().nth(5).unwrap().join("bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/texts.py");
    let output = Command::new(python).arg(script).arg(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut rest = output.stdout.as_slice();
    let mut pictures = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap();
        let fields: Vec<&str> = std::str::from_utf8(&rest[..end]).unwrap().split('|').collect();
        let (width, height): (u32, u32) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        let (pixels, next) = rest[end + 1..].split_at((width * height) as usize);
        let corners = |text: &str| {
            text.split(',').map(|corner| corner.parse().unwrap()).collect::<Vec<u32>>().try_into().unwrap()
        };
        pictures.push(Picture {
            name: fields[0].into(),
            image: GreyImage::new(width, height, pixels.to_vec()).unwrap(),
            texts: fields[3].split(';').filter(|text| !text.is_empty()).map(corners).collect(),
        });
        rest = next;
    }
    Some(pictures)
}

fn tesseract() -> Tesseract {
    Tesseract::detect(Path::new(Tesseract::PROGRAM), Duration::from_secs(60), 2).unwrap()
}

/// Columns and rows of the text's outermost pixels that no box covers.
fn uncovered(picture: &Picture, boxes: &[TextBox]) -> Vec<String> {
    let shapes: Vec<Shape> = pixel::recognise::lines(boxes).into_iter().map(Shape::from).collect();
    let size = |length: u32| u16::try_from(length).unwrap();
    let mask = Mask::inside(size(picture.image.height()), size(picture.image.width()), &shapes).unwrap();
    let mut missing = Vec::new();
    for &[left, top, right, bottom] in &picture.texts {
        let pixels = u64::from(right - left + 1) * u64::from(bottom - top + 1);
        let covered: u64 = (top..=bottom)
            .map(|row| (left..=right).filter(|&column| mask.contains(column, row)).count() as u64)
            .sum();
        // Spaces between words need no cover.
        if !mask.contains(left, (top + bottom) / 2)
            || !mask.contains(right, (top + bottom) / 2)
            || covered * 100 < pixels * 80
        {
            missing.push(format!("{left},{top} to {right},{bottom}: {} %", covered * 100 / pixels));
        }
    }
    missing
}

#[test]
fn texts_are_covered_and_anatomy_is_left_alone() {
    let Some(pictures) = pictures() else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    let tesseract = tesseract();
    let (mut missing, mut clean, mut boxed, mut readable) = (Vec::new(), 0, 0, 0);
    for picture in &pictures {
        let start = Instant::now();
        let boxes = tesseract.recognise(&picture.image, &mut TIME_PER_OBJECT.clone()).unwrap();
        let certain = boxes.iter().filter(|found| found.is_readable()).count();
        eprintln!("{:32} {:3} boxes, {certain:3} readable, {:?}", picture.name, boxes.len(), start.elapsed());
        for text in uncovered(picture, &boxes) {
            missing.push(format!("{}: {text}", picture.name));
        }
        if picture.name.starts_with("text") {
            assert!(!picture.texts.is_empty(), "{}", picture.name);
        } else if picture.name.starts_with("clean") {
            clean += 1;
            boxed += usize::from(!boxes.is_empty());
            readable += usize::from(certain > 0);
        } else {
            // PHILIPS, the date, the time and the settings; pydicom's own test image.
            assert!(certain >= 25, "{}: {certain}", picture.name);
        }
    }
    eprintln!("{clean} images without text: {boxed} with boxes, {readable} with readable ones");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(readable <= 2, "{readable} of {clean} images without text look like text");
}

#[test]
fn what_was_read_is_near_to_what_was_written() {
    let Some(pictures) = pictures() else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    let tesseract = tesseract();
    let picture = pictures.iter().find(|picture| picture.name == "text font 16 over anatomy").unwrap();
    let boxes = tesseract.recognise(&picture.image, &mut TIME_PER_OBJECT.clone()).unwrap();
    for word in ["DUPONT", "Jean", "12/03/1961", "CHU", "4821377", "Kidney"] {
        assert!(boxes.iter().any(|found| found.text.contains(word)), "{word}");
    }
    assert!(tesseract.name().starts_with("tesseract "), "{}", tesseract.name());
}

/// Letters five levels of 4,096 above an even ground, beside a bright band: the range of the frame hides them.
#[test]
fn text_in_a_narrow_band_of_values_is_read() {
    let Some(pictures) = pictures() else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    let tesseract = tesseract();
    let picture = pictures.iter().find(|picture| picture.name == "text font 16 over anatomy").unwrap();
    let size = |length: u32| Some(u16::try_from(length).unwrap());
    let (width, height) = (picture.image.width(), picture.image.height());
    let attributes = Attributes {
        rows: size(height + height / 10),
        columns: size(width),
        samples_per_pixel: Some(1),
        photometric_interpretation: Some("MONOCHROME2".into()),
        bits_allocated: Some(16),
        bits_stored: Some(12),
        high_bit: Some(11),
        pixel_representation: Some(0),
        ..Attributes::default()
    };
    let letters = picture.image.pixels().iter().map(|level| if *level > 200 { 1005 } else { 1000_u16 });
    let band = std::iter::repeat_n(4000, (height / 10 * width) as usize);
    let frame: Vec<u8> = letters.chain(band).flat_map(u16::to_le_bytes).collect();
    let description = attributes.check(FrameLimit::DECODED).unwrap();
    let read = |window| {
        let images = renderings(&description, &frame, window, None).unwrap();
        let boxes =
            images.iter().map(|image| tesseract.recognise(image, &mut TIME_PER_OBJECT.clone()).unwrap());
        boxes.flatten().any(|found| found.text.contains("DUPONT"))
    };
    assert!(!read(Window::stored("2048", "4096", "", "")));
    for width in ["10", "20"] {
        assert!(read(Window::stored("1000", width, "", "")), "{width}");
    }
}
