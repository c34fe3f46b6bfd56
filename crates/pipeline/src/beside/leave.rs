//! When files that are kept beside leave (INV-4, INV-9): with a job that was stopped or a participant who withdrew, and some time after the
//! last job of their study and partner ended.

use archive::blob::BlobKey;
use archive::side_result::{self, SideResult};
use archive::zone::Zone;
use register::{Actor, AuditEvent, AuditRecord, Text};

use crate::config::default_beside_days;
use crate::line::{Line, StageError};

/// Files deleted in one look, of those that were stopped and of each project.
const STEP: u32 = 500;
const DAY: i64 = 24 * 3_600_000;

/// Deletes what may not or need not be kept any longer. Where the configuration has its project no more, or no results for it, the default
/// time holds.
///
/// # Errors
/// Any [`StageError`]; the next look goes on.
pub(crate) async fn purge(line: &Line) -> Result<(), StageError> {
    for of in side_result::of_stopped_jobs(line.main.reader(), STEP).await? {
        remove(line, &of).await?;
    }
    for project in side_result::projects(line.main.reader()).await? {
        let results = line.projects.get(&project).and_then(|project| project.config.results.as_ref());
        let days = results.map_or_else(default_beside_days, |results| results.beside_days);
        let before = line.clock.now() - i64::from(days) * DAY;
        for of in side_result::of_ended_jobs(line.main.reader(), &project, before, STEP).await? {
            remove(line, &of).await?;
        }
    }
    Ok(())
}

async fn remove(line: &Line, of: &SideResult) -> Result<(), StageError> {
    line.blobs.remove(BlobKey::new(Zone::Inbound, of.id)?)?;
    let mut transaction = line.main.write().await?;
    side_result::remove(&mut transaction, of.id).await?;
    let event = AuditEvent::Purged { zone: Text::from_operator("Z4"), subject: Some(of.job), objects: 1 };
    let actor = Actor::Program(Text::from_operator("retention"));
    let record = AuditRecord { at: line.clock.now(), actor, event };
    line.trail.append(&mut transaction, &[record]).await?;
    Ok(transaction.commit().await?)
}
