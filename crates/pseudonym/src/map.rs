//! Old to new, for auditors: what the codes and UIDs of a project, or of what one partner was given, stand for. Each participant is opened
//! by [`Vault::reidentify`], so that the access log has a line for it.

use std::fmt;

use crate::VaultError;
use crate::mapped::open_original;
use crate::participant::ParticipantId;
use crate::reidentify::Reidentification;
use crate::subject::SubjectKey;
use crate::vault::Vault;

/// UIDs of one page.
const PAGE: i64 = 10_000;

/// A UID as received and what replaced it.
#[derive(Clone, PartialEq, Eq)]
pub struct ReplacedUid {
    /// As received.
    pub original: String,
    /// What stands in the archive, or what the partner was given.
    pub pseudonym: String,
    /// The study that it was received with, as a pseudonym: with `pseudonym` the place in the list.
    pub study: String,
}

impl fmt::Debug for ReplacedUid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ReplacedUid({}, ..)", self.pseudonym)
    }
}

const OF_ARCHIVE: &str = "SELECT m.pseudonym, m.pseudonym, m.study, m.original FROM mapped_uid m \
     WHERE m.participant = $1 AND (m.pseudonym, m.study) > ($2, $3) ORDER BY m.pseudonym, m.study LIMIT $4";

const OF_PARTNER: &str = "SELECT i.pseudonym, m.pseudonym, m.study, m.original FROM issued_uid i \
     JOIN mapped_uid m ON m.pseudonym = i.base AND m.participant = i.participant \
     WHERE i.participant = $1 AND (i.pseudonym, m.study) > ($2, $3) AND i.project = $5 AND i.partner = $6 \
     ORDER BY i.pseudonym, m.study LIMIT $4";

impl Vault {
    /// All participants of a project, erased ones among them.
    ///
    /// # Errors
    /// [`VaultError::Database`]: repeat.
    pub async fn participants_of(&self, project: &str) -> Result<Vec<ParticipantId>, VaultError> {
        let ids: Vec<(String,)> = sqlx::query_as("SELECT id FROM participant WHERE project = $1 ORDER BY id")
            .bind(project)
            .fetch_all(self.database.reader())
            .await?;
        ids.into_iter().map(|(id,)| id.parse()).collect()
    }

    /// Each Patient ID of the participant with each code that it has: in the archive, or with a partner that was given some.
    ///
    /// # Errors
    /// [`VaultError::Tampered`]: alarm. [`VaultError::Database`]: repeat.
    pub async fn codes(
        &self,
        access: &Reidentification,
        partner: Option<&str>,
    ) -> Result<Vec<(SubjectKey, String)>, VaultError> {
        let id = access.participant().to_string();
        let query = match partner {
            None => sqlx::query_as("SELECT code FROM participant WHERE id = $1 AND project = $2").bind(id).bind(access.project()),
            Some(partner) => sqlx::query_as(
                "SELECT DISTINCT code FROM export_record WHERE participant = $1 AND project = $2 AND partner = $3 ORDER BY code",
            )
            .bind(id)
            .bind(access.project())
            .bind(partner),
        };
        let codes: Vec<(String,)> = query.fetch_all(self.database.reader()).await?;
        let subjects = self.subject_keys(access).await?;
        let pairs = |(code,): (String,)| subjects.iter().map(move |subject| (subject.clone(), code.clone()));
        Ok(codes.into_iter().flat_map(pairs).collect())
    }

    /// The next UIDs of the participant after `after`, at most 10,000, in the order of the pseudonyms; empty at the end. A UID that came
    /// with several studies is there once for each.
    ///
    /// # Errors
    /// [`VaultError::Tampered`]: alarm. [`VaultError::Database`]: repeat.
    pub async fn replaced_uids(
        &self,
        access: &Reidentification,
        partner: Option<&str>,
        after: Option<&ReplacedUid>,
    ) -> Result<Vec<ReplacedUid>, VaultError> {
        let (pseudonym, study) = after.map_or(("", ""), |uid| (uid.pseudonym.as_str(), uid.study.as_str()));
        let query = sqlx::query_as(if partner.is_none() { OF_ARCHIVE } else { OF_PARTNER })
            .bind(access.participant().to_string())
            .bind(pseudonym)
            .bind(study)
            .bind(PAGE);
        let query = match partner {
            None => query,
            Some(partner) => query.bind(access.project()).bind(partner),
        };
        let rows: Vec<(String, String, String, Vec<u8>)> = query.fetch_all(self.database.reader()).await?;
        let key = access.data_key();
        let open = |(pseudonym, base, study, sealed): (String, String, String, Vec<u8>)| {
            let original = open_original(access.participant(), &key, &base, &study, &sealed)?;
            Ok(ReplacedUid { original, pseudonym, study })
        };
        rows.into_iter().map(open).collect()
    }
}
