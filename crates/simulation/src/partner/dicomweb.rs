//! STOW-RS, QIDO-RS and WADO-RS of the partner (PS3.18 §10.4 to §10.6).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use dicom_dictionary_std::tags;
use dicom_stream::{FILE_START, FileStart, Tag};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::multipart::{BOUNDARY, boundary_of, head, read};
use super::{Shared, json as dicom_json};
use crate::data_set::DataSet;
use crate::error::SimulationError;
use crate::object::Object;
use crate::query::{Level, matches};
use crate::store::Intake;

/// Rows of one QIDO-RS answer at most.
const PAGE: usize = 1000;
/// Failure Reason of an instance that we could not read (PS3.18 Table I.2-2), and of one without room.
const CANNOT_UNDERSTAND: u16 = 0xC000;
const OUT_OF_RESOURCES: u16 = 0xA700;

/// Parameters of a request's path or query.
type Words = HashMap<String, String>;

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

/// Starts the server; it ends with `stop`.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    address: SocketAddr,
    stop: CancellationToken,
) -> Result<SocketAddr, SimulationError> {
    let failed = |source| SimulationError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let app = Router::new().nest("/dicom-web", routes(shared));
    tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::warn!(%error, "the simulated DICOMweb server ended");
        }
    });
    Ok(bound)
}

fn routes(shared: &Arc<Shared>) -> Router {
    let series = "/studies/{study}/series/{series}";
    Router::new()
        .route("/studies", get(studies).post(stow))
        .route("/series", get(all_series))
        .route("/instances", get(instances))
        .route("/studies/{study}", get(wado).post(stow))
        .route("/studies/{study}/series", get(all_series))
        .route("/studies/{study}/instances", get(instances))
        .route(series, get(wado))
        .route(&format!("{series}/instances"), get(instances))
        .route(&format!("{series}/instances/{{instance}}"), get(wado))
        .layer(from_fn_with_state(Arc::clone(shared), authorize))
        .with_state(Arc::clone(shared))
}

async fn authorize(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let wanted = shared.options.token.as_ref().map(|token| format!("Bearer {token}"));
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if wanted.is_some() && wanted.as_deref() != shown {
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response();
    }
    next.run(request).await
}

/// STOW-RS: the whole request is read, up to the limit of a message.
async fn stow(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(boundary) = content_type.and_then(boundary_of) else {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    };
    let Ok(body) = to_bytes(request.into_body(), shared.options.limits.message_bytes).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let Some(parts) = read(&body, &boundary).filter(|parts| !parts.is_empty()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (mut stored, mut failed) = (Vec::new(), Vec::new());
    for part in parts {
        let Some((class, instance)) = names(&part) else { return StatusCode::BAD_REQUEST.into_response() };
        let item = |further: Value| {
            let mut item = json!({
                "00081150": {"vr": "UI", "Value": [class]},
                "00081155": {"vr": "UI", "Value": [instance]},
            });
            if let (Some(item), Some(further)) = (item.as_object_mut(), further.as_object()) {
                item.extend(further.clone());
            }
            item
        };
        match object(&part).map(|object| shared.take(object)) {
            Some(Ok(())) => stored.push(item(json!({}))),
            refused => {
                let reason = if refused.is_some() { OUT_OF_RESOURCES } else { CANNOT_UNDERSTAND };
                failed.push(item(json!({"00081197": {"vr": "US", "Value": [reason]}})));
            }
        }
    }
    let status = match (stored.is_empty(), failed.is_empty()) {
        (_, true) => StatusCode::OK,
        (false, false) => StatusCode::ACCEPTED,
        (true, false) => StatusCode::CONFLICT,
    };
    let mut answer = json!({});
    for (name, items) in [("00081199", stored), ("00081198", failed)] {
        if let (Some(answer), false) = (answer.as_object_mut(), items.is_empty()) {
            answer.insert(name.to_owned(), json!({"vr": "SQ", "Value": items}));
        }
    }
    dicom_json_answer(status, &answer)
}

/// What the file meta information of a part says.
fn names(part: &Bytes) -> Option<(String, String)> {
    let meta = FileStart::read(part.get(..part.len().min(FILE_START))?).ok()?.meta?;
    Some((meta.media_storage_sop_class_uid, meta.media_storage_sop_instance_uid))
}

fn object(part: &Bytes) -> Option<Object> {
    let start = FileStart::read(part.get(..part.len().min(FILE_START))?).ok()?;
    // a copy, so that the request's memory is not kept
    let data = Bytes::copy_from_slice(part.get(start.data_set..)?);
    Object::read(data, start.transfer_syntax).ok()
}

async fn studies(shared: State<Arc<Shared>>, path: Path<Words>, query: Query<Words>) -> Response {
    qido(&shared, Level::Study, path, query)
}

async fn all_series(shared: State<Arc<Shared>>, path: Path<Words>, query: Query<Words>) -> Response {
    qido(&shared, Level::Series, path, query)
}

async fn instances(shared: State<Arc<Shared>>, path: Path<Words>, query: Query<Words>) -> Response {
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
        .map(dicom_json::of_data_set)
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
    let found =
        ATTRIBUTES.iter().find(|(keyword, tag, _)| *keyword == name || dicom_json::name(*tag) == name);
    found.map(|(_, tag, _)| *tag)
}

/// WADO-RS of a study, a series or an instance, in the transfer syntax that they have.
async fn wado(State(shared): State<Arc<Shared>>, Path(path): Path<Words>) -> Response {
    let is = |name: &str, value: &str| path.get(name).is_none_or(|wanted| wanted == value);
    let objects = shared.store.select(|object| {
        is("study", &object.study) && is("series", &object.series) && is("instance", &object.sop_instance)
    });
    if objects.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let parts = objects.into_iter().flat_map(|object| {
        let mut start = head(object.syntax.uid).into_bytes();
        start.extend(object.file_head());
        [Bytes::from(start), object.data.clone(), Bytes::from_static(b"\r\n")]
    });
    let end = Bytes::from(format!("--{BOUNDARY}--\r\n"));
    let body = stream::iter(parts.chain([end]).map(Ok::<_, std::io::Error>));
    let content_type = format!("multipart/related; type=\"application/dicom\"; boundary={BOUNDARY}");
    ([(CONTENT_TYPE, content_type)], Body::from_stream(body)).into_response()
}

fn dicom_json_answer(status: StatusCode, value: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/dicom+json")], value.to_string()).into_response()
}
