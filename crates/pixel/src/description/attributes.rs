//! The attributes as read, and the checks that make a [`Description`] of them.

use super::{Description, FrameLimit, Photometric};

/// Why the pixels cannot be described. The caller holds the instance if they would have to be masked or inspected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// A Type 1 attribute of the module is absent: hold the instance.
    #[error("{0} is absent, its pixels cannot be understood: hold the instance")]
    Absent(&'static str),
    /// A value outside what PS3.3 C.7.6.3 allows: hold the instance.
    #[error("{attribute} has a value that the Image Pixel module does not allow here: hold the instance")]
    NotAllowed {
        /// Keyword of the attribute.
        attribute: &'static str,
    },
    /// An interpretation that is retired or unknown: hold the instance.
    #[error("the Photometric Interpretation is retired or unknown: hold the instance")]
    UnknownPhotometric,
    /// One frame is bigger than allowed: hold the instance or raise the limit.
    #[error(
        "one frame would have {bytes} bytes, more than the limit of {limit}: hold the instance or raise the limit"
    )]
    FrameTooLarge {
        /// Bytes of the frame, uncompressed.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
}

/// The attributes of the Image Pixel module as they stand in a data set, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Rows (0028,0010).
    pub rows: Option<u16>,
    /// Columns (0028,0011).
    pub columns: Option<u16>,
    /// Samples per Pixel (0028,0002).
    pub samples_per_pixel: Option<u16>,
    /// Photometric Interpretation (0028,0004), padding allowed.
    pub photometric_interpretation: Option<String>,
    /// Planar Configuration (0028,0006).
    pub planar_configuration: Option<u16>,
    /// Bits Allocated (0028,0100).
    pub bits_allocated: Option<u16>,
    /// Bits Stored (0028,0101).
    pub bits_stored: Option<u16>,
    /// High Bit (0028,0102).
    pub high_bit: Option<u16>,
    /// Pixel Representation (0028,0103).
    pub pixel_representation: Option<u16>,
    /// Number of Frames (0028,0008).
    pub number_of_frames: Option<u32>,
    /// Pixel Padding Value (0028,0120), its 16 bits as they stand, whatever their VR.
    pub pixel_padding_value: Option<u16>,
    /// The transfer syntax is Explicit VR Big Endian and the VR of Pixel Data is OW: bytes lie swapped in words.
    pub big_endian_words: bool,
    /// The transfer syntax encapsulates the frames.
    pub encapsulated: bool,
}

impl Attributes {
    /// Checks everything and computes the size of a frame.
    ///
    /// # Errors
    /// [`DescriptionError`] names the first attribute that is absent or does not fit the others.
    pub fn check(&self, limit: FrameLimit) -> Result<Description, DescriptionError> {
        let rows = positive(self.rows, "Rows")?;
        let columns = positive(self.columns, "Columns")?;
        let photometric = self
            .photometric_interpretation
            .as_deref()
            .ok_or(DescriptionError::Absent("PhotometricInterpretation"))
            .and_then(|value| Photometric::from_value(value).ok_or(DescriptionError::UnknownPhotometric))?;
        let samples_per_pixel = self.samples_per_pixel.ok_or(DescriptionError::Absent("SamplesPerPixel"))?;
        allow(samples_per_pixel == photometric.samples(), "SamplesPerPixel")?;
        let by_plane = match self.planar_configuration {
            _ if samples_per_pixel == 1 => false,
            // Type 1C for colour; files without it mean colour by pixel.
            None | Some(0) => false,
            Some(1) => true,
            Some(_) => return Err(not_allowed("PlanarConfiguration")),
        };
        let subsampled = photometric == Photometric::YbrFull422 && !self.encapsulated;
        allow(!subsampled || (!by_plane && columns % 2 == 0), "PlanarConfiguration")?;
        let transformed = matches!(photometric, Photometric::YbrIct | Photometric::YbrRct);
        allow(!transformed || self.encapsulated, "PhotometricInterpretation")?;
        let (bits_allocated, bits_stored, high_bit) = self.bits()?;
        let signed = match self.pixel_representation.ok_or(DescriptionError::Absent("PixelRepresentation"))? {
            0 => false,
            1 => true,
            _ => return Err(not_allowed("PixelRepresentation")),
        };
        let frames = self.number_of_frames.unwrap_or(1);
        allow(frames > 0, "NumberOfFrames")?;
        let padding = self.pixel_padding_value.map(|bits| padding(bits, signed));
        let description = Description {
            rows,
            columns,
            samples_per_pixel,
            photometric,
            by_plane,
            bits_allocated,
            bits_stored,
            high_bit,
            signed,
            frames,
            padding,
            big_endian_words: self.big_endian_words && !self.encapsulated,
            subsampled,
        };
        // 2^16 rows × 2^16 columns × 3 samples × 64 bits is below 2^40: no overflow before this comparison.
        let bytes = description.frame_bytes();
        if bytes > limit.0 {
            return Err(DescriptionError::FrameTooLarge { bytes, limit: limit.0 });
        }
        Ok(description)
    }

    /// Bits Allocated, Bits Stored and High Bit, which have to fit each other.
    fn bits(&self) -> Result<(u16, u16, u16), DescriptionError> {
        let allocated = self.bits_allocated.ok_or(DescriptionError::Absent("BitsAllocated"))?;
        allow(matches!(allocated, 1 | 8 | 16 | 32 | 64), "BitsAllocated")?;
        let stored = self.bits_stored.ok_or(DescriptionError::Absent("BitsStored"))?;
        allow((1..=allocated).contains(&stored), "BitsStored")?;
        let high = self.high_bit.ok_or(DescriptionError::Absent("HighBit"))?;
        allow(high < allocated && high + 1 >= stored, "HighBit")?;
        Ok((allocated, stored, high))
    }
}

/// 16 bits read as Pixel Representation says.
fn padding(bits: u16, signed: bool) -> i64 {
    if signed { i64::from(bits.cast_signed()) } else { i64::from(bits) }
}

fn positive(value: Option<u16>, attribute: &'static str) -> Result<u16, DescriptionError> {
    let value = value.ok_or(DescriptionError::Absent(attribute))?;
    allow(value > 0, attribute)?;
    Ok(value)
}

fn allow(allowed: bool, attribute: &'static str) -> Result<(), DescriptionError> {
    if allowed { Ok(()) } else { Err(not_allowed(attribute)) }
}

fn not_allowed(attribute: &'static str) -> DescriptionError {
    DescriptionError::NotAllowed { attribute }
}
