//! Compressed frames and colour profiles: no panic of ours; texts are blanked inside the frame, and blanking twice changes nothing more.
//!
//! Input: compression, rows, columns, samples and bits, then a frame or a profile.
#![no_main]

use fuzz::panics::let_decoders_unwind;
use libfuzzer_sys::fuzz_target;
use pixel::icc::without_texts;
use pixel::segments::{FrameTexts, SegmentError};
use pixel::{Attributes, Compression, FrameLimit, decode_frame};

const COMPRESSIONS: [Compression; 7] = [
    Compression::JpegBaseline,
    Compression::JpegExtended,
    Compression::JpegLossless,
    Compression::JpegLs,
    Compression::JpegLsNearLossless,
    Compression::Jpeg2000,
    Compression::Rle,
];

fuzz_target!(|data: &[u8]| {
    let_decoders_unwind();
    let [choice, rows, columns, form, frame @ ..] = data else { return };
    let compression = COMPRESSIONS[usize::from(*choice) % COMPRESSIONS.len()];
    profile(frame);
    if let Ok(clean) = blanked(frame, compression, 4096) {
        assert_eq!(blanked(frame, compression, 1).as_ref(), Ok(&clean));
        assert_eq!(blanked(&clean, compression, 4096).as_ref(), Ok(&clean));
    }
    let (samples, bits) = (if form & 1 == 0 { 1 } else { 3 }, if form & 2 == 0 { 8 } else { 16 });
    let photometric =
        ["MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR"][usize::from(form >> 4) % 5];
    let attributes = Attributes {
        rows: Some(u16::from(*rows)),
        columns: Some(u16::from(*columns)),
        samples_per_pixel: Some(samples),
        photometric_interpretation: Some(photometric.to_owned()),
        planar_configuration: Some(u16::from(form >> 2 & 1)),
        bits_allocated: Some(bits),
        bits_stored: Some(if form & 8 == 0 { bits } else { bits - 4 }),
        high_bit: Some(if form & 8 == 0 { bits - 1 } else { bits - 5 }),
        pixel_representation: Some(0),
        encapsulated: true,
        ..Attributes::default()
    };
    let Ok(description) = attributes.check(FrameLimit::DECODED) else { return };
    let decoded = decode_frame(frame, &description, compression);
    assert_eq!(decode_frame(frame, &description, compression), decoded);
    if let Ok(decoded) = decoded {
        assert_eq!(decoded.samples.len() as u64, decoded.description.frame_bytes());
        assert_eq!(
            (decoded.description.rows(), decoded.description.columns()),
            (description.rows(), description.columns())
        );
    }
});

/// The frame in one fragment, given in pieces of this size.
fn blanked(frame: &[u8], compression: Compression, size: usize) -> Result<Vec<u8>, SegmentError> {
    let mut frame = frame.to_vec();
    let mut texts = FrameTexts::new(compression).of_pixels(Some((64, 1)));
    texts.begin_fragment(frame.get(..FrameTexts::START).unwrap_or(&frame))?;
    frame.chunks_mut(size).try_for_each(|piece| texts.blank(piece))?;
    texts.finish().map(|_| frame)
}

fn profile(bytes: &[u8]) {
    let Ok(clean) = without_texts(bytes) else { return };
    assert_eq!(clean.len(), bytes.len());
    assert_eq!(without_texts(&clean).as_ref(), Ok(&clean));
}
