//! The lists of a project: inclusion (R02), opposition and withdrawal (R03), and the tombstones that erasure leaves (DEC-S).
//!
//! A row is found by the keyed hash of the participant's key; who it is stands sealed beside it, for the people who keep the list.

use sqlx::AnyConnection;

use crate::access_log::{self, Act};
use crate::code::Code;
use crate::participant::{ParticipantId, id_by_subject};
use crate::seal::Place;
use crate::subject::SubjectKey;
use crate::vault::{Keys, Vault, lock};
use crate::{Purpose, VaultError};

/// Why nothing of a person may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum OppositionKind {
    /// Objected before or at any time (GDPR art. 21).
    Opposition = 1,
    /// Withdrew a consent given.
    Withdrawal = 2,
    /// Was erased: a tombstone.
    Erasure = 3,
}

/// What happens to the data held already (R03).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum PastData {
    /// No further use; data stay where they are until decided.
    Stop = 1,
    /// Erased, and partners are asked to do the same.
    Delete = 2,
    /// Kept as the law allows, flagged.
    Keep = 3,
}

/// An entry of the opposition list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opposition {
    /// Which.
    pub kind: OppositionKind,
    /// What about past data.
    pub past_data: PastData,
    /// Day of the person's declaration or of the erasure, yyyymmdd.
    pub date: i64,
}

/// An entry of the inclusion list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// Day of the consent, yyyymmdd.
    pub consent_date: i64,
    /// Version of the form that was signed.
    pub form_version: String,
    /// The code that the sponsor assigned.
    pub code: Option<Code>,
}

/// How a person stands with a project. An opposition goes before an inclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// On no list: quarantine where the project keeps an inclusion list.
    Unlisted,
    /// Consent recorded.
    Included(Inclusion),
    /// Treat by DEC-S.
    Opposed(Opposition),
}

/// A line of the lists for the people who keep them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// Who; `None` for a tombstone.
    pub subject: Option<SubjectKey>,
    /// On which list, and with what.
    pub standing: Standing,
}

impl Vault {
    /// How the person of a key stands with the project: the first question of `admit`.
    ///
    /// # Errors
    /// [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn standing(&self, subject: &SubjectKey) -> Result<Standing, VaultError> {
        let hash = subject.hash(self.keys()?);
        let mut reader = self.database.reader().acquire().await?;
        let participant = id_by_subject(&mut reader, &hash).await?;
        if let Some(opposition) = opposition(&mut reader, &hash, participant).await? {
            return Ok(Standing::Opposed(opposition));
        }
        Ok(inclusion(&mut reader, &hash).await?.map_or(Standing::Unlisted, Standing::Included))
    }

    /// Whether the person of a key is one of the project: on a list, or a participant already.
    ///
    /// # Errors
    /// [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn is_known(&self, subject: &SubjectKey) -> Result<bool, VaultError> {
        let hash = subject.hash(self.keys()?);
        let is_participant = id_by_subject(&mut *self.database.reader().acquire().await?, &hash).await?;
        Ok(is_participant.is_some() || self.standing(subject).await? != Standing::Unlisted)
    }

    /// Whether anything of a participant may still be used: asked by each stage that only knows the own id (ACX.4).
    ///
    /// # Errors
    /// [`VaultError::Opposed`], [`VaultError::Erased`], [`VaultError::Unknown`]: stop. [`VaultError::VaultLocked`],
    /// [`VaultError::Database`]: hold and repeat.
    pub async fn check_usable(&self, participant: ParticipantId) -> Result<(), VaultError> {
        self.keys()?;
        let mut reader = self.database.reader().acquire().await?;
        refuse_stopped(&mut reader, participant).await
    }

    /// What stopped a participant: its strongest opposition, or that it was erased; `None` when it may be used (the codes of the gate
    /// tell an opposition from a withdrawal).
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: stop. [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn stopped_by(&self, participant: ParticipantId) -> Result<Option<OppositionKind>, VaultError> {
        self.keys()?;
        let mut reader = self.database.reader().acquire().await?;
        let owner = match owner(&mut reader, participant).await {
            Err(VaultError::Erased) => return Ok(Some(OppositionKind::Erasure)),
            owner => owner?,
        };
        Ok(opposition(&mut reader, &[], Some(owner)).await?.map(|opposition| opposition.kind))
    }

    /// Whether a participant is on the inclusion list: by one of its keys or, after a merge, of the participant that it is now (R02).
    ///
    /// # Errors
    /// [`VaultError::Erased`], [`VaultError::Unknown`]: stop. [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn is_included(&self, participant: ParticipantId) -> Result<bool, VaultError> {
        self.keys()?;
        let mut reader = self.database.reader().acquire().await?;
        let owner = owner(&mut reader, participant).await?;
        let found: Option<(i32,)> = sqlx::query_as(
            "SELECT 1 AS included FROM inclusion WHERE subject_hash IN \
             (SELECT subject_hash FROM participant_key WHERE participant = $1) LIMIT 1",
        )
        .bind(owner.to_string())
        .fetch_optional(&mut *reader)
        .await?;
        Ok(found.is_some())
    }

    /// Changes with each person who is newly entered or erased: what was decided before has to be looked at anew (DEC-S).
    ///
    /// # Errors
    /// [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn oppositions(&self) -> Result<(i64, i64), VaultError> {
        self.keys()?;
        let counted: (i64, i64) =
            sqlx::query_as("SELECT COUNT(*), COALESCE(MAX(added_at), 0) FROM opposition")
                .fetch_one(self.database.reader())
                .await?;
        Ok(counted)
    }

    /// Enters an opposition or withdrawal; a second entry replaces the first, a tombstone stays. Gives the participant whose work
    /// is to be stopped, if there is one.
    ///
    /// # Errors
    /// [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn oppose(
        &self,
        subject: &SubjectKey,
        opposition: Opposition,
        now: i64,
    ) -> Result<Option<ParticipantId>, VaultError> {
        let keys = self.keys()?;
        let mut transaction = self.database.write().await?;
        // the same lock as the one under which participants are made: nobody is made after being refused
        lock(&mut transaction, keys, now).await?;
        insert_opposition(&mut transaction, keys, subject, opposition, now).await?;
        let participant = id_by_subject(&mut transaction, &subject.hash(keys)).await?;
        transaction.commit().await?;
        Ok(participant)
    }

    /// The lists of a project with their identities, written to the access log first. Tombstones are in it without identity.
    ///
    /// # Errors
    /// [`VaultError::Tampered`]: alarm. [`VaultError::VaultLocked`], [`VaultError::Database`].
    pub async fn list(
        &self,
        project: &str,
        purpose: &Purpose,
        now: i64,
    ) -> Result<Vec<ListEntry>, VaultError> {
        let keys = self.keys()?;
        let mut transaction = self.database.write().await?;
        let act = Act { action: "list", outcome: "done", project, participant: None };
        access_log::append(&mut transaction, keys, act, purpose, now).await?;
        transaction.commit().await?;
        let mut reader = self.database.reader().acquire().await?;
        let mut entries = included(&mut reader, keys, project).await?;
        entries.extend(opposed(&mut reader, keys, project).await?);
        Ok(entries)
    }
}

pub(crate) async fn insert_opposition(
    connection: &mut AnyConnection,
    keys: &Keys,
    subject: &SubjectKey,
    opposition: Opposition,
    now: i64,
) -> Result<(), VaultError> {
    let hash = subject.hash(keys);
    let sealed = subject.seal(&keys.list, opposition_place(&[&hash]))?;
    sqlx::query(
        "INSERT INTO opposition (subject_hash, project, subject, kind, past_data, date, added_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject_hash) DO UPDATE \
         SET subject = excluded.subject, kind = excluded.kind, past_data = excluded.past_data, date = excluded.date \
         WHERE opposition.kind <> 3",
    )
    .bind(hash)
    .bind(subject.project())
    .bind(sealed)
    .bind(opposition.kind as i16)
    .bind(opposition.past_data as i16)
    .bind(opposition.date)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn insert_inclusion(
    connection: &mut AnyConnection,
    keys: &Keys,
    subject: &SubjectKey,
    inclusion: &Inclusion,
    now: i64,
) -> Result<(), VaultError> {
    let hash = subject.hash(keys);
    let sealed = subject.seal(&keys.list, inclusion_place(&[&hash]))?;
    sqlx::query(
        "INSERT INTO inclusion (subject_hash, project, subject, code, consent_date, form_version, added_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject_hash) DO UPDATE \
         SET code = COALESCE(excluded.code, inclusion.code), consent_date = excluded.consent_date, \
         form_version = excluded.form_version",
    )
    .bind(hash)
    .bind(subject.project())
    .bind(sealed)
    .bind(inclusion.code.as_ref().map(|code| code.as_str().to_owned()))
    .bind(inclusion.consent_date)
    .bind(inclusion.form_version.as_str())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// The opposition of a key or, after a merge, of any key of the same participant.
async fn opposition(
    connection: &mut AnyConnection,
    hash: &[u8],
    participant: Option<ParticipantId>,
) -> Result<Option<Opposition>, VaultError> {
    let row: Option<(i16, i16, i64)> = sqlx::query_as(
        "SELECT kind, past_data, date FROM opposition WHERE subject_hash = $1 OR subject_hash IN \
         (SELECT subject_hash FROM participant_key WHERE participant = $2) ORDER BY kind DESC LIMIT 1",
    )
    .bind(hash)
    .bind(participant.map(|id| id.to_string()))
    .fetch_optional(connection)
    .await?;
    row.map(read_opposition).transpose()
}

fn read_opposition((kind, past_data, date): (i16, i16, i64)) -> Result<Opposition, VaultError> {
    use OppositionKind::{Erasure, Withdrawal};
    let kinds = [OppositionKind::Opposition, Withdrawal, Erasure];
    let kind = kinds.into_iter().find(|known| *known as i16 == kind);
    let past = [PastData::Stop, PastData::Delete, PastData::Keep];
    let past_data = past.into_iter().find(|known| *known as i16 == past_data);
    let (Some(kind), Some(past_data)) = (kind, past_data) else {
        return Err(VaultError::Tampered("opposition"));
    };
    Ok(Opposition { kind, past_data, date })
}

async fn inclusion(connection: &mut AnyConnection, hash: &[u8]) -> Result<Option<Inclusion>, VaultError> {
    let row: Option<(i64, String, Option<String>)> =
        sqlx::query_as("SELECT consent_date, form_version, code FROM inclusion WHERE subject_hash = $1")
            .bind(hash)
            .fetch_optional(connection)
            .await?;
    row.map(read_inclusion).transpose()
}

fn read_inclusion(row: (i64, String, Option<String>)) -> Result<Inclusion, VaultError> {
    let (consent_date, form_version, code) = row;
    let code = code.map(|code| Code::assigned(&code)).transpose()?;
    Ok(Inclusion { consent_date, form_version, code })
}

/// The code that the inclusion list assigns.
pub(crate) async fn assigned_code(
    connection: &mut AnyConnection,
    hash: &[u8],
) -> Result<Option<Code>, VaultError> {
    Ok(inclusion(connection, hash).await?.and_then(|inclusion| inclusion.code))
}

pub(crate) async fn refuse_opposed(
    connection: &mut AnyConnection,
    hash: &[u8],
    participant: Option<ParticipantId>,
) -> Result<(), VaultError> {
    match opposition(connection, hash, participant).await? {
        Some(_) => Err(VaultError::Opposed),
        None => Ok(()),
    }
}

/// As [`refuse_opposed`] for the own id: erased, or opposed itself, or part of an opposed participant by a merge.
pub(crate) async fn refuse_stopped(
    connection: &mut AnyConnection,
    participant: ParticipantId,
) -> Result<(), VaultError> {
    let owner = owner(&mut *connection, participant).await?;
    refuse_opposed(connection, &[], Some(owner)).await
}

/// The participant whose keys speak for this one: itself, or the one it was merged into.
async fn owner(
    connection: &mut AnyConnection,
    participant: ParticipantId,
) -> Result<ParticipantId, VaultError> {
    let row: Option<(Option<i64>, Option<String>)> =
        sqlx::query_as("SELECT erased_at, merged_into FROM participant WHERE id = $1")
            .bind(participant.to_string())
            .fetch_optional(&mut *connection)
            .await?;
    let (erased_at, merged_into) = row.ok_or(VaultError::Unknown("participant"))?;
    if erased_at.is_some() {
        return Err(VaultError::Erased);
    }
    merged_into.map_or(Ok(participant), |id| id.parse())
}

type IncludedRow = (Vec<u8>, Vec<u8>, i64, String, Option<String>);
type OpposedRow = (Vec<u8>, Option<Vec<u8>>, i16, i16, i64);

async fn included(
    connection: &mut AnyConnection,
    keys: &Keys,
    project: &str,
) -> Result<Vec<ListEntry>, VaultError> {
    let rows: Vec<IncludedRow> = sqlx::query_as(
        "SELECT subject_hash, subject, consent_date, form_version, code FROM inclusion WHERE project = $1 ORDER BY added_at",
    )
    .bind(project)
    .fetch_all(connection)
    .await?;
    let read = |(hash, sealed, date, form, code): IncludedRow| {
        let subject = SubjectKey::open(project, &keys.list, inclusion_place(&[&hash]), &sealed)?;
        let standing = Standing::Included(read_inclusion((date, form, code))?);
        Ok(ListEntry { subject: Some(subject), standing })
    };
    rows.into_iter().map(read).collect()
}

async fn opposed(
    connection: &mut AnyConnection,
    keys: &Keys,
    project: &str,
) -> Result<Vec<ListEntry>, VaultError> {
    let rows: Vec<OpposedRow> = sqlx::query_as(
        "SELECT subject_hash, subject, kind, past_data, date FROM opposition WHERE project = $1 ORDER BY added_at",
    )
    .bind(project)
    .fetch_all(connection)
    .await?;
    let read = |(hash, sealed, kind, past, date): OpposedRow| {
        let open =
            |sealed: Vec<u8>| SubjectKey::open(project, &keys.list, opposition_place(&[&hash]), &sealed);
        let standing = Standing::Opposed(read_opposition((kind, past, date))?);
        Ok(ListEntry { subject: sealed.map(open).transpose()?, standing })
    };
    rows.into_iter().map(read).collect()
}

fn inclusion_place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place { table: "inclusion", column: "subject", key: "list", row }
}

fn opposition_place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place { table: "opposition", column: "subject", key: "list", row }
}
