//! The one way from a pseudonym to an identity. It starts with a purpose that goes into the access log, and ends in what is returned
//! to the clinical PACS. Erased, opposed and withdrawn participants have no way back; what was anonymised has no row to begin with.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use chrono::{Datelike, Days, NaiveDate};
use sqlx::AnyConnection;

use crate::access_log::{self, Act};
use crate::batch::{self, WIDTH, filled};
use crate::derive::Mapping;
use crate::issued::Linkage;
use crate::list::refuse_stopped;
use crate::mapped::{UidKind, open_original};
use crate::participant::{ParticipantId, by_id, subject_place};
use crate::prf::Key;
use crate::record::{self, OwnRecord};
use crate::subject::SubjectKey;
use crate::vault::{Keys, Vault};
use crate::{Purpose, VaultError};

/// UIDs of one call.
const MOST: usize = 100_000;

/// A logged and granted access to the identity of one participant: what each function below asks for. Drop it when done.
#[derive(Debug)]
pub struct Reidentification {
    participant: ParticipantId,
    project: String,
    merged_into: Option<ParticipantId>,
    mapping: Mapping,
}

impl Reidentification {
    /// Whose identity it opens.
    #[must_use]
    pub fn participant(&self) -> ParticipantId {
        self.participant
    }

    /// Set when a merge made this participant part of another: the return is a person's decision (RC-13).
    #[must_use]
    pub fn merged_into(&self) -> Option<ParticipantId> {
        self.merged_into
    }

    pub(crate) fn project(&self) -> &str {
        &self.project
    }

    pub(crate) fn data_key(&self) -> Key {
        self.mapping.secret().data_key()
    }
}

/// The dates issued with an export (RR-8, AC8.4).
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedDates {
    /// Days that were added when the dates were shifted; subtract them to go back.
    pub shift_days: i32,
    /// The shifted values, yyyymmdd.
    pub values: BTreeSet<i64>,
}

impl std::fmt::Debug for IssuedDates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "IssuedDates({} values, ..)", self.values.len())
    }
}

static ORIGINALS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT i.pseudonym, m.pseudonym, m.study, m.original FROM issued_uid i \
         JOIN mapped_uid m ON m.pseudonym = i.base AND m.participant = i.participant \
         WHERE i.project = $1 AND i.partner = $2 AND i.participant = $3 AND i.pseudonym IN ({})",
        batch::list(4)
    )
});

impl Vault {
    /// Opens the identity of a participant. The access log gets its line, refusals too, before anything is answered.
    ///
    /// # Errors
    /// [`VaultError::Opposed`], [`VaultError::Erased`], [`VaultError::Unknown`]: blocked (AC8.2). [`VaultError::VaultLocked`],
    /// [`VaultError::Database`]: hold and repeat.
    pub async fn reidentify(
        &self,
        project: &str,
        participant: ParticipantId,
        purpose: &Purpose,
        now: i64,
    ) -> Result<Reidentification, VaultError> {
        let keys = self.keys()?;
        let mut transaction = self.database.write().await?;
        let opened = open(&mut transaction, keys, project, participant).await;
        let outcome = match &opened {
            Ok(_) => "done",
            Err(VaultError::Opposed) => "refused: opposed",
            Err(VaultError::Erased) => "refused: erased",
            Err(VaultError::Unknown(_)) => "refused: unknown",
            Err(_) => return opened,
        };
        let act = Act { action: "reidentify", outcome, project, participant: Some(participant) };
        access_log::append(&mut transaction, keys, act, purpose, now).await?;
        transaction.commit().await?;
        opened
    }

    /// Patient and study attributes as received, for a study by its UID in the archive. The record received first is in front;
    /// more than one means that series of the study came with different identities: a case for a person.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: hand to a person (RC-12). [`VaultError::Tampered`]: alarm. [`VaultError::Database`]: repeat.
    pub async fn own_records(
        &self,
        access: &Reidentification,
        study: &str,
    ) -> Result<Vec<OwnRecord>, VaultError> {
        let row: Option<(Vec<u8>,)> = sqlx::query_as(
            "SELECT original FROM mapped_uid WHERE pseudonym = $1 AND participant = $2 AND study = $1 AND kind = $3",
        )
        .bind(study)
        .bind(access.participant.to_string())
        .bind(UidKind::Study as i16)
        .fetch_optional(self.database.reader())
        .await?;
        let (sealed,) = row.ok_or(VaultError::Unknown("study"))?;
        let key = access.data_key();
        let original = open_original(access.participant, &key, study, study, &sealed)?;
        let mut reader = self.database.reader().acquire().await?;
        let records = record::of_study(&mut reader, access.participant, &key, &original).await?;
        if records.is_empty() { Err(VaultError::Unknown("identity as received")) } else { Ok(records) }
    }

    /// Pseudonym → original for the UIDs issued to this partner for this participant; the others are not in the answer (RR-1).
    ///
    /// # Errors
    /// [`VaultError::Limit`] above 100,000 UIDs: split. [`VaultError::Tampered`]: alarm. [`VaultError::Database`]: repeat.
    pub async fn originals(
        &self,
        access: &Reidentification,
        partner: &str,
        uids: &[&str],
    ) -> Result<HashMap<String, String>, VaultError> {
        if uids.len() > MOST {
            return Err(VaultError::Limit("more than 100,000 UIDs in one batch"));
        }
        let key = access.data_key();
        let mut originals = HashMap::new();
        for chunk in uids.chunks(WIDTH) {
            let mut query = sqlx::query_as(ORIGINALS.as_str());
            query = query.bind(access.project.as_str()).bind(partner).bind(access.participant.to_string());
            for uid in filled(chunk) {
                query = query.bind(*uid);
            }
            let rows: Vec<(String, String, String, Vec<u8>)> =
                query.fetch_all(self.database.reader()).await?;
            for (issued, base, study, sealed) in rows {
                let original = open_original(access.participant, &key, &base, &study, &sealed)?;
                originals.insert(issued, original);
            }
        }
        Ok(originals)
    }

    /// The shift of an export, and the shifted dates of everything of the participant that its partner was given, as the partner saw them:
    /// a result may rest on several studies, and a date of any of them was issued (RR-8, below flow table 8.3).
    ///
    /// # Errors
    /// [`VaultError::Unknown`] when the record is missing or another participant's: hand to a person, derive nothing anew (RC-12).
    pub async fn issued_dates(
        &self,
        access: &Reidentification,
        export_record: &str,
    ) -> Result<IssuedDates, VaultError> {
        let record = self.export_record(export_record).await?;
        if record.participant != access.participant {
            return Err(VaultError::Unknown("export record of this participant"));
        }
        // the linkage, and with it the shift, is one for all exports to a partner (DEC-J)
        let rows: Vec<(i64,)> = sqlx::query_as(
            "SELECT DISTINCT d.value FROM export_record e \
             JOIN mapped_date d ON d.participant = e.participant AND d.study = e.study \
             WHERE e.project = $1 AND e.partner = $2 AND e.participant = $3",
        )
        .bind(record.project)
        .bind(record.partner.as_str())
        .bind(access.participant.to_string())
        .fetch_all(self.database.reader())
        .await?;
        let base = access.mapping.shift_days();
        let shift_days = match record.linkage {
            Linkage::Project => base,
            // the archive's dates are shifted once more while streaming
            Linkage::Partner => base + access.mapping.for_partner(&record.partner).shift_days(),
        };
        let values = rows.iter().filter_map(|(value,)| shifted(*value, shift_days - base)).collect();
        Ok(IssuedDates { shift_days, values })
    }

    /// The keys under which the participant is known: authority and Patient ID, for the table holder.
    ///
    /// # Errors
    /// [`VaultError::Tampered`]: alarm. [`VaultError::Database`]: repeat.
    pub async fn subject_keys(&self, access: &Reidentification) -> Result<Vec<SubjectKey>, VaultError> {
        let id = access.participant.to_string();
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT subject_hash, subject FROM participant_key WHERE participant = $1 ORDER BY added_at, subject_hash",
        )
        .bind(id.as_str())
        .fetch_all(self.database.reader())
        .await?;
        let key = access.data_key();
        let read = |(hash, sealed): (Vec<u8>, Vec<u8>)| {
            SubjectKey::open(&access.project, &key, subject_place(&id, &[&hash]), &sealed)
        };
        rows.into_iter().map(read).collect()
    }
}

async fn open(
    connection: &mut AnyConnection,
    keys: &Keys,
    project: &str,
    participant: ParticipantId,
) -> Result<Reidentification, VaultError> {
    refuse_stopped(&mut *connection, participant).await?;
    let found = by_id(connection, keys, participant).await?;
    if found.project != project {
        return Err(VaultError::Unknown("participant in this project"));
    }
    Ok(Reidentification {
        participant,
        project: found.project,
        merged_into: found.merged_into,
        mapping: found.mapping,
    })
}

/// A date yyyymmdd moved by whole days.
fn shifted(date: i64, days: i32) -> Option<i64> {
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)?;
    let moved = Days::new(u64::from(days.unsigned_abs()));
    let date = if days < 0 { date.checked_sub_days(moved) } else { date.checked_add_days(moved) }?;
    Some(i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day()))
}

#[cfg(test)]
mod tests {
    use super::shifted;

    #[test]
    fn dates_move_over_leap_days_and_years() {
        // python3: datetime.date(2024, 3, 1) - datetime.timedelta(1), and so on
        assert_eq!(shifted(20240301, -1), Some(20240229));
        assert_eq!(shifted(20230301, -1), Some(20230228));
        assert_eq!(shifted(20240101, -366), Some(20221231));
        assert_eq!(shifted(20240301, 0), Some(20240301));
        assert_eq!(shifted(20240230, -1), None);
    }
}
