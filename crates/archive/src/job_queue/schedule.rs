//! Timers: polls, purges, checks that come again.

use database::Dialect;
use sqlx::{AnyConnection, AnyExecutor, Row};

use crate::ArchiveError;

/// A timer that comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Its name: `poll PROJECT PARTNER`, `retention`.
    pub name: String,
    /// When it is due, epoch milliseconds.
    pub next_run_at: i64,
    /// Its interval in milliseconds.
    pub interval_ms: i64,
    /// When it was taken last, epoch milliseconds.
    pub last_run_at: Option<i64>,
}

/// Declares a timer; a new one is due at `first_run_at`, a known one keeps its time.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn set_timer(
    connection: &mut AnyConnection,
    name: &str,
    interval_ms: i64,
    first_run_at: i64,
) -> Result<(), ArchiveError> {
    sqlx::query(
        "INSERT INTO schedule (name, next_run_at, interval_ms) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET interval_ms = excluded.interval_ms",
    )
    .bind(name)
    .bind(first_run_at)
    .bind(interval_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Sets when a timer is due next: at once ("poll now"), or later (`Retry-After`).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn wake_timer(connection: &mut AnyConnection, name: &str, at: i64) -> Result<(), ArchiveError> {
    sqlx::query("UPDATE schedule SET next_run_at = $2 WHERE name = $1")
        .bind(name)
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes the timer that is due longest and sets its next time to one interval after `now`, lengthened by up to a tenth
/// (`jitter` 0 to 1). Of several programs one alone gets it.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn take_due(
    connection: &mut AnyConnection,
    dialect: Dialect,
    jitter: f64,
    now: i64,
) -> Result<Option<String>, ArchiveError> {
    let take = match dialect {
        Dialect::Sqlite => {
            "UPDATE schedule SET last_run_at = $1, next_run_at = $1 + interval_ms + CAST(interval_ms * $2 AS BIGINT) \
             WHERE name = (SELECT name FROM schedule WHERE next_run_at <= $1 ORDER BY next_run_at, name LIMIT 1) RETURNING name"
        }
        Dialect::PostgreSql => {
            "UPDATE schedule SET last_run_at = $1, next_run_at = $1 + interval_ms + CAST(interval_ms * $2 AS BIGINT) \
             WHERE name = (SELECT name FROM schedule WHERE next_run_at <= $1 ORDER BY next_run_at, name LIMIT 1 \
             FOR UPDATE SKIP LOCKED) RETURNING name"
        }
    };
    let row =
        sqlx::query(take).bind(now).bind(jitter.clamp(0.0, 1.0) / 10.0).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get("name")).transpose()?)
}

/// Whether some timer is due: asked by a reader, so that an idle program writes nothing.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn is_timer_due(executor: impl AnyExecutor<'_>, now: i64) -> Result<bool, ArchiveError> {
    let found = sqlx::query("SELECT 1 AS due FROM schedule WHERE next_run_at <= $1 LIMIT 1")
        .bind(now)
        .fetch_optional(executor)
        .await?;
    Ok(found.is_some())
}

/// All timers.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn timers(executor: impl AnyExecutor<'_>) -> Result<Vec<Timer>, ArchiveError> {
    let rows = sqlx::query("SELECT name, next_run_at, interval_ms, last_run_at FROM schedule ORDER BY name")
        .fetch_all(executor)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Timer {
                name: row.try_get("name")?,
                next_run_at: row.try_get("next_run_at")?,
                interval_ms: row.try_get("interval_ms")?,
                last_run_at: row.try_get("last_run_at")?,
            })
        })
        .collect()
}
