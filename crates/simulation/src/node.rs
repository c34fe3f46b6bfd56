//! A DICOM node in process, and how a peer is named.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use dicom_node::access::{AccessControl, PeerInfo, Policy, Refused, Rejection};
use dicom_node::config::NodeConfig;
use dicom_node::listener::listen;
use dicom_node::query_retrieve_scp::QueryHandler;
use dicom_node::storage_commitment::CommitmentHandler;
use dicom_node::{AeTitle, Node, RemoteNode};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::SimulationError;
use crate::store::{Intake, Receiver};

/// Associations that a simulated node serves at the same time.
const ASSOCIATIONS: usize = 16;

/// A DICOM node by title and address: `TITLE@HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// AE title.
    pub title: AeTitle,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.title, self.host, self.port)
    }
}

impl FromStr for Peer {
    type Err = SimulationError;

    fn from_str(text: &str) -> Result<Self, SimulationError> {
        let parse = || {
            let (title, address) = text.split_once('@')?;
            let (host, port) = address.rsplit_once(':')?;
            let host = host.trim_matches(['[', ']']).to_owned();
            Some(Self { title: AeTitle::new(title).ok()?, host, port: port.parse().ok()? })
        };
        parse().ok_or_else(|| SimulationError::UnknownWord(text.to_owned(), "TITLE@HOST:PORT".to_owned()))
    }
}

impl Peer {
    pub(crate) fn remote(&self, calling: &AeTitle) -> RemoteNode {
        RemoteNode {
            called: self.title.clone(),
            calling: calling.clone(),
            host: self.host.clone(),
            port: self.port,
            tls: None,
        }
    }
}

/// Everyone may associate who knows our title.
struct Access<P> {
    title: AeTitle,
    policy: P,
}

impl<P: Fn() -> Policy + Send + Sync + 'static> AccessControl for Access<P> {
    async fn decide(&self, peer: &PeerInfo) -> Result<Policy, Rejection> {
        if peer.called == self.title { Ok((self.policy)()) } else { Err(Rejection::CALLED_TITLE) }
    }

    async fn refused(&self, _: Refused<'_>) {}
}

/// A policy of everything that a simulated node may offer; `query` is left to the caller.
pub(crate) fn policy() -> Policy {
    Policy { commitment_requests: true, commitment_reports: false, ..Policy::new("peer", ASSOCIATIONS) }
}

/// A node that serves until it is stopped or dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start<I, C, Q>(
        address: SocketAddr,
        title: AeTitle,
        policy: impl Fn() -> Policy + Send + Sync + 'static,
        intake: Arc<I>,
        commitment: C,
        query: Q,
    ) -> Result<Self, SimulationError>
    where
        I: Intake,
        C: CommitmentHandler,
        Q: QueryHandler,
    {
        let failed = |source| SimulationError::Listen { address, source };
        let listener = listen(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let config = NodeConfig {
            associations: ASSOCIATIONS,
            pending: ASSOCIATIONS,
            max_instance_bytes: intake.longest() as u64,
            drain_seconds: 2,
            ..NodeConfig::default()
        };
        let node = Node::new(config, Access { title, policy }, Receiver(intake), commitment, query);
        let stop = CancellationToken::new();
        let task = tokio::spawn(node.serve(listener, None, stop.clone()));
        Ok(Self { address, stop, task })
    }

    /// Ends running associations; returns when the port is free.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let _ = (&mut self.task).await; // it only ends by its own return
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_written_as_it_is_read() {
        let peer: Peer = "PACS@127.0.0.1:104".parse().unwrap();
        assert_eq!((peer.title.as_str(), &*peer.host, peer.port), ("PACS", "127.0.0.1", 104));
        assert_eq!(peer.to_string(), "PACS@127.0.0.1:104");
        assert_eq!("PACS@[::1]:104".parse::<Peer>().unwrap().host, "::1");
        for bad in ["PACS", "@host:1", "A@host", "A@host:99999"] {
            assert!(bad.parse::<Peer>().is_err(), "{bad}");
        }
    }
}
