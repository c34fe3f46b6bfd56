//! The outbox: one row per (event, recipient) in the main database, same mechanics as the job table, own table.
//!
//! ready → leased → delivered, or ready again (back-off), or dead. A lease that runs out makes the row claimable again, so a
//! crash between delivery and its record means a second delivery with the same event id, never none. Each claim writes a
//! fresh token and each later write names it: who lost the lease changes nothing.

use database::{DatabaseError, Dialect};
use sqlx::{AnyConnection, AnyPool, Row};
use uuid::Uuid;

use crate::backoff::delay;
use crate::{DeliveryError, Event};

/// Messages and the history of their attempts.
pub(crate) const SCHEMA: &str = "
CREATE TABLE notification_outbox (
    id TEXT COLLATE \"binary\" PRIMARY KEY NOT NULL,
    event_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    event_type TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'delivered', 'dead')),
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    retry_until BIGINT,
    lease_until BIGINT,
    lease_token TEXT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (event_id, recipient)
);
CREATE INDEX notification_outbox_ready ON notification_outbox (recipient, run_at) WHERE state = 'ready';
CREATE INDEX notification_outbox_leased ON notification_outbox (recipient, lease_until) WHERE state = 'leased';
CREATE INDEX notification_outbox_state ON notification_outbox (state, id);
CREATE TABLE notification_attempt (
    message_id TEXT NOT NULL REFERENCES notification_outbox (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    error TEXT,
    PRIMARY KEY (message_id, number)
);
";

/// How long a claimed message belongs to its worker, milliseconds; longer than any delivery may take.
pub(crate) const LEASE: i64 = 180_000;
/// Recipients looked at in one round.
const RECIPIENTS: i64 = 256;

const ENQUEUE: &str = "INSERT INTO notification_outbox
(id, event_id, recipient, event_type, event, state, run_at, attempts, failures, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, 'ready', $6, 0, 0, $6, $6) ON CONFLICT (event_id, recipient) DO NOTHING";

const DUE: &str = "SELECT DISTINCT recipient FROM notification_outbox
WHERE (state = 'ready' AND run_at <= $1) OR (state = 'leased' AND lease_until <= $1) ORDER BY recipient LIMIT $2";

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE notification_outbox
SET state = 'leased', attempts = attempts + 1, lease_until = $3, lease_token = $4, updated_at = $2
WHERE id = (SELECT id FROM notification_outbox WHERE recipient = $1
AND ((state = 'ready' AND run_at <= $2) OR (state = 'leased' AND lease_until <= $2)) ORDER BY run_at, id LIMIT 1",
            $lock,
            ") RETURNING id, event, attempts, failures, retry_until"
        )
    };
}
const CLAIM_SQLITE: &str = claim!("");
const CLAIM_POSTGRESQL: &str = claim!(" FOR UPDATE SKIP LOCKED");

const SETTLE: &str =
    "UPDATE notification_outbox SET state = $3, run_at = $4, failures = $5, retry_until = $6,
last_error = $7, lease_until = NULL, lease_token = NULL, updated_at = $8 WHERE id = $1 AND lease_token = $2";
const START: &str = "INSERT INTO notification_attempt (message_id, number, started_at) VALUES ($1, $2, $3)";
const FINISH: &str =
    "UPDATE notification_attempt SET finished_at = $3, error = $4 WHERE message_id = $1 AND number = $2";

/// Puts an event into the outbox for each recipient, in the caller's transaction (INV-1); `now` in epoch milliseconds.
///
/// The same event for the same recipient stays one row, so a repeated transition sends nothing twice.
///
/// # Errors
/// [`DatabaseError`]: repeat the whole transaction.
pub async fn enqueue(
    connection: &mut AnyConnection,
    event: &Event,
    recipients: impl IntoIterator<Item = &str>,
    now: i64,
) -> Result<(), DatabaseError> {
    let text = serde_json::to_string(event).map_err(|_| DatabaseError::Statement {
        code: "json".into(),
        text: "an event cannot be written".into(),
    })?;
    for recipient in recipients {
        sqlx::query(ENQUEUE)
            .bind(Uuid::now_v7().to_string())
            .bind(event.id.to_string())
            .bind(recipient)
            .bind(event.kind.as_str())
            .bind(text.as_str())
            .bind(now)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Recipients for whom something is due.
pub(crate) async fn due(reader: &AnyPool, now: i64) -> Result<Vec<String>, DatabaseError> {
    let rows = sqlx::query(DUE).bind(now).bind(RECIPIENTS).fetch_all(reader).await?;
    rows.iter().map(|row| Ok(row.try_get("recipient")?)).collect()
}

/// A claimed message.
#[derive(Debug)]
pub(crate) struct Leased {
    id: String,
    token: String,
    /// The stored [`Event`].
    pub(crate) event: String,
    attempt: i64,
    failures: i64,
    retry_until: Option<i64>,
}

/// Takes the oldest due message of a recipient and notes that an attempt starts.
pub(crate) async fn claim(
    connection: &mut AnyConnection,
    dialect: Dialect,
    recipient: &str,
    now: i64,
) -> Result<Option<Leased>, DatabaseError> {
    let statement = match dialect {
        Dialect::Sqlite => CLAIM_SQLITE,
        Dialect::PostgreSql => CLAIM_POSTGRESQL,
    };
    let token = Uuid::new_v4().to_string();
    let row = sqlx::query(statement)
        .bind(recipient)
        .bind(now)
        .bind(now.saturating_add(LEASE))
        .bind(token.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let leased = Leased {
        id: row.try_get("id")?,
        token,
        event: row.try_get("event")?,
        attempt: row.try_get("attempts")?,
        failures: row.try_get("failures")?,
        retry_until: row.try_get("retry_until")?,
    };
    sqlx::query(START).bind(leased.id.as_str()).bind(leased.attempt).bind(now).execute(connection).await?;
    Ok(Some(leased))
}

/// What becomes of a message after an attempt.
#[derive(Debug, PartialEq, Eq)]
struct Next {
    state: &'static str,
    run_at: i64,
    failures: i64,
    retry_until: Option<i64>,
}

impl Leased {
    /// A failure counts from the first one on: the last attempt comes when `give_up_after` (milliseconds) has passed, not before.
    fn next(&self, outcome: &Result<(), DeliveryError>, give_up_after: i64, random: u64, now: i64) -> Next {
        let Err(error) = outcome else {
            return Next {
                state: "delivered",
                run_at: now,
                failures: self.failures,
                retry_until: self.retry_until,
            };
        };
        let failures = self.failures.saturating_add(1);
        let until = self.retry_until.unwrap_or_else(|| now.saturating_add(give_up_after));
        let dead = error.is_permanent() || now >= until;
        let run_at = now.saturating_add(delay(failures, random)).min(until);
        Next { state: if dead { "dead" } else { "ready" }, run_at, failures, retry_until: Some(until) }
    }
}

/// Records the outcome of an attempt; false if the lease was lost meanwhile, then nothing was changed.
pub(crate) async fn settle(
    connection: &mut AnyConnection,
    leased: &Leased,
    outcome: &Result<(), DeliveryError>,
    give_up_after: i64,
    random: u64,
    now: i64,
) -> Result<bool, DatabaseError> {
    let next = leased.next(outcome, give_up_after, random, now);
    let error = outcome.as_ref().err().map(|error| format!("{}: {error}", error.code()));
    let settled = sqlx::query(SETTLE)
        .bind(leased.id.as_str())
        .bind(leased.token.as_str())
        .bind(next.state)
        .bind(next.run_at)
        .bind(next.failures)
        .bind(next.retry_until)
        .bind(error.as_deref())
        .bind(now)
        .execute(&mut *connection)
        .await?;
    if settled.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(FINISH)
        .bind(leased.id.as_str())
        .bind(leased.attempt)
        .bind(now)
        .bind(error)
        .execute(connection)
        .await?;
    Ok(true)
}
