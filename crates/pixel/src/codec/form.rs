//! What has to be written when decoded frames replace encapsulated ones.

use super::Compression;
use crate::description::Description;

/// The attributes that change when an instance is written with native frames (Explicit VR Little Endian). Everything else of the
/// module stays: Rows to Pixel Representation, palettes, and the lossy history (0028,2110) to (0028,2114), which tells of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeForm {
    /// Photometric Interpretation (0028,0004).
    pub photometric_interpretation: &'static str,
    /// Planar Configuration (0028,0006): present for colour only.
    pub planar_configuration: Option<u16>,
    /// Lossy Image Compression (0028,2110) has to be `01`, even where the source forgot it (PS3.3 C.7.6.1.1.5).
    pub lossy: bool,
}

impl NativeForm {
    /// The form for frames that were decoded from `compression`. All frames of an instance have to give the same one.
    pub fn of(decoded: &Description, compression: Compression) -> Self {
        Self {
            photometric_interpretation: decoded.photometric().value(),
            planar_configuration: (decoded.samples_per_pixel() > 1).then_some(0),
            lossy: compression.is_lossy(),
        }
    }
}
