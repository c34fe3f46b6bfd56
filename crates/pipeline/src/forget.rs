//! The end of what has no participant in the vault: when the jobs of a study have ended, the secret that its pseudonyms followed from is
//! destroyed, and with it the originals and rows by which an output could be traced back (DEC-D, AC2.9).

use std::sync::Arc;

use archive::buffer::{self, BufferState, StudySubject};
use archive::{job, ledger};
use uuid::Uuid;

use crate::line::{Line, StageError};

/// Studies looked at, and instances purged, in one step.
const STEP: u32 = 256;

/// One look at all studies without participant.
///
/// # Errors
/// Any [`StageError`]; the next look goes on.
pub(crate) async fn run(line: &Arc<Line>) -> Result<(), StageError> {
    let mut after: Option<(String, String)> = None;
    loop {
        let last = after.as_ref().map(|(project, study)| (project.as_str(), study.as_str()));
        let page = buffer::study_subjects(line.buffer.reader(), last, STEP).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.project.clone(), last.study_instance_uid.clone()));
        for subject in &page {
            if has_ended(line, subject).await? {
                forget(line, subject).await?;
            }
        }
    }
}

/// Whether every increment is closed, nothing of it is on its way or waits for a person, and every job of it has ended. What a person
/// releases has to get the UIDs of the rest.
async fn has_ended(line: &Line, subject: &StudySubject) -> Result<bool, StageError> {
    let reader = line.buffer.reader();
    for increment in buffer::increments_of(reader, &subject.project, &subject.study_instance_uid).await? {
        let states = buffer::progress(line.buffer.reader(), increment.id).await?;
        let is_under_way = states.iter().any(|(state, _)| {
            matches!(state, BufferState::Received | BufferState::Admitted | BufferState::Quarantined)
        });
        let jobs = job::of_receiving_study(line.main.reader(), increment.id).await?;
        if increment.closed_at.is_none() || is_under_way || !jobs.iter().all(|job| job.state.is_terminal()) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn forget(line: &Line, subject: &StudySubject) -> Result<(), StageError> {
    let StudySubject { project, study_instance_uid, secret, .. } = subject;
    if !secret.is_empty() {
        for increment in buffer::increments_of(line.buffer.reader(), project, study_instance_uid).await? {
            for state in [BufferState::Deidentified, BufferState::Released] {
                while purge(line, project, increment.id, state).await? {}
            }
        }
    }
    let mut transaction = line.buffer.write().await?;
    buffer::forget_study(&mut transaction, project, study_instance_uid).await?;
    Ok(transaction.commit().await?)
}

/// Purges some originals of an increment with their rows; answers whether there were any.
async fn purge(line: &Line, project: &str, increment: Uuid, state: BufferState) -> Result<bool, StageError> {
    let now = line.clock.now();
    let due = buffer::of_increment(line.buffer.reader(), increment, state, STEP).await?;
    if due.is_empty() {
        return Ok(false);
    }
    if state == BufferState::Deidentified {
        let lines: Vec<ledger::Line<'_>> = due
            .iter()
            .map(|instance| {
                let (id, bytes) = (instance.received.id, instance.received.location.data_length());
                let event = ledger::LedgerEvent::Purged;
                ledger::Line { cause: "anonymised", ..line.ledger_line(event, project, id, bytes, now) }
            })
            .collect();
        let mut transaction = line.main.write().await?;
        ledger::append_once(&mut transaction, &lines).await?;
        transaction.commit().await?;
    }
    let ids: Vec<Uuid> = due.iter().map(|instance| instance.received.id).collect();
    let mut transaction = line.buffer.write().await?;
    buffer::remove(&mut transaction, &ids).await?;
    transaction.commit().await?;
    due.iter().for_each(|instance| line.spool.release(&instance.received.location));
    Ok(true)
}
