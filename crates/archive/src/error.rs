//! Errors of the archive.

use database::DatabaseError;

/// What went wrong in the archive's rows, by what the caller should do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Roll back; repeat the transaction if [`DatabaseError::is_transient`], else report it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Report it: a row holds a value that this version does not know. Nothing was changed.
    #[error("column {0} holds a value that this version does not know")]
    Unknown(&'static str),
    /// Do not repeat: the state machine has no such arrow. Look at the current state first.
    #[error("{machine} {id} is {state}: {event} is not possible")]
    Refused {
        /// `job`, `result set`, `quarantine item` or `job of the queue`.
        machine: &'static str,
        /// Our own id of the row.
        id: uuid::Uuid,
        /// State it is in.
        state: String,
        /// What was asked for.
        event: String,
    },
    /// Ask the gate and pass its result: nothing leaves without it (INV-3).
    #[error("{machine} {id}: {event} needs the hash of a gate evaluation")]
    GateMissing {
        /// `job`, `result set` or `instance`.
        machine: &'static str,
        /// Our own id of the row.
        id: uuid::Uuid,
        /// What was asked for.
        event: String,
    },
    /// Say who changes it, why, and under which version of the dossier: nothing changes without (INV-2).
    #[error("{machine} {id}: {event} needs an actor, a cause and a dossier version")]
    Unexplained {
        /// `job` or `result set`.
        machine: &'static str,
        /// Our own id of the row.
        id: uuid::Uuid,
        /// What was asked for.
        event: String,
    },
    /// Stop this work: the lease ran out and someone else may hold it (fencing).
    #[error("the lease of job {0} is lost; stop the work on it")]
    LeaseLost(uuid::Uuid),
    /// Nothing has this id; it may have been purged.
    #[error("no {what} has the id {id}")]
    NotFound {
        /// Kind of the row.
        what: &'static str,
        /// Our own id.
        id: uuid::Uuid,
    },
}

impl From<sqlx::Error> for ArchiveError {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}
