//! Texts in compressed frames: ITU-T T.81 B, T.87 C, T.800 A and I, by hand and on real frames.

use pixel::segments::{Extent, SegmentError, TextSegment, blank, text_segments};
use pixel::{Compression, FrameLimit, decode_frame};

const TEXT: &[u8] = b"DOE^JANE 1871-03-03";

/// A marker segment.
fn segment(code: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, code], length.as_slice(), payload].concat()
}

/// Whether the text is still there.
fn tells(bytes: &[u8]) -> bool {
    bytes.windows(TEXT.len()).any(|window| window == TEXT)
}

fn blanked(frame: &[u8], compression: Compression) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let found = text_segments(&frame, Extent::Whole, compression).unwrap();
    blank(&mut frame, &found);
    frame
}

/// The frame without what may be left out; the rest blanked.
fn stripped(frame: &[u8], compression: Compression) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let found = text_segments(&frame, Extent::Whole, compression).unwrap();
    blank(&mut frame, &found);
    for range in found.into_iter().rev().filter_map(|segment| segment.removable) {
        frame.drain(range);
    }
    frame
}

/// SOI, the segments, a scan with a stuffed byte and a restart marker, EOI.
fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    let scan = [segment(0xDA, &[1, 1, 0, 0, 63, 0]), vec![1, 0xFF, 0, 2, 0xFF, 0xD0, 3]].concat();
    [vec![0xFF, 0xD8], segments.concat(), scan, vec![0xFF, 0xD9]].concat()
}

#[test]
fn comments_and_application_segments_are_found() {
    let frame =
        jpeg(&[segment(0xFE, TEXT), segment(0xE1, &[b"Exif\0\0", TEXT].concat()), segment(0xDB, &[0; 65])]);
    for clean in [blanked(&frame, Compression::JpegBaseline), stripped(&frame, Compression::JpegBaseline)] {
        assert!(!tells(&clean));
    }
    assert_eq!(blanked(&frame, Compression::JpegBaseline).len(), frame.len());
    assert_eq!(stripped(&frame, Compression::JpegBaseline), jpeg(&[segment(0xDB, &[0; 65])]));
}

#[test]
fn the_colour_transform_and_the_plain_jfif_header_stay() {
    let jfif = segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
    let adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01");
    let frame = jpeg(&[jfif, adobe]);
    assert_eq!(text_segments(&frame, Extent::Whole, Compression::JpegBaseline), Ok(vec![]));
}

#[test]
fn a_thumbnail_and_what_is_hidden_behind_a_header_are_blanked() {
    let jfif = segment(0xE0, &[b"JFIF\0\x01\x02\0\0\x01\0\x01\x02\x03".as_slice(), TEXT].concat());
    let adobe = segment(0xEE, &[b"Adobe\0\x64\0\0\0\0\x01".as_slice(), TEXT].concat());
    let frame = jpeg(&[jfif, adobe]);
    let clean = blanked(&frame, Compression::JpegBaseline);
    assert!(!tells(&clean));
    assert_eq!(clean[..20], frame[..20]);
}

#[test]
fn what_stands_between_scans_and_after_the_end_is_found() {
    let mut frame = jpeg(&[]);
    frame.truncate(frame.len() - 2);
    frame.extend(segment(0xFE, TEXT));
    frame.extend(segment(0xDA, &[1, 1, 0, 0, 63, 0]));
    frame.extend([7, 0xFF, 0xD9]);
    assert!(!tells(&blanked(&frame, Compression::JpegBaseline)));
    frame.push(0); // the byte that makes a fragment even
    let even = frame.clone();
    frame.extend(TEXT);
    assert!(!tells(&blanked(&frame, Compression::JpegBaseline)));
    assert_eq!(text_segments(&even, Extent::Whole, Compression::JpegBaseline).unwrap().len(), 1);
}

#[test]
fn a_head_is_enough_when_it_reaches_the_scan() {
    let frame = jpeg(&[segment(0xFE, TEXT)]);
    let scan = 2 + 4 + TEXT.len();
    let found = vec![TextSegment { content: 6..scan, removable: Some(2..scan) }];
    let head = &frame[..scan + 4];
    assert_eq!(text_segments(head, Extent::Head, Compression::JpegBaseline), Ok(found));
    for short in 2..scan {
        let head = &frame[..short];
        assert_eq!(
            text_segments(head, Extent::Head, Compression::JpegBaseline),
            Err(SegmentError::HeadTooShort)
        );
        assert_eq!(text_segments(head, Extent::Whole, Compression::JpegBaseline), Err(SegmentError::Damaged));
    }
}

#[test]
fn damaged_segments_are_refused() {
    for bytes in [
        &[][..],
        &[1, 2],
        &[0xFF, 0xD8, 0],
        &[0xFF, 0xD8, 0xFF, 0xFE, 0, 1, 9, 9],
        &[0xFF, 0xD8, 0xFF, 0, 0, 2],
    ] {
        assert_eq!(
            text_segments(bytes, Extent::Whole, Compression::JpegBaseline),
            Err(SegmentError::Damaged)
        );
    }
}

/// SOC and SIZ of one component, a comment, one tile-part with a comment of its own, EOC.
fn codestream(text: &[u8]) -> Vec<u8> {
    let mut size = vec![0; 36];
    size.splice(34..36, [0, 1]);
    size.extend([7, 1, 1]);
    let comment = segment(0x64, &[&[0, 1], text].concat());
    let data = [comment.clone(), vec![0xFF, 0x93, 5, 6, 7]].concat();
    let tile = segment(
        0x90,
        &[&[0, 0], u32::try_from(12 + data.len()).unwrap().to_be_bytes().as_slice(), &[0, 1]].concat(),
    );
    [vec![0xFF, 0x4F], segment(0x51, &size), comment, tile, data, vec![0xFF, 0xD9]].concat()
}

#[test]
fn comments_of_jpeg_2000_are_found_in_both_headers() {
    let frame = codestream(TEXT);
    let found = text_segments(&frame, Extent::Whole, Compression::Jpeg2000).unwrap();
    assert_eq!(found.iter().map(|segment| segment.removable.is_some()).collect::<Vec<_>>(), [true, false]);
    assert!(!tells(&blanked(&frame, Compression::Jpeg2000)));
    assert_eq!(blanked(&frame, Compression::Jpeg2000), codestream(&[0; TEXT.len()]));
    assert!(!tells(&stripped(&frame, Compression::Jpeg2000)));
    let head = text_segments(&frame[..90], Extent::Head, Compression::Jpeg2000).unwrap();
    assert_eq!(head, found[..1]);
    assert!(!tells(&blanked(&[&frame, TEXT].concat(), Compression::Jpeg2000)));
}

/// A box of a JP2 file.
fn jp2_box(kind: &[u8], content: &[u8]) -> Vec<u8> {
    [u32::try_from(content.len() + 8).unwrap().to_be_bytes().as_slice(), kind, content].concat()
}

/// A JP2 file with an XML box; `method` of its colour specification.
fn jp2(method: u8) -> Vec<u8> {
    let colour = jp2_box(b"colr", &[method, 0, 0, 0, 0, 0, 17]);
    [
        jp2_box(b"jP  ", &[0x0D, 0x0A, 0x87, 0x0A]),
        jp2_box(b"ftyp", b"jp2 \0\0\0\0jp2 "),
        jp2_box(b"jp2h", &colour),
        jp2_box(b"xml ", TEXT),
        jp2_box(b"uuid", &[&[9; 16], TEXT].concat()),
        jp2_box(b"jp2c", &codestream(TEXT)),
    ]
    .concat()
}

#[test]
fn boxes_of_a_jp2_file_are_found() {
    assert!(!tells(&blanked(&jp2(1), Compression::Jpeg2000)));
    assert!(!tells(&stripped(&jp2(1), Compression::Jpeg2000)));
    let error = text_segments(&jp2(2), Extent::Whole, Compression::Jpeg2000);
    assert_eq!(error, Err(SegmentError::ColourProfile));
}

#[test]
fn a_cut_off_codestream_is_refused() {
    let frame = codestream(TEXT);
    for end in 0..frame.len() - 2 {
        assert!(text_segments(&frame[..end], Extent::Whole, Compression::Jpeg2000).is_err(), "{end}");
    }
}

#[test]
fn real_frames_decode_to_the_same_samples_without_their_texts() {
    let Some(cases) = super::codec::cases() else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    for case in cases.iter().filter(|case| !case.expected.is_empty() && case.compression != Compression::Rle)
    {
        let description = case.attributes.check(FrameLimit::DECODED).unwrap();
        let Ok(decoded) = decode_frame(&case.frame, &description, case.compression) else { continue };
        if case.frame.starts_with(b"\0\0\0\x0CjP  ") {
            // DICOM does not allow the file around the codestream; this one has a profile.
            let found = text_segments(&case.frame, Extent::Whole, case.compression);
            assert_eq!(found, Err(SegmentError::ColourProfile), "{}", case.name);
            continue;
        }
        let (at, code, text) = match case.compression {
            // After SOC and SIZ.
            Compression::Jpeg2000 => {
                let size = u16::from_be_bytes([case.frame[4], case.frame[5]]);
                (4 + usize::from(size), 0x64, [&[0, 1], TEXT].concat())
            }
            _ => (2, 0xFE, TEXT.to_vec()),
        };
        let mut told = case.frame.clone();
        told.splice(at..at, segment(code, &text));
        told.extend(TEXT);
        for clean in [blanked(&told, case.compression), stripped(&told, case.compression)] {
            assert!(!tells(&clean), "{}", case.name);
            let again = decode_frame(&clean, &description, case.compression);
            assert_eq!(again.as_ref().map(|frame| &frame.samples), Ok(&decoded.samples), "{}", case.name);
        }
        assert!(text_segments(&told[..told.len().min(1 << 16)], Extent::Head, case.compression).is_ok());
    }
}
