//! Projects of which the receive buffer holds something, and which of them the configuration misses, since when.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, AnyExecutor, Row};

use crate::{ArchiveError, row};

/// Every project of which the receive buffer holds something, with the number of originals that are not yet de-identified.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn projects(executor: impl AnyExecutor<'_>) -> Result<BTreeMap<String, u64>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT project, COUNT(CASE WHEN state = 'deidentified' THEN NULL ELSE 1 END) AS waiting FROM received_instance \
         WHERE state IN ('received', 'admitted', 'deidentified') AND project <> '' GROUP BY project",
    )
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("project")?, row::count(row, "waiting")?))).collect()
}

/// Projects that are missed, and since when, epoch milliseconds.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn missing_projects(executor: impl AnyExecutor<'_>) -> Result<BTreeMap<String, i64>, ArchiveError> {
    let rows = sqlx::query("SELECT project, since FROM missing_project").fetch_all(executor).await?;
    rows.iter().map(|row| Ok((row.try_get("project")?, row.try_get("since")?))).collect()
}

/// Notes that a project is missed; an earlier note stays.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn miss_project(
    connection: &mut AnyConnection,
    project: &str,
    now: i64,
) -> Result<(), ArchiveError> {
    sqlx::query(
        "INSERT INTO missing_project (project, since) VALUES ($1, $2) ON CONFLICT (project) DO NOTHING",
    )
    .bind(project)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// A project is there again, or nothing of it is left.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn miss_project_no_more(connection: &mut AnyConnection, project: &str) -> Result<(), ArchiveError> {
    sqlx::query("DELETE FROM missing_project WHERE project = $1").bind(project).execute(connection).await?;
    Ok(())
}
