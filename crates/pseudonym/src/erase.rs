//! Crypto-erase of a participant or a project: the secret is deleted, and with it everything sealed under it. What stays is the
//! tombstone (keyed hash), the stub of the row (own id and code, so that neither is given to another) and what was issued to whom
//! (pseudonyms only: the evidence for the deletion asked of the partners, R13).
//!
//! The engine overwrites deleted rows where it can (SQLite `secure_delete`); a backup made before keeps them until it is rotated
//! out, and the wrapping key with it.

use chrono::{DateTime, Datelike};
use sqlx::AnyConnection;

use crate::access_log::{self, Act};
use crate::list::{OppositionKind, PastData};
use crate::participant::ParticipantId;
use crate::vault::{Keys, Vault, lock};
use crate::{Purpose, VaultError};

/// Participants erased in one transaction.
const BATCH: i64 = 100;

/// Rows of one participant that go with the secret.
const DELETE: [&str; 5] = [
    "DELETE FROM inclusion WHERE subject_hash IN (SELECT subject_hash FROM participant_key WHERE participant = $1)",
    "DELETE FROM participant_key WHERE participant = $1",
    "DELETE FROM own_record WHERE participant = $1",
    "DELETE FROM mapped_uid WHERE participant = $1",
    "DELETE FROM mapped_date WHERE participant = $1",
];

impl Vault {
    /// Whom an erasure concerns, erased already or not: `participant` with all it was merged with, else everybody of the project. Their
    /// work is to be stopped with it.
    ///
    /// # Errors
    /// [`VaultError::Unknown`], [`VaultError::Database`].
    pub async fn concerned_by_erasure(
        &self,
        project: &str,
        participant: Option<ParticipantId>,
    ) -> Result<Vec<ParticipantId>, VaultError> {
        let Some(participant) = participant else { return self.participants_of(project).await };
        let mut reader = self.database.reader().acquire().await?;
        let (_, head) = head(&mut reader, participant).await?;
        let ids: Vec<(String,)> = same_person(&mut reader, head).await?;
        ids.into_iter().map(|(id,)| id.parse()).collect()
    }

    /// Erases one person in one project: the participant, the one it was merged into, and all merged into that one.
    /// A repeat does nothing. Stop the participant's jobs first; what arrives later is recognised by the tombstone (DEC-S).
    ///
    /// # Errors
    /// [`VaultError::Unknown`]. [`VaultError::VaultLocked`], [`VaultError::Database`]: nothing was erased, repeat.
    pub async fn erase_participant(
        &self,
        participant: ParticipantId,
        purpose: &Purpose,
        now: i64,
    ) -> Result<(), VaultError> {
        let keys = self.keys()?;
        let mut transaction = self.database.write().await?;
        lock(&mut transaction, keys, now).await?;
        let (project, head) = head(&mut transaction, participant).await?;
        for (id,) in same_person(&mut transaction, head).await? {
            erase(&mut transaction, keys, &project, id.parse()?, purpose, now).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Erases every participant of a project and its inclusion list, in batches; a repeat goes on where it was interrupted.
    /// The oppositions become tombstones. Gives the number of participants erased by this call.
    ///
    /// # Errors
    /// [`VaultError::VaultLocked`], [`VaultError::Database`]: repeat.
    pub async fn erase_project(&self, project: &str, purpose: &Purpose, now: i64) -> Result<u64, VaultError> {
        let keys = self.keys()?;
        let mut erased = 0;
        loop {
            let mut transaction = self.database.write().await?;
            lock(&mut transaction, keys, now).await?;
            let batch: Vec<(String,)> = sqlx::query_as(
                "SELECT id FROM participant WHERE project = $1 AND erased_at IS NULL ORDER BY id LIMIT $2",
            )
            .bind(project)
            .bind(BATCH)
            .fetch_all(&mut *transaction)
            .await?;
            for (id,) in &batch {
                erase(&mut transaction, keys, project, id.parse()?, purpose, now).await?;
            }
            if batch.is_empty() {
                clear_lists(&mut transaction, project).await?;
                let act = Act { action: "erase-project", outcome: "done", project, participant: None };
                access_log::append(&mut transaction, keys, act, purpose, now).await?;
            }
            transaction.commit().await?;
            erased += batch.len() as u64;
            if batch.is_empty() {
                return Ok(erased);
            }
        }
    }
}

/// Project of a participant, and the id of the one it was merged into (itself if it was not).
async fn head(
    connection: &mut AnyConnection,
    participant: ParticipantId,
) -> Result<(String, String), VaultError> {
    let row: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT project, merged_into FROM participant WHERE id = $1")
            .bind(participant.to_string())
            .fetch_optional(connection)
            .await?;
    let (project, merged_into) = row.ok_or(VaultError::Unknown("participant"))?;
    Ok((project, merged_into.unwrap_or_else(|| participant.to_string())))
}

/// All that were merged into `head`, and itself.
async fn same_person(connection: &mut AnyConnection, head: String) -> Result<Vec<(String,)>, VaultError> {
    Ok(sqlx::query_as("SELECT id FROM participant WHERE id = $1 OR merged_into = $1")
        .bind(head)
        .fetch_all(connection)
        .await?)
}

async fn erase(
    connection: &mut AnyConnection,
    keys: &Keys,
    project: &str,
    participant: ParticipantId,
    purpose: &Purpose,
    now: i64,
) -> Result<(), VaultError> {
    let id = participant.to_string();
    let erased = sqlx::query(
        "UPDATE participant SET secret = NULL, key_id = NULL, erased_at = $2 WHERE id = $1 AND erased_at IS NULL",
    )
    .bind(id.as_str())
    .bind(now)
    .execute(&mut *connection)
    .await?;
    if erased.rows_affected() == 0 {
        return Ok(());
    }
    bury(connection, &id, now).await?;
    for statement in DELETE {
        sqlx::query(statement).bind(id.as_str()).execute(&mut *connection).await?;
    }
    let act = Act { action: "erase", outcome: "done", project, participant: Some(participant) };
    access_log::append(connection, keys, act, purpose, now).await
}

/// A tombstone for each key of the participant; an opposition loses its display value and stays what it is.
async fn bury(connection: &mut AnyConnection, participant: &str, now: i64) -> Result<(), VaultError> {
    sqlx::query(
        "UPDATE opposition SET subject = NULL \
         WHERE subject_hash IN (SELECT subject_hash FROM participant_key WHERE participant = $1)",
    )
    .bind(participant)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO opposition (subject_hash, project, kind, past_data, date, added_at) \
         SELECT k.subject_hash, p.project, $2, $3, $4, $5 FROM participant_key k JOIN participant p ON p.id = k.participant \
         WHERE k.participant = $1 ON CONFLICT (subject_hash) DO NOTHING",
    )
    .bind(participant)
    .bind(OppositionKind::Erasure as i16)
    .bind(PastData::Delete as i16)
    .bind(day(now))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

async fn clear_lists(connection: &mut AnyConnection, project: &str) -> Result<(), VaultError> {
    sqlx::query("DELETE FROM inclusion WHERE project = $1").bind(project).execute(&mut *connection).await?;
    sqlx::query("UPDATE opposition SET subject = NULL WHERE project = $1")
        .bind(project)
        .execute(connection)
        .await?;
    Ok(())
}

/// The day of a moment, UTC, as yyyymmdd.
pub(crate) fn day(now: i64) -> i64 {
    DateTime::from_timestamp_millis(now).map_or(0, |moment| {
        i64::from(moment.year()) * 10_000 + i64::from(moment.month()) * 100 + i64::from(moment.day())
    })
}
