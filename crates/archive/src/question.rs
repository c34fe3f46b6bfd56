//! What a person is asked about a result set in `manual`, and what the person accepted. Words, our own ids and pseudonymised UIDs only.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::words::words;
use crate::{ArchiveError, row};

words! {
    /// Which identity a person lets be written into a result, where the clinical PACS says another one than was received (table 8.1).
    IdentityChoice {
        /// The one recorded at receipt.
        Received = "received",
        /// The one that the clinical PACS says now.
        Pacs = "pacs",
    }
}

/// Whose a result seems to be: shown, never taken by itself (RC-04, RC-05).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Own id of the participant that all UIDs point to.
    pub participant: Uuid,
    /// The study, by its pseudonymised UID, when all references point to one.
    pub study: Option<String>,
}

/// One reason why a set waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its word.
    pub reason: String,
    /// Whose it seems to be, where the rule says so.
    pub proposal: Option<Proposal>,
    /// What the person chose when accepting, where there was a choice.
    pub identity: Option<IdentityChoice>,
    /// Epoch milliseconds.
    pub asked_at: i64,
    /// Epoch milliseconds; `None` while it is open.
    pub accepted_at: Option<i64>,
}

/// Asks about a set. What was accepted before stays so, unless it is asked again; what was open before and is not asked any more, goes.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn ask(
    connection: &mut AnyConnection,
    result_set: Uuid,
    reasons: &[&str],
    proposal: Option<&Proposal>,
    now: i64,
) -> Result<(), ArchiveError> {
    sqlx::query("DELETE FROM result_question WHERE result_set = $1 AND accepted_at IS NULL")
        .bind(result_set.to_string())
        .execute(&mut *connection)
        .await?;
    for reason in reasons {
        sqlx::query(
            "INSERT INTO result_question (result_set, reason, participant, study, asked_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (result_set, reason) DO UPDATE SET participant = excluded.participant, study = excluded.study, \
             identity = NULL, asked_at = excluded.asked_at, accepted_at = NULL",
        )
        .bind(result_set.to_string())
        .bind(*reason)
        .bind(proposal.map(|proposal| proposal.participant.to_string()))
        .bind(proposal.and_then(|proposal| proposal.study.as_deref()))
        .bind(now)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Notes that a person accepted everything that is open about a set, and what the person chose; answers how many questions that were.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn accept(
    connection: &mut AnyConnection,
    result_set: Uuid,
    identity: Option<IdentityChoice>,
    now: i64,
) -> Result<u64, ArchiveError> {
    let accepted = sqlx::query(
        "UPDATE result_question SET accepted_at = $2, identity = $3 WHERE result_set = $1 AND accepted_at IS NULL",
    )
    .bind(result_set.to_string())
    .bind(now)
    .bind(identity.map(IdentityChoice::as_str))
    .execute(connection)
    .await?;
    Ok(accepted.rows_affected())
}

/// The questions about a set, open and accepted, in the order of their words.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn of_set(executor: impl AnyExecutor<'_>, result_set: Uuid) -> Result<Vec<Question>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM result_question WHERE result_set = $1 ORDER BY reason")
        .bind(result_set.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &AnyRow) -> Result<Question, ArchiveError> {
    let study: Option<String> = row.try_get("study")?;
    let participant = row::optional_id(row, "participant")?;
    Ok(Question {
        reason: row.try_get("reason")?,
        proposal: participant.map(|participant| Proposal { participant, study }),
        identity: row::optional_word(row, "identity", IdentityChoice::parse)?,
        asked_at: row.try_get("asked_at")?,
        accepted_at: row.try_get("accepted_at")?,
    })
}
