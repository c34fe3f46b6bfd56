//! The image that a recogniser is given.

/// Why there is no image to inspect: hold the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Width times height above the limit: hold the instance.
    #[error("the image has more than {max} pixels, too many to inspect: hold the instance", max = GreyImage::MAX_PIXELS)]
    TooLarge,
    /// No pixels at all, or fewer than width times height.
    #[error("the image has fewer pixels than its size says: hold the instance")]
    TooShort,
}

/// An image of 8-bit grey, 0 is black, row after row.
#[derive(Clone, PartialEq, Eq)]
pub struct GreyImage {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl std::fmt::Debug for GreyImage {
    // Pixels may show an identity.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "GreyImage({} × {})", self.width, self.height)
    }
}

impl GreyImage {
    /// The most pixels of one image.
    pub const MAX_PIXELS: u64 = 1 << 26;

    /// An image of `width` × `height` pixels.
    ///
    /// # Errors
    /// [`ImageError`] when the size is nought or too large, or is not that of `pixels`.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, ImageError> {
        Self::check(width, height)?;
        if pixels.len() as u64 != u64::from(width) * u64::from(height) {
            return Err(ImageError::TooShort);
        }
        Ok(Self { width, height, pixels })
    }

    /// Whether an image of this size would be accepted.
    pub(crate) fn check(width: u32, height: u32) -> Result<(), ImageError> {
        match u64::from(width) * u64::from(height) {
            0 => Err(ImageError::TooShort),
            pixels if pixels > Self::MAX_PIXELS => Err(ImageError::TooLarge),
            _ => Ok(()),
        }
    }

    /// Columns.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All pixels, row after row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The image turned clockwise by a quarter.
    #[must_use]
    pub fn turned(&self) -> Self {
        let rows: Vec<&[u8]> = self.rows().collect();
        let columns = 0..self.width as usize;
        let pixels =
            columns.flat_map(|column| rows.iter().rev().filter_map(move |row| row.get(column)).copied());
        Self { width: self.height, height: self.width, pixels: pixels.collect() }
    }

    /// The rows, from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.width as usize)
    }
}
