//! What was given out, by (project, partner): export records with code and linkage, and every pseudonym UID that left (DEC-J, RR-1).
//! Looking up here tells *that* and *to whom* something was issued, never the original: that is `reidentify`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use sqlx::AnyConnection;

use crate::VaultError;
use crate::batch::{self, WIDTH, filled};
use crate::code::{Code, CodePrefix};
use crate::derive::Mapping;
use crate::list::refuse_stopped;
use crate::mapped::UidKind;
use crate::original;
use crate::participant::{Participant, ParticipantId, by_id, hold};
use crate::vault::Vault;

/// UIDs of one call.
const MOST: usize = 100_000;

/// Whether the partners of a project share one mapping (DEC-J, F6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(i16)]
pub enum Linkage {
    /// One code, UID map and date shift for all partners.
    Project = 1,
    /// Its own for each partner, derived while streaming.
    Partner = 2,
}

impl Linkage {
    pub(crate) fn from_number(number: i16) -> Result<Self, VaultError> {
        match number {
            1 => Ok(Self::Project),
            2 => Ok(Self::Partner),
            _ => Err(VaultError::Tampered("linkage")),
        }
    }
}

/// What `export` needs of one participant for one partner; no identity is in it.
#[derive(Debug, Clone)]
pub struct PartnerMapping {
    /// The linkage in force for this partner: the one it was first issued under.
    pub linkage: Linkage,
    /// The code that this partner sees.
    pub code: Code,
    /// The code in the archive; the same under linkage `project`.
    pub archive_code: Code,
    /// Under linkage `partner`: from the pseudonyms of the archive to this partner's. Under `project` the archive's own are sent,
    /// and this is the map that made them.
    pub mapping: Mapping,
}

/// One export: a DICOM study of a participant to a partner, with what was given. Its id is the caller's (the job); a later
/// increment uses the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRecord {
    /// Own id.
    pub id: String,
    /// Project.
    pub project: String,
    /// Partner, by its id in the configuration.
    pub partner: String,
    /// Participant.
    pub participant: ParticipantId,
    /// Study Instance UID of the archive (a pseudonym); empty for an imported correspondence.
    pub study: String,
    /// The code given out.
    pub code: Code,
    /// Linkage in force.
    pub linkage: Linkage,
    /// Version of the dossier in force.
    pub dossier: String,
    /// Epoch milliseconds of the first issue.
    pub issued_at: i64,
}

/// A UID about to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedUid<'a> {
    /// What it names.
    pub kind: UidKind,
    /// The UID in the archive.
    pub base: &'a str,
    /// The UID that the partner sees; the same under linkage `project`.
    pub pseudonym: &'a str,
}

/// A UID recognised as issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// As the partner sent it back.
    pub pseudonym: String,
    /// What it names.
    pub kind: UidKind,
    /// Whose it is. More than one participant for one UID (only where a project retains UIDs) is a case for a person.
    pub participant: ParticipantId,
    /// The same UID in the archive.
    pub base: String,
    /// The export it first left with.
    pub export_record: String,
}

/// The answer to a list of UIDs that came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recognition {
    /// Issued to this partner in this project.
    pub issued: Vec<Issued>,
    /// Pseudonyms, but issued to another partner or in another project, or never sent to anybody: refuse, alarm (RC-06).
    pub elsewhere: BTreeSet<String>,
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO issued_uid (pseudonym, project, partner, participant, kind, base, export_record) VALUES {} \
         ON CONFLICT (pseudonym, project, partner, participant) DO NOTHING",
        batch::rows(7)
    )
});

static COUNT_MAPPED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT COUNT(DISTINCT pseudonym) FROM mapped_uid WHERE participant = $1 AND pseudonym IN ({})",
        batch::list(2)
    )
});

static MAPPED: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT pseudonym, original_hash FROM mapped_uid WHERE pseudonym IN ({})", batch::list(1))
});

static RECOGNISE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT pseudonym, project, partner, participant, kind, base, export_record FROM issued_uid WHERE pseudonym IN ({})",
        batch::list(1)
    )
});

/// Under linkage `project` what is not an instance leaves with the first instance of its study.
const INSERT_STUDY: &str = "INSERT INTO issued_uid (pseudonym, project, partner, participant, kind, base, export_record) \
    SELECT m.pseudonym, e.project, e.partner, m.participant, m.kind, m.pseudonym, e.id \
    FROM export_record e JOIN mapped_uid m ON m.participant = e.participant AND m.study = e.study AND m.kind < 5 \
    WHERE e.id = $1 ON CONFLICT (pseudonym, project, partner, participant) DO NOTHING";

impl Vault {
    /// The mapping of a participant for a partner. The first call for a partner of a project settles its linkage; later calls give
    /// that one, whatever `wanted` says (DEC-J). `prefix` is that of the project's codes.
    ///
    /// # Errors
    /// [`VaultError::Opposed`], [`VaultError::Erased`], [`VaultError::Unknown`]: send nothing. [`VaultError::VaultLocked`],
    /// [`VaultError::Database`]: hold and repeat.
    pub async fn partner_mapping(
        &self,
        participant: ParticipantId,
        partner: &str,
        wanted: Linkage,
        prefix: &CodePrefix,
        now: i64,
    ) -> Result<PartnerMapping, VaultError> {
        let keys = self.keys()?;
        let mut transaction = self.database.write().await?;
        refuse_stopped(&mut transaction, participant).await?;
        let participant = by_id(&mut transaction, keys, participant).await?;
        let linkage = settle_linkage(&mut transaction, &participant.project, partner, wanted, now).await?;
        let archive_code = participant.code.clone();
        let given = match linkage {
            Linkage::Project => PartnerMapping {
                linkage,
                code: archive_code.clone(),
                archive_code,
                mapping: participant.mapping,
            },
            Linkage::Partner => {
                let mapping = participant.mapping.for_partner(partner);
                let code = partner_code(&mut transaction, &participant, partner, &mapping, prefix).await?;
                PartnerMapping { linkage, code, archive_code, mapping }
            }
        };
        transaction.commit().await?;
        Ok(given)
    }

    /// Notes what is about to leave, before the first byte of it does; a repeat adds nothing. Under linkage `project` it is enough
    /// to name the instances: study, series, frame of reference and other UIDs of the study follow from
    /// [`Vault::record_mapping`]. Under linkage `partner` every UID that was derived is named.
    ///
    /// # Errors
    /// [`VaultError::Contradiction`] when the record was made with another participant, code or linkage, or a UID was never mapped:
    /// quarantine, send nothing. Else as [`Vault::partner_mapping`]; [`VaultError::Limit`] above 100,000 UIDs: split.
    pub async fn issue(&self, record: &ExportRecord, uids: &[IssuedUid<'_>]) -> Result<(), VaultError> {
        self.keys()?;
        if uids.len() > MOST {
            return Err(VaultError::Limit("more than 100,000 UIDs in one batch"));
        }
        let mut transaction = self.database.write().await?;
        hold(&mut transaction, record.participant).await?;
        refuse_stopped(&mut transaction, record.participant).await?;
        insert_record(&mut transaction, record).await?;
        insert_uids(&mut transaction, record, uids).await?;
        if record.linkage == Linkage::Project {
            sqlx::query(INSERT_STUDY).bind(record.id.as_str()).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Which UIDs of a result were issued to this partner in this project, and which to others or to nobody. What is in neither was made
    /// by the partner, or is unknown (RR-2). Give UIDs without padding, those of the standard left out.
    ///
    /// # Errors
    /// [`VaultError::Limit`] above 100,000 UIDs: split. [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn recognise(
        &self,
        project: &str,
        partner: &str,
        uids: &[&str],
    ) -> Result<Recognition, VaultError> {
        self.keys()?;
        if uids.len() > MOST {
            return Err(VaultError::Limit("more than 100,000 UIDs in one batch"));
        }
        let mut found = Recognition::default();
        let uids: Vec<&str> = uids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        for chunk in uids.chunks(WIDTH) {
            let mut query = sqlx::query_as(RECOGNISE.as_str());
            for uid in filled(chunk) {
                query = query.bind(*uid);
            }
            let rows: Vec<Row> = query.fetch_all(self.database.reader()).await?;
            for row in rows {
                found.add(project, partner, row)?;
            }
        }
        found.elsewhere.extend(self.pseudonyms_among(&uids).await?);
        for issued in &found.issued {
            found.elsewhere.remove(&issued.pseudonym);
        }
        Ok(found)
    }

    /// Which of the UIDs are pseudonyms of any participant, sent or not. What was retained is none: it is a real UID.
    async fn pseudonyms_among(&self, uids: &[&str]) -> Result<BTreeSet<String>, VaultError> {
        let keys = self.keys()?;
        let mut found = BTreeSet::new();
        for chunk in uids.chunks(WIDTH) {
            let mut query = sqlx::query_as(MAPPED.as_str());
            for uid in filled(chunk) {
                query = query.bind(*uid);
            }
            let rows: Vec<(String, Option<Vec<u8>>)> = query.fetch_all(self.database.reader()).await?;
            let replaced = rows
                .into_iter()
                .filter(|(uid, hash)| hash.as_ref().is_none_or(|hash| *hash != original::hash(keys, uid)));
            found.extend(replaced.map(|(uid, _)| uid));
        }
        Ok(found)
    }

    /// The export record of a job (RC-12).
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: hand to a person, derive nothing anew. [`VaultError::VaultLocked`], [`VaultError::Database`].
    pub async fn export_record(&self, id: &str) -> Result<ExportRecord, VaultError> {
        self.keys()?;
        let mut reader = self.database.reader().acquire().await?;
        record_by_id(&mut reader, id).await
    }

    /// Whose code this is, as given to this partner in this project: one key of AC8.1. The code is compared byte by byte.
    ///
    /// # Errors
    /// [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn participant_by_code(
        &self,
        project: &str,
        partner: &str,
        code: &str,
    ) -> Result<Option<ParticipantId>, VaultError> {
        self.keys()?;
        let row: Option<(String,)> = sqlx::query_as(
            "SELECT participant FROM export_record WHERE project = $1 AND partner = $2 AND code = $3 LIMIT 1",
        )
        .bind(project)
        .bind(partner)
        .bind(code)
        .fetch_optional(self.database.reader())
        .await?;
        row.map(|(id,)| id.parse()).transpose()
    }
}

type Row = (String, String, String, String, i16, String, String);

impl Recognition {
    fn add(&mut self, project: &str, partner: &str, row: Row) -> Result<(), VaultError> {
        let (pseudonym, in_project, to_partner, participant, kind, base, export_record) = row;
        if (in_project.as_str(), to_partner.as_str()) != (project, partner) {
            self.elsewhere.insert(pseudonym);
            return Ok(());
        }
        let kind = UidKind::from_number(kind).ok_or(VaultError::Tampered("issued_uid"))?;
        let participant = participant.parse()?;
        self.issued.push(Issued { pseudonym, kind, participant, base, export_record });
        Ok(())
    }
}

/// The linkage of a partner: the first one wins.
pub(crate) async fn settle_linkage(
    connection: &mut AnyConnection,
    project: &str,
    partner: &str,
    wanted: Linkage,
    now: i64,
) -> Result<Linkage, VaultError> {
    sqlx::query(
        "INSERT INTO partner_linkage (project, partner, linkage, since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (project, partner) DO NOTHING",
    )
    .bind(project)
    .bind(partner)
    .bind(wanted as i16)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let (linkage,): (i16,) =
        sqlx::query_as("SELECT linkage FROM partner_linkage WHERE project = $1 AND partner = $2")
            .bind(project)
            .bind(partner)
            .fetch_one(connection)
            .await?;
    Linkage::from_number(linkage)
}

/// The code of a participant for a partner: derived, and derived again in the rare case that another participant has it.
async fn partner_code(
    connection: &mut AnyConnection,
    participant: &Participant,
    partner: &str,
    mapping: &Mapping,
    prefix: &CodePrefix,
) -> Result<Code, VaultError> {
    for attempt in 0..16 {
        let held: Option<(String,)> = sqlx::query_as(
            "SELECT code FROM partner_code WHERE project = $1 AND partner = $2 AND participant = $3",
        )
        .bind(participant.project.as_str())
        .bind(partner)
        .bind(participant.id.to_string())
        .fetch_optional(&mut *connection)
        .await?;
        if let Some((code,)) = held {
            return Ok(Code::assigned(&code)?);
        }
        sqlx::query(
            "INSERT INTO partner_code (project, partner, participant, code) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(participant.project.as_str())
        .bind(partner)
        .bind(participant.id.to_string())
        .bind(mapping.code(prefix, attempt).as_str())
        .execute(&mut *connection)
        .await?;
    }
    Err(VaultError::NoFreeCode)
}

/// Makes the record, or finds it as it was made.
pub(crate) async fn insert_record(
    connection: &mut AnyConnection,
    record: &ExportRecord,
) -> Result<(), VaultError> {
    sqlx::query(
        "INSERT INTO export_record (id, project, partner, participant, study, code, linkage, dossier, issued_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
    )
    .bind(record.id.as_str())
    .bind(record.project.as_str())
    .bind(record.partner.as_str())
    .bind(record.participant.to_string())
    .bind(record.study.as_str())
    .bind(record.code.as_str())
    .bind(record.linkage as i16)
    .bind(record.dossier.as_str())
    .bind(record.issued_at)
    .execute(&mut *connection)
    .await?;
    let held = record_by_id(connection, &record.id).await?;
    // an increment may come under a later dossier and at a later time
    let expected =
        ExportRecord { dossier: held.dossier.clone(), issued_at: held.issued_at, ..record.clone() };
    if held == expected {
        Ok(())
    } else {
        Err(VaultError::Contradiction(
            "the export record was made for another participant, study, partner, code or linkage",
        ))
    }
}

type RecordRow = (String, String, String, String, String, i16, String, i64);

async fn record_by_id(connection: &mut AnyConnection, id: &str) -> Result<ExportRecord, VaultError> {
    let row: Option<RecordRow> = sqlx::query_as(
        "SELECT project, partner, participant, study, code, linkage, dossier, issued_at FROM export_record WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    let (project, partner, participant, study, code, linkage, dossier, issued_at) =
        row.ok_or(VaultError::Unknown("export record"))?;
    Ok(ExportRecord {
        id: id.to_owned(),
        project,
        partner,
        participant: participant.parse()?,
        study,
        code: Code::assigned(&code)?,
        linkage: Linkage::from_number(linkage)?,
        dossier,
        issued_at,
    })
}

/// Notes UIDs as given out with a record; each must have been mapped for its participant.
pub(crate) async fn insert_uids(
    connection: &mut AnyConnection,
    record: &ExportRecord,
    uids: &[IssuedUid<'_>],
) -> Result<(), VaultError> {
    let participant = record.participant.to_string();
    for chunk in uids.chunks(WIDTH) {
        let mut query = sqlx::query_as(COUNT_MAPPED.as_str()).bind(participant.as_str());
        for uid in filled(chunk) {
            query = query.bind(uid.base);
        }
        let (mapped,): (i64,) = query.fetch_one(&mut *connection).await?;
        let distinct: BTreeSet<&str> = chunk.iter().map(|uid| uid.base).collect();
        if mapped != distinct.len() as i64 {
            return Err(VaultError::Contradiction(
                "a UID is to be issued that was never mapped for this participant",
            ));
        }
        let mut query = sqlx::query(INSERT.as_str());
        for uid in filled(chunk) {
            query = query.bind(uid.pseudonym).bind(record.project.as_str()).bind(record.partner.as_str());
            query = query
                .bind(participant.as_str())
                .bind(uid.kind as i16)
                .bind(uid.base)
                .bind(record.id.as_str());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
