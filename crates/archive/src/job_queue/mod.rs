//! The job table: who may work on what, and when.
//!
//! A job is enqueued in the transaction that makes it necessary, claimed under a lease, and ended by the holder of the lease:
//!
//! ```text
//! enqueue ─► ready ─► claim ─► leased ─► finish ─► done
//!              ▲                 │ │
//!              │ lease ran out ──┘ ├─► postpone ─► ready at a later time
//!              │                   └─► fail ─────► ready after a pause, or attention
//!              └──────────────────── retry (a person) ◄──┘
//! ```
//!
//! The lease is a column and no lock: SQLite has no row locks, and a lease can be listed. Each claim writes a new token, and
//! every later write names it, so that a worker whose lease ran out cannot overwrite the work of the next one (fencing).
//! A crash costs no attempt: only failures are counted.

mod claim;
mod lane;
mod schedule;
mod watch;

pub use claim::{ClaimedJob, Failure, LEASE_MS, Lease, claim, fail, finish, postpone, renew};
pub use lane::{Lane, hold_lane, lanes, pause_lane, set_lane};
pub use schedule::{Timer, is_timer_due, set_timer, take_due, timers, wake_timer};
pub use watch::{
    QueuedJob, cancel_subject, is_due, is_pending, known_subjects, list_jobs, purge_done, release_leases,
    retry, retry_subject,
};

use sqlx::AnyConnection;
use uuid::Uuid;

use crate::ArchiveError;
use crate::words::words;

words! {
    /// Where a job of the queue stands.
    QueueState {
        /// Waits for a worker, or for its time.
        Ready = "ready",
        /// A worker has it.
        Leased = "leased",
        /// Ended.
        Done = "done",
        /// Waits for a person.
        Attention = "attention",
    }
}

/// A job to enqueue.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// Name of the stage.
    pub kind: &'a str,
    /// Our own id of the batch, job, result set or message that it works on.
    pub subject: Uuid,
    /// Partner whose limits hold for it.
    pub partner: Option<&'a str>,
    /// Not before this time, epoch milliseconds.
    pub run_at: i64,
}

/// Enqueues a job in the caller's transaction; answers `None` when one of the same kind for the same subject waits or runs.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn enqueue(
    connection: &mut AnyConnection,
    entry: NewEntry<'_>,
    now: i64,
) -> Result<Option<Uuid>, ArchiveError> {
    let id = Uuid::now_v7();
    let inserted = sqlx::query(
        "INSERT INTO job_queue (id, kind, subject, partner, dedup_key, state, run_at, attempts, \
         created_at, updated_at) VALUES ($1, $2, $3, $4, $5, 'ready', $6, 0, $7, $7) \
         ON CONFLICT (dedup_key) WHERE state IN ('ready', 'leased') DO NOTHING",
    )
    .bind(id.to_string())
    .bind(entry.kind)
    .bind(entry.subject.to_string())
    .bind(entry.partner)
    .bind(format!("{} {}", entry.kind, entry.subject))
    .bind(entry.run_at)
    .bind(now)
    .execute(connection)
    .await?;
    Ok((inserted.rows_affected() == 1).then_some(id))
}
