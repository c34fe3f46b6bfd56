//! Access control, receiver and commitment handler that remember what they were told.

use dicom_node::access::{AccessControl, PeerInfo, Policy, Refused, Rejection};
use dicom_node::query_retrieve_scp::{Query, QueryHandler, Rows};
use dicom_node::receiver::{InstanceReceiver, InstanceSink, StoreReceipt, StoreRequest};
use dicom_node::status::{CommitmentFailure, QueryFailure, StoreFailure};
use dicom_node::storage_commitment::{CommitmentHandler, CommitmentReport, CommitmentRequest};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) policy: Policy,
    pub(crate) seen: Arc<Mutex<Vec<PeerInfo>>>,
    pub(crate) refused: Arc<Mutex<Vec<String>>>,
}

impl Default for Access {
    fn default() -> Self {
        let policy = Policy { commitment_requests: true, query: true, ..Policy::new("modality", 10) };
        Self { policy, seen: Arc::default(), refused: Arc::default() }
    }
}

impl AccessControl for Access {
    async fn decide(&self, peer: &PeerInfo) -> Result<Policy, Rejection> {
        self.seen.lock().unwrap().push(peer.clone());
        match (peer.called.as_str(), peer.calling.as_str()) {
            ("ARCHIVE", "MODALITY") => Ok(self.policy.clone()),
            ("ARCHIVE", "SECOND_NODE") => Ok(Policy::new("second", 10)),
            ("ARCHIVE", _) => Err(Rejection::CALLING_TITLE),
            _ => Err(Rejection::CALLED_TITLE),
        }
    }

    async fn refused(&self, refused: Refused<'_>) {
        let line = match refused {
            Refused::Association { peer, rejection } => {
                let Rejection { result, source, reason } = rejection;
                format!("{} {} {} {result}{source}{reason}", peer.address, peer.calling, peer.called)
            }
            Refused::Tls { .. } => "tls".to_owned(),
            _ => "garbage".to_owned(),
        };
        self.refused.lock().unwrap().push(line);
    }
}

/// A request and its whole data set.
type Stored = (StoreRequest, Vec<u8>);

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) fail_begin: Option<StoreFailure>,
    /// Fails once that many bytes have arrived.
    pub(crate) fail_chunk: Option<(usize, StoreFailure)>,
    pub(crate) fail_commit: Option<StoreFailure>,
    /// A commit takes one permit, so that a test can hold it back.
    pub(crate) commits: Arc<Semaphore>,
    pub(crate) stored: Arc<Mutex<Vec<Stored>>>,
    pub(crate) aborted: Arc<Mutex<usize>>,
    pub(crate) ended: Arc<Mutex<usize>>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            fail_begin: None,
            fail_chunk: None,
            fail_commit: None,
            commits: Arc::new(Semaphore::new(1000)),
            stored: Arc::default(),
            aborted: Arc::default(),
            ended: Arc::default(),
        }
    }
}

impl Receiver {
    pub(crate) fn bytes(&self) -> Vec<Vec<u8>> {
        self.stored.lock().unwrap().iter().map(|(_, bytes)| bytes.clone()).collect()
    }

    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.stored.lock().unwrap().len(), *self.aborted.lock().unwrap(), *self.ended.lock().unwrap())
    }
}

pub(crate) struct Sink {
    receiver: Receiver,
    request: StoreRequest,
    bytes: Vec<u8>,
}

impl InstanceReceiver for Receiver {
    type Sink = Sink;

    async fn begin(&self, request: &StoreRequest) -> Result<Sink, StoreFailure> {
        match self.fail_begin {
            Some(failure) => Err(failure),
            None => Ok(Sink { receiver: self.clone(), request: request.clone(), bytes: Vec::new() }),
        }
    }

    async fn association_ended(&self, _: &PeerInfo) {
        *self.ended.lock().unwrap() += 1;
    }
}

impl InstanceSink for Sink {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        self.bytes.extend_from_slice(bytes);
        match self.receiver.fail_chunk {
            Some((after, failure)) if self.bytes.len() >= after => Err(failure),
            _ => Ok(()),
        }
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        self.receiver.commits.acquire().await.unwrap().forget();
        if let Some(failure) = self.receiver.fail_commit {
            return Err(failure);
        }
        self.receiver.stored.lock().unwrap().push((self.request, self.bytes));
        Ok(StoreReceipt)
    }

    async fn abort(self) {
        *self.receiver.aborted.lock().unwrap() += 1;
    }
}

#[derive(Clone, Default)]
pub(crate) struct Commitment {
    pub(crate) requests: Arc<Mutex<Vec<CommitmentRequest>>>,
    pub(crate) reports: Arc<Mutex<Vec<CommitmentReport>>>,
}

impl CommitmentHandler for Commitment {
    async fn requested(&self, _: &PeerInfo, request: CommitmentRequest) -> Result<(), CommitmentFailure> {
        self.requests.lock().unwrap().push(request);
        Ok(())
    }

    async fn reported(&self, _: &PeerInfo, report: CommitmentReport) -> Result<(), CommitmentFailure> {
        self.reports.lock().unwrap().push(report);
        Ok(())
    }
}

/// Answers a query with as many rows as its identifier has bytes; "bad" is refused.
#[derive(Clone, Copy)]
pub(crate) struct Counting;

pub(crate) struct Count(usize);

impl QueryHandler for Counting {
    type Rows = Count;

    async fn find(&self, query: Query) -> Result<Count, QueryFailure> {
        match query.identifier.as_slice() {
            b"bad" => Err(QueryFailure::IdentifierDoesNotMatchSopClass),
            identifier => Ok(Count(identifier.len())),
        }
    }
}

impl Rows for Count {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, QueryFailure> {
        tokio::task::yield_now().await;
        let row = (self.0 > 0).then(|| b"a row".to_vec());
        self.0 = self.0.saturating_sub(1);
        Ok(row)
    }
}
