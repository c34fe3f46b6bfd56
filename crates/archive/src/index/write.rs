//! Writing the rows of one series.

use std::collections::HashMap;

use database::{Statement, storable};
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Instance, Patient, Series, Study, search_key};
use crate::buffer::Arrival;
use crate::{ArchiveError, row};

/// Instances of one series with what stands above them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// Project.
    pub project: String,
    /// Our own id of the increment of the study (out) or of the result set (back).
    pub source: Uuid,
    /// Patient.
    pub patient: Patient,
    /// Study.
    pub study: Study,
    /// Series.
    pub series: Series,
    /// Instances.
    pub instances: Vec<Instance>,
}

/// What [`upsert`] wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upserted {
    /// Our own id of the study.
    pub study: Uuid,
    /// For each instance whether it is new, there already with the same bytes, or beside one with other bytes (AC1.4, after
    /// the purge of Z1).
    pub arrivals: Vec<Arrival>,
    /// Keys of objects that an earlier try had written for the same instances and that were never cleared.
    pub replaced: Vec<String>,
}

/// Writes rows for objects that are synced, not yet to be seen. What an earlier try wrote for an instance and was never cleared
/// is replaced.
///
/// # Errors
/// [`ArchiveError::Database`]; a constraint is broken when an instance is cleared already and its bytes are others now: a person
/// has to look.
pub async fn upsert(
    connection: &mut AnyConnection,
    indexed: &Indexed,
    now: i64,
) -> Result<Upserted, ArchiveError> {
    let patient = upsert_patient(connection, &indexed.project, &indexed.patient).await?;
    let study = upsert_study(connection, indexed, patient, now).await?;
    let series = upsert_series(connection, study, &indexed.series).await?;
    let replaced = drop_earlier_try(connection, indexed).await?;
    let arrivals = classify(connection, indexed).await?;
    let kept: Vec<_> = indexed
        .instances
        .iter()
        .zip(arrivals.iter().copied())
        .filter(|(_, arrival)| !matches!(arrival, Arrival::Duplicate { .. }))
        .collect();
    for chunk in kept.chunks(Statement::ROWS) {
        insert(connection, indexed, series, chunk, now).await?;
    }
    for (instance, arrival) in kept {
        if matches!(arrival, Arrival::Differs { .. }) {
            sqlx::query("UPDATE instance SET differs = 1 WHERE project = $1 AND sop_instance_uid = $2")
                .bind(indexed.project.as_str())
                .bind(instance.sop_instance_uid.as_str())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(Upserted { study, arrivals, replaced })
}

async fn drop_earlier_try(
    connection: &mut AnyConnection,
    indexed: &Indexed,
) -> Result<Vec<String>, ArchiveError> {
    let mut replaced = Vec::new();
    for chunk in indexed.instances.chunks(Statement::IDS) {
        let mut delete = Statement::new("DELETE FROM instance WHERE cleared = 0 AND id IN (");
        delete.list(chunk.iter().map(|instance| instance.id.to_string())).push(") RETURNING location");
        for row in delete.query().fetch_all(&mut *connection).await? {
            replaced.push(row.try_get("location")?);
        }
    }
    replaced.retain(|location| indexed.instances.iter().all(|instance| instance.location != *location));
    Ok(replaced)
}

async fn upsert_patient(
    connection: &mut AnyConnection,
    project: &str,
    patient: &Patient,
) -> Result<Uuid, ArchiveError> {
    let row = sqlx::query(
        "INSERT INTO patient (id, project, patient_id, patient_name, patient_sex, search_name, studies) \
         VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (project, patient_id) DO UPDATE SET \
         patient_name = excluded.patient_name, patient_sex = excluded.patient_sex, search_name = excluded.search_name \
         RETURNING id",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(project)
    .bind(storable(&patient.patient_id))
    .bind(storable(&patient.patient_name))
    .bind(storable(&patient.patient_sex))
    .bind(storable(&search_key(&patient.patient_name)))
    .fetch_one(connection)
    .await?;
    row::id(&row, "id")
}

async fn upsert_study(
    connection: &mut AnyConnection,
    indexed: &Indexed,
    patient: Uuid,
    now: i64,
) -> Result<Uuid, ArchiveError> {
    let study = &indexed.study;
    let row = sqlx::query(
        "INSERT INTO study (id, project, patient, study_instance_uid, study_date, study_time, accession_number, study_id, \
         study_description, series, instances, bytes, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, $10) \
         ON CONFLICT (project, study_instance_uid) DO UPDATE SET study_date = excluded.study_date, \
         study_time = excluded.study_time, accession_number = excluded.accession_number, study_id = excluded.study_id, \
         study_description = excluded.study_description, updated_at = excluded.updated_at RETURNING id",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(indexed.project.as_str())
    .bind(patient.to_string())
    .bind(study.study_instance_uid.as_str())
    .bind(study.study_date)
    .bind(storable(&study.study_time))
    .bind(storable(&study.accession_number))
    .bind(storable(&study.study_id))
    .bind(storable(&study.study_description))
    .bind(now)
    .fetch_one(connection)
    .await?;
    row::id(&row, "id")
}

async fn upsert_series(
    connection: &mut AnyConnection,
    study: Uuid,
    series: &Series,
) -> Result<Uuid, ArchiveError> {
    let row = sqlx::query(
        "INSERT INTO series (id, study, series_instance_uid, modality, series_number, series_description, body_part_examined, \
         instances, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0) \
         ON CONFLICT (study, series_instance_uid) DO UPDATE SET modality = excluded.modality, \
         series_number = excluded.series_number, series_description = excluded.series_description, \
         body_part_examined = excluded.body_part_examined RETURNING id",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(study.to_string())
    .bind(series.series_instance_uid.as_str())
    .bind(storable(&series.modality))
    .bind(series.series_number)
    .bind(storable(&series.series_description))
    .bind(storable(&series.body_part_examined))
    .fetch_one(connection)
    .await?;
    row::id(&row, "id")
}

async fn classify(connection: &mut AnyConnection, indexed: &Indexed) -> Result<Vec<Arrival>, ArchiveError> {
    let mut known: HashMap<String, Vec<(Uuid, [u8; 32])>> = HashMap::new();
    for chunk in indexed.instances.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT id, sop_instance_uid, blake3 FROM instance WHERE project = ");
        find.bind(indexed.project.as_str()).push(" AND sop_instance_uid IN (");
        find.list(chunk.iter().map(|instance| instance.sop_instance_uid.as_str())).push(") ORDER BY id");
        for row in find.query().fetch_all(&mut *connection).await? {
            let copy = (row::id(&row, "id")?, row::hash(&row, "blake3")?);
            known.entry(row.try_get("sop_instance_uid")?).or_default().push(copy);
        }
    }
    Ok(indexed
        .instances
        .iter()
        .map(|instance| {
            let copies = known.entry(instance.sop_instance_uid.clone()).or_default();
            Arrival::beside(copies, instance.id, instance.blake3)
        })
        .collect())
}

async fn insert(
    connection: &mut AnyConnection,
    indexed: &Indexed,
    series: Uuid,
    instances: &[(&Instance, Arrival)],
    now: i64,
) -> Result<(), ArchiveError> {
    let mut insert = Statement::new(
        "INSERT INTO instance (id, project, series, source, sop_instance_uid, sop_class_uid, transfer_syntax_uid, location, \
         instance_number, number_of_frames, bytes, blake3, differs, cleared, created_at) VALUES ",
    );
    for (number, (instance, arrival)) in instances.iter().enumerate() {
        insert.push(if number == 0 { "(" } else { ", (" }).list([
            instance.id.to_string(),
            indexed.project.clone(),
            series.to_string(),
            indexed.source.to_string(),
            instance.sop_instance_uid.clone(),
            instance.sop_class_uid.clone(),
            instance.transfer_syntax_uid.clone(),
            instance.location.clone(),
        ]);
        insert.push(", ").list([instance.instance_number, instance.number_of_frames]).push(", ");
        insert.bind(row::number(instance.bytes)).push(", ").bind(instance.blake3.to_vec()).push(", ");
        insert
            .list([i16::from(matches!(arrival, Arrival::Differs { .. })), 0])
            .push(", ")
            .bind(now)
            .push(")");
    }
    insert.prepared().execute(connection).await?;
    Ok(())
}
