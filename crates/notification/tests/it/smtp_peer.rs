//! An SMTP peer that speaks RFC 5321, optionally STARTTLS and AUTH PLAIN, and misbehaves where it is told to.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// What the peer does.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// Offers STARTTLS with this certificate.
    pub(crate) tls: Option<TlsAcceptor>,
    /// Starts TLS at once.
    pub(crate) implicit: bool,
    /// Wants AUTH PLAIN with this base64 text.
    pub(crate) auth: Option<&'static str>,
    /// Answers commands that start so with this line.
    pub(crate) reply: Option<(&'static str, &'static str)>,
    /// Goes silent at a command that starts so.
    pub(crate) silent: Option<&'static str>,
}

/// A mail as it arrived.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) tls: bool,
    pub(crate) to: String,
    pub(crate) data: String,
}

pub(crate) struct SmtpPeer {
    pub(crate) port: u16,
    pub(crate) mails: mpsc::UnboundedReceiver<Received>,
}

impl SmtpPeer {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, mails) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, sender) = (script.clone(), sender.clone());
                tokio::spawn(async move {
                    if script.implicit {
                        let Ok(stream) = script.tls.as_ref().unwrap().accept(stream).await else { return };
                        session(stream, &script, true, true, &sender).await;
                        return;
                    }
                    let Some(stream) = session(stream, &script, false, true, &sender).await else { return };
                    let Ok(stream) = script.tls.as_ref().unwrap().accept(stream).await else { return };
                    session(stream, &script, true, false, &sender).await;
                });
            }
        });
        Self { port, mails }
    }
}

/// A certificate for `localhost` and 127.0.0.1, and its PEM text to be trusted.
pub(crate) fn certificate() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

/// One session; gives the stream back when it has to be upgraded.
async fn session<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    script: &Script,
    tls: bool,
    greet: bool,
    mails: &mpsc::UnboundedSender<Received>,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    if greet {
        stream.write_all(b"220 peer ESMTP\r\n").await.ok()?;
    }
    let mut to = String::new();
    loop {
        let command = line(&mut stream).await?;
        if script.silent.is_some_and(|at| command.starts_with(at)) {
            std::future::pending::<()>().await;
        }
        if let Some((_, reply)) = script.reply.filter(|(at, _)| command.starts_with(at)) {
            stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
            continue;
        }
        let reply = if command.starts_with("EHLO ") {
            let starttls = if script.tls.is_some() && !tls { "250-STARTTLS\r\n" } else { "" };
            let auth = if script.auth.is_some() && tls { "250-AUTH PLAIN\r\n" } else { "" };
            format!("250-peer\r\n{starttls}{auth}250 8BITMIME")
        } else if command == "STARTTLS" {
            stream.write_all(b"220 go\r\n").await.ok()?;
            return Some(stream.into_inner());
        } else if let Some(given) = command.strip_prefix("AUTH PLAIN ") {
            if script.auth == Some(given) { "235 ok" } else { "535 bad credentials" }.to_owned()
        } else if let Some(address) = command.strip_prefix("RCPT TO:") {
            to = address.to_owned();
            "250 ok".to_owned()
        } else if command == "DATA" {
            stream.write_all(b"354 go\r\n").await.ok()?;
            let data = data(&mut stream).await?;
            mails.send(Received { tls, to: to.clone(), data }).ok()?;
            "250 taken".to_owned()
        } else if command == "QUIT" {
            let _ = stream.write_all(b"221 bye\r\n").await;
            return None;
        } else {
            "250 ok".to_owned()
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    }
}

async fn line(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).await.ok()? > 0).then(|| line.trim_end().to_owned())
}

async fn data(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut data = String::new();
    loop {
        match line(stream).await?.as_str() {
            "." => return Some(data),
            text => data.extend([text, "\n"]),
        }
    }
}
