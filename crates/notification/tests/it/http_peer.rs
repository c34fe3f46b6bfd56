//! An HTTP peer that records one request per connection and answers what it is told.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

pub(crate) struct HttpPeer {
    pub(crate) port: u16,
    pub(crate) requests: mpsc::UnboundedReceiver<Request>,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

impl HttpPeer {
    /// Answers every request with `answer`; with `endless`, it then sends bytes until the client goes away.
    pub(crate) async fn start(answer: String, endless: bool) -> Self {
        Self::listen(answer, endless, None).await
    }

    /// The same under TLS.
    pub(crate) async fn tls(status: &str, tls: TlsAcceptor) -> Self {
        Self::listen(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"), false, Some(tls)).await
    }

    async fn listen(answer: String, endless: bool, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sender, answer, tls) = (sender.clone(), answer.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &answer, endless, &sender).await,
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            serve(stream, &answer, endless, &sender).await;
                        }
                    }
                });
            }
        });
        Self { port, requests }
    }

    pub(crate) async fn status(status: &str) -> Self {
        Self::start(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"), false).await
    }
}

async fn serve(
    mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin,
    answer: &str,
    endless: bool,
    requests: &mpsc::UnboundedSender<Request>,
) {
    let Some(request) = read(&mut stream).await else { return };
    requests.send(request).unwrap();
    let _ = stream.write_all(answer.as_bytes()).await;
    while endless && stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Request> {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    loop {
        let length = stream.read(&mut buffer).await.ok()?;
        if length == 0 {
            return None;
        }
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let line = lines.next().unwrap().to_owned();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let request = Request { line, headers, body: body.to_owned() };
        if request.body.len() == request.header("content-length").parse().unwrap_or(0) {
            return Some(request);
        }
    }
}
