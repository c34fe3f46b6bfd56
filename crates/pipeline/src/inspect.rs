//! Stage *inspect*: looks at a complete result set before anything is done with it (step 7). State of the result set: retrieved, or
//! manual with the reason (AC7.2).

use std::collections::BTreeSet;
use std::sync::Arc;

use archive::buffer::{self, ResultInstance};
use archive::job_queue::{self, ClaimedJob, NewEntry};
use archive::result_set::{self, ResultSetEvent, ResultSetState};
use archive::zone::Zone;
use dicom_stream::SourceError;
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::stored_object::open_data_set;
use crate::{accept, active_content, fetch, news, reconcile};

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "inspect";

/// The word for a set that brings other content under a UID of a result that was let go. Nobody accepts it: which of the two a later result
/// cites could not be told, so the partner gives the newer one UIDs of its own (RC-07).
const REPLACES: &str = "result-replaced";
/// Wait while a fetch still adds to the set, or one that failed waits for a person.
const FETCH_WAIT_MS: i64 = 2_000;

/// Looks at the result set `claimed.subject` once nothing has been added to it for the idle time.
///
/// # Errors
/// Any [`StageError`].
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let now = line.clock.now();
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    let instances = buffer::inbound_of(line.buffer.reader(), set.id).await?;
    let busy = job_queue::is_pending(line.main.reader(), fetch::KIND, set.job).await?;
    let later = still_arriving(project, &instances, now).or(busy.then_some(now + FETCH_WAIT_MS));
    if let Some(later) = later {
        let mut transaction = line.main.write().await?;
        job_queue::postpone(&mut transaction, claimed.lease, later, now).await?;
        return Ok(transaction.commit().await?);
    }
    let mut doubts = doubts(line, &instances).await?;
    if news::replaces(line, &set, &instances).await? {
        doubts.push(REPLACES);
    }
    let mut transaction = line.main.write().await?;
    // What a fetch brought since has to be looked at too; one that begins later finds the set gone on, and opens another.
    let is_pending = job_queue::is_pending(&mut *transaction, fetch::KIND, set.job).await?;
    if is_pending || buffer::inbound_of(line.buffer.reader(), set.id).await? != instances {
        job_queue::postpone(&mut transaction, claimed.lease, now + FETCH_WAIT_MS, now).await?;
        return Ok(transaction.commit().await?);
    }
    if set.state == ResultSetState::ResultAvailable {
        let change = stage(project, "inspect", "nothing more came in the idle time", now);
        result_set::advance(&mut transaction, set.id, ResultSetEvent::Retrieve, &change).await?;
        if doubts.is_empty() {
            let entry = NewEntry { kind: reconcile::KIND, subject: set.id, partner: None, run_at: now };
            job_queue::enqueue(&mut transaction, entry, now).await?;
        } else {
            accept::ask(line, &mut transaction, &set, &doubts, None, &change).await?;
        }
    }
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    transaction.commit().await?;
    line.work.notify_one();
    line.messages.notify_one();
    Ok(())
}

/// When the idle time will be over, if it is not.
fn still_arriving(project: &Project, instances: &[ResultInstance], now: i64) -> Option<i64> {
    let idle = project.config.results.as_ref().map_or(0, |results| i64::from(results.idle_seconds) * 1000);
    let last = instances.iter().map(|instance| made_at(instance.id)).max()?;
    (last + idle > now).then_some(last + idle)
}

/// When an id of ours was made, epoch milliseconds.
fn made_at(id: Uuid) -> i64 {
    let (seconds, nanoseconds) = id.get_timestamp().map_or((0, 0), |made| made.to_unix());
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000) + i64::from(nanoseconds / 1_000_000)
}

/// Why a person has to look before the set goes on: everything that was found in any of its objects, so that no answer to one of these words
/// lets another one pass.
async fn doubts(line: &Arc<Line>, instances: &[ResultInstance]) -> Result<Vec<&'static str>, StageError> {
    let (taken, left): (Vec<_>, Vec<_>) =
        instances.iter().partition(|instance| !instance.location.is_empty());
    let objects: Vec<(Uuid, String)> =
        taken.into_iter().map(|instance| (instance.id, instance.sop_class_uid.clone())).collect();
    let mut doubts = BTreeSet::new();
    if instances.is_empty() {
        doubts.insert("nothing-retrieved");
    }
    if !left.is_empty() {
        doubts.insert("instance-not-taken");
    }
    let line = Arc::clone(line);
    blocking(move || {
        for (id, sop_class) in objects {
            let (file, syntax) = open_data_set(&line.blobs, Zone::Inbound, id)?;
            match active_content::documents(file, syntax, &sop_class) {
                Ok(found) => {
                    doubts.extend(found.active.then_some("active-content"));
                    doubts.extend(found.opaque.then_some("document-cannot-be-inspected"));
                }
                Err(SourceError::Io(error)) => return Err(error.into()),
                Err(_) => {
                    doubts.insert("cannot-be-read");
                }
            }
        }
        Ok(doubts.into_iter().collect())
    })
    .await?
}
