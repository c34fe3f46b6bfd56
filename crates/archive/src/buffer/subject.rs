//! Whose a study is that has no participant in the vault (DEC-D, DEC-P), and in anonymise mode the secret of its jobs (AC2.9).

use std::fmt;

use database::{Statement, storable};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};

use crate::ArchiveError;

/// The subject of one study of one project. It identifies a person: no `Display`, and `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct StudySubject {
    /// Project.
    pub project: String,
    /// (0020,000D) as received.
    pub study_instance_uid: String,
    /// What codes, UIDs and shift follow from, 32 bytes; empty where everything is kept as received.
    pub secret: Vec<u8>,
    /// Assigning authority of the Patient ID.
    pub assigning_authority: String,
    /// (0010,0020)
    pub patient_id: String,
    /// (0010,0010), decoded; may be empty.
    pub patient_name: String,
    /// (0010,0030) as yyyymmdd; may be empty.
    pub birth_date: String,
}

impl fmt::Debug for StudySubject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StudySubject")
    }
}

/// Writes the subject of a study, unless it has one; answers the one it has now: two callers at once get the same.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn claim_study(
    connection: &mut AnyConnection,
    subject: &StudySubject,
    now: i64,
) -> Result<StudySubject, ArchiveError> {
    sqlx::query(
        "INSERT INTO study_subject (project, study_instance_uid, secret, assigning_authority, patient_id, patient_name, \
         birth_date, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (project, study_instance_uid) DO NOTHING",
    )
    .bind(subject.project.as_str())
    .bind(subject.study_instance_uid.as_str())
    .bind(subject.secret.as_slice())
    .bind(storable(&subject.assigning_authority))
    .bind(storable(&subject.patient_id))
    .bind(storable(&subject.patient_name))
    .bind(storable(&subject.birth_date))
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query("SELECT * FROM study_subject WHERE project = $1 AND study_instance_uid = $2")
        .bind(subject.project.as_str())
        .bind(subject.study_instance_uid.as_str())
        .fetch_one(connection)
        .await?;
    from_row(&row)
}

/// The subject of the study that an increment belongs to, if it has one.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn subject_of(
    executor: impl AnyExecutor<'_>,
    receiving_study: uuid::Uuid,
) -> Result<Option<StudySubject>, ArchiveError> {
    let row = sqlx::query(
        "SELECT study_subject.* FROM study_subject JOIN receiving_study \
         ON receiving_study.project = study_subject.project \
         AND receiving_study.study_instance_uid = study_subject.study_instance_uid WHERE receiving_study.id = $1",
    )
    .bind(receiving_study.to_string())
    .fetch_optional(executor)
    .await?;
    row.map(|row| from_row(&row)).transpose()
}

/// Up to `limit` subjects after (project, Study Instance UID), in this order.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn study_subjects(
    executor: impl AnyExecutor<'_>,
    after: Option<(&str, &str)>,
    limit: u32,
) -> Result<Vec<StudySubject>, ArchiveError> {
    let (project, study) = after.unwrap_or_default();
    let mut find = Statement::new("SELECT * FROM study_subject WHERE (project, study_instance_uid) > (");
    find.list([project, study]).push(") ORDER BY project, study_instance_uid LIMIT ").bind(i64::from(limit));
    find.query().fetch_all(executor).await?.iter().map(from_row).collect()
}

/// Destroys the subject of a study, unless the study is open again; answers whether it is gone.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn forget_study(
    connection: &mut AnyConnection,
    project: &str,
    study_instance_uid: &str,
) -> Result<bool, ArchiveError> {
    let gone = sqlx::query(
        "DELETE FROM study_subject WHERE project = $1 AND study_instance_uid = $2 AND NOT EXISTS \
         (SELECT 1 FROM receiving_study AS open WHERE open.project = $1 AND open.study_instance_uid = $2 \
         AND open.closed_at IS NULL)",
    )
    .bind(project)
    .bind(study_instance_uid)
    .execute(connection)
    .await?;
    Ok(gone.rows_affected() == 1)
}

fn from_row(row: &AnyRow) -> Result<StudySubject, ArchiveError> {
    Ok(StudySubject {
        project: row.try_get("project")?,
        study_instance_uid: row.try_get("study_instance_uid")?,
        secret: row.try_get("secret")?,
        assigning_authority: row.try_get("assigning_authority")?,
        patient_id: row.try_get("patient_id")?,
        patient_name: row.try_get("patient_name")?,
        birth_date: row.try_get("birth_date")?,
    })
}
