//! Looking at the queue, and what a person may do to it.

use std::collections::BTreeSet;

use database::Statement;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use super::QueueState;
use super::claim::give_back;
use crate::{ArchiveError, row};

/// A job as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedJob {
    /// Our own id.
    pub id: Uuid,
    /// Name of the stage.
    pub kind: String,
    /// Our own id of what it works on.
    pub subject: Uuid,
    /// Partner whose limits hold for it.
    pub partner: Option<String>,
    /// Where it stands.
    pub state: QueueState,
    /// Not before this time, epoch milliseconds.
    pub run_at: i64,
    /// Failures so far.
    pub attempts: i32,
    /// Who works on it.
    pub lease_owner: Option<String>,
    /// Code and text of the last failure.
    pub last_error: Option<String>,
    /// Epoch milliseconds.
    pub updated_at: i64,
}

/// Up to `limit` jobs after `after`, the oldest first; all states or one.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn list_jobs(
    executor: impl AnyExecutor<'_>,
    state: Option<QueueState>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<QueuedJob>, ArchiveError> {
    let mut find = Statement::new("SELECT * FROM job_queue WHERE id > ");
    find.bind(after.unwrap_or_default().to_string());
    if let Some(state) = state {
        find.push(" AND state = ").bind(state.as_str());
    }
    find.push(" ORDER BY id LIMIT ").bind(i64::from(limit));
    find.query().fetch_all(executor).await?.iter().map(from_row).collect()
}

/// Whether some job is due, or was left by a worker that lost its lease: asked by a reader, so that idle workers write nothing.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn is_due(executor: impl AnyExecutor<'_>, now: i64) -> Result<bool, ArchiveError> {
    let found = sqlx::query(
        "SELECT 1 AS due FROM job_queue WHERE state = 'ready' AND run_at <= $1 \
         UNION ALL SELECT 1 AS due FROM job_queue WHERE state = 'leased' AND lease_until < $1 LIMIT 1",
    )
    .bind(now)
    .fetch_optional(executor)
    .await?;
    Ok(found.is_some())
}

/// Those of `subjects` that have a job of this kind, whatever its state.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn known_subjects(
    connection: &mut AnyConnection,
    kind: &str,
    subjects: &[Uuid],
) -> Result<BTreeSet<Uuid>, ArchiveError> {
    let mut known = BTreeSet::new();
    for chunk in subjects.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT subject FROM job_queue WHERE kind = ");
        find.bind(kind).push(" AND subject IN (").list(chunk.iter().map(Uuid::to_string)).push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            known.insert(row::id(&row, "subject")?);
        }
    }
    Ok(known)
}

/// Lets a job that waits for a person, or for its pause, run at once; its failures are forgotten.
///
/// # Errors
/// [`ArchiveError::NotFound`]: there is no such job, it runs or it is done; [`ArchiveError::Database`], also when the same
/// work was enqueued anew meanwhile.
pub async fn retry(connection: &mut AnyConnection, id: Uuid, now: i64) -> Result<(), ArchiveError> {
    let retried = sqlx::query(
        "UPDATE job_queue SET state = 'ready', run_at = $2, attempts = 0, interrupted = 0, updated_at = $2 \
         WHERE id = $1 AND state IN ('attention', 'ready')",
    )
    .bind(id.to_string())
    .bind(now)
    .execute(connection)
    .await?;
    if retried.rows_affected() == 0 {
        return Err(ArchiveError::NotFound { what: "waiting job", id });
    }
    Ok(())
}

/// Gives every lease back at the start of the only program that works on this database: what it left is taken up at once, not
/// when its leases run out. Never call it beside other workers.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn release_leases(connection: &mut AnyConnection, now: i64) -> Result<u64, ArchiveError> {
    give_back(connection, i64::MAX, now).await
}

/// A person took care of what a job of this queue waits for: everything in attention about `subject` is tried again.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn retry_subject(
    connection: &mut AnyConnection,
    subject: Uuid,
    now: i64,
) -> Result<u64, ArchiveError> {
    let retried = sqlx::query(
        "UPDATE job_queue SET state = 'ready', run_at = $2, attempts = 0, interrupted = 0, updated_at = $2 \
         WHERE subject = $1 AND state = 'attention' AND NOT EXISTS (SELECT 1 FROM job_queue AS other \
         WHERE other.dedup_key = job_queue.dedup_key AND (other.state IN ('ready', 'leased') \
         OR other.state = 'attention' AND other.id > job_queue.id))",
    )
    .bind(subject.to_string())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(retried.rows_affected())
}

/// Whether work of a kind on a subject is still to be done: it waits, runs, or was the last of its kind to fail and needs a person.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn is_pending(
    executor: impl AnyExecutor<'_>,
    kind: &str,
    subject: Uuid,
) -> Result<bool, ArchiveError> {
    let rows = sqlx::query("SELECT state FROM job_queue WHERE subject = $1 AND kind = $2 ORDER BY id")
        .bind(subject.to_string())
        .bind(kind)
        .fetch_all(executor)
        .await?;
    let states: Vec<QueueState> =
        rows.iter().map(|row| row::word(row, "state", QueueState::parse)).collect::<Result<_, _>>()?;
    let is_open = |state: &QueueState| matches!(state, QueueState::Ready | QueueState::Leased);
    Ok(states.iter().any(is_open) || states.last() == Some(&QueueState::Attention))
}

/// Stops all work on a subject at once: what waits never runs, what runs loses its lease (INV-4).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn cancel_subject(
    connection: &mut AnyConnection,
    subject: Uuid,
    cause: &str,
    now: i64,
) -> Result<u64, ArchiveError> {
    let cancelled = sqlx::query(
        "UPDATE job_queue SET state = 'done', lease_owner = NULL, lease_until = NULL, lease_token = NULL, last_error = $2, \
         updated_at = $3 WHERE subject = $1 AND state <> 'done'",
    )
    .bind(subject.to_string())
    .bind(cause)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(cancelled.rows_affected())
}

/// Deletes jobs that ended before `before` (epoch milliseconds).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn purge_done(connection: &mut AnyConnection, before: i64) -> Result<u64, ArchiveError> {
    let purged = sqlx::query("DELETE FROM job_queue WHERE state = 'done' AND updated_at < $1")
        .bind(before)
        .execute(connection)
        .await?;
    Ok(purged.rows_affected())
}

fn from_row(row: &AnyRow) -> Result<QueuedJob, ArchiveError> {
    Ok(QueuedJob {
        id: row::id(row, "id")?,
        kind: row.try_get("kind")?,
        subject: row::id(row, "subject")?,
        partner: row.try_get("partner")?,
        state: row::word(row, "state", QueueState::parse)?,
        run_at: row.try_get("run_at")?,
        attempts: row.try_get("attempts")?,
        lease_owner: row.try_get("lease_owner")?,
        last_error: row.try_get("last_error")?,
        updated_at: row.try_get("updated_at")?,
    })
}
