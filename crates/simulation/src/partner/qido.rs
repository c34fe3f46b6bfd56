//! QIDO-RS (PS3.18 §10.6).

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dicom_dictionary_std::tags;
use dicom_stream::Tag;
use serde_json::Value;

use super::desk::Shared;
use super::dicomweb::{Words, dicom_json_answer};
use super::json;
use crate::data_set::DataSet;
use crate::query::{Level, matches};

/// Rows of one QIDO-RS answer at most.
const PAGE: usize = 1000;
/// Attributes that can be asked for by keyword, and are returned: PS3.18 Tables 10.6.3-3 to 10.6.3-5.
const ATTRIBUTES: [(&str, Tag, Level); 22] = [
    ("SpecificCharacterSet", tags::SPECIFIC_CHARACTER_SET, Level::Study),
    ("StudyDate", tags::STUDY_DATE, Level::Study),
    ("StudyTime", tags::STUDY_TIME, Level::Study),
    ("AccessionNumber", tags::ACCESSION_NUMBER, Level::Study),
    ("ModalitiesInStudy", tags::MODALITIES_IN_STUDY, Level::Study),
    ("ReferringPhysicianName", tags::REFERRING_PHYSICIAN_NAME, Level::Study),
    ("PatientName", tags::PATIENT_NAME, Level::Study),
    ("PatientID", tags::PATIENT_ID, Level::Study),
    ("PatientBirthDate", tags::PATIENT_BIRTH_DATE, Level::Study),
    ("PatientSex", tags::PATIENT_SEX, Level::Study),
    ("StudyInstanceUID", tags::STUDY_INSTANCE_UID, Level::Study),
    ("StudyID", tags::STUDY_ID, Level::Study),
    ("NumberOfStudyRelatedSeries", tags::NUMBER_OF_STUDY_RELATED_SERIES, Level::Study),
    ("NumberOfStudyRelatedInstances", tags::NUMBER_OF_STUDY_RELATED_INSTANCES, Level::Study),
    ("Modality", tags::MODALITY, Level::Series),
    ("SeriesDescription", tags::SERIES_DESCRIPTION, Level::Series),
    ("SeriesInstanceUID", tags::SERIES_INSTANCE_UID, Level::Series),
    ("SeriesNumber", tags::SERIES_NUMBER, Level::Series),
    ("NumberOfSeriesRelatedInstances", tags::NUMBER_OF_SERIES_RELATED_INSTANCES, Level::Series),
    ("SOPClassUID", tags::SOP_CLASS_UID, Level::Image),
    ("SOPInstanceUID", tags::SOP_INSTANCE_UID, Level::Image),
    ("InstanceNumber", tags::INSTANCE_NUMBER, Level::Image),
];

pub(super) async fn studies(shared: State<Arc<Shared>>, path: Path<Words>, query: Query<Words>) -> Response {
    qido(&shared, Level::Study, path, query)
}

pub(super) async fn all_series(
    shared: State<Arc<Shared>>,
    path: Path<Words>,
    query: Query<Words>,
) -> Response {
    qido(&shared, Level::Series, path, query)
}

pub(super) async fn instances(
    shared: State<Arc<Shared>>,
    path: Path<Words>,
    query: Query<Words>,
) -> Response {
    qido(&shared, Level::Image, path, query)
}

/// QIDO-RS. Unknown parameters are refused, so that a search is never wider than what was asked (§8.3.1).
fn qido(shared: &Shared, level: Level, Path(path): Path<Words>, Query(query): Query<Words>) -> Response {
    let number = |name: &str, default: usize| query.get(name).map_or(Ok(default), |text| text.parse());
    let (Ok(limit), Ok(offset)) = (number("limit", PAGE), number("offset", 0)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(keys) = keys(level, &path, &query) else { return StatusCode::BAD_REQUEST.into_response() };
    let rows: Vec<Value> = matches(&shared.store, level, &keys)
        .iter()
        .skip(offset)
        .take(limit.min(PAGE))
        .map(json::of_data_set)
        .collect();
    if rows.is_empty() {
        return StatusCode::NO_CONTENT.into_response();
    }
    dicom_json_answer(StatusCode::OK, &Value::Array(rows))
}

/// The query as a C-FIND identifier has it: what is returned, with the values to match.
fn keys(level: Level, path: &Words, query: &Words) -> Option<DataSet> {
    let mut keys = DataSet::default();
    let returned = |of: Level| match level {
        Level::Study => of == Level::Study,
        Level::Series => of != Level::Image,
        Level::Image => true,
    };
    let is_count = |name: &str| name.starts_with("NumberOf") || name == "ModalitiesInStudy";
    for (name, tag, of) in ATTRIBUTES {
        if returned(of) && (of == level || !is_count(name)) {
            keys.set(tag, "");
        }
    }
    for (name, tag) in [("study", tags::STUDY_INSTANCE_UID), ("series", tags::SERIES_INSTANCE_UID)] {
        if let Some(uid) = path.get(name) {
            keys.set(tag, &**uid);
        }
    }
    for (name, value) in query {
        match name.as_str() {
            "limit" | "offset" | "fuzzymatching" | "includefield" => {}
            name => keys.set(tag_of(name)?, value.replace(',', "\\")),
        }
    }
    Some(keys)
}

/// An attribute by keyword or by its eight hexadecimal digits.
fn tag_of(name: &str) -> Option<Tag> {
    let found = ATTRIBUTES.iter().find(|(keyword, tag, _)| *keyword == name || json::name(*tag) == name);
    found.map(|(_, tag, _)| *tag)
}
