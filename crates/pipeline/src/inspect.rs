//! Stage *inspect*: looks at a complete result set before anything is done with it (step 7). State of the result set: retrieved, or
//! manual with the reason (AC7.2).

use std::io::Read;
use std::sync::Arc;

use archive::blob::BlobKey;
use archive::buffer::{self, ResultInstance};
use archive::job_queue::{self, ClaimedJob, NewEntry};
use archive::result_set::{self, ResultSetEvent, ResultSetState};
use archive::state::Change;
use archive::zone::Zone;
use notification::EventType;
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::{notify, reconcile};

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "inspect";

/// Encapsulated PDF Storage.
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
/// Names of PDF (ISO 32000-1, 12.6.4) that make a document act by itself.
const ACTIVE: [&[u8]; 5] = [b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/RichMedia"];
/// Bytes searched at once; neighbours overlap by the longest name.
const PIECE: usize = 256 << 10;

/// Looks at the result set `claimed.subject` once nothing has been added to it for the idle time.
///
/// # Errors
/// Any [`StageError`].
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let now = line.clock.now();
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    let instances = buffer::inbound_of(line.buffer.reader(), set.id).await?;
    if let Some(later) = still_arriving(project, &instances, now) {
        let mut transaction = line.main.write().await?;
        job_queue::postpone(&mut transaction, claimed.lease, later, now).await?;
        return Ok(transaction.commit().await?);
    }
    let doubt = doubt(line, &instances).await?;
    let mut transaction = line.main.write().await?;
    if set.state == ResultSetState::ResultAvailable {
        let change = stage(project, "inspect", now);
        result_set::advance(&mut transaction, set.id, ResultSetEvent::Retrieve, &change).await?;
        if let Some(cause) = doubt {
            let change = Change { cause, ..change };
            result_set::advance(&mut transaction, set.id, ResultSetEvent::AskPerson, &change).await?;
            let event = notify::event(EventType::ResultManual, &project.config.id, set.job, 0, 0, now);
            notify::enqueue(line, &mut transaction, &event).await?;
        } else {
            let entry = NewEntry {
                kind: reconcile::KIND,
                subject: set.id,
                partner: None,
                payload: "{\"v\":1}",
                priority: 0,
                run_at: now,
            };
            job_queue::enqueue(&mut transaction, entry, now).await?;
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

/// Why a person has to look before the set goes on.
async fn doubt(line: &Arc<Line>, instances: &[ResultInstance]) -> Result<Option<&'static str>, StageError> {
    if instances.is_empty() {
        return Ok(Some("nothing-retrieved"));
    }
    if instances.iter().any(|instance| instance.location.is_empty()) {
        return Ok(Some("instance-not-taken"));
    }
    let documents: Vec<Uuid> = instances
        .iter()
        .filter(|instance| instance.sop_class_uid == ENCAPSULATED_PDF)
        .map(|instance| instance.id)
        .collect();
    let line = Arc::clone(line);
    blocking(move || {
        for id in documents {
            let file = line.blobs.open(BlobKey::new(Zone::Inbound, id)?)?;
            if has_active_content(file)? {
                return Ok(Some("active-content"));
            }
        }
        Ok(None)
    })
    .await?
}

fn has_active_content(mut file: impl Read) -> Result<bool, StageError> {
    let longest = ACTIVE.iter().map(|name| name.len()).max().unwrap_or(0);
    let mut held = Vec::with_capacity(PIECE + longest);
    loop {
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut held)?;
        if ACTIVE.iter().any(|name| held.windows(name.len()).any(|window| window == *name)) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        let keep = held.len().saturating_sub(longest);
        held.drain(..keep);
    }
}
