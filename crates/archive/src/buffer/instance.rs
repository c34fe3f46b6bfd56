//! Instances as received, and the batches in which they are worked on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use database::Statement;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::spool::RecordLocation;
use crate::words::words;
use crate::{ArchiveError, row};

words! {
    /// Where an instance of the receive buffer stands.
    BufferState {
        /// Durable; nothing is decided yet.
        Received = "received",
        /// Project, participant and policy let it in.
        Admitted = "admitted",
        /// Its pseudonymised form is durable in Z3.
        Deidentified = "deidentified",
        /// Waits for a person.
        Quarantined = "quarantined",
        /// Left Z1: the spool drops its bytes.
        Released = "released",
    }
}

impl BufferState {
    /// Whether the bytes are there and no stage works on them.
    #[must_use]
    pub fn is_at_rest(self) -> bool {
        matches!(self, Self::Quarantined | Self::Deidentified)
    }
}

/// Somebody of whom the receive buffer holds something (DEC-Q). No `Display`, and `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Project.
    pub project: String,
    /// Assigning authority of the Patient ID.
    pub assigning_authority: String,
    /// (0010,0020)
    pub patient_id: String,
}

impl fmt::Debug for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Person")
    }
}

/// One instance as received. It identifies a person: no `Display`, and `Debug` shows our own id only.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedInstance {
    /// Our own id, made at reception.
    pub id: Uuid,
    /// Project by called or calling title; `None` until a query rule has found it (DEC-B).
    pub project: Option<String>,
    /// Way in: `dicom`, `stow` or `folder`.
    pub door: String,
    /// Calling AE title, or the name of the token or folder.
    pub calling: String,
    /// Called AE title, or the path of the door.
    pub called: String,
    /// Address of the peer.
    pub peer: String,
    /// Patient ID (0010,0020) with its padding trimmed; may be empty, then it is quarantined at admission.
    pub patient_id: String,
    /// Issuer of Patient ID (0010,0021), may be empty.
    pub issuer_of_patient_id: String,
    /// Assigning authority of the node (DEC-Q).
    pub assigning_authority: String,
    /// (0020,000D)
    pub study_instance_uid: String,
    /// (0020,000E)
    pub series_instance_uid: String,
    /// (0008,0018)
    pub sop_instance_uid: String,
    /// (0008,0016)
    pub sop_class_uid: String,
    /// Transfer syntax of the stored data set.
    pub transfer_syntax_uid: String,
    /// (0008,0060), may be empty.
    pub modality: String,
    /// Name of the spool; each receiver of a cluster has its own (ARC-13).
    pub spool: String,
    /// Where the spool keeps it; knows its length, too.
    pub location: RecordLocation,
    /// BLAKE3 of the data set as received.
    pub blake3: [u8; 32],
    /// JSON array: paths and kinds of what was irregular (AC1.3 e), never values.
    pub irregularities: String,
    /// Its source delivers what is de-identified already (DEC-P).
    pub already_deidentified: bool,
    /// Epoch milliseconds.
    pub received_at: i64,
}

impl fmt::Debug for ReceivedInstance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ReceivedInstance").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A received instance with what happened to it since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferedInstance {
    /// As received.
    pub received: ReceivedInstance,
    /// Our own id of the increment of its study; `None` while it has no project.
    pub receiving_study: Option<Uuid>,
    /// Batch it is worked on in.
    pub batch: Option<Uuid>,
    /// Another instance of the project has the same SOP Instance UID and other bytes (AC1.4).
    pub differs: bool,
    /// Where it stands.
    pub state: BufferState,
}

/// Instances of one series that are worked on together (DEC-T).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Our own id, the subject of its jobs.
    pub id: Uuid,
    /// Project, `None` while no rule has found it.
    pub project: Option<String>,
    /// Increment of the study that the instances belong to.
    pub receiving_study: Option<Uuid>,
    /// Number of instances.
    pub instances: u64,
}

/// Gathers the oldest `instances` waiting instances into batches, one series per batch.
///
/// The jobs of the new batches are enqueued afterwards in the main database; after a crash in between, they are found by
/// [`unfinished_batches`].
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn gather(connection: &mut AnyConnection, instances: u32) -> Result<Vec<Batch>, ArchiveError> {
    let waiting = sqlx::query(
        "SELECT id, project, receiving_study, study_instance_uid, series_instance_uid FROM received_instance \
         WHERE state = 'received' AND batch IS NULL ORDER BY received_at LIMIT $1",
    )
    .bind(i64::from(instances))
    .fetch_all(&mut *connection)
    .await?;
    let mut series: BTreeMap<[String; 4], Vec<String>> = BTreeMap::new();
    for row in &waiting {
        let key = [
            row.try_get("project")?,
            row.try_get::<Option<String>, _>("receiving_study")?.unwrap_or_default(),
            row.try_get("study_instance_uid")?,
            row.try_get("series_instance_uid")?,
        ];
        series.entry(key).or_default().push(row.try_get("id")?);
    }
    let mut batches = Vec::with_capacity(series.len());
    for ([project, receiving_study, ..], ids) in series {
        let id = Uuid::now_v7();
        let receiving_study = Uuid::parse_str(&receiving_study).ok();
        batches.push(Batch { id, project: routed(project), receiving_study, instances: ids.len() as u64 });
        for chunk in ids.chunks(Statement::IDS) {
            let mut update = Statement::new("UPDATE received_instance SET batch = ");
            update
                .bind(id.to_string())
                .push(" WHERE id IN (")
                .list(chunk.iter().map(String::as_str))
                .push(")");
            update.query().execute(&mut *connection).await?;
        }
    }
    Ok(batches)
}

/// Batches with instances that are not yet de-identified: their jobs are enqueued again at start (the queue refuses doubles).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn unfinished_batches(executor: impl AnyExecutor<'_>) -> Result<Vec<Batch>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT batch, project, receiving_study, COUNT(*) AS instances FROM received_instance \
         WHERE batch IS NOT NULL AND state IN ('received', 'admitted') GROUP BY batch, project, receiving_study",
    )
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Batch {
                id: row::id(row, "batch")?,
                project: routed(row.try_get("project")?),
                receiving_study: row::optional_id(row, "receiving_study")?,
                instances: row::count(row, "instances")?,
            })
        })
        .collect()
}

/// Sends the instances of these batches that are not yet de-identified through admission again; answers how many.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn admit_anew(
    connection: &mut AnyConnection,
    batches: &[Uuid],
    now: i64,
) -> Result<u64, ArchiveError> {
    let mut moved = 0;
    for chunk in batches.chunks(Statement::IDS) {
        let mut update =
            Statement::new("UPDATE received_instance SET batch = NULL, state = 'received', state_at = ");
        update.bind(now).push(" WHERE state IN ('received', 'admitted') AND batch IN (");
        update.list(chunk.iter().map(Uuid::to_string)).push(")");
        moved += update.query().execute(&mut *connection).await?.rows_affected();
    }
    Ok(moved)
}

/// The instances of a batch, in the order of their arrival.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn in_batch(
    executor: impl AnyExecutor<'_>,
    batch: Uuid,
) -> Result<Vec<BufferedInstance>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM received_instance WHERE batch = $1 ORDER BY id")
        .bind(batch.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Instances by our own ids, those that still exist.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn by_id(
    connection: &mut AnyConnection,
    ids: &[Uuid],
) -> Result<Vec<BufferedInstance>, ArchiveError> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT * FROM received_instance WHERE id IN (");
        find.list(chunk.iter().map(Uuid::to_string)).push(") ORDER BY id");
        for row in find.query().fetch_all(&mut *connection).await? {
            found.push(from_row(&row)?);
        }
    }
    Ok(found)
}

/// Those of `instances` whose pseudonymised form was made durable in Z3, as far as their rows are still known.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn deidentified(
    connection: &mut AnyConnection,
    instances: &[Uuid],
) -> Result<BTreeSet<Uuid>, ArchiveError> {
    let mut found = BTreeSet::new();
    for chunk in instances.chunks(Statement::IDS) {
        let mut find = Statement::new(
            "SELECT id FROM received_instance WHERE state IN ('deidentified', 'released') AND id IN (",
        );
        find.list(chunk.iter().map(Uuid::to_string)).push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            found.insert(row::id(&row, "id")?);
        }
    }
    Ok(found)
}

/// Up to `limit` instances of one participant (DEC-Q) after `after`, for a withdrawal or an opposition.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_participant(
    executor: impl AnyExecutor<'_>,
    project: &str,
    assigning_authority: &str,
    patient_id: &str,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<BufferedInstance>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM received_instance WHERE patient_id = $1 AND assigning_authority = $2 AND project = $3 AND id > $4 \
         ORDER BY id LIMIT $5",
    )
    .bind(patient_id)
    .bind(assigning_authority)
    .bind(project)
    .bind(after.unwrap_or_default().to_string())
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Up to `limit` persons after `after` of whom something is at rest in a project: held, or kept after its de-identification.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn persons(
    executor: impl AnyExecutor<'_>,
    after: Option<&Person>,
    limit: u32,
) -> Result<Vec<Person>, ArchiveError> {
    let mut find = Statement::new(
        "SELECT DISTINCT project, assigning_authority, patient_id FROM received_instance \
         WHERE state IN ('quarantined', 'deidentified') AND project <> '' AND patient_id <> ''",
    );
    if let Some(Person { project, assigning_authority, patient_id }) = after {
        find.push(" AND (project, assigning_authority, patient_id) > (");
        find.list([project, assigning_authority, patient_id].map(String::as_str)).push(")");
    }
    find.push(" ORDER BY project, assigning_authority, patient_id LIMIT ").bind(i64::from(limit));
    let rows = find.query().fetch_all(executor).await?;
    rows.iter()
        .map(|row| {
            Ok(Person {
                project: row.try_get("project")?,
                assigning_authority: row.try_get("assigning_authority")?,
                patient_id: row.try_get("patient_id")?,
            })
        })
        .collect()
}

/// Whether instances wait for their admission: asked by a reader, so that an idle program writes nothing.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn is_waiting(executor: impl AnyExecutor<'_>) -> Result<bool, ArchiveError> {
    let found = sqlx::query(
        "SELECT 1 AS waiting FROM received_instance WHERE state = 'received' AND batch IS NULL LIMIT 1",
    )
    .fetch_optional(executor)
    .await?;
    Ok(found.is_some())
}

/// Moves those of `ids` that are in state `from` to state `to`; answers how many moved.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn advance(
    connection: &mut AnyConnection,
    ids: &[Uuid],
    from: BufferState,
    to: BufferState,
    now: i64,
) -> Result<u64, ArchiveError> {
    let mut moved = 0;
    for chunk in ids.chunks(Statement::IDS) {
        let mut update = Statement::new("UPDATE received_instance SET state = ");
        update.bind(to.as_str()).push(", state_at = ").bind(now).push(" WHERE state = ").bind(from.as_str());
        update.push(" AND id IN (").list(chunk.iter().map(Uuid::to_string)).push(")");
        moved += update.query().execute(&mut *connection).await?.rows_affected();
    }
    Ok(moved)
}

/// Number of instances in each state that occurs.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn count_by_state(executor: impl AnyExecutor<'_>) -> Result<Vec<(BufferState, u64)>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT state, COUNT(*) AS instances FROM received_instance GROUP BY state ORDER BY state",
    )
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| Ok((row::word(row, "state", BufferState::parse)?, row::count(row, "instances")?)))
        .collect()
}

/// The column holds '' while no rule has found the project.
pub(super) fn routed(project: String) -> Option<String> {
    (!project.is_empty()).then_some(project)
}

pub(super) fn from_row(row: &AnyRow) -> Result<BufferedInstance, ArchiveError> {
    let received = ReceivedInstance {
        id: row::id(row, "id")?,
        project: routed(row.try_get("project")?),
        door: row.try_get("door")?,
        calling: row.try_get("calling")?,
        called: row.try_get("called")?,
        peer: row.try_get("peer")?,
        patient_id: row.try_get("patient_id")?,
        issuer_of_patient_id: row.try_get("issuer_of_patient_id")?,
        assigning_authority: row.try_get("assigning_authority")?,
        study_instance_uid: row.try_get("study_instance_uid")?,
        series_instance_uid: row.try_get("series_instance_uid")?,
        sop_instance_uid: row.try_get("sop_instance_uid")?,
        sop_class_uid: row.try_get("sop_class_uid")?,
        transfer_syntax_uid: row.try_get("transfer_syntax_uid")?,
        modality: row.try_get("modality")?,
        spool: row.try_get("spool")?,
        location: row::parsed(row, "location")?,
        blake3: row::hash(row, "blake3")?,
        irregularities: row.try_get("irregularities")?,
        already_deidentified: row.try_get::<i16, _>("already_deidentified")? != 0,
        received_at: row.try_get("received_at")?,
    };
    Ok(BufferedInstance {
        received,
        receiving_study: row::optional_id(row, "receiving_study")?,
        batch: row::optional_id(row, "batch")?,
        differs: row.try_get::<i16, _>("differs")? != 0,
        state: row::word(row, "state", BufferState::parse)?,
    })
}
