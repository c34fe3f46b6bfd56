//! The UIDs that objects of a partner got in place of their own when they went back (RR-7): remembered, because a later set cites the
//! object by the UID that the partner gave it. Only ours are kept; which of the partner's they stand for follows from them.

use std::collections::BTreeSet;

use database::Statement;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::ArchiveError;

/// Remembers the new UIDs of a job; a repeat adds nothing.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn remember(
    connection: &mut AnyConnection,
    job: Uuid,
    uids: &[String],
) -> Result<(), ArchiveError> {
    for chunk in uids.chunks(Statement::ROWS) {
        let mut insert = Statement::new("INSERT INTO regenerated_uid (job, uid) VALUES ");
        for (number, uid) in chunk.iter().enumerate() {
            insert.push(if number == 0 { "(" } else { ", (" });
            insert.list([job.to_string(), uid.clone()]).push(")");
        }
        insert.push(" ON CONFLICT (job, uid) DO NOTHING");
        insert.prepared().execute(&mut *connection).await?;
    }
    Ok(())
}

/// The new UIDs of a job.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn of_job(executor: impl AnyExecutor<'_>, job: Uuid) -> Result<BTreeSet<String>, ArchiveError> {
    let rows = sqlx::query("SELECT uid FROM regenerated_uid WHERE job = $1")
        .bind(job.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(|row| Ok(row.try_get("uid")?)).collect()
}
