//! An HTTP/1.1 peer that remembers what it was asked and answers what it is told, whole or broken.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and target.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    /// Empty if the peer does not keep bodies.
    pub(crate) body: Vec<u8>,
    pub(crate) length: u64,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// Heads and contents of the parts of a multipart body, split the simple way.
    pub(crate) fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let boundary = self.header("content-type").split("boundary=").nth(1).unwrap();
        let delimiter = format!("--{boundary}");
        let mut parts = Vec::new();
        let mut rest = self.body.as_slice();
        let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
        while let Some(at) = find(rest, delimiter.as_bytes()) {
            rest = &rest[at + delimiter.len()..];
            if rest.starts_with(b"--") {
                return parts;
            }
            let head = find(rest, b"\r\n\r\n").unwrap();
            let end = find(rest, format!("\r\n{delimiter}").as_bytes()).unwrap();
            parts.push((String::from_utf8_lossy(&rest[2..head]).into_owned(), rest[head + 4..end].to_vec()));
        }
        panic!("the message is cut");
    }
}

/// What is sent: the bytes, then so many zeros, then the tail; then the connection is closed, if so told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) zeros: u64,
    pub(crate) tail: Vec<u8>,
    pub(crate) close: bool,
}

impl Reply {
    pub(crate) fn new(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
        Self { bytes: [head.as_bytes(), body].concat(), ..Self::default() }
    }

    pub(crate) fn json(status: &str, body: &str) -> Self {
        Self::new(status, "content-type: application/dicom+json\r\n", body)
    }

    /// The connection is closed before any answer.
    pub(crate) fn hang_up() -> Self {
        Self { close: true, ..Self::default() }
    }
}

pub(crate) struct HttpPeer {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

impl HttpPeer {
    pub(crate) async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(Arc::new(handler), true, None).await
    }

    /// Counts bodies and does not keep them.
    pub(crate) async fn counting(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(Arc::new(handler), false, None).await
    }

    pub(crate) async fn tls(
        tls: TlsAcceptor,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Arc::new(handler), true, Some(tls)).await
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    async fn listen(handler: Handler, keep: bool, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handler, tls, seen) = (Arc::clone(&handler), tls.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &handler, keep, &seen).await,
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            serve(stream, &handler, keep, &seen).await;
                        }
                    }
                });
            }
        });
        Self { port, requests }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: &Handler,
    keep: bool,
    seen: &Mutex<Vec<Request>>,
) {
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    while let Some(request) = read(&mut stream, keep).await {
        seen.lock().unwrap().push(request.clone());
        let reply = handler(&request);
        if stream.write_all(&reply.bytes).await.is_err() {
            return;
        }
        let zeros = vec![0; 64 << 10];
        let mut left = reply.zeros;
        while left > 0 {
            let length = left.min(zeros.len() as u64);
            if stream.write_all(&zeros[..length as usize]).await.is_err() {
                return;
            }
            left -= length;
        }
        let _ = stream.write_all(&reply.tail).await;
        let _ = stream.flush().await;
        if reply.close {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn line(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    Some(line.trim_end().to_owned())
}

/// One request; `None` when the connection ends, also in the middle of a body.
async fn read(stream: &mut (impl AsyncBufReadExt + Unpin), keep: bool) -> Option<Request> {
    let first = line(stream).await?;
    let mut headers = Vec::new();
    loop {
        let text = line(stream).await?;
        let Some((name, value)) = text.split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let line_of = first.rsplit_once(' ').unwrap().0.to_owned();
    let mut request = Request { line: line_of, headers, body: Vec::new(), length: 0 };
    let chunked = request.header("transfer-encoding") == "chunked";
    let mut left: u64 = request.header("content-length").parse().unwrap_or(0);
    loop {
        if chunked {
            left = u64::from_str_radix(&line(stream).await?, 16).unwrap();
        }
        if left == 0 {
            if chunked {
                line(stream).await?;
            }
            return Some(request);
        }
        request.length += left;
        while left > 0 {
            let bytes = stream.fill_buf().await.ok()?;
            let length = bytes.len().min(left as usize);
            if length == 0 {
                return None;
            }
            if keep {
                request.body.extend_from_slice(&bytes[..length]);
            }
            stream.consume(length);
            left -= length as u64;
        }
        if chunked {
            let mut end = [0; 2];
            stream.read_exact(&mut end).await.ok()?;
        }
    }
}
