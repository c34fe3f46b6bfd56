//! A webhook that takes every POST.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Kept, LONGEST};
use crate::error::SimulationError;

/// One POST.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Path of the request.
    pub path: String,
    /// Its headers, signature included.
    pub headers: HeaderMap,
    /// Its body, as received.
    pub body: Bytes,
}

/// A webhook receiver in process. It ends when it is dropped.
pub struct WebhookSink {
    address: SocketAddr,
    kept: Arc<Kept<Webhook>>,
    _stop: DropGuard,
}

impl WebhookSink {
    /// Starts listening; port 0 takes a free one.
    ///
    /// # Errors
    /// [`SimulationError::Listen`].
    pub async fn start(address: SocketAddr) -> Result<Self, SimulationError> {
        let failed = |source| SimulationError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let kept = Arc::<Kept<Webhook>>::default();
        let app = Router::new().fallback(take).with_state(Arc::clone(&kept));
        let stop = CancellationToken::new();
        let ended = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(ended).await {
                tracing::warn!(%error, "the webhook sink ended");
            }
        });
        Ok(Self { address, kept, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came, oldest first: the newest thousand.
    pub fn messages(&self) -> Vec<Webhook> {
        self.kept.all()
    }

    /// How many came in all.
    pub fn count(&self) -> usize {
        self.kept.count()
    }
}

async fn take(State(kept): State<Arc<Kept<Webhook>>>, request: Request<Body>) -> StatusCode {
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST).await else { return StatusCode::PAYLOAD_TOO_LARGE };
    kept.push(Webhook { path: parts.uri.path().to_owned(), headers: parts.headers, body });
    StatusCode::NO_CONTENT
}
