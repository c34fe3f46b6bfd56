//! Stage *deidentify*: gives the instances of one batch their pseudonyms. State in: ADMITTED; out: DEIDENTIFIED and, with `verify`,
//! CLEARED; or QUARANTINED. Z1 + vault → Z3.
//!
//! Order of truth (ARC-12, S-15): vault rows → objects synced in Z3 → post-check → rows of the main database → rows of the buffer. A
//! repeat after a crash finds what is there and adds the rest: UIDs, bytes and ids are the same each time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use archive::blob::{Blob, BlobKey, BlobWriter};
use archive::buffer::{self, BufferState, BufferedInstance, Hold, QuarantineReason};
use archive::index::{self, Indexed};
use archive::job_queue::{self, ClaimedJob};
use archive::ledger::{self, LedgerEvent};
use archive::scan::Identification;
use archive::zone::Zone;
use deidentification::{DeidentificationError, Object, deidentify};
use dicom_stream::{FileMeta, Limits, TransferSyntax};
use pseudonym::{Admission, MappedUid, Participant, Receipt, SubjectKey, UidKind, VaultError};
use register::{Actor, AuditEvent, AuditRecord, Text};
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::indexing::{Tee, indexed_instance, indexed_series};
use crate::line::{Line, Project, StageError};
use crate::own_record;
use crate::progress;
use crate::recorder::Recorder;
use crate::verify;

/// Name of the stage in the queue; its subject is a batch.
pub(crate) const KIND: &str = "deidentify";

/// What became of one instance.
pub(crate) struct Outcome {
    pub(crate) id: Uuid,
    pub(crate) result: Result<Pseudonymised, Held>,
}

/// An instance with its pseudonyms, durable in Z3 once its writer is finished.
pub(crate) struct Pseudonymised {
    /// Of the output.
    pub(crate) identification: Identification,
    pub(crate) transfer_syntax: &'static TransferSyntax,
    /// Offset of the data set in the object.
    pub(crate) data_set: u64,
}

/// Why an instance waits for a person.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) reason: QuarantineReason,
    /// Rule and place, never a value.
    pub(crate) detail: String,
}

/// Works on the batch `job.subject`.
///
/// # Errors
/// Any [`StageError`]: the driver repeats, or calls a person.
pub(crate) async fn run(line: &Arc<Line>, job: &ClaimedJob) -> Result<(), StageError> {
    let batch = buffer::in_batch(line.buffer.reader(), job.subject).await?;
    let studies: BTreeSet<(String, Uuid)> = batch
        .iter()
        .filter_map(|instance| Some((instance.received.project.clone()?, instance.receiving_study?)))
        .collect();
    let mut groups: BTreeMap<(String, String), Vec<BufferedInstance>> = BTreeMap::new();
    for instance in batch.into_iter().filter(|instance| instance.state == BufferState::Admitted) {
        let received = &instance.received;
        let person = (received.assigning_authority.clone(), received.patient_id.clone());
        groups.entry(person).or_default().push(instance);
    }
    for group in groups.into_values() {
        one_participant(line, group).await?;
    }
    // Also when an earlier run wrote everything and did not come as far as this.
    for (project, study) in studies {
        progress::settle(line, line.project(&project)?, study).await?;
    }
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    job_queue::finish(&mut transaction, job.lease, now).await?;
    transaction.commit().await?;
    Ok(())
}

/// The instances of one participant in one series.
async fn one_participant(line: &Arc<Line>, group: Vec<BufferedInstance>) -> Result<(), StageError> {
    let Some(first) = group.first() else { return Ok(()) };
    let id = first.received.project.clone().unwrap_or_default();
    let project = line.project(&id)?;
    let receiving_study = first.receiving_study;
    let participant = match admit_participant(line, project, first).await? {
        Ok(participant) => participant,
        Err(held) => {
            let ids: Vec<Uuid> = group.iter().map(|instance| instance.received.id).collect();
            return hold(line, &id, &ids.iter().map(|id| (*id, held.clone())).collect::<Vec<_>>()).await;
        }
    };
    let transformed = transform(line, project, group, &participant).await?;
    keep_mapping(line, &participant, &transformed).await?;
    let checked = verify::finish_and_check(line, project, &participant, transformed).await?;
    let study = receiving_study.unwrap_or_default();
    write_main(line, project, &participant, study, &checked).await?;
    write_buffer(line, &id, &checked).await
}

/// A batch between de-identification and post-check.
pub(crate) struct Transformed {
    pub(crate) originals: Vec<BufferedInstance>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) writers: Vec<BlobWriter>,
    pub(crate) uids: Vec<(UidKind, String, String)>,
}

/// A batch after the post-check.
pub(crate) struct Checked {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) blobs: BTreeMap<Uuid, Blob>,
}

/// The participant of an original, or why a person has to look.
async fn admit_participant(
    line: &Arc<Line>,
    project: &Project,
    first: &BufferedInstance,
) -> Result<Result<Participant, Held>, StageError> {
    let held = |reason, detail: &str| Ok(Err(Held { reason, detail: detail.to_owned() }));
    let received = &first.received;
    let subject = SubjectKey::new(&project.config.id, &received.assigning_authority, &received.patient_id);
    let Ok(subject) = subject else { return held(QuarantineReason::NoPatientId, "DEC-Q") };
    let Some(syntax) = TransferSyntax::from_uid(&received.transfer_syntax_uid) else {
        return held(QuarantineReason::Irregular, "transfer syntax");
    };
    let receipt = Receipt {
        calling_ae: received.calling.clone(),
        peer: received.peer.clone(),
        received_at: received.received_at,
        dossier: project.dossier_version.clone(),
    };
    let original = line.spool.read(&received.location)?;
    let study = received.study_instance_uid.clone();
    let read = blocking(move || own_record::read(original, syntax, &study, receipt)).await?;
    let Ok(identified) = read else { return held(QuarantineReason::Irregular, "cannot be read again") };
    let admission = Admission {
        subject: &subject,
        record: &identified.record,
        name: &identified.name,
        birth_date: &identified.birth_date,
        codes: &project.codes,
        shift: pseudonym::ShiftRange::default(),
    };
    match line.vault.participant(&admission, line.clock.now()).await {
        Ok(participant) => {
            let study = first.receiving_study.unwrap_or_default();
            if progress::is_of_another(line.main.reader(), study, &participant).await? {
                return held(QuarantineReason::Irregular, "another patient in the same study");
            }
            Ok(Ok(participant))
        }
        Err(VaultError::Code(_)) => held(QuarantineReason::NotIncluded, "no code can be given (AC2.12)"),
        Err(VaultError::Opposed) => held(QuarantineReason::NotIncluded, "opposed since admission"),
        Err(error) => Err(error.into()),
    }
}

async fn transform(
    line: &Arc<Line>,
    project: &Project,
    originals: Vec<BufferedInstance>,
    participant: &Participant,
) -> Result<Transformed, StageError> {
    let (line, profile, participant) = (Arc::clone(line), Arc::clone(&project.profile), participant.clone());
    blocking(move || {
        let recorder = Recorder::new(&participant);
        let (mut outcomes, mut writers) = (Vec::new(), Vec::new());
        for original in &originals {
            let id = original.received.id;
            let result = match one(&line, &profile, original, &recorder)? {
                Ok((pseudonymised, writer)) => {
                    writers.push(writer);
                    Ok(pseudonymised)
                }
                Err(held) => Err(held),
            };
            outcomes.push(Outcome { id, result });
        }
        let uids = recorder.finish(originals.iter().map(|original| &original.received));
        Ok(Transformed { originals, outcomes, writers, uids })
    })
    .await?
}

type One = Result<(Pseudonymised, BlobWriter), Held>;

/// One instance, into an object of Z3 that has no name yet.
fn one(
    line: &Line,
    profile: &deidentification::CompiledProfile,
    original: &BufferedInstance,
    recorder: &Recorder<'_>,
) -> Result<One, StageError> {
    let received = &original.received;
    let held = |reason, detail: String| Ok(Err(Held { reason, detail }));
    let Some(syntax) = TransferSyntax::from_uid(&received.transfer_syntax_uid) else {
        return held(QuarantineReason::Irregular, "transfer syntax".to_owned());
    };
    let object = Object {
        sop_class: &received.sop_class_uid,
        sop_instance: &received.sop_instance_uid,
        transfer_syntax: syntax,
        length: Some(received.location.data_length()),
    };
    let output_syntax = if syntax.deflated { &TransferSyntax::EXPLICIT_LITTLE } else { syntax };
    let mut writer = line.blobs.create(BlobKey::new(Zone::Archive, received.id)?)?;
    let meta = FileMeta {
        media_storage_sop_class_uid: received.sop_class_uid.clone(),
        media_storage_sop_instance_uid: deidentification::PseudonymSource::uid(recorder, object.sop_instance),
        transfer_syntax_uid: output_syntax.uid.to_owned(),
    };
    meta.write(&mut writer).map_err(DeidentificationError::Output)?;
    let data_set = writer.length();
    let mut tee = Tee::new(writer, output_syntax);
    let input = line.spool.read(&received.location)?;
    match deidentify(profile, &object, recorder, Limits::INSTANCE, input, &mut tee) {
        Ok(_report) => {}
        Err(error @ DeidentificationError::Output(_)) => return Err(error.into()),
        Err(error) => return held(QuarantineReason::Irregular, error.to_string()),
    }
    match tee.finish() {
        Ok((writer, identification)) => {
            Ok(Ok((Pseudonymised { identification, transfer_syntax: output_syntax, data_set }, writer)))
        }
        Err(error) => held(QuarantineReason::Irregular, format!("output: {error}")),
    }
}

/// What was replaced goes to the vault before an object is named (AC2.9).
async fn keep_mapping(
    line: &Line,
    participant: &Participant,
    transformed: &Transformed,
) -> Result<(), StageError> {
    let study = transformed.uids.iter().find(|(kind, ..)| *kind == UidKind::Study);
    let Some((_, _, study)) = study else { return Ok(()) };
    let uids: Vec<MappedUid<'_>> = transformed
        .uids
        .iter()
        .map(|(kind, original, pseudonym)| MappedUid { kind: *kind, original, pseudonym })
        .collect();
    Ok(line.vault.record_mapping(participant, study, &uids, &[]).await?)
}

/// Index, ledger and jobs, in one transaction.
async fn write_main(
    line: &Line,
    project: &Project,
    participant: &Participant,
    receiving_study: Uuid,
    checked: &Checked,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let mut series: BTreeMap<&str, Vec<(&Outcome, &Pseudonymised, &Blob)>> = BTreeMap::new();
    for outcome in &checked.outcomes {
        if let (Ok(pseudonymised), Some(blob)) = (&outcome.result, checked.blobs.get(&outcome.id)) {
            let uid = pseudonymised.identification.series_instance_uid.as_str();
            series.entry(uid).or_default().push((outcome, pseudonymised, blob));
        }
    }
    let mut transaction = line.main.write().await?;
    let mut replaced = Vec::new();
    let mut study = None;
    for members in series.values() {
        let Some((_, first, _)) = members.first() else { continue };
        let (patient, of_study, of_series) = indexed_series(&first.identification);
        let instances = members
            .iter()
            .map(|(outcome, pseudonymised, blob)| indexed_instance(outcome.id, pseudonymised, blob))
            .collect();
        let indexed = Indexed {
            project: project.config.id.clone(),
            source: receiving_study,
            patient,
            study: of_study,
            series: of_series,
            instances,
        };
        let upserted = index::upsert(&mut transaction, &indexed, now).await?;
        study = Some(upserted.study);
        replaced.extend(upserted.replaced);
        let ids: Vec<Uuid> = members.iter().map(|(outcome, ..)| outcome.id).collect();
        index::clear(&mut transaction, &ids).await?;
    }
    append_ledger(&mut transaction, project, checked, now).await?;
    let instances = series.values().map(|members| members.len() as u64).sum();
    audit(line, &mut transaction, project, participant, instances, now).await?;
    if let Some(study) = study {
        progress::open_jobs(line, &mut transaction, project, participant, receiving_study, study).await?;
    }
    transaction.commit().await?;
    line.work.notify_one();
    Ok(())
}

/// ACX.2
async fn audit(
    line: &Line,
    transaction: &mut AnyConnection,
    project: &Project,
    participant: &Participant,
    instances: u64,
    now: i64,
) -> Result<(), StageError> {
    if instances == 0 {
        return Ok(());
    }
    let event = AuditEvent::Deidentified {
        project: Text::from_operator(&project.config.id),
        job: None,
        participant: Uuid::parse_str(&participant.id.to_string()).ok(),
        instances,
        profile: Text::from_operator(&project.profile.title()),
        dossier_version: project.dossier.version,
    };
    let record = AuditRecord { at: now, actor: Actor::Program(Text::from_operator("deidentify")), event };
    Ok(line.trail.append(transaction, &[record]).await?)
}

async fn append_ledger(
    transaction: &mut AnyConnection,
    project: &Project,
    checked: &Checked,
    now: i64,
) -> Result<(), StageError> {
    let hashes: Vec<String> = checked
        .outcomes
        .iter()
        .map(|outcome| {
            checked.blobs.get(&outcome.id).map_or_else(String::new, |blob| format!("blake3:{}", blob.hash))
        })
        .collect();
    let mut lines = Vec::with_capacity(hashes.len() * 2);
    for (outcome, hash) in checked.outcomes.iter().zip(&hashes) {
        let object = checked.blobs.get(&outcome.id).filter(|_| outcome.result.is_ok());
        let cause = match (&outcome.result, object) {
            (Ok(_), Some(_)) => "",
            (Err(held), _) => held.reason.as_str(),
            (Ok(_), None) => "no object",
        };
        let (hash, bytes) = object.map_or(("", 0), |blob| (hash.as_str(), blob.length));
        let events: &[LedgerEvent] = match object {
            Some(_) => &[LedgerEvent::Deidentified, LedgerEvent::Cleared],
            None => &[LedgerEvent::Quarantined],
        };
        lines.extend(events.iter().map(|event| ledger::Line {
            event: *event,
            project: &project.config.id,
            job: None,
            result_set: None,
            instance: outcome.id,
            destination: "",
            hash,
            bytes,
            dossier_version: &project.dossier_version,
            gate_hash: None,
            cause,
            at: now,
        }));
    }
    Ok(ledger::append(transaction, &lines).await?)
}

async fn write_buffer(line: &Line, project: &str, checked: &Checked) -> Result<(), StageError> {
    let now = line.clock.now();
    let done: Vec<Uuid> =
        checked.outcomes.iter().filter(|outcome| outcome.result.is_ok()).map(|outcome| outcome.id).collect();
    let held: Vec<(Uuid, Held)> = checked
        .outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.id, outcome.result.as_ref().err()?.clone())))
        .collect();
    let mut transaction = line.buffer.write().await?;
    buffer::advance(&mut transaction, &done, BufferState::Admitted, BufferState::Deidentified, now).await?;
    transaction.commit().await?;
    hold(line, project, &held).await
}

async fn hold(line: &Line, project: &str, held: &[(Uuid, Held)]) -> Result<(), StageError> {
    if held.is_empty() {
        return Ok(());
    }
    let now = line.clock.now();
    let mut transaction = line.buffer.write().await?;
    for (id, Held { reason, detail }) in held {
        let hold = Hold { project, reason: *reason, detail, expires_at: line.quarantine_until(now) };
        buffer::hold(&mut transaction, &[*id], hold, now).await?;
    }
    Ok(transaction.commit().await?)
}

/// Runs CPU and file work off the runtime's threads (ARC-20).
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StageError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StageError::Interrupted)
}

impl From<io::Error> for StageError {
    fn from(error: io::Error) -> Self {
        DeidentificationError::Output(error).into()
    }
}
