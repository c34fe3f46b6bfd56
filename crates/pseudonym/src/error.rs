//! What can go wrong in the vault, by what the caller should do.

use database::DatabaseError;

use crate::code::CodeError;
use crate::import::LineError;
use crate::subject::SubjectError;

/// Why the vault has no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockReason {
    /// Run `vault init`.
    #[error("the vault was not created yet: run `research-pacs vault init`")]
    NotCreated,
    /// Put the key file back, or name it in the configuration.
    #[error("its key is not at hand: put the key file back, or name it as `[vault] key`")]
    NoKey,
    /// Give the key that the vault was last rotated to.
    #[error("the key at hand is not its key: give the one it was last rotated to")]
    WrongKey,
}

/// Error of the vault. No variant holds or shows an identity, a code or a UID.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// Go on receiving, hold what needs the vault, and repeat when the key is there: nothing is lost by waiting.
    #[error("the vault is locked: {0}")]
    VaultLocked(LockReason),
    /// Give the program the key named as well (`[vault] previous_key`), then finish the rotation; until then hold and repeat.
    #[error("a row is wrapped by the vault key {0}, which is not at hand")]
    KeyMissing(String),
    /// Give the program the new key: all keys at hand were retired by a rotation. Hold and repeat.
    #[error("the vault was rotated to a key that is not at hand")]
    KeyRetired,
    /// Do not create a second time; open it.
    #[error("the vault exists already")]
    Exists,
    /// Quarantine the object.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// Quarantine the object, or correct the list.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// Quarantine the object: a person decides whether both are the same patient.
    #[error("the study has another name or birth date of the same Patient ID")]
    SecondPerson,
    /// Draw no further: lengthen the codes by another prefix for the project.
    #[error("no free code was found")]
    NoFreeCode,
    /// Purge with a certificate (DEC-S); export and return nothing.
    #[error("the participant is opposed or withdrawn")]
    Opposed,
    /// Block: the participant was erased, nothing can be derived or returned (AC8.2).
    #[error("the participant was erased")]
    Erased,
    /// Block or hand to a person: the vault has no such row. What was anonymised or came already de-identified ends here.
    #[error("the vault has no such {0}")]
    Unknown(&'static str),
    /// Quarantine: what was de-identified and what is given out do not agree; nothing was written.
    #[error("{0}")]
    Contradiction(&'static str),
    /// Ask for who, where and why: no way back to an identity without them (ACX.2).
    #[error("user, application, organisation and reason are needed, each of 1 to {longest} characters", longest = crate::access_log::LONGEST)]
    PurposeMissing,
    /// Correct the file: nothing of it was imported.
    #[error("the file has {} faulty lines, nothing was imported", .0.len())]
    Import(Vec<LineError>),
    /// Split the request, or quarantine: more than the vault takes at once.
    #[error("{0}")]
    Limit(&'static str),
    /// Correct the configuration.
    #[error("the shift of dates is a range of whole days from -18262 to -1")]
    ShiftRange,
    /// Stop and alarm: a sealed value is not what was written at this place, by damage or by tampering.
    #[error("a value of table {0} does not open: damaged or tampered with")]
    Tampered(&'static str),
    /// Repeat later: the operating system gave no random bytes.
    #[error("no random bytes")]
    NoRandomness,
    /// As the variant inside says.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<sqlx::Error> for VaultError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
