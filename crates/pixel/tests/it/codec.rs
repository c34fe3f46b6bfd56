//! Decoded samples against other decoders: pydicom with Pillow and CharLS, GDCM, DCMTK's originals (`decoded_by_others.py`).
//!
//! `RESEARCH_PACS_PYDICOM_FILES` names the `data` folder of a pydicom that is installed in an environment with pyjpegls; DCMTK and GDCM
//! are on the path. `make test` sets it. Without it these tests say that they were skipped.

use std::path::PathBuf;
use std::process::Command;

use pixel::{Attributes, CodecError, Compression, FrameLimit, Photometric, decode_frame};

/// Frames that are not decoded, and why.
const NOT_DECODED: &[(&str, CodecError)] = &[
    ("JPGExtended.dcm", CodecError::NoDecoder("JPEG with more than 8 bits and loss")),
    // A sequence delimiter was written over its size on purpose; pydicom and GDCM refuse it too.
    ("JPEG2000-embedded-sequence-delimiter.dcm", CodecError::Differs("size")),
    ("JPEG-lossy.dcm", CodecError::NoDecoder("JPEG with more than 8 bits and loss")),
];

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) compression: Compression,
    pub(crate) attributes: Attributes,
    pub(crate) frame: Vec<u8>,
    /// Colour by pixel, as RGB; empty when no other decoder reads the frame.
    pub(crate) expected: Vec<u8>,
}

pub(crate) fn cases() -> Option<Vec<Case>> {
    let folder = PathBuf::from(std::env::var_os("RESEARCH_PACS_PYDICOM_FILES")?);
    // data, pydicom, site-packages, python3.x, lib, environment
    let python = folder.ancestors().nth(5).unwrap().join("bin/python");
    let work = tempfile::tempdir().unwrap();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/decoded_by_others.py");
    let output =
        Command::new(python).arg(script).arg(folder.join("test_files")).arg(work.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut rest = output.stdout.as_slice();
    let mut cases = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap();
        let fields: Vec<&str> = std::str::from_utf8(&rest[..end]).unwrap().split('|').collect();
        let number = |index: usize| fields[index].parse::<u16>().ok();
        let (frame, expected): (usize, usize) = (fields[11].parse().unwrap(), fields[12].parse().unwrap());
        let (body, next) = rest[end + 1..].split_at(frame + expected);
        cases.push(Case {
            name: fields[0].into(),
            compression: Compression::of(fields[1]).unwrap(),
            attributes: Attributes {
                rows: number(2),
                columns: number(3),
                samples_per_pixel: number(4),
                photometric_interpretation: Some(fields[5].into()),
                planar_configuration: number(6),
                bits_allocated: number(7),
                bits_stored: number(8),
                high_bit: number(9),
                pixel_representation: number(10),
                encapsulated: true,
                ..Attributes::default()
            },
            frame: body[..frame].to_vec(),
            expected: body[frame..].to_vec(),
        });
        rest = next;
    }
    Some(cases)
}

/// PS3.3 C.7.6.3.1.2, 8 bits.
fn to_rgb(samples: &[u8]) -> Vec<u8> {
    let convert = |pixel: &[u8; 3]| {
        let [y, cb, cr] = pixel.map(f64::from);
        let (cb, cr) = (cb - 128.0, cr - 128.0);
        [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
            .map(|value| value.round().clamp(0.0, 255.0) as u8)
    };
    samples.as_chunks::<3>().0.iter().flat_map(convert).collect()
}

/// The samples as numbers.
fn values(bytes: &[u8], allocated: u16, signed: bool) -> Vec<i64> {
    match (allocated, signed) {
        (8, false) => bytes.iter().map(|&byte| i64::from(byte)).collect(),
        (16, false) => {
            bytes.as_chunks::<2>().0.iter().map(|&value| i64::from(u16::from_le_bytes(value))).collect()
        }
        (16, true) => {
            bytes.as_chunks::<2>().0.iter().map(|&value| i64::from(i16::from_le_bytes(value))).collect()
        }
        (32, false) => {
            bytes.as_chunks::<4>().0.iter().map(|&value| i64::from(u32::from_le_bytes(value))).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Greatest and mean difference of the samples.
fn difference(case: &Case, decoded: &[u8]) -> (i64, f64) {
    let (allocated, signed) =
        (case.attributes.bits_allocated.unwrap(), case.attributes.pixel_representation == Some(1));
    let (ours, theirs) = (values(decoded, allocated, signed), values(&case.expected, allocated, signed));
    assert_eq!(ours.len(), theirs.len(), "{}", case.name);
    let differences: Vec<i64> =
        ours.iter().zip(&theirs).map(|(ours, theirs)| (ours - theirs).abs()).collect();
    (
        differences.iter().copied().max().unwrap(),
        differences.iter().sum::<i64>() as f64 / differences.len() as f64,
    )
}

/// What may differ: decoders of lossy codestreams round in their own way, and smooth subsampled colour in their own way.
fn tolerated(case: &Case) -> (i64, f64) {
    match case.compression {
        Compression::JpegBaseline | Compression::JpegExtended
            if case.attributes.samples_per_pixel == Some(3) =>
        {
            (64, 1.5)
        }
        Compression::JpegBaseline | Compression::JpegExtended => (2, 0.5),
        Compression::Jpeg2000 if case.name.contains("693_J2KI") || case.name.contains("KY") => (1, 0.5),
        Compression::Jpeg2000 if case.name == "JPEG2000.dcm" => (1, 0.5),
        _ => (0, 0.0),
    }
}

#[test]
fn samples_are_those_of_other_decoders() {
    let Some(cases) = cases() else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    let mut wrong = Vec::new();
    let mut compared = 0;
    for case in &cases {
        let description = case.attributes.check(FrameLimit::DECODED).unwrap();
        let listed = NOT_DECODED.iter().find(|(name, _)| *name == case.name);
        let decoded = match (decode_frame(&case.frame, &description, case.compression), listed) {
            (Ok(decoded), None) => decoded,
            (Err(error), Some((_, expected))) if error == *expected => continue,
            (result, _) => {
                wrong.push(format!("{}: {:?}", case.name, result.err()));
                continue;
            }
        };
        // IODs allow RGB alone for native colour (PS3.3 A.8.5.4, C.8.12.4.1.5); what lost nothing is not converted.
        if case.compression.is_lossy() && case.attributes.samples_per_pixel == Some(3) {
            assert_eq!(decoded.description.photometric(), Photometric::Rgb, "{}", case.name);
        }
        let rgb = match decoded.description.photometric() {
            Photometric::YbrFull => to_rgb(&decoded.samples),
            _ => decoded.samples,
        };
        if case.expected.is_empty() {
            wrong.push(format!("{}: decoded here, by nobody else", case.name));
            continue;
        }
        compared += 1;
        let (greatest, mean) = difference(case, &rgb);
        let (most, most_mean) = tolerated(case);
        if greatest > most || mean > most_mean {
            wrong.push(format!("{}: differs by up to {greatest}, {mean:.3} on average", case.name));
        }
    }
    eprintln!("{compared} frames of {} compared", cases.len());
    assert!(compared >= 80, "only {compared} frames compared");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn damaged_frames_are_errors_and_never_end_the_process() {
    let Some(cases) = cases() else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    let mut seed = 1_u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize
    };
    for case in cases.iter().filter(|case| case.expected.len() < 100_000) {
        let description = case.attributes.check(FrameLimit::DECODED).unwrap();
        for round in 0..20 {
            let mut frame = case.frame.clone();
            if round % 2 == 0 {
                frame.truncate(random() % frame.len());
            }
            for _ in 0..round / 2 {
                if let Some(byte) = {
                    let at = random() % frame.len().max(1);
                    frame.get_mut(at)
                } {
                    *byte = random() as u8;
                }
            }
            // Damage inside the coded data of a lossy frame cannot always be seen; what is given is complete.
            if let Ok(decoded) = decode_frame(&frame, &description, case.compression) {
                assert_eq!(decoded.samples.len() as u64, decoded.description.frame_bytes(), "{}", case.name);
            }
        }
    }
}

#[test]
fn a_codestream_of_another_size_is_refused() {
    let Some(cases) = cases() else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    for case in cases.iter().filter(|case| !case.expected.is_empty() && case.compression != Compression::Rle)
    {
        let larger =
            Attributes { rows: case.attributes.rows.map(|rows| rows + 1), ..case.attributes.clone() };
        let description = larger.check(FrameLimit::DECODED).unwrap();
        let error = decode_frame(&case.frame, &description, case.compression).unwrap_err();
        assert_eq!(error, CodecError::Differs("size"), "{}", case.name);
    }
}

#[test]
fn run_lengths_follow_annex_g() {
    // One segment at 64: a literal of three bytes, a no-op, 9 four times (257 - 253).
    let mut frame = vec![0; 64];
    frame[0] = 1;
    frame[4] = 64;
    frame.extend([2, 1, 2, 3, 128, 253, 9]);
    let description = super::grey(1, 7, 8, 8).check(FrameLimit::DECODED).unwrap();
    let decoded = decode_frame(&frame, &description, Compression::Rle).unwrap();
    assert_eq!(decoded.samples, [1, 2, 3, 9, 9, 9, 9]);
    // Two segments: high bytes, low bytes.
    let mut frame = vec![0; 64];
    (frame[0], frame[4], frame[8]) = (2, 64, 66);
    frame.extend([0, 0x12, 0, 0x34]);
    let description = super::grey(1, 1, 16, 16).check(FrameLimit::DECODED).unwrap();
    assert_eq!(decode_frame(&frame, &description, Compression::Rle).unwrap().samples, [0x34, 0x12]);
}

#[test]
fn what_has_no_decoder_says_so() {
    let description = super::grey(4, 4, 8, 8).check(FrameLimit::DECODED).unwrap();
    let error =
        decode_frame(&[], &description, Compression::of("1.2.840.10008.1.2.4.201").unwrap()).unwrap_err();
    assert_eq!(error, CodecError::NoDecoder("High-Throughput JPEG 2000"));
    assert_eq!(Compression::of("1.2.840.10008.1.2.1"), None);
    assert_eq!(Compression::of("1.2.840.10008.1.2.4.102"), None);
}
