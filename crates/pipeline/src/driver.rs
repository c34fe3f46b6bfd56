//! The single loop that takes jobs under a lease, hands each to its stage, and decides what a failure means (rust.md §7).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use archive::ArchiveError;
use archive::job::{self, JobEvent, JobState};
use archive::job_queue::{self, ClaimedJob, Failure, QueueState};
use archive::result_set::{self, ResultSetEvent, ResultSetState};
use archive::state::{ActorKind, Change};
use notification::{Event, EventType, ProjectName};
use partner::Partner;
use sqlx::AnyConnection;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::line::{Line, StageError};
use crate::shown::shown;
use crate::{
    close, confirm, deface, deidentify, export, fetch, inspect, notify, poll, progress, reconcile, retention,
    return_to_pacs,
};

/// Longest wait between two looks at the table: the truth, beside the wake-up.
const PERIOD: Duration = Duration::from_secs(1);
/// A lease is renewed every third of its length.
const RENEW: Duration = Duration::from_secs(20);
/// Wait before work is tried again that only a person can unblock (vault locked, volume full).
const LOCKED_MS: i64 = 30_000;
/// Failures after which a job waits for a person.
const ATTEMPTS: i32 = 12;
/// So often the program may end while it works on a job; then a person looks at it.
const INTERRUPTIONS: i32 = 24;
/// The way out until an object is cleared; where text is looked for in pixels, one batch may take hours.
const DEIDENTIFYING: &[&str] = &[deidentify::KIND];
/// Stages of results that talk to nobody.
const RESULTS: &[&str] = &[inspect::KIND, reconcile::KIND, close::KIND];
/// Stages that talk to a partner.
const PARTNERS: &[&str] = &[export::KIND, fetch::KIND];
/// Stages that talk to the clinical PACS.
const CLINICAL_PACS: &[&str] = &[return_to_pacs::KIND, confirm::KIND];
/// The defacing program, whose work takes minutes.
const DEFACING: &[&str] = &[deface::KIND];
/// Batches that are de-identified at the same time; their CPU work shares the blocking pool.
const DEIDENTIFYING_WORKERS: usize = 2;
/// Result sets that are looked at at the same time.
const RESULT_WORKERS: usize = 2;
/// Jobs of one partner at the same time: what goes on side by side inside one is the transport's business, and there are partners that refuse
/// a second association.
const PARTNER_LANE: i32 = 1;
/// Most jobs of all partners at the same time.
const PARTNER_WORKERS: usize = 16;
/// Returns at the same time.
const PACS_WORKERS: usize = 2;
/// Series that are defaced at the same time.
const DEFACING_WORKERS: usize = 1;

/// Works until `stop`. De-identification, results, partners, the clinical PACS and the defacing program have workers of their own, and each
/// partner its lane: one that is slow or mute holds up nobody else. A job that is under way at the stop is ended first.
///
/// # Errors
/// Those of the main database at the start.
pub async fn run(line: Arc<Line>, stop: CancellationToken) -> Result<(), StageError> {
    let mut transaction = line.main.write().await?;
    for partner in line.partners.keys() {
        job_queue::set_lane(&mut transaction, partner, PARTNER_LANE).await?;
    }
    transaction.commit().await?;
    let for_partners = line.partners.len().clamp(1, PARTNER_WORKERS);
    let groups = [
        (DEIDENTIFYING, &line.work.deidentifying, DEIDENTIFYING_WORKERS),
        (RESULTS, &line.work.results, RESULT_WORKERS),
        (PARTNERS, &line.work.partners, for_partners),
        (CLINICAL_PACS, &line.work.clinical_pacs, PACS_WORKERS),
        (DEFACING, &line.work.defacing, DEFACING_WORKERS),
    ];
    let mut workers = JoinSet::new();
    for (kinds, wake, count) in groups {
        for _ in 0..count {
            let owner = format!("{}-{}", std::process::id(), workers.len());
            workers.spawn(work(Arc::clone(&line), kinds, Arc::clone(wake), owner, stop.clone()));
        }
    }
    while let Some(ended) = workers.join_next().await {
        if ended.is_err() {
            line.faults.note("a worker of the line");
        }
    }
    Ok(())
}

/// Does what is due, one piece of work after the other, until nothing is: for a caller that has the time in its own hand.
///
/// # Errors
/// Those of the main database.
pub async fn work_off(line: &Arc<Line>) -> Result<(), StageError> {
    let kinds = [DEIDENTIFYING, RESULTS, PARTNERS, CLINICAL_PACS, DEFACING].concat();
    while next(line, &kinds, &line.work.deidentifying, "by hand").await? {}
    Ok(())
}

async fn work(
    line: Arc<Line>,
    kinds: &'static [&'static str],
    wake: Arc<Notify>,
    owner: String,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        match next(&line, kinds, &wake, &owner).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the job table cannot be used, trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = wake.notified() => {}
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
    let mut polls = Polls::new();
    while !stop.is_cancelled() {
        if let Err(error) = progress::overdue(&line).await {
            tracing::error!(%error, "overdue results cannot be looked for, trying again");
        }
        match due(&line, &mut polls).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "a timer failed, trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
    polls.values().for_each(JoinHandle::abort);
    Ok(())
}

/// Does what the next due timer asks for; answers whether there was one.
async fn due(line: &Arc<Line>, polls: &mut Polls) -> Result<bool, StageError> {
    if !job_queue::is_timer_due(line.main.reader(), line.clock.now()).await? {
        return Ok(false);
    }
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
        && let Ok(partner) = line.partner(partner)
        && polls.get(&name).is_none_or(JoinHandle::is_finished)
    {
        let (line, project) = (Arc::clone(line), project.to_owned());
        polls.insert(name, tokio::spawn(poll_one(line, project, partner)));
    }
    Ok(true)
}

/// Questions under way, one at most per project and partner: a mute partner delays no other timer.
type Polls = HashMap<String, JoinHandle<()>>;

async fn poll_one(line: Arc<Line>, project: String, partner: Arc<Partner>) {
    let asked = async { poll::run(&line, line.project(&project)?, &partner).await };
    if let Err(error) = asked.await {
        tracing::error!(project, %error, "the question to a partner failed, trying again");
    }
}

/// Takes and does one job; answers whether there was one.
async fn next(line: &Arc<Line>, kinds: &[&str], wake: &Notify, owner: &str) -> Result<bool, StageError> {
    if !job_queue::is_due(line.main.reader(), line.clock.now()).await? {
        return Ok(false);
    }
    let mut transaction = line.main.write().await?;
    let dialect = line.main.dialect();
    let job = job_queue::claim(&mut transaction, dialect, kinds, owner, line.clock.now()).await?;
    transaction.commit().await?;
    let Some(job) = job else { return Ok(false) };
    // Another worker may find the next one.
    wake.notify_one();
    // A task of its own: a fault of the program in a stage ends its job, not the worker.
    let task = {
        let (line, job) = (Arc::clone(line), job.clone());
        tokio::spawn(async move { do_job(&line, &job).await })
    };
    let done = task.await.unwrap_or_else(|ended| {
        Err(if ended.is_panic() { StageError::Fault } else { StageError::Interrupted })
    });
    if let Err(error) = done {
        failed(line, &job, &error).await?;
    }
    Ok(true)
}

async fn do_job(line: &Arc<Line>, job: &ClaimedJob) -> Result<(), StageError> {
    if job.interrupted >= INTERRUPTIONS {
        return Err(StageError::EndsProgram(job.interrupted));
    }
    let stage = async {
        match job.kind.as_str() {
            deidentify::KIND | deface::KIND => deidentify::run(line, job).await,
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
    // Both are polled: a stage inside a transaction must go on while the renewal waits for the one writer.
    tokio::select! {
        result = stage => result,
        error = renew(line, job) => Err(error),
    }
}

/// Keeps the lease of `job`; ends only when the lease is lost.
async fn renew(line: &Line, job: &ClaimedJob) -> StageError {
    loop {
        tokio::time::sleep(RENEW).await;
        let renewed = async {
            let mut transaction = line.main.write().await?;
            job_queue::renew(&mut transaction, job.lease, line.clock.now()).await?;
            Ok::<_, StageError>(transaction.commit().await?)
        };
        match renewed.await {
            Ok(()) => {}
            Err(error @ StageError::Archive(ArchiveError::LeaseLost { .. })) => return error,
            Err(error) => {
                tracing::warn!(stage = job.kind, subject = %job.subject, %error, "lease not renewed, trying again");
            }
        }
    }
}

async fn failed(line: &Line, job: &ClaimedJob, error: &StageError) -> Result<(), StageError> {
    let now = line.clock.now();
    let text = shown(&error.to_string());
    tracing::warn!(stage = job.kind, subject = %job.subject, attempts = job.attempts, error = text, "job failed");
    let mut transaction = line.main.write().await?;
    match error {
        StageError::Vault(pseudonym::VaultError::VaultLocked(_)) => {
            job_queue::postpone(&mut transaction, job.lease, now + LOCKED_MS, now).await?;
        }
        // A fetch tells of a full volume by what it did not take.
        error if error.waits_for_room() || (job.kind == fetch::KIND && !line.blobs.has_room()) => {
            job_queue::postpone(&mut transaction, job.lease, now + LOCKED_MS, now).await?;
        }
        error => {
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
    let change = |project| Change {
        actor_kind: ActorKind::Stage,
        actor: &job.kind,
        cause,
        dossier_version: line.dossier_version(project),
        gate_hash: None,
        at: now,
    };
    let of_job = match job.kind.as_str() {
        deidentify::KIND | deface::KIND => None,
        export::KIND | fetch::KIND => {
            let of = job::show(&mut *transaction, job.subject).await?;
            if of.state != JobState::Attention && !of.state.is_terminal() {
                job::advance(transaction, of.id, JobEvent::Attention, &change(&of.project)).await?;
            }
            Some(of.id)
        }
        _ => {
            let set = result_set::show(&mut *transaction, job.subject).await?;
            if set.state != ResultSetState::Attention && !set.state.is_terminal() {
                result_set::advance(transaction, set.id, ResultSetEvent::Attention, &change(&set.project))
                    .await?;
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
