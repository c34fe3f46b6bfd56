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
    let inbound = buffer::inbound_of(line.buffer.reader(), set.id).await?;
    let returned = buffer::return_of(line.buffer.reader(), set.id).await?;
    let mut objects: Vec<(Zone, Uuid)> = inbound.iter().map(|of| (Zone::Inbound, of.id)).collect();
    objects.extend(returned.iter().map(|of| (Zone::ReturnBuffer, of.instance.id)));
    let purged = purge(line, objects).await?;
    let mut transaction = line.buffer.write().await?;
    buffer::purge_result_set(&mut transaction, set.id).await?;
    transaction.commit().await?;

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
        let event = AuditEvent::Purged {
            zone: Text::from_operator("Z4, Z5"),
            subject: Some(set.id),
            objects: purged,
        };
        let record = AuditRecord { at: now, actor: Actor::Program(Text::from_operator("close")), event };
        line.trail.append(&mut transaction, &[record]).await?;
    }
    Ok(transaction.commit().await?)
}

/// Deletes objects; those that are gone already do not count.
pub(crate) async fn purge(line: &Arc<Line>, objects: Vec<(Zone, Uuid)>) -> Result<u64, StageError> {
    let line = Arc::clone(line);
    blocking(move || {
        let mut purged = 0;
        for (zone, id) in objects {
            purged += u64::from(line.blobs.remove(BlobKey::new(zone, id)?)?);
        }
        Ok(purged)
    })
    .await?
}
