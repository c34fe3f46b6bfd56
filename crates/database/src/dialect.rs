//! What differs between the two engines: settings of a connection and the opening of a write transaction.

/// The engine behind a [`crate::Database`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// One file, one writer, several readers.
    Sqlite,
    /// A server; writers run beside one another.
    PostgreSql,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Reader,
    Writer,
}

impl Dialect {
    /// The engine a URL asks for, by its scheme.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        match url.split_once(':')?.0 {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::PostgreSql),
            _ => None,
        }
    }

    /// Statements that every new connection runs first.
    ///
    /// Both engines sync each commit to the medium: an acknowledgement rests on it. A reader cannot write, so a write beside
    /// the write transaction is an error and not a lock that waits.
    pub(crate) fn session(self, role: Role) -> &'static [&'static str] {
        match (self, role) {
            (Self::Sqlite, Role::Writer) => &[
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
                "PRAGMA busy_timeout = 10000",
                "PRAGMA foreign_keys = ON",
                // deleted rows may have held an identity: their bytes are overwritten, and sorting leaves no temporary file
                "PRAGMA secure_delete = ON",
                "PRAGMA temp_store = MEMORY",
                // the log is cut back after a burst
                "PRAGMA journal_size_limit = 67108864",
            ],
            (Self::Sqlite, Role::Reader) => {
                &["PRAGMA busy_timeout = 10000", "PRAGMA temp_store = MEMORY", "PRAGMA query_only = ON"]
            }
            (Self::PostgreSql, Role::Writer) => &[
                "SET synchronous_commit = on",
                "SET lock_timeout = '10s'",
                "SET client_min_messages = warning",
            ],
            (Self::PostgreSql, Role::Reader) => {
                &["SET default_transaction_read_only = on", "SET client_min_messages = warning"]
            }
        }
    }

    /// The statement that opens a write transaction.
    ///
    /// SQLite takes its write lock at once: a transaction that reads first and writes later could meet
    /// `SQLITE_BUSY_SNAPSHOT`, which no waiting cures.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::PostgreSql => "BEGIN",
        }
    }
}
