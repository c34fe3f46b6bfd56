//! Stage *verify*: searches what was written for the identifiers of this patient and study, before anyone can see it. State out:
//! CLEARED, or QUARANTINED with the place of what was found (AC2.10). It fails closed: what cannot be searched is held.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, SeekFrom};
use std::sync::Arc;

use archive::buffer::{self, QuarantineReason, StudySubject};
use deidentification::verify::{Identity, Verifier, VerifyError, scan};
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Limits, Tag, VR};
use pseudonym::{Code, OwnRecord, Value};
use uuid::Uuid;

use crate::deidentify::{Checked, blocking};
use crate::given::Given;
use crate::line::{Line, Project, StageError};
use crate::transform::{Held, Outcome, Transformed};

/// Makes the objects of a batch durable and searches each; an object with a finding is removed when the others get their rows.
pub(crate) async fn finish_and_check(
    line: &Arc<Line>,
    project: &Project,
    given: &Given,
    transformed: Transformed,
) -> Result<Checked, StageError> {
    let (ours, is_kept) = (own_values(project, given.code()), matches!(given, Given::Kept));
    let accepted =
        if is_kept { pattern_accepted(line, &transformed.outcomes).await? } else { BTreeSet::new() };
    let (line, options) = (Arc::clone(line), project.profile.options());
    blocking(move || {
        let Transformed { mut outcomes, writers, identity, .. } = transformed;
        let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
        let verifier = Verifier::new(&identity, &ours).map(|verifier| verifier.retaining(options));
        let verifier = verifier.map_err(|error| error.to_string());
        let blobs: BTreeMap<_, _> =
            line.blobs.finish_batch(writers)?.into_iter().map(|blob| (blob.key.id(), blob)).collect();
        for outcome in &mut outcomes {
            let (Ok(object), Some(blob)) = (&outcome.result, blobs.get(&outcome.id)) else { continue };
            let mut file = line.blobs.open(blob.key)?;
            file.seek(SeekFrom::Start(object.data_set))?;
            let searched = match &verifier {
                // Without a known identity, what a person would write is searched for (DI-53).
                _ if is_kept => {
                    scan(file, object.transfer_syntax, Limits::INSTANCE).map_err(|error| error.to_string())
                }
                Ok(verifier) => verifier
                    .verify(file, object.transfer_syntax, Limits::INSTANCE)
                    .map_err(|error| error.to_string()),
                Err(error) => Err(error.clone()),
            };
            let detail = match searched {
                Ok(_) if accepted.contains(&outcome.id) => continue,
                Ok(findings) => match findings.first() {
                    Some(finding) => format!("{} ({} places)", finding.path, findings.len()),
                    None => continue,
                },
                Err(error) => error,
            };
            let reason =
                if is_kept { QuarantineReason::PatternFound } else { QuarantineReason::IdentifierFound };
            outcome.result = Err(Held { reason, detail });
        }
        Ok(Checked { outcomes, blobs })
    })
    .await?
}

/// Of which objects a person has looked at what the pattern scan found (AC1.9).
async fn pattern_accepted(line: &Line, outcomes: &[Outcome]) -> Result<BTreeSet<Uuid>, StageError> {
    let ids: Vec<Uuid> = outcomes.iter().map(|outcome| outcome.id).collect();
    let mut connection = line.buffer.reader().acquire().await?;
    Ok(buffer::accepted_among(&mut connection, &ids, QuarantineReason::PatternFound).await?)
}

/// Values that the project writes itself: they are no leak, whoever bears the same name.
fn own_values(project: &Project, code: Option<&Code>) -> Vec<String> {
    let mut values: Vec<String> = code.map(|code| code.as_str().to_owned()).into_iter().collect();
    if let Some(trial) = &project.config.clinical_trial {
        values.extend([
            trial.sponsor_name.clone(),
            trial.protocol_id.clone(),
            trial.protocol_name.clone(),
            trial.site_id.clone(),
            trial.site_name.clone(),
        ]);
        values.extend(trial.ethics_committee_name.clone());
        values.extend(trial.ethics_committee_approval_number.clone());
    }
    values.retain(|value| !value.is_empty());
    values
}

const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);

/// Who must not be found in what leaves for one partner; the originals may be gone by then.
pub(crate) enum Known<'a> {
    /// Identities as received, of the vault, and the UIDs of the study as received.
    Records {
        /// The own records of the study.
        records: Vec<OwnRecord>,
        /// UIDs.
        originals: BTreeSet<String>,
    },
    /// The patient of an anonymised study.
    Subject(&'a StudySubject),
}

/// What the archive calls the participant, which no partner may see under linkage `partner`.
pub(crate) struct Archive<'a> {
    pub(crate) code: &'a str,
    pub(crate) uids: BTreeSet<String>,
    /// yyyymmdd
    pub(crate) dates: BTreeSet<String>,
}

/// The search of what leaves for one partner (DI-57): for the identity as received, and for what the archive has in its place. `code` is the
/// one that the partner sees.
///
/// # Errors
/// [`VerifyError::TooManyTerms`].
pub(crate) fn for_partner(
    project: &Project,
    known: &Known<'_>,
    archive: &Archive<'_>,
    code: &Code,
) -> Result<Verifier, VerifyError> {
    let mut identity = Identity::default();
    let plain = CharacterSet::default();
    match known {
        Known::Records { records, originals } => {
            records.iter().for_each(|record| add_record(&mut identity, record));
            for uid in originals {
                identity.add_value(SOP_INSTANCE_UID, VR::UI, &plain, uid.as_bytes());
            }
        }
        Known::Subject(subject) => {
            let unicode = CharacterSet::parse(b"ISO_IR 192").0;
            identity.add_value(PATIENT_NAME, VR::PN, &unicode, subject.patient_name.as_bytes());
            identity.add_value(PATIENT_ID, VR::LO, &unicode, subject.patient_id.as_bytes());
            identity.add_value(BIRTH_DATE, VR::DA, &plain, subject.birth_date.as_bytes());
            identity.add_value(SOP_INSTANCE_UID, VR::UI, &plain, subject.study_instance_uid.as_bytes());
        }
    }
    identity.add_value(PATIENT_ID, VR::LO, &plain, archive.code.as_bytes());
    for uid in &archive.uids {
        identity.add_value(SOP_INSTANCE_UID, VR::UI, &plain, uid.as_bytes());
    }
    // A date that the archive has must be found wherever it stands, as a birth date is.
    for date in &archive.dates {
        identity.add_value(BIRTH_DATE, VR::DA, &plain, date.as_bytes());
    }
    let ours = own_values(project, Some(code));
    Verifier::new(&identity, &ours.iter().map(String::as_str).collect::<Vec<_>>())
}

fn add_record(identity: &mut Identity, record: &OwnRecord) {
    let set = match &record.character_set {
        Value::Bytes(value) => CharacterSet::parse(value).0,
        Value::Absent | Value::Empty => CharacterSet::default(),
    };
    for attribute in &record.attributes {
        if let (Value::Bytes(value), Some(vr)) = (&attribute.value, VR::from_binary(attribute.vr)) {
            let tag = Tag((attribute.tag >> 16) as u16, (attribute.tag & 0xFFFF) as u16);
            identity.add_value(tag, vr, &set, value);
        }
    }
    identity.add_value(SOP_INSTANCE_UID, VR::UI, &set, record.study.as_bytes());
}
