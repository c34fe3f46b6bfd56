//! Reports of the de-identification of each instance (AC2.11): equal ones are kept once.

use std::collections::BTreeMap;

use database::Statement;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::{ArchiveError, row};

/// Keeps the report of each instance, JSON; a repeat replaces it.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn keep(connection: &mut AnyConnection, reports: &[(Uuid, &str)]) -> Result<(), ArchiveError> {
    let mut different: BTreeMap<String, &str> = BTreeMap::new();
    let mut of: Vec<(Uuid, String)> = Vec::with_capacity(reports.len());
    for (instance, report) in reports {
        let hash = blake3::hash(report.as_bytes()).to_hex().to_string();
        different.insert(hash.clone(), report);
        of.push((*instance, hash));
    }
    for (hash, report) in different {
        sqlx::query(
            "INSERT INTO deidentification_report (hash, report) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING",
        )
        .bind(hash)
        .bind(report)
        .execute(&mut *connection)
        .await?;
    }
    for chunk in of.chunks(Statement::ROWS) {
        let mut insert = Statement::new("INSERT INTO instance_report (instance, hash) VALUES ");
        for (number, (instance, hash)) in chunk.iter().enumerate() {
            insert.push(if number == 0 { "(" } else { ", (" });
            insert.list([instance.to_string(), hash.clone()]).push(")");
        }
        insert.push(" ON CONFLICT (instance) DO UPDATE SET hash = excluded.hash");
        insert.prepared().execute(&mut *connection).await?;
    }
    Ok(())
}

/// The report of one instance, if it was de-identified.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn of_instance(
    executor: impl AnyExecutor<'_>,
    instance: Uuid,
) -> Result<Option<String>, ArchiveError> {
    let row = sqlx::query(
        "SELECT deidentification_report.report FROM instance_report \
         JOIN deidentification_report ON deidentification_report.hash = instance_report.hash \
         WHERE instance_report.instance = $1",
    )
    .bind(instance.to_string())
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| row.try_get("report")).transpose()?)
}

/// The report of each instance that came with an increment of a study: up to `limit` instances after `after`, in the order of ids.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_source(
    executor: impl AnyExecutor<'_>,
    source: Uuid,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<(Uuid, String)>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT instance.id, deidentification_report.report FROM instance \
         JOIN instance_report ON instance_report.instance = instance.id \
         JOIN deidentification_report ON deidentification_report.hash = instance_report.hash \
         WHERE instance.source = $1 AND instance.id > $2 ORDER BY instance.id LIMIT $3",
    )
    .bind(source.to_string())
    .bind(after.unwrap_or_default().to_string())
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| Ok((row::id(row, "id")?, row.try_get("report")?))).collect()
}
