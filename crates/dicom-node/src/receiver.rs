//! What the storage SCP hands instances to; the pipeline implements it.

use crate::access::PeerInfo;
use crate::status::StoreFailure;
use std::future::Future;
use std::sync::Arc;

/// One C-STORE-RQ (PS3.7 §9.3.1.1) whose data set is about to arrive. The UIDs are legal UIDs (PS3.5 §9.1).
#[derive(Debug, Clone)]
pub struct StoreRequest {
    /// Who sends.
    pub peer: Arc<PeerInfo>,
    /// Affected SOP Class UID (0000,0002); the abstract syntax of the context.
    pub sop_class: String,
    /// Affected SOP Instance UID (0000,1000).
    pub sop_instance: String,
    /// Transfer syntax of the data set.
    pub transfer_syntax: String,
    /// Message ID (0000,0110).
    pub message_id: u16,
}

/// Proof that an instance is durable. Only with it success is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreReceipt;

/// Takes the instances of a storage SCP, or of a C-GET.
pub trait InstanceReceiver: Send + Sync + 'static {
    /// Where one instance goes.
    type Sink: InstanceSink;

    /// An instance is announced. After an error its data set is dropped, the error is answered and the association
    /// goes on.
    ///
    /// # Errors
    /// The kind of failure to answer.
    fn begin(&self, request: &StoreRequest) -> impl Future<Output = Result<Self::Sink, StoreFailure>> + Send;

    /// An association of `peer` ended, by whatever cause; nothing more comes on it.
    fn association_ended(&self, peer: &PeerInfo) -> impl Future<Output = ()> + Send {
        let _ = peer;
        async {}
    }
}

/// One instance on its way in. Dropped without `commit`, it must leave nothing behind.
pub trait InstanceSink: Send {
    /// The next bytes of the data set, as they came from the network: any number, any boundary.
    ///
    /// # Errors
    /// The kind of failure to answer; the sink is then aborted and the rest dropped.
    fn chunk(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), StoreFailure>> + Send;

    /// The data set is complete. Success is answered after this returned `Ok`, so the instance has to be durable.
    ///
    /// # Errors
    /// The kind of failure to answer.
    fn commit(self) -> impl Future<Output = Result<StoreReceipt, StoreFailure>> + Send;

    /// The instance will not be completed: remove what is there.
    fn abort(self) -> impl Future<Output = ()> + Send;
}
