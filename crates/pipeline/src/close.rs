//! Stage *close*: purges what a returned set left in Z4 and Z5, and ends its job when nothing more is expected (AC9.5, INV-9).

use std::sync::Arc;

use archive::blob::BlobKey;
use archive::buffer;
use archive::job::{self, JobEvent, JobState};
use archive::job_queue::{self, ClaimedJob};
use archive::result_set::{self, ResultSetEvent, ResultSetState};
use archive::zone::Zone;
use register::{Actor, AuditEvent, AuditRecord, Text};
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::line::{Line, StageError};
use crate::progress::stage;

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "close";

/// Purges the set `claimed.subject`.
///
/// # Errors
/// Any [`StageError`].
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    let others = result_set::of_job(line.main.reader(), set.job).await?;
    let is_last = others.iter().all(|other| other.id == set.id || other.state.is_terminal());
    let purged = empty(line, set.id, is_last).await?;

    let now = line.clock.now();
    let change = stage(project, "close", now);
    let mut transaction = line.main.write().await?;
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    if set.state == ResultSetState::Notified {
        result_set::advance(&mut transaction, set.id, ResultSetEvent::Close, &change).await?;
        let others = result_set::of_job(&mut *transaction, set.job).await?;
        let job = job::show(&mut *transaction, set.job).await?;
        if job.state == JobState::AwaitingResult && others.iter().all(|other| other.state.is_terminal()) {
            job::advance(&mut transaction, job.id, JobEvent::Close, &change).await?;
        }
        let record = emptied("close", set.id, purged, now);
        line.trail.append(&mut transaction, &[record]).await?;
    }
    Ok(transaction.commit().await?)
}

/// Deletes everything that Z4 and Z5 hold of a result set, then its rows; answers how many objects. While the job goes on
/// (`job_ends` is false) the UIDs stay, so that the poll does not fetch the same again.
///
/// # Errors
/// Any [`StageError`]; what was not deleted still has its row.
pub(crate) async fn empty(line: &Arc<Line>, set: Uuid, job_ends: bool) -> Result<u64, StageError> {
    let inbound = buffer::inbound_of(line.buffer.reader(), set).await?;
    let returned = buffer::return_of(line.buffer.reader(), set).await?;
    let mut objects: Vec<(Zone, Uuid)> = inbound.iter().map(|of| (Zone::Inbound, of.id)).collect();
    // Identified objects have the ids of those that they were made from; a run that broke left them without rows.
    objects.extend(inbound.iter().map(|of| (Zone::ReturnBuffer, of.id)));
    objects.extend(returned.iter().map(|of| (Zone::ReturnBuffer, of.instance.id)));
    let blobs = Arc::clone(&line.blobs);
    let purged = blocking(move || {
        let mut purged = 0;
        for (zone, id) in objects {
            purged += u64::from(blobs.remove(BlobKey::new(zone, id)?)?);
        }
        Ok::<_, StageError>(purged)
    })
    .await??;
    let mut transaction = line.buffer.write().await?;
    if job_ends {
        buffer::purge_result_set(&mut transaction, set).await?;
    } else {
        buffer::keep_known(&mut transaction, set).await?;
    }
    transaction.commit().await?;
    Ok(purged)
}

/// The line of the audit trail about [`empty`].
pub(crate) fn emptied(actor: &'static str, set: Uuid, objects: u64, at: i64) -> AuditRecord {
    let event = AuditEvent::Purged { zone: Text::from_operator("Z4, Z5"), subject: Some(set), objects };
    AuditRecord { at, actor: Actor::Program(Text::from_operator(actor)), event }
}
