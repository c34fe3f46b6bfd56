//! Participants: found by their key or made, with code and secret, in one transaction.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use sqlx::AnyConnection;
use uuid::Uuid;

use crate::code::{Code, CodeError, CodeScheme};
use crate::derive::{Mapping, Secret, ShiftRange};
use crate::identity_check::{self, KnownIdentity};
use crate::key::WrappingKey;
use crate::record::{NewRecord, OwnRecord};
use crate::seal::{self, Place};
use crate::subject::SubjectKey;
use crate::vault::{Keys, Vault, lock};
use crate::{VaultError, list, mapped};

/// Our own id of a participant: random, means nothing outside, may stand in the main database and in logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParticipantId(Uuid);

impl ParticipantId {
    fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for ParticipantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for ParticipantId {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        Uuid::try_parse(text).map(Self).map_err(|_| VaultError::Unknown("participant"))
    }
}

/// What `admit` knows of an object of a participant.
#[derive(Clone, Copy)]
pub struct Admission<'a> {
    /// Who it is.
    pub subject: &'a SubjectKey,
    /// Identity as received, kept for the return.
    pub record: &'a OwnRecord,
    /// Patient's Name (0010,0010), decoded; empty when absent. Only to see that a new code shows nothing of it (C13).
    pub name: &'a str,
    /// Patient's Birth Date (0010,0030) as yyyymmdd; empty when absent. For the same check.
    pub birth_date: &'a str,
    /// Where the project's codes come from.
    pub codes: &'a CodeScheme,
    /// The project's range of date shifts; a participant keeps the one in force when first seen.
    pub shift: ShiftRange,
    /// A person knows that the study has another name or birth date beside this one, and that they are the same patient's.
    pub second_person_accepted: bool,
}

impl fmt::Debug for Admission<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Admission({:?}, ..)", self.subject)
    }
}

/// One participant, for the process that de-identifies. Read once per series and cached by the caller.
#[derive(Debug, Clone)]
pub struct Participant {
    /// Own id.
    pub id: ParticipantId,
    /// The project.
    pub project: String,
    /// The code in this project.
    pub code: Code,
    /// Original → pseudonym.
    pub mapping: Mapping,
    /// The participant whose record a merge made this one part of (DEC-Q).
    pub merged_into: Option<ParticipantId>,
}

impl Vault {
    /// The participant of an object: found by the key of DEC-Q, else made, with a code and a secret. Two callers at once get the
    /// same. The identity as received is kept in the same transaction, once per study and difference; a repeat adds nothing.
    ///
    /// # Errors
    /// [`VaultError::Opposed`]: purge with a certificate. [`VaultError::Code`]: quarantine (no assigned code, or one that shows
    /// the identity). [`VaultError::SecondPerson`], [`VaultError::Limit`]: quarantine. [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn participant(&self, admission: &Admission<'_>, now: i64) -> Result<Participant, VaultError> {
        let keys = self.keys()?;
        let hash = admission.subject.hash(keys);
        let mut reader = self.database.reader().acquire().await?;
        if let Some(participant) = by_subject(&mut reader, keys, &hash).await?
            && NewRecord::new(admission, &participant)?.is_held(&mut reader).await?
        {
            list::refuse_opposed(&mut reader, &hash, Some(participant.id)).await?;
            return Ok(participant);
        }
        drop(reader);

        let mut transaction = self.database.write().await?;
        let key = lock(&mut transaction, keys, now).await?;
        let found = by_subject(&mut transaction, keys, &hash).await?;
        list::refuse_opposed(&mut transaction, &hash, found.as_ref().map(|found| found.id)).await?;
        let participant = match found {
            Some(participant) => participant,
            None => {
                let code = first_code(&mut transaction, admission, &hash).await?;
                let new =
                    NewParticipant { subject: admission.subject, hash: &hash, code, shift: admission.shift };
                insert(&mut transaction, key, new, now).await?
            }
        };
        let record = NewRecord::new(admission, &participant)?;
        if !admission.second_person_accepted {
            record.refuse_second_person(&mut transaction).await?;
        }
        record.insert(&mut transaction).await?;
        transaction.commit().await?;
        Ok(participant)
    }

    /// Own id of the participant a key belongs to.
    ///
    /// # Errors
    /// [`VaultError::VaultLocked`], [`VaultError::Database`].
    pub async fn participant_of(&self, subject: &SubjectKey) -> Result<Option<ParticipantId>, VaultError> {
        let hash = subject.hash(self.keys()?);
        let mut reader = self.database.reader().acquire().await?;
        id_by_subject(&mut reader, &hash).await
    }
}

/// A participant to be made.
pub(crate) struct NewParticipant<'a> {
    pub(crate) subject: &'a SubjectKey,
    pub(crate) hash: &'a [u8],
    pub(crate) code: Code,
    pub(crate) shift: ShiftRange,
}

/// Makes a participant with a new secret; the caller holds the lock of the vault and knows that the code is free.
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    key: &WrappingKey,
    new: NewParticipant<'_>,
    now: i64,
) -> Result<Participant, VaultError> {
    let id = ParticipantId::new();
    let text = id.to_string();
    let secret = Secret::random()?;
    let sealed = seal::seal(key.bytes(), secret_place(key.id(), &[text.as_bytes()]), secret.expose())?;
    let (first, last) = new.shift.ends();
    sqlx::query(
        "INSERT INTO participant (id, project, code, shift_first, shift_last, key_id, secret, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(text)
    .bind(new.subject.project())
    .bind(new.code.as_str())
    .bind(first)
    .bind(last)
    .bind(key.id())
    .bind(sealed)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let participant = Participant {
        id,
        project: new.subject.project().to_owned(),
        code: new.code,
        mapping: Mapping::new(secret, new.shift),
        merged_into: None,
    };
    insert_key(connection, new.subject, new.hash, &participant, now).await?;
    Ok(participant)
}

pub(crate) async fn insert_key(
    connection: &mut AnyConnection,
    subject: &SubjectKey,
    hash: &[u8],
    participant: &Participant,
    now: i64,
) -> Result<(), VaultError> {
    let id = participant.id.to_string();
    let sealed = subject.seal(&participant.mapping.secret().data_key(), subject_place(&id, &[hash]))?;
    sqlx::query(
        "INSERT INTO participant_key (subject_hash, participant, subject, added_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(hash)
    .bind(id)
    .bind(sealed)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// The assigned code of the inclusion list, else a random one if the project draws its codes.
async fn first_code(
    connection: &mut AnyConnection,
    admission: &Admission<'_>,
    hash: &[u8],
) -> Result<Code, VaultError> {
    let subject = admission.subject;
    let known = KnownIdentity {
        patient_id: subject.patient_id(),
        name: admission.name,
        birth_date: admission.birth_date,
    };
    if let Some(code) = list::assigned_code(connection, hash).await? {
        identity_check::of_assigned(code.as_str(), &known)?;
        if !is_free(connection, subject.project(), &code, hash).await? {
            return Err(CodeError::InUse.into());
        }
        return Ok(code);
    }
    let CodeScheme::Random(prefix) = admission.codes else { return Err(CodeError::Missing.into()) };
    for _ in 0..16 {
        let code = Code::random(prefix, &known)?;
        if is_free(connection, subject.project(), &code, hash).await? {
            return Ok(code);
        }
    }
    Err(VaultError::NoFreeCode)
}

/// Whether a code is neither a participant's nor kept for another one by the inclusion list. Erased participants keep theirs.
pub(crate) async fn is_free(
    connection: &mut AnyConnection,
    project: &str,
    code: &Code,
    hash: &[u8],
) -> Result<bool, VaultError> {
    let taken: Option<(String,)> = sqlx::query_as(
        "SELECT code FROM participant WHERE project = $1 AND UPPER(code) = UPPER($2) \
         UNION ALL SELECT code FROM inclusion WHERE project = $1 AND UPPER(code) = UPPER($2) AND subject_hash <> $3",
    )
    .bind(project)
    .bind(code.as_str())
    .bind(hash)
    .fetch_optional(connection)
    .await?;
    Ok(taken.is_none())
}

pub(crate) async fn id_by_subject(
    connection: &mut AnyConnection,
    hash: &[u8],
) -> Result<Option<ParticipantId>, VaultError> {
    let row: Option<(String,)> =
        sqlx::query_as("SELECT participant FROM participant_key WHERE subject_hash = $1")
            .bind(hash)
            .fetch_optional(connection)
            .await?;
    row.map(|(id,)| id.parse()).transpose()
}

async fn by_subject(
    connection: &mut AnyConnection,
    keys: &Keys,
    hash: &[u8],
) -> Result<Option<Participant>, VaultError> {
    match id_by_subject(connection, hash).await? {
        Some(id) => by_id(connection, keys, id).await.map(Some),
        None => Ok(None),
    }
}

type Row = (String, String, i32, i32, Option<String>, Option<Vec<u8>>, Option<String>);

/// The participant with its secret unwrapped; an erased one is an error.
pub(crate) async fn by_id(
    connection: &mut AnyConnection,
    keys: &Keys,
    id: ParticipantId,
) -> Result<Participant, VaultError> {
    let text = id.to_string();
    let row: Option<Row> = sqlx::query_as(
        "SELECT project, code, shift_first, shift_last, key_id, secret, merged_into FROM participant WHERE id = $1",
    )
    .bind(text.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let (project, code, first, last, key_id, sealed, merged_into) =
        row.ok_or(VaultError::Unknown("participant"))?;
    let (Some(key_id), Some(sealed)) = (key_id, sealed) else { return Err(VaultError::Erased) };
    let key = keys.ring.get(&key_id)?;
    let secret = seal::open_key(key.bytes(), secret_place(&key_id, &[text.as_bytes()]), &sealed)?;
    let secret = Secret::from_bytes(&secret);
    let imported: HashMap<String, String> = mapped::imported(connection, id, &secret.data_key()).await?;
    Ok(Participant {
        id,
        project,
        code: Code::assigned(&code).map_err(|_| VaultError::Tampered("participant"))?,
        mapping: Mapping::new(secret, ShiftRange::new(first, last)?).with_imported(imported),
        merged_into: merged_into.map(|id| id.parse()).transpose()?,
    })
}

/// Takes the row of a participant until the end of the transaction, so that nothing is written for it while it is being erased.
pub(crate) async fn hold(
    connection: &mut AnyConnection,
    participant: ParticipantId,
) -> Result<(), VaultError> {
    sqlx::query("UPDATE participant SET created_at = created_at WHERE id = $1")
        .bind(participant.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) fn secret_place<'a>(key_id: &'a str, row: &'a [&'a [u8]]) -> Place<'a> {
    Place { table: "participant", column: "secret", key: key_id, row }
}

pub(crate) fn subject_place<'a>(participant: &'a str, row: &'a [&'a [u8]]) -> Place<'a> {
    Place { table: "participant_key", column: "subject", key: participant, row }
}
