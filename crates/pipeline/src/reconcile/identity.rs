//! The identity of a set's participant, out of the vault: by `Vault::reidentify`, which writes the access log first.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use archive::index;
use archive::job::{self, Job};
use archive::regenerated_uid;
use archive::result_set::ResultSet;
use archive::zone::Zone;
use dicom_stream::VR;
use pseudonym::{ExportRecord, Reidentification, VaultError};
use reconciliation::{
    Equipment, Given, Identities, Issued, LIMITS, Marking, OwnRecord, Policy, Survey, TrialAttributes,
    Window, uids_of,
};
use register::day_of;
use uuid::Uuid;

use super::End;
use crate::config::{ResultsConfig, SoftwareStatus};
use crate::deidentify::blocking;
use crate::line::{Line, StageError};
use crate::own_record::{of_one_identity, tag_of};
use crate::stored_object::open_data_set;

/// Added to the Series Number of a result (AC8.9).
const SERIES_NUMBER_OFFSET: i32 = 9000;

/// What only the participant's own rows tell: dates that were issued.
pub(super) async fn add_to_issued(
    line: &Line,
    access: &Reidentification,
    record: &ExportRecord,
    issued: &mut Issued,
) -> Result<(), StageError> {
    let dates = line.vault.issued_dates(access, &record.id).await?;
    issued.dates = dates.values.iter().filter_map(|day| u32::try_from(*day).ok()).collect();
    Ok(())
}

/// The one identity that the study was received with, or why a person has to choose.
pub(super) async fn own_record(
    line: &Line,
    access: &Reidentification,
    record: &ExportRecord,
) -> Result<Result<pseudonym::OwnRecord, End>, StageError> {
    match line.vault.own_records(access, &record.study).await {
        Ok(records) => {
            let own = of_one_identity(records);
            Ok(own.ok_or_else(|| End::manual("several-identities-as-received", None)))
        }
        Err(VaultError::Unknown(_)) => Ok(Err(End::manual("no-identity-as-received", None))),
        Err(error) => Err(error.into()),
    }
}

/// What is put in the place of what, and the UIDs of the set that were issued as they are (a project that retains UIDs, RC-11).
pub(super) async fn identities(
    line: &Line,
    access: &Reidentification,
    record: &ExportRecord,
    surveys: &[Survey],
    issued: &Issued,
    regenerate: &BTreeSet<String>,
    job: &Job,
) -> Result<(Identities, BTreeSet<String>), StageError> {
    let uids: Vec<&str> = uids_of(surveys).into_iter().filter(|uid| issued.uids.contains_key(*uid)).collect();
    let mut originals = line.vault.originals(access, &record.partner, &uids).await?;
    let retained = originals.iter().filter(|(pseudonym, original)| pseudonym == original);
    let retained = retained.map(|(uid, _)| uid.clone()).collect();
    // A UID that gets a new one does not go back to a source's (AC8.6).
    originals.retain(|pseudonym, _| !regenerate.contains(pseudonym));
    let dates = line.vault.issued_dates(access, &record.id).await?;
    let mut fresh: HashMap<String, String> =
        regenerate.iter().map(|uid| (uid.clone(), fresh_uid(job.id, uid))).collect();
    fresh.extend(remembered(line, surveys, issued, job).await?);
    let shifted = issued.dates.clone();
    Ok((Identities { originals, fresh, shifted, shift_days: dates.shift_days }, retained))
}

/// What stands at the clinical PACS for the UIDs of the set that an earlier one of the study and partner defined and did not keep (RR-7).
async fn remembered(
    line: &Line,
    surveys: &[Survey],
    issued: &Issued,
    job: &Job,
) -> Result<HashMap<String, String>, StageError> {
    let theirs: Vec<&str> =
        uids_of(surveys).into_iter().filter(|uid| !issued.uids.contains_key(*uid)).collect();
    let mut remembered = HashMap::new();
    for increment in job::of_study(line.main.reader(), job.study.unwrap_or_default()).await? {
        if increment.partner != job.partner {
            continue;
        }
        let known = regenerated_uid::of_job(line.main.reader(), increment.id).await?;
        let found = theirs.iter().filter(|_| !known.is_empty()).filter_map(|uid| {
            let fresh = fresh_uid(increment.id, uid);
            known.contains(&fresh).then(|| ((*uid).to_owned(), fresh))
        });
        remembered.extend(found);
    }
    Ok(remembered)
}

/// A new UID in place of one of the partner's: the same at every repeat, another in every job (RR-7).
fn fresh_uid(job: Uuid, uid: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("research-pacs 2026 UID of a returned object");
    hasher.update(job.as_bytes());
    hasher.update(uid.as_bytes());
    let mut number = [0; 16];
    hasher.finalize_xof().fill(&mut number);
    format!("2.25.{}", u128::from_be_bytes(number))
}

/// What the partner was given: the main data set of one object as it was sent says what the whole study said.
pub(super) async fn given(line: &Line, job: &Job, code: &str) -> Result<Given, StageError> {
    let sent = index::instances_of_source(line.main.reader(), job.receiving_study, None, 1).await?;
    let Some(sent) = sent.first().map(|found| found.instance.id) else {
        return Ok(Given { code: code.to_owned(), ..Given::default() });
    };
    let (blobs, code) = (Arc::clone(&line.blobs), code.to_owned());
    blocking(move || {
        let (file, syntax) = open_data_set(&blobs, Zone::Archive, sent)?;
        Given::of_sent(&code, file, syntax, LIMITS).map_err(|_| StageError::Answer)
    })
    .await?
}

pub(super) fn of_vault(own: &pseudonym::OwnRecord) -> OwnRecord {
    let value = |value: &pseudonym::Value| match value {
        pseudonym::Value::Absent => reconciliation::Value::Absent,
        pseudonym::Value::Empty => reconciliation::Value::Empty,
        pseudonym::Value::Bytes(bytes) => reconciliation::Value::Bytes(bytes.clone()),
    };
    let attributes = own.attributes.iter().map(|attribute| reconciliation::Attribute {
        tag: tag_of(attribute.tag),
        vr: VR::from_binary(attribute.vr).unwrap_or(VR::UN),
        value: value(&attribute.value),
    });
    OwnRecord {
        study: own.study.clone(),
        character_set: value(&own.character_set),
        attributes: attributes.collect(),
    }
}

pub(super) fn policy(results: &ResultsConfig, set: &ResultSet, job: &Job, window: Window) -> Policy {
    let is_research = results.software_status != Some(SoftwareStatus::CeMarked);
    let marking = is_research.then(|| Marking {
        series_description_prefix: results.series_prefix.clone(),
        series_number_offset: SERIES_NUMBER_OFFSET,
    });
    Policy {
        marking,
        trial: match results.keep_time_point {
            true => TrialAttributes::KeepTimePoint,
            false => TrialAttributes::Remove,
        },
        equipment: Equipment {
            manufacturer: "research-pacs".to_owned(),
            model: "research-pacs".to_owned(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            station: String::new(),
        },
        partner: job.partner.clone(),
        changed_at: format!("{}000000", day_of(set.created_at).format("%Y%m%d")),
        window,
        accepted_dates: BTreeSet::new(),
        text_rules: Vec::new(),
    }
}
