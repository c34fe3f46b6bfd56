//! What linkage `partner` needs beside the mapping itself (DEC-J): which values of an object of the archive are pseudonyms, what must not be
//! found in the object as derived, and what a partner sees in place of a UID of the archive. No identity but in `originals_of_study`.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::VaultError;
use crate::batch::{self, WIDTH, filled};
use crate::issued::Linkage;
use crate::mapped::{UidKind, open_original};
use crate::participant::ParticipantId;
use crate::reidentify::Reidentification;
use crate::vault::Vault;

/// UIDs or dates of one study.
const MOST: usize = 250_000;

/// What of a study in the archive stands for something else: all else in its objects was kept as received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudyPseudonyms {
    /// Pseudonym UIDs, with what each names.
    pub uids: HashMap<String, UidKind>,
    /// Shifted dates, yyyymmdd.
    pub dates: BTreeSet<i64>,
}

static ISSUED_AS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT base, pseudonym FROM issued_uid \
         WHERE base <> pseudonym AND project = $1 AND partner = $2 AND participant = $3 AND base IN ({})",
        batch::list(4)
    )
});

static ISSUED_AMONG: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT pseudonym FROM issued_uid WHERE project = $1 AND partner = $2 AND pseudonym IN ({})",
        batch::list(3)
    )
});

impl Vault {
    /// The linkage that a partner of a project was first issued under; none when nothing was issued yet.
    ///
    /// # Errors
    /// [`VaultError::Database`]: repeat.
    pub async fn linkage(&self, project: &str, partner: &str) -> Result<Option<Linkage>, VaultError> {
        let row: Option<(i16,)> =
            sqlx::query_as("SELECT linkage FROM partner_linkage WHERE project = $1 AND partner = $2")
                .bind(project)
                .bind(partner)
                .fetch_optional(self.database.reader())
                .await?;
        row.map(|(linkage,)| Linkage::from_number(linkage)).transpose()
    }

    /// The pseudonyms of a study, by its UID in the archive.
    ///
    /// # Errors
    /// [`VaultError::Limit`] above 250,000 UIDs or dates: hand to a person. [`VaultError::Database`]: repeat.
    pub async fn study_pseudonyms(
        &self,
        participant: ParticipantId,
        study: &str,
    ) -> Result<StudyPseudonyms, VaultError> {
        let uids: Vec<(String, i16)> = sqlx::query_as(
            "SELECT pseudonym, kind FROM mapped_uid WHERE participant = $1 AND study = $2 LIMIT $3",
        )
        .bind(participant.to_string())
        .bind(study)
        .bind(MOST as i64 + 1)
        .fetch_all(self.database.reader())
        .await?;
        let dates: Vec<(i64,)> =
            sqlx::query_as("SELECT value FROM mapped_date WHERE participant = $1 AND study = $2 LIMIT $3")
                .bind(participant.to_string())
                .bind(study)
                .bind(MOST as i64 + 1)
                .fetch_all(self.database.reader())
                .await?;
        if uids.len().max(dates.len()) > MOST {
            return Err(VaultError::Limit("more than 250,000 UIDs or dates in one study"));
        }
        let known =
            |(uid, kind)| Ok((uid, UidKind::from_number(kind).ok_or(VaultError::Tampered("mapped_uid"))?));
        Ok(StudyPseudonyms {
            uids: uids.into_iter().map(known).collect::<Result<_, VaultError>>()?,
            dates: dates.into_iter().map(|(value,)| value).collect(),
        })
    }

    /// The UIDs of a study as received: what the after-check of an object searches it for (DI-50).
    ///
    /// # Errors
    /// [`VaultError::Limit`] above 250,000 UIDs: hand to a person. [`VaultError::Tampered`]: alarm. [`VaultError::Database`]: repeat.
    pub async fn originals_of_study(
        &self,
        access: &Reidentification,
        study: &str,
    ) -> Result<BTreeSet<String>, VaultError> {
        let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
            "SELECT pseudonym, original FROM mapped_uid WHERE participant = $1 AND study = $2 LIMIT $3",
        )
        .bind(access.participant().to_string())
        .bind(study)
        .bind(MOST as i64 + 1)
        .fetch_all(self.database.reader())
        .await?;
        if rows.len() > MOST {
            return Err(VaultError::Limit("more than 250,000 UIDs or dates in one study"));
        }
        let key = access.data_key();
        let open = |(uid, sealed): (String, Vec<u8>)| {
            open_original(access.participant(), &key, &uid, study, &sealed)
        };
        rows.into_iter().map(open).collect()
    }

    /// What this partner was given in place of UIDs of the archive; what is not in the answer was given as it is, or not at all. Works
    /// while the vault is locked: nothing of it is sealed.
    ///
    /// # Errors
    /// [`VaultError::Database`]: repeat.
    pub async fn issued_as(
        &self,
        project: &str,
        partner: &str,
        participant: ParticipantId,
        archive: &[&str],
    ) -> Result<HashMap<String, String>, VaultError> {
        let mut issued = HashMap::new();
        for chunk in archive.chunks(WIDTH) {
            let mut query = sqlx::query_as(ISSUED_AS.as_str());
            query = query.bind(project).bind(partner).bind(participant.to_string());
            for uid in filled(chunk) {
                query = query.bind(*uid);
            }
            let rows: Vec<(String, String)> = query.fetch_all(self.database.reader()).await?;
            issued.extend(rows);
        }
        Ok(issued)
    }

    /// Those of `uids` that were issued to this partner in this project, whoever they are of. Works while the vault is locked.
    ///
    /// # Errors
    /// [`VaultError::Database`]: repeat.
    pub async fn issued_among(
        &self,
        project: &str,
        partner: &str,
        uids: &[&str],
    ) -> Result<BTreeSet<String>, VaultError> {
        let mut issued = BTreeSet::new();
        for chunk in uids.chunks(WIDTH) {
            let mut query = sqlx::query_as(ISSUED_AMONG.as_str()).bind(project).bind(partner);
            for uid in filled(chunk) {
                query = query.bind(*uid);
            }
            let rows: Vec<(String,)> = query.fetch_all(self.database.reader()).await?;
            issued.extend(rows.into_iter().map(|(uid,)| uid));
        }
        Ok(issued)
    }
}
