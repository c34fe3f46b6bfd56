//! One study at the partner, and what all its results have in common.

use std::sync::Arc;

use chrono::DateTime;
use dicom_dictionary_std::tags;
use dicom_stream::Tag;

use super::{Request, SYNTAX};
use crate::data_set::{Code, DataSet};
use crate::error::SimulationError;
use crate::object::Object;
use crate::seed::Seed;

/// Largest rows and columns of a source that is segmented.
const SIDE_MAX: u16 = 4096;

/// The study that is processed.
pub(super) struct Job<'a> {
    /// Its images in the order of their numbers; at least one.
    pub(super) images: Vec<&'a Object>,
    first: &'a Object,
    seed: Seed,
    date: String,
    time: String,
}

/// An instance that a result refers to.
#[derive(Debug, Clone)]
pub(super) struct Cited {
    pub(super) study: String,
    pub(super) series: String,
    pub(super) sop_class: String,
    pub(super) sop_instance: String,
}

impl Cited {
    pub(super) fn of(set: &DataSet) -> Self {
        Self {
            study: set.text(tags::STUDY_INSTANCE_UID),
            series: set.text(tags::SERIES_INSTANCE_UID),
            sop_class: set.text(tags::SOP_CLASS_UID),
            sop_instance: set.text(tags::SOP_INSTANCE_UID),
        }
    }

    /// Referenced SOP Class and Instance UID.
    pub(super) fn item(&self) -> DataSet {
        DataSet::default()
            .put(tags::REFERENCED_SOP_CLASS_UID, &*self.sop_class)
            .put(tags::REFERENCED_SOP_INSTANCE_UID, &*self.sop_instance)
    }
}

impl<'a> Job<'a> {
    pub(super) fn new(request: &Request<'a>) -> Result<Self, SimulationError> {
        let is_image = |object: &&Arc<Object>| object.attributes.number(tags::ROWS).is_some();
        let mut images: Vec<&Object> =
            request.source.iter().filter(is_image).map(|object| &**object).collect();
        images.sort_by_key(|image| image.attributes.text(tags::INSTANCE_NUMBER).parse::<u32>().unwrap_or(0));
        let first = *images.first().ok_or(SimulationError::UnknownStudy)?;
        let moment = DateTime::from_timestamp_millis(request.now).unwrap_or_default();
        let (date, time) = (moment.format("%Y%m%d").to_string(), moment.format("%H%M%S").to_string());
        Ok(Self { images, first, seed: request.seed, date, time })
    }

    /// A UID of our own.
    pub(super) fn uid(&self, what: &str) -> String {
        self.seed.uid(&format!("{} {what}", self.first.study))
    }

    /// The instance that stands for the study.
    pub(super) fn first(&self) -> &'a Object {
        self.first
    }

    /// The code under which the partner knows the patient.
    pub(super) fn code(&self) -> String {
        self.first.attributes.text(tags::PATIENT_ID)
    }

    /// Date and time of processing.
    pub(super) fn now(&self) -> (&str, &str) {
        (&self.date, &self.time)
    }

    /// Slices of one series in one frame of reference, two at least; none for other images.
    pub(super) fn volume(&self) -> Vec<&'a Object> {
        let has = |image: &Object, tag| !image.attributes.text(tag).is_empty();
        let small = |image: &Object, tag| image.attributes.number(tag).is_some_and(|n| n <= SIDE_MAX);
        let fits = |image: &Object| {
            has(image, tags::FRAME_OF_REFERENCE_UID)
                && has(image, tags::IMAGE_POSITION_PATIENT)
                && has(image, tags::PIXEL_SPACING)
                && small(image, tags::ROWS)
                && small(image, tags::COLUMNS)
                && image.series == self.first.series
        };
        let slices: Vec<&Object> = self.images.iter().copied().filter(|image| fits(image)).collect();
        if slices.len() < 2 { Vec::new() } else { slices }
    }

    /// Patient, study, series, equipment and SOP common modules of a new result.
    pub(super) fn object(&self, kind: &str, sop_class: &str, modality: &str, series_number: &str) -> DataSet {
        let (date, time) = self.now();
        DataSet::default()
            .copy(&self.first.attributes, is_of_patient_or_study)
            .put(tags::INSTANCE_CREATION_DATE, date)
            .put(tags::INSTANCE_CREATION_TIME, time)
            .put(tags::SERIES_DATE, date)
            .put(tags::SERIES_TIME, time)
            .put(tags::CONTENT_DATE, date)
            .put(tags::CONTENT_TIME, time)
            .put(tags::SOP_CLASS_UID, sop_class)
            .put(tags::SOP_INSTANCE_UID, self.uid(&format!("{kind} instance")))
            .put(tags::SERIES_INSTANCE_UID, self.uid(&format!("{kind} series")))
            .put(tags::MODALITY, modality)
            .put(tags::SERIES_NUMBER, series_number)
            .put(tags::INSTANCE_NUMBER, "1")
            .put(tags::SERIES_DESCRIPTION, format!("Simulated {kind}"))
            .put(tags::MANUFACTURER, "Simulated partner")
            .put(tags::MANUFACTURER_MODEL_NAME, "Simulated algorithm")
            .put(tags::DEVICE_SERIAL_NUMBER, "1")
            .put(tags::SOFTWARE_VERSIONS, "1.0")
    }

    /// The object as the partner files it: under the study it was asked about, whatever the data set says.
    pub(super) fn file(&self, set: &DataSet) -> Result<Object, SimulationError> {
        Ok(Object { study: self.first.study.clone(), ..Object::build(set, SYNTAX)? })
    }
}

/// General and clinical trial attributes of patient and study, as in PS3.3 §C.7.1, C.7.2.
fn is_of_patient_or_study(tag: Tag) -> bool {
    let study = [
        tags::SPECIFIC_CHARACTER_SET,
        tags::STUDY_DATE,
        tags::STUDY_TIME,
        tags::ACCESSION_NUMBER,
        tags::REFERRING_PHYSICIAN_NAME,
        tags::STUDY_DESCRIPTION,
        tags::STUDY_INSTANCE_UID,
        tags::STUDY_ID,
        tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
    ];
    matches!(tag.group(), 0x0010 | 0x0012) || study.contains(&tag)
}

/// An instance and the frame that is meant, if it has several.
pub(super) fn image_reference(image: &Object) -> DataSet {
    let item = Cited::of(&image.attributes).item();
    if image.attributes.has(tags::NUMBER_OF_FRAMES) {
        item.put(tags::REFERENCED_FRAME_NUMBER, "1")
    } else {
        item
    }
}

/// An instance as source of an image (PS3.3 §C.7.6.1.1.4).
pub(super) fn source_image(image: &Object) -> DataSet {
    image_reference(image).code(
        tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
        Code("121322", "DCM", "Source of Image Processing Operation"),
    )
}

/// What is segmented, contoured and measured.
pub(super) const LUNG: Code = Code("39607008", "SCT", "Lung");
