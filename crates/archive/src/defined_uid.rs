//! The Series Instance and Frame of Reference UIDs that a partner made for its results: two studies must not share one at the clinical
//! PACS (RR-7). Instances are found by the index.

use std::collections::BTreeSet;

use database::{Statement, storable};
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use crate::ArchiveError;

/// Remembers what the results of a job define; a repeat adds nothing.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn remember(
    connection: &mut AnyConnection,
    job: Uuid,
    uids: &[String],
) -> Result<(), ArchiveError> {
    for chunk in uids.chunks(Statement::ROWS) {
        let mut insert = Statement::new("INSERT INTO defined_uid (uid, job) VALUES ");
        for (number, uid) in chunk.iter().enumerate() {
            insert.push(if number == 0 { "(" } else { ", (" });
            insert.list([storable(uid), job.to_string()]).push(")");
        }
        insert.push(" ON CONFLICT (uid, job) DO NOTHING");
        insert.prepared().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Those of `uids` that results of other jobs than `jobs` define.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_others(
    connection: &mut AnyConnection,
    jobs: &BTreeSet<Uuid>,
    uids: &[String],
) -> Result<BTreeSet<String>, ArchiveError> {
    let mut found = BTreeSet::new();
    for chunk in uids.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT uid, job FROM defined_uid WHERE uid IN (");
        find.list(chunk.iter().map(|uid| storable(uid))).push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            if !jobs.contains(&crate::row::id(&row, "job")?) {
                found.insert(row.try_get("uid")?);
            }
        }
    }
    Ok(found)
}
