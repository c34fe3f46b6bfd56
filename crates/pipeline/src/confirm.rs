//! Stage *confirm*: the clinical PACS says itself that it holds each instance (AC9.3). State of the result set: returned, then
//! notified; `return.confirmed` fires only here (AC10.2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use archive::buffer::{self, ReturnInstance, ReturnState};
use archive::job;
use archive::job_queue::{self, ClaimedJob, NewEntry};
use archive::ledger::{self, LedgerEvent};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::state::Change;
use notification::EventType;
use register::Outflow;

use crate::clinical_pacs::held_instances;
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::{close, gate, notify};

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "confirm";

/// Asks the clinical PACS for each series of the set `claimed.subject`.
///
/// # Errors
/// [`StageError::NotConfirmed`] while something is missing: repeated, then a person is called.
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    let instances = buffer::return_of(line.buffer.reader(), set.id).await?;
    if set.state == ResultSetState::Released {
        let held = held(line, project, &instances).await?;
        let (there, missing): (Vec<&ReturnInstance>, Vec<&ReturnInstance>) =
            instances.iter().partition(|of| held.contains(&of.instance.sop_instance_uid));
        note(line, project, &set, &there).await?;
        // A set without rows was purged: nothing of it was confirmed (INV-7).
        if !missing.is_empty() || instances.is_empty() {
            return Err(StageError::NotConfirmed(missing.len() as u64));
        }
    }
    conclude(line, project, &set, claimed, instances.len() as u64).await
}

async fn held(
    line: &Line,
    project: &Project,
    instances: &[ReturnInstance],
) -> Result<BTreeSet<String>, StageError> {
    let node = line.return_node(project)?;
    let mut series = BTreeMap::new();
    for of in instances {
        let instance = &of.instance;
        series.insert(instance.series_instance_uid.as_str(), instance.study_instance_uid.as_str());
    }
    let mut held = BTreeSet::new();
    for (series, study) in series {
        held.extend(held_instances(node, study, series).await?);
    }
    Ok(held)
}

async fn note(
    line: &Line,
    project: &Project,
    set: &ResultSet,
    there: &[&ReturnInstance],
) -> Result<(), StageError> {
    let now = line.clock.now();
    let new: Vec<&&ReturnInstance> = there.iter().filter(|of| of.state != ReturnState::Confirmed).collect();
    let hashes: Vec<String> =
        new.iter().map(|of| format!("blake3:{}", blake3::Hash::from_bytes(of.instance.blake3))).collect();
    let lines: Vec<ledger::Line<'_>> = new
        .iter()
        .zip(&hashes)
        .map(|(of, hash)| ledger::Line {
            event: LedgerEvent::Confirmed,
            project: &project.config.id,
            job: Some(set.job),
            result_set: Some(set.id),
            instance: of.instance.id,
            destination: project.config.results.as_ref().map_or("", |results| results.return_to.as_str()),
            hash,
            bytes: of.instance.bytes,
            dossier_version: &project.dossier_version,
            gate_hash: None,
            cause: "C-FIND",
            at: now,
        })
        .collect();
    let mut transaction = line.main.write().await?;
    ledger::append(&mut transaction, &lines).await?;
    transaction.commit().await?;
    let mut transaction = line.buffer.write().await?;
    for of in new {
        buffer::note_return(&mut transaction, of.instance.id, ReturnState::Confirmed, "", now).await?;
    }
    Ok(transaction.commit().await?)
}

async fn conclude(
    line: &Line,
    project: &Project,
    set: &ResultSet,
    claimed: &ClaimedJob,
    instances: u64,
) -> Result<(), StageError> {
    let gate = match set.state {
        ResultSetState::Released => {
            let job = job::show(line.main.reader(), set.job).await?;
            Some(gate::pass(line, project, &job, set.id, Outflow::give_back).await?.hash)
        }
        _ => None,
    };
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    if let Some(hash) = &gate {
        let change = Change { gate_hash: Some(hash), ..stage(project, "confirm", now) };
        result_set::advance(&mut transaction, set.id, ResultSetEvent::Return, &change).await?;
        let event = notify::event(EventType::ReturnConfirmed, &project.config.id, set.job, instances, 0, now);
        notify::enqueue(line, &mut transaction, &event).await?;
        result_set::advance(&mut transaction, set.id, ResultSetEvent::Notify, &change).await?;
        let hours = project.config.results.as_ref().map_or(0, |results| i64::from(results.purge_after_hours));
        let entry = NewEntry {
            kind: close::KIND,
            subject: set.id,
            partner: None,
            payload: "{\"v\":1}",
            priority: 0,
            run_at: now + hours * 3_600_000,
        };
        job_queue::enqueue(&mut transaction, entry, now).await?;
    }
    transaction.commit().await?;
    line.work.notify_one();
    line.messages.notify_one();
    Ok(())
}
