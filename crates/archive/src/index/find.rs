//! Finding what is cleared: by UID, by day, by name, by code; page by page.

use std::collections::BTreeSet;

use database::{Statement, storable};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use super::search::behind;
use super::{Instance, Patient, Series, Study, search_key};
use crate::{ArchiveError, row};

/// Which studies of a project are asked for; what is `None` is not asked.
#[derive(Debug, Clone, Default)]
pub struct StudyFilter<'a> {
    /// Study Instance UID.
    pub study_instance_uid: Option<&'a str>,
    /// Patient ID: the whole code.
    pub patient_id: Option<&'a str>,
    /// Begin of the Patient's Name, in any case and with or without marks.
    pub name_prefix: Option<&'a str>,
    /// First and last day, as yyyymmdd.
    pub days: Option<(i64, i64)>,
    /// Accession Number, not empty.
    pub accession_number: Option<&'a str>,
    /// Date and our own id of the last study of the page before.
    pub after: Option<(i64, Uuid)>,
}

impl StudyFilter<'_> {
    fn names_a_study(&self) -> bool {
        self.study_instance_uid.is_some() || self.accession_number.is_some()
    }

    fn names_a_patient(&self) -> bool {
        self.patient_id.is_some() || self.name_prefix.is_some()
    }
}

/// A study with its patient and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundStudy {
    /// Our own id.
    pub id: Uuid,
    /// Patient.
    pub patient: Patient,
    /// Study.
    pub study: Study,
    /// Number of series.
    pub series: u64,
    /// Number of instances.
    pub instances: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A series with its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSeries {
    /// Our own id.
    pub id: Uuid,
    /// Series.
    pub series: Series,
    /// Number of instances.
    pub instances: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// An instance with where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundInstance {
    /// Instance.
    pub instance: Instance,
    /// Our own id of its series.
    pub series: Uuid,
    /// Our own id of the increment of the study or of the result set that it came with.
    pub source: Uuid,
    /// Another instance has the same SOP Instance UID and other bytes.
    pub differs: bool,
}

/// Up to `limit` studies of a project, by date and arrival.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn find_studies(
    executor: impl AnyExecutor<'_>,
    project: &str,
    filter: &StudyFilter<'_>,
    limit: u32,
) -> Result<Vec<FoundStudy>, ArchiveError> {
    let mut find =
        Statement::new("SELECT study.*, patient.patient_id, patient.patient_name, patient.patient_sex FROM ");
    // SQLite keeps the order of a CROSS JOIN, and takes the one index that the condition on the project leaves it: else it walks
    // through all studies of the project for each patient
    if filter.names_a_study() || !filter.names_a_patient() {
        find.push("study CROSS JOIN patient WHERE study.project = ");
    } else {
        find.push("patient CROSS JOIN study WHERE patient.project = ");
    }
    find.bind(project).push(" AND study.patient = patient.id AND study.instances > 0");
    if let Some(uid) = filter.study_instance_uid {
        find.push(" AND study.study_instance_uid = ").bind(uid);
    }
    if let Some(accession) = filter.accession_number {
        // the first condition is the one of the index
        find.push(" AND study.accession_number <> '' AND study.accession_number = ").bind(accession);
    }
    if let Some((first, last)) = filter.days {
        find.push(" AND study.study_date >= ").bind(first).push(" AND study.study_date <= ").bind(last);
    }
    if let Some(code) = filter.patient_id {
        find.push(" AND patient.patient_id = ").bind(code);
    }
    if let Some(prefix) = filter.name_prefix {
        let prefix = search_key(prefix);
        find.push(" AND patient.search_name >= ").bind(prefix.as_str());
        find.push(" AND patient.search_name < ").bind(behind(&prefix));
    }
    if let Some((date, id)) = filter.after {
        find.push(" AND (study.study_date, study.id) > (")
            .bind(date)
            .push(", ")
            .bind(id.to_string())
            .push(")");
    }
    find.push(" ORDER BY study.study_date, study.id LIMIT ").bind(i64::from(limit));
    find.prepared().fetch_all(executor).await?.iter().map(study).collect()
}

/// The series of a study, by number and arrival.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn series_of_study(
    executor: impl AnyExecutor<'_>,
    study: Uuid,
) -> Result<Vec<FoundSeries>, ArchiveError> {
    let rows =
        sqlx::query("SELECT * FROM series WHERE study = $1 AND instances > 0 ORDER BY series_number, id")
            .bind(study.to_string())
            .fetch_all(executor)
            .await?;
    rows.iter().map(series).collect()
}

/// Up to `limit` instances of a series after (Instance Number, id), in this order.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn instances_of_series(
    executor: impl AnyExecutor<'_>,
    series: Uuid,
    after: Option<(i32, Uuid)>,
    limit: u32,
) -> Result<Vec<FoundInstance>, ArchiveError> {
    let (number, id) = after.unwrap_or((i32::MIN, Uuid::nil()));
    let rows = sqlx::query(
        "SELECT * FROM instance WHERE series = $1 AND cleared = 1 AND (instance_number, id) > ($2, $3) \
         ORDER BY instance_number, id LIMIT $4",
    )
    .bind(series.to_string())
    .bind(number)
    .bind(id.to_string())
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(instance).collect()
}

/// The instances with a SOP Instance UID: one, or those that differ.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn instances_by_uid(
    executor: impl AnyExecutor<'_>,
    project: &str,
    sop_instance_uid: &str,
) -> Result<Vec<FoundInstance>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM instance WHERE project = $1 AND sop_instance_uid = $2 AND cleared = 1 ORDER BY id",
    )
    .bind(project)
    .bind(sop_instance_uid)
    .fetch_all(executor)
    .await?;
    rows.iter().map(instance).collect()
}

/// Up to `limit` cleared instances after `after` that came with an increment of a study or a result set: what a job sends.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn instances_of_source(
    executor: impl AnyExecutor<'_>,
    source: Uuid,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<FoundInstance>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM instance WHERE source = $1 AND id > $2 AND cleared = 1 ORDER BY id LIMIT $3",
    )
    .bind(source.to_string())
    .bind(after.unwrap_or_default().to_string())
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(instance).collect()
}

/// Those of `instances` that are cleared: a step that is repeated has nothing to do for them.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn cleared(
    connection: &mut AnyConnection,
    instances: &[Uuid],
) -> Result<BTreeSet<Uuid>, ArchiveError> {
    let mut cleared = BTreeSet::new();
    for chunk in instances.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT id FROM instance WHERE cleared = 1 AND id IN (");
        find.list(chunk.iter().map(Uuid::to_string)).push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            cleared.insert(row::id(&row, "id")?);
        }
    }
    Ok(cleared)
}

/// Those of `instances` that the index knows, seen or not.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn known(
    connection: &mut AnyConnection,
    instances: &[Uuid],
) -> Result<BTreeSet<Uuid>, ArchiveError> {
    let mut known = BTreeSet::new();
    for chunk in instances.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT id FROM instance WHERE id IN (");
        find.list(chunk.iter().map(Uuid::to_string)).push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            known.insert(row::id(&row, "id")?);
        }
    }
    Ok(known)
}

/// What the instances with these SOP Instance UIDs came with: increments of studies, or result sets.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn sources(
    connection: &mut AnyConnection,
    project: &str,
    sop_instance_uids: &[String],
) -> Result<BTreeSet<Uuid>, ArchiveError> {
    let mut sources = BTreeSet::new();
    for chunk in sop_instance_uids.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT DISTINCT source FROM instance WHERE project = ");
        find.bind(project)
            .push(" AND sop_instance_uid IN (")
            .list(chunk.iter().map(|uid| storable(uid)))
            .push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            sources.insert(row::id(&row, "source")?);
        }
    }
    Ok(sources)
}

/// How many cleared instances came with an increment of a study or a result set.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn count_of_source(executor: impl AnyExecutor<'_>, source: Uuid) -> Result<u64, ArchiveError> {
    let row = sqlx::query("SELECT COUNT(*) AS instances FROM instance WHERE source = $1 AND cleared = 1")
        .bind(source.to_string())
        .fetch_one(executor)
        .await?;
    row::count(&row, "instances")
}

/// Those of `sop_instance_uids` that a project has in Z3, seen or not: what a partner has from us, and results that were taken.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn known_uids(
    connection: &mut AnyConnection,
    project: &str,
    sop_instance_uids: &[String],
) -> Result<BTreeSet<String>, ArchiveError> {
    let mut known = BTreeSet::new();
    for chunk in sop_instance_uids.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT sop_instance_uid FROM instance WHERE project = ");
        find.bind(project)
            .push(" AND sop_instance_uid IN (")
            .list(chunk.iter().map(|uid| storable(uid)))
            .push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            known.insert(row.try_get(0)?);
        }
    }
    Ok(known)
}

/// Those of `sop_instance_uids` that a project has in Z3 in one study, seen or not: what a partner has from us there, and results of it.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn known_in_study(
    connection: &mut AnyConnection,
    project: &str,
    study_instance_uid: &str,
    sop_instance_uids: &[String],
) -> Result<BTreeSet<String>, ArchiveError> {
    let mut known = BTreeSet::new();
    for chunk in sop_instance_uids.chunks(Statement::IDS) {
        let mut find = Statement::new(
            "SELECT i.sop_instance_uid FROM instance i JOIN series s ON s.id = i.series JOIN study t ON t.id = s.study \
             WHERE i.project = ",
        );
        find.bind(project)
            .push(" AND t.study_instance_uid = ")
            .bind(storable(study_instance_uid))
            .push(" AND i.sop_instance_uid IN (")
            .list(chunk.iter().map(|uid| storable(uid)))
            .push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            known.insert(row.try_get(0)?);
        }
    }
    Ok(known)
}

/// Those of `sop_instance_uids` that a project has in Z3 from somewhere else than `source` (RR-7).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn uids_of_others(
    connection: &mut AnyConnection,
    project: &str,
    source: Uuid,
    sop_instance_uids: &[String],
) -> Result<BTreeSet<String>, ArchiveError> {
    let mut taken = BTreeSet::new();
    for chunk in sop_instance_uids.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT sop_instance_uid FROM instance WHERE project = ");
        find.bind(project)
            .push(" AND source <> ")
            .bind(source.to_string())
            .push(" AND sop_instance_uid IN (")
            .list(chunk.iter().map(|uid| storable(uid)))
            .push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            taken.insert(row.try_get(0)?);
        }
    }
    Ok(taken)
}

/// The pseudonymised Study Instance UID of a study.
///
/// # Errors
/// [`ArchiveError::NotFound`], [`ArchiveError::Database`].
pub async fn study_uid(executor: impl AnyExecutor<'_>, id: Uuid) -> Result<String, ArchiveError> {
    let row = sqlx::query("SELECT study_instance_uid FROM study WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(executor)
        .await?;
    let row = row.ok_or(ArchiveError::NotFound { what: "study", id })?;
    Ok(row.try_get("study_instance_uid")?)
}

fn study(row: &AnyRow) -> Result<FoundStudy, ArchiveError> {
    Ok(FoundStudy {
        id: row::id(row, "id")?,
        patient: Patient {
            patient_id: row.try_get("patient_id")?,
            patient_name: row.try_get("patient_name")?,
            patient_sex: row.try_get("patient_sex")?,
        },
        study: Study {
            study_instance_uid: row.try_get("study_instance_uid")?,
            study_date: row.try_get("study_date")?,
            study_time: row.try_get("study_time")?,
            accession_number: row.try_get("accession_number")?,
            study_id: row.try_get("study_id")?,
            study_description: row.try_get("study_description")?,
        },
        series: row::count(row, "series")?,
        instances: row::count(row, "instances")?,
        bytes: row::count(row, "bytes")?,
    })
}

fn series(row: &AnyRow) -> Result<FoundSeries, ArchiveError> {
    Ok(FoundSeries {
        id: row::id(row, "id")?,
        series: Series {
            series_instance_uid: row.try_get("series_instance_uid")?,
            modality: row.try_get("modality")?,
            series_number: row.try_get("series_number")?,
            series_description: row.try_get("series_description")?,
            body_part_examined: row.try_get("body_part_examined")?,
        },
        instances: row::count(row, "instances")?,
        bytes: row::count(row, "bytes")?,
    })
}

fn instance(row: &AnyRow) -> Result<FoundInstance, ArchiveError> {
    Ok(FoundInstance {
        instance: Instance {
            id: row::id(row, "id")?,
            sop_instance_uid: row.try_get("sop_instance_uid")?,
            sop_class_uid: row.try_get("sop_class_uid")?,
            transfer_syntax_uid: row.try_get("transfer_syntax_uid")?,
            instance_number: row.try_get("instance_number")?,
            number_of_frames: row.try_get("number_of_frames")?,
            location: row.try_get("location")?,
            bytes: row::count(row, "bytes")?,
            blake3: row::hash(row, "blake3")?,
        },
        series: row::id(row, "series")?,
        source: row::id(row, "source")?,
        differs: row.try_get::<i16, _>("differs")? != 0,
    })
}
