//! Errors of the database without what the rows hold.

use std::io;

use sqlx::error::ErrorKind;

/// What went wrong at the database, by what the caller should do.
///
/// The driver's own error is not kept: PostgreSQL puts row values, which may be identities, into the text and the debug form
/// of its errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Correct the configuration. The URL itself is never shown: it may hold a password.
    #[error("the database URL cannot be used: {0}; expected sqlite:PATH or postgres://…")]
    Url(&'static str),
    /// Let the user of the program create and write the file and its directory.
    #[error("the database file cannot be created: {0}")]
    File(io::ErrorKind),
    /// Repeat the whole transaction a little later: another one held the lock, or no connection became free in time.
    #[error("the database is busy; repeat the transaction")]
    Busy,
    /// Acknowledge nothing and repeat later: the database does not answer.
    #[error("the database is not reachable ({0}); nothing was written, repeat later")]
    Unavailable(String),
    /// Acknowledge nothing; free or add storage.
    #[error("the storage of the database is full; free space, then repeat")]
    Full,
    /// The row contradicts another one or a rule of the schema: do not repeat it unchanged.
    #[error("the row breaks the constraint {0}")]
    Constraint(String),
    /// A fault of the program, of a migration or of the schema: report it.
    #[error("the statement failed with code {code}: {text}")]
    Statement {
        /// SQLSTATE on PostgreSQL, extended result code on SQLite.
        code: String,
        /// The engine's words where they cannot hold a row value, else a fixed text.
        text: String,
    },
    /// The row exists but cannot be read as the program expects: report it; do not guess its value.
    #[error("column {0} does not hold what the program expects")]
    Row(String),
    /// A row that must exist does not.
    #[error("no such row")]
    NotFound,
    /// Restore the previous version or repair the database by hand; nothing of this run was kept.
    #[error("migration {name} failed, the schema is as before: {cause}")]
    Migration {
        /// Name of the migration.
        name: &'static str,
        /// Why it failed.
        cause: Box<Self>,
    },
}

impl DatabaseError {
    /// Whether the same transaction may succeed when repeated later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable(_) | Self::Full)
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => from_engine(error.as_ref()),
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Io(error) => Self::Unavailable(error.kind().to_string()),
            sqlx::Error::Tls(_) => Self::Unavailable("TLS".into()),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unavailable("closed".into()),
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::ColumnNotFound(column) => Self::Row(column),
            sqlx::Error::ColumnDecode { index, .. } => Self::Row(index),
            sqlx::Error::Configuration(_) => Self::Url("the driver does not accept it"),
            _ => Self::Statement { code: "driver".into(), text: "the driver refused the statement".into() },
        }
    }
}

fn from_engine(error: &dyn sqlx::error::DatabaseError) -> DatabaseError {
    let code = error.code().unwrap_or_default().into_owned();
    if let Ok(number) = code.parse::<i32>()
        && code.len() < 5
    {
        return from_sqlite(number, code, error);
    }
    let class = code.get(..2).unwrap_or_default();
    match (class, code.as_str()) {
        ("40", _) | (_, "55P03") => DatabaseError::Busy,
        (_, "53100") => DatabaseError::Full,
        ("08" | "53" | "57" | "58", _) => DatabaseError::Unavailable(code),
        ("28" | "3D", _) => DatabaseError::Url("the server refused the role, password or database name"),
        ("23", _) => DatabaseError::Constraint(error.constraint().unwrap_or("NOT NULL").to_owned()),
        // syntax and access: names of the schema only
        ("42", _) => DatabaseError::Statement { code, text: error.message().to_owned() },
        _ => DatabaseError::Statement { code, text: "see the SQLSTATE".into() },
    }
}

/// Result codes of SQLite; the low byte of an extended code is the primary one. Its messages name tables and columns, never values.
fn from_sqlite(number: i32, code: String, error: &dyn sqlx::error::DatabaseError) -> DatabaseError {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const IOERR: i32 = 10;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    match number & 0xff {
        BUSY | LOCKED => DatabaseError::Busy,
        FULL => DatabaseError::Full,
        IOERR | CANTOPEN => DatabaseError::Unavailable(code),
        _ if error.kind() != ErrorKind::Other => DatabaseError::Constraint(error.message().to_owned()),
        _ => DatabaseError::Statement { code, text: error.message().to_owned() },
    }
}
