//! Compressed frames of objects that are not at risk: no text in them and no fragment beside them leaves (PS3.5 A.4).

use deidentification::{DeidentificationError, Profile, RuleId};
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};

use crate::support::{CT, Element, Output, bytes, data_set, text, try_run_profile};

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const RLE: &str = "1.2.840.10008.1.2.5";
const TEXT: &[u8] = b"DOE^JANE 1871-03-03";

/// A baseline frame with so many coded bytes, and a comment behind them.
fn jpeg(coded: usize, comment: &[u8]) -> Vec<u8> {
    let length = u16::try_from(comment.len() + 2).unwrap().to_be_bytes();
    let scan = b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0";
    let coded = vec![3; coded];
    let mut frame =
        [b"\xFF\xD8", &scan[..], &coded, b"\xFF\xFE", &length, comment, scan, b"\x07\xFF\xD9"].concat();
    frame.resize(frame.len().next_multiple_of(2), 0);
    frame
}

/// A codestream of one tile-part.
fn jpeg_2000(coded: usize) -> Vec<u8> {
    let length = u32::try_from(14 + coded).unwrap().to_be_bytes();
    let size = [&[0xFF, 0x51, 0, 38][..], &[0; 36]].concat();
    let tile = [&[0xFF, 0x90, 0, 10, 0, 0][..], &length, &[0, 1, 0xFF, 0x93], &vec![5; coded]].concat();
    [&[0xFF, 0x4F][..], &size, &tile, &[0xFF, 0xD9]].concat()
}

fn item(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&b"\xFE\xFF\0\xE0"[..], &length, content].concat()
}

fn fragments(table: &[u32], fragments: &[&[u8]]) -> Vec<u8> {
    let table: Vec<u8> = table.iter().flat_map(|offset| offset.to_le_bytes()).collect();
    let items: Vec<u8> = fragments.iter().flat_map(|fragment| item(fragment)).collect();
    [&b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF"[..], &item(&table), &items, b"\xFE\xFF\xDD\xE0\0\0\0\0"]
        .concat()
}

fn try_run(
    syntax: &str,
    frames: &str,
    extended: Option<[&[u64]; 2]>,
    pixels: &[u8],
) -> Result<Output, DeidentificationError> {
    let mut input = data_set(Encoding::ExplicitLittle, CT, vec![text(0x0028_0008, VR::IS, frames)]);
    for (number, table) in extended.into_iter().flatten().enumerate() {
        let table = table.iter().flat_map(|number| number.to_le_bytes()).collect();
        let element = Element::Value(0x7FE0_0001 + u32::try_from(number).unwrap(), VR::OV, table);
        input.extend(bytes(Encoding::ExplicitLittle, &[element]));
    }
    input.extend(pixels);
    let profile = Profile::basic().compile(None).unwrap();
    try_run_profile(&profile, TransferSyntax::from_uid(syntax).unwrap(), CT, Limits::INSTANCE, &input)
}

fn refused(made: Result<Output, DeidentificationError>) -> &'static str {
    match made {
        Err(DeidentificationError::Pixels(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it passed"),
    }
}

#[test]
fn texts_go_wherever_they_stand_in_a_frame() {
    let (frame, second) = (jpeg(300_000, TEXT), jpeg(10, TEXT));
    let hidden = [jpeg(10, b""), TEXT.to_vec(), vec![0]].concat();
    let (start, end) = frame.split_at(200_000);
    let pixels = fragments(&[], &[start, end, &second, &hidden]);
    let output = try_run(JPEG, "3", None, &pixels).unwrap();
    assert!(!output.holds(TEXT));
    assert_eq!(
        output.report.changes.iter().filter(|change| change.rule == RuleId::Named("frame-segments")).count(),
        1
    );
    let blank = vec![0; TEXT.len()];
    let clean = [jpeg(10, b""), blank.clone(), vec![0]].concat();
    let frame = jpeg(300_000, &blank);
    let (start, end) = frame.split_at(200_000);
    assert!(output.bytes.ends_with(&fragments(&[], &[start, end, &jpeg(10, &blank), &clean])));
}

#[test]
fn frames_without_texts_pass_byte_equal() {
    let (lossy, wave, run) = (jpeg(100_000, b""), jpeg_2000(100_000), vec![0; 80]);
    for (syntax, frame) in [(JPEG, &lossy), (JPEG_2000, &wave), (RLE, &run)] {
        let next = u32::try_from(frame.len() + 8).unwrap();
        let offsets: [&[u32]; 3] = [&[], &[0, next], &[0, 0]];
        for table in offsets {
            let pixels = fragments(table, &[frame, frame]);
            assert!(
                try_run(syntax, "2", None, &pixels).unwrap().bytes.ends_with(&pixels),
                "{syntax} {table:?}"
            );
        }
        let length = frame.len() as u64;
        let pixels = fragments(&[], &[frame, frame]);
        let made = try_run(syntax, "2", Some([&[0, length + 8], &[length, length]]), &pixels).unwrap();
        assert!(made.bytes.ends_with(&pixels));
        let wrong = try_run(syntax, "2", Some([&[0, length + 8], &[length, length - 4]]), &pixels);
        assert!(refused(wrong).contains("Extended Offset Table"));
    }
}

/// PS3.5 G: a frame of three samples, and what stands behind its only segment.
#[test]
fn texts_behind_the_last_rle_segment_go() {
    let short = |number: u32, value: u16| Element::Value(number, VR::US, value.to_le_bytes().to_vec());
    let description = vec![
        short(0x0028_0002, 1),
        text(0x0028_0004, VR::CS, "MONOCHROME2"),
        short(0x0028_0010, 1),
        short(0x0028_0011, 3),
        short(0x0028_0100, 8),
        short(0x0028_0101, 8),
        short(0x0028_0102, 7),
        short(0x0028_0103, 0),
    ];
    let frame = |behind: &[u8]| [&[1, 0, 0, 0, 64, 0, 0, 0][..], &[0; 56], &[2, 9, 8, 7], behind].concat();
    let mut input = data_set(Encoding::ExplicitLittle, CT, description);
    let text = [TEXT, b"\0"].concat();
    input.extend(fragments(&[], &[&frame(&text)]));
    let profile = Profile::basic().compile(None).unwrap();
    let syntax = TransferSyntax::from_uid(RLE).unwrap();
    let output = try_run_profile(&profile, syntax, CT, Limits::INSTANCE, &input).unwrap();
    assert!(output.bytes.ends_with(&fragments(&[], &[&frame(&vec![0; text.len()])])));
}

/// A fragment that no frame reaches is one that nobody has looked at.
#[test]
fn fragments_beside_the_frames_hold_the_object() {
    let frame = jpeg(10, b"");
    let next = u32::try_from(frame.len() + 8).unwrap();
    for (syntax, frames, pixels) in [
        // between two frames, behind the last, before the first
        (JPEG, "2", fragments(&[0, 2 * next], &[&frame, &frame, &frame])),
        (JPEG, "1", fragments(&[0], &[&frame, &frame])),
        (JPEG, "1", fragments(&[next], &[&frame, &frame])),
        (JPEG, "2", fragments(&[], &[&frame, &frame, &frame])),
        (RLE, "1", fragments(&[], &[&[0; 80], &[0; 80]])),
        (JPEG, "2", fragments(&[], &[&frame])),
    ] {
        assert!(refused(try_run(syntax, frames, None, &pixels)).contains("Number of Frames"));
    }
    let skipped = fragments(&[next], &[&frame, b"more"]);
    assert!(refused(try_run(JPEG, "1", None, &skipped)).contains("Basic Offset Table"));
    assert!(refused(try_run(RLE, "1", None, &fragments(&[], &[&[0; 80], TEXT, b"\0"]))).contains("segments"));
    let no_frame = fragments(&[], &[TEXT, b"\0", &frame]);
    assert!(refused(try_run(JPEG, "1", None, &no_frame)).contains("segments"));
}

/// PS3.5 A.4: Pixel Data alone is encapsulated.
#[test]
fn fragments_of_another_element_go() {
    let mut pixels = fragments(&[], &[TEXT, b"\0"]);
    pixels[2] = 1;
    let frame = jpeg(10, b"");
    let output = try_run(JPEG, "1", None, &[pixels, fragments(&[], &[&frame])].concat()).unwrap();
    assert!(!output.holds(TEXT));
}
