//! Where the pixels of an object lie (PS3.3 C.7.6.2, C.7.6.16.2): what RC-08 compares with the source.

use dicom_stream::text::decimal;
use dicom_stream::{Tag, VR};

use super::SurveyError;
use super::collect::innermost;
use crate::visit::Element;

/// Grid of an image: numbers in pixels and millimetres, in the patient's coordinate system.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Geometry {
    /// Rows (0028,0010).
    pub rows: u32,
    /// Columns (0028,0011).
    pub columns: u32,
    /// Image Orientation (Patient) (0020,0037), the first one.
    pub orientation: Option<[f64; 6]>,
    /// Pixel Spacing (0028,0030), the first one.
    pub spacing: Option<[f64; 2]>,
    /// Image Position (Patient) (0020,0032), of all frames.
    pub positions: Vec<[f64; 3]>,
    /// Whether orientation or spacing differ between frames: one comparison says nothing then.
    pub mixed: bool,
}

impl Geometry {
    /// Frames of one object whose position is looked at.
    pub const POSITIONS_MAX: usize = 100_000;

    /// Whether this grid lies on that of the sources, within `tolerance` (mm; for orientation, of a cosine): one of them has the same
    /// size, orientation and spacing, and each position is that of a source with the same.
    pub(crate) fn lies_on(&self, sources: &[&Self], tolerance: f64) -> bool {
        let same: Vec<&&Self> = sources.iter().filter(|source| self.is_parallel(source, tolerance)).collect();
        let has = |position: &[f64; 3]| {
            same.iter().flat_map(|source| &source.positions).any(|other| near(position, other, tolerance))
        };
        !self.mixed && !same.is_empty() && self.positions.iter().all(has)
    }

    fn is_parallel(&self, source: &Self, tolerance: f64) -> bool {
        let both = |mine: Option<&[f64]>, other: Option<&[f64]>| match (mine, other) {
            (Some(mine), Some(other)) => near(mine, other, tolerance),
            (None, _) => true,
            (Some(_), None) => false,
        };
        (self.rows, self.columns) == (source.rows, source.columns)
            && both(self.orientation.as_ref().map(|v| &v[..]), source.orientation.as_ref().map(|v| &v[..]))
            && both(self.spacing.as_ref().map(|v| &v[..]), source.spacing.as_ref().map(|v| &v[..]))
    }
}

fn near(mine: &[f64], other: &[f64], tolerance: f64) -> bool {
    mine.iter().zip(other).all(|(mine, other)| (mine - other).abs() <= tolerance)
}

#[derive(Default)]
pub(super) struct GeometryCollector {
    geometry: Geometry,
    too_many: bool,
}

const PLANE_POSITION: Tag = Tag(0x0020, 0x9113);
const PLANE_ORIENTATION: Tag = Tag(0x0020, 0x9116);
const PIXEL_MEASURES: Tag = Tag(0x0028, 0x9110);

impl GeometryCollector {
    pub(super) fn value(&mut self, element: &Element<'_>, value: &[u8]) {
        let at = |sequence| element.is_root() || innermost(element) == Some(sequence);
        let short = |value: &[u8]| {
            value.first_chunk::<2>().map_or(0, |bytes| u32::from(element.encoding.u16(*bytes)))
        };
        let geometry = &mut self.geometry;
        match element.tag {
            Tag(0x0028, 0x0010) if element.is_root() && element.vr == VR::US => geometry.rows = short(value),
            Tag(0x0028, 0x0011) if element.is_root() && element.vr == VR::US => {
                geometry.columns = short(value)
            }
            Tag(0x0020, 0x0037) if at(PLANE_ORIENTATION) => {
                geometry.mixed |= differs(&mut geometry.orientation, numbers(value));
            }
            Tag(0x0028, 0x0030) if at(PIXEL_MEASURES) => {
                geometry.mixed |= differs(&mut geometry.spacing, numbers(value));
            }
            Tag(0x0020, 0x0032) if at(PLANE_POSITION) => {
                self.too_many |= geometry.positions.len() >= Geometry::POSITIONS_MAX;
                geometry.positions.extend(numbers(value).filter(|_| !self.too_many));
            }
            _ => {}
        }
    }

    pub(super) fn finish(self) -> Result<Option<Geometry>, SurveyError> {
        if self.too_many {
            return Err(SurveyError::TooMany { what: "image positions", limit: Geometry::POSITIONS_MAX });
        }
        Ok((self.geometry.rows > 0).then_some(self.geometry))
    }
}

/// Keeps the first value; whether this one differs from it.
fn differs<const N: usize>(first: &mut Option<[f64; N]>, value: Option<[f64; N]>) -> bool {
    let Some(value) = value else { return false };
    *first.get_or_insert(value) != value
}

fn numbers<const N: usize>(field: &[u8]) -> Option<[f64; N]> {
    let numbers: Vec<f64> = field.split(|byte| *byte == b'\\').map(decimal).collect::<Option<_>>()?;
    numbers.try_into().ok()
}
