//! The states of jobs, derived from what the stages wrote: an increment advances when every item of it has passed (house rule: the
//! item runs ahead of the job).

use archive::buffer::{self, BufferState};
use archive::job::{self, Job, JobEvent, JobState, NewJob};
use archive::job_queue::{self, NewEntry};
use archive::state::{ActorKind, Change};
use pseudonym::Participant;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::config::ExportMode;
use crate::export;
use crate::line::{Line, Project, StageError};

/// Opens a job for each partner of the project, in the transaction that makes objects visible; under `eager` it is sent at once.
pub(crate) async fn open_jobs(
    line: &Line,
    transaction: &mut AnyConnection,
    project: &Project,
    participant: &Participant,
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
            reversible: true,
        };
        let change = stage(project, "deidentify", line.clock.now());
        let id = job::create(&mut *transaction, new, &change).await?;
        job::set_study(&mut *transaction, id, study, Some(&participant.id.to_string())).await?;
        if project.config.export_mode == ExportMode::Eager {
            enqueue_export(line, transaction, id, partner).await?;
        }
    }
    Ok(())
}

/// Advances the jobs of an increment once its study is stable and nothing of it is on its way to Z3, and lets them be sent.
///
/// # Errors
/// Any [`StageError`]; repeated at the next occasion.
pub async fn settle(line: &Line, project: &Project, receiving_study: Uuid) -> Result<(), StageError> {
    let study = buffer::show_study(line.buffer.reader(), receiving_study).await?;
    let states = buffer::progress(line.buffer.reader(), receiving_study).await?;
    let under_way = |(state, _): &(BufferState, u64)| matches!(state, BufferState::Received | BufferState::Admitted);
    if study.closed_at.is_none() || states.iter().any(under_way) {
        return Ok(());
    }
    let mut transaction = line.main.write().await?;
    for job in job::of_receiving_study(&mut *transaction, receiving_study).await? {
        if job.state != JobState::Receiving {
            continue;
        }
        let change = stage(project, "progress", line.clock.now());
        job::advance(&mut transaction, job.id, JobEvent::Complete, &change).await?;
        job::advance(&mut transaction, job.id, JobEvent::Deidentify, &change).await?;
        enqueue_export(line, &mut transaction, job.id, &job.partner).await?;
    }
    transaction.commit().await?;
    line.work.notify_one();
    Ok(())
}

async fn enqueue_export(
    line: &Line,
    transaction: &mut AnyConnection,
    job: Uuid,
    partner: &str,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let entry = NewEntry {
        kind: export::KIND,
        subject: job,
        partner: Some(partner),
        payload: "{\"v\":1}",
        priority: 0,
        run_at: now,
    };
    job_queue::enqueue(transaction, entry, now).await?;
    Ok(())
}

/// A change that a stage of this program makes.
pub(crate) fn stage<'a>(project: &'a Project, name: &'a str, at: i64) -> Change<'a> {
    Change {
        actor_kind: ActorKind::Stage,
        actor: name,
        cause: "",
        dossier_version: &project.dossier_version,
        gate_hash: None,
        at,
    }
}
