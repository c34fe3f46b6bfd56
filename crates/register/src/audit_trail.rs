//! The audit trail: rows are only ever added, and each is chained to the one before (architecture ARC-29).
//!
//! `hash = SHA-256(previous hash as 64 hexadecimal digits, line feed, entry)`; the first previous hash is 64 zeros and the
//! entry is one line of canonical JSON, so `printf '%s\n%s' "$previous" "$entry" | sha256sum` checks a row without us.
//! The row of `audit_head` names the end of the chain; updating it first makes writers queue up on PostgreSQL too.

use database::DatabaseError;
use serde_json::json;
use sqlx::{AnyConnection, Row};

use crate::canonical::{canonical_json, sha256_hex};
use crate::{Actor, AuditEvent, Text};

/// The trail and its head.
pub(crate) const SCHEMA: &str = "
CREATE TABLE audit_trail (
    seq BIGINT PRIMARY KEY NOT NULL,
    at BIGINT NOT NULL,
    code TEXT NOT NULL,
    entry TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_trail_code ON audit_trail (code, seq);
CREATE TABLE audit_head (
    id SMALLINT PRIMARY KEY NOT NULL CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
";

const LOCK_HEAD: &str = "UPDATE audit_head SET seq = seq WHERE id = 1 RETURNING seq, hash";
const INSERT: &str = "INSERT INTO audit_trail (seq, at, code, entry, hash) VALUES ($1, $2, $3, $4, $5)";
const MOVE_HEAD: &str = "UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1";
const READ_HEAD: &str = "SELECT seq, hash FROM audit_head WHERE id = 1";

/// Something that happened, at a time, by someone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Epoch milliseconds.
    pub at: i64,
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: AuditEvent,
}

/// The end of the chain. Kept somewhere else, it proves later that nothing was cut off or rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Number of entries.
    pub seq: i64,
    /// Hash of the last entry, 64 hexadecimal digits.
    pub hash: String,
}

/// The only writer of the trail; stamps each entry with the installation (ACX.2).
#[derive(Debug, Clone)]
pub struct AuditTrail {
    organisation: Text<64>,
    application: Text<64>,
}

impl AuditTrail {
    /// `organisation` runs the program, `application` is its name and version.
    #[must_use]
    pub fn new(organisation: &str, application: &str) -> Self {
        Self {
            organisation: Text::from_operator(organisation),
            application: Text::from_operator(application),
        }
    }

    /// Adds the records in their order, in the caller's transaction.
    ///
    /// Call it last in the transaction: from here to the commit other writers of the trail wait on PostgreSQL.
    ///
    /// # Errors
    /// [`DatabaseError`]: what was to be audited must not happen; repeat the transaction.
    pub async fn append(
        &self,
        connection: &mut AnyConnection,
        records: &[AuditRecord],
    ) -> Result<(), DatabaseError> {
        if records.is_empty() {
            return Ok(());
        }
        let row = sqlx::query(LOCK_HEAD).fetch_one(&mut *connection).await?;
        let mut head = Head { seq: row.try_get("seq")?, hash: row.try_get("hash")? };
        for record in records {
            head.seq += 1;
            let entry = self.entry(head.seq, record);
            head.hash = link(&head.hash, &entry);
            sqlx::query(INSERT)
                .bind(head.seq)
                .bind(record.at)
                .bind(record.event.code())
                .bind(entry)
                .bind(head.hash.as_str())
                .execute(&mut *connection)
                .await?;
        }
        sqlx::query(MOVE_HEAD).bind(head.seq).bind(head.hash).execute(connection).await?;
        Ok(())
    }

    fn entry(&self, seq: i64, record: &AuditRecord) -> String {
        canonical_json(&json!({
            "v": 1,
            "seq": seq,
            "at": record.at,
            "code": record.event.code(),
            "organisation": self.organisation,
            "application": self.application,
            "actor": record.actor,
            "event": record.event,
        }))
    }
}

/// The hash of an entry, given that of the entry before.
pub(crate) fn link(previous: &str, entry: &str) -> String {
    sha256_hex(&format!("{previous}\n{entry}"))
}

/// Reads the end of the chain, for an anchor outside the database (a log line, a printed report).
///
/// # Errors
/// [`DatabaseError`].
pub async fn head(connection: &mut AnyConnection) -> Result<Head, DatabaseError> {
    let row = sqlx::query(READ_HEAD).fetch_one(connection).await?;
    Ok(Head { seq: row.try_get("seq")?, hash: row.try_get("hash")? })
}
