//! Results that are no DICOM objects (flow table 8.3): kept beside the archive, and never pushed to the clinical PACS.

use std::collections::BTreeSet;

use database::{Statement, storable};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::{ArchiveError, row};

/// One file. Nobody knows what is in it, so it is in Z4, under its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideResult {
    /// Our own id.
    pub id: Uuid,
    /// Job that it belongs to.
    pub job: Uuid,
    /// Our own id of the study in the index.
    pub study: Uuid,
    /// Project.
    pub project: String,
    /// Partner.
    pub partner: String,
    /// What the end of its name says that it is, of a closed list: `csv`, `json`, `nii.gz`, …, `other`.
    pub form: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, that of the partner's manifest.
    pub sha256: [u8; 32],
    /// Epoch milliseconds.
    pub kept_at: i64,
}

/// Writes the row of what is durable in Z4; `false` when the study has this content already.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn insert(connection: &mut AnyConnection, of: &SideResult) -> Result<bool, ArchiveError> {
    let written = sqlx::query(
        "INSERT INTO side_result (id, job, study, project, partner, form, bytes, sha256, kept_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (study, partner, sha256) DO NOTHING",
    )
    .bind(of.id.to_string())
    .bind(of.job.to_string())
    .bind(of.study.to_string())
    .bind(of.project.as_str())
    .bind(of.partner.as_str())
    .bind(storable(&of.form))
    .bind(row::number(of.bytes))
    .bind(of.sha256.to_vec())
    .bind(of.kept_at)
    .execute(connection)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// The hashes of what is kept of a study and partner.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn contents(
    executor: impl AnyExecutor<'_>,
    study: Uuid,
    partner: &str,
) -> Result<BTreeSet<[u8; 32]>, ArchiveError> {
    let rows = sqlx::query("SELECT sha256 FROM side_result WHERE study = $1 AND partner = $2")
        .bind(study.to_string())
        .bind(partner)
        .fetch_all(executor)
        .await?;
    rows.iter().map(|row| row::hash(row, "sha256")).collect()
}

/// Up to `limit` files after `after`, the oldest first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn list(
    executor: impl AnyExecutor<'_>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<SideResult>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM side_result WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after.unwrap_or_default().to_string())
        .bind(i64::from(limit))
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Up to `limit` files whose job was withdrawn or cancelled: they leave (INV-4, INV-9).
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_stopped_jobs(
    executor: impl AnyExecutor<'_>,
    limit: u32,
) -> Result<Vec<SideResult>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT s.* FROM side_result s JOIN job j ON j.id = s.job WHERE j.state IN ('withdrawn', 'cancelled') \
         ORDER BY s.id LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Those of `ids` that a row speaks of.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn known(connection: &mut AnyConnection, ids: &[Uuid]) -> Result<BTreeSet<Uuid>, ArchiveError> {
    let mut known = BTreeSet::new();
    for chunk in ids.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT id FROM side_result WHERE id IN (");
        find.list(chunk.iter().map(Uuid::to_string)).push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            known.insert(row::id(&row, "id")?);
        }
    }
    Ok(known)
}

/// Deletes the row of a file, after its object is deleted.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn remove(connection: &mut AnyConnection, id: Uuid) -> Result<(), ArchiveError> {
    sqlx::query("DELETE FROM side_result WHERE id = $1").bind(id.to_string()).execute(connection).await?;
    Ok(())
}

fn from_row(row: &AnyRow) -> Result<SideResult, ArchiveError> {
    Ok(SideResult {
        id: row::id(row, "id")?,
        job: row::id(row, "job")?,
        study: row::id(row, "study")?,
        project: row.try_get("project")?,
        partner: row.try_get("partner")?,
        form: row.try_get("form")?,
        bytes: row::count(row, "bytes")?,
        sha256: row::hash(row, "sha256")?,
        kept_at: row.try_get("kept_at")?,
    })
}
