//! A storage SCP that answers what it is told.

use std::sync::{Arc, Mutex};

use dicom_node::access::{AccessControl, PeerInfo, Policy, Refused, Rejection};
use dicom_node::config::NodeConfig;
use dicom_node::query_retrieve_scp::NoQuery;
use dicom_node::receiver::{InstanceReceiver, InstanceSink, StoreReceipt, StoreRequest};
use dicom_node::status::StoreFailure;
use dicom_node::storage_commitment::NoCommitment;
use dicom_node::tls::ServerTls;
use dicom_node::{Node, listener};
use partner::Partner;
use tokio_util::sync::CancellationToken;

use crate::objects::partner;

/// SOP Instance UID and data set.
type Stored = (String, Vec<u8>);

#[derive(Clone, Default)]
pub(crate) struct Archive {
    /// UIDs that are refused, and how.
    pub(crate) refused: Vec<(String, StoreFailure)>,
    /// Associations that it takes at the same time; the others are rejected. 0: any.
    pub(crate) at_most: usize,
    pub(crate) count_only: bool,
    pub(crate) stored: Arc<Mutex<Vec<Stored>>>,
    pub(crate) bytes: Arc<Mutex<u64>>,
    pub(crate) associations: Arc<Mutex<usize>>,
}

pub(crate) struct Peer {
    pub(crate) archive: Archive,
    pub(crate) port: u16,
}

impl Archive {
    pub(crate) async fn start(self) -> Peer {
        self.listen(None).await
    }

    /// With TLS, if given.
    pub(crate) async fn listen(self, tls: Option<ServerTls>) -> Peer {
        let listener = listener::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let node = Node::new(NodeConfig::default(), self.clone(), self.clone(), NoCommitment, NoQuery);
        tokio::spawn(node.serve(listener, tls, CancellationToken::new()));
        Peer { archive: self, port }
    }
}

impl Peer {
    pub(crate) fn partner(&self, more: &str) -> Partner {
        let port = self.port;
        partner(&format!(
            "[transport.dicom]\nhost = '127.0.0.1'\nport = {port}\ncalled = 'LAB'\ncalling = 'RPACS'\n{more}"
        ))
    }
}

impl AccessControl for Archive {
    async fn decide(&self, peer: &PeerInfo) -> Result<Policy, Rejection> {
        assert_eq!((peer.called.as_str(), peer.calling.as_str()), ("LAB", "RPACS"));
        *self.associations.lock().unwrap() += 1;
        Ok(Policy::new("rpacs", if self.at_most == 0 { 100 } else { self.at_most }))
    }

    async fn refused(&self, _: Refused<'_>) {}
}

pub(crate) struct Sink {
    archive: Archive,
    uid: String,
    bytes: Vec<u8>,
}

impl InstanceReceiver for Archive {
    type Sink = Sink;

    async fn begin(&self, request: &StoreRequest) -> Result<Sink, StoreFailure> {
        match self.refused.iter().find(|(uid, _)| *uid == request.sop_instance) {
            Some((_, failure)) => Err(*failure),
            None => Ok(Sink { archive: self.clone(), uid: request.sop_instance.clone(), bytes: Vec::new() }),
        }
    }
}

impl InstanceSink for Sink {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        *self.archive.bytes.lock().unwrap() += bytes.len() as u64;
        if !self.archive.count_only {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        self.archive.stored.lock().unwrap().push((self.uid, self.bytes));
        Ok(StoreReceipt)
    }

    async fn abort(self) {}
}
