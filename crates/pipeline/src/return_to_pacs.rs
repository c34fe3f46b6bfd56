//! Stage *return_to_pacs*: pushes a released set to the clinical PACS (step 9). Z5 → clinical PACS, through the gate. Item state:
//! RETURNED; the confirmation is still due.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use archive::buffer::{self, ReturnInstance, ReturnState};
use archive::job;
use archive::job_queue::{self, ClaimedJob, NewEntry};
use archive::ledger::{self, LedgerEvent};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::zone::Zone;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::VERIFICATION;
use dicom_node::storage_scu::{OutgoingInstance, storage_contexts};
use dicom_node::stream::NetStream;
use dicom_node::{Association, AssociationError};
use dicom_stream::TransferSyntax;
use notification::EventType;
use pseudonym::{Purpose, VaultError};
use register::{Decision, Outflow};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::clinical_pacs::associate;
use crate::collision::collision;
use crate::identity_check::{Checked, IdentityCheck, WRITTEN, check_identity, identity_hash};
use crate::line::{Line, Project, StageError};
use crate::own_record::of_one_identity;
use crate::progress::stage;
use crate::stored_object::open_data_set;
use crate::{confirm, export, gate, notify, reconcile};

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "return";
/// The status of an instance that the node offered no context for.
const NO_CONTEXT: &str = "class not accepted";

/// One association at a time brings results to a node: there are archives that take no second one, and some that keep one object of two that
/// come in the same second.
#[derive(Debug, Default)]
pub struct Turns(std::sync::Mutex<BTreeMap<String, Arc<Mutex<()>>>>);

impl Turns {
    async fn at(&self, node: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(node.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}

/// Pushes what of the set `claimed.subject` the clinical PACS does not have yet.
///
/// # Errors
/// Any [`StageError`]: the driver repeats, or calls a person.
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let mut set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    let mut turn = None;
    if set.state == ResultSetState::Released {
        turn = Some(line.turns.at(&line.return_node(project)?.name).await);
        // Whoever had to wait looks at everything as it is now.
        set = result_set::show(line.main.reader(), claimed.subject).await?;
    }
    if set.state == ResultSetState::Released {
        let job = job::show(line.main.reader(), set.job).await?;
        let decision = gate::pass(line, project, &job, set.id, Outflow::give_back).await?;
        let instances = buffer::return_of(line.buffer.reader(), set.id).await?;
        let due: Vec<ReturnInstance> = instances
            .into_iter()
            .filter(|of| !matches!(of.state, ReturnState::Sent | ReturnState::Confirmed))
            .collect();
        if !due.is_empty() {
            // A release may be days younger than the first check: what is pushed is checked against what is true now.
            if let Some(cause) = not_theirs_any_more(line, project, &set, &due).await? {
                return stop(line, project, &set, claimed, cause).await;
            }
            if let Some(cause) = collision(line, line.return_node(project)?, &due).await? {
                return stop(line, project, &set, claimed, cause).await;
            }
            push(line, project, &set, &due, &decision).await?;
        }
    }
    drop(turn);
    conclude(line, project, &set, claimed).await
}

/// Why the identity in these objects is no longer the one to return them with; `None` when it still is.
async fn not_theirs_any_more(
    line: &Arc<Line>,
    project: &Project,
    set: &ResultSet,
    due: &[ReturnInstance],
) -> Result<Option<&'static str>, StageError> {
    let job = job::show(line.main.reader(), set.job).await?;
    let participant = export::participant(&job)?;
    let purpose = Purpose::new("return", "research-pacs", &line.site, &format!("job {}", job.id))?;
    let access = match line.vault.reidentify(&job.project, participant, &purpose, line.clock.now()).await {
        Ok(access) => access,
        Err(VaultError::Opposed) => return Ok(Some("opposed")),
        Err(VaultError::Erased) => return Ok(Some("erased")),
        Err(VaultError::Unknown(_)) => return Ok(Some("participant-unknown")),
        Err(error) => return Err(error.into()),
    };
    let accepted = reconcile::accepted(line, set).await?;
    if access.merged_into().is_some() && !accepted.covers("participant-merged") {
        return Ok(Some("participant-merged"));
    }
    let record = line.vault.export_record(&job.first_increment.to_string()).await?;
    let records = match line.vault.own_records(&access, &record.study).await {
        Ok(records) => records,
        Err(VaultError::Unknown(_)) => return Ok(Some("no-identity-as-received")),
        Err(error) => return Err(error.into()),
    };
    let Some(own) = of_one_identity(records) else { return Ok(Some("several-identities-as-received")) };
    if due.iter().any(|of| of.instance.study_instance_uid != own.study) {
        return Ok(Some("another-study"));
    }
    let written = buffer::evidence_of(line.buffer.reader(), set.id).await?.remove(WRITTEN);
    Ok(match check_identity(line.return_node(project)?, &own, &accepted).await? {
        // The identity in the objects is still the one that would be written now; what was not checked, a person released.
        Checked::Known { own, .. } if written == Some(identity_hash(&own)) => None,
        Checked::Known { .. } => Some(IdentityCheck::Differs.as_str()),
        Checked::Ask { check, .. } => Some(check.as_str()),
    })
}

/// Nothing is pushed; a person has to look.
async fn stop(
    line: &Line,
    project: &Project,
    set: &ResultSet,
    claimed: &ClaimedJob,
    cause: &'static str,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    let event = notify::event(EventType::ReturnFailed, &project.config.id, set.job, 0, 0, now);
    notify::enqueue(line, &mut transaction, &event).await?;
    let change = stage(project, "return", cause, now);
    result_set::advance(&mut transaction, set.id, ResultSetEvent::Attention, &change).await?;
    transaction.commit().await?;
    line.work.notify_one();
    line.messages.notify_one();
    Ok(())
}

async fn push(
    line: &Arc<Line>,
    project: &Project,
    set: &ResultSet,
    due: &[ReturnInstance],
    decision: &Decision,
) -> Result<(), StageError> {
    let node = line.return_node(project)?;
    let pairs =
        due.iter().map(|of| (of.instance.sop_class_uid.as_str(), of.instance.transfer_syntax_uid.as_str()));
    let mut contexts = storage_contexts(pairs);
    contexts.truncate(127);
    contexts.push(ProposedContext::new(VERIFICATION, &[TransferSyntax::IMPLICIT_LITTLE.uid]));
    let mut association = associate(node, &contexts).await?;
    // AC9.6: a failure here leaves everything as it was.
    association.echo().await?;
    for of in due {
        let (state, status) = store(line, &mut association, of).await?;
        note(line, project, set, of, state, &status, decision).await?;
    }
    Ok(association.release().await?)
}

async fn store(
    line: &Line,
    association: &mut Association<NetStream>,
    of: &ReturnInstance,
) -> Result<(ReturnState, String), StageError> {
    let instance = &of.instance;
    let (file, _) = open_data_set(&line.blobs, Zone::ReturnBuffer, instance.id)?;
    let outgoing = OutgoingInstance {
        sop_class: &instance.sop_class_uid,
        sop_instance: &instance.sop_instance_uid,
        transfer_syntax: &instance.transfer_syntax_uid,
        move_originator: None,
    };
    match association.store(&outgoing, &mut tokio::fs::File::from_std(file)).await {
        Ok(status) if status.is_done() => Ok((ReturnState::Sent, format!("0x{:04X}", status.0))),
        Ok(status) => Ok((ReturnState::Failed, format!("0x{:04X}", status.0))),
        Err(AssociationError::NoContext) => Ok((ReturnState::Failed, NO_CONTEXT.to_owned())),
        Err(error) => Err(error.into()),
    }
}

async fn note(
    line: &Line,
    project: &Project,
    set: &ResultSet,
    of: &ReturnInstance,
    state: ReturnState,
    status: &str,
    decision: &Decision,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let hash = format!("blake3:{}", blake3::Hash::from_bytes(of.instance.blake3));
    let event = if state == ReturnState::Sent { LedgerEvent::Returned } else { LedgerEvent::Failed };
    let entry = ledger::Line {
        event,
        project: &project.config.id,
        job: Some(set.job),
        result_set: Some(set.id),
        instance: of.instance.id,
        destination: project.config.results.as_ref().map_or("", |results| results.return_to.as_str()),
        hash: &hash,
        bytes: of.instance.bytes,
        dossier_version: &project.dossier_version,
        gate_hash: Some(&decision.hash),
        cause: status,
        at: now,
    };
    let mut transaction = line.main.write().await?;
    ledger::append(&mut transaction, &[entry]).await?;
    transaction.commit().await?;
    let mut transaction = line.buffer.write().await?;
    buffer::note_return(&mut transaction, of.instance.id, state, status, now).await?;
    Ok(transaction.commit().await?)
}

/// Everything pushed: ask for the confirmation. Something refused: a person has to look (INV-7, AC10.3).
async fn conclude(
    line: &Line,
    project: &Project,
    set: &ResultSet,
    claimed: &ClaimedJob,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let progress = buffer::return_progress(line.buffer.reader(), set.id).await?;
    let count = |wanted: ReturnState| {
        progress.iter().filter(|(state, _)| *state == wanted).map(|(_, n)| n).sum::<u64>()
    };
    let (failed, all) = (count(ReturnState::Failed), progress.iter().map(|(_, n)| n).sum::<u64>());
    let mut transaction = line.main.write().await?;
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    if set.state == ResultSetState::Released {
        if failed > 0 {
            let kind = if failed == all { EventType::ReturnFailed } else { EventType::ReturnPartial };
            let event = notify::event(kind, &project.config.id, set.job, all, failed, now);
            notify::enqueue(line, &mut transaction, &event).await?;
            let change = stage(project, "return", "instances refused by the clinical PACS", now);
            result_set::advance(&mut transaction, set.id, ResultSetEvent::Attention, &change).await?;
        } else {
            let entry = NewEntry { kind: confirm::KIND, subject: set.id, partner: None, run_at: now };
            job_queue::enqueue(&mut transaction, entry, now).await?;
        }
    }
    transaction.commit().await?;
    line.work.notify_one();
    line.messages.notify_one();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_is_brought_results_by_one_association_at_a_time() {
        let turns = Turns::default();
        let first = turns.at("pacs").await;
        let mut second = std::pin::pin!(turns.at("pacs"));
        assert!(at_once(second.as_mut()).is_none(), "the first is not done");
        drop(turns.at("another").await);
        drop(first);
        assert!(at_once(second.as_mut()).is_some());
    }

    /// What a future answers without waiting.
    fn at_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(answer) => Some(answer),
            std::task::Poll::Pending => None,
        }
    }
}
