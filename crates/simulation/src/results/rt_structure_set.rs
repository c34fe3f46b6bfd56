//! RT Structure Set IOD (PS3.3 §A.19, C.8.8.5, C.8.8.6): one region of interest, one square contour on the first slice.

use dicom_dictionary_std::{tags, uids};

use super::job::{Cited, Job, image_reference};
use crate::data_set::DataSet;
use crate::object::Object;

/// Detached Study Management, retired: what RT Referenced Study Sequence names a study by.
const STUDY_CLASS: &str = "1.2.840.10008.3.1.2.3.1";

/// A structure set; none if the study has no volume.
pub(super) fn make(job: &Job<'_>) -> Option<DataSet> {
    let volume = job.volume();
    let first = volume.first()?;
    let frame_of_reference = first.attributes.text(tags::FRAME_OF_REFERENCE_UID);
    let (date, time) = job.now();
    let region = DataSet::default()
        .put(tags::ROI_NUMBER, "1")
        .put(tags::REFERENCED_FRAME_OF_REFERENCE_UID, &*frame_of_reference)
        .put(tags::ROI_NAME, "Lung")
        .put(tags::ROI_GENERATION_ALGORITHM, "AUTOMATIC");
    let contours = DataSet::default()
        .put(tags::ROI_DISPLAY_COLOR, "255\\0\\0")
        .items(tags::CONTOUR_SEQUENCE, [contour(first)])
        .put(tags::REFERENCED_ROI_NUMBER, "1");
    let observation = DataSet::default()
        .put(tags::OBSERVATION_NUMBER, "1")
        .put(tags::REFERENCED_ROI_NUMBER, "1")
        .put(tags::RTROI_INTERPRETED_TYPE, "ORGAN")
        .put(tags::ROI_INTERPRETER, "");
    let set = job
        .object("structure set", uids::RT_STRUCTURE_SET_STORAGE, "RTSTRUCT", "9003")
        .put(tags::FRAME_OF_REFERENCE_UID, &*frame_of_reference)
        .put(tags::POSITION_REFERENCE_INDICATOR, "")
        .put(tags::OPERATORS_NAME, "")
        .put(tags::STRUCTURE_SET_LABEL, "Simulated")
        .put(tags::STRUCTURE_SET_DATE, date)
        .put(tags::STRUCTURE_SET_TIME, time)
        .items(
            tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
            [frame_of_reference_item(&frame_of_reference, first, &volume)],
        )
        .items(tags::STRUCTURE_SET_ROI_SEQUENCE, [region])
        .items(tags::ROI_CONTOUR_SEQUENCE, [contours])
        .items(tags::RTROI_OBSERVATIONS_SEQUENCE, [observation])
        .put(tags::APPROVAL_STATUS, "UNAPPROVED");
    Some(set)
}

fn frame_of_reference_item(uid: &str, first: &Object, volume: &[&Object]) -> DataSet {
    let series = DataSet::default()
        .put(tags::SERIES_INSTANCE_UID, &*first.series)
        .items(tags::CONTOUR_IMAGE_SEQUENCE, volume.iter().map(|slice| image_reference(slice)));
    let study = DataSet::default()
        .put(tags::REFERENCED_SOP_CLASS_UID, STUDY_CLASS)
        .put(tags::REFERENCED_SOP_INSTANCE_UID, Cited::of(&first.attributes).study)
        .items(tags::RT_REFERENCED_SERIES_SEQUENCE, [series]);
    DataSet::default()
        .put(tags::FRAME_OF_REFERENCE_UID, uid)
        .items(tags::RT_REFERENCED_STUDY_SEQUENCE, [study])
}

fn contour(slice: &Object) -> DataSet {
    let position = slice.attributes.text(tags::IMAGE_POSITION_PATIENT);
    let mut position = position.split('\\').map(|number| number.trim().parse().unwrap_or(0.0_f64));
    let (x, y, z) =
        (position.next().unwrap_or(0.0), position.next().unwrap_or(0.0), position.next().unwrap_or(0.0));
    let corners = [(16.0, 16.0), (48.0, 16.0), (48.0, 48.0), (16.0, 48.0)];
    let points: Vec<String> =
        corners.iter().map(|(right, down)| format!("{}\\{}\\{z}", x + right, y + down)).collect();
    DataSet::default()
        .items(tags::CONTOUR_IMAGE_SEQUENCE, [image_reference(slice)])
        .put(tags::CONTOUR_GEOMETRIC_TYPE, "CLOSED_PLANAR")
        .put(tags::NUMBER_OF_CONTOUR_POINTS, points.len().to_string())
        .put(tags::CONTOUR_DATA, points.join("\\"))
}
