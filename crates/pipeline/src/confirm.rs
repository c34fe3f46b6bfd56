//! Stage *confirm*: the clinical PACS says itself that it holds each instance: by storage commitment where it supports that, else by
//! C-FIND (AC9.3). What it took and lost is pushed again, a few times. State of the result set: returned, then notified;
//! `return.confirmed` fires only here (AC10.2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use archive::buffer::{self, ReturnInstance, ReturnState};
use archive::job;
use archive::job_queue::{self, ClaimedJob, NewEntry};
use archive::ledger::{self, LedgerEvent, Of};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::state::Change;
use notification::EventType;
use register::{Actor, AuditEvent, AuditRecord, Outflow, Text};
use uuid::Uuid;

use crate::clinical_pacs::held_instances;
use crate::commitment::{self, Asked};
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::{close, gate, notify, return_to_pacs};

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "confirm";
/// Looks in vain after which something counts as lost: an archive may be slow to answer for what it took.
const LOOKS: i32 = 4;
/// How often the clinical PACS may take an instance and lose it, before a person is called.
const PUSHES: u32 = 3;

/// Asks the clinical PACS about the set `claimed.subject`.
///
/// # Errors
/// [`StageError::NotConfirmed`] while something is missing: repeated; [`StageError::Lost`]: a person is called.
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    if set.state == ResultSetState::Released {
        let node = line.return_node(project)?;
        let asked = match node.storage_commitment {
            true => commitment::ask(line, node, &set).await?,
            false => Asked::Refused,
        };
        match asked {
            Asked::Waiting(until) => {
                let mut transaction = line.main.write().await?;
                job_queue::postpone(&mut transaction, claimed.lease, until, line.clock.now()).await?;
                return Ok(transaction.commit().await?);
            }
            Asked::Refused => look(line, project, &set).await?,
            Asked::Answered => {}
        }
    }
    let instances = buffer::return_of(line.buffer.reader(), set.id).await?;
    if set.state == ResultSetState::Released {
        note(line, project, &set, &instances).await?;
        let missing: Vec<&ReturnInstance> =
            instances.iter().filter(|of| of.state != ReturnState::Confirmed).collect();
        // A set without rows was purged: nothing of it was confirmed (INV-7).
        let may_come = missing.iter().any(|of| of.state == ReturnState::Sent) && claimed.attempts < LOOKS;
        if instances.is_empty() || may_come {
            return Err(StageError::NotConfirmed(missing.len() as u64));
        }
        if !missing.is_empty() {
            return push_again(line, project, &set, claimed, &missing).await;
        }
    }
    conclude(line, project, &set, claimed, instances.len() as u64).await
}

/// Asks by C-FIND for each series of the set.
async fn look(line: &Line, project: &Project, set: &ResultSet) -> Result<(), StageError> {
    let node = line.return_node(project)?;
    let mut instances = buffer::return_of(line.buffer.reader(), set.id).await?;
    instances.retain(|of| of.state == ReturnState::Sent);
    let mut series = BTreeMap::new();
    for of in &instances {
        let instance = &of.instance;
        series.insert(instance.series_instance_uid.as_str(), instance.study_instance_uid.as_str());
    }
    let mut held = BTreeSet::new();
    for (series, study) in series {
        held.extend(held_instances(node, study, series).await?);
    }
    let now = line.clock.now();
    let mut transaction = line.buffer.write().await?;
    for of in instances.iter().filter(|of| held.contains(&of.instance.sop_instance_uid)) {
        buffer::note_return(&mut transaction, of.instance.id, ReturnState::Confirmed, "C-FIND", now).await?;
    }
    Ok(transaction.commit().await?)
}

/// A ledger line for each instance that is confirmed.
async fn note(
    line: &Line,
    project: &Project,
    set: &ResultSet,
    instances: &[ReturnInstance],
) -> Result<(), StageError> {
    let confirmed: Vec<Uuid> =
        instances.iter().filter(|of| of.state == ReturnState::Confirmed).map(|of| of.instance.id).collect();
    let mut transaction = line.main.write().await?;
    let new =
        ledger::without(&mut transaction, Of::ResultSet(set.id), LedgerEvent::Confirmed, &confirmed).await?;
    let new: Vec<&ReturnInstance> = instances.iter().filter(|of| new.contains(&of.instance.id)).collect();
    write_lines(line, &mut transaction, project, set, LedgerEvent::Confirmed, &new).await?;
    Ok(transaction.commit().await?)
}

/// What the clinical PACS said about instances, in the words of their status.
async fn write_lines(
    line: &Line,
    transaction: &mut sqlx::AnyConnection,
    project: &Project,
    set: &ResultSet,
    event: LedgerEvent,
    instances: &[&ReturnInstance],
) -> Result<(), StageError> {
    let hashes: Vec<String> = instances
        .iter()
        .map(|of| format!("blake3:{}", blake3::Hash::from_bytes(of.instance.blake3)))
        .collect();
    let lines: Vec<ledger::Line<'_>> = instances
        .iter()
        .zip(&hashes)
        .map(|(of, hash)| ledger::Line {
            event,
            project: &project.config.id,
            job: Some(set.job),
            result_set: Some(set.id),
            instance: of.instance.id,
            destination: destination(project),
            hash,
            bytes: of.instance.bytes,
            dossier_version: &project.dossier_version,
            gate_hash: None,
            cause: if event == LedgerEvent::Failed { "lost after its success" } else { &of.status },
            at: line.clock.now(),
        })
        .collect();
    Ok(ledger::append(transaction, &lines).await?)
}

fn destination(project: &Project) -> &str {
    project.config.results.as_ref().map_or("", |results| results.return_to.as_str())
}

/// What the clinical PACS lost after its success goes through the push again, gate and identity check included.
async fn push_again(
    line: &Line,
    project: &Project,
    set: &ResultSet,
    claimed: &ClaimedJob,
    lost: &[&ReturnInstance],
) -> Result<(), StageError> {
    let now = line.clock.now();
    // After the person's retry it is pushed anew.
    let is_too_often = lost.iter().any(|of| of.pushes >= PUSHES);
    let mut transaction = line.buffer.write().await?;
    for of in lost {
        buffer::push_again(&mut transaction, of.instance.id, is_too_often, now).await?;
    }
    transaction.commit().await?;
    let mut transaction = line.main.write().await?;
    let told: Vec<&ReturnInstance> =
        lost.iter().filter(|of| of.state != ReturnState::Waiting).copied().collect();
    write_lines(line, &mut transaction, project, set, LedgerEvent::Failed, &told).await?;
    if is_too_often {
        transaction.commit().await?;
        return Err(StageError::Lost(lost.len() as u64));
    }
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    let entry = NewEntry { kind: return_to_pacs::KIND, subject: set.id, partner: None, run_at: now };
    job_queue::enqueue(&mut transaction, entry, now).await?;
    transaction.commit().await?;
    line.work.notify_one();
    Ok(())
}

/// The set is returned, whatever the gate says now: the objects are at the clinical PACS since the gate let them go (INV-3).
async fn conclude(
    line: &Line,
    project: &Project,
    set: &ResultSet,
    claimed: &ClaimedJob,
    instances: u64,
) -> Result<(), StageError> {
    let is_released = set.state == ResultSetState::Released;
    let pushed_by = ledger::gate_hash_of(line.main.reader(), set.id, LedgerEvent::Returned).await?;
    let gate_hash = match pushed_by {
        Some(hash) => hash,
        None if is_released => {
            let job = job::show(line.main.reader(), set.job).await?;
            gate::pass(line, project, &job, set.id, Outflow::give_back).await?.hash
        }
        None => String::new(),
    };
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    if is_released {
        let change = Change {
            gate_hash: Some(&gate_hash),
            ..stage(project, "confirm", "the clinical PACS has every instance", now)
        };
        result_set::advance(&mut transaction, set.id, ResultSetEvent::Return, &change).await?;
        let event = notify::event(EventType::ReturnConfirmed, &project.config.id, set.job, instances, 0, now);
        notify::enqueue(line, &mut transaction, &event).await?;
        result_set::advance(&mut transaction, set.id, ResultSetEvent::Notify, &change).await?;
        let returned = AuditEvent::Returned {
            project: Text::from_operator(&project.config.id),
            job: set.job,
            destination: Text::from_operator(destination(project)),
            instances,
            decision: Text::from_operator(&gate_hash),
        };
        let actor = Actor::Program(Text::from_operator("confirm"));
        line.trail.append(&mut transaction, &[AuditRecord { at: now, actor, event: returned }]).await?;
        let hours = project.config.results.as_ref().map_or(0, |results| i64::from(results.purge_after_hours));
        let entry =
            NewEntry { kind: close::KIND, subject: set.id, partner: None, run_at: now + hours * 3_600_000 };
        job_queue::enqueue(&mut transaction, entry, now).await?;
    }
    transaction.commit().await?;
    line.work.notify_one();
    line.messages.notify_one();
    Ok(())
}
