//! The own record: identity as received from the clinical PACS, so that a result can go back after the originals are purged
//! (DEC-H, table 8.2).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::AnyConnection;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::derive::trim_uid;
use crate::identity_check::letters_and_digits;
use crate::participant::{Admission, Participant, ParticipantId};
use crate::prf::{Key, prf};
use crate::seal::{self, Place};

const STUDY: &str = "research-pacs/1/record-study:";
const CONTENT: &str = "research-pacs/1/record-content:";
const NAME: &str = "research-pacs/1/record-name:";
const BIRTH: &str = "research-pacs/1/record-birth:";
/// Bytes of one record as stored.
const LARGEST: usize = 256 * 1024;
/// Records of one study that differ.
const MOST: i64 = 64;

/// A value as received: three cases that a return must keep apart (AC8.10).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// The element was not there.
    Absent,
    /// The element was there, without a value.
    Empty,
    /// The raw bytes of the value, in little endian, with its padding, in the character set of the record. Of a sequence its items, in
    /// explicit VR little endian.
    Bytes(#[serde(serialize_with = "to_base64", deserialize_with = "from_base64")] Vec<u8>),
}

/// One attribute as received.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Group in the upper, element in the lower 16 bits.
    pub tag: u32,
    /// Value representation, two capitals.
    pub vr: [u8; 2],
    /// The value.
    pub value: Value,
}

/// Where, when and under which rules an identity was received.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Calling AE title of the sender, where the result will go back.
    pub calling_ae: String,
    /// Name of the peer's entry in the configuration.
    pub peer: String,
    /// Epoch milliseconds.
    pub received_at: i64,
    /// Version of the dossier in force.
    pub dossier: String,
}

/// Patient and study attributes of one DICOM study as received.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnRecord {
    /// Study Instance UID as received, without padding.
    pub study: String,
    /// Specific Character Set (0008,0005) as received.
    pub character_set: Value,
    /// Attributes of the modules Patient, Patient Study and General Study (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2): what is not among them was
    /// absent, too.
    pub attributes: Vec<Attribute>,
    /// Source and time.
    pub receipt: Receipt,
}

impl fmt::Debug for OwnRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OwnRecord({} attributes)", self.attributes.len())
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Attribute({:08X})", self.tag)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "Absent",
            Self::Empty => "Empty",
            Self::Bytes(_) => "Bytes(..)",
        })
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Receipt({})", self.peer)
    }
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// What stands for a study in the table: keyed by the participant's secret, so that an erased row cannot be guessed.
pub(crate) fn study_hash(data_key: &Key, study: &str) -> Vec<u8> {
    prf(data_key, STUDY, trim_uid(study).as_bytes()).to_vec()
}

impl OwnRecord {
    fn serialized(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let bytes: usize = self.attributes.iter().map(|attribute| attribute.value.len() + 64).sum();
        let text = serde_json::to_vec(self).map(Zeroizing::new).ok().filter(|text| text.len() <= LARGEST);
        if bytes > LARGEST {
            return Err(VaultError::Limit("the identity as received is larger than 256 KiB"));
        }
        text.ok_or(VaultError::Limit("the identity as received is larger than 256 KiB"))
    }

    /// Two records are the same when all but their receipt is: the second series of a study adds nothing.
    fn content_hash(&self, data_key: &Key) -> Result<Vec<u8>, VaultError> {
        let receipt = Receipt {
            calling_ae: String::new(),
            peer: String::new(),
            received_at: 0,
            dossier: String::new(),
        };
        let mut content = Self { study: trim_uid(&self.study).into(), receipt, ..self.clone() };
        content.attributes.sort_by_key(|attribute| attribute.tag);
        Ok(prf(data_key, CONTENT, &content.serialized()?).to_vec())
    }
}

impl Value {
    fn len(&self) -> usize {
        if let Self::Bytes(bytes) = self { bytes.len() } else { 0 }
    }
}

/// A record on its way into the table.
pub(crate) struct NewRecord<'a> {
    record: &'a OwnRecord,
    participant: ParticipantId,
    data_key: Key,
    study_hash: Vec<u8>,
    record_hash: Vec<u8>,
    /// Of name and birth date, as far as they are there.
    person: [Option<Vec<u8>>; 2],
}

impl<'a> NewRecord<'a> {
    pub(crate) fn new(admission: &Admission<'a>, participant: &Participant) -> Result<Self, VaultError> {
        let record = admission.record;
        let data_key = participant.mapping.secret().data_key();
        let study_hash = study_hash(&data_key, &record.study);
        let record_hash = record.content_hash(&data_key)?;
        let keyed =
            |label, text: String| (!text.is_empty()).then(|| prf(&data_key, label, text.as_bytes()).to_vec());
        let alphabetic = admission.name.split('=').next().unwrap_or_default();
        let person = [
            keyed(NAME, letters_and_digits(alphabetic)),
            keyed(BIRTH, letters_and_digits(admission.birth_date)),
        ];
        Ok(Self { record, participant: participant.id, data_key, study_hash, record_hash, person })
    }

    /// A study is of one person: another name or birth date than it had before is somebody else's, or a correction that a person
    /// has to see. Case, accents, punctuation and what is not there at all make no difference.
    pub(crate) async fn refuse_second_person(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<(), VaultError> {
        let [name, birth] = &self.person;
        let (others,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM own_record WHERE participant = $1 AND study_hash = $2 \
             AND (name_hash <> $3 OR birth_hash <> $4)",
        )
        .bind(self.participant.to_string())
        .bind(self.study_hash.as_slice())
        .bind(name.as_deref())
        .bind(birth.as_deref())
        .fetch_one(connection)
        .await?;
        if others > 0 { Err(VaultError::SecondPerson) } else { Ok(()) }
    }

    pub(crate) async fn is_held(&self, connection: &mut AnyConnection) -> Result<bool, VaultError> {
        let held: Option<(i64,)> = sqlx::query_as(
            "SELECT received_at FROM own_record WHERE participant = $1 AND study_hash = $2 AND record_hash = $3",
        )
        .bind(self.participant.to_string())
        .bind(self.study_hash.as_slice())
        .bind(self.record_hash.as_slice())
        .fetch_optional(connection)
        .await?;
        Ok(held.is_some())
    }

    pub(crate) async fn insert(&self, connection: &mut AnyConnection) -> Result<(), VaultError> {
        let (held,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM own_record WHERE participant = $1 AND study_hash = $2")
                .bind(self.participant.to_string())
                .bind(self.study_hash.as_slice())
                .fetch_one(&mut *connection)
                .await?;
        if held >= MOST {
            return Err(VaultError::Limit("more than 64 different identities were received in one study"));
        }
        let participant = self.participant.to_string();
        let [name, birth] = &self.person;
        let row = [self.study_hash.as_slice(), self.record_hash.as_slice()];
        let sealed = seal::seal(&self.data_key, place(&participant, &row), &self.record.serialized()?)?;
        sqlx::query(
            "INSERT INTO own_record (participant, study_hash, record_hash, record, name_hash, birth_hash, received_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (participant, study_hash, record_hash) DO NOTHING",
        )
        .bind(participant)
        .bind(self.study_hash.as_slice())
        .bind(self.record_hash.as_slice())
        .bind(sealed)
        .bind(name.as_deref())
        .bind(birth.as_deref())
        .bind(self.record.receipt.received_at)
        .execute(connection)
        .await?;
        Ok(())
    }
}

fn place<'a>(participant: &'a str, row: &'a [&'a [u8]]) -> Place<'a> {
    Place { table: "own_record", column: "record", key: participant, row }
}

/// The records of one study, the one received first in front.
pub(crate) async fn of_study(
    connection: &mut AnyConnection,
    participant: ParticipantId,
    data_key: &Key,
    study: &str,
) -> Result<Vec<OwnRecord>, VaultError> {
    let study_hash = study_hash(data_key, study);
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT record_hash, record FROM own_record WHERE participant = $1 AND study_hash = $2 \
         ORDER BY received_at, record_hash",
    )
    .bind(participant.to_string())
    .bind(study_hash.as_slice())
    .fetch_all(connection)
    .await?;
    let participant = participant.to_string();
    let open = |(record_hash, sealed): (Vec<u8>, Vec<u8>)| {
        let plain = seal::open(data_key, place(&participant, &[&study_hash, &record_hash]), &sealed)?;
        serde_json::from_slice(&plain).map_err(|_| VaultError::Tampered("own_record"))
    };
    rows.into_iter().map(open).collect()
}
