//! Results on their way back: as fetched from the partner (Z4), and with the identity given back (Z5).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use database::{Statement, storable};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::words::words;
use crate::{ArchiveError, row};

words! {
    /// Where an instance of the return buffer stands.
    ReturnState {
        /// Not yet sent.
        Waiting = "waiting",
        /// Accepted by the clinical PACS, not yet confirmed.
        Sent = "sent",
        /// Known to be kept there: commitment or query (AC9.3).
        Confirmed = "confirmed",
        /// Refused, or lost there.
        Failed = "failed",
    }
}

/// One instance of a result set. It may identify a person: no `Display`, and `Debug` shows our own id only.
#[derive(Clone, PartialEq, Eq)]
pub struct ResultInstance {
    /// Our own id, the same in Z4, Z5 and Z3.
    pub id: Uuid,
    /// Our own id of the result set.
    pub result_set: Uuid,
    /// (0020,000D)
    pub study_instance_uid: String,
    /// (0020,000E)
    pub series_instance_uid: String,
    /// (0008,0018)
    pub sop_instance_uid: String,
    /// (0008,0016)
    pub sop_class_uid: String,
    /// Transfer syntax of the stored object.
    pub transfer_syntax_uid: String,
    /// Key of the object in its zone.
    pub location: String,
    /// Length of the object.
    pub bytes: u64,
    /// BLAKE3 of the object.
    pub blake3: [u8; 32],
}

impl fmt::Debug for ResultInstance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ResultInstance").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An instance of the return buffer and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnInstance {
    /// The instance, with the identity given back.
    pub instance: ResultInstance,
    /// Where it stands.
    pub state: ReturnState,
    /// Status of the clinical PACS, in its own code.
    pub status: String,
    /// How often the clinical PACS took it.
    pub pushes: u32,
    /// Epoch milliseconds.
    pub state_at: i64,
}

/// Writes rows for what is durable in Z4; what the result set has already is passed over. Answers how many were new.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn insert_inbound(
    connection: &mut AnyConnection,
    partner: &str,
    instances: &[ResultInstance],
    now: i64,
) -> Result<u64, ArchiveError> {
    let mut new = 0;
    for chunk in instances.chunks(Statement::ROWS) {
        let mut insert = Statement::new(
            "INSERT INTO inbound_instance (id, result_set, study_instance_uid, series_instance_uid, sop_instance_uid, \
             sop_class_uid, transfer_syntax_uid, location, bytes, blake3, partner, fetched_at) VALUES ",
        );
        for (number, instance) in chunk.iter().enumerate() {
            values(&mut insert, number, instance);
            insert.push(", ").bind(partner).push(", ").bind(now).push(")");
        }
        insert.push(" ON CONFLICT (result_set, sop_instance_uid) DO NOTHING");
        new += insert.prepared().execute(&mut *connection).await?.rows_affected();
    }
    Ok(new)
}

/// What a partner gave under a SOP Instance UID before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The result set that it came in.
    pub result_set: Uuid,
    /// (0008,0018)
    pub sop_instance_uid: String,
    /// Stands for the content by the partner's manifest; `None` where a transport gives none.
    pub content: Option<[u8; 32]>,
}

/// Notes what stands for the content by the partner's manifest, of an instance of a result set.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn note_offered(
    connection: &mut AnyConnection,
    result_set: Uuid,
    sop_instance_uid: &str,
    content: [u8; 32],
) -> Result<(), ArchiveError> {
    sqlx::query("UPDATE inbound_instance SET offered = $3 WHERE result_set = $1 AND sop_instance_uid = $2")
        .bind(result_set.to_string())
        .bind(storable(sop_instance_uid))
        .bind(content.to_vec())
        .execute(connection)
        .await?;
    Ok(())
}

/// What this partner gave already under `sop_instance_uids` in a study, and of which a row is left (AC6.3): the oldest first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn offered(
    connection: &mut AnyConnection,
    partner: &str,
    study_instance_uid: &str,
    sop_instance_uids: &[String],
) -> Result<Vec<Offered>, ArchiveError> {
    let mut offered = Vec::new();
    for chunk in sop_instance_uids.chunks(Statement::IDS) {
        let mut find = Statement::new(
            "SELECT result_set, sop_instance_uid, offered FROM inbound_instance WHERE partner = ",
        );
        find.bind(partner)
            .push(" AND study_instance_uid = ")
            .bind(storable(study_instance_uid))
            .push(" AND sop_instance_uid IN (")
            .list(chunk.iter().map(|uid| storable(uid)))
            .push(") ORDER BY id");
        for row in find.query().fetch_all(&mut *connection).await? {
            offered.push(Offered {
                result_set: row::id(&row, "result_set")?,
                sop_instance_uid: row.try_get("sop_instance_uid")?,
                content: row::optional_hash(&row, "offered")?,
            });
        }
    }
    Ok(offered)
}

/// Those of `objects` of Z4 or Z5 that a row speaks of. An object of Z5 has the id of the one in Z4 that it is made from.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn known_objects(
    connection: &mut AnyConnection,
    objects: &[Uuid],
) -> Result<BTreeSet<Uuid>, ArchiveError> {
    let mut known = BTreeSet::new();
    for chunk in objects.chunks(Statement::IDS) {
        for table in
            ["SELECT id FROM inbound_instance WHERE id IN (", "SELECT id FROM return_instance WHERE id IN ("]
        {
            let mut find = Statement::new(table);
            find.list(chunk.iter().map(Uuid::to_string)).push(")");
            for row in find.query().fetch_all(&mut *connection).await? {
                known.insert(row::id(&row, "id")?);
            }
        }
    }
    Ok(known)
}

/// Those of `sop_instance_uids` that this partner gave in another result set (RR-7).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn inbound_of_others(
    connection: &mut AnyConnection,
    partner: &str,
    result_set: Uuid,
    sop_instance_uids: &[String],
) -> Result<BTreeSet<String>, ArchiveError> {
    let mut taken = BTreeSet::new();
    for chunk in sop_instance_uids.chunks(Statement::IDS) {
        let mut find = Statement::new("SELECT sop_instance_uid FROM inbound_instance WHERE partner = ");
        find.bind(partner)
            .push(" AND result_set <> ")
            .bind(result_set.to_string())
            .push(" AND sop_instance_uid IN (")
            .list(chunk.iter().map(|uid| storable(uid)))
            .push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            taken.insert(row.try_get(0)?);
        }
    }
    Ok(taken)
}

/// The other result sets that brought one of these series, with its UID (RR-7).
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn series_of_others(
    connection: &mut AnyConnection,
    result_set: Uuid,
    series_instance_uids: &[String],
) -> Result<BTreeSet<(String, Uuid)>, ArchiveError> {
    let mut found = BTreeSet::new();
    for chunk in series_instance_uids.chunks(Statement::IDS) {
        let mut find = Statement::new(
            "SELECT DISTINCT series_instance_uid, result_set FROM inbound_instance WHERE result_set <> ",
        );
        find.bind(result_set.to_string())
            .push(" AND series_instance_uid IN (")
            .list(chunk.iter().map(|uid| storable(uid)))
            .push(")");
        for row in find.query().fetch_all(&mut *connection).await? {
            found.insert((row.try_get("series_instance_uid")?, row::id(&row, "result_set")?));
        }
    }
    Ok(found)
}

/// What a result set holds in Z4, in the order of arrival.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn inbound_of(
    executor: impl AnyExecutor<'_>,
    result_set: Uuid,
) -> Result<Vec<ResultInstance>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM inbound_instance WHERE result_set = $1 ORDER BY id")
        .bind(result_set.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Writes rows for what is durable in Z5; an instance that was reconciled again takes the place of its former row.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn insert_return(
    connection: &mut AnyConnection,
    instances: &[ResultInstance],
    now: i64,
) -> Result<(), ArchiveError> {
    for chunk in instances.chunks(Statement::ROWS) {
        let mut insert = Statement::new(
            "INSERT INTO return_instance (id, result_set, study_instance_uid, series_instance_uid, sop_instance_uid, \
             sop_class_uid, transfer_syntax_uid, location, bytes, blake3, state, status, state_at) VALUES ",
        );
        for (number, instance) in chunk.iter().enumerate() {
            values(&mut insert, number, instance);
            insert.push(", 'waiting', '', ").bind(now).push(")");
        }
        insert.push(
            " ON CONFLICT (id) DO UPDATE SET study_instance_uid = excluded.study_instance_uid, \
             series_instance_uid = excluded.series_instance_uid, sop_instance_uid = excluded.sop_instance_uid, \
             location = excluded.location, bytes = excluded.bytes, blake3 = excluded.blake3, state = excluded.state, \
             status = excluded.status, pushes = 0, state_at = excluded.state_at",
        );
        insert.prepared().execute(&mut *connection).await?;
    }
    Ok(())
}

/// What a result set holds in Z5, in the order of arrival.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn return_of(
    executor: impl AnyExecutor<'_>,
    result_set: Uuid,
) -> Result<Vec<ReturnInstance>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM return_instance WHERE result_set = $1 ORDER BY id")
        .bind(result_set.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ReturnInstance {
                instance: from_row(row)?,
                state: row::word(row, "state", ReturnState::parse)?,
                status: row.try_get("status")?,
                pushes: row::small(row, "pushes")?,
                state_at: row.try_get("state_at")?,
            })
        })
        .collect()
}

/// Notes what the clinical PACS said about one instance; what is confirmed stays so.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn note_return(
    connection: &mut AnyConnection,
    id: Uuid,
    state: ReturnState,
    status: &str,
    now: i64,
) -> Result<(), ArchiveError> {
    sqlx::query(
        "UPDATE return_instance SET state = $2, status = $3, state_at = $4, \
         pushes = pushes + CASE WHEN $2 = 'sent' THEN 1 ELSE 0 END WHERE id = $1 AND state <> 'confirmed'",
    )
    .bind(id.to_string())
    .bind(state.as_str())
    .bind(storable(status))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets an instance be pushed again that the clinical PACS took and lost; `anew` forgets how often that was.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn push_again(
    connection: &mut AnyConnection,
    id: Uuid,
    anew: bool,
    now: i64,
) -> Result<(), ArchiveError> {
    sqlx::query(
        "UPDATE return_instance SET state = 'waiting', status = 'lost', state_at = $2, \
         pushes = CASE WHEN $3 = 1 THEN 0 ELSE pushes END WHERE id = $1 AND state <> 'confirmed'",
    )
    .bind(id.to_string())
    .bind(now)
    .bind(i32::from(anew))
    .execute(connection)
    .await?;
    Ok(())
}

/// Number of instances of a result set in each state of the return: it is returned when all are confirmed (INV-7).
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn return_progress(
    executor: impl AnyExecutor<'_>,
    result_set: Uuid,
) -> Result<Vec<(ReturnState, u64)>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT state, COUNT(*) AS instances FROM return_instance WHERE result_set = $1 GROUP BY state ORDER BY state",
    )
    .bind(result_set.to_string())
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| Ok((row::word(row, "state", ReturnState::parse)?, row::count(row, "instances")?)))
        .collect()
}

/// Up to `limit` result sets after `after` of which rows are left, in the order of their ids.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn result_sets_held(
    executor: impl AnyExecutor<'_>,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Uuid>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT result_set FROM inbound_instance WHERE result_set > $1 \
         UNION SELECT result_set FROM return_instance WHERE result_set > $1 ORDER BY result_set LIMIT $2",
    )
    .bind(after.to_string())
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| row::id(row, "result_set")).collect()
}

/// Whether Z4 and Z5 hold nothing of a result set.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn is_empty(executor: impl AnyExecutor<'_>, result_set: Uuid) -> Result<bool, ArchiveError> {
    let row = sqlx::query(
        "SELECT 1 AS held FROM inbound_instance WHERE result_set = $1 AND location <> '' \
         UNION SELECT 1 AS held FROM return_instance WHERE result_set = $1 LIMIT 1",
    )
    .bind(result_set.to_string())
    .fetch_optional(executor)
    .await?;
    Ok(row.is_none())
}

/// Of a result set whose job still asks the partner, keeps no more than what was fetched already, after the objects are deleted: what was
/// refused is not fetched again (AC6.3).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn keep_known(connection: &mut AnyConnection, result_set: Uuid) -> Result<(), ArchiveError> {
    for statement in [
        "UPDATE inbound_instance SET location = '' WHERE result_set = $1",
        "DELETE FROM return_instance WHERE result_set = $1",
        "DELETE FROM identity_evidence WHERE result_set = $1",
        "DELETE FROM commitment WHERE result_set = $1",
    ] {
        sqlx::query(statement).bind(result_set.to_string()).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Deletes all rows of a result set, after their objects are deleted (AC9.5, INV-9).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn purge_result_set(connection: &mut AnyConnection, result_set: Uuid) -> Result<(), ArchiveError> {
    for delete in [
        "DELETE FROM inbound_instance WHERE result_set = $1",
        "DELETE FROM return_instance WHERE result_set = $1",
        "DELETE FROM identity_evidence WHERE result_set = $1",
        "DELETE FROM commitment WHERE result_set = $1",
    ] {
        sqlx::query(delete).bind(result_set.to_string()).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Keeps the hash of an identity that a result set is about; `subject` says what it is of. A newer one takes its place.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn keep_evidence(
    connection: &mut AnyConnection,
    result_set: Uuid,
    subject: &str,
    hash: [u8; 32],
) -> Result<(), ArchiveError> {
    sqlx::query(
        "INSERT INTO identity_evidence (result_set, subject, blake3) VALUES ($1, $2, $3) \
         ON CONFLICT (result_set, subject) DO UPDATE SET blake3 = excluded.blake3",
    )
    .bind(result_set.to_string())
    .bind(subject)
    .bind(hash.to_vec())
    .execute(connection)
    .await?;
    Ok(())
}

/// The hashes of [`keep_evidence`] by what they are of.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn evidence_of(
    executor: impl AnyExecutor<'_>,
    result_set: Uuid,
) -> Result<BTreeMap<String, [u8; 32]>, ArchiveError> {
    let rows = sqlx::query("SELECT subject, blake3 FROM identity_evidence WHERE result_set = $1")
        .bind(result_set.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("subject")?, row::hash(row, "blake3")?))).collect()
}

/// The columns that both tables share; leaves the parenthesis open.
fn values(insert: &mut Statement, number: usize, instance: &ResultInstance) {
    insert.push(if number == 0 { "(" } else { ", (" });
    insert.list([instance.id, instance.result_set].map(|id| id.to_string())).push(", ").list(
        [
            &instance.study_instance_uid,
            &instance.series_instance_uid,
            &instance.sop_instance_uid,
            &instance.sop_class_uid,
            &instance.transfer_syntax_uid,
            &instance.location,
        ]
        .map(|text| storable(text)),
    );
    insert.push(", ").bind(row::number(instance.bytes)).push(", ").bind(instance.blake3.to_vec());
}

fn from_row(row: &AnyRow) -> Result<ResultInstance, ArchiveError> {
    Ok(ResultInstance {
        id: row::id(row, "id")?,
        result_set: row::id(row, "result_set")?,
        study_instance_uid: row.try_get("study_instance_uid")?,
        series_instance_uid: row.try_get("series_instance_uid")?,
        sop_instance_uid: row.try_get("sop_instance_uid")?,
        sop_class_uid: row.try_get("sop_class_uid")?,
        transfer_syntax_uid: row.try_get("transfer_syntax_uid")?,
        location: row.try_get("location")?,
        bytes: row::count(row, "bytes")?,
        blake3: row::hash(row, "blake3")?,
    })
}
