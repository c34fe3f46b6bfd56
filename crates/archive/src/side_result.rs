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
    /// When its participant withdrew, epoch milliseconds: it leaves, and nobody takes it out any more.
    pub withdrawn_at: Option<i64>,
}

/// What a file counts for at least where room is counted: a row, and a block of the volume.
pub const COUNTED_MIN: u64 = 64 << 10;

/// Which files a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those of one job.
    Job(Uuid),
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
    which: Which,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<SideResult>, ArchiveError> {
    let mut find = Statement::new("SELECT * FROM side_result WHERE id > ");
    find.bind(after.unwrap_or_default().to_string());
    if let Which::Job(job) = which {
        find.push(" AND job = ").bind(job.to_string());
    }
    find.push(" ORDER BY id LIMIT ").bind(i64::from(limit));
    find.query().fetch_all(executor).await?.iter().map(from_row).collect()
}

/// One file.
///
/// # Errors
/// [`ArchiveError::NotFound`], [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn show(executor: impl AnyExecutor<'_>, id: Uuid) -> Result<SideResult, ArchiveError> {
    let row = sqlx::query("SELECT * FROM side_result WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(executor)
        .await?;
    from_row(&row.ok_or(ArchiveError::NotFound { what: "file kept beside", id })?)
}

/// Room that the files of a partner take, bytes; a small file counts for [`COUNTED_MIN`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Those of one study.
    pub study: u64,
    /// All of them.
    pub all: u64,
}

/// The room that what is kept of `partner` takes, in `study` and in all.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn room(executor: impl AnyExecutor<'_>, study: Uuid, partner: &str) -> Result<Room, ArchiveError> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(counted), 0) AS BIGINT) AS whole, \
         CAST(COALESCE(SUM(CASE WHEN study = $1 THEN counted ELSE 0 END), 0) AS BIGINT) AS of_study FROM \
         (SELECT study, CASE WHEN bytes < $3 THEN $3 ELSE bytes END AS counted FROM side_result WHERE partner = $2) of_partner",
    )
    .bind(study.to_string())
    .bind(partner)
    .bind(row::number(COUNTED_MIN))
    .fetch_one(executor)
    .await?;
    Ok(Room { study: row::count(&row, "of_study")?, all: row::count(&row, "whole")? })
}

/// Notes that the participant of a job withdrew: what is kept of it leaves, whatever state the job ended in (INV-4).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn withdraw(connection: &mut AnyConnection, job: Uuid, now: i64) -> Result<(), ArchiveError> {
    sqlx::query("UPDATE side_result SET withdrawn_at = $2 WHERE job = $1 AND withdrawn_at IS NULL")
        .bind(job.to_string())
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Up to `limit` files whose participant withdrew, or whose job was withdrawn or cancelled: they leave (INV-4, INV-9).
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_stopped_jobs(
    executor: impl AnyExecutor<'_>,
    limit: u32,
) -> Result<Vec<SideResult>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT s.* FROM side_result s JOIN job j ON j.id = s.job \
         WHERE j.state IN ('withdrawn', 'cancelled') OR s.withdrawn_at IS NOT NULL ORDER BY s.id LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}

/// The projects that files are kept of.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn projects(executor: impl AnyExecutor<'_>) -> Result<Vec<String>, ArchiveError> {
    let rows = sqlx::query("SELECT DISTINCT project FROM side_result").fetch_all(executor).await?;
    rows.iter().map(|row| Ok(row.try_get("project")?)).collect()
}

/// Up to `limit` files of a project that were kept at `before` or earlier, and of whose study and partner no job has been open since: a
/// partner that is still asked would be asked for them again.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_ended_jobs(
    executor: impl AnyExecutor<'_>,
    project: &str,
    before: i64,
    limit: u32,
) -> Result<Vec<SideResult>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT s.* FROM side_result s WHERE s.project = $1 AND s.kept_at <= $2 AND NOT EXISTS (SELECT 1 FROM job j \
         WHERE j.study = s.study AND j.partner = s.partner AND (j.updated_at > $2 \
         OR j.state NOT IN ('closed', 'expired', 'cancelled', 'withdrawn'))) ORDER BY s.id LIMIT $3",
    )
    .bind(project)
    .bind(before)
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
        withdrawn_at: row.try_get("withdrawn_at")?,
    })
}
