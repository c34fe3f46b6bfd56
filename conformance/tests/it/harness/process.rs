//! A peer as a process.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use super::wait_until;

/// A peer that listens; gone with this value.
pub(crate) struct Peer {
    child: Child,
    pub(crate) port: u16,
}

impl Peer {
    /// Starts it and waits until it listens on `port`.
    pub(crate) fn start(mut command: Command, port: u16) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let peer = Self { child, port };
        peer.wait_for(port);
        peer
    }

    /// Waits until it listens on a further port too.
    pub(crate) fn wait_for(&self, port: u16) {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_until("a peer listens", || TcpStream::connect(address).is_ok());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
