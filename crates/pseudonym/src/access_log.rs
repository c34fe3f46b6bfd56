//! The access log of the vault: who went from a pseudonym to an identity, or changed what identifies, when and why (R05, ACX.2,
//! RC-13). Rows are only ever added; each carries a keyed hash over itself and the one before, so that a changed, removed or
//! inserted row shows. The reason is sealed, as people write names into reasons.

use sqlx::AnyConnection;

use crate::VaultError;
use crate::participant::ParticipantId;
use crate::prf::{framed, prf};
use crate::seal::{self, Place};
use crate::vault::{Keys, Vault};

const CHAIN: &str = "research-pacs/1/access-chain:";
/// Characters of each part of a purpose.
pub(crate) const LONGEST: usize = 1000;

/// Who asks, with what, for whom and why. Nothing that leads to an identity works without one.
#[derive(Clone, PartialEq, Eq)]
pub struct Purpose {
    user: String,
    application: String,
    organisation: String,
    reason: String,
}

impl Purpose {
    /// `user` is a person's account, or the name of a stage for the automatic return; `reason` is what that person wrote, or
    /// the job it serves.
    ///
    /// # Errors
    /// [`VaultError::PurposeMissing`] when a part is blank or longer than 1000 characters: ask again.
    pub fn new(user: &str, application: &str, organisation: &str, reason: &str) -> Result<Self, VaultError> {
        let parts = [user, application, organisation, reason];
        if parts.iter().any(|part| part.trim().is_empty() || part.chars().count() > LONGEST) {
            return Err(VaultError::PurposeMissing);
        }
        let [user, application, organisation, reason] = parts.map(|part| part.trim().to_owned());
        Ok(Self { user, application, organisation, reason })
    }
}

impl std::fmt::Debug for Purpose {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Purpose({}, {}, ..)", self.user, self.application)
    }
}

/// What was done.
#[derive(Clone, Copy)]
pub(crate) struct Act<'a> {
    pub(crate) action: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) project: &'a str,
    pub(crate) participant: Option<ParticipantId>,
}

/// One line of the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEntry {
    /// Number, from 1, without gaps.
    pub seq: i64,
    /// Epoch milliseconds.
    pub at: i64,
    /// `reidentify`, `merge`, `erase`, `list`, …
    pub action: String,
    /// `done`, or why it was refused.
    pub outcome: String,
    /// Project.
    pub project: String,
    /// Own id of the participant; empty when the act concerns the whole project.
    pub participant: String,
    /// Who, with what, for whom and why.
    pub purpose: Purpose,
}

impl AccessEntry {
    fn mac(&self, keys: &Keys, before: &[u8]) -> Vec<u8> {
        let (seq, at) = (self.seq.to_be_bytes(), self.at.to_be_bytes());
        let purpose = &self.purpose;
        let texts = [
            &self.action,
            &self.outcome,
            &self.project,
            &self.participant,
            &purpose.user,
            &purpose.application,
            &purpose.organisation,
            &purpose.reason,
        ];
        let fields: Vec<&[u8]> =
            [before, &seq, &at].into_iter().chain(texts.iter().map(|text| text.as_bytes())).collect();
        prf(&keys.log, CHAIN, &framed(&fields)).to_vec()
    }
}

/// Adds a line inside the caller's transaction; it takes the lock of the log until the end of it.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    keys: &Keys,
    act: Act<'_>,
    purpose: &Purpose,
    now: i64,
) -> Result<(), VaultError> {
    let (seq, before): (i64, Vec<u8>) =
        sqlx::query_as("UPDATE access_log_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, mac")
            .fetch_one(&mut *connection)
            .await?;
    let entry = AccessEntry {
        seq,
        at: now,
        action: act.action.into(),
        outcome: act.outcome.into(),
        project: act.project.into(),
        participant: act.participant.map(|id| id.to_string()).unwrap_or_default(),
        purpose: purpose.clone(),
    };
    let mac = entry.mac(keys, &before);
    let reason = seal::seal(&keys.log, place(&[&seq.to_be_bytes()]), purpose.reason.as_bytes())?;
    sqlx::query(
        "INSERT INTO access_log (seq, at, action, outcome, project, participant, user_name, application, organisation, \
         reason, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(seq)
    .bind(now)
    .bind(entry.action)
    .bind(entry.outcome)
    .bind(entry.project)
    .bind(entry.participant)
    .bind(entry.purpose.user)
    .bind(entry.purpose.application)
    .bind(entry.purpose.organisation)
    .bind(reason)
    .bind(mac.as_slice())
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE access_log_head SET mac = $1 WHERE id = 1").bind(mac).execute(connection).await?;
    Ok(())
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place { table: "access_log", column: "reason", key: "log", row }
}

type Row = (i64, i64, String, String, String, String, String, String, String, Vec<u8>, Vec<u8>);

fn read(keys: &Keys, row: Row) -> Result<(AccessEntry, Vec<u8>), VaultError> {
    let (seq, at, action, outcome, project, participant, user, application, organisation, reason, mac) = row;
    let reason = seal::open_text(&keys.log, place(&[&seq.to_be_bytes()]), &reason)?;
    let purpose = Purpose { user, application, organisation, reason };
    Ok((AccessEntry { seq, at, action, outcome, project, participant, purpose }, mac))
}

impl Vault {
    /// At most `limit` lines with numbers above `after`, in order.
    ///
    /// # Errors
    /// [`VaultError::Tampered`]: alarm. [`VaultError::VaultLocked`], [`VaultError::Database`].
    pub async fn access_log(&self, after: i64, limit: u32) -> Result<Vec<AccessEntry>, VaultError> {
        let lines = self.lines(after, limit).await?;
        Ok(lines.into_iter().map(|(entry, _)| entry).collect())
    }

    async fn lines(&self, after: i64, limit: u32) -> Result<Vec<(AccessEntry, Vec<u8>)>, VaultError> {
        let keys = self.keys()?;
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT seq, at, action, outcome, project, participant, user_name, application, organisation, reason, mac \
             FROM access_log WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.database.reader())
        .await?;
        rows.into_iter().map(|row| read(keys, row)).collect()
    }

    /// Checks the whole chain and gives the number of lines.
    ///
    /// # Errors
    /// [`VaultError::Tampered`]: a line was changed, removed or put in; alarm.
    pub async fn verify_access_log(&self) -> Result<i64, VaultError> {
        let keys = self.keys()?;
        let tampered = || VaultError::Tampered("access_log");
        // the head first: lines that are added meanwhile lie above it
        let (last, head): (i64, Vec<u8>) =
            sqlx::query_as("SELECT seq, mac FROM access_log_head WHERE id = 1")
                .fetch_optional(self.database.reader())
                .await?
                .ok_or_else(tampered)?;
        let (mut seq, mut before) = (0, vec![0_u8; 32]);
        while seq < last {
            let lines = self.lines(seq, 1000).await?;
            if lines.is_empty() {
                return Err(tampered());
            }
            for (entry, mac) in lines.into_iter().filter(|(entry, _)| entry.seq <= last) {
                if entry.seq != seq + 1 || entry.mac(keys, &before) != mac {
                    return Err(tampered());
                }
                (seq, before) = (entry.seq, mac);
            }
        }
        if before == head { Ok(last) } else { Err(tampered()) }
    }
}
