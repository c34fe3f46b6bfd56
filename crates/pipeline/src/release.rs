//! Stage *release*: who lets a result into the clinical record (step 9, DEC-E). State of the result set: released.
//!
//! A named person by default; policy only where the project allows it, the identity was checked and found the same, no person had
//! to be asked before, and the status of the partner's software is recorded (C29).

use std::collections::BTreeMap;

use archive::job_queue::{self, NewEntry};
use archive::ledger::{self, LedgerEvent, LedgerLine, Line};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::state::{ActorKind, Change, history};
use notification::EventType;
use sqlx::AnyConnection;

use crate::config::ReleaseMode;
use crate::identity_check::IdentityCheck;
use crate::line::{Line as Pipeline, Project, StageError};
use crate::{notify, reconcile, return_to_pacs};

/// Releases a reconciled set by policy, or tells those who release that one waits; in the caller's transaction.
pub(crate) async fn by_policy(
    line: &Pipeline,
    transaction: &mut AnyConnection,
    project: &Project,
    set: &ResultSet,
    check: IdentityCheck,
    needs_person: bool,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let Some(results) = &project.config.results else { return Ok(()) };
    let changes = history(&mut *transaction, set.id).await?;
    let was_manual = changes.iter().any(|change| change.to == ResultSetState::Manual.as_str());
    let allowed = results.release == ReleaseMode::Automatic
        && results.software_status.is_some()
        && check == IdentityCheck::Same
        && !was_manual
        && !needs_person;
    if allowed {
        let change = Change {
            actor_kind: ActorKind::Stage,
            actor: "release policy",
            cause: check.as_str(),
            dossier_version: &project.dossier_version,
            gate_hash: None,
            at: now,
        };
        return release(transaction, set, &change).await;
    }
    let event = notify::event(EventType::ReturnWaitingRelease, &project.config.id, set.job, 0, 0, now);
    notify::enqueue(line, transaction, &event).await
}

/// Releases a reconciled set and lets it be returned. A person accepts with it what nobody else could look into: the ledger has a line for
/// each such part of an instance, with its hash (AC8.10, AC9.7).
///
/// # Errors
/// [`archive::ArchiveError::Refused`] when the set is in another state.
pub async fn release(
    transaction: &mut AnyConnection,
    set: &ResultSet,
    change: &Change<'_>,
) -> Result<(), StageError> {
    result_set::advance(&mut *transaction, set.id, ResultSetEvent::Release, change).await?;
    if change.actor_kind == ActorKind::Person {
        accept_parts(&mut *transaction, set, change).await?;
    }
    let entry = NewEntry { kind: return_to_pacs::KIND, subject: set.id, partner: None, run_at: change.at };
    job_queue::enqueue(transaction, entry, change.at).await?;
    Ok(())
}

/// Lets a set that waits in attention, or that expired, go on from the state that it came from. What stopped it before a push, or refused
/// instances, left no work in the queue: that is made anew.
///
/// # Errors
/// [`archive::ArchiveError::Refused`] when the set is in another state.
pub async fn retry(
    transaction: &mut AnyConnection,
    set: &ResultSet,
    change: &Change<'_>,
) -> Result<(), StageError> {
    let event = match set.state {
        ResultSetState::Expired => ResultSetEvent::Reopen,
        _ => ResultSetEvent::Resume,
    };
    let state = result_set::advance(&mut *transaction, set.id, event, change).await?;
    let kind = match state {
        _ if job_queue::retry_subject(&mut *transaction, set.id, change.at).await? > 0 => return Ok(()),
        ResultSetState::Released => return_to_pacs::KIND,
        ResultSetState::Blocked => reconcile::KIND,
        _ => return Ok(()),
    };
    let entry = NewEntry { kind, subject: set.id, partner: None, run_at: change.at };
    job_queue::enqueue(transaction, entry, change.at).await?;
    Ok(())
}

async fn accept_parts(
    transaction: &mut AnyConnection,
    set: &ResultSet,
    change: &Change<'_>,
) -> Result<(), StageError> {
    let parts = ledger::of_event(&mut *transaction, set.id, LedgerEvent::NotInspected).await?;
    // Reconciled more than once: the bytes written last go back.
    let last: BTreeMap<_, _> =
        parts.iter().map(|part| ((part.instance, part.cause.as_str()), part)).collect();
    let causes: Vec<(&LedgerLine, String)> =
        last.into_values().map(|part| (part, format!("{}: {}", part.cause, change.actor))).collect();
    let lines: Vec<Line<'_>> = causes
        .iter()
        .map(|(part, cause)| Line {
            event: LedgerEvent::Accepted,
            project: &part.project,
            job: part.job,
            result_set: part.result_set,
            instance: part.instance,
            destination: "",
            hash: &part.hash,
            bytes: part.bytes,
            dossier_version: change.dossier_version,
            gate_hash: None,
            cause,
            at: change.at,
        })
        .collect();
    Ok(ledger::append(transaction, &lines).await?)
}
