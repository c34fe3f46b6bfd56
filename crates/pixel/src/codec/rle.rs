//! RLE Lossless (PS3.5 annex G).

use super::{CodecError, DecodedFrame};
use crate::description::Description;

/// Bytes of the header: the number of segments and 15 offsets.
const HEADER: usize = 64;

pub(super) fn decode(frame: &[u8], description: &Description) -> Result<DecodedFrame, CodecError> {
    let header = |index: usize| {
        let bytes = frame.get(index * 4..index * 4 + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        bytes.map(u32::from_le_bytes).ok_or(CodecError::Damaged("RLE header"))
    };
    let cell = description.sample_bytes();
    let segments = cell * usize::from(description.samples_per_pixel());
    if header(0)? as usize != segments || segments > 15 {
        return Err(CodecError::Differs("RLE segments"));
    }
    let pixels = usize::from(description.rows()) * usize::from(description.columns());
    let mut samples = vec![0; pixels * segments];
    for segment in 0..segments {
        let start = header(1 + segment)? as usize;
        let end = if segment + 1 < segments { header(2 + segment)? as usize } else { frame.len() };
        if start < HEADER {
            return Err(CodecError::Damaged("RLE offset"));
        }
        let coded = frame.get(start..end).ok_or(CodecError::Damaged("RLE offset"))?;
        // The segments of a sample come with the most significant byte first.
        let place = segment / cell * cell + (cell - 1 - segment % cell);
        let filled = unpack(coded, samples.iter_mut().skip(place).step_by(segments));
        if filled != pixels {
            return Err(CodecError::Damaged("RLE segment ends early"));
        }
    }
    let photometric = description.photometric();
    Ok(DecodedFrame { description: description.decoded(photometric), samples })
}

/// Unpacks until the target is full or the segment ends (G.3.2); the number of bytes written.
fn unpack<'a>(coded: &[u8], mut target: impl Iterator<Item = &'a mut u8>) -> usize {
    let mut coded = coded.iter().copied();
    let mut written = 0;
    while let Some(control) = coded.next() {
        let count = match control {
            0..=127 => usize::from(control) + 1,
            128 => continue,
            129..=255 => 257 - usize::from(control),
        };
        let repeated = if control > 128 { coded.next() } else { None };
        for _ in 0..count {
            let Some(value) = (if control > 128 { repeated } else { coded.next() }) else { return written };
            let Some(sample) = target.next() else { return written };
            *sample = value;
            written += 1;
        }
    }
    written
}
