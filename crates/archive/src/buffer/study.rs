//! Studies that arrive: when is one complete? (AC1.5)

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use super::instance::{BufferState, BufferedInstance, ReceivedInstance};
use crate::{ArchiveError, row};

/// One increment of a DICOM study: the instances that arrived before it was closed.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivingStudy {
    /// Our own id.
    pub id: Uuid,
    /// Project.
    pub project: String,
    /// (0020,000D) as received.
    pub study_instance_uid: String,
    /// 1 for the first; a late instance opens the next.
    pub increment: i32,
    /// Arrival of its first instance, epoch milliseconds.
    pub first_arrival: i64,
    /// Arrival of its last instance, epoch milliseconds.
    pub last_activity: i64,
    /// Number of instances.
    pub instances: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Epoch milliseconds; `None` while it is open.
    pub closed_at: Option<i64>,
}

impl std::fmt::Debug for ReceivingStudy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ReceivingStudy").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Arrivals of one study within one batch of rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    instances: i64,
    bytes: i64,
    first: i64,
    last: i64,
}

impl Tally {
    pub(super) fn add(&mut self, instance: &ReceivedInstance) {
        let at = instance.received_at;
        self.first = if self.instances == 0 { at } else { self.first.min(at) };
        self.last = self.last.max(at);
        self.instances += 1;
        self.bytes += row::number(instance.location.data_length());
    }
}

/// Counts arrivals to the open increment of a study, or opens the next one; answers its id.
pub(super) async fn count_arrivals(
    connection: &mut AnyConnection,
    project: &str,
    study_instance_uid: &str,
    tally: Tally,
) -> Result<Uuid, ArchiveError> {
    let row = sqlx::query(
        "INSERT INTO receiving_study (id, project, study_instance_uid, increment, first_arrival, last_activity, instances, bytes) \
         SELECT $1, $2, $3, COALESCE(MAX(increment), 0) + 1, $4, $5, $6, $7 \
         FROM receiving_study WHERE project = $2 AND study_instance_uid = $3 \
         ON CONFLICT (project, study_instance_uid) WHERE closed_at IS NULL DO UPDATE SET \
         instances = receiving_study.instances + excluded.instances, bytes = receiving_study.bytes + excluded.bytes, \
         last_activity = CASE WHEN excluded.last_activity > receiving_study.last_activity \
         THEN excluded.last_activity ELSE receiving_study.last_activity END \
         RETURNING id",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(project)
    .bind(study_instance_uid)
    .bind(tally.first)
    .bind(tally.last)
    .bind(tally.instances)
    .bind(tally.bytes)
    .fetch_one(connection)
    .await?;
    row::id(&row, "id")
}

/// An instance that a person lets go on after its increment was closed counts like one that arrives now: the job of the closed one may
/// have sent its set already, and has ended for it (DEC-O).
pub(super) async fn rejoin(
    connection: &mut AnyConnection,
    instance: &BufferedInstance,
    now: i64,
) -> Result<(), ArchiveError> {
    let received = &instance.received;
    let (Some(project), Some(study)) = (&received.project, instance.receiving_study) else { return Ok(()) };
    if show_study(&mut *connection, study).await?.closed_at.is_none() {
        return Ok(());
    }
    let bytes = row::number(received.location.data_length());
    let tally = Tally { instances: 1, bytes, first: now, last: now };
    let open = count_arrivals(connection, project, &received.study_instance_uid, tally).await?;
    sqlx::query("UPDATE received_instance SET receiving_study = $2 WHERE id = $1")
        .bind(received.id.to_string())
        .bind(open.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Open increments of a project that are complete: nothing arrived since `quiet_since`
/// (now minus the idle time of the project, epoch milliseconds).
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn stable_studies(
    executor: impl AnyExecutor<'_>,
    project: &str,
    quiet_since: i64,
    limit: u32,
) -> Result<Vec<ReceivingStudy>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM receiving_study WHERE project = $1 AND closed_at IS NULL \
         AND last_activity <= $2 ORDER BY last_activity LIMIT $3",
    )
    .bind(project)
    .bind(quiet_since)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Closes an increment, unless an instance arrived since it was read; answers whether it is closed now.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn close_study(
    connection: &mut AnyConnection,
    study: &ReceivingStudy,
    now: i64,
) -> Result<bool, ArchiveError> {
    let closed = sqlx::query(
        "UPDATE receiving_study SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL AND instances = $3",
    )
    .bind(study.id.to_string())
    .bind(now)
    .bind(row::number(study.instances))
    .execute(connection)
    .await?;
    Ok(closed.rows_affected() == 1)
}

/// One increment of a study.
///
/// # Errors
/// [`ArchiveError::NotFound`], [`ArchiveError::Database`].
pub async fn show_study(executor: impl AnyExecutor<'_>, id: Uuid) -> Result<ReceivingStudy, ArchiveError> {
    let row = sqlx::query("SELECT * FROM receiving_study WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(executor)
        .await?;
    from_row(&row.ok_or(ArchiveError::NotFound { what: "study being received", id })?)
}

/// The increments of the same study, the one asked about among them, the oldest first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn increments(executor: impl AnyExecutor<'_>, id: Uuid) -> Result<Vec<Uuid>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT other.id FROM receiving_study AS this JOIN receiving_study AS other \
         ON other.project = this.project AND other.study_instance_uid = this.study_instance_uid \
         WHERE this.id = $1 ORDER BY other.increment",
    )
    .bind(id.to_string())
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| row::id(row, "id")).collect()
}

/// The increments of a study by its UID, the oldest first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn increments_of(
    executor: impl AnyExecutor<'_>,
    project: &str,
    study_instance_uid: &str,
) -> Result<Vec<ReceivingStudy>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM receiving_study WHERE project = $1 AND study_instance_uid = $2 ORDER BY increment",
    )
    .bind(project)
    .bind(study_instance_uid)
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}

/// The instances of an increment in a state.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_increment(
    executor: impl AnyExecutor<'_>,
    receiving_study: Uuid,
    state: BufferState,
    limit: u32,
) -> Result<Vec<BufferedInstance>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM received_instance WHERE receiving_study = $1 AND state = $2 ORDER BY id LIMIT $3",
    )
    .bind(receiving_study.to_string())
    .bind(state.as_str())
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(super::instance::from_row).collect()
}

/// Number of instances of an increment in each state that occurs.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn progress(
    executor: impl AnyExecutor<'_>,
    receiving_study: Uuid,
) -> Result<Vec<(BufferState, u64)>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT state, COUNT(*) AS instances FROM received_instance WHERE receiving_study = $1 GROUP BY state ORDER BY state",
    )
    .bind(receiving_study.to_string())
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| Ok((row::word(row, "state", BufferState::parse)?, row::count(row, "instances")?)))
        .collect()
}

fn from_row(row: &AnyRow) -> Result<ReceivingStudy, ArchiveError> {
    Ok(ReceivingStudy {
        id: row::id(row, "id")?,
        project: row.try_get("project")?,
        study_instance_uid: row.try_get("study_instance_uid")?,
        increment: row.try_get("increment")?,
        first_arrival: row.try_get("first_arrival")?,
        last_activity: row.try_get("last_activity")?,
        instances: row::count(row, "instances")?,
        bytes: row::count(row, "bytes")?,
        closed_at: row.try_get("closed_at")?,
    })
}
