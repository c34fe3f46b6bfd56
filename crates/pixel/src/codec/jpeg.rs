//! JPEG (ITU-T T.81): Huffman sequential and progressive of 8 bits, lossless of up to 16.

use jpeg_decoder::{CodingProcess, ColorTransform, Decoder, Error, PixelFormat};

use super::samples::Cells;
use super::{CodecError, DecodedFrame};
use crate::description::{Description, Photometric};
use crate::segments::marker::{self, Segment};

pub(super) fn decode_lossy(frame: &[u8], description: &Description) -> Result<DecodedFrame, CodecError> {
    decode(frame, description, false)
}

pub(super) fn decode_lossless(frame: &[u8], description: &Description) -> Result<DecodedFrame, CodecError> {
    decode(frame, description, true)
}

fn decode(frame: &[u8], description: &Description, lossless: bool) -> Result<DecodedFrame, CodecError> {
    let header = Header::read(frame)?;
    if (header.rows, header.columns) != (description.rows(), description.columns()) {
        return Err(CodecError::Differs("size"));
    }
    if header.components != description.samples_per_pixel() {
        return Err(CodecError::Differs("samples per pixel"));
    }
    let mut decoder = Decoder::new(frame);
    // Two bytes for each sample inside the decoder, whatever it gives out.
    decoder.set_max_decoding_buffer_size(crate::FrameLimit::DECODED.0 as usize * 2);
    let coded = header.photometric(description.photometric(), lossless);
    // What lost nothing stays in the components' own colour space. What was coded with loss becomes RGB, by pixel: many IODs allow no other
    // colour in native pixel data (PS3.3 A.8.5.4, C.8.12.4.1.5), and a conversion of values that were rounded before takes nothing from them.
    let converts = coded == Photometric::YbrFull && !lossless;
    decoder.set_color_transform(match header.components {
        1 => ColorTransform::Grayscale,
        _ if converts => ColorTransform::YCbCr,
        _ => ColorTransform::RGB,
    });
    let samples = decoder.decode().map_err(|error| failure(&error))?;
    let info = decoder.info().ok_or(CodecError::Damaged("no frame header"))?;
    if (info.coding_process == CodingProcess::Lossless) != lossless {
        return Err(CodecError::Differs("the coding process of the transfer syntax"));
    }
    let mut cells = Cells::new(description, u32::from(header.precision))?;
    match info.pixel_format {
        PixelFormat::L8 | PixelFormat::RGB24 => {
            samples.iter().for_each(|&sample| cells.push(i64::from(sample)))
        }
        PixelFormat::L16 => {
            for sample in samples.as_chunks::<2>().0 {
                cells.push(i64::from(u16::from_ne_bytes(*sample)));
            }
        }
        PixelFormat::CMYK32 => return Err(CodecError::NoDecoder("four colours")),
    }
    Ok(cells.finish(description, if converts { Photometric::Rgb } else { coded }))
}

fn failure(error: &Error) -> CodecError {
    match error {
        Error::Unsupported(jpeg_decoder::UnsupportedFeature::SamplePrecision(_)) => {
            CodecError::NoDecoder("JPEG with more than 8 bits and loss")
        }
        Error::Unsupported(_) => CodecError::NoDecoder("a feature of this JPEG"),
        _ => CodecError::Damaged("JPEG"),
    }
}

/// What the segments before the first scan say.
struct Header {
    rows: u16,
    columns: u16,
    components: u16,
    precision: u8,
    /// The colour transform of the Adobe segment APP14.
    adobe: Option<u8>,
    jfif: bool,
}

impl Header {
    fn read(frame: &[u8]) -> Result<Self, CodecError> {
        let mut header = None;
        let (mut adobe, mut jfif) = (None, false);
        for segment in marker::segments(frame) {
            let Segment { code, payload, .. } = segment.map_err(|_| CodecError::Damaged("JPEG segments"))?;
            match (code, payload) {
                (marker::APP0, [b'J', b'F', b'I', b'F', 0, ..]) => jfif = true,
                (marker::APP14, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => {
                    adobe = Some(*transform);
                }
                (0xC0..=0xCF, [precision, row1, row2, column1, column2, components, ..])
                    if !matches!(code, 0xC4 | 0xC8 | 0xCC) =>
                {
                    header = Some(Self {
                        rows: u16::from_be_bytes([*row1, *row2]),
                        columns: u16::from_be_bytes([*column1, *column2]),
                        components: u16::from(*components),
                        precision: *precision,
                        adobe: None,
                        jfif: false,
                    });
                }
                _ => {}
            }
        }
        let header = header.ok_or(CodecError::Damaged("no frame header"))?;
        Ok(Self { adobe, jfif, ..header })
    }

    /// The colour space of the components. The codestream's own word (APP14, then JFIF) counts before the attribute, as common
    /// decoders have it; lossless coding transforms nothing.
    fn photometric(&self, declared: Photometric, lossless: bool) -> Photometric {
        let ybr = matches!(declared, Photometric::YbrFull | Photometric::YbrFull422);
        match (declared.samples(), self.adobe, self.jfif) {
            (1, ..) => declared,
            (_, Some(0), _) if !lossless => Photometric::Rgb,
            (_, Some(1), _) if !lossless => Photometric::YbrFull,
            (_, None, true) if !lossless => Photometric::YbrFull,
            _ if ybr => Photometric::YbrFull,
            _ => Photometric::Rgb,
        }
    }
}
