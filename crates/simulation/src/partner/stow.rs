//! STOW-RS (PS3.18 §10.5): requests are read whole, up to the limit of a message.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dicom_stream::{FILE_START, FileStart};
use serde_json::{Map, Value, json};

use super::desk::Shared;
use super::dicomweb::dicom_json_answer;
use super::multipart::{boundary_of, read};
use crate::object::Object;
use crate::store::Intake;

/// Failure Reason of an instance that we could not read (PS3.18 Table I.2-2), and of one without room.
const CANNOT_UNDERSTAND: u16 = 0xC000;
const OUT_OF_RESOURCES: u16 = 0xA700;

/// Sequences of the answer (PS3.18 Table I.2-1).
const REFERENCED_SOP_SEQUENCE: &str = "00081199";
const FAILED_SOP_SEQUENCE: &str = "00081198";

/// Stores what it can, and says of each instance what became of it.
pub(super) async fn stow(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(boundary) = content_type.and_then(boundary_of) else {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    };
    let Ok(_place) = shared.uploads.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let Ok(body) = to_bytes(request.into_body(), shared.options.limits.message_bytes).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let Some(parts) = read(&body, &boundary).filter(|parts| !parts.is_empty()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (mut stored, mut failed) = (Vec::new(), Vec::new());
    for part in parts {
        let Some(names) = names(&part) else { return StatusCode::BAD_REQUEST.into_response() };
        match object(&part).map(|object| shared.take(object)) {
            Some(Ok(())) => stored.push(item(&names, None)),
            Some(Err(_)) => failed.push(item(&names, Some(OUT_OF_RESOURCES))),
            None => failed.push(item(&names, Some(CANNOT_UNDERSTAND))),
        }
    }
    let status = match (stored.is_empty(), failed.is_empty()) {
        (_, true) => StatusCode::OK,
        (false, false) => StatusCode::ACCEPTED,
        (true, false) => StatusCode::CONFLICT,
    };
    let sequences = [(REFERENCED_SOP_SEQUENCE, stored), (FAILED_SOP_SEQUENCE, failed)];
    let sequences = sequences.into_iter().filter(|(_, items)| !items.is_empty());
    let answer: Map<String, Value> =
        sequences.map(|(name, items)| (name.to_owned(), json!({"vr": "SQ", "Value": items}))).collect();
    dicom_json_answer(status, &Value::Object(answer))
}

/// An item of the answer: Referenced SOP Class and Instance UID, and Failure Reason.
fn item((class, instance): &(String, String), reason: Option<u16>) -> Value {
    let mut item = json!({
        "00081150": {"vr": "UI", "Value": [class]},
        "00081155": {"vr": "UI", "Value": [instance]},
    });
    if let (Some(item), Some(reason)) = (item.as_object_mut(), reason) {
        item.insert("00081197".to_owned(), json!({"vr": "US", "Value": [reason]}));
    }
    item
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
