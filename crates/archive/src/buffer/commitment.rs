//! Storage commitment asked of the clinical PACS: which request is of which result set, and whether it was reported on (AC9.3).

use database::storable;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::{ArchiveError, row};

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// Transaction UID (0008,1195), ours.
    pub transaction: String,
    /// The result set that the instances are of.
    pub result_set: Uuid,
    /// Name of the node that was asked.
    pub node: String,
    /// Epoch milliseconds.
    pub requested_at: i64,
    /// Epoch milliseconds; `None` while the report is due.
    pub reported_at: Option<i64>,
}

/// Notes a request, before it is made.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn open_commitment(
    connection: &mut AnyConnection,
    commitment: &Commitment,
) -> Result<(), ArchiveError> {
    sqlx::query(
        "INSERT INTO commitment (transaction_uid, result_set, node, requested_at, reported_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(commitment.transaction.as_str())
    .bind(commitment.result_set.to_string())
    .bind(commitment.node.as_str())
    .bind(commitment.requested_at)
    .bind(commitment.reported_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that a request was reported on, or was refused.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn close_commitment(
    connection: &mut AnyConnection,
    transaction: &str,
    now: i64,
) -> Result<(), ArchiveError> {
    sqlx::query("UPDATE commitment SET reported_at = $2 WHERE transaction_uid = $1")
        .bind(transaction)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets the requests of a result set; a report that comes later says nothing any more.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn forget_commitments(
    connection: &mut AnyConnection,
    result_set: Uuid,
) -> Result<(), ArchiveError> {
    sqlx::query("DELETE FROM commitment WHERE result_set = $1")
        .bind(result_set.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// The request of a transaction, as a peer names it.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn commitment(
    executor: impl AnyExecutor<'_>,
    transaction: &str,
) -> Result<Option<Commitment>, ArchiveError> {
    let row = sqlx::query("SELECT * FROM commitment WHERE transaction_uid = $1")
        .bind(storable(transaction))
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// The requests of a result set, the oldest first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn commitments_of(
    executor: impl AnyExecutor<'_>,
    result_set: Uuid,
) -> Result<Vec<Commitment>, ArchiveError> {
    let rows =
        sqlx::query("SELECT * FROM commitment WHERE result_set = $1 ORDER BY requested_at, transaction_uid")
            .bind(result_set.to_string())
            .fetch_all(executor)
            .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &AnyRow) -> Result<Commitment, ArchiveError> {
    Ok(Commitment {
        transaction: row.try_get("transaction_uid")?,
        result_set: row::id(row, "result_set")?,
        node: row.try_get("node")?,
        requested_at: row.try_get("requested_at")?,
        reported_at: row.try_get("reported_at")?,
    })
}
