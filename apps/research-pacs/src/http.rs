//! Health, metrics and a plain read-only status page.

use std::sync::Arc;

use archive::blob::BlobStore;
use archive::spool::{Health, Spool};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use pipeline::line::{Faults, Warnings};
use pipeline::poll::Polls;

use crate::metrics::Metrics;

/// What the pages show.
#[derive(Clone)]
pub(crate) struct Status {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) spool: Spool,
    pub(crate) blobs: Arc<BlobStore>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) warnings: Arc<Warnings>,
    pub(crate) polls: Arc<Polls>,
    pub(crate) name: Arc<str>,
}

/// The routes.
pub(crate) fn router(status: Status) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .with_state(status)
}

/// Green while instances are accepted (ARC-10: red after an error of a sync) and everything that works on them runs.
async fn ready(State(status): State<Status>) -> (StatusCode, String) {
    let faults = status.faults();
    if faults.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, faults.iter().map(|fault| format!("{fault}\n")).collect())
}

impl Status {
    /// Why the server is not ready.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        match self.spool.health() {
            Health::Ready => {}
            other => faults.push(words(&other)),
        }
        if !self.blobs.has_room() {
            faults.push(
                "objects: the volume is below its watermark, de-identification, fetch and return wait; free space"
                    .to_owned(),
            );
        }
        let ended = self.faults.parts().into_iter();
        faults.extend(ended.map(|part| format!("{part} ended by a fault: see the log, then restart")));
        faults
    }
}

async fn figures(State(status): State<Status>) -> String {
    let (room, faults) = (status.blobs.has_room(), status.faults.parts().len());
    status.metrics.render(room, faults, &status.warnings.all(), &status.polls.all())
}

async fn page(State(status): State<Status>) -> Html<String> {
    let summary = status.metrics.summary();
    let health = words(&status.spool.health());
    let recovery = if summary.recovery_done { "done" } else { "running" };
    let rows = [
        ("Reception", escape(&health)),
        ("Instances acknowledged", summary.acknowledged.to_string()),
        ("Bytes acknowledged", summary.bytes.to_string()),
        ("Rows written", summary.indexed.to_string()),
        ("Received again, same bytes", summary.duplicates.to_string()),
        ("Received again, other bytes", summary.differing.to_string()),
        ("Recovery after the last start", format!("{recovery}, {} records looked at", summary.recovered)),
    ];
    let rows: String =
        rows.iter().map(|(name, value)| format!("<tr><th>{name}</th><td>{value}</td></tr>\n")).collect();
    let name = escape(&status.name);
    Html(include_str!("status.html").replace("{name}", &name).replace("{rows}", &rows))
}

fn words(health: &Health) -> String {
    match health {
        Health::Ready => "ready".to_owned(),
        Health::LowSpace => "refusing: the volume is below its watermark; free space".to_owned(),
        Health::Failed(reason) => format!("stopped until restart: {reason}; check the volume, then restart"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
