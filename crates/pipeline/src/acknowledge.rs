//! Stage *acknowledge*: writes into the ledger what was handed over and what the partner answered, instance by instance (AC3.3, AC3.4).

use archive::job::Job;
use archive::ledger::{self, LedgerEvent, Of};
use partner::{Answer, Outcome};
use register::Decision;
use uuid::Uuid;

use crate::export::Leaving;
use crate::line::{Line, Project, StageError};

/// Begin of the cause of an instance that the partner does not want.
pub(crate) const REFUSED: &str = "refused: ";

/// How far a job is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Cleared instances of the increment.
    pub(crate) total: u64,
    /// Of these, confirmed by the partner.
    pub(crate) acknowledged: u64,
    /// Of these, refused for good.
    pub(crate) refused: u64,
    /// Gate evaluation of the last batch of this run.
    pub(crate) gate_hash: Option<String>,
}

/// Notes that these instances are handed to the transport now.
pub(crate) async fn handed_over(
    line: &Line,
    project: &Project,
    job: &Job,
    leaving: &[Leaving],
    decision: &Decision,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let ids: Vec<Uuid> = leaving.iter().map(|of| of.id).collect();
    let mut transaction = line.main.write().await?;
    let first_time = ledger::without(&mut transaction, Of::Job(job.id), LedgerEvent::Sent, &ids).await?;
    let lines: Vec<ledger::Line<'_>> = leaving
        .iter()
        .filter(|of| first_time.contains(&of.id))
        .map(|of| ledger::Line {
            gate_hash: Some(&decision.hash),
            ..line_of(LedgerEvent::Sent, project, job, of, "", now)
        })
        .collect();
    ledger::append(&mut transaction, &lines).await?;
    Ok(transaction.commit().await?)
}

/// Notes what the partner answered.
pub(crate) async fn record(
    line: &Line,
    project: &Project,
    job: &Job,
    leaving: &[Leaving],
    answers: &[Answer],
    progress: &mut Progress,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let mut written = Vec::with_capacity(answers.len());
    for answer in answers {
        let Some(of) = leaving.iter().find(|of| of.outgoing.id == answer.id) else { continue };
        let (event, cause) = match answer.outcome {
            Outcome::Acknowledged { status: 0 } => (LedgerEvent::Acknowledged, String::new()),
            Outcome::Acknowledged { status } => (LedgerEvent::Acknowledged, format!("0x{status:04X}")),
            Outcome::Refused(reason) => (LedgerEvent::Failed, format!("{REFUSED}{reason}")),
            Outcome::Deferred(reason) => (LedgerEvent::Failed, format!("deferred: {reason}")),
            _ => (LedgerEvent::Failed, "object cannot be read".to_owned()),
        };
        progress.acknowledged += u64::from(event == LedgerEvent::Acknowledged);
        progress.refused +=
            u64::from(!matches!(answer.outcome, Outcome::Acknowledged { .. } | Outcome::Deferred(_)));
        written.push((of, event, cause));
    }
    let lines: Vec<ledger::Line<'_>> =
        written.iter().map(|(of, event, cause)| line_of(*event, project, job, of, cause, now)).collect();
    let mut transaction = line.main.write().await?;
    ledger::append(&mut transaction, &lines).await?;
    Ok(transaction.commit().await?)
}

fn line_of<'a>(
    event: LedgerEvent,
    project: &'a Project,
    job: &'a Job,
    of: &'a Leaving,
    cause: &'a str,
    at: i64,
) -> ledger::Line<'a> {
    ledger::Line {
        event,
        project: &project.config.id,
        job: Some(job.id),
        result_set: None,
        instance: of.id,
        destination: &job.partner,
        hash: &of.hash,
        bytes: of.bytes,
        dossier_version: &project.dossier_version,
        gate_hash: None,
        cause,
        at,
    }
}
