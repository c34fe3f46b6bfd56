//! What a profile says about pixels: masks by equipment, and what is done about text that a recogniser finds.

use std::collections::BTreeSet;

use pixel::risk::{MODALITIES_AT_RISK, is_class_at_risk};
use pixel::{Mask, Polygon, Rectangle, Shape};
use serde::{Deserialize, Serialize};

use crate::survey::Survey;

/// The section `[pixels]` of a profile; it acts with the option Clean Pixel Data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PixelPolicy {
    /// Which recognised text counts.
    pub text: TextPolicy,
    /// What is done about it.
    pub found: FoundText,
    /// Modalities at risk when (0028,0301) Burned In Annotation is absent; those of `MODALITIES_AT_RISK` always are.
    pub risk_when_not_stated: BTreeSet<String>,
    /// Whether objects that are not at risk are inspected too.
    pub inspect_all: bool,
    /// Most frames that are looked at, spread over the object; 0: every frame, up to 2,000 and for 15 minutes of recognition.
    pub frames: u32,
    /// Masks by equipment and image; all that match are laid on.
    pub masks: Vec<PixelMask>,
}

impl Default for PixelPolicy {
    fn default() -> Self {
        Self {
            text: TextPolicy::Unknown,
            found: FoundText::Mask,
            risk_when_not_stated: ["CR", "DX", "IO", "MG", "PX", "RG"].map(str::to_owned).into(),
            inspect_all: false,
            frames: 0,
            masks: Vec::new(),
        }
    }
}

/// Which recognised text counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextPolicy {
    /// What resembles an identifier of the patient.
    Identity,
    /// All that is not known to be harmless; side marks and technical values stay.
    Unknown,
    /// Any text.
    Any,
}

/// What is done about text that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FoundText {
    /// Blackened, in all frames.
    Mask,
    /// The object waits for a person.
    Hold,
}

/// A mask for the images of some equipment. Empty conditions match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PixelMask {
    /// (0008,0070), exactly.
    pub manufacturers: BTreeSet<String>,
    /// (0008,1090), exactly.
    pub models: BTreeSet<String>,
    /// (0018,1020), one of its values exactly.
    pub software: BTreeSet<String>,
    /// (0008,1010), exactly.
    pub stations: BTreeSet<String>,
    /// (0008,0060).
    pub modalities: BTreeSet<String>,
    /// (0008,0016).
    pub sop_classes: BTreeSet<String>,
    /// Values that (0008,0008) must have, all of them.
    pub image_type: BTreeSet<String>,
    /// (0028,0010).
    pub rows: Option<u16>,
    /// (0028,0011).
    pub columns: Option<u16>,
    /// Everything outside of the Sequence of Ultrasound Regions (0018,6011); without regions the mask does not match.
    pub outside_ultrasound_regions: bool,
    /// Left, top, width, height in pixels.
    pub rectangles: Vec<[u32; 4]>,
    /// Corners, column and row.
    pub polygons: Vec<Vec<[u16; 2]>>,
}

/// Modalities whose own images are grey: what is in colour there was drawn.
const GREY_MODALITIES: [&str; 6] = ["CR", "CT", "DX", "MG", "MR", "PT"];

/// The masks of a profile, checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masks(Vec<(PixelMask, Vec<Shape>)>);

impl Masks {
    /// # Errors
    /// What is wrong with which mask, counted from 1.
    pub(crate) fn new(policy: &PixelPolicy) -> Result<Self, (usize, String)> {
        let masks = policy.masks.iter().enumerate().map(|(number, mask)| {
            let shapes = shapes(mask).map_err(|error| (number + 1, error))?;
            if shapes.is_empty() && !mask.outside_ultrasound_regions {
                return Err((
                    number + 1,
                    "no area: give rectangles, polygons or outside_ultrasound_regions".to_owned(),
                ));
            }
            Ok((mask.clone(), shapes))
        });
        masks.collect::<Result<_, _>>().map(Self)
    }

    /// Whether a mask may match, whatever the size of the image: it cannot be told where the pixels have no usable description.
    pub(crate) fn may_match(&self, sop_class: &str, survey: &Survey) -> bool {
        self.0.iter().any(|(mask, _)| matches(mask, sop_class, survey))
    }

    /// The union of the masks that match; `None` when none does.
    ///
    /// # Errors
    /// An area that cannot be laid on an image of this size, or lies outside of it.
    pub(crate) fn of(
        &self,
        sop_class: &str,
        survey: &Survey,
        rows: u16,
        columns: u16,
    ) -> Result<Option<Mask>, String> {
        let mut union: Option<Mask> = None;
        for (mask, shapes) in &self.0 {
            if !matches(mask, sop_class, survey) || !has_size(mask, rows, columns) {
                continue;
            }
            let mut areas = Vec::new();
            for shape in shapes {
                let area = Mask::inside(rows, columns, std::slice::from_ref(shape));
                if area.as_ref().is_ok_and(Mask::is_empty) {
                    return Err("an area of the rule lies outside of the image".to_owned());
                }
                areas.push(area);
            }
            if mask.outside_ultrasound_regions {
                let regions: Result<Vec<Shape>, _> = survey
                    .regions
                    .iter()
                    .map(|[left, top, right, bottom]| {
                        Rectangle::new(*left, *top, *right, *bottom).map(Shape::from)
                    })
                    .collect();
                areas.push(regions.and_then(|regions| Mask::outside(rows, columns, &regions)));
            }
            for area in areas {
                let area = area.map_err(|error| error.to_string())?;
                union = Some(match union {
                    Some(so_far) => so_far.union(&area).map_err(|error| error.to_string())?,
                    None => area,
                });
            }
        }
        Ok(union)
    }
}

fn shapes(mask: &PixelMask) -> Result<Vec<Shape>, String> {
    let rectangle = |[left, top, width, height]: &[u32; 4]| {
        let (right, bottom) = (left.checked_add(*width), top.checked_add(*height));
        match (right.and_then(|right| right.checked_sub(1)), bottom.and_then(|bottom| bottom.checked_sub(1)))
        {
            (Some(right), Some(bottom)) if *width > 0 && *height > 0 => {
                Rectangle::new(*left, *top, right, bottom).map(Shape::from).map_err(|error| error.to_string())
            }
            _ => Err("a rectangle is left, top, width, height, none of them without area".to_owned()),
        }
    };
    let polygon = |corners: &Vec<[u16; 2]>| {
        let corners = corners.iter().map(|[column, row]| (*column, *row)).collect();
        Polygon::new(corners).map(Shape::from).map_err(|error| error.to_string())
    };
    mask.rectangles.iter().map(rectangle).chain(mask.polygons.iter().map(polygon)).collect()
}

fn has_size(mask: &PixelMask, rows: u16, columns: u16) -> bool {
    mask.rows.is_none_or(|wanted| wanted == rows) && mask.columns.is_none_or(|wanted| wanted == columns)
}

/// Whether the equipment and the kind of image are those of the mask.
fn matches(mask: &PixelMask, sop_class: &str, survey: &Survey) -> bool {
    let is_one = |set: &BTreeSet<String>, values: &str| {
        set.is_empty() || values.split('\\').any(|value| set.contains(value.trim()))
    };
    let (manufacturer, model) = survey.equipment();
    is_one(&mask.manufacturers, manufacturer)
        && is_one(&mask.models, model)
        && is_one(&mask.software, survey.software())
        && is_one(&mask.stations, survey.station())
        && is_one(&mask.modalities, survey.modality())
        && is_one(&mask.sop_classes, sop_class)
        && mask
            .image_type
            .iter()
            .all(|wanted| survey.image_type().split('\\').any(|value| value.trim() == wanted))
        && (!mask.outside_ultrasound_regions || !survey.regions.is_empty())
}

impl PixelPolicy {
    /// Whether the pixels of an object may hold burned-in text (AC2.7).
    pub(crate) fn is_at_risk(&self, sop_class: &str, survey: &Survey) -> bool {
        let modality = survey.modality().to_ascii_uppercase();
        let stated = survey.burned_in_annotation();
        let is_screen = survey.image_type().to_ascii_uppercase().contains("SCREEN SAVE");
        let is_grey = GREY_MODALITIES.contains(&modality.as_str());
        is_class_at_risk(sop_class)
            || MODALITIES_AT_RISK.contains(&modality.as_str())
            || !matches!(stated, "NO" | "")
            || (stated.is_empty() && self.risk_when_not_stated.contains(&modality))
            || is_screen
            || !survey.conversion_type().is_empty()
            || (is_grey && survey.is_colour())
    }
}
