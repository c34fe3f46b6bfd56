//! Photometric Interpretation (PS3.3 C.7.6.3.1.2).

/// The interpretations whose samples this crate knows how to blacken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Photometric {
    /// `MONOCHROME1`: the lowest value is white.
    Monochrome1,
    /// `MONOCHROME2`: the lowest value is black.
    Monochrome2,
    /// `PALETTE COLOR`: a sample is an index into three lookup tables.
    PaletteColor,
    /// `RGB`.
    Rgb,
    /// `YBR_FULL`: luminance and two colour differences around the middle of the range.
    YbrFull,
    /// `YBR_FULL_422`: as `YBR_FULL`, colour differences for every second column.
    YbrFull422,
    /// `YBR_ICT`: JPEG 2000 irreversible colour transform; its decoder gives RGB.
    YbrIct,
    /// `YBR_RCT`: JPEG 2000 reversible colour transform; its decoder gives RGB.
    YbrRct,
}

impl Photometric {
    /// Reads the value of (0028,0004), padding ignored. `None` for retired and unknown ones.
    pub fn from_value(value: &str) -> Option<Self> {
        match value.trim_matches([' ', '\0']) {
            "MONOCHROME1" => Some(Self::Monochrome1),
            "MONOCHROME2" => Some(Self::Monochrome2),
            "PALETTE COLOR" => Some(Self::PaletteColor),
            "RGB" => Some(Self::Rgb),
            "YBR_FULL" => Some(Self::YbrFull),
            "YBR_FULL_422" => Some(Self::YbrFull422),
            "YBR_ICT" => Some(Self::YbrIct),
            "YBR_RCT" => Some(Self::YbrRct),
            _ => None,
        }
    }

    /// The value as written in (0028,0004), without padding.
    pub fn value(self) -> &'static str {
        match self {
            Self::Monochrome1 => "MONOCHROME1",
            Self::Monochrome2 => "MONOCHROME2",
            Self::PaletteColor => "PALETTE COLOR",
            Self::Rgb => "RGB",
            Self::YbrFull => "YBR_FULL",
            Self::YbrFull422 => "YBR_FULL_422",
            Self::YbrIct => "YBR_ICT",
            Self::YbrRct => "YBR_RCT",
        }
    }

    /// Samples per pixel that the interpretation requires.
    pub(crate) fn samples(self) -> u16 {
        match self {
            Self::Monochrome1 | Self::Monochrome2 | Self::PaletteColor => 1,
            _ => 3,
        }
    }
}
