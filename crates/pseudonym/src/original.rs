//! Whether a UID is a real one, of anybody in any project (RC-06): each mapped row holds a keyed hash of its original, so that the question
//! opens no row and tells nothing of whose it is.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::VaultError;
use crate::batch::{self, WIDTH, filled};
use crate::derive::trim_uid;
use crate::mapped::open_original;
use crate::participant::{ParticipantId, by_id};
use crate::prf::prf;
use crate::reidentify::Reidentification;
use crate::vault::{Keys, Vault};

const LABEL: &str = "research-pacs/1/original-uid:";
/// Bytes of a hash: two UIDs with one hash are not to be expected among 2^64.
const LENGTH: usize = 16;
/// UIDs of one call.
const MOST: usize = 100_000;
/// Rows of before that get their hash in one transaction.
const ROWS: i64 = 1000;

static KNOWN: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT DISTINCT original_hash FROM mapped_uid WHERE original_hash IN ({})", batch::list(1))
});

static KNOWN_OF: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT DISTINCT original_hash FROM mapped_uid WHERE participant = $1 AND original_hash IN ({})",
        batch::list(2)
    )
});

/// The keyed hash of a real UID; the same in every project.
pub(crate) fn hash(keys: &Keys, original: &str) -> Vec<u8> {
    prf(&keys.lookup, LABEL, trim_uid(original).as_bytes()).iter().copied().take(LENGTH).collect()
}

impl Vault {
    /// Which of the UIDs are originals of any participant, in any project: real clinical UIDs. One that was issued unchanged is among
    /// them. Any other in a result: refuse, alarm (RC-06).
    ///
    /// # Errors
    /// [`VaultError::Limit`] above 100,000 UIDs: split. [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn originals_among(&self, uids: &[&str]) -> Result<BTreeSet<String>, VaultError> {
        self.known(None, uids).await
    }

    /// Which of the UIDs are originals of this participant (RC-15).
    ///
    /// # Errors
    /// As [`Vault::originals_among`].
    pub async fn originals_of(
        &self,
        access: &Reidentification,
        uids: &[&str],
    ) -> Result<BTreeSet<String>, VaultError> {
        self.known(Some(access.participant()), uids).await
    }

    async fn known(&self, of: Option<ParticipantId>, uids: &[&str]) -> Result<BTreeSet<String>, VaultError> {
        let keys = self.keys()?;
        if uids.len() > MOST {
            return Err(VaultError::Limit("more than 100,000 UIDs in one batch"));
        }
        let by_hash: HashMap<Vec<u8>, &str> = uids.iter().map(|uid| (hash(keys, uid), *uid)).collect();
        let hashes: Vec<&Vec<u8>> = by_hash.keys().collect();
        let mut found = BTreeSet::new();
        for chunk in hashes.chunks(WIDTH) {
            let mut query = match of {
                None => sqlx::query_as(KNOWN.as_str()),
                Some(participant) => sqlx::query_as(KNOWN_OF.as_str()).bind(participant.to_string()),
            };
            for hash in filled(chunk) {
                query = query.bind(hash.as_slice());
            }
            let rows: Vec<(Vec<u8>,)> = query.fetch_all(self.database.reader()).await?;
            found.extend(rows.iter().filter_map(|(hash,)| by_hash.get(hash)).map(|uid| (*uid).to_owned()));
        }
        Ok(found)
    }

    /// Gives the rows that were written before there was a hash their own; a repeat goes on where it was interrupted. A row that cannot be
    /// opened stays without one: what reads it raises the alarm.
    pub(crate) async fn hash_originals(&self) -> Result<(), VaultError> {
        let keys = self.keys()?;
        let people: Vec<(String,)> =
            sqlx::query_as("SELECT DISTINCT participant FROM mapped_uid WHERE original_hash IS NULL")
                .fetch_all(self.database.reader())
                .await?;
        for (id,) in people {
            self.hash_originals_of(keys, id.parse()?).await?;
        }
        Ok(())
    }

    async fn hash_originals_of(&self, keys: &Keys, id: ParticipantId) -> Result<(), VaultError> {
        let (mut after, text) = ((String::new(), String::new()), id.to_string());
        loop {
            let mut transaction = self.database.write().await?;
            let participant = match by_id(&mut transaction, keys, id).await {
                Ok(participant) => participant,
                Err(error @ VaultError::Database(_)) => return Err(error),
                Err(_) => return Ok(()),
            };
            let key = participant.mapping.secret().data_key();
            let rows: Vec<(String, String, Vec<u8>)> = sqlx::query_as(
                "SELECT pseudonym, study, original FROM mapped_uid WHERE participant = $1 AND original_hash IS NULL \
                 AND (pseudonym > $2 OR (pseudonym = $2 AND study > $3)) ORDER BY pseudonym, study LIMIT $4",
            )
            .bind(text.as_str())
            .bind(after.0.as_str())
            .bind(after.1.as_str())
            .bind(ROWS)
            .fetch_all(&mut *transaction)
            .await?;
            let Some((pseudonym, study, _)) = rows.last() else { return Ok(()) };
            after = (pseudonym.clone(), study.clone());
            for (pseudonym, study, sealed) in rows {
                let Ok(original) = open_original(id, &key, &pseudonym, &study, &sealed) else { continue };
                sqlx::query(
                    "UPDATE mapped_uid SET original_hash = $1 WHERE participant = $2 AND pseudonym = $3 AND study = $4",
                )
                .bind(hash(keys, &original))
                .bind(text.as_str())
                .bind(pseudonym)
                .bind(study)
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
        }
    }
}
