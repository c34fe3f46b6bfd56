//! Stage *export*: hands the cleared instances of one job to its partner. State in: CLEARED; out: EXPORTED and, by `acknowledge`,
//! ACKNOWLEDGED. Z3 → partner, through the gate each time (AC3.2).
//!
//! What is still to be sent is read from the ledger, so that a transfer that was cut off goes on where it stopped (AC3.3). Under linkage
//! `partner` the objects are derived for the partner and searched once more, before anything of them leaves (`for_partner`).

mod for_partner;
mod given;
mod leaving;

use std::str::FromStr;
use std::sync::Arc;

use archive::index::{self, FoundInstance};
use archive::job::{self, Job, JobEvent, JobState};
use archive::job_queue::{self, ClaimedJob, NewEntry};
use archive::ledger::{self, LedgerEvent, Of};
use archive::state::history;
use notification::EventType;
use partner::{Answer, Batch, Closing, Partner};
use pseudonym::{IssuedUid, ParticipantId, UidKind};
use register::{Actor, AuditEvent, AuditRecord, Decision, Outflow, Text};
use sqlx::AnyConnection;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::acknowledge::{self, Progress};
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::{gate, notify};
use given::Given;
pub(crate) use leaving::Leaving;
use leaving::Source;

/// Name of the stage in the queue; its subject is a job.
pub(crate) const KIND: &str = "export";

/// Stands in the manifest of a set (D-10).
const STATEMENT: &str = "Pseudonymised data: personal data under the GDPR. Use for the research project named in the agreement only.";
/// The same for a set that nobody here can trace back: anonymised, or without identity at the source (DEC-D: documents use the exact word).
const STATEMENT_WITHOUT_WAY_BACK: &str = "Data without a way back to a person at the sender. Use for the research project named in the agreement only.";
/// Instances per batch: one gate evaluation, one association or request at a time.
const BATCH: u32 = 256;
/// Milliseconds.
const DAY: i64 = 86_400_000;
/// Answers that may wait for the ledger.
const ANSWERS: usize = 64;

/// Lets a job be sent.
///
/// # Errors
/// Those of the main database.
pub(crate) async fn enqueue(
    line: &Line,
    transaction: &mut AnyConnection,
    job: Uuid,
    partner: &str,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let entry = NewEntry { kind: KIND, subject: job, partner: Some(partner), run_at: now };
    job_queue::enqueue(transaction, entry, now).await?;
    Ok(())
}

/// Sends what the job `claimed.subject` has cleared and not yet acknowledged, and ends the job when that was all of it.
///
/// # Errors
/// Any [`StageError`]: the driver repeats, or calls a person.
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let job = job::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&job.project)?;
    let partner = line.partner(&job.partner)?;
    // What the partner does not want is not offered again, unless a person said so since.
    let history = history(line.main.reader(), job.id).await?;
    let resumed = history.iter().rfind(|change| change.event == JobEvent::Resume.as_str());
    let retried = resumed.map_or(i64::MIN, |change| change.at);
    let mut progress = Progress::default();
    let mut given = None;
    let mut after = None;
    loop {
        // Cancelled or withdrawn, maybe by the command line since the last page: nothing more leaves (INV-4).
        if job::show(line.main.reader(), job.id).await?.state.is_terminal() {
            let mut transaction = line.main.write().await?;
            job_queue::finish(&mut transaction, claimed.lease, line.clock.now()).await?;
            return Ok(transaction.commit().await?);
        }
        let page = index::instances_of_source(line.main.reader(), job.receiving_study, after, BATCH).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.instance.id);
        let ids: Vec<Uuid> = page.iter().map(|found| found.instance.id).collect();
        let mut connection = line.main.reader().acquire().await?;
        let left = ledger::without(&mut connection, Of::Job(job.id), LedgerEvent::Acknowledged, &ids).await?;
        let unwanted =
            ledger::failed_by(&mut connection, job.id, acknowledge::REFUSED, retried, &left).await?;
        drop(connection);
        progress.total += ids.len() as u64;
        progress.acknowledged += (ids.len() - left.len()) as u64;
        progress.refused += unwanted.len() as u64;
        let due: Vec<FoundInstance> =
            page.into_iter().filter(|found| is_due(found, &left, &unwanted)).collect();
        if !due.is_empty() {
            let way = Way { line, project, partner: &partner, job: &job };
            send_page(way, &mut given, due, &mut progress).await?;
        }
    }
    if progress.acknowledged == progress.total && job.state == JobState::Deidentified {
        close_set(line, project, &partner, &job, progress.total).await?;
    }
    conclude(line, project, &job, claimed, &progress).await
}

fn is_due(found: &FoundInstance, left: &[Uuid], unwanted: &[Uuid]) -> bool {
    left.contains(&found.instance.id) && !unwanted.contains(&found.instance.id)
}

/// Tells the transport that the set is complete: a folder gets its manifest now (ACL.6).
async fn close_set(
    line: &Arc<Line>,
    project: &Project,
    partner: &Partner,
    job: &Job,
    instances: u64,
) -> Result<(), StageError> {
    let closing = Closing {
        instances,
        dossier_version: project.dossier_version.clone(),
        statement: if job.reversible { STATEMENT } else { STATEMENT_WITHOUT_WAY_BACK }.to_owned(),
    };
    let batch = Batch { job: job.id, instances: Vec::new(), closing: Some(closing) };
    let (sender, _answers) = mpsc::channel(1);
    Ok(partner.send(batch, Arc::new(Source::archive(&line.blobs)), sender).await?)
}

/// A job and whom it goes to.
#[derive(Clone, Copy)]
struct Way<'a> {
    line: &'a Arc<Line>,
    project: &'a Project,
    partner: &'a Partner,
    job: &'a Job,
}

/// What is due of a page, in one batch or, where it is derived first, in several.
async fn send_page(
    way: Way<'_>,
    given: &mut Option<Given>,
    due: Vec<FoundInstance>,
    progress: &mut Progress,
) -> Result<(), StageError> {
    let Way { line, project, job, .. } = way;
    let mut decision = Some(pass_gate(line, project, job).await?);
    let given = match given {
        Some(given) => given,
        none => none.insert(Given::new(line, project, job).await?),
    };
    for part in given.parts(due) {
        let decision = match decision.take() {
            Some(decision) => decision,
            None => pass_gate(line, project, job).await?,
        };
        send(way, given, part, &decision, progress).await?;
    }
    Ok(())
}

/// One batch: derivation and after-check, vault, ledger, partner.
async fn send(
    way: Way<'_>,
    given: &Given,
    due: Vec<FoundInstance>,
    decision: &Decision,
    progress: &mut Progress,
) -> Result<(), StageError> {
    let Way { line, project, partner, job } = way;
    let (leaving, source) = match &given.for_partner {
        None => {
            let uids: Vec<&str> = due.iter().map(|found| found.instance.sop_instance_uid.as_str()).collect();
            let same = |uid| IssuedUid { kind: UidKind::Instance, base: uid, pseudonym: uid };
            given.issue(line, project, job, &uids.into_iter().map(same).collect::<Vec<_>>()).await?;
            (due.iter().map(Leaving::as_archived).collect::<Vec<_>>(), Source::archive(&line.blobs))
        }
        Some(for_partner) => {
            let derived = for_partner.derive(line, project, due).await?;
            given.issue(line, project, job, &derived.issued()).await?;
            (derived.leaving, Source::derived(&line.blobs, derived.derived))
        }
    };
    acknowledge::handed_over(line, project, job, &leaving, decision).await?;
    progress.gate_hash = Some(decision.hash.clone());
    let instances = leaving.iter().map(|of| of.outgoing.clone()).collect();
    let batch = Batch { job: job.id, instances, closing: None };
    let (sender, mut answers) = mpsc::channel::<Answer>(ANSWERS);
    let sending = partner.send(batch, Arc::new(source), sender);
    let recording = async {
        let mut waiting = Vec::with_capacity(ANSWERS);
        while answers.recv_many(&mut waiting, ANSWERS).await > 0 {
            acknowledge::record(line, project, job, &leaving, &waiting, progress).await?;
            waiting.clear();
        }
        Ok::<(), StageError>(())
    };
    let (sent, recorded) = tokio::join!(sending, recording);
    recorded?;
    Ok(sent?)
}

/// R01, evaluated for each send.
async fn pass_gate(line: &Line, project: &Project, job: &Job) -> Result<Decision, StageError> {
    let decision = gate::ask(line, project, job, job.id, |of| Outflow::export(&job.partner, of)).await?;
    if decision.is_open() {
        return Ok(decision);
    }
    let mut transaction = line.main.write().await?;
    let event = notify::event(EventType::GateBlocked, &project.config.id, job.id, 0, 0, line.clock.now());
    notify::enqueue(line, &mut transaction, &event).await?;
    transaction.commit().await?;
    Err(StageError::GateClosed(gate::codes(&decision)))
}

/// Ends the work on a job: its state says what holds for all of its instances.
async fn conclude(
    line: &Line,
    project: &Project,
    job: &Job,
    claimed: &ClaimedJob,
    progress: &Progress,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let failed = progress.total - progress.acknowledged;
    // A run that found everything acknowledged already asks the gate for the change of the state alone.
    let gate_hash = match &progress.gate_hash {
        Some(hash) => hash.clone(),
        None => pass_gate(line, project, job).await?.hash,
    };
    let mut transaction = line.main.write().await?;
    // Ended first: a job that reaches a terminal state stops all work on it.
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    let state = job::show(&mut *transaction, job.id).await?.state;
    let cleared = index::count_of_source(&mut *transaction, job.receiving_study).await?;
    if cleared > progress.total || state != job.state {
        // More was cleared, or the study became stable, and could not be enqueued beside this run.
        enqueue(line, &mut transaction, job.id, &job.partner).await?;
    } else if progress.refused > 0 || progress.total == 0 {
        // Under `eager` one that waits for a person already may have sent what came since.
        if state != JobState::Attention {
            audit(line, &mut transaction, project, job, progress.acknowledged, &gate_hash, now).await?;
            let change =
                stage(project, "export", "instances are left that the partner refused, or none", now);
            job::advance(&mut transaction, job.id, JobEvent::Attention, &change).await?;
        }
        let event =
            notify::event(EventType::ExportFailed, &project.config.id, job.id, progress.total, failed, now);
        notify::enqueue(line, &mut transaction, &event).await?;
    } else if failed == 0 && job.state == JobState::Deidentified {
        let change = archive::state::Change {
            gate_hash: Some(&gate_hash),
            ..stage(project, "export", "the partner has every instance", now)
        };
        audit(line, &mut transaction, project, job, progress.acknowledged, &gate_hash, now).await?;
        job::advance(&mut transaction, job.id, JobEvent::Send, &change).await?;
        job::advance(&mut transaction, job.id, JobEvent::Acknowledge, &change).await?;
        match &project.config.results {
            Some(results) if job.reversible => {
                job::advance(&mut transaction, job.id, JobEvent::Await, &change).await?;
                job::expect_by(&mut transaction, job.id, now + i64::from(results.expected_days) * DAY)
                    .await?;
            }
            _ => {
                job::advance(&mut transaction, job.id, JobEvent::Close, &change).await?;
            }
        }
        let event = notify::event(EventType::ExportSent, &project.config.id, job.id, progress.total, 0, now);
        notify::enqueue(line, &mut transaction, &event).await?;
    } else if failed > 0 {
        transaction.rollback().await?;
        return Err(StageError::Incomplete(failed));
    }
    transaction.commit().await?;
    line.work.notify_one();
    line.messages.notify_one();
    Ok(())
}

/// That a set left the site, in whole or in part.
async fn audit(
    line: &Line,
    transaction: &mut AnyConnection,
    project: &Project,
    job: &Job,
    instances: u64,
    gate_hash: &str,
    now: i64,
) -> Result<(), StageError> {
    if instances == 0 {
        return Ok(());
    }
    let event = AuditEvent::Exported {
        project: Text::from_operator(&project.config.id),
        job: job.id,
        recipient: Text::from_operator(&job.partner),
        instances,
        decision: Text::from_operator(gate_hash),
    };
    let record = AuditRecord { at: now, actor: Actor::Program(Text::from_operator("export")), event };
    Ok(line.trail.append(transaction, &[record]).await?)
}

pub(crate) fn participant(job: &Job) -> Result<ParticipantId, StageError> {
    Ok(ParticipantId::from_str(job.participant.as_deref().unwrap_or_default())?)
}
