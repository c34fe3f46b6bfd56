//! A mail server that takes every message and delivers none (RFC 5321, without extensions but 8BITMIME).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Kept, LONGEST};
use crate::error::SimulationError;

/// Connections at the same time.
const CONNECTIONS: usize = 16;
/// Longest line (RFC 5321 §4.5.3.1, generously), recipients of one message, and the longest silence.
const LINE: u64 = 8192;
const RECIPIENTS: usize = 100;
const SILENCE: Duration = Duration::from_secs(60);

/// One mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Reverse path.
    pub from: String,
    /// Forward paths.
    pub to: Vec<String>,
    /// Header and body as received, dots unstuffed.
    pub data: String,
}

/// A mail server in process. It ends when it is dropped.
pub struct MailSink {
    address: SocketAddr,
    kept: Arc<Kept<Mail>>,
    _stop: DropGuard,
}

impl MailSink {
    /// Starts listening; port 0 takes a free one.
    ///
    /// # Errors
    /// [`SimulationError::Listen`].
    pub async fn start(address: SocketAddr) -> Result<Self, SimulationError> {
        let failed = |source| SimulationError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let kept = Arc::<Kept<Mail>>::default();
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(serve(
            listener,
            Arc::clone(&kept),
            stop.clone(),
        )));
        Ok(Self { address, kept, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came, oldest first: the newest thousand.
    pub fn messages(&self) -> Vec<Mail> {
        self.kept.all()
    }

    /// How many came in all.
    pub fn count(&self) -> usize {
        self.kept.count()
    }
}

async fn serve(listener: TcpListener, kept: Arc<Kept<Mail>>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let kept = Arc::clone(&kept);
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            let _ = converse(stream, &kept).await; // a broken conversation leaves no mail
            drop(place);
        }));
    }
}

async fn converse(stream: TcpStream, kept: &Kept<Mail>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let empty = || Mail { from: String::new(), to: Vec::new(), data: String::new() };
    let mut mail = empty();
    stream.write_all(b"220 simulated mail sink\r\n").await?;
    while let Some(line) = line(&mut stream).await? {
        let line = line.trim_end();
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-simulated mail sink\r\n250 8BITMIME",
            "HELO" | "NOOP" => "250 ok",
            "MAIL" => {
                mail = Mail { from: path(line), ..empty() };
                "250 ok"
            }
            "RCPT" if mail.to.len() < RECIPIENTS => {
                mail.to.push(path(line));
                "250 ok"
            }
            "RCPT" => "452 too many recipients",
            "RSET" => {
                mail = empty();
                "250 ok"
            }
            "DATA" if mail.to.is_empty() => "503 no recipient",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                mail.data = data(&mut stream).await?;
                kept.push(std::mem::replace(&mut mail, empty()));
                "250 taken"
            }
            "QUIT" => {
                return stream.write_all(b"221 bye\r\n").await;
            }
            _ => "502 not known here",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// What stands between angle brackets.
fn path(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or("", |(path, _)| path).to_owned()
}

/// The next line; `None` at the end of the connection.
async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut limited = stream.take(LINE);
    timeout(SILENCE, limited.read_until(b'\n', &mut bytes)).await??;
    match bytes.last() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "line too long or cut")),
    }
}

/// The message up to the line with a dot alone (RFC 5321 §4.5.2).
async fn data(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut data = String::new();
    while let Some(line) = line(stream).await? {
        if line.trim_end_matches(['\r', '\n']) == "." {
            return Ok(data);
        }
        if data.len() + line.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "mail too long"));
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
