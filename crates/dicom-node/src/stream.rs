//! Byte streams under an association: TCP, TLS over TCP, or anything else in tests.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// What an association runs on.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Called before each read. A TCP socket re-arms TCP_QUICKACK here: the kernel clears it, and a peer that writes a
    /// message in two pieces with Nagle's algorithm on would wait 40 ms for a delayed acknowledgement.
    fn rearm(&self) {}
}

impl Stream for DuplexStream {}

impl Stream for TcpStream {
    fn rearm(&self) {
        #[cfg(target_os = "linux")]
        let _ = self.set_quickack(true); // only a hint: without it the exchange is slower, not wrong
    }
}

/// A network connection, plain or with TLS.
#[derive(Debug)]
pub enum NetStream {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP, either side.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream for NetStream {
    fn rearm(&self) {
        match self {
            Self::Plain(tcp) => tcp.rearm(),
            Self::Tls(tls) => tls.get_ref().0.rearm(),
        }
    }
}

impl AsyncRead for NetStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for NetStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
