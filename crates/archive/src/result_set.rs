//! Result sets: the inbound machine, one per delivery of results to a job, and its rows.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::job::JobState;
use crate::state::{Change, Machine, record};
use crate::words::words;
use crate::{ArchiveError, job, job_queue, row};

words! {
    /// State of a result set.
    ResultSetState {
        /// The poll found content that maps to an open job.
        ResultAvailable = "result-available",
        /// All parts durable in Z4, checks passed.
        Retrieved = "retrieved",
        /// Waits for a person, with a proposal where there is one.
        Manual = "manual",
        /// Gate closed, consent withdrawn, vault row purged or dossier suspended.
        Blocked = "blocked",
        /// Identified set in Z5, pseudonymised form in Z3.
        Reconciled = "reconciled",
        /// Released by a person or by policy.
        Released = "released",
        /// The clinical PACS confirmed every instance.
        Returned = "returned",
        /// Message handed to the outbox for every recipient.
        Notified = "notified",
        /// Z5 copy purged, ledger sealed.
        Closed = "closed",
        /// A newer version replaced it before its release.
        Superseded = "superseded",
        /// Refused by a person or by a check.
        Rejected = "rejected",
        /// The participant withdrew or objected.
        Withdrawn = "withdrawn",
        /// Automatic tries exhausted; waits for a person.
        Attention = "attention",
        /// Waited too long for a person or the gate.
        Expired = "expired",
    }
}

words! {
    /// What happens to a result set.
    ResultSetEvent {
        /// All parts are durable in Z4 and passed the checks.
        Retrieve = "retrieve",
        /// A person has to look.
        AskPerson = "ask-person",
        /// A person accepts what was asked about; the set is reconciled again with that.
        Accept = "accept",
        /// Something forbids to go on.
        Block = "block",
        /// The gate is open again.
        Unblock = "unblock",
        /// Identified in Z5, reverse scanner passed.
        Reconcile = "reconcile",
        /// A person or policy lets it go back.
        Release = "release",
        /// The clinical PACS confirmed every instance. Needs the gate.
        Return = "return",
        /// Every recipient's message is in the outbox.
        Notify = "notify",
        /// Nothing is left to do.
        Close = "close",
        /// A newer version is there.
        Supersede = "supersede",
        /// The timer of the waiting states ran out.
        Expire = "expire",
        /// Automatic tries are exhausted.
        Attention = "attention",
        /// A person took care: back to the state it came from.
        Resume = "resume",
        /// A person takes up again what expired: back to the state it came from.
        Reopen = "reopen",
        /// A person or a check refuses it.
        Reject = "reject",
        /// The participant withdrew or objected.
        Withdraw = "withdraw",
    }
}

use ResultSetEvent as E;
use ResultSetState as S;

const MACHINE: Machine<ResultSetState, ResultSetEvent> = Machine {
    name: "result set",
    arrows: &[
        (S::ResultAvailable, E::Retrieve, S::Retrieved),
        (S::ResultAvailable, E::Supersede, S::Superseded),
        (S::Retrieved, E::Reconcile, S::Reconciled),
        (S::Retrieved, E::AskPerson, S::Manual),
        (S::Retrieved, E::Block, S::Blocked),
        (S::Retrieved, E::Supersede, S::Superseded),
        (S::Manual, E::Accept, S::Retrieved),
        (S::Manual, E::Block, S::Blocked),
        (S::Manual, E::Supersede, S::Superseded),
        (S::Blocked, E::Unblock, S::Retrieved),
        (S::Reconciled, E::Release, S::Released),
        (S::Reconciled, E::Supersede, S::Superseded),
        (S::Reconciled, E::Block, S::Blocked),
        (S::Released, E::Return, S::Returned),
        (S::Returned, E::Notify, S::Notified),
        (S::Notified, E::Close, S::Closed),
        // the states that wait for a person or for the gate have a timer
        (S::Manual, E::Expire, S::Expired),
        (S::Blocked, E::Expire, S::Expired),
        (S::Reconciled, E::Expire, S::Expired),
        (S::Expired, E::Close, S::Closed),
    ],
    anywhere: &[(E::Attention, S::Attention), (E::Reject, S::Rejected), (E::Withdraw, S::Withdrawn)],
    back: &[(S::Attention, E::Resume), (S::Expired, E::Reopen)],
    terminal: &[S::Closed, S::Superseded, S::Rejected, S::Withdrawn],
    gated: &[S::Returned],
};

impl ResultSetState {
    /// The state after `event`, or `None` where there is no such arrow. `origin` is the state that `attention` or `expired` was
    /// entered from.
    #[must_use]
    pub fn next(self, origin: Option<Self>, event: ResultSetEvent) -> Option<Self> {
        MACHINE.next(self, origin, event)
    }

    /// Whether nothing leaves this state.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        MACHINE.terminal.contains(&self)
    }
}

/// One delivery of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultSet {
    /// Our own id.
    pub id: Uuid,
    /// Job that it belongs to.
    pub job: Uuid,
    /// Project.
    pub project: String,
    /// Partner.
    pub partner: String,
    /// 1 for the first delivery to the job.
    pub version: i32,
    /// State.
    pub state: ResultSetState,
    /// State that `attention` was entered from.
    pub before_attention: Option<ResultSetState>,
    /// State that `expired` was entered from.
    pub before_expired: Option<ResultSetState>,
    /// Epoch milliseconds.
    pub created_at: i64,
    /// Epoch milliseconds.
    pub updated_at: i64,
}

/// Creates the next result set of a job, in `result-available`.
///
/// # Errors
/// [`ArchiveError::Refused`] for a job whose identities cannot be restored (anonymise mode, INV-6), or that was cancelled or withdrawn
/// (INV-4); [`ArchiveError::NotFound`];
/// [`ArchiveError::Database`].
pub async fn create(
    connection: &mut AnyConnection,
    job: Uuid,
    change: &Change<'_>,
) -> Result<Uuid, ArchiveError> {
    let job = job::show(&mut *connection, job).await?;
    let stopped = matches!(job.state, JobState::Cancelled | JobState::Withdrawn);
    if !job.reversible || stopped {
        let state = if stopped { job.state.to_string() } else { "in anonymise mode".into() };
        return Err(ArchiveError::Refused {
            machine: "job",
            id: job.id,
            state,
            event: "create a result set".into(),
        });
    }
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO result_set (id, job, project, partner, version, state, created_at, updated_at) \
         SELECT $1, $2, $3, $4, COALESCE(MAX(version), 0) + 1, 'result-available', $5, $5 FROM result_set WHERE job = $2",
    )
    .bind(id.to_string())
    .bind(job.id.to_string())
    .bind(job.project.as_str())
    .bind(job.partner.as_str())
    .bind(change.at)
    .execute(&mut *connection)
    .await?;
    record(connection, MACHINE.name, id, ["create", "", ResultSetState::ResultAvailable.as_str()], change)
        .await?;
    Ok(id)
}

/// The one transition function of result sets: writes the state and the line of its history in the caller's transaction; a
/// terminal state stops queued work at once (INV-1, INV-2, INV-4).
///
/// # Errors
/// [`ArchiveError::Refused`] where the machine has no such arrow; [`ArchiveError::GateMissing`]; [`ArchiveError::NotFound`];
/// [`ArchiveError::Database`].
pub async fn advance(
    connection: &mut AnyConnection,
    id: Uuid,
    event: ResultSetEvent,
    change: &Change<'_>,
) -> Result<ResultSetState, ArchiveError> {
    let set = show(&mut *connection, id).await?;
    let origin = if set.state == S::Expired { set.before_expired } else { set.before_attention };
    let Some(next) = set.state.next(origin, event) else {
        return Err(refused(id, set.state, event));
    };
    if MACHINE.is_gated(set.state, next) && change.gate_hash.is_none() {
        return Err(ArchiveError::GateMissing { machine: MACHINE.name, id, event: event.to_string() });
    }
    let written = sqlx::query(
        "UPDATE result_set SET state = $3, updated_at = $4, \
         before_attention = CASE WHEN $3 = 'attention' THEN state ELSE before_attention END, \
         before_expired = CASE WHEN $3 = 'expired' AND state <> 'attention' THEN state ELSE before_expired END \
         WHERE id = $1 AND state = $2",
    )
    .bind(id.to_string())
    .bind(set.state.as_str())
    .bind(next.as_str())
    .bind(change.at)
    .execute(&mut *connection)
    .await?;
    if written.rows_affected() == 0 {
        return Err(refused(id, set.state, event));
    }
    record(connection, MACHINE.name, id, [event.as_str(), set.state.as_str(), next.as_str()], change).await?;
    if next.is_terminal() {
        job_queue::cancel_subject(connection, id, next.as_str(), change.at).await?;
    }
    Ok(next)
}

fn refused(id: Uuid, state: ResultSetState, event: ResultSetEvent) -> ArchiveError {
    ArchiveError::Refused { machine: MACHINE.name, id, state: state.to_string(), event: event.to_string() }
}

/// One result set.
///
/// # Errors
/// [`ArchiveError::NotFound`], [`ArchiveError::Database`].
pub async fn show(executor: impl AnyExecutor<'_>, id: Uuid) -> Result<ResultSet, ArchiveError> {
    let row = sqlx::query("SELECT * FROM result_set WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(executor)
        .await?;
    from_row(&row.ok_or(ArchiveError::NotFound { what: "result set", id })?)
}

/// The result sets of a job, the first version first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_job(executor: impl AnyExecutor<'_>, job: Uuid) -> Result<Vec<ResultSet>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM result_set WHERE job = $1 ORDER BY version")
        .bind(job.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Up to `limit` result sets after `after`, the oldest first; in one state or all.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn list(
    executor: impl AnyExecutor<'_>,
    state: Option<ResultSetState>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<ResultSet>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM result_set WHERE id > $1 AND ($2 = '' OR state = $2) ORDER BY id LIMIT $3",
    )
    .bind(after.unwrap_or_default().to_string())
    .bind(state.map_or("", ResultSetState::as_str))
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &AnyRow) -> Result<ResultSet, ArchiveError> {
    Ok(ResultSet {
        id: row::id(row, "id")?,
        job: row::id(row, "job")?,
        project: row.try_get("project")?,
        partner: row.try_get("partner")?,
        version: row.try_get("version")?,
        state: row::word(row, "state", ResultSetState::parse)?,
        before_attention: row::optional_word(row, "before_attention", ResultSetState::parse)?,
        before_expired: row::optional_word(row, "before_expired", ResultSetState::parse)?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
