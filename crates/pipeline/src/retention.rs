//! What time alone makes leave: result sets that nobody decided about or that ended without a return (Z4, Z5; INV-9), and rows that
//! nothing asks for any more. The timers of Z1 and Z6 are in `admit`.

use std::sync::Arc;

use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::state::{ActorKind, Change};
use archive::{buffer, job, job_queue};
use uuid::Uuid;

use crate::close::{emptied, empty};
use crate::config::{default_decide_hours, default_purge_hours};
use crate::line::{Line, StageError};
use crate::{abandoned, beside, forget, sweep, withdraw};

/// Name of the timer.
pub(crate) const TIMER: &str = "retention";
/// Between two looks.
pub(crate) const EVERY_MS: i64 = 60_000;
/// Result sets looked at in one step, and rows deleted in one transaction.
const STEP: u32 = 500;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// A released original is known as a duplicate for so long (AC1.4).
const RELEASED_ROWS: i64 = 90 * DAY;
/// Ended work can be looked at for so long.
const QUEUE_ROWS: i64 = 14 * DAY;
/// A delivered message can be looked at for so long (AC4.5).
const MESSAGE_ROWS: i64 = 90 * DAY;

/// One look at everything that has a timer.
///
/// # Errors
/// Any [`StageError`]; the next look goes on.
pub async fn run(line: &Arc<Line>) -> Result<(), StageError> {
    let now = line.clock.now();
    if let Err(error) = withdraw::purge_listed_since(line).await {
        tracing::error!(%error, "originals of opposed participants were not searched for, trying again");
    }
    if let Err(error) = forget::run(line).await {
        tracing::error!(%error, "secrets of ended jobs were not destroyed, trying again");
    }
    if let Err(error) = sweep::run(line).await {
        tracing::error!(%error, "objects without rows were not searched for, trying again");
    }
    if let Err(error) = beside::purge(line).await {
        tracing::error!(%error, "files that were kept beside were not deleted, trying again");
    }
    let mut after = Uuid::nil();
    loop {
        let held = buffer::result_sets_held(line.buffer.reader(), after, STEP).await?;
        let Some(last) = held.last() else { break };
        after = *last;
        for set in held {
            if let Err(error) = result_set(line, set, now).await {
                tracing::error!(result_set = %set, %error, "the timer of a result set failed, trying again");
            }
        }
    }
    abandoned::run(line).await?;
    let mut transaction = line.buffer.write().await?;
    buffer::purge_released(&mut transaction, now - RELEASED_ROWS, STEP).await?;
    transaction.commit().await?;
    let mut transaction = line.main.write().await?;
    job_queue::purge_done(&mut transaction, now - QUEUE_ROWS).await?;
    notification::purge(&mut transaction, now - MESSAGE_ROWS).await?;
    Ok(transaction.commit().await?)
}

/// Lets a set that waits expire, and empties Z4 and Z5 of one that ended or expired. Where the configuration has its project no more, or
/// no results for it, the default times hold.
async fn result_set(line: &Arc<Line>, id: Uuid, now: i64) -> Result<(), StageError> {
    let set = result_set::show(line.main.reader(), id).await?;
    let results = line.projects.get(&set.project).and_then(|project| project.config.results.as_ref());
    let decide = results.map_or_else(default_decide_hours, |results| results.decide_within_hours);
    let purge_after = results.map_or_else(default_purge_hours, |results| results.purge_after_hours);
    let for_hours = |hours: u32| now - set.updated_at >= i64::from(hours) * HOUR;
    match set.state {
        ResultSetState::Manual | ResultSetState::Blocked | ResultSetState::Reconciled
            if for_hours(decide) =>
        {
            tracing::warn!(result_set = %id, "nobody decided about the result set in time: it expired");
            advance(line, &set, ResultSetEvent::Expire, now).await
        }
        // From there the machine knows no expiry: what nobody took care of is refused.
        ResultSetState::Attention if for_hours(decide) => {
            tracing::warn!(result_set = %id, "nobody took care of the result set in time: it was refused");
            advance(line, &set, ResultSetEvent::Reject, now).await
        }
        ResultSetState::Expired if for_hours(purge_after) => {
            advance(line, &set, ResultSetEvent::Close, now).await?;
            purge(line, &set, now).await
        }
        state if state.is_terminal() && for_hours(purge_after) => purge(line, &set, now).await,
        _ => Ok(()),
    }
}

async fn advance(line: &Line, set: &ResultSet, event: ResultSetEvent, now: i64) -> Result<(), StageError> {
    let change = Change {
        actor_kind: ActorKind::Timer,
        actor: TIMER,
        cause: "nobody decided in time",
        dossier_version: line.dossier_version(&set.project),
        gate_hash: None,
        at: now,
    };
    let mut transaction = line.main.write().await?;
    result_set::advance(&mut transaction, set.id, event, &change).await?;
    Ok(transaction.commit().await?)
}

/// Empties Z4 and Z5 of a set that ended; its last rows leave with the job.
async fn purge(line: &Arc<Line>, set: &ResultSet, now: i64) -> Result<(), StageError> {
    let job_ends = job::show(line.main.reader(), set.job).await?.state.is_terminal();
    if !job_ends && buffer::is_empty(line.buffer.reader(), set.id).await? {
        return Ok(());
    }
    let objects = empty(line, set.id, job_ends).await?;
    let mut transaction = line.main.write().await?;
    line.trail.append(&mut transaction, &[emptied(TIMER, set.id, objects, now)]).await?;
    Ok(transaction.commit().await?)
}
