//! The states of jobs, derived from what the stages wrote: an increment advances when every item of it has passed (house rule: the
//! item runs ahead of the job).

use archive::ArchiveError;
use archive::buffer::{self, BufferState};
use archive::job::{self, Job, JobEvent, JobState, NewJob};
use archive::state::{ActorKind, Change};
use notification::EventType;
use pseudonym::Participant;
use sqlx::{AnyConnection, AnyExecutor};
use uuid::Uuid;

use crate::config::ExportMode;
use crate::line::{Line, Project, StageError};
use crate::{export, notify};

/// Jobs told of, or expired, in one round.
const STEP: u32 = 256;
/// Milliseconds.
const DAY: i64 = 86_400_000;

/// Opens a job for each partner of the project, in the transaction that makes objects visible; under `eager` it is sent at once.
pub(crate) async fn open_jobs(
    line: &Line,
    transaction: &mut AnyConnection,
    project: &Project,
    participant: Option<&Participant>,
    receiving_study: Uuid,
    study: Uuid,
) -> Result<(), StageError> {
    let earlier = job::of_study(&mut *transaction, study).await?;
    for partner in &project.config.partners {
        let of_partner = |job: &&Job| job.partner == *partner && job.receiving_study != receiving_study;
        let before: Vec<&Job> = earlier.iter().filter(of_partner).collect();
        let new = NewJob {
            project: &project.config.id,
            partner,
            receiving_study,
            first_increment: before.first().map(|job| job.first_increment),
            increment: i32::try_from(before.len()).unwrap_or(i32::MAX).saturating_add(1),
            reversible: participant.is_some(),
        };
        let change =
            stage(project, "deidentify", "the first object of the study is cleared", line.clock.now());
        let id = job::create(&mut *transaction, new, &change).await?;
        let jobs = job::of_receiving_study(&mut *transaction, receiving_study).await?;
        if jobs.iter().any(|job| job.study.is_some() && !is_of(job, participant)) {
            // A batch beside this one was faster: when repeated, this one is held.
            let (state, event) = ("of another participant".to_owned(), "deidentify".to_owned());
            return Err(ArchiveError::Refused { machine: "job", id, state, event }.into());
        }
        let participant = participant.map(|participant| participant.id.to_string());
        job::set_study(&mut *transaction, id, study, participant.as_deref()).await?;
        if project.config.export_mode == ExportMode::Eager {
            export::enqueue(line, transaction, id, partner).await?;
        }
    }
    Ok(())
}

/// Whether a job of this increment belongs to somebody else: a job is one study of one participant.
///
/// # Errors
/// Those of the main database.
pub(crate) async fn is_of_another(
    executor: impl AnyExecutor<'_>,
    receiving_study: Uuid,
    participant: &Participant,
) -> Result<bool, StageError> {
    let jobs = job::of_receiving_study(executor, receiving_study).await?;
    Ok(jobs.iter().any(|job| job.study.is_some() && !is_of(job, Some(participant))))
}

/// Whether a job is of this participant, or of none as this is.
fn is_of(job: &Job, participant: Option<&Participant>) -> bool {
    job.participant == participant.map(|participant| participant.id.to_string())
}

/// Advances the jobs of an increment once its study is stable and nothing of it is on its way to Z3, and lets them be sent.
///
/// # Errors
/// Any [`StageError`]; repeated at the next occasion.
pub(crate) async fn settle(line: &Line, project: &Project, receiving_study: Uuid) -> Result<(), StageError> {
    let study = buffer::show_study(line.buffer.reader(), receiving_study).await?;
    let states = buffer::progress(line.buffer.reader(), receiving_study).await?;
    let under_way =
        |(state, _): &(BufferState, u64)| matches!(state, BufferState::Received | BufferState::Admitted);
    if study.closed_at.is_none() || states.iter().any(under_way) {
        return Ok(());
    }
    let mut transaction = line.main.write().await?;
    for job in job::of_receiving_study(&mut *transaction, receiving_study).await? {
        if job.state == JobState::Receiving {
            let change =
                stage(project, "progress", "the study is stable and de-identified", line.clock.now());
            job::advance(&mut transaction, job.id, JobEvent::Complete, &change).await?;
            job::advance(&mut transaction, job.id, JobEvent::Deidentify, &change).await?;
        }
        // A later one may have got instances that a person released from quarantine.
        if !job.state.is_terminal() && job.state != JobState::Attention {
            export::enqueue(line, &mut transaction, job.id, &job.partner).await?;
        }
    }
    transaction.commit().await?;
    line.work.notify_one();
    Ok(())
}

/// Tells of results that are overdue, and lets a job expire when the grace is over, too (AC5.2).
///
/// # Errors
/// Those of the main database; repeated at the next occasion.
pub(crate) async fn overdue(line: &Line) -> Result<(), StageError> {
    let now = line.clock.now();
    if job::is_overdue(line.main.reader(), now).await? {
        let mut transaction = line.main.write().await?;
        for job in job::take_overdue(&mut transaction, now, STEP).await? {
            let event = notify::event(EventType::ResultOverdue, &job.project, job.id, 0, 0, now);
            notify::enqueue(line, &mut transaction, &event).await?;
        }
        transaction.commit().await?;
        line.messages.notify_one();
    }
    for project in line.projects.values() {
        let Some(results) = &project.config.results else { continue };
        let before = now - i64::from(results.grace_days) * DAY;
        let due = job::expected_before(line.main.reader(), &project.config.id, before, STEP).await?;
        if due.is_empty() {
            continue;
        }
        let mut transaction = line.main.write().await?;
        for job in due {
            // A result that was returned meanwhile has closed it.
            if job::show(&mut *transaction, job.id).await?.state == JobState::AwaitingResult {
                job::advance(
                    &mut transaction,
                    job.id,
                    JobEvent::Expire,
                    &stage(project, "timer", "no result in time", now),
                )
                .await?;
            }
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// A change that a stage of this program makes, and why (INV-2).
pub(crate) fn stage<'a>(project: &'a Project, name: &'a str, cause: &'a str, at: i64) -> Change<'a> {
    Change {
        actor_kind: ActorKind::Stage,
        actor: name,
        cause,
        dossier_version: &project.dossier_version,
        gate_hash: None,
        at,
    }
}
