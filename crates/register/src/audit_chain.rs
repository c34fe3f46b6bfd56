//! Reading the trail: verification of the chain and export, both page by page.

use std::io;

use database::{Database, DatabaseError};
use serde_json::Value;
use sqlx::{AnyPool, Row};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::audit_trail::{Head, head, link};

const PAGE: i64 = 500;
const SELECT: &str =
    "SELECT seq, at, code, entry, hash FROM audit_trail WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
/// The hash before the first entry.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What went wrong while reading the trail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// Repeat later.
    #[error("the audit trail cannot be read: {0}")]
    Database(#[from] DatabaseError),
    /// Someone changed, removed or added rows beside the program: keep a copy of the database and call the person in charge.
    #[error(
        "RPACS-AUDIT-9001: the audit trail is broken at entry {seq}: {what}; keep a copy of the database and report it"
    )]
    Broken {
        /// First entry that does not hold.
        seq: i64,
        /// In what way.
        what: &'static str,
    },
    /// Make room for the export or choose another place.
    #[error("the export of the audit trail could not be written: {0}")]
    Write(#[from] io::Error),
}

/// A chain that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// Where it ends now; keep it and give it as anchor next time.
    pub head: Head,
}

/// Recomputes the whole chain.
///
/// With an `anchor` that was kept outside, rewriting the chain up to it is found too; without one only an inconsistent change is.
///
/// # Errors
/// [`AuditError::Broken`] with the first entry that does not hold, [`AuditError::Database`].
pub async fn verify_chain(database: &Database, anchor: Option<&Head>) -> Result<ChainReport, AuditError> {
    let end = read_head(database).await?;
    if let Some(anchor) = anchor
        && anchor.seq > end.seq
    {
        return Err(AuditError::Broken { seq: end.seq + 1, what: "entries up to the anchor are missing" });
    }
    let mut last = Head { seq: 0, hash: GENESIS.to_owned() };
    loop {
        let page = page(database.reader(), last.seq, end.seq).await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            last = check(&row, &last)?;
            if anchor.is_some_and(|anchor| anchor.seq == last.seq && anchor.hash != last.hash) {
                return Err(AuditError::Broken {
                    seq: last.seq,
                    what: "its hash is not the one of the anchor",
                });
            }
        }
    }
    if last != end {
        return Err(AuditError::Broken {
            seq: last.seq + 1,
            what: "the end of the chain is not where the head says",
        });
    }
    Ok(ChainReport { head: end })
}

/// Writes the entries after number `after` as JSON lines `{"hash":"…","entry":{…}}` and returns the end of the chain.
///
/// # Errors
/// [`AuditError::Write`], [`AuditError::Database`].
pub async fn export_json_lines(
    database: &Database,
    after: i64,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<Head, AuditError> {
    let end = read_head(database).await?;
    let mut last = after;
    loop {
        let page = page(database.reader(), last, end.seq).await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            let line = format!("{{\"hash\":\"{}\",\"entry\":{}}}\n", row.hash, row.entry);
            out.write_all(line.as_bytes()).await?;
            last = row.seq;
        }
    }
    out.flush().await?;
    Ok(end)
}

struct Stored {
    seq: i64,
    at: i64,
    code: String,
    entry: String,
    hash: String,
}

fn check(row: &Stored, previous: &Head) -> Result<Head, AuditError> {
    let broken = |what| AuditError::Broken { seq: previous.seq + 1, what };
    if row.seq != previous.seq + 1 {
        return Err(broken("it is missing"));
    }
    if row.hash != link(&previous.hash, &row.entry) {
        return Err(broken("its hash does not follow from it and the entry before"));
    }
    let entry: Value = serde_json::from_str(&row.entry).map_err(|_| broken("it is not JSON"))?;
    let same = entry.get("seq").and_then(Value::as_i64) == Some(row.seq)
        && entry.get("at").and_then(Value::as_i64) == Some(row.at)
        && entry.get("code").and_then(Value::as_str) == Some(row.code.as_str());
    if !same {
        return Err(broken("its columns are not those of the entry"));
    }
    Ok(Head { seq: row.seq, hash: row.hash.clone() })
}

async fn read_head(database: &Database) -> Result<Head, DatabaseError> {
    let mut connection = database.reader().acquire().await?;
    head(&mut connection).await
}

async fn page(reader: &AnyPool, after: i64, until: i64) -> Result<Vec<Stored>, DatabaseError> {
    let rows = sqlx::query(SELECT).bind(after).bind(until).bind(PAGE).fetch_all(reader).await?;
    rows.iter()
        .map(|row| {
            Ok(Stored {
                seq: row.try_get("seq")?,
                at: row.try_get("at")?,
                code: row.try_get("code")?,
                entry: row.try_get("entry")?,
                hash: row.try_get("hash")?,
            })
        })
        .collect()
}
