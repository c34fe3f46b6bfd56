//! Merges and corrections: recorded acts of the table holder (DEC-Q).

use sqlx::AnyConnection;

use crate::access_log::{self, Act};
use crate::participant::{ParticipantId, by_id, id_by_subject, insert_key};
use crate::subject::SubjectKey;
use crate::vault::{Vault, lock};
use crate::{Purpose, VaultError};

impl Vault {
    /// Records a merge or a correction by the table holder (DEC-Q): from now on `subject` belongs to `participant`, whether it was
    /// nobody's or another's. A participant left without a key counts as merged into this one; its code and maps stay, so that
    /// results under them are still recognised, and go to a person. A merge made in error is undone by giving the key back.
    ///
    /// # Errors
    /// [`VaultError::Unknown`], [`VaultError::Erased`], [`VaultError::Contradiction`] when the projects differ.
    pub async fn merge(
        &self,
        subject: &SubjectKey,
        participant: ParticipantId,
        purpose: &Purpose,
        now: i64,
    ) -> Result<(), VaultError> {
        let keys = self.keys()?;
        let hash = subject.hash(keys);
        let mut transaction = self.database.write().await?;
        lock(&mut transaction, keys, now).await?;
        let target = by_id(&mut transaction, keys, participant).await?;
        if target.project != subject.project() {
            return Err(VaultError::Contradiction("a merge stays within one project"));
        }
        let former = id_by_subject(&mut transaction, &hash).await?.filter(|former| *former != participant);
        sqlx::query("DELETE FROM participant_key WHERE subject_hash = $1")
            .bind(hash.as_slice())
            .execute(&mut *transaction)
            .await?;
        insert_key(&mut transaction, subject, &hash, &target, now).await?;
        if let Some(former) = former {
            mark_merged(&mut transaction, former, participant).await?;
        }
        let act = Act {
            action: "merge",
            outcome: "done",
            project: &target.project,
            participant: Some(participant),
        };
        access_log::append(&mut transaction, keys, act, purpose, now).await?;
        Ok(transaction.commit().await?)
    }
}

/// After `former` lost a key to `target`: a participant that gained a key stands for itself, one without any is merged, and so is
/// what had been merged into it.
async fn mark_merged(
    connection: &mut AnyConnection,
    former: ParticipantId,
    target: ParticipantId,
) -> Result<(), VaultError> {
    sqlx::query("UPDATE participant SET merged_into = NULL WHERE id = $1")
        .bind(target.to_string())
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE participant SET merged_into = $2 WHERE (id = $1 OR merged_into = $1) \
         AND NOT EXISTS (SELECT 1 FROM participant_key WHERE participant = $1)",
    )
    .bind(former.to_string())
    .bind(target.to_string())
    .execute(connection)
    .await?;
    Ok(())
}
