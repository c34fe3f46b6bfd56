//! Clean Recognizable Visual Features (PS3.15 E.3.2) by a program that the operator names: what it is asked and what is checked.

use std::path::Path;

/// Why a series was not defaced: hold it.
#[derive(Debug, thiserror::Error)]
pub enum DefacerError {
    /// The program could not be run, failed, or took too long: hold the series.
    #[error("the defacing program gave no result ({0}): hold the series")]
    Program(String),
    /// Instances are missing, were added or doubled: hold the series.
    #[error("the defacing program gave other instances than it was given: hold the series")]
    InstancesDiffer,
    /// Size, geometry, or the meaning of the samples changed: hold the series.
    #[error("the defacing program changed {0}: hold the series")]
    Changed(&'static str),
    /// No sample of the whole series is another one than before: it found no face. Hold the series.
    #[error("the defacing program changed no pixel of the series: hold the series")]
    NothingChanged,
    /// What it gave is no file, or no image that is read here: hold the series, and let it write native little endian.
    #[error("the defacing program gave {0}: hold the series")]
    Unusable(&'static str),
}

/// What has to be the same before and after, as the caller reads it from each instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceFacts {
    /// SOP Instance UID (0008,0018).
    pub sop_instance_uid: String,
    /// SOP Class UID (0008,0016).
    pub sop_class_uid: String,
    /// Rows, columns, samples per pixel, bits allocated, number of frames.
    pub size: [u32; 5],
    /// Pixel Spacing (0028,0030), Image Position (0020,0032), Image Orientation (0020,0037) and Frame of Reference UID (0020,0052),
    /// without padding, numbers in one form.
    pub geometry: [String; 4],
    /// What samples mean: Photometric Interpretation (0028,0004), Planar Configuration (0028,0006), Bits Stored (0028,0101), High Bit
    /// (0028,0102), Pixel Representation (0028,0103), Rescale Intercept (0028,1052) and Slope (0028,1053), in the same form.
    pub samples: [String; 7],
}

/// Removes faces from a series. Calls block.
pub trait Defacer: Send + Sync {
    /// Name and version, for De-identification Method (0012,0063) and reports.
    fn name(&self) -> &str;

    /// Reads the instances of one series from the files of `input` and writes them to the empty folder `output`, each with the SOP
    /// Instance UID it had. Both folders are private to the caller, who removes them.
    ///
    /// # Errors
    /// [`DefacerError`]: nothing in `output` may be used.
    fn deface(&self, input: &Path, output: &Path) -> Result<(), DefacerError>;
}

/// Compares the series before and after, in any order. Only when it is `Ok` may (0028,0302) be written.
///
/// # Errors
/// [`DefacerError::InstancesDiffer`], [`DefacerError::Changed`].
pub fn check(before: &[InstanceFacts], after: &[InstanceFacts]) -> Result<(), DefacerError> {
    let sorted = |facts: &[InstanceFacts]| {
        let mut facts = facts.to_vec();
        facts.sort_by(|a, b| a.sop_instance_uid.cmp(&b.sop_instance_uid));
        facts
    };
    let (before, after) = (sorted(before), sorted(after));
    let same_uids = before
        .iter()
        .map(|facts| &facts.sop_instance_uid)
        .eq(after.iter().map(|facts| &facts.sop_instance_uid));
    if before.is_empty() || !same_uids {
        return Err(DefacerError::InstancesDiffer);
    }
    for (before, after) in before.iter().zip(&after) {
        if before.sop_class_uid != after.sop_class_uid {
            return Err(DefacerError::Changed("the SOP class"));
        }
        if before.size != after.size {
            return Err(DefacerError::Changed("the size of an image"));
        }
        if before.geometry != after.geometry {
            return Err(DefacerError::Changed("the geometry of an image"));
        }
        if before.samples != after.samples {
            return Err(DefacerError::Changed("the meaning of the samples"));
        }
    }
    Ok(())
}
