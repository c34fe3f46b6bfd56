//! Taking a job under a lease, and ending it.

use database::{Dialect, Statement};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::QueueState;
use crate::{ArchiveError, row};

/// Length of a lease in milliseconds; it is renewed every third of it.
pub const LEASE_MS: i64 = 60_000;

/// Interruptions after which a job waits before it is tried again, so that what makes the program end does not keep it from everything else.
const INTERRUPTIONS_FREE: i32 = 16;
const INTERRUPTION_PAUSE_MS: i64 = 600_000;

/// First pause after a failure and longest pause, milliseconds.
const BACK_OFF_MS: i64 = 30_000;
const BACK_OFF_LIMIT_MS: i64 = 3_600_000;

/// The right to work on a job until it runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: Uuid,
    token: Uuid,
}

/// A job and the right to work on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    /// The right to work on it.
    pub lease: Lease,
    /// Name of the stage.
    pub kind: String,
    /// Our own id of what it works on.
    pub subject: Uuid,
    /// Partner whose limits hold for it.
    pub partner: Option<String>,
    /// Failures so far.
    pub attempts: i32,
    /// How often in a row the program ended while it worked on it.
    pub interrupted: i32,
}

/// Why a job failed; the text goes into the row and holds a code and no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure<'a> {
    /// May succeed when repeated: it is, after a pause, until the attempts are used up.
    Transient(&'a str),
    /// Needs a person, or cannot succeed at all: `attention` at once.
    NeedsPerson(&'a str),
}

/// Takes the most urgent job of one of `kinds` that is due and allowed by its partner's lane.
///
/// Jobs whose lease ran out become ready first. Claims beside one another get different jobs.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn claim(
    connection: &mut AnyConnection,
    dialect: Dialect,
    kinds: &[&str],
    owner: &str,
    now: i64,
) -> Result<Option<ClaimedJob>, ArchiveError> {
    if kinds.is_empty() {
        return Ok(None);
    }
    give_back(connection, now, now).await?;
    let Some(row) = take(dialect, kinds, owner, now).prepared().fetch_optional(&mut *connection).await?
    else {
        return Ok(None);
    };
    let job = from_row(&row)?;
    if let Some(partner) = &job.partner
        && dialect == Dialect::PostgreSql
        && lane_is_overfull(connection, partner, now).await?
    {
        postpone(connection, job.lease, now, now).await?;
        return Ok(None);
    }
    Ok(Some(job))
}

/// Makes ready what is leased until before `until`, and notes that the work on it was interrupted.
pub(super) async fn give_back(
    connection: &mut AnyConnection,
    until: i64,
    now: i64,
) -> Result<u64, ArchiveError> {
    let given_back = sqlx::query(
        "UPDATE job_queue SET state = 'ready', lease_owner = NULL, lease_until = NULL, lease_token = NULL, updated_at = $2, \
         interrupted = interrupted + 1, run_at = CASE WHEN interrupted < $3 THEN run_at ELSE $4 END \
         WHERE state = 'leased' AND lease_until < $1",
    )
    .bind(until)
    .bind(now)
    .bind(INTERRUPTIONS_FREE)
    .bind(now.saturating_add(INTERRUPTION_PAUSE_MS))
    .execute(connection)
    .await?;
    Ok(given_back.rows_affected())
}

fn take(dialect: Dialect, kinds: &[&str], owner: &str, now: i64) -> Statement {
    let mut take = Statement::new("UPDATE job_queue SET state = 'leased', lease_owner = ");
    take.bind(owner).push(", lease_until = ").bind(now.saturating_add(LEASE_MS));
    take.push(", lease_token = ").bind(Uuid::now_v7().to_string()).push(", updated_at = ").bind(now);
    take.push(" WHERE id = (SELECT id FROM job_queue WHERE state = 'ready' AND run_at <= ").bind(now);
    take.push(" AND kind IN (").list(kinds.iter().copied());
    take.push(
        ") AND (partner IS NULL OR partner NOT IN (SELECT lane.partner FROM partner_lane AS lane \
         WHERE lane.paused = 1 OR lane.concurrency <= (SELECT COUNT(*) FROM job_queue AS running \
         WHERE running.partner = lane.partner AND running.state = 'leased') OR lane.not_before > ",
    );
    take.bind(now).push(")) ORDER BY run_at, id LIMIT 1");
    if dialect == Dialect::PostgreSql {
        take.push(" FOR UPDATE SKIP LOCKED");
    }
    take.push(") RETURNING id, kind, subject, partner, attempts, interrupted, lease_token");
    take
}

/// Claims beside one another do not see each other on PostgreSQL: they meet at the row of the lane, and count again.
async fn lane_is_overfull(
    connection: &mut AnyConnection,
    partner: &str,
    now: i64,
) -> Result<bool, ArchiveError> {
    let lane =
        sqlx::query("UPDATE partner_lane SET claimed_at = $2 WHERE partner = $1 RETURNING concurrency")
            .bind(partner)
            .bind(now)
            .fetch_optional(&mut *connection)
            .await?;
    let Some(lane) = lane else { return Ok(false) };
    let running =
        sqlx::query("SELECT COUNT(*) AS running FROM job_queue WHERE partner = $1 AND state = 'leased'")
            .bind(partner)
            .fetch_one(connection)
            .await?;
    Ok(running.try_get::<i64, _>("running")? > i64::from(lane.try_get::<i32, _>("concurrency")?))
}

/// Lengthens a lease to [`LEASE_MS`] from `now`.
///
/// # Errors
/// [`ArchiveError::LeaseLost`]: stop the work; [`ArchiveError::Database`].
pub async fn renew(connection: &mut AnyConnection, lease: Lease, now: i64) -> Result<(), ArchiveError> {
    let renewed = sqlx::query(
        "UPDATE job_queue SET lease_until = $3, updated_at = $4 WHERE id = $1 AND lease_token = $2 AND state = 'leased'",
    )
    .bind(lease.job.to_string())
    .bind(lease.token.to_string())
    .bind(now.saturating_add(LEASE_MS))
    .bind(now)
    .execute(connection)
    .await?;
    held(lease, renewed.rows_affected())
}

/// Ends a job, in the transaction that writes what it achieved.
///
/// # Errors
/// [`ArchiveError::LeaseLost`]: roll back; [`ArchiveError::Database`].
pub async fn finish(connection: &mut AnyConnection, lease: Lease, now: i64) -> Result<(), ArchiveError> {
    end(connection, lease, QueueState::Done, now, None, now).await
}

/// Gives a job back without a failure: it waits for `run_at` (gate closed, partner asked to wait, program stops).
///
/// # Errors
/// [`ArchiveError::LeaseLost`], [`ArchiveError::Database`].
pub async fn postpone(
    connection: &mut AnyConnection,
    lease: Lease,
    run_at: i64,
    now: i64,
) -> Result<(), ArchiveError> {
    end(connection, lease, QueueState::Ready, run_at, None, now).await
}

/// Notes a failure: a transient one is repeated after 30 s × 2^failures, at most an hour, shortened by `jitter` (0 to 1, from
/// a random source), until `limit` failures; everything else waits for a person. Answers the state of the job.
///
/// # Errors
/// [`ArchiveError::LeaseLost`], [`ArchiveError::Database`].
pub async fn fail(
    connection: &mut AnyConnection,
    job: &ClaimedJob,
    failure: Failure<'_>,
    limit: i32,
    jitter: f64,
    now: i64,
) -> Result<QueueState, ArchiveError> {
    let (state, run_at, error) = match failure {
        Failure::Transient(error) if job.attempts.saturating_add(1) < limit => {
            (QueueState::Ready, now.saturating_add(back_off(job.attempts, jitter)), error)
        }
        Failure::Transient(error) | Failure::NeedsPerson(error) => (QueueState::Attention, now, error),
    };
    end(connection, job.lease, state, run_at, Some(error), now).await?;
    Ok(state)
}

/// Full jitter: anything between nothing and the whole pause, so that jobs that failed together do not return together.
fn back_off(failures: i32, jitter: f64) -> i64 {
    let doublings = failures.clamp(0, 30).cast_unsigned();
    let pause = BACK_OFF_MS.saturating_mul(1 << doublings).min(BACK_OFF_LIMIT_MS);
    (pause as f64 * jitter.clamp(0.0, 1.0)) as i64
}

async fn end(
    connection: &mut AnyConnection,
    lease: Lease,
    state: QueueState,
    run_at: i64,
    error: Option<&str>,
    now: i64,
) -> Result<(), ArchiveError> {
    let ended = sqlx::query(
        "UPDATE job_queue SET state = $3, run_at = $4, attempts = attempts + $5, interrupted = 0, last_error = COALESCE($6, last_error), \
         lease_owner = NULL, lease_until = NULL, lease_token = NULL, updated_at = $7 \
         WHERE id = $1 AND lease_token = $2 AND state = 'leased'",
    )
    .bind(lease.job.to_string())
    .bind(lease.token.to_string())
    .bind(state.as_str())
    .bind(run_at)
    .bind(i32::from(error.is_some()))
    .bind(error)
    .bind(now)
    .execute(connection)
    .await?;
    held(lease, ended.rows_affected())
}

fn held(lease: Lease, rows: u64) -> Result<(), ArchiveError> {
    if rows == 1 { Ok(()) } else { Err(ArchiveError::LeaseLost(lease.job)) }
}

fn from_row(row: &AnyRow) -> Result<ClaimedJob, ArchiveError> {
    Ok(ClaimedJob {
        lease: Lease { job: row::id(row, "id")?, token: row::id(row, "lease_token")? },
        kind: row.try_get("kind")?,
        subject: row::id(row, "subject")?,
        partner: row.try_get("partner")?,
        attempts: row.try_get("attempts")?,
        interrupted: row.try_get("interrupted")?,
    })
}

#[cfg(test)]
mod tests {
    use super::back_off;

    #[test]
    fn the_pause_doubles_up_to_an_hour_and_jitter_shortens_it() {
        let pauses: Vec<_> = (0..8).map(|failures| back_off(failures, 1.0) / 1000).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1920, 3600]);
        assert_eq!(back_off(i32::MAX, 1.0), 3_600_000);
        assert_eq!(back_off(2, 0.25), 30_000);
        assert_eq!(back_off(2, 0.0), 0);
    }
}
