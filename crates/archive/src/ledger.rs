//! The ledger: what happened to each instance, to whom it went, when, with which hash and under which dossier (R12, AC9.7).
//!
//! Lines are only ever added, and hold no identity. Who is to send an instance next is read from them, so that a transfer that
//! was cut off goes on where it stopped (AC3.3).

use std::collections::{BTreeMap, BTreeSet};

use database::Statement;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::words::words;
use crate::{ArchiveError, row};

words! {
    /// What happened to an instance.
    LedgerEvent {
        /// Durable in the receive buffer.
        Received = "received",
        /// The same bytes again: one copy is kept.
        Duplicate = "duplicate",
        /// Left out by a rule.
        Excluded = "excluded",
        /// Refused and purged: the participant objected or withdrew (DEC-S).
        Opposed = "opposed",
        /// Held for a person.
        Quarantined = "quarantined",
        /// Purged from the quarantine, by a person or its timer.
        Discarded = "discarded",
        /// Its pseudonymised form is durable in Z3.
        Deidentified = "deidentified",
        /// The after-check passed.
        Cleared = "cleared",
        /// Handed to the transport of a partner. Needs the gate.
        Sent = "sent",
        /// Confirmed by the partner; a duplicate there counts, too.
        Acknowledged = "acknowledged",
        /// Refused by the partner or the clinical PACS, for now or for good.
        Failed = "failed",
        /// Deletion asked for at the partner.
        Recalled = "recalled",
        /// Fetched from the partner into Z4.
        Retrieved = "retrieved",
        /// Given back its identity in Z5.
        Reconciled = "reconciled",
        /// Nobody but a person can look into a part of it: a body or pixels (AC8.10).
        NotInspected = "not-inspected",
        /// A named person let it go back with that part (AC8.10, AC9.7).
        Accepted = "accepted",
        /// Handed to the clinical PACS. Needs the gate.
        Returned = "returned",
        /// Confirmed by the clinical PACS.
        Confirmed = "confirmed",
        /// Its bytes are deleted from a zone.
        Purged = "purged",
    }
}

impl LedgerEvent {
    /// Whether the instance leaves the server by it (INV-3).
    fn is_gated(self) -> bool {
        matches!(self, Self::Sent | Self::Returned)
    }
}

/// One line to append.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// What happened.
    pub event: LedgerEvent,
    /// Project.
    pub project: &'a str,
    /// Job it happened in.
    pub job: Option<Uuid>,
    /// Result set it happened in.
    pub result_set: Option<Uuid>,
    /// Our own id of the instance.
    pub instance: Uuid,
    /// Partner, clinical PACS or zone; empty where nothing goes anywhere.
    pub destination: &'a str,
    /// Hash of the bytes with its name: `blake3:…`, `sha256:…`.
    pub hash: &'a str,
    /// Length of the bytes.
    pub bytes: u64,
    /// Version of the project's dossier.
    pub dossier_version: &'a str,
    /// Hash of the gate evaluation; demanded by `Sent` and `Returned`.
    pub gate_hash: Option<&'a str>,
    /// Reason code, status or actor; without identity.
    pub cause: &'a str,
    /// Epoch milliseconds.
    pub at: i64,
}

/// Values that lines share which differ in their instance alone.
const SHARED: usize = 9;
/// Lines in one statement: as many values as [`Statement::ROWS`] rows of other tables.
const LINES: usize = 24;

impl Line<'_> {
    fn is_alike(&self, other: &Line<'_>) -> bool {
        self.at == other.at
            && self.event == other.event
            && self.project == other.project
            && self.job == other.job
            && self.result_set == other.result_set
            && self.destination == other.destination
            && self.dossier_version == other.dossier_version
            && self.gate_hash == other.gate_hash
            && self.cause == other.cause
    }
}

/// One line as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// Our own id of the line; lines of one program sort by it.
    pub id: Uuid,
    /// Epoch milliseconds.
    pub at: i64,
    /// What happened.
    pub event: LedgerEvent,
    /// Project.
    pub project: String,
    /// Job it happened in.
    pub job: Option<Uuid>,
    /// Result set it happened in.
    pub result_set: Option<Uuid>,
    /// Our own id of the instance.
    pub instance: Uuid,
    /// Partner, clinical PACS or zone.
    pub destination: String,
    /// Hash of the bytes with its name.
    pub hash: String,
    /// Length of the bytes.
    pub bytes: u64,
    /// Version of the project's dossier.
    pub dossier_version: String,
    /// Hash of the gate evaluation.
    pub gate_hash: Option<String>,
    /// Reason code, status or actor.
    pub cause: String,
}

/// Sum of the lines of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerTotal {
    /// Project.
    pub project: String,
    /// What happened.
    pub event: LedgerEvent,
    /// Partner, clinical PACS or zone.
    pub destination: String,
    /// Number of lines.
    pub lines: u64,
    /// Sum of their bytes.
    pub bytes: u64,
}

/// Appends lines and adds them to the sums.
///
/// # Errors
/// [`ArchiveError::GateMissing`] when a line lets an instance leave without a gate evaluation, then none is written;
/// [`ArchiveError::Database`].
pub async fn append(connection: &mut AnyConnection, lines: &[Line<'_>]) -> Result<(), ArchiveError> {
    if let Some(line) = lines.iter().find(|line| line.event.is_gated() && line.gate_hash.is_none()) {
        let event = line.event.to_string();
        return Err(ArchiveError::GateMissing { machine: "instance", id: line.instance, event });
    }
    let mut totals: BTreeMap<(&str, LedgerEvent, &str), (u64, u64)> = BTreeMap::new();
    for line in lines {
        let total = totals.entry((line.project, line.event, line.destination)).or_default();
        *total = (total.0 + 1, total.1 + line.bytes);
    }
    for alike in lines.chunk_by(Line::is_alike) {
        for chunk in alike.chunks(LINES) {
            insert(connection, chunk).await?;
        }
    }
    for ((project, event, destination), (lines, bytes)) in totals {
        sqlx::query(
            "INSERT INTO ledger_total (project, event, destination, lines, bytes) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (project, event, destination) DO UPDATE SET \
             lines = ledger_total.lines + excluded.lines, bytes = ledger_total.bytes + excluded.bytes",
        )
        .bind(project)
        .bind(event.as_str())
        .bind(destination)
        .bind(row::number(lines))
        .bind(row::number(bytes))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Appends those of `lines` that are not written yet, for steps that are repeated after a crash between two databases; answers how
/// many. A line is known by instance, event and cause; a hold by its time, too, for one reason can hold an instance more than once.
///
/// # Errors
/// As [`append`]; [`ArchiveError::Unknown`].
pub async fn append_once(connection: &mut AnyConnection, lines: &[Line<'_>]) -> Result<u64, ArchiveError> {
    let time_of = |event: LedgerEvent, at: i64| (event == LedgerEvent::Quarantined).then_some(at);
    let mut written = BTreeSet::new();
    for chunk in lines.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT instance, event, cause, at FROM ledger WHERE instance IN (");
        find.list(chunk.iter().map(|line| line.instance.to_string())).push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            let event = row::word(&row, "event", LedgerEvent::parse)?;
            let cause: String = row.try_get("cause")?;
            written.insert((
                row::id(&row, "instance")?,
                event.as_str(),
                cause,
                time_of(event, row.try_get("at")?),
            ));
        }
    }
    let mut new = Vec::new();
    for line in lines {
        let time = time_of(line.event, line.at);
        if written.insert((line.instance, line.event.as_str(), line.cause.to_owned(), time)) {
            new.push(*line);
        }
    }
    append(connection, &new).await?;
    Ok(new.len() as u64)
}

/// Writes lines that are alike: what they share is bound once.
async fn insert(connection: &mut AnyConnection, lines: &[Line<'_>]) -> Result<(), ArchiveError> {
    let Some(first) = lines.first() else { return Ok(()) };
    let mut insert = Statement::new(
        "INSERT INTO ledger (at, event, project, job, result_set, destination, dossier_version, gate_hash, cause, id, instance, \
         hash, bytes) VALUES ",
    );
    for (number, line) in lines.iter().enumerate() {
        insert.push(if number == 0 { "(" } else { ", (" });
        if number == 0 {
            insert
                .bind(first.at)
                .push(", ")
                .bind(first.event.as_str())
                .push(", ")
                .bind(first.project)
                .push(", ");
            insert.list([first.job, first.result_set].map(|id| id.map(|id| id.to_string()))).push(", ");
            insert.bind(first.destination).push(", ").bind(first.dossier_version).push(", ");
            insert.bind(first.gate_hash).push(", ").bind(first.cause);
        } else {
            insert.again(1);
            for place in 2..=SHARED {
                insert.push(", ").again(place);
            }
        }
        insert.push(", ").bind(Uuid::now_v7().to_string()).push(", ").bind(line.instance.to_string());
        insert.push(", ").bind(line.hash).push(", ").bind(row::number(line.bytes)).push(")");
    }
    insert.prepared().execute(connection).await?;
    Ok(())
}

/// What lines are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Of {
    /// One job.
    Job(Uuid),
    /// One result set.
    ResultSet(Uuid),
    /// One instance.
    Instance(Uuid),
}

impl Of {
    fn parts(self) -> (&'static str, Uuid) {
        match self {
            Self::Job(id) => ("job = ", id),
            Self::ResultSet(id) => ("result_set = ", id),
            Self::Instance(id) => ("instance = ", id),
        }
    }
}

/// Up to `limit` lines after `after`, the oldest first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn list(
    executor: impl AnyExecutor<'_>,
    of: Of,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<LedgerLine>, ArchiveError> {
    let (column, id) = of.parts();
    let mut find = Statement::new("SELECT * FROM ledger WHERE ");
    find.push(column).bind(id.to_string()).push(" AND id > ").bind(after.unwrap_or_default().to_string());
    find.push(" ORDER BY id LIMIT ").bind(i64::from(limit));
    find.query().fetch_all(executor).await?.iter().map(from_row).collect()
}

/// The lines of one event of a result set, the oldest first: as many as the set has instances, or a few times that.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_event(
    executor: impl AnyExecutor<'_>,
    result_set: Uuid,
    event: LedgerEvent,
) -> Result<Vec<LedgerLine>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM ledger WHERE result_set = $1 AND event = $2 ORDER BY id")
        .bind(result_set.to_string())
        .bind(event.as_str())
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Number of instances for which each event is written, of a job, a result set or an instance.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn count(executor: impl AnyExecutor<'_>, of: Of) -> Result<Vec<(LedgerEvent, u64)>, ArchiveError> {
    let (column, id) = of.parts();
    let mut find = Statement::new("SELECT event, COUNT(DISTINCT instance) AS instances FROM ledger WHERE ");
    find.push(column).bind(id.to_string()).push(" GROUP BY event ORDER BY event");
    let rows = find.query().fetch_all(executor).await?;
    rows.iter()
        .map(|row| Ok((row::word(row, "event", LedgerEvent::parse)?, row::count(row, "instances")?)))
        .collect()
}

/// Those of `instances` for which `event` is not yet written: what is left to do after an interruption.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn without(
    connection: &mut AnyConnection,
    of: Of,
    event: LedgerEvent,
    instances: &[Uuid],
) -> Result<Vec<Uuid>, ArchiveError> {
    let (column, id) = of.parts();
    let mut left = Vec::new();
    for chunk in instances.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT DISTINCT instance FROM ledger WHERE ");
        find.push(column).bind(id.to_string()).push(" AND event = ").bind(event.as_str());
        find.push(" AND instance IN (").list(chunk.iter().map(Uuid::to_string)).push(")");
        let rows = find.query().fetch_all(&mut *connection).await?;
        let written = rows.iter().map(|row| row::id(row, "instance")).collect::<Result<Vec<_>, _>>()?;
        left.extend(chunk.iter().filter(|instance| !written.contains(instance)));
    }
    Ok(left)
}

/// Those of `instances` that failed in a job after `since` (epoch milliseconds) with a cause that begins like this.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn failed_by(
    connection: &mut AnyConnection,
    job: Uuid,
    cause: &str,
    since: i64,
    instances: &[Uuid],
) -> Result<Vec<Uuid>, ArchiveError> {
    let mut failed = Vec::new();
    for chunk in instances.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT DISTINCT instance FROM ledger WHERE job = ");
        find.bind(job.to_string()).push(" AND event = 'failed' AND cause >= ").bind(cause);
        find.push(" AND cause < ").bind(format!("{cause}\u{10FFFF}")).push(" AND at > ").bind(since);
        find.push(" AND instance IN (").list(chunk.iter().map(Uuid::to_string)).push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            failed.push(row::id(&row, "instance")?);
        }
    }
    Ok(failed)
}

/// The gate evaluation under which the last instance of a result set left by `event` (INV-3).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn gate_hash_of(
    executor: impl AnyExecutor<'_>,
    result_set: Uuid,
    event: LedgerEvent,
) -> Result<Option<String>, ArchiveError> {
    let row = sqlx::query(
        "SELECT gate_hash FROM ledger WHERE result_set = $1 AND event = $2 AND gate_hash IS NOT NULL ORDER BY id DESC LIMIT 1",
    )
    .bind(result_set.to_string())
    .bind(event.as_str())
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| row.try_get("gate_hash")).transpose()?)
}

/// The sums of all lines.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn totals(executor: impl AnyExecutor<'_>) -> Result<Vec<LedgerTotal>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM ledger_total ORDER BY project, event, destination")
        .fetch_all(executor)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(LedgerTotal {
                project: row.try_get("project")?,
                event: row::word(row, "event", LedgerEvent::parse)?,
                destination: row.try_get("destination")?,
                lines: row::count(row, "lines")?,
                bytes: row::count(row, "bytes")?,
            })
        })
        .collect()
}

fn from_row(row: &AnyRow) -> Result<LedgerLine, ArchiveError> {
    Ok(LedgerLine {
        id: row::id(row, "id")?,
        at: row.try_get("at")?,
        event: row::word(row, "event", LedgerEvent::parse)?,
        project: row.try_get("project")?,
        job: row::optional_id(row, "job")?,
        result_set: row::optional_id(row, "result_set")?,
        instance: row::id(row, "instance")?,
        destination: row.try_get("destination")?,
        hash: row.try_get("hash")?,
        bytes: row::count(row, "bytes")?,
        dossier_version: row.try_get("dossier_version")?,
        gate_hash: row.try_get("gate_hash")?,
        cause: row.try_get("cause")?,
    })
}
