//! What is done about the pixels of one object, decided before its first byte is written.

use std::io::{Read, Seek};

use dicom_core::VR;
use dicom_stream::{Limits, SourceError};
use pixel::recognise::{TIME_PER_OBJECT, TextRecogniser};
use pixel::{Compression, Description, Mask, NativeForm, NativeMasker};

use super::looking::{Looking, NotLooked};
use super::policy::FoundText;
use crate::deidentify::Object;
use crate::option::DeidentificationOption;
use crate::profile::CompiledProfile;
use crate::survey::Survey;
use crate::text_clean::TextCleaner;

/// Most frames of one object that are looked at when every frame is to be: each takes up to a second.
const FRAMES_MAX: u32 = 2_000;

/// What is to be done with the pixels of one object.
#[derive(Debug)]
pub enum Inspection {
    /// Nothing: there are none, or none at risk.
    Untouched,
    /// They are at risk and nobody looked at them: a project lets a person decide (AC2.7).
    NotInspected,
    /// They were inspected or are masked.
    Clean(Box<PixelPlan>),
    /// They must not leave without a person's decision: why.
    Held(String),
    /// A rule of the profile masks them, and its mask cannot be laid on: why. No decision stands for the mask.
    NotMasked(String),
}

/// Masks and what follows from them.
#[derive(Debug)]
pub struct PixelPlan {
    /// Blackens what has to go; `None` where nothing has.
    pub(crate) masker: Option<NativeMasker>,
    /// Compressed frames that a mask touches: how they are decoded, and the form in which they are written.
    pub(crate) decoded: Option<Decoded>,
    /// How many areas of text were found.
    pub(crate) texts: usize,
    /// Name of the recogniser that looked at the frames.
    pub(crate) recogniser: Option<String>,
}

/// Frames that are written natively.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) source: Description,
    pub(crate) compression: Compression,
    pub(crate) native: Description,
    pub(crate) form: NativeForm,
}

impl PixelPlan {
    /// Whether compressed frames are written natively: the transfer syntax becomes Explicit VR Little Endian.
    #[must_use]
    pub fn decodes(&self) -> bool {
        self.decoded.is_some()
    }
}

/// Reads the pixel data of one original as far as the profile asks for it.
///
/// # Errors
/// Any [`SourceError`]: the object cannot be read.
pub fn inspect<R: Read + Seek>(
    profile: &CompiledProfile,
    object: &Object<'_>,
    survey: &Survey,
    cleaner: &TextCleaner<'_>,
    recogniser: Option<&dyn TextRecogniser>,
    limits: Limits,
    input: R,
) -> Result<Inspection, SourceError> {
    let policy = &profile.profile.pixels;
    if !survey.has_pixel_data && !survey.has_float_pixel_data {
        return Ok(Inspection::Untouched);
    }
    let at_risk = policy.is_at_risk(object.sop_class, survey);
    if !profile.options().has(DeidentificationOption::CleanPixelData) {
        return Ok(if at_risk { Inspection::NotInspected } else { Inspection::Untouched });
    }
    let may_be_masked = profile.masks.may_match(object.sop_class, survey);
    let doubt = |why: String| match (may_be_masked, at_risk) {
        (true, _) => Inspection::NotMasked(why),
        (false, true) => Inspection::Held(why),
        (false, false) => Inspection::Untouched,
    };
    if survey.has_float_pixel_data {
        return Ok(doubt("pixel data of floating point numbers cannot be inspected".to_owned()));
    }
    let encapsulated = object.transfer_syntax.encapsulated;
    let description = match survey.pixels(object.transfer_syntax) {
        Ok(description) => description,
        Err(error) => return Ok(doubt(format!("pixel data: {error}"))),
    };
    let by_rule = match profile.masks.of(object.sop_class, survey, description.rows(), description.columns())
    {
        Ok(mask) => mask,
        Err(error) => return Ok(Inspection::NotMasked(error)),
    };
    let looks = recogniser.filter(|_| at_risk || policy.inspect_all);
    let is_masked = by_rule.is_some();
    if !is_masked && looks.is_none() {
        let why = "pixels at risk: no mask matches and there is no text recogniser".to_owned();
        return Ok(if at_risk { Inspection::Held(why) } else { Inspection::Untouched });
    }
    let no_frames = |why| if is_masked { Inspection::NotMasked(why) } else { Inspection::Held(why) };
    let empty = Mask::inside(description.rows(), description.columns(), &[]);
    let mask = match by_rule.map_or(empty, Ok) {
        Ok(mask) => mask,
        Err(error) => return Ok(no_frames(error.to_string())),
    };
    let mut looking = Looking {
        profile,
        cleaner,
        compression: encapsulated.then(|| Compression::of(object.transfer_syntax.uid)).flatten(),
        palette: survey.palette(),
        window: survey.window(),
        left: TIME_PER_OBJECT,
        native: None,
        description,
        mask,
        texts: 0,
        frame: 0,
    };
    if encapsulated && looking.compression.is_none() {
        return Ok(no_frames("pixel data of a transfer syntax that cannot be decoded".to_owned()));
    }
    if looks.is_some() && policy.frames == 0 && looking.description.frames() > FRAMES_MAX {
        let why = format!("more than {FRAMES_MAX} frames to inspect: set `frames` in the profile");
        return Ok(Inspection::Held(why));
    }
    // Without a recogniser one frame is read: it tells whether and how compressed frames can be written.
    match looking.frames(object, limits, looks, input)? {
        Err(NotLooked::Frames(why)) => return Ok(no_frames(why)),
        Err(NotLooked::Text(why)) => return Ok(Inspection::Held(why)),
        Ok(()) => {}
    }
    if looking.texts > 0 && policy.found == FoundText::Hold {
        return Ok(Inspection::Held(format!("text in the pixels, in {} places", looking.texts)));
    }
    Ok(looking.plan(looks.map(|looks| looks.name().to_owned())).unwrap_or_else(no_frames))
}

/// VR of native pixel data (PS3.5 A.2).
pub(crate) fn native_vr(bits_allocated: u16) -> VR {
    if bits_allocated > 8 { VR::OW } else { VR::OB }
}
