//! Storage commitment towards the clinical PACS (AC9.3, PS3.4 Annex J): what it reports as committed is confirmed, what it reports as
//! failed was lost. The report comes on the association of the request or on a new one, to our listener.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use archive::buffer::{self, Commitment, ReturnInstance, ReturnState};
use archive::result_set::ResultSet;
use dicom_node::AssociationError;
use dicom_node::access::PeerInfo;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::STORAGE_COMMITMENT;
use dicom_node::status::CommitmentFailure;
use dicom_node::storage_commitment::{CommitmentHandler, CommitmentReport, CommitmentRequest, Reference};
use dicom_stream::TransferSyntax;
use uuid::Uuid;

use crate::clinical_pacs::associate;
use crate::config::NodeConfig;
use crate::line::{Line, StageError};

/// Instances of one request.
const INSTANCES: usize = 2000;
/// How long the association of the request is kept for a report.
const SAME_ASSOCIATION: Duration = Duration::from_secs(2);
/// How long a report may take.
const REPORT_MS: i64 = 6 * 3_600_000;
/// Rounds of requests without a report for each of them, and in all, until a person has to look.
const UNREPORTED: usize = 3;
const ROUNDS: usize = 12;
/// Shortest and longest wait between two looks for a report.
const LOOK_MS: (i64, i64) = (2_000, 600_000);

/// What asking for commitment came to.
pub(crate) enum Asked {
    /// The report is due; look again then, epoch milliseconds.
    Waiting(i64),
    /// Every instance is reported on.
    Answered,
    /// The node does not offer the service, or refuses the request.
    Refused,
}

/// Asks `node` to commit to what of a set it took and was not asked about yet.
///
/// # Errors
/// [`StageError::Association`]: try again later; [`StageError::NoReport`].
pub(crate) async fn ask(line: &Arc<Line>, node: &NodeConfig, set: &ResultSet) -> Result<Asked, StageError> {
    let now = line.clock.now();
    let requests = buffer::commitments_of(line.buffer.reader(), set.id).await?;
    let unreported: Vec<&Commitment> = requests.iter().filter(|of| of.reported_at.is_none()).collect();
    let due = sent(line, set).await?;
    if due.is_empty() {
        return Ok(Asked::Answered);
    }
    if let Some(last) = unreported.last() {
        let waited = now - last.requested_at;
        if waited < REPORT_MS {
            return Ok(Asked::Waiting(now + (waited / 2).clamp(LOOK_MS.0, LOOK_MS.1)));
        }
    }
    if has_asked_enough(&requests) {
        // After the person's retry it is asked anew.
        let mut transaction = line.buffer.write().await?;
        buffer::forget_commitments(&mut transaction, set.id).await?;
        transaction.commit().await?;
        return Err(StageError::NoReport(node.name.clone()));
    }
    for instances in due.chunks(INSTANCES) {
        if !request(line, node, set, instances, now).await? {
            return Ok(Asked::Refused);
        }
    }
    let is_answered = sent(line, set).await?.is_empty();
    Ok(if is_answered { Asked::Answered } else { Asked::Waiting(now + LOOK_MS.0) })
}

/// Whether the node had its chances. Counted in rounds, which share their time: a large set takes several requests at once.
fn has_asked_enough(requests: &[Commitment]) -> bool {
    let rounds: BTreeSet<i64> = requests.iter().map(|of| of.requested_at).collect();
    let unreported: BTreeSet<i64> =
        requests.iter().filter(|of| of.reported_at.is_none()).map(|of| of.requested_at).collect();
    unreported.len() >= UNREPORTED || rounds.len() >= ROUNDS
}

/// What the node took and has not committed to.
async fn sent(line: &Line, set: &ResultSet) -> Result<Vec<ReturnInstance>, StageError> {
    let mut instances = buffer::return_of(line.buffer.reader(), set.id).await?;
    instances.retain(|of| of.state == ReturnState::Sent);
    Ok(instances)
}

/// One request of the round of `now`; whether it was taken.
async fn request(
    line: &Arc<Line>,
    node: &NodeConfig,
    set: &ResultSet,
    instances: &[ReturnInstance],
    now: i64,
) -> Result<bool, StageError> {
    let commitment = Commitment {
        transaction: format!("2.25.{}", Uuid::new_v4().as_u128()),
        result_set: set.id,
        node: node.name.clone(),
        requested_at: now,
        reported_at: None,
    };
    // Noted first: the report may be faster than the answer.
    let mut transaction = line.buffer.write().await?;
    buffer::open_commitment(&mut transaction, &commitment).await?;
    transaction.commit().await?;
    let instances = instances.iter().map(|of| Reference {
        sop_class: of.instance.sop_class_uid.clone(),
        sop_instance: of.instance.sop_instance_uid.clone(),
    });
    let request =
        CommitmentRequest { transaction: commitment.transaction.clone(), instances: instances.collect() };
    let is_taken = match ask_once(line, node, &request).await {
        Ok(is_taken) => is_taken,
        Err(error) => {
            close(line, &commitment.transaction).await?;
            return Err(error);
        }
    };
    if !is_taken {
        close(line, &commitment.transaction).await?;
    }
    Ok(is_taken)
}

async fn ask_once(
    line: &Arc<Line>,
    node: &NodeConfig,
    request: &CommitmentRequest,
) -> Result<bool, StageError> {
    let context = ProposedContext::new(STORAGE_COMMITMENT, &[TransferSyntax::IMPLICIT_LITTLE.uid]);
    let mut association = associate(node, &[context]).await?;
    match association.request_commitment(request).await {
        Ok(status) if status.is_done() => {}
        Ok(_) | Err(AssociationError::NoContext) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let handler = Reports { line: Arc::clone(line), asked: Some(node.name.clone()) };
    // However this association ends: the request was taken, and the report comes on it or on another one.
    match association.await_report(&handler, SAME_ASSOCIATION).await {
        Ok(true) => association.release().await.unwrap_or_default(),
        Ok(false) => {}
        Err(error) => {
            tracing::info!(node = node.name, %error, "the report is awaited on another association")
        }
    }
    Ok(true)
}

async fn close(line: &Line, transaction_uid: &str) -> Result<(), StageError> {
    let mut transaction = line.buffer.write().await?;
    buffer::close_commitment(&mut transaction, transaction_uid, line.clock.now()).await?;
    Ok(transaction.commit().await?)
}

/// Takes reports for requests of ours; never a request.
pub struct Reports {
    line: Arc<Line>,
    /// Name of the node that was asked on this very association; `None` on our listener.
    asked: Option<String>,
}

impl Reports {
    /// For the listener: a report counts from the node that was asked, by its calling title.
    #[must_use]
    pub fn new(line: Arc<Line>) -> Self {
        Self { line, asked: None }
    }

    fn is_from(&self, peer: &PeerInfo, node: &str) -> bool {
        match &self.asked {
            Some(asked) => asked == node,
            None => self.line.nodes.get(node).is_some_and(|node| node.ae_title == peer.calling),
        }
    }

    async fn take(&self, peer: &PeerInfo, report: CommitmentReport) -> Result<bool, StageError> {
        let line = &self.line;
        let Some(asked) = buffer::commitment(line.buffer.reader(), &report.transaction).await? else {
            // Its set has ended.
            return Ok(true);
        };
        if !self.is_from(peer, &asked.node) {
            return Ok(false);
        }
        let now = line.clock.now();
        let of_set = buffer::return_of(line.buffer.reader(), asked.result_set).await?;
        let find = |reference: &Reference| {
            of_set.iter().find(|of| {
                of.state == ReturnState::Sent
                    && of.instance.sop_instance_uid == reference.sop_instance
                    && of.instance.sop_class_uid == reference.sop_class
            })
        };
        let mut transaction = line.buffer.write().await?;
        // What is said to be both is not kept.
        for (reference, reason) in &report.failed {
            if let Some(of) = find(reference) {
                let status = format!("0x{reason:04X}");
                buffer::note_return(&mut transaction, of.instance.id, ReturnState::Failed, &status, now)
                    .await?;
            }
        }
        let has_failed = |reference: &Reference| report.failed.iter().any(|(failed, _)| failed == reference);
        for reference in report.committed.iter().filter(|reference| !has_failed(reference)) {
            if let Some(of) = find(reference) {
                buffer::note_return(
                    &mut transaction,
                    of.instance.id,
                    ReturnState::Confirmed,
                    BY_COMMITMENT,
                    now,
                )
                .await?;
            }
        }
        buffer::close_commitment(&mut transaction, &report.transaction, now).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// How an instance was confirmed, for the ledger.
pub(crate) const BY_COMMITMENT: &str = "storage commitment";

impl CommitmentHandler for Reports {
    async fn requested(&self, _: &PeerInfo, _: CommitmentRequest) -> Result<(), CommitmentFailure> {
        Err(CommitmentFailure::NotAuthorised)
    }

    async fn reported(&self, peer: &PeerInfo, report: CommitmentReport) -> Result<(), CommitmentFailure> {
        match self.take(peer, report).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(CommitmentFailure::NotAuthorised),
            Err(error) => {
                tracing::error!(%error, "a storage commitment report cannot be noted");
                Err(CommitmentFailure::ProcessingFailure)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round at `at`: for each of its requests, whether it was reported on.
    fn round(at: i64, reported: &[bool]) -> Vec<Commitment> {
        let of = |is_reported: &bool| Commitment {
            transaction: String::new(),
            result_set: Uuid::nil(),
            node: "pacs".to_owned(),
            requested_at: at,
            reported_at: is_reported.then_some(at + 1),
        };
        reported.iter().map(of).collect()
    }

    #[test]
    fn the_last_instances_of_a_large_set_are_asked_about_as_often_as_those_of_a_small_one() {
        // 30,000 instances: 15 requests, of which only the last has no report.
        let mut first = vec![true; 14];
        first.push(false);
        let mut requests = round(1, &first);
        assert!(!has_asked_enough(&requests));
        requests.extend(round(2, &[false]));
        assert!(!has_asked_enough(&requests));
        requests.extend(round(3, &[false]));
        assert!(has_asked_enough(&requests), "three times without a report");
    }

    #[test]
    fn what_is_reported_and_asked_again_comes_to_an_end() {
        let of = |rounds: i64| (0..rounds).flat_map(|at| round(at, &[true; 40])).collect::<Vec<_>>();
        assert!(!has_asked_enough(&of(11)));
        assert!(has_asked_enough(&of(12)));
    }
}
