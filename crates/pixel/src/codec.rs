//! One encapsulated frame to native samples (PS3.5 8.2 and annex A.4), by decoders that are memory-safe.
//!
//! Sizes are compared with the [`Description`] before a decoder allocates. What cannot be decoded is an error, for which the caller
//! holds the instance; nothing is guessed. No decoder here is limited in time: call it off the runtime's threads.

mod form;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod rle;
mod samples;

pub use form::NativeForm;

use crate::description::{Description, FrameLimit};

/// Why a frame was not decoded. In every case: hold the instance if its pixels have to be masked or inspected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The transfer syntax or a feature of the codestream has no decoder here.
    #[error("no decoder for {0}: hold the instance")]
    NoDecoder(&'static str),
    /// The codestream says something else than the Image Pixel module.
    #[error("the codestream and the attributes differ in {0}: hold the instance")]
    Differs(&'static str),
    /// The codestream is damaged or cut off.
    #[error("the codestream is damaged ({0}): hold the instance")]
    Damaged(&'static str),
    /// The decoded frame would be bigger than allowed.
    #[error("the decoded frame would be larger than allowed: hold the instance")]
    TooLarge,
    /// The decoder failed inside; the instance is evidence of a defect in it.
    #[error("the decoder failed: hold the instance and report it")]
    DecoderFailed,
}

/// The compressions of the transfer syntaxes of PS3.6 annex A that hold images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// JPEG Baseline (Process 1), `1.2.840.10008.1.2.4.50`.
    JpegBaseline,
    /// JPEG Extended (Process 2 and 4), `…4.51`: decoded when its samples have 8 bits.
    JpegExtended,
    /// JPEG Lossless (Process 14), `…4.57` and `…4.70`.
    JpegLossless,
    /// JPEG-LS lossless, `…4.80`.
    JpegLs,
    /// JPEG-LS near-lossless, `…4.81`.
    JpegLsNearLossless,
    /// JPEG 2000, `…4.90` and `…4.91`.
    Jpeg2000,
    /// High-Throughput JPEG 2000, `…4.201` to `…4.203`: known, not decoded.
    HighThroughputJpeg2000,
    /// RLE Lossless, `1.2.840.10008.1.2.5`.
    Rle,
}

impl Compression {
    /// The compression of a transfer syntax; `None` for native ones, video and what is unknown here.
    pub fn of(transfer_syntax_uid: &str) -> Option<Self> {
        match transfer_syntax_uid.trim_end_matches(['\0', ' ']).strip_prefix("1.2.840.10008.1.2.")? {
            "4.50" => Some(Self::JpegBaseline),
            "4.51" => Some(Self::JpegExtended),
            "4.57" | "4.70" => Some(Self::JpegLossless),
            "4.80" => Some(Self::JpegLs),
            "4.81" => Some(Self::JpegLsNearLossless),
            "4.90" | "4.91" => Some(Self::Jpeg2000),
            "4.201" | "4.202" | "4.203" => Some(Self::HighThroughputJpeg2000),
            "5" => Some(Self::Rle),
            _ => None,
        }
    }

    /// The compression itself loses information, whatever its parameters.
    pub fn is_lossy(self) -> bool {
        matches!(self, Self::JpegBaseline | Self::JpegExtended | Self::JpegLsNearLossless)
    }
}

/// One frame of native samples.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodedFrame {
    /// What the samples mean now: little endian, colour by pixel, one frame. Bits Allocated, Bits Stored, High Bit and Pixel
    /// Representation are those of the source.
    pub description: Description,
    /// The samples, [`Description::frame_bytes`] long.
    pub samples: Vec<u8>,
}

impl std::fmt::Debug for DecodedFrame {
    // Pixels may show an identity.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DecodedFrame").field("description", &self.description).finish_non_exhaustive()
    }
}

/// Decodes one frame: the fragments of it joined, as the caller found them by the offset table.
///
/// # Errors
/// [`CodecError`]; for all of them the instance is held.
pub fn decode_frame(
    frame: &[u8],
    description: &Description,
    compression: Compression,
) -> Result<DecodedFrame, CodecError> {
    if description.frame_bytes() > FrameLimit::DECODED.0 {
        return Err(CodecError::TooLarge);
    }
    if description.bits_allocated() < 8 {
        return Err(CodecError::NoDecoder("single-bit samples"));
    }
    let decode = || match compression {
        Compression::JpegBaseline | Compression::JpegExtended => jpeg::decode_lossy(frame, description),
        Compression::JpegLossless => jpeg::decode_lossless(frame, description),
        Compression::JpegLs | Compression::JpegLsNearLossless => jpeg_ls::decode(frame, description),
        Compression::Jpeg2000 => jpeg2000::decode(frame, description),
        Compression::HighThroughputJpeg2000 => Err(CodecError::NoDecoder("High-Throughput JPEG 2000")),
        Compression::Rle => rle::decode(frame, description),
    };
    // The decoders of other crates index and assert on what a peer wrote. They are given nothing that outlives the call and
    // everything they made is dropped with it, so that a panic in them cannot leave broken state behind.
    let decoded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode));
    let decoded = decoded.map_err(|_| CodecError::DecoderFailed)??;
    if decoded.samples.len() as u64 != decoded.description.frame_bytes() {
        return Err(CodecError::Damaged("the frame is incomplete"));
    }
    Ok(decoded)
}
