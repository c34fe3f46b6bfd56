//! Pseudonym UID → original UID, and the shifted dates, of the project's own mapping: written when a batch is de-identified, before
//! anything of it leaves (AC2.9). What of it was given out to whom is `issued`.

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::AnyConnection;

use crate::VaultError;
use crate::batch::{self, WIDTH, filled};
use crate::derive::trim_uid;
use crate::original;
use crate::participant::{Participant, ParticipantId, hold};
use crate::prf::Key;
use crate::seal::{self, Place};
use crate::vault::{Keys, Vault};

/// UIDs and dates of one call; a batch of a series has some thousands.
const MOST: usize = 100_000;

/// What a UID names. The order is kept in the database: instances last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i16)]
pub enum UidKind {
    /// Study Instance UID (0020,000D).
    Study = 1,
    /// Series Instance UID (0020,000E).
    Series = 2,
    /// Frame of Reference UID (0020,0052).
    FrameOfReference = 3,
    /// Any other UID of the data set, references to objects of other series included.
    Other = 4,
    /// SOP Instance UID (0008,0018) of an object that was de-identified.
    Instance = 5,
}

impl UidKind {
    /// The word of files: `study`, `series`, `frame-of-reference`, `other`, `instance`.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "study" => Self::Study,
            "series" => Self::Series,
            "frame-of-reference" => Self::FrameOfReference,
            "other" => Self::Other,
            "instance" => Self::Instance,
            _ => return None,
        })
    }

    pub(crate) fn from_number(number: i16) -> Option<Self> {
        [Self::Study, Self::Series, Self::FrameOfReference, Self::Other, Self::Instance]
            .into_iter()
            .find(|kind| *kind as i16 == number)
    }
}

/// One replaced UID.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MappedUid<'a> {
    /// What it names.
    pub kind: UidKind,
    /// As received.
    pub original: &'a str,
    /// What [`crate::Mapping::uid`] made of it, or the original itself where a project retains UIDs.
    pub pseudonym: &'a str,
}

impl std::fmt::Debug for MappedUid<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MappedUid({:?}, ..)", self.kind)
    }
}

static INSERT_UIDS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO mapped_uid (pseudonym, participant, study, kind, original, original_hash) VALUES {} \
         ON CONFLICT (pseudonym, participant, study) DO NOTHING",
        batch::rows(6)
    )
});

static INSERT_DATES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO mapped_date (participant, study, value) VALUES {} \
         ON CONFLICT (participant, study, value) DO NOTHING",
        batch::rows(3)
    )
});

impl Vault {
    /// Keeps what de-identifying a batch of one study replaced; a repeat adds nothing. `study` is the pseudonym of the Study
    /// Instance UID, which is kept too when it is among `uids`; `dates` are shifted values as yyyymmdd.
    ///
    /// # Errors
    /// [`VaultError::Limit`] above 100,000 UIDs or dates: split. [`VaultError::Opposed`], [`VaultError::Erased`]: stop (ACX.4).
    /// [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat, export nothing before.
    pub async fn record_mapping(
        &self,
        participant: &Participant,
        study: &str,
        uids: &[MappedUid<'_>],
        dates: &[i64],
    ) -> Result<(), VaultError> {
        let keys = self.keys()?;
        if uids.len().max(dates.len()) > MOST {
            return Err(VaultError::Limit("more than 100,000 UIDs or dates in one batch"));
        }
        let rows = seal_all(keys, participant, study, uids)?;
        let mut transaction = self.database.write().await?;
        hold(&mut transaction, participant.id).await?;
        crate::list::refuse_stopped(&mut transaction, participant.id).await?;
        insert(&mut transaction, participant.id, study, uids, &rows).await?;
        for chunk in dates.chunks(WIDTH) {
            let mut query = sqlx::query(INSERT_DATES.as_str());
            for date in filled(chunk) {
                query = query.bind(participant.id.to_string()).bind(study).bind(*date);
            }
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// An original as it is kept.
pub(crate) struct Sealed {
    original: Vec<u8>,
    hash: Vec<u8>,
}

/// The originals, sealed one by one, in the order of `uids`.
pub(crate) fn seal_all(
    keys: &Keys,
    participant: &Participant,
    study: &str,
    uids: &[MappedUid<'_>],
) -> Result<Vec<Sealed>, VaultError> {
    let id = participant.id.to_string();
    let data_key = participant.mapping.secret().data_key();
    let seal = |uid: &MappedUid<'_>| {
        let row = [uid.pseudonym.as_bytes(), study.as_bytes()];
        let original = seal::seal(&data_key, place(&id, &row), trim_uid(uid.original).as_bytes())?;
        Ok(Sealed { original, hash: original::hash(keys, uid.original) })
    };
    uids.iter().map(seal).collect()
}

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    participant: ParticipantId,
    study: &str,
    uids: &[MappedUid<'_>],
    sealed: &[Sealed],
) -> Result<(), VaultError> {
    let participant = participant.to_string();
    for (uids, sealed) in uids.chunks(WIDTH).zip(sealed.chunks(WIDTH)) {
        let mut query = sqlx::query(INSERT_UIDS.as_str());
        for (uid, sealed) in filled(uids).zip(filled(sealed)) {
            query = query.bind(uid.pseudonym).bind(participant.as_str()).bind(study);
            query = query.bind(uid.kind as i16).bind(sealed.original.as_slice()).bind(sealed.hash.as_slice());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The imported part of a participant's map, original → pseudonym (AC2.12).
pub(crate) async fn imported(
    connection: &mut AnyConnection,
    participant: ParticipantId,
    data_key: &Key,
) -> Result<HashMap<String, String>, VaultError> {
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT pseudonym, original FROM mapped_uid WHERE participant = $1 AND study = ''")
            .bind(participant.to_string())
            .fetch_all(connection)
            .await?;
    let open = |(pseudonym, sealed): (String, Vec<u8>)| {
        Ok((open_original(participant, data_key, &pseudonym, "", &sealed)?, pseudonym))
    };
    rows.into_iter().map(open).collect()
}

pub(crate) fn open_original(
    participant: ParticipantId,
    data_key: &Key,
    pseudonym: &str,
    study: &str,
    sealed: &[u8],
) -> Result<String, VaultError> {
    let row = [pseudonym.as_bytes(), study.as_bytes()];
    seal::open_text(data_key, place(&participant.to_string(), &row), sealed)
}

fn place<'a>(participant: &'a str, row: &'a [&'a [u8]]) -> Place<'a> {
    Place { table: "mapped_uid", column: "original", key: participant, row }
}
