//! Rows for what arrived: in batches, together with the checkpoint of the spool.

use std::collections::{BTreeMap, HashMap};

use database::{Statement, storable};
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use super::instance::{BufferState, ReceivedInstance, by_id, routed};
use super::{remove, study};
use crate::spool::Checkpoint;
use crate::{ArchiveError, row};

/// What an instance is beside those of its project that are already there (AC1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The first with this SOP Instance UID.
    New,
    /// Same SOP Instance UID, same bytes: no row was written, its own bytes can go.
    Duplicate {
        /// Our own id of the copy that is kept.
        of: Uuid,
    },
    /// Same SOP Instance UID, other bytes: both are kept and flagged.
    Differs {
        /// Our own id of one that it differs from.
        from: Uuid,
    },
}

impl Arrival {
    /// Compares an instance with the copies of its SOP Instance UID, and adds it to them unless it is a duplicate.
    pub(crate) fn beside(copies: &mut Vec<(Uuid, [u8; 32])>, id: Uuid, blake3: [u8; 32]) -> Self {
        if let Some((of, _)) = copies.iter().find(|(_, known)| *known == blake3) {
            return Self::Duplicate { of: *of };
        }
        let first = copies.first().map(|(id, _)| *id);
        copies.push((id, blake3));
        first.map_or(Self::New, |from| Self::Differs { from })
    }
}

/// Writes rows for what arrived, counts it to its study, and moves the checkpoint of the named spool; answers one [`Arrival`]
/// per row.
///
/// Repeated with the same rows, as after a crash, it answers `Duplicate` and changes nothing.
///
/// # Errors
/// [`ArchiveError::Database`]; then the caller rolls back and repeats.
pub async fn insert_batch(
    connection: &mut AnyConnection,
    rows: &[ReceivedInstance],
    checkpoint: Option<(&str, Checkpoint)>,
) -> Result<Vec<Arrival>, ArchiveError> {
    let arrivals = classify(connection, rows).await?;
    let kept: Vec<(&ReceivedInstance, Arrival)> = rows
        .iter()
        .zip(arrivals.iter().copied())
        .filter(|(_, arrival)| !matches!(arrival, Arrival::Duplicate { .. }))
        .collect();
    let studies = count_to_studies(connection, &kept).await?;
    for chunk in kept.chunks(Statement::ROWS) {
        insert_rows(connection, chunk, &studies).await?;
    }
    for (instance, arrival) in &kept {
        if matches!(arrival, Arrival::Differs { .. }) {
            flag(connection, instance).await?;
        }
    }
    if let Some((spool, checkpoint)) = checkpoint {
        move_checkpoint(connection, spool, checkpoint).await?;
    }
    Ok(arrivals)
}

/// Gives instances without a project the one that a query rule found (DEC-B), as if they arrived now: a duplicate of an
/// instance of that project loses its row, and its bytes can go.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn reroute(
    connection: &mut AnyConnection,
    ids: &[Uuid],
    project: &str,
) -> Result<Vec<(ReceivedInstance, Arrival)>, ArchiveError> {
    let mut rows: Vec<ReceivedInstance> =
        by_id(&mut *connection, ids).await?.into_iter().map(|buffered| buffered.received).collect();
    remove(connection, ids).await?;
    for row in &mut rows {
        row.project = Some(project.to_owned());
    }
    let arrivals = insert_batch(connection, &rows, None).await?;
    Ok(rows.into_iter().zip(arrivals).collect())
}

/// How far a spool is indexed; `None` before its first checkpoint.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn checkpoint(
    executor: impl AnyExecutor<'_>,
    spool: &str,
) -> Result<Option<Checkpoint>, ArchiveError> {
    let row = sqlx::query("SELECT checkpoint FROM spool_checkpoint WHERE spool = $1")
        .bind(spool)
        .fetch_optional(executor)
        .await?;
    row.map(|row| row::parsed(&row, "checkpoint")).transpose()
}

async fn move_checkpoint(
    connection: &mut AnyConnection,
    spool: &str,
    checkpoint: Checkpoint,
) -> Result<(), ArchiveError> {
    sqlx::query(
        "INSERT INTO spool_checkpoint (spool, checkpoint) VALUES ($1, $2) \
         ON CONFLICT (spool) DO UPDATE SET checkpoint = excluded.checkpoint",
    )
    .bind(spool)
    .bind(checkpoint.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Instances of one project with one SOP Instance UID.
type Copies = Vec<(Uuid, [u8; 32])>;

async fn classify(
    connection: &mut AnyConnection,
    rows: &[ReceivedInstance],
) -> Result<Vec<Arrival>, ArchiveError> {
    let mut known: HashMap<(Option<String>, String), Copies> = HashMap::new();
    for chunk in rows.chunks(Statement::IDS) {
        let mut find = Statement::new(
            "SELECT id, project, sop_instance_uid, blake3 FROM received_instance WHERE sop_instance_uid IN (",
        );
        find.list(chunk.iter().map(|row| row.sop_instance_uid.as_str())).push(") ORDER BY id");
        for row in find.query().fetch_all(&mut *connection).await? {
            let key = (routed(row.try_get("project")?), row.try_get("sop_instance_uid")?);
            known.entry(key).or_default().push((row::id(&row, "id")?, row::hash(&row, "blake3")?));
        }
    }
    Ok(rows
        .iter()
        .map(|row| {
            let copies = known.entry((row.project.clone(), row.sop_instance_uid.clone())).or_default();
            Arrival::beside(copies, row.id, row.blake3)
        })
        .collect())
}

/// Our own id of the open increment of each (project, Study Instance UID).
type Studies<'r> = BTreeMap<(&'r str, &'r str), Uuid>;

async fn count_to_studies<'r>(
    connection: &mut AnyConnection,
    kept: &[(&'r ReceivedInstance, Arrival)],
) -> Result<Studies<'r>, ArchiveError> {
    let mut tallies: BTreeMap<(&str, &str), study::Tally> = BTreeMap::new();
    for (instance, _) in kept {
        if let Some(project) = &instance.project {
            tallies.entry((project, &instance.study_instance_uid)).or_default().add(instance);
        }
    }
    let mut studies = BTreeMap::new();
    for ((project, uid), tally) in tallies {
        studies.insert((project, uid), study::count_arrivals(connection, project, uid, tally).await?);
    }
    Ok(studies)
}

async fn insert_rows(
    connection: &mut AnyConnection,
    rows: &[(&ReceivedInstance, Arrival)],
    studies: &Studies<'_>,
) -> Result<(), ArchiveError> {
    let mut insert = Statement::new(
        "INSERT INTO received_instance (id, project, receiving_study, door, calling, called, peer, patient_id, \
         issuer_of_patient_id, assigning_authority, study_instance_uid, series_instance_uid, sop_instance_uid, sop_class_uid, \
         transfer_syntax_uid, modality, spool, irregularities, location, bytes, blake3, differs, already_deidentified, state, state_at, received_at) \
         VALUES ",
    );
    for (number, (instance, arrival)) in rows.iter().enumerate() {
        let project = instance.project.as_deref().unwrap_or_default();
        let study = studies.get(&(project, instance.study_instance_uid.as_str()));
        insert.push(if number == 0 { "(" } else { ", (" });
        insert.bind(instance.id.to_string()).push(", ").bind(project).push(", ");
        insert.bind(study.map(Uuid::to_string)).push(", ").list(
            [
                instance.door.as_str(),
                &instance.calling,
                &instance.called,
                &instance.peer,
                &instance.patient_id,
                &instance.issuer_of_patient_id,
                &instance.assigning_authority,
                &instance.study_instance_uid,
                &instance.series_instance_uid,
                &instance.sop_instance_uid,
                &instance.sop_class_uid,
                &instance.transfer_syntax_uid,
                &instance.modality,
                &instance.spool,
                &instance.irregularities,
            ]
            .map(storable),
        );
        insert.push(", ").bind(instance.location.to_string()).push(", ");
        insert.bind(row::number(instance.location.data_length())).push(", ");
        insert.bind(instance.blake3.to_vec()).push(", ");
        insert.bind(i16::from(matches!(arrival, Arrival::Differs { .. }))).push(", ");
        insert.bind(i16::from(instance.already_deidentified)).push(", ");
        insert.bind(BufferState::Received.as_str()).push(", ").list([instance.received_at; 2]).push(")");
    }
    insert.prepared().execute(connection).await?;
    Ok(())
}

/// Flags every copy that shares the instance's UID.
async fn flag(connection: &mut AnyConnection, instance: &ReceivedInstance) -> Result<(), ArchiveError> {
    sqlx::query("UPDATE received_instance SET differs = 1 WHERE sop_instance_uid = $1 AND project = $2")
        .bind(instance.sop_instance_uid.as_str())
        .bind(instance.project.as_deref().unwrap_or_default())
        .execute(connection)
        .await?;
    Ok(())
}
