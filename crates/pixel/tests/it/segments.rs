//! Texts in compressed frames: ITU-T T.81 B, T.87 C, T.800 A and I, by hand and on real frames.

use pixel::segments::{FrameTexts, SegmentError};
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

/// What becomes of a frame; the same however it is cut into pieces.
fn walked(frame: &[u8], compression: Compression) -> Result<Vec<u8>, SegmentError> {
    let in_pieces = |size: usize| {
        let mut frame = frame.to_vec();
        let mut texts = FrameTexts::new(compression);
        assert!(texts.begin_fragment(&frame[..frame.len().min(FrameTexts::START)])?);
        for piece in frame.chunks_mut(size) {
            texts.blank(piece)?;
        }
        assert_eq!(texts.finish()?, 1);
        Ok(frame)
    };
    let whole = in_pieces(usize::MAX);
    for size in [1, 3, 7] {
        assert_eq!(in_pieces(size), whole, "{size}");
    }
    whole
}

fn blanked(frame: &[u8], compression: Compression) -> Vec<u8> {
    walked(frame, compression).unwrap()
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
    let clean = jpeg(&[
        segment(0xFE, &[0; TEXT.len()]),
        segment(0xE1, &[0; TEXT.len() + 6]),
        segment(0xDB, &[0; 65]),
    ]);
    assert_eq!(blanked(&frame, Compression::JpegBaseline), clean);
}

/// T.81 Table B.1: JPG, JPGn and RES are reserved, no decoder reads them; the first is SOF55 in T.87.
#[test]
fn reserved_segments_are_blanked() {
    for code in [0x02, 0x4F, 0xBF, 0xC8, 0xF0, 0xF6, 0xF9, 0xFD] {
        for compression in [Compression::JpegBaseline, Compression::JpegLs] {
            let frame = jpeg(&[segment(code, TEXT), segment(0xDB, &[0; 65])]);
            let clean = jpeg(&[segment(code, &[0; TEXT.len()]), segment(0xDB, &[0; 65])]);
            assert_eq!(blanked(&frame, compression), clean, "{code:02X}");
        }
    }
    for code in [0xF7, 0xF8] {
        let frame = jpeg(&[segment(code, &[1, 2, 3, 4, 5, 6])]);
        assert_eq!(blanked(&frame, Compression::JpegLs), frame, "{code:02X}");
        assert!(!tells(&blanked(&jpeg(&[segment(code, TEXT)]), Compression::JpegBaseline)));
    }
    for code in [0x54, 0x5A, 0x66, 0x6F, 0x7F] {
        let main = [vec![0xFF, 0x4F], segment(0x51, &[0; 36]), segment(code, TEXT)].concat();
        let last = [segment(0x90, &[0, 0, 0, 0, 0, 0, 0, 1]), vec![0xFF, 0x93, 8, 0xFF, 0xD9]].concat();
        assert!(!tells(&blanked(&[main, last].concat(), Compression::Jpeg2000)), "{code:02X}");
    }
}

/// PS3.5 G: two segments of three samples, as a literal run and as a repeated byte.
fn rle(between: &[u8], behind: &[u8], unused: u32) -> Vec<u8> {
    let first = [&[2, 9, 8, 7][..], between].concat();
    let second = 64 + u32::try_from(first.len()).unwrap();
    let mut header = vec![2, 64, second];
    header.resize(15, 0);
    header.push(unused);
    let header: Vec<u8> = header.into_iter().flat_map(u32::to_le_bytes).collect();
    [&header, &first, &[0x80, 0xFE, 5][..], behind].concat()
}

fn rle_walked(frame: &[u8], pixels: Option<(u64, u32)>) -> Result<Vec<u8>, SegmentError> {
    let in_pieces = |size: usize| {
        let mut frame = frame.to_vec();
        let mut texts = FrameTexts::new(Compression::Rle).of_pixels(pixels);
        assert!(texts.begin_fragment(&frame[..FrameTexts::START])?);
        for piece in frame.chunks_mut(size) {
            texts.blank(piece)?;
        }
        texts.finish().map(|_| frame)
    };
    let whole = in_pieces(usize::MAX);
    assert!([1, 5, 63].iter().all(|size| in_pieces(*size) == whole));
    whole
}

#[test]
fn what_no_rle_segment_holds_is_blanked() {
    let clean = rle(&[0], &[0], 0);
    assert_eq!(rle_walked(&clean, Some((3, 2))).unwrap(), clean);
    let (blank, text) = (vec![0; TEXT.len()], TEXT);
    assert_eq!(rle_walked(&rle(text, &[], 0), Some((3, 2))).unwrap(), rle(&blank, &[], 0));
    assert_eq!(rle_walked(&rle(&[0], text, 0), Some((3, 2))).unwrap(), rle(&[0], &blank, 0));
    assert_eq!(rle_walked(&rle(&[], &[], 0x4455_4D41), Some((3, 2))).unwrap(), rle(&[], &[], 0));
    // where segments end cannot be told, or they begin in the header, or go back
    let mut low = clean.clone();
    low[4] = 60;
    let mut back = clean.clone();
    back[8] = 64;
    // one segment more than a pixel has bytes
    let more = Some((3, 1));
    for (frame, pixels) in [(&clean, None), (&clean, more), (&low, Some((3, 2))), (&back, Some((3, 2)))] {
        assert_eq!(rle_walked(frame, pixels), Err(SegmentError::Damaged));
    }
}

#[test]
fn the_colour_transform_and_the_plain_jfif_header_stay() {
    let jfif = segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
    let adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01");
    let frame = jpeg(&[jfif, adobe]);
    assert_eq!(blanked(&frame, Compression::JpegBaseline), frame);
}

#[test]
fn a_thumbnail_and_what_is_hidden_behind_a_header_are_blanked() {
    let jfif = segment(0xE0, &[b"JFIF\0\x01\x02\0\0\x01\0\x01\x02\x03".as_slice(), TEXT].concat());
    let adobe = segment(0xEE, &[b"Adobe\0\x64\0\0\0\0\x01".as_slice(), TEXT].concat());
    let frame = jpeg(&[jfif, adobe]);
    let clean = blanked(&frame, Compression::JpegBaseline);
    assert!(!tells(&clean));
    assert_eq!(clean[..20], frame[..20]);
    // Named alike, and no such header.
    for named in [b"JFXX\0".as_slice(), b"JFI", b"Adobes"] {
        let frame =
            jpeg(&[segment(0xE0, &[named, TEXT].concat()), segment(0xE8, &[b"mrfx\x01", TEXT].concat())]);
        assert!(!tells(&blanked(&frame, Compression::JpegBaseline)));
    }
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
    frame.extend(TEXT);
    frame.extend(jpeg(&[segment(0xFE, TEXT)]));
    assert!(!tells(&blanked(&frame, Compression::JpegBaseline)));
}

/// However far from its start a text stands.
#[test]
fn texts_behind_much_coded_data_are_found() {
    let mut frame = jpeg(&[]);
    frame.truncate(frame.len() - 2);
    frame.extend(vec![3; 300_000]);
    let mut clean = frame.clone();
    for (frame, text) in [(&mut frame, TEXT), (&mut clean, [0; TEXT.len()].as_slice())] {
        frame.extend(segment(0xFE, text));
        frame.extend(segment(0xE1, text));
        frame.extend(segment(0xDA, &[1, 1, 0, 0, 63, 0]));
        frame.extend([7, 0xFF, 0xD9]);
        frame.extend(text);
    }
    assert_eq!(blanked(&frame, Compression::JpegBaseline), clean);
    let (told, clean) = (codestream_of(TEXT, 300_000), codestream_of(&[0; TEXT.len()], 300_000));
    let clean = [clean, vec![0; TEXT.len()]].concat();
    assert_eq!(blanked(&[told.as_slice(), TEXT].concat(), Compression::Jpeg2000), clean);
}

/// Padding behind the end of an image is no text.
#[test]
fn frames_without_texts_stay_byte_equal() {
    for padding in [&[][..], &[0], &[0, 0, 0], &[0xFF], &[0xFF, 0xFF, 0]] {
        let frame = [jpeg(&[segment(0xDB, &[0; 65])]), padding.to_vec()].concat();
        assert_eq!(blanked(&frame, Compression::JpegBaseline), frame);
    }
    let frame = [codestream(&[0; 4]), vec![0]].concat();
    assert_eq!(blanked(&frame, Compression::Jpeg2000), frame);
}

/// PS3.5 A.4: a frame may be in several fragments, and each fragment may be a frame.
#[test]
fn frames_begin_where_their_codestreams_do() {
    let count = |compression, fragments: &[&[u8]]| {
        let mut texts = FrameTexts::new(compression);
        for fragment in fragments {
            let mut fragment = fragment.to_vec();
            texts.begin_fragment(&fragment[..fragment.len().min(FrameTexts::START)])?;
            texts.blank(&mut fragment)?;
            assert!(!tells(&fragment));
        }
        texts.finish()
    };
    let (lossy, wave) = (jpeg(&[segment(0xFE, TEXT)]), codestream(TEXT));
    for (compression, frame) in [(Compression::JpegBaseline, &lossy), (Compression::Jpeg2000, &wave)] {
        assert_eq!(count(compression, &[frame, frame]), Ok(2));
        for at in [1, 5, 12, frame.len() - 2] {
            let (start, end) = frame.split_at(at);
            if at > 4 {
                assert_eq!(count(compression, &[start, end, frame]), Ok(2), "{at}");
            }
        }
        // What belongs to no frame is blanked, or refused.
        assert_eq!(count(compression, &[frame, TEXT]), Ok(1));
        assert_eq!(count(compression, &[TEXT, frame]), Err(SegmentError::Damaged));
    }
    assert_eq!(count(Compression::Rle, &[&[0; 64], &[0; 64]]), Ok(2));
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
        assert_eq!(walked(bytes, Compression::JpegBaseline), Err(SegmentError::Damaged));
    }
}

/// SOC and SIZ of one component, a comment, one tile-part with a comment of its own, EOC.
fn codestream(text: &[u8]) -> Vec<u8> {
    codestream_of(text, 3)
}

/// The same with so many coded bytes, and a second tile-part with a comment, which ends with the codestream.
fn codestream_of(text: &[u8], coded: usize) -> Vec<u8> {
    let mut size = vec![0; 36];
    size.splice(34..36, [0, 1]);
    size.extend([7, 1, 1]);
    let comment = segment(0x64, &[&[0, 1], text].concat());
    let data = [comment.clone(), vec![0xFF, 0x93], vec![5; coded]].concat();
    let tile = segment(
        0x90,
        &[&[0, 0], u32::try_from(12 + data.len()).unwrap().to_be_bytes().as_slice(), &[0, 1]].concat(),
    );
    let last =
        [segment(0x90, &[0, 0, 0, 0, 0, 0, 1, 2]), comment.clone(), vec![0xFF, 0x93, 8, 0xFF, 0x7F]].concat();
    [vec![0xFF, 0x4F], segment(0x51, &size), comment, tile, data, last, vec![0xFF, 0xD9]].concat()
}

#[test]
fn comments_of_jpeg_2000_are_found_in_both_headers() {
    let frame = codestream(TEXT);
    assert!(!tells(&blanked(&frame, Compression::Jpeg2000)));
    assert_eq!(blanked(&frame, Compression::Jpeg2000), codestream(&[0; TEXT.len()]));
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

/// Boxes that decoders pass over or whose length they do not question.
#[test]
fn what_no_box_of_a_jp2_file_should_hold_holds_the_instance() {
    let good = jp2(1);
    let begins = |extra: &[u8]| [&jp2_box(b"jP  ", &[0x0D, 0x0A, 0x87, 0x0A])[..], extra].concat();
    let rest = |inner: &[u8]| [jp2_box(b"jp2h", inner), jp2_box(b"jp2c", &codestream(b""))].concat();
    assert!(walked(&good, Compression::Jpeg2000).is_ok());
    for frame in [
        begins(
            &[jp2_box(b"ftyp", &[b"jp2 \0\0\0\0", TEXT].concat()), rest(&jp2_box(b"uuid", &[9; 16]))]
                .concat(),
        ),
        begins(&[jp2_box(b"ftyp", b"jp2 \0\0\0\0jp2 "), rest(&jp2_box(b"xml ", TEXT))].concat()),
        begins(&[jp2_box(b"jP  ", TEXT), rest(&jp2_box(b"colr", &[1, 0, 0, 0, 0, 0, 17]))].concat()),
    ] {
        assert_eq!(walked(&frame, Compression::Jpeg2000), Err(SegmentError::Damaged));
    }
}

/// Segments of one length (T.81 B.2.4.4, B.2.5, B.3.3): decoders do not read what is behind.
#[test]
fn a_segment_that_is_longer_than_it_can_be_holds_the_instance() {
    for (code, whole) in [(0xDC, &[0, 3][..]), (0xDD, &[0, 8]), (0xDF, &[1])] {
        assert!(walked(&jpeg(&[segment(code, whole)]), Compression::JpegBaseline).is_ok());
        let longer = [whole, TEXT].concat();
        assert_eq!(
            walked(&jpeg(&[segment(code, &longer)]), Compression::JpegBaseline),
            Err(SegmentError::Damaged)
        );
    }
}

#[test]
fn boxes_of_a_jp2_file_are_found() {
    assert!(!tells(&blanked(&jp2(1), Compression::Jpeg2000)));
    assert!(!tells(&blanked(&[jp2(1), jp2_box(b"xml ", TEXT)].concat(), Compression::Jpeg2000)));
    assert!(!tells(&blanked(&[jp2(1), vec![0]].concat(), Compression::Jpeg2000)));
    assert_eq!(walked(&jp2(2), Compression::Jpeg2000), Err(SegmentError::ColourProfile));
}

#[test]
fn a_cut_off_codestream_is_refused() {
    let frame = codestream(TEXT);
    // The last tile-part has no length: where it ends cannot be told.
    for end in 0..frame.len() - 5 {
        let is_between = frame[..end].ends_with(&[5, 5, 5]);
        assert_eq!(walked(&frame[..end], Compression::Jpeg2000).is_err(), !is_between, "{end}");
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
            let found = walked(&case.frame, case.compression);
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
        let clean = blanked(&told, case.compression);
        assert!(!tells(&clean), "{}", case.name);
        let again = decode_frame(&clean, &description, case.compression);
        assert_eq!(again.as_ref().map(|frame| &frame.samples), Ok(&decoded.samples), "{}", case.name);
    }
}
