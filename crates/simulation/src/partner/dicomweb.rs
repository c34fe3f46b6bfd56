//! The partner's DICOMweb server: routes, token, and WADO-RS (PS3.18 §10.4).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::desk::Shared;
use super::multipart::{BOUNDARY, head};
use super::qido::{all_series, instances, studies};
use super::stow::stow;
use crate::error::SimulationError;

/// Parameters of a request's path or query.
pub(super) type Words = HashMap<String, String>;

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
        .route("/studies/{study}", get(wado))
        .route("/studies/{study}/series", get(all_series))
        .route("/studies/{study}/instances", get(instances))
        .route(series, get(wado))
        .route(&format!("{series}/instances"), get(instances))
        .route(&format!("{series}/instances/{{instance}}"), get(wado))
        .layer(from_fn_with_state(Arc::clone(shared), authorize))
        .with_state(Arc::clone(shared))
}

/// Refuses who does not show the token.
async fn authorize(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let wanted = shared.options.token.as_ref().map(|token| format!("Bearer {token}"));
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if wanted.is_some() && wanted.as_deref() != shown {
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response();
    }
    next.run(request).await
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

/// An answer in DICOM JSON.
pub(super) fn dicom_json_answer(status: StatusCode, value: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/dicom+json")], value.to_string()).into_response()
}
