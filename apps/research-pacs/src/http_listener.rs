//! The HTTP listener with its limits: connections that say nothing, or do not go, cost a bounded number of descriptors.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections at the same time; more wait in the kernel's queue.
const CONNECTIONS: usize = 64;
/// A request's head must be complete in this time, also the next one on a connection that is kept.
const HEAD: Duration = Duration::from_secs(10);
/// Longest life of a connection, for a peer that does not read its answer.
const LIFE: Duration = Duration::from_secs(60);
/// Pause after a failed accept, such as "too many open files".
const PAUSE: Duration = Duration::from_secs(1);

/// Serves `router` until `stop`; then the requests under way end. Returns when no connection is left.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_with(listener, router, stop, HEAD).await;
}

async fn serve_with(listener: TcpListener, router: Router, stop: CancellationToken, head: Duration) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            let (tcp, _) = listener.accept().await?;
            Ok::<_, io::Error>((place, tcp))
        };
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept => accepted,
        };
        match accepted {
            Ok((place, tcp)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    let _ = tokio::time::timeout(LIFE, connection(tcp, router, stop, head)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no HTTP connection accepted; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection(tcp: TcpStream, router: Router, stop: CancellationToken, head: Duration) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let serving = http.serve_connection(TokioIo::new(tcp), TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    // errors are the peer's: it went, or sent something that is not HTTP
    tokio::select! {
        _ = serving.as_mut() => return,
        () = stop.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::JoinHandle;

    use super::*;

    const SHORT: Duration = Duration::from_millis(500);

    async fn running() -> (SocketAddr, CancellationToken, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let router = Router::new().route("/healthz", get(|| async { "ok" }));
        (address, stop.clone(), tokio::spawn(serve_with(listener, router, stop, SHORT)))
    }

    /// Asks once and reads to the end; on an error what came before it.
    async fn ask(address: SocketAddr) -> String {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let _ = tcp.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn silent_connections_are_bounded_and_go() {
        let (address, stop, task) = running().await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        // one more waits in the kernel's queue until a silent one has to go
        let begun = tokio::time::Instant::now();
        assert!(ask(address).await.starts_with("HTTP/1.1 200"));
        assert!(begun.elapsed() >= SHORT / 2, "no place was free before");
        let mut end = [0; 256];
        while silent[0].read(&mut end).await.unwrap_or(0) > 0 {}
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_kept_connection_answers_again_and_ends_with_the_server() {
        let (address, stop, task) = running().await;
        let mut tcp = TcpStream::connect(address).await.unwrap();
        let mut answer = [0; 1024];
        for _ in 0..2 {
            tcp.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let read = tcp.read(&mut answer).await.unwrap();
            assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        }
        stop.cancel();
        assert_eq!(tcp.read(&mut answer).await.unwrap_or(0), 0, "closed");
        task.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
