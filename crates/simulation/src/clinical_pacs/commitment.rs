//! Storage commitment of the PACS: requests are noted, reports go out on an association of its own (PS3.4 Annex J).

use std::sync::Arc;
use std::time::Duration;

use dicom_node::access::PeerInfo;
use dicom_node::config::NodeConfig;
use dicom_node::presentation_context::{ProposedContext, Roles};
use dicom_node::sop_class::STORAGE_COMMITMENT;
use dicom_node::status::CommitmentFailure;
use dicom_node::storage_commitment::{CommitmentHandler, CommitmentReport, CommitmentRequest};
use dicom_node::{AeTitle, AssociationError};
use dicom_stream::TransferSyntax;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::node::Peer;
use crate::store::Store;

/// Requests that wait for their report.
const WAITING: usize = 256;
/// Attempts of a report, and the pause between them.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_secs(1);
/// Failure Reason "no such object instance" (PS3.3 §C.14.1.1).
const NO_SUCH_INSTANCE: u16 = 0x0112;

/// Where requests are noted.
#[derive(Clone)]
pub(super) struct Desk {
    peers: Arc<[Peer]>,
    waiting: mpsc::Sender<(Peer, CommitmentRequest)>,
}

impl Desk {
    /// Opens the desk; its clerk works until `stop`.
    pub(super) fn open(title: AeTitle, peers: Vec<Peer>, store: Arc<Store>, stop: CancellationToken) -> Self {
        let (waiting, mut requests) = mpsc::channel::<(Peer, CommitmentRequest)>(WAITING);
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            while let Some((peer, request)) = requests.recv().await {
                let report = report(&store, request);
                if !deliver(&title, &peer, &report).await {
                    tracing::warn!(peer = %peer.title, "a storage commitment report could not be delivered");
                }
            }
        }));
        Self { peers: peers.into(), waiting }
    }
}

impl CommitmentHandler for Desk {
    async fn requested(&self, peer: &PeerInfo, request: CommitmentRequest) -> Result<(), CommitmentFailure> {
        let known = self.peers.iter().find(|known| known.title == peer.calling);
        let known = known.ok_or(CommitmentFailure::NotAuthorised)?.clone();
        self.waiting.try_send((known, request)).map_err(|_| CommitmentFailure::OutOfResources)
    }

    async fn reported(&self, _: &PeerInfo, _: CommitmentReport) -> Result<(), CommitmentFailure> {
        Err(CommitmentFailure::NotAuthorised) // it never asks
    }
}

fn report(store: &Store, request: CommitmentRequest) -> CommitmentReport {
    let held = store.references();
    let (committed, failed): (Vec<_>, Vec<_>) = request
        .instances
        .into_iter()
        .partition(|instance| held.contains(&(instance.sop_class.clone(), instance.sop_instance.clone())));
    let failed = failed.into_iter().map(|instance| (instance, NO_SUCH_INSTANCE)).collect();
    CommitmentReport { transaction: request.transaction, committed, failed }
}

async fn deliver(title: &AeTitle, peer: &Peer, report: &CommitmentReport) -> bool {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if deliver_once(title, peer, report).await.is_ok_and(|done| done) {
            return true;
        }
    }
    false
}

async fn deliver_once(
    title: &AeTitle,
    peer: &Peer,
    report: &CommitmentReport,
) -> Result<bool, AssociationError> {
    let context = ProposedContext::new(STORAGE_COMMITMENT, &[TransferSyntax::IMPLICIT_LITTLE.uid]);
    let remote = peer.remote(title);
    let mut association = remote
        .associate(&[context.with_roles(Roles::SCP)], &NodeConfig::default(), CancellationToken::new())
        .await?;
    let status = association.report_commitment(report).await?;
    association.release().await?;
    Ok(status.is_done())
}
