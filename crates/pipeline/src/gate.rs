//! Asking the gate about a job: nothing of it leaves or comes without a decision, and each decision is stored with its hash (R01, INV-3).

use archive::job::Job;
use register::{Decision, Outflow, Standing, day_of, record_decision};
use uuid::Uuid;

use crate::line::{Line, Project, StageError};
use crate::standing::standing;

/// Asks, for the participant of `job`; the decision is stored under `subject`.
///
/// # Errors
/// Those of vault and main database; a locked vault is waited for. A closed gate is no error.
pub(crate) async fn ask(
    line: &Line,
    project: &Project,
    job: &Job,
    subject: Uuid,
    outflow: impl FnOnce(Standing) -> Outflow,
) -> Result<Decision, StageError> {
    let now = line.clock.now();
    let outflow = outflow(standing(line, project, job).await?);
    let decision = register::gate(&project.dossier, day_of(now), &outflow);
    let mut transaction = line.main.write().await?;
    record_decision(&mut transaction, now, subject, &decision).await?;
    transaction.commit().await?;
    Ok(decision)
}

/// As [`ask`], for a stage that cannot go on when the gate is closed.
///
/// # Errors
/// [`StageError::GateClosed`].
pub(crate) async fn pass(
    line: &Line,
    project: &Project,
    job: &Job,
    subject: Uuid,
    outflow: impl FnOnce(Standing) -> Outflow,
) -> Result<Decision, StageError> {
    let decision = ask(line, project, job, subject, outflow).await?;
    if decision.is_open() { Ok(decision) } else { Err(StageError::GateClosed(codes(&decision))) }
}

/// Why it is closed, in the codes of the documentation.
pub(crate) fn codes(decision: &Decision) -> String {
    let codes: Vec<&str> = decision.reasons().iter().map(|reason| reason.code()).collect();
    codes.join(", ")
}
