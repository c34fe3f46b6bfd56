//! The single loop that takes jobs under a lease, hands each to its stage, and decides what a failure means (rust.md §7).

use std::sync::Arc;
use std::time::Duration;

use archive::job::{self, JobEvent, JobState};
use archive::job_queue::{self, ClaimedJob, Failure, QueueState};
use archive::result_set::{self, ResultSetEvent, ResultSetState};
use archive::state::{ActorKind, Change};
use notification::{Event, EventType, ProjectName};
use sqlx::AnyConnection;
use tokio_util::sync::CancellationToken;

use crate::line::{Line, StageError};
use crate::{
    close, confirm, deidentify, export, fetch, inspect, notify, poll, progress, reconcile, retention,
    return_to_pacs,
};

/// Longest wait between two looks at the table: the truth, beside the wake-up.
const PERIOD: Duration = Duration::from_secs(1);
/// A lease is renewed every third of its length.
const RENEW: Duration = Duration::from_secs(20);
/// Wait before work is tried again that only a person can unblock (vault locked).
const LOCKED_MS: i64 = 30_000;
/// Failures after which a job waits for a person.
const ATTEMPTS: i32 = 12;
const KINDS: &[&str] = &[
    deidentify::KIND,
    export::KIND,
    fetch::KIND,
    inspect::KIND,
    reconcile::KIND,
    return_to_pacs::KIND,
    confirm::KIND,
    close::KIND,
];

/// Works until `stop`; several workers may run beside one another. A job that is under way at the stop is ended first.
pub async fn work(line: Arc<Line>, owner: String, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match next(&line, &owner).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the job table cannot be used, trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = line.work.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Takes the timers that are due until `stop`: the question to each partner, and what time alone brings about.
///
/// # Errors
/// Those of the main database at the start.
pub async fn timers(line: Arc<Line>, stop: CancellationToken) -> Result<(), StageError> {
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    for project in line.projects.values() {
        let Some(results) = &project.config.results else { continue };
        for partner in &project.config.partners {
            let name = poll::timer(&project.config.id, partner);
            let interval = i64::from(results.poll_seconds) * 1000;
            job_queue::set_timer(&mut transaction, &name, interval, now).await?;
        }
    }
    job_queue::set_timer(&mut transaction, retention::TIMER, retention::EVERY_MS, now).await?;
    transaction.commit().await?;
    while !stop.is_cancelled() {
        if let Err(error) = progress::overdue(&line).await {
            tracing::error!(%error, "overdue results cannot be looked for, trying again");
        }
        match due(&line).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "a timer failed, trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
    Ok(())
}

/// Does what the next due timer asks for; answers whether there was one.
async fn due(line: &Arc<Line>) -> Result<bool, StageError> {
    let mut transaction = line.main.write().await?;
    let dialect = line.main.dialect();
    let name = job_queue::take_due(&mut transaction, dialect, jitter(), line.clock.now()).await?;
    transaction.commit().await?;
    let Some(name) = name else { return Ok(false) };
    if name == retention::TIMER {
        retention::run(line).await?;
        return Ok(true);
    }
    let mut words = name.split(' ');
    if let (Some("poll"), Some(project), Some(partner)) = (words.next(), words.next(), words.next())
        && let (Ok(project), Ok(partner)) = (line.project(project), line.partner(partner))
    {
        poll::run(line, project, &partner).await?;
    }
    Ok(true)
}

/// Takes and does one job; answers whether there was one.
async fn next(line: &Arc<Line>, owner: &str) -> Result<bool, StageError> {
    let mut transaction = line.main.write().await?;
    let dialect = line.main.dialect();
    let job = job_queue::claim(&mut transaction, dialect, KINDS, owner, line.clock.now()).await?;
    transaction.commit().await?;
    let Some(job) = job else { return Ok(false) };
    // Another worker may find the next one.
    line.work.notify_one();
    if let Err(error) = do_job(line, &job).await {
        failed(line, &job, &error).await?;
    }
    Ok(true)
}

async fn do_job(line: &Arc<Line>, job: &ClaimedJob) -> Result<(), StageError> {
    let stage = async {
        match job.kind.as_str() {
            deidentify::KIND => deidentify::run(line, job).await,
            export::KIND => export::run(line, job).await,
            fetch::KIND => fetch::run(line, job).await,
            inspect::KIND => inspect::run(line, job).await,
            reconcile::KIND => reconcile::run(line, job).await,
            return_to_pacs::KIND => return_to_pacs::run(line, job).await,
            confirm::KIND => confirm::run(line, job).await,
            close::KIND => close::run(line, job).await,
            _ => Ok(()),
        }
    };
    tokio::pin!(stage);
    loop {
        tokio::select! {
            result = &mut stage => return result,
            () = tokio::time::sleep(RENEW) => {
                let mut transaction = line.main.write().await?;
                job_queue::renew(&mut transaction, job.lease, line.clock.now()).await?;
                transaction.commit().await?;
            }
        }
    }
}

async fn failed(line: &Line, job: &ClaimedJob, error: &StageError) -> Result<(), StageError> {
    let now = line.clock.now();
    tracing::warn!(stage = job.kind, subject = %job.subject, attempts = job.attempts, %error, "job failed");
    let mut transaction = line.main.write().await?;
    match error {
        StageError::Vault(pseudonym::VaultError::VaultLocked(_)) => {
            job_queue::postpone(&mut transaction, job.lease, now + LOCKED_MS, now).await?;
        }
        error => {
            let text = error.to_string();
            let failure =
                if error.needs_person() { Failure::NeedsPerson(&text) } else { Failure::Transient(&text) };
            let state = job_queue::fail(&mut transaction, job, failure, ATTEMPTS, jitter(), now).await?;
            if state == QueueState::Attention {
                call_person(line, &mut transaction, job, &text, now).await?;
            }
        }
    }
    Ok(transaction.commit().await?)
}

/// What the work is about goes to attention, and those who look after it are told (AC3.7).
async fn call_person(
    line: &Line,
    transaction: &mut AnyConnection,
    job: &ClaimedJob,
    cause: &str,
    now: i64,
) -> Result<(), StageError> {
    let change = Change {
        actor_kind: ActorKind::Stage,
        actor: &job.kind,
        cause,
        dossier_version: "",
        gate_hash: None,
        at: now,
    };
    let of_job = match job.kind.as_str() {
        deidentify::KIND => None,
        export::KIND | fetch::KIND => {
            let state = job::show(&mut *transaction, job.subject).await?.state;
            if state != JobState::Attention && !state.is_terminal() {
                job::advance(transaction, job.subject, JobEvent::Attention, &change).await?;
            }
            Some(job.subject)
        }
        _ => {
            let set = result_set::show(&mut *transaction, job.subject).await?;
            if set.state != ResultSetState::Attention && !set.state.is_terminal() {
                result_set::advance(transaction, set.id, ResultSetEvent::Attention, &change).await?;
            }
            Some(set.job)
        }
    };
    let project = match of_job {
        Some(id) => job::show(&mut *transaction, id).await?.project,
        None => String::new(),
    };
    let event = Event {
        job: of_job,
        project: ProjectName::try_from(project).ok(),
        ..Event::new(EventType::JobAttention, now)
    };
    notify::enqueue(line, transaction, &event).await
}

/// A number from 0 to 1, so that jobs that failed together do not return together.
fn jitter() -> f64 {
    let [a, b, ..] = *uuid::Uuid::new_v4().as_bytes();
    f64::from(u16::from_be_bytes([a, b])) / f64::from(u16::MAX)
}
