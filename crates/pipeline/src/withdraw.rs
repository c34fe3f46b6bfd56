//! A participant withdrew or objected: every job and result set of theirs ends, and queued work with them (INV-4, R03, ACX.4).
//! What Z4 and Z5 hold leaves with the timer of the terminal state; what arrives later is refused by `admit` (DEC-S).

use archive::job::{self, JobEvent};
use archive::job_queue;
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::state::Change;
use pseudonym::ParticipantId;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::confirm;
use crate::line::StageError;

/// Whether the clinical PACS took everything of a set: it ends as what it is, returned, and nothing more leaves with it.
async fn is_returned(transaction: &mut AnyConnection, set: &ResultSet) -> Result<bool, StageError> {
    Ok(match set.state {
        ResultSetState::Returned | ResultSetState::Notified => true,
        ResultSetState::Released => job_queue::is_pending(transaction, confirm::KIND, set.id).await?,
        _ => false,
    })
}

/// Withdraws everything of `participant` that has not ended, in the caller's transaction; answers the ids of the jobs.
///
/// # Errors
/// Those of the main database.
pub async fn withdraw(
    transaction: &mut AnyConnection,
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
    }
    Ok(withdrawn)
}
