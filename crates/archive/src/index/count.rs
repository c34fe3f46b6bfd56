//! Counts that go with the rows: what becomes visible, what is removed.

use std::collections::{BTreeMap, BTreeSet};

use database::Statement;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::{ArchiveError, row};

/// What a project holds in Z3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Total {
    /// Project.
    pub project: String,
    /// Patients.
    pub patients: u64,
    /// Studies.
    pub studies: u64,
    /// Series.
    pub series: u64,
    /// Instances.
    pub instances: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What is added to (or, below zero, taken from) a row and those above it.
#[derive(Debug, Clone, Copy, Default)]
struct Delta {
    studies: i64,
    series: i64,
    instances: i64,
    bytes: i64,
}

impl Delta {
    fn add(&mut self, other: Self) {
        self.studies += other.studies;
        self.series += other.series;
        self.instances += other.instances;
        self.bytes += other.bytes;
    }
}

/// A row that had nothing and has something now counts as one more above it, and the other way round.
fn appeared(before: i64, after: i64) -> i64 {
    i64::from(after > 0) - i64::from(before > 0)
}

/// Lets instances be seen: the after-check passed (CLEARED). Those that are cleared already are passed over.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn clear(connection: &mut AnyConnection, instances: &[Uuid]) -> Result<u64, ArchiveError> {
    let mut deltas = Deltas::new();
    let mut cleared = 0;
    for chunk in instances.chunks(Statement::IDS) {
        let mut update = Statement::new("UPDATE instance SET cleared = 1 WHERE cleared = 0 AND id IN (");
        update.list(chunk.iter().map(Uuid::to_string)).push(") RETURNING project, series, bytes");
        for row in update.query().fetch_all(&mut *connection).await? {
            add_to(&mut deltas, &row, 1)?;
            cleared += 1;
        }
    }
    count_up(connection, deltas).await?;
    Ok(cleared)
}

/// Deletes instances from the index; answers the keys of their objects, which the caller deletes afterwards. Series, studies and
/// patients of which nothing is left go, too.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn remove(connection: &mut AnyConnection, instances: &[Uuid]) -> Result<Vec<String>, ArchiveError> {
    let mut deltas = Deltas::new();
    let mut locations = Vec::new();
    for chunk in instances.chunks(Statement::IDS) {
        let mut delete = Statement::new("DELETE FROM instance WHERE id IN (");
        delete.list(chunk.iter().map(Uuid::to_string));
        delete.push(") RETURNING project, series, bytes, cleared, location");
        for row in delete.query().fetch_all(&mut *connection).await? {
            add_to(&mut deltas, &row, -i64::from(row.try_get::<i16, _>("cleared")?))?;
            locations.push(row.try_get("location")?);
        }
    }
    let series: Vec<String> = deltas.keys().map(|(_, series)| series.to_string()).collect();
    count_up(connection, deltas).await?;
    drop_empty(connection, series).await?;
    Ok(locations)
}

/// Deletes those of `series` that hold nothing, and what thereby becomes empty above them.
async fn drop_empty(connection: &mut AnyConnection, series: Vec<String>) -> Result<(), ArchiveError> {
    let mut ids = series;
    for [delete, no_child] in [
        [
            "DELETE FROM series WHERE id IN (",
            ") AND NOT EXISTS (SELECT 1 FROM instance WHERE instance.series = series.id) RETURNING study",
        ],
        [
            "DELETE FROM study WHERE id IN (",
            ") AND NOT EXISTS (SELECT 1 FROM series WHERE series.study = study.id) RETURNING patient",
        ],
        [
            "DELETE FROM patient WHERE id IN (",
            ") AND NOT EXISTS (SELECT 1 FROM study WHERE study.patient = patient.id) RETURNING id",
        ],
    ] {
        let mut parents = BTreeSet::new();
        for chunk in ids.chunks(Statement::IDS) {
            let mut statement = Statement::new(delete);
            statement.list(chunk.iter().map(String::as_str)).push(no_child);
            for row in statement.query().fetch_all(&mut *connection).await? {
                parents.insert(row.try_get(0)?);
            }
        }
        ids = parents.into_iter().collect();
    }
    Ok(())
}

/// By project and our own id of the series. The order is that of the keys, so that two writers never wait for one another.
type Deltas = BTreeMap<(String, Uuid), Delta>;

fn add_to(deltas: &mut Deltas, row: &AnyRow, sign: i64) -> Result<(), ArchiveError> {
    let bytes: i64 = row.try_get("bytes")?;
    let key = (row.try_get("project")?, row::id(row, "series")?);
    deltas.entry(key).or_default().add(Delta { instances: sign, bytes: sign * bytes, ..Delta::default() });
    Ok(())
}

async fn count_up(connection: &mut AnyConnection, deltas: Deltas) -> Result<(), ArchiveError> {
    let mut studies = Deltas::new();
    for ((project, series), delta) in deltas {
        let row = sqlx::query(
            "UPDATE series SET instances = instances + $2, bytes = bytes + $3 WHERE id = $1 RETURNING study, instances",
        )
        .bind(series.to_string())
        .bind(delta.instances)
        .bind(delta.bytes)
        .fetch_one(&mut *connection)
        .await?;
        let after: i64 = row.try_get("instances")?;
        let series = appeared(after - delta.instances, after);
        studies.entry((project, row::id(&row, "study")?)).or_default().add(Delta { series, ..delta });
    }
    let mut projects: BTreeMap<String, (i64, Delta)> = BTreeMap::new();
    for ((project, study), mut delta) in studies {
        let row = sqlx::query(
            "UPDATE study SET series = series + $2, instances = instances + $3, bytes = bytes + $4 WHERE id = $1 \
             RETURNING patient, instances",
        )
        .bind(study.to_string())
        .bind(delta.series)
        .bind(delta.instances)
        .bind(delta.bytes)
        .fetch_one(&mut *connection)
        .await?;
        let after: i64 = row.try_get("instances")?;
        delta.studies = appeared(after - delta.instances, after);
        let patients = count_studies(connection, row.try_get("patient")?, delta.studies).await?;
        let total = projects.entry(project).or_default();
        total.0 += patients;
        total.1.add(delta);
    }
    for (project, (patients, delta)) in projects {
        count_project(connection, &project, patients, delta).await?;
    }
    Ok(())
}

async fn count_studies(
    connection: &mut AnyConnection,
    patient: String,
    studies: i64,
) -> Result<i64, ArchiveError> {
    if studies == 0 {
        return Ok(0);
    }
    let row = sqlx::query("UPDATE patient SET studies = studies + $2 WHERE id = $1 RETURNING studies")
        .bind(patient)
        .bind(studies)
        .fetch_one(connection)
        .await?;
    let after: i64 = row.try_get("studies")?;
    Ok(appeared(after - studies, after))
}

async fn count_project(
    connection: &mut AnyConnection,
    project: &str,
    patients: i64,
    delta: Delta,
) -> Result<(), ArchiveError> {
    sqlx::query(
        "INSERT INTO project_total (project, patients, studies, series, instances, bytes) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (project) DO UPDATE SET patients = project_total.patients + excluded.patients, \
         studies = project_total.studies + excluded.studies, series = project_total.series + excluded.series, \
         instances = project_total.instances + excluded.instances, bytes = project_total.bytes + excluded.bytes",
    )
    .bind(project)
    .bind(patients)
    .bind(delta.studies)
    .bind(delta.series)
    .bind(delta.instances)
    .bind(delta.bytes)
    .execute(connection)
    .await?;
    Ok(())
}

/// What each project holds.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn totals(executor: impl AnyExecutor<'_>) -> Result<Vec<Total>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM project_total ORDER BY project").fetch_all(executor).await?;
    rows.iter()
        .map(|row| {
            Ok(Total {
                project: row.try_get("project")?,
                patients: row::count(row, "patients")?,
                studies: row::count(row, "studies")?,
                series: row::count(row, "series")?,
                instances: row::count(row, "instances")?,
                bytes: row::count(row, "bytes")?,
            })
        })
        .collect()
}
