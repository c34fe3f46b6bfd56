//! The outbox as the command line and the pages see it: list, history, replay, purge.

use database::{DatabaseError, Statement};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};
use uuid::Uuid;

/// State of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// Waits for its time.
    Ready,
    /// A worker has it.
    Leased,
    /// The recipient took it.
    Delivered,
    /// Given up; a person may replay it.
    Dead,
}

impl MessageState {
    /// The word in the database, in `--json` and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    fn of(word: &str) -> Result<Self, DatabaseError> {
        [Self::Ready, Self::Leased, Self::Delivered, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| DatabaseError::Row("state".into()))
    }
}

/// One row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Own id of the row.
    pub id: Uuid,
    /// Id of the event, the same for all its recipients.
    pub event_id: Uuid,
    /// Name of the recipient.
    pub recipient: String,
    /// Name of the event type.
    pub event_type: String,
    /// State.
    pub state: MessageState,
    /// Time of the next attempt, epoch milliseconds.
    pub run_at: i64,
    /// Attempts so far.
    pub attempts: i64,
    /// Code and text of the last failure.
    pub last_error: Option<String>,
    /// When it was enqueued, epoch milliseconds.
    pub created_at: i64,
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Number, from 1.
    pub number: i64,
    /// Start, epoch milliseconds.
    pub started_at: i64,
    /// End; none if it is running or the program died in it.
    pub finished_at: Option<i64>,
    /// Code and text; none if it succeeded or has not ended.
    pub error: Option<String>,
}

/// How full the outbox is, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Messages that wait or are being delivered.
    pub waiting: i64,
    /// Dead letters.
    pub dead: i64,
    /// When the oldest waiting message was enqueued, epoch milliseconds.
    pub oldest_waiting: Option<i64>,
}

/// Messages after row id `after`, oldest first, at most `limit`; of one state if given.
///
/// # Errors
/// [`DatabaseError`].
pub async fn messages(
    reader: &AnyPool,
    state: Option<MessageState>,
    after: Option<Uuid>,
    limit: u16,
) -> Result<Vec<OutboxMessage>, DatabaseError> {
    let mut select = Statement::new(
        "SELECT id, event_id, recipient, event_type, state, run_at, attempts, last_error, created_at
FROM notification_outbox WHERE id > ",
    );
    select.bind(after.map(|id| id.to_string()).unwrap_or_default());
    if let Some(state) = state {
        select.push(" AND state = ").bind(state.as_str());
    }
    select.push(" ORDER BY id LIMIT ").bind(i64::from(limit));
    let rows = select.query().fetch_all(reader).await?;
    rows.iter().map(message).collect()
}

/// The history of a message.
///
/// # Errors
/// [`DatabaseError`].
pub async fn attempts(reader: &AnyPool, message: Uuid) -> Result<Vec<Attempt>, DatabaseError> {
    const SELECT: &str = "SELECT number, started_at, finished_at, error FROM notification_attempt
WHERE message_id = $1 ORDER BY number LIMIT 1000";
    let rows = sqlx::query(SELECT).bind(message.to_string()).fetch_all(reader).await?;
    rows.iter()
        .map(|row| {
            Ok(Attempt {
                number: row.try_get("number")?,
                started_at: row.try_get("started_at")?,
                finished_at: row.try_get("finished_at")?,
                error: row.try_get("error")?,
            })
        })
        .collect()
}

/// How full the outbox is.
///
/// # Errors
/// [`DatabaseError`].
pub async fn count(reader: &AnyPool) -> Result<OutboxCounts, DatabaseError> {
    const WAITING: &str = "SELECT COUNT(*) AS number, MIN(created_at) AS oldest FROM notification_outbox
WHERE state IN ('ready', 'leased')";
    const DEAD: &str = "SELECT COUNT(*) AS number FROM notification_outbox WHERE state = 'dead'";
    let waiting = sqlx::query(WAITING).fetch_one(reader).await?;
    let dead = sqlx::query(DEAD).fetch_one(reader).await?;
    Ok(OutboxCounts {
        waiting: waiting.try_get("number")?,
        dead: dead.try_get("number")?,
        oldest_waiting: waiting.try_get("oldest")?,
    })
}

/// Makes a dead letter ready again, with a new period of tries; false if it is not one.
///
/// # Errors
/// [`DatabaseError`].
pub async fn replay(connection: &mut AnyConnection, message: Uuid, now: i64) -> Result<bool, DatabaseError> {
    const REPLAY: &str = "UPDATE notification_outbox
SET state = 'ready', run_at = $2, failures = 0, retry_until = NULL, updated_at = $2 WHERE state = 'dead' AND id = $1";
    let done = sqlx::query(REPLAY).bind(message.to_string()).bind(now).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}

/// Makes all dead letters of a recipient ready again and returns their number.
///
/// # Errors
/// [`DatabaseError`].
pub async fn replay_dead(
    connection: &mut AnyConnection,
    recipient: &str,
    now: i64,
) -> Result<u64, DatabaseError> {
    const REPLAY: &str = "UPDATE notification_outbox
SET state = 'ready', run_at = $2, failures = 0, retry_until = NULL, updated_at = $2
WHERE state = 'dead' AND recipient = $1";
    Ok(sqlx::query(REPLAY).bind(recipient).bind(now).execute(connection).await?.rows_affected())
}

/// Deletes what was delivered before `before` (epoch milliseconds) with its history, and returns the number of messages.
/// Dead letters stay until a person has seen to them.
///
/// # Errors
/// [`DatabaseError`].
pub async fn purge(connection: &mut AnyConnection, before: i64) -> Result<u64, DatabaseError> {
    const PURGE: &str = "DELETE FROM notification_outbox WHERE state = 'delivered' AND updated_at < $1";
    Ok(sqlx::query(PURGE).bind(before).execute(connection).await?.rows_affected())
}

fn message(row: &AnyRow) -> Result<OutboxMessage, DatabaseError> {
    let id = |column: &'static str| -> Result<Uuid, DatabaseError> {
        let text: String = row.try_get(column)?;
        text.parse().map_err(|_| DatabaseError::Row(column.into()))
    };
    Ok(OutboxMessage {
        id: id("id")?,
        event_id: id("event_id")?,
        recipient: row.try_get("recipient")?,
        event_type: row.try_get("event_type")?,
        state: MessageState::of(&row.try_get::<String, _>("state")?)?,
        run_at: row.try_get("run_at")?,
        attempts: row.try_get("attempts")?,
        last_error: row.try_get("last_error")?,
        created_at: row.try_get("created_at")?,
    })
}
