//! A participant withdrew or objected: every job and result set of theirs ends, and queued work with them (INV-4, R03, ACX.4); of
//! their originals nothing stays but a ledger line each and the certificate of the purge (DEC-S). What Z4 and Z5 hold leaves with the
//! timer of the terminal state.

use archive::buffer::{self, BufferedInstance};
use archive::job::{self, JobEvent};
use archive::job_queue;
use archive::ledger::{self, LedgerEvent, Of};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::side_result;
use archive::state::Change;
use notification::{EventType, NotificationConfig};
use pseudonym::{ParticipantId, Standing, SubjectKey};
use register::{Actor, AuditEvent, AuditRecord, Text};
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::line::{Line, StageError};
use crate::{confirm, notify};

/// Persons looked at, and instances of one purged, in one step.
const STEP: u32 = 256;

/// Whether the clinical PACS took everything of a set: it ends as what it is, returned, and nothing more leaves with it.
async fn is_returned(transaction: &mut AnyConnection, set: &ResultSet) -> Result<bool, StageError> {
    Ok(match set.state {
        ResultSetState::Returned | ResultSetState::Notified => true,
        ResultSetState::Released => job_queue::is_pending(transaction, confirm::KIND, set.id).await?,
        _ => false,
    })
}

/// Withdraws everything of `participant` that has not ended, in the caller's transaction; answers the ids of the jobs. What is kept beside
/// of its results leaves with the timer, also of jobs that have ended. For each job of
/// which something was sent, also one that has ended, the recipients are told that the partner's copy needs a follow-up (R13).
///
/// # Errors
/// Those of the main database.
pub async fn withdraw(
    transaction: &mut AnyConnection,
    notification: &NotificationConfig,
    participant: ParticipantId,
    change: &Change<'_>,
) -> Result<Vec<Uuid>, StageError> {
    let mut withdrawn = Vec::new();
    for job in job::of_participant(&mut *transaction, &participant.to_string()).await? {
        for set in result_set::of_job(&mut *transaction, job.id).await? {
            if !set.state.is_terminal() && !is_returned(&mut *transaction, &set).await? {
                result_set::advance(&mut *transaction, set.id, ResultSetEvent::Withdraw, change).await?;
            }
        }
        if !job.state.is_terminal() {
            job::advance(&mut *transaction, job.id, JobEvent::Withdraw, change).await?;
            withdrawn.push(job.id);
        }
        side_result::withdraw(&mut *transaction, job.id, change.at).await?;
        let counts = ledger::count(&mut *transaction, Of::Job(job.id)).await?;
        let sent =
            counts.iter().find(|(event, _)| *event == LedgerEvent::Sent).map_or(0, |(_, count)| *count);
        if sent > 0 {
            let kind = EventType::WithdrawalFollowUp;
            let event = notify::event(kind, &job.project, job.id, sent, 0, change.at);
            let recipients = notification.recipients_of(kind, event.project.as_ref());
            notification::enqueue(&mut *transaction, &event, recipients, change.at).await?;
        }
    }
    Ok(withdrawn)
}

/// One ledger line without identity for each instance of somebody who is opposed, and the certificate of the purge: before anything is
/// deleted. Repeated after a crash it adds nothing.
pub(crate) async fn certify(
    line: &Line,
    actor: &'static str,
    opposed: &[BufferedInstance],
) -> Result<(), StageError> {
    let now = line.clock.now();
    let lines: Vec<ledger::Line<'_>> = opposed
        .iter()
        .map(|instance| {
            let project = instance.received.project.as_deref().unwrap_or_default();
            let bytes = instance.received.location.data_length();
            line.ledger_line(LedgerEvent::Opposed, project, instance.received.id, bytes, now)
        })
        .collect();
    let mut transaction = line.main.write().await?;
    let objects = ledger::append_once(&mut transaction, &lines).await?;
    if objects > 0 {
        let event = AuditEvent::Purged { zone: Text::from_operator("Z1"), subject: None, objects };
        let record = AuditRecord { at: now, actor: Actor::Program(Text::from_operator(actor)), event };
        line.trail.append(&mut transaction, &[record]).await?;
    }
    Ok(transaction.commit().await?)
}

/// Purges instances of somebody who is opposed: certificate, rows, bytes.
pub(crate) async fn purge(
    line: &Line,
    actor: &'static str,
    opposed: &[BufferedInstance],
) -> Result<(), StageError> {
    if opposed.is_empty() {
        return Ok(());
    }
    certify(line, actor, opposed).await?;
    let ids: Vec<Uuid> = opposed.iter().map(|instance| instance.received.id).collect();
    let mut transaction = line.buffer.write().await?;
    buffer::remove(&mut transaction, &ids).await?;
    transaction.commit().await?;
    opposed.iter().for_each(|instance| line.spool.release(&instance.received.location));
    Ok(())
}

/// Purges what Z1 and Z6 still hold of everybody who was entered or erased since the last look; the first look after the start is at
/// all who have anything there.
///
/// # Errors
/// Any [`StageError`]; the next look starts over.
pub(crate) async fn purge_listed_since(line: &Line) -> Result<(), StageError> {
    if line.vault.locked().is_some() {
        return Ok(());
    }
    let now_listed = line.vault.oppositions().await?;
    let looked_at = line.oppositions.lock().ok().and_then(|seen| *seen);
    if looked_at == Some(now_listed) {
        return Ok(());
    }
    let mut after = None;
    loop {
        let persons = buffer::persons(line.buffer.reader(), after.as_ref(), STEP).await?;
        let Some(last) = persons.last() else { break };
        after = Some(last.clone());
        for person in &persons {
            let subject = SubjectKey::new(&person.project, &person.assigning_authority, &person.patient_id);
            let Ok(subject) = subject else { continue };
            if matches!(line.vault.standing(&subject).await?, Standing::Opposed(_)) {
                purge_person(line, person).await?;
            }
        }
    }
    if let Ok(mut seen) = line.oppositions.lock() {
        *seen = Some(now_listed);
    }
    Ok(())
}

async fn purge_person(line: &Line, person: &buffer::Person) -> Result<(), StageError> {
    let buffer::Person { project, assigning_authority, patient_id } = person;
    let mut after = None;
    loop {
        let reader = line.buffer.reader();
        let page =
            buffer::of_participant(reader, project, assigning_authority, patient_id, after, STEP).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.received.id);
        // What admission and de-identification have in hand they purge themselves.
        let held: Vec<BufferedInstance> = page.into_iter().filter(|of| of.state.is_at_rest()).collect();
        purge(line, "withdraw", &held).await?;
    }
}
