//! JPEG-LS (ITU-T T.87): lossless and near-lossless, grey and colour, in the three interleaves.

mod bits;
mod context;
mod line;
mod parameters;

use super::samples::Cells;
use super::{CodecError, DecodedFrame};
use crate::description::{Description, Photometric};
use crate::segments::marker::{self, Segment};
use bits::BitReader;
use line::{Line, Scan};
use parameters::Parameters;

/// SOF55, the frame header.
const FRAME: u8 = 0xF7;
/// LSE, preset parameters.
const PRESETS: u8 = 0xF8;

/// What the frame header says (C.2.2).
#[derive(Clone, Copy)]
struct Frame {
    precision: u8,
    rows: u16,
    columns: u16,
    components: u8,
}

pub(super) fn decode(frame: &[u8], description: &Description) -> Result<DecodedFrame, CodecError> {
    let components = usize::from(description.samples_per_pixel());
    let pixels = usize::from(description.rows()) * usize::from(description.columns());
    let mut planes: Vec<Vec<u16>> = Vec::new();
    let mut precision = 0;
    let mut rest = frame;
    let (mut header, mut presets) = (None, None);
    // One scan holds all components, or each has its own.
    while planes.len() < components {
        let scan = read_scan_header(rest, &mut header, &mut presets, planes.is_empty())?;
        let header = header.ok_or(CodecError::Damaged("no JPEG-LS frame header"))?;
        check(header, description)?;
        precision = header.precision;
        let parameters = Parameters::new(precision, scan.near, presets)?;
        let coded = rest.get(scan.start..).unwrap_or_default();
        let mut reader = BitReader::new(coded);
        let decoded = decode_scan(&mut reader, &parameters, header, &scan, pixels)?;
        planes.extend(decoded);
        rest = coded.get(marker::end_of_scan(coded, marker::ends_jpeg_ls_scan)..).unwrap_or_default();
    }
    if planes.len() != components || planes.iter().any(|plane| plane.len() != pixels) {
        return Err(CodecError::Damaged("JPEG-LS scans"));
    }
    let mut cells = Cells::new(description, u32::from(precision))?;
    let mut samples: Vec<_> = planes.iter().map(|plane| plane.iter()).collect();
    for _ in 0..pixels {
        for plane in &mut samples {
            cells.push(i64::from(plane.next().copied().unwrap_or(0)));
        }
    }
    let photometric = match description.photometric() {
        Photometric::YbrFull422 => Photometric::YbrFull,
        other => other,
    };
    Ok(cells.finish(description, photometric))
}

fn check(frame: Frame, description: &Description) -> Result<(), CodecError> {
    if (frame.rows, frame.columns) != (description.rows(), description.columns()) {
        return Err(CodecError::Differs("size"));
    }
    if u16::from(frame.components) != description.samples_per_pixel() {
        return Err(CodecError::Differs("samples per pixel"));
    }
    if !(2..=16).contains(&frame.precision) {
        return Err(CodecError::Damaged("JPEG-LS precision"));
    }
    Ok(())
}

/// A scan header (C.2.3) and where its coded data start.
struct ScanHeader {
    components: usize,
    near: u8,
    by_sample: bool,
    start: usize,
}

/// Reads the segments up to the next scan.
fn read_scan_header(
    bytes: &[u8],
    frame: &mut Option<Frame>,
    presets: &mut Option<[u16; 5]>,
    first: bool,
) -> Result<ScanHeader, CodecError> {
    let damaged = CodecError::Damaged("JPEG-LS segments");
    let segments = if first { marker::segments(bytes) } else { marker::segments_between_scans(bytes) };
    for segment in segments {
        let Segment { code, payload, end, .. } = segment.map_err(|_| damaged.clone())?;
        match (code, payload) {
            (FRAME, &[precision, row1, row2, column1, column2, components, ..]) => {
                let (rows, columns) =
                    (u16::from_be_bytes([row1, row2]), u16::from_be_bytes([column1, column2]));
                *frame = Some(Frame { precision, rows, columns, components });
            }
            (PRESETS, &[1, ref values @ ..]) => {
                let (values, _) = values.as_chunks::<2>();
                let values: Vec<u16> = values.iter().map(|value| u16::from_be_bytes(*value)).collect();
                *presets = Some(values.try_into().map_err(|_| damaged.clone())?);
            }
            (PRESETS, _) => return Err(CodecError::NoDecoder("JPEG-LS mapping tables or wide images")),
            // The colour transforms that HP's encoder announces.
            (0xE8, [b'm', b'r', b'f', b'x', transform, ..]) if *transform != 0 => {
                return Err(CodecError::NoDecoder("JPEG-LS with a colour transform"));
            }
            (marker::DRI, payload) if payload.iter().any(|&byte| byte != 0) => {
                return Err(CodecError::NoDecoder("JPEG-LS with restart markers"));
            }
            (marker::SOS, &[components, ref rest @ ..]) => {
                let components = usize::from(components);
                let Some(&[near, interleave, transform]) = rest.get(components * 2..components * 2 + 3)
                else {
                    return Err(damaged);
                };
                if transform != 0 || interleave > 2 || (interleave == 0) != (components == 1) {
                    return Err(CodecError::NoDecoder("this interleave of JPEG-LS"));
                }
                return Ok(ScanHeader { components, near, by_sample: interleave == 2, start: end });
            }
            _ => {}
        }
    }
    Err(damaged)
}

/// One scan: a plane of samples for each of its components.
fn decode_scan(
    reader: &mut BitReader<'_>,
    parameters: &Parameters,
    frame: Frame,
    header: &ScanHeader,
    pixels: usize,
) -> Result<Vec<Vec<u16>>, CodecError> {
    if header.components > usize::from(frame.components) {
        return Err(CodecError::Damaged("JPEG-LS components"));
    }
    let columns = usize::from(frame.columns);
    let mut scan = Scan::new(parameters, header.components);
    let mut planes = vec![Vec::with_capacity(pixels); header.components];
    let mut above = vec![Line::new(columns); header.components];
    let mut current = above.clone();
    for _ in 0..frame.rows {
        for (line, above) in current.iter_mut().zip(&above) {
            line.start_below(above);
        }
        if header.by_sample {
            scan.decode_samples(reader, &mut current, &above)?;
        } else {
            for (component, (line, above)) in current.iter_mut().zip(&above).enumerate() {
                scan.decode_line(reader, component, line, above)?;
            }
        }
        for (line, plane) in current.iter_mut().zip(&mut planes) {
            line.close();
            plane.extend_from_slice(line.samples());
        }
        std::mem::swap(&mut current, &mut above);
    }
    Ok(planes)
}
