//! Out of the receive buffer: timers, live records, purge (ARC-11, INV-9).

use database::Statement;
use sqlx::{AnyConnection, AnyExecutor};
use uuid::Uuid;

use super::instance::BufferState;
use super::quarantine::{Decision, QuarantineReason, decide};
use crate::spool::RecordLocation;
use crate::{ArchiveError, row};

/// Originals of a project that have been in `state` since `before` (epoch milliseconds) or longer: up to `limit`, the oldest first. For
/// the retention timers: of de-identified originals, and of those of a receive-only project.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn in_state_since(
    executor: impl AnyExecutor<'_>,
    project: &str,
    state: BufferState,
    before: i64,
    limit: u32,
) -> Result<Vec<(Uuid, RecordLocation)>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT id, location FROM received_instance \
         WHERE state = $1 AND state_at <= $2 AND project = $3 ORDER BY state_at, id LIMIT $4",
    )
    .bind(state.as_str())
    .bind(before)
    .bind(project)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| Ok((row::id(row, "id")?, row::parsed(row, "location")?))).collect()
}

/// Deletes up to `limit` rows released before `before`, the studies of which nothing is left,
/// and old decisions; answers how many instances.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn purge_released(
    connection: &mut AnyConnection,
    before: i64,
    limit: u32,
) -> Result<u64, ArchiveError> {
    let rows = sqlx::query(
        "SELECT id FROM received_instance WHERE state = 'released' AND state_at <= $1 ORDER BY state_at LIMIT $2",
    )
    .bind(before)
    .bind(i64::from(limit))
    .fetch_all(&mut *connection)
    .await?;
    let ids = rows.iter().map(|row| row::id(row, "id")).collect::<Result<Vec<_>, _>>()?;
    remove(connection, &ids).await?;
    sqlx::query(
        "DELETE FROM receiving_study WHERE closed_at IS NOT NULL AND closed_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM received_instance WHERE received_instance.receiving_study = receiving_study.id)",
    )
    .bind(before)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM quarantine WHERE decided_at <= $1").bind(before).execute(connection).await?;
    Ok(ids.len() as u64)
}

/// Deletes rows at once, and what waits for a decision about them (opposition, DEC-S).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn remove(connection: &mut AnyConnection, ids: &[Uuid]) -> Result<(), ArchiveError> {
    for chunk in ids.chunks(Statement::IDS) {
        for delete in [
            "DELETE FROM received_instance WHERE id IN (",
            "DELETE FROM quarantine WHERE decision IS NULL AND object IN (",
        ] {
            let mut delete = Statement::new(delete);
            delete.list(chunk.iter().map(Uuid::to_string)).push(")");
            delete.query().execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Records of a spool that still belong to Z1, for its start: up to `limit` rows after the id `after`, in the order of ids.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn live_locations(
    executor: impl AnyExecutor<'_>,
    spool: &str,
    after: Uuid,
    limit: u32,
) -> Result<Vec<(Uuid, RecordLocation)>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT id, location FROM received_instance WHERE id > $1 AND spool = $2 AND state <> 'released' ORDER BY id LIMIT $3",
    )
    .bind(after.to_string())
    .bind(spool)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| Ok((row::id(row, "id")?, row::parsed(row, "location")?))).collect()
}

/// A whole copy of a damaged record came: its row takes the new place, and goes through admission again where it was held for the damage.
///
/// # Errors
/// [`ArchiveError::NotFound`], [`ArchiveError::Database`].
pub async fn relocate(
    connection: &mut AnyConnection,
    id: Uuid,
    location: RecordLocation,
    now: i64,
) -> Result<(), ArchiveError> {
    let moved = sqlx::query("UPDATE received_instance SET location = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(location.to_string())
        .execute(&mut *connection)
        .await?;
    if moved.rows_affected() == 0 {
        return Err(ArchiveError::NotFound { what: "received instance", id });
    }
    let held =
        sqlx::query("SELECT id FROM quarantine WHERE object = $1 AND reason = $2 AND decision IS NULL")
            .bind(id.to_string())
            .bind(QuarantineReason::Damaged.as_str())
            .fetch_all(&mut *connection)
            .await?;
    for entry in &held {
        decide(connection, row::id(entry, "id")?, Decision::Redo, "sent again", now).await?;
    }
    Ok(())
}
