//! Stage *verify*: searches what was written for the identifiers of this patient and study, before anyone can see it. State out:
//! CLEARED, or QUARANTINED with the place of what was found (AC2.10). It fails closed: what cannot be searched is held.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::sync::Arc;

use archive::buffer::{self, QuarantineReason, StudySubject};
use deidentification::verify::{Finding, Identity, Leaving, Promise, Verifier, VerifyError, places, scan};
use deidentification::{DocumentReport, Report};
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Limits, SourceError, Tag, TransferSyntax, VR};
use pseudonym::{Code, OwnRecord, Value};
use reconciliation::each_value;
use uuid::Uuid;

use crate::deidentify::{Checked, blocking};
use crate::given::Given;
use crate::line::{Line, Project, StageError};
use crate::own_record::tag_of;
use crate::review::Sample;
use crate::shown::shown;
use crate::transform::{Deidentified, Held, Outcome, Pseudonymised, Transformed};

/// Makes the objects of a batch durable and searches each; an object with a finding is removed when the others get their rows.
pub(crate) async fn finish_and_check(
    line: &Arc<Line>,
    project: &Project,
    given: &Given,
    transformed: Transformed,
) -> Result<Checked, StageError> {
    let is_kept = matches!(given, Given::Kept);
    let mut ours = own_values(project, given.code());
    ours.extend(project.profile.texts_of_rules().map(str::to_owned));
    let promise = Promise {
        options: project.profile.options(),
        shift_days: given.mapping().filter(|_| project.shifts_dates).map(|mapping| mapping.shift_days()),
        given: transformed.uids.iter().map(|(.., pseudonym)| pseudonym.clone()).collect(),
    };
    let sample = Sample::of(&project.config);
    let accepted = Accepted::read(line, &transformed.outcomes, is_kept).await?;
    let line = Arc::clone(line);
    blocking(move || {
        let Transformed { mut outcomes, writers, identity, .. } = transformed;
        let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
        let search = match Verifier::new(&identity, &ours) {
            _ if is_kept => Search::Pattern,
            Ok(verifier) => Search::Identity(Box::new(verifier.promising(promise))),
            Err(error) => Search::Impossible(error.to_string()),
        };
        let blobs: BTreeMap<_, _> =
            line.blobs.finish_batch(writers)?.into_iter().map(|blob| (blob.key.id(), blob)).collect();
        for outcome in &mut outcomes {
            let (Ok(object), Some(blob)) = (&outcome.result, blobs.get(&outcome.id)) else { continue };
            let mut file = line.blobs.open(blob.key)?;
            file.seek(SeekFrom::Start(object.data_set))?;
            let found = search.search(file, object, outcome.done.as_mut(), &line);
            if let Some(done) = &outcome.done {
                outcome.report = shown(&serde_json::to_string(&done.report).map_err(io::Error::other)?);
            }
            let reason =
                if is_kept { QuarantineReason::PatternFound } else { QuarantineReason::IdentifierFound };
            if let Some(detail) = found.filter(|_| !accepted.patterns.contains(&outcome.id)) {
                outcome.result = Err(Held { reason, detail });
            } else if sample.holds(outcome.id) && !accepted.reviews.contains(&outcome.id) {
                let detail = "drawn for review: release it when nothing in it names the patient".to_owned();
                outcome.result = Err(Held { reason: QuarantineReason::Review, detail });
            }
        }
        Ok(Checked { outcomes, blobs })
    })
    .await?
}

/// What is searched for.
enum Search {
    /// This patient and study, and what the profile promises.
    Identity(Box<Verifier>),
    /// Without a known identity, what a person would write (DI-53).
    Pattern,
    /// Nothing can be, for this reason: everything is held.
    Impossible(String),
}

impl Search {
    /// Why the object is held, if it is: the places. What the object lost is noted in its report.
    fn search(
        &self,
        mut file: File,
        object: &Pseudonymised,
        done: Option<&mut Deidentified>,
        line: &Line,
    ) -> Option<String> {
        let recogniser = line.recogniser.as_deref();
        let syntax = object.transfer_syntax;
        let findings = match (self, done) {
            (Self::Impossible(why), _) => return Some(why.clone()),
            (Self::Pattern, _) => scan(file, syntax, Limits::INSTANCE),
            (Self::Identity(verifier), None) => verifier.verify(file, syntax, Limits::INSTANCE),
            (Self::Identity(verifier), Some(Deidentified { report, original })) => {
                let leaving = Leaving { original, pixels_cleaned: report.pixels.is_some() };
                verifier.check(&mut file, syntax, Limits::INSTANCE, leaving).and_then(|verdict| {
                    let mut findings = verdict.findings;
                    report.damage = verdict.damage;
                    if let Some(recogniser) = recogniser.filter(|_| report.is_recognised()) {
                        file.seek(SeekFrom::Start(object.data_set)).map_err(SourceError::Io)?;
                        findings.extend(verifier.verify_pixels(
                            &mut file,
                            syntax,
                            Limits::INSTANCE,
                            recogniser,
                        )?);
                    }
                    file.seek(SeekFrom::Start(object.data_set)).map_err(SourceError::Io)?;
                    findings.extend(in_document(verifier, &mut file, syntax, report, line)?);
                    Ok(findings)
                })
            }
        };
        match findings {
            Ok(findings) => places(&findings),
            Err(error) => Some(error.to_string()),
        }
    }
}

/// What is found in a document that was made anew.
fn in_document(
    verifier: &Verifier,
    file: &mut File,
    syntax: &TransferSyntax,
    report: &Report,
    line: &Line,
) -> Result<Option<Finding>, VerifyError> {
    match report.document {
        None => Ok(None),
        Some(DocumentReport::Clinical { .. }) => {
            verifier.verify_clinical_document(file, syntax, Limits::INSTANCE)
        }
        Some(DocumentReport::Pages { .. }) => {
            let programs = line.recogniser.as_deref().zip(line.renderer.as_deref());
            let (recogniser, renderer) =
                programs.ok_or_else(|| VerifyError::Pixels("no program renders documents".to_owned()))?;
            verifier.verify_document(file, syntax, Limits::INSTANCE, recogniser, renderer)
        }
    }
}

/// What persons have looked at.
struct Accepted {
    /// What the pattern scan found (AC1.9).
    patterns: BTreeSet<Uuid>,
    /// What was drawn for review.
    reviews: BTreeSet<Uuid>,
}

impl Accepted {
    async fn read(line: &Line, outcomes: &[Outcome], is_kept: bool) -> Result<Self, StageError> {
        let ids: Vec<Uuid> = outcomes.iter().map(|outcome| outcome.id).collect();
        let mut connection = line.buffer.reader().acquire().await?;
        let patterns = match is_kept {
            true => buffer::accepted_among(&mut connection, &ids, QuarantineReason::PatternFound).await?,
            false => BTreeSet::new(),
        };
        let reviews = buffer::accepted_among(&mut connection, &ids, QuarantineReason::Review).await?;
        Ok(Self { patterns, reviews })
    }
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
            each_value(tag_of(attribute.tag), vr, value, &set, |tag, vr, set, value| {
                identity.add_value(tag, vr, set, value);
            });
        }
    }
    identity.add_value(SOP_INSTANCE_UID, VR::UI, &set, record.study.as_bytes());
}
