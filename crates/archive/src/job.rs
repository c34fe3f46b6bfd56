//! Jobs: the outbound machine, one per DICOM study × project × partner, and its rows.
//!
//! Each increment of a job (late instances, AC1.5) is a row of its own that walks through the machine; the rows of one job
//! share [`Job::first_increment`].

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::state::{Change, Machine, record};
use crate::words::words;
use crate::{ArchiveError, job_queue, row};

words! {
    /// State of a job: says what holds for all instances of the increment.
    JobState {
        /// Instances arrive, the stability timer runs.
        Receiving = "receiving",
        /// Waits for a person.
        Quarantined = "quarantined",
        /// Stable, routed, participant included.
        Created = "created",
        /// In Z3, after-check passed.
        Deidentified = "deidentified",
        /// Every instance handed to the transport.
        Sent = "sent",
        /// Partner confirmed each instance.
        Acked = "acked",
        /// In the poll set.
        AwaitingResult = "awaiting-result",
        /// Nothing more expected.
        Closed = "closed",
        /// Automatic tries exhausted or refused by the gate; waits for a person.
        Attention = "attention",
        /// Its date and grace passed.
        Expired = "expired",
        /// Stopped or recalled by a person.
        Cancelled = "cancelled",
        /// The participant withdrew or objected.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What happens to a job.
    JobEvent {
        /// The study is stable, every batch is routed and its participant included.
        Complete = "complete",
        /// In doubt.
        Quarantine = "quarantine",
        /// A person lets it go on.
        Release = "release",
        /// Every instance is in Z3 and passed the after-check.
        Deidentify = "deidentify",
        /// Every instance is handed to the transport. Needs the gate.
        Send = "send",
        /// Every instance is confirmed.
        Acknowledge = "acknowledge",
        /// A result is expected.
        Await = "await",
        /// Nothing more is expected.
        Close = "close",
        /// The date passed.
        Expire = "expire",
        /// A person waits for the result again.
        Reopen = "reopen",
        /// Automatic tries are exhausted, or the gate refused.
        Attention = "attention",
        /// A person took care: back to the state it came from.
        Resume = "resume",
        /// A person stops or recalls it.
        Cancel = "cancel",
        /// The participant withdrew or objected.
        Withdraw = "withdraw",
    }
}

use JobEvent as E;
use JobState as S;

const MACHINE: Machine<JobState, JobEvent> = Machine {
    name: "job",
    arrows: &[
        (S::Receiving, E::Complete, S::Created),
        (S::Receiving, E::Quarantine, S::Quarantined),
        (S::Quarantined, E::Release, S::Created),
        (S::Quarantined, E::Expire, S::Expired),
        (S::Created, E::Deidentify, S::Deidentified),
        (S::Created, E::Quarantine, S::Quarantined),
        (S::Deidentified, E::Send, S::Sent),
        (S::Deidentified, E::Close, S::Closed),
        (S::Sent, E::Acknowledge, S::Acked),
        (S::Acked, E::Await, S::AwaitingResult),
        (S::Acked, E::Close, S::Closed),
        (S::AwaitingResult, E::Close, S::Closed),
        (S::AwaitingResult, E::Expire, S::Expired),
        (S::Expired, E::Reopen, S::AwaitingResult),
        (S::Expired, E::Close, S::Closed),
    ],
    anywhere: &[(E::Attention, S::Attention), (E::Cancel, S::Cancelled), (E::Withdraw, S::Withdrawn)],
    back: &[(S::Attention, E::Resume)],
    terminal: &[S::Closed, S::Cancelled, S::Withdrawn],
    gated: &[S::Sent],
};

impl JobState {
    /// The state after `event`, or `None` where there is no such arrow. `origin` is the state that `attention` was entered from.
    #[must_use]
    pub fn next(self, origin: Option<Self>, event: JobEvent) -> Option<Self> {
        MACHINE.next(self, origin, event)
    }

    /// Whether nothing leaves this state.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        MACHINE.terminal.contains(&self)
    }
}

/// A job to create; it starts in `receiving`.
#[derive(Debug, Clone, Copy)]
pub struct NewJob<'a> {
    /// Project.
    pub project: &'a str,
    /// Partner, or the name of the local export.
    pub partner: &'a str,
    /// Our own id of the increment of the study in the receive buffer.
    pub receiving_study: Uuid,
    /// Id of the job's first increment, `None` for the first one.
    pub first_increment: Option<Uuid>,
    /// 1 for the first.
    pub increment: i32,
    /// Pseudonymise mode: results can come back (DEC-D).
    pub reversible: bool,
}

/// One increment of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Our own id.
    pub id: Uuid,
    /// Id of the first increment, shared by all rows of the job.
    pub first_increment: Uuid,
    /// 1 for the first.
    pub increment: i32,
    /// Project.
    pub project: String,
    /// Partner, or the name of the local export.
    pub partner: String,
    /// Our own id of the increment of the study in the receive buffer.
    pub receiving_study: Uuid,
    /// Our own id of the study in the index; `None` until it is de-identified.
    pub study: Option<Uuid>,
    /// The vault's own id of the participant, which tells nothing by itself; `None` until de-identified, and in anonymise mode.
    pub participant: Option<String>,
    /// Pseudonymise mode: results can come back (DEC-D).
    pub reversible: bool,
    /// State.
    pub state: JobState,
    /// State that `attention` was entered from.
    pub before_attention: Option<JobState>,
    /// When the result is expected, epoch milliseconds.
    pub expected_by: Option<i64>,
    /// When it was found overdue, epoch milliseconds.
    pub overdue_at: Option<i64>,
    /// Epoch milliseconds.
    pub created_at: i64,
    /// Epoch milliseconds.
    pub updated_at: i64,
}

/// Creates a job in `receiving`, or answers the one that exists for this increment and partner.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn create(
    connection: &mut AnyConnection,
    job: NewJob<'_>,
    change: &Change<'_>,
) -> Result<Uuid, ArchiveError> {
    let id = Uuid::now_v7();
    let created = sqlx::query(
        "INSERT INTO job (id, first_increment, increment, project, partner, receiving_study, reversible, state, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'receiving', $8, $8) ON CONFLICT (receiving_study, partner) DO NOTHING",
    )
    .bind(id.to_string())
    .bind(job.first_increment.unwrap_or(id).to_string())
    .bind(job.increment)
    .bind(job.project)
    .bind(job.partner)
    .bind(job.receiving_study.to_string())
    .bind(i16::from(job.reversible))
    .bind(change.at)
    .execute(&mut *connection)
    .await?;
    if created.rows_affected() == 1 {
        record(connection, MACHINE.name, id, ["create", "", JobState::Receiving.as_str()], change).await?;
        return Ok(id);
    }
    let row = sqlx::query("SELECT id FROM job WHERE receiving_study = $1 AND partner = $2")
        .bind(job.receiving_study.to_string())
        .bind(job.partner)
        .fetch_one(connection)
        .await?;
    row::id(&row, "id")
}

/// The one transition function of jobs: writes the state and the line of its history in the caller's transaction; a terminal
/// state stops queued work at once (INV-1, INV-2, INV-4).
///
/// # Errors
/// [`ArchiveError::Refused`] where the machine has no such arrow; [`ArchiveError::GateMissing`]; [`ArchiveError::NotFound`];
/// [`ArchiveError::Database`].
pub async fn advance(
    connection: &mut AnyConnection,
    id: Uuid,
    event: JobEvent,
    change: &Change<'_>,
) -> Result<JobState, ArchiveError> {
    let job = show(&mut *connection, id).await?;
    let Some(next) = job.state.next(job.before_attention, event) else {
        return Err(refused(id, job.state, event));
    };
    // What expired in quarantine was never sent: there is no result to wait for (INV-3).
    if event == E::Reopen && !has_awaited(&mut *connection, id).await? {
        return Err(refused(id, job.state, event));
    }
    if MACHINE.is_gated(job.state, next) && change.gate_hash.is_none() {
        return Err(ArchiveError::GateMissing { machine: MACHINE.name, id, event: event.to_string() });
    }
    let written = sqlx::query(
        "UPDATE job SET state = $3, updated_at = $4, \
         before_attention = CASE WHEN $3 = 'attention' THEN state ELSE before_attention END WHERE id = $1 AND state = $2",
    )
    .bind(id.to_string())
    .bind(job.state.as_str())
    .bind(next.as_str())
    .bind(change.at)
    .execute(&mut *connection)
    .await?;
    if written.rows_affected() == 0 {
        return Err(refused(id, job.state, event));
    }
    record(connection, MACHINE.name, id, [event.as_str(), job.state.as_str(), next.as_str()], change).await?;
    if next.is_terminal() {
        job_queue::cancel_subject(connection, id, next.as_str(), change.at).await?;
    }
    Ok(next)
}

async fn has_awaited(connection: &mut AnyConnection, id: Uuid) -> Result<bool, ArchiveError> {
    let found = sqlx::query(
        "SELECT id FROM state_change WHERE subject = $1 AND machine = $2 AND to_state = $3 LIMIT 1",
    )
    .bind(id.to_string())
    .bind(MACHINE.name)
    .bind(S::AwaitingResult.as_str());
    Ok(found.fetch_optional(connection).await?.is_some())
}

fn refused(id: Uuid, state: JobState, event: JobEvent) -> ArchiveError {
    ArchiveError::Refused { machine: MACHINE.name, id, state: state.to_string(), event: event.to_string() }
}

/// Notes the study in the index that the job sends, and the vault's own id of the participant, if there is one.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn set_study(
    connection: &mut AnyConnection,
    id: Uuid,
    study: Uuid,
    participant: Option<&str>,
) -> Result<(), ArchiveError> {
    sqlx::query("UPDATE job SET study = $2, participant = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(study.to_string())
        .bind(participant)
        .execute(connection)
        .await?;
    Ok(())
}

/// Sets when the result is expected (epoch milliseconds), also anew after it was overdue (AC5.2).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn expect_by(
    connection: &mut AnyConnection,
    id: Uuid,
    expected_by: i64,
) -> Result<(), ArchiveError> {
    sqlx::query("UPDATE job SET expected_by = $2, overdue_at = NULL WHERE id = $1")
        .bind(id.to_string())
        .bind(expected_by)
        .execute(connection)
        .await?;
    Ok(())
}

/// Up to `limit` jobs that became overdue, each answered once: the caller tells of them in the same transaction.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn take_overdue(
    connection: &mut AnyConnection,
    now: i64,
    limit: u32,
) -> Result<Vec<Job>, ArchiveError> {
    let rows = sqlx::query(
        "UPDATE job SET overdue_at = $1 WHERE id IN (SELECT id FROM job \
         WHERE state = 'awaiting-result' AND expected_by <= $1 AND overdue_at IS NULL ORDER BY expected_by LIMIT $2) \
         RETURNING *",
    )
    .bind(now)
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Whether [`take_overdue`] would find a job: asked by a reader, so that an idle program writes nothing.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn is_overdue(executor: impl AnyExecutor<'_>, now: i64) -> Result<bool, ArchiveError> {
    let found = sqlx::query(
        "SELECT 1 AS due FROM job WHERE state = 'awaiting-result' AND expected_by <= $1 AND overdue_at IS NULL LIMIT 1",
    )
    .bind(now)
    .fetch_optional(executor)
    .await?;
    Ok(found.is_some())
}

/// Up to `limit` jobs of a project that await a result expected at `before` (now minus the grace, epoch milliseconds) or earlier.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn expected_before(
    executor: impl AnyExecutor<'_>,
    project: &str,
    before: i64,
    limit: u32,
) -> Result<Vec<Job>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM job WHERE state = 'awaiting-result' AND expected_by <= $1 AND project = $2 \
         ORDER BY expected_by LIMIT $3",
    )
    .bind(before)
    .bind(project)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}

/// One job.
///
/// # Errors
/// [`ArchiveError::NotFound`], [`ArchiveError::Database`].
pub async fn show(executor: impl AnyExecutor<'_>, id: Uuid) -> Result<Job, ArchiveError> {
    let row =
        sqlx::query("SELECT * FROM job WHERE id = $1").bind(id.to_string()).fetch_optional(executor).await?;
    from_row(&row.ok_or(ArchiveError::NotFound { what: "job", id })?)
}

/// The jobs of an increment of a study, one per partner.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_receiving_study(
    executor: impl AnyExecutor<'_>,
    receiving_study: Uuid,
) -> Result<Vec<Job>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM job WHERE receiving_study = $1 ORDER BY id")
        .bind(receiving_study.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

/// The jobs that sent a study of the index, the oldest first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_study(executor: impl AnyExecutor<'_>, study: Uuid) -> Result<Vec<Job>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM job WHERE study = $1 ORDER BY id")
        .bind(study.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

/// The jobs of a participant, the oldest first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_participant(
    executor: impl AnyExecutor<'_>,
    participant: &str,
) -> Result<Vec<Job>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM job WHERE participant = $1 ORDER BY id")
        .bind(participant)
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

/// The poll set of a partner: up to `limit` jobs after `after` that await a result.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn awaiting(
    executor: impl AnyExecutor<'_>,
    partner: &str,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Job>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM job WHERE state = 'awaiting-result' AND partner = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(partner)
    .bind(after.unwrap_or_default().to_string())
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Up to `limit` jobs after `after`, the oldest first; in one state or all.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn list(
    executor: impl AnyExecutor<'_>,
    state: Option<JobState>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Job>, ArchiveError> {
    let rows =
        sqlx::query("SELECT * FROM job WHERE id > $1 AND ($2 = '' OR state = $2) ORDER BY id LIMIT $3")
            .bind(after.unwrap_or_default().to_string())
            .bind(state.map_or("", JobState::as_str))
            .bind(i64::from(limit))
            .fetch_all(executor)
            .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &AnyRow) -> Result<Job, ArchiveError> {
    Ok(Job {
        id: row::id(row, "id")?,
        first_increment: row::id(row, "first_increment")?,
        increment: row.try_get("increment")?,
        project: row.try_get("project")?,
        partner: row.try_get("partner")?,
        receiving_study: row::id(row, "receiving_study")?,
        study: row::optional_id(row, "study")?,
        participant: row.try_get("participant")?,
        reversible: row.try_get::<i16, _>("reversible")? != 0,
        state: row::word(row, "state", JobState::parse)?,
        before_attention: row::optional_word(row, "before_attention", JobState::parse)?,
        expected_by: row.try_get("expected_by")?,
        overdue_at: row.try_get("overdue_at")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
