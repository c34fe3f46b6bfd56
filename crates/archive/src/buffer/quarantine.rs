//! What waits for a person, why, and what the person decided (AC1.6).

use std::collections::BTreeSet;

use database::Statement;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use super::instance::{BufferState, ReceivedInstance, advance, by_id};
use super::{remove, study};
use crate::words::words;
use crate::{ArchiveError, row};

words! {
    /// Why an object is held.
    QuarantineReason {
        /// No project, or more than one at a level of DEC-B.
        NoRoute = "no-route",
        /// The participant is not in the inclusion list (R02).
        NotIncluded = "not-included",
        /// Patient ID is empty (DEC-Q).
        NoPatientId = "no-patient-id",
        /// No label of the profile lets the object go on.
        NotForwarded = "not-forwarded",
        /// An output of this program came back as an input.
        OwnOutput = "own-output",
        /// Another instance of the project has the same SOP Instance UID and other bytes (AC1.4).
        Differs = "differs",
        /// Accepted with an irregularity that de-identification cannot treat safely (AC1.3).
        Irregular = "irregular",
        /// Its record in the receive buffer is not what was acknowledged: to be restored, or sent again.
        Damaged = "damaged",
        /// Its study has instances of another patient, or of this one under another name or birth date (flow §0.2: a job is one
        /// study of one participant).
        SecondPatient = "second-patient",
        /// It is kept as received, and its study has instances that are de-identified: together they would name the participant.
        MixedStudy = "mixed-study",
        /// Pixels at risk without a pixel rule, or text found in them (AC2.7).
        PixelRisk = "pixel-risk",
        /// The image may show a face, and the profile asks for recognizable visual features to be cleaned (PS3.15 E.3.2).
        RecognizableFeatures = "recognizable-features",
        /// A document or an object class that policy does not let through (AC2.8).
        Document = "document",
        /// The after-check found an identifier in what would leave (AC2.10), or an object that says that its identity was removed has one.
        IdentifierFound = "identifier-found",
        /// The pattern scan of an already de-identified object hit (AC1.9).
        PatternFound = "pattern-found",
        /// Drawn for review: a person looks at it before it leaves, although no rule holds it.
        Review = "review",
        /// A result that cannot be given to one job, participant and study with certainty (step 8).
        Ambiguous = "ambiguous",
        /// A result that is not ours, or breaks a check of AC7.2.
        ResultRefused = "result-refused",
    }
}

impl QuarantineReason {
    /// Whether a person can let an object go on although the reason stands; the others need something to be corrected first.
    #[must_use]
    pub fn can_be_accepted(self) -> bool {
        !matches!(
            self,
            Self::NoRoute
                | Self::NoPatientId
                | Self::NotIncluded
                | Self::Irregular
                | Self::Damaged
                | Self::MixedStudy
                | Self::IdentifierFound
        )
    }
}

words! {
    /// What a person decides about a held object.
    Decision {
        /// Let it go on, this reason accepted.
        Release = "release",
        /// Apply the rules anew, for something else was corrected.
        Redo = "redo",
        /// Purge it.
        Discard = "discard",
    }
}

/// Why and until when objects are held.
#[derive(Debug, Clone, Copy)]
pub struct Hold<'a> {
    /// Project, empty if there is none.
    pub project: &'a str,
    /// Reason.
    pub reason: QuarantineReason,
    /// Rule id and path of the element, never a value.
    pub detail: &'a str,
    /// The quarantine timer, epoch milliseconds.
    pub expires_at: i64,
}

/// A held object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Our own id of this entry.
    pub id: Uuid,
    /// Our own id of the instance.
    pub object: Uuid,
    /// Project, empty if there is none.
    pub project: String,
    /// Reason.
    pub reason: QuarantineReason,
    /// Rule id and path of the element.
    pub detail: String,
    /// Epoch milliseconds.
    pub quarantined_at: i64,
    /// Epoch milliseconds.
    pub expires_at: i64,
    /// Decision, who took it and when; `None` while it waits.
    pub decision: Option<(Decision, String, i64)>,
}

/// Holds objects; a received instance leaves its batch.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn hold(
    connection: &mut AnyConnection,
    objects: &[Uuid],
    hold: Hold<'_>,
    now: i64,
) -> Result<(), ArchiveError> {
    let mut held = Vec::with_capacity(objects.len());
    for chunk in objects.chunks(Statement::IDS) {
        let mut update =
            Statement::new("UPDATE received_instance SET batch = NULL, state = 'quarantined', state_at = ");
        update.bind(now).push(" WHERE state IN ('received', 'admitted') AND id IN (");
        update.list(chunk.iter().map(Uuid::to_string)).push(") RETURNING id");
        for row in update.query().fetch_all(&mut *connection).await? {
            held.push(row::id(&row, "id")?);
        }
    }
    for object in held {
        sqlx::query(
            "INSERT INTO quarantine (id, object, project, reason, detail, quarantined_at, expires_at, recorded) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(object.to_string())
        .bind(hold.project)
        .bind(hold.reason.as_str())
        .bind(hold.detail)
        .bind(now)
        .bind(hold.expires_at)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// What waits for a decision, the oldest first: up to `limit` entries after `after`, of one project or of all.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn list_quarantined(
    executor: impl AnyExecutor<'_>,
    project: Option<&str>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Quarantined>, ArchiveError> {
    let mut find = Statement::new("SELECT * FROM quarantine WHERE decision IS NULL AND id > ");
    find.bind(after.unwrap_or_default().to_string());
    if let Some(project) = project {
        find.push(" AND project = ").bind(project);
    }
    find.push(" ORDER BY id LIMIT ").bind(i64::from(limit));
    find.query().fetch_all(executor).await?.iter().map(from_row).collect()
}

/// One entry, waiting or decided.
///
/// # Errors
/// [`ArchiveError::NotFound`], [`ArchiveError::Database`].
pub async fn show_quarantined(executor: impl AnyExecutor<'_>, id: Uuid) -> Result<Quarantined, ArchiveError> {
    let row = sqlx::query("SELECT * FROM quarantine WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(executor)
        .await?;
    from_row(&row.ok_or(ArchiveError::NotFound { what: "quarantine item", id })?)
}

/// Entries whose timer ran out: they are to be discarded, with the timer as the one who decides.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn expired(
    executor: impl AnyExecutor<'_>,
    now: i64,
    limit: u32,
) -> Result<Vec<Quarantined>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT * FROM quarantine WHERE decision IS NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
    )
    .bind(now)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Lets the timer of an undecided entry run out now: the server, which holds the bytes, discards it at its next round.
///
/// # Errors
/// [`ArchiveError::NotFound`]; [`ArchiveError::Refused`] when it is decided already; [`ArchiveError::Database`].
pub async fn expire(connection: &mut AnyConnection, id: Uuid, now: i64) -> Result<(), ArchiveError> {
    let held = show_quarantined(&mut *connection, id).await?;
    if let Some((decision, ..)) = held.decision {
        let (state, event) = (decision.to_string(), Decision::Discard.to_string());
        return Err(ArchiveError::Refused { machine: "quarantine item", id, state, event });
    }
    sqlx::query("UPDATE quarantine SET expires_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes a decision down and acts on it: `Release` and `Redo` send the instance through admission again (a released one
/// with its reason in [`accepted_reasons`]), in the open increment of its study when its own was closed (DEC-O); `Discard`
/// deletes its row and answers it, so that the caller drops the bytes.
///
/// # Errors
/// [`ArchiveError::NotFound`]; [`ArchiveError::Refused`] when it is decided already; [`ArchiveError::Database`].
pub async fn decide(
    connection: &mut AnyConnection,
    id: Uuid,
    decision: Decision,
    by: &str,
    now: i64,
) -> Result<Option<ReceivedInstance>, ArchiveError> {
    let held = show_quarantined(&mut *connection, id).await?;
    let decided = sqlx::query(
        "UPDATE quarantine SET decision = $2, decided_by = $3, decided_at = $4 WHERE id = $1 AND decision IS NULL",
    )
    .bind(id.to_string())
    .bind(decision.as_str())
    .bind(by)
    .bind(now)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if decided == 0 {
        let state = held.decision.map_or("decided", |(decision, ..)| decision.as_str()).to_owned();
        return Err(ArchiveError::Refused {
            machine: "quarantine item",
            id,
            state,
            event: decision.to_string(),
        });
    }
    if decision == Decision::Discard {
        let instance = by_id(&mut *connection, &[held.object]).await?.pop();
        let instance = instance.filter(|buffered| buffered.state == BufferState::Quarantined);
        if instance.is_some() {
            remove(connection, &[held.object]).await?;
        }
        return Ok(instance.map(|buffered| buffered.received));
    }
    if advance(connection, &[held.object], BufferState::Quarantined, BufferState::Received, now).await? > 0 {
        let instance = by_id(&mut *connection, &[held.object]).await?.pop();
        if let Some(instance) = instance {
            study::rejoin(connection, &instance, now).await?;
        }
    }
    Ok(None)
}

/// Up to `limit` entries of which the ledger does not know yet, the oldest first: the two databases have no transaction in common.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn unrecorded(
    executor: impl AnyExecutor<'_>,
    limit: u32,
) -> Result<Vec<Quarantined>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM quarantine WHERE recorded = 0 ORDER BY id LIMIT $1")
        .bind(i64::from(limit))
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Notes that the ledger has the lines of these entries.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn note_recorded(connection: &mut AnyConnection, ids: &[Uuid]) -> Result<(), ArchiveError> {
    for chunk in ids.chunks(Statement::IDS) {
        let mut update = Statement::new("UPDATE quarantine SET recorded = 1 WHERE id IN (");
        update.list(chunk.iter().map(Uuid::to_string)).push(")");
        update.query().execute(&mut *connection).await?;
    }
    Ok(())
}

/// The reasons that persons accepted for an object: admission and verification pass over them.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn accepted_reasons(
    executor: impl AnyExecutor<'_>,
    object: Uuid,
) -> Result<Vec<QuarantineReason>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT DISTINCT reason FROM quarantine WHERE object = $1 AND decision = 'release' ORDER BY reason",
    )
    .bind(object.to_string())
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| row::word(row, "reason", QuarantineReason::parse)).collect()
}

/// Those of `objects` that a person let go on although this reason stands.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn accepted_among(
    connection: &mut AnyConnection,
    objects: &[Uuid],
    reason: QuarantineReason,
) -> Result<BTreeSet<Uuid>, ArchiveError> {
    let mut accepted = BTreeSet::new();
    for chunk in objects.chunks(Statement::IDS) {
        let mut find =
            Statement::new("SELECT object FROM quarantine WHERE decision = 'release' AND reason = ");
        find.bind(reason.as_str()).push(" AND object IN (").list(chunk.iter().map(Uuid::to_string)).push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            accepted.insert(row::id(&row, "object")?);
        }
    }
    Ok(accepted)
}

fn from_row(row: &AnyRow) -> Result<Quarantined, ArchiveError> {
    let decision = row::optional_word(row, "decision", Decision::parse)?;
    let decision = match decision {
        Some(decision) => Some((decision, row.try_get("decided_by")?, row.try_get("decided_at")?)),
        None => None,
    };
    Ok(Quarantined {
        id: row::id(row, "id")?,
        object: row::id(row, "object")?,
        project: row.try_get("project")?,
        reason: row::word(row, "reason", QuarantineReason::parse)?,
        detail: row.try_get("detail")?,
        quarantined_at: row.try_get("quarantined_at")?,
        expires_at: row.try_get("expires_at")?,
        decision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page for those who decide has every reason, and says truly which of them a person can accept.
    #[test]
    fn the_documentation_knows_every_reason() {
        let page = include_str!("../../../../docs/quarantine.md");
        for reason in QuarantineReason::ALL {
            let begins = format!("| `{reason}` |");
            let line = page.lines().find(|line| line.starts_with(&begins));
            let release = line.and_then(|line| line.split('|').nth(3)).map(str::trim);
            let refuses = release.map(|release| release.starts_with("no:"));
            assert_eq!(refuses, Some(!reason.can_be_accepted()), "{reason}");
        }
    }
}
