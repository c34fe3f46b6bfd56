//! Stage *reconcile*: gives a result set the identity it came from, or hands it to a person (step 8). Z4 + vault → Z5 and Z3. State of
//! the result set: reconciled, manual or rejected. Pseudonym → identity goes through `Vault::reidentify` and nowhere else.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use archive::blob::{Blob, BlobKey, BlobWriter};
use archive::buffer::{self, ResultInstance};
use archive::index::{self, Indexed, Patient, Series, Study, StudyFilter};
use archive::job::{self, Job};
use archive::job_queue::{self, ClaimedJob};
use archive::ledger::{self, LedgerEvent};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::scan::Identification;
use archive::state::Change;
use archive::zone::Zone;
use dicom_stream::{FileMeta, Tag, TransferSyntax, VR};
use notification::EventType;
use pseudonym::{ExportRecord, Purpose, Reidentification, VaultError};
use reconciliation::{
    Conditions, Equipment, Given, Identities, Issued, ManualReason, Marking, NotInspected, Object, Outcome,
    OwnRecord, Participant, Policy, Pseudonyms, Survey, TrialAttributes, Verdict, Window, judge, reconcile,
    reverse_scan,
};
use register::{Actor, AuditEvent, AuditRecord, Text, day_of};
use uuid::Uuid;

use crate::clinical_pacs::{IdentityCheck, check_identity};
use crate::config::{ResultsConfig, SoftwareStatus};
use crate::deidentify::{Pseudonymised, blocking};
use crate::indexing::{Tee, indexed_instance, indexed_series};
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::returned_set::{key_of, look_up, open_data_set, survey_all};
use crate::{export, notify, release};

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "reconcile";

/// What is compared of a geometry, in millimetres and cosines (RC-08).
const TOLERANCE: f64 = 0.001;
/// Added to the Series Number of a result (AC8.9).
const SERIES_NUMBER_OFFSET: i32 = 9000;
/// Wait before a held set is looked at again (RR-4).
const HOLD_MS: i64 = 60_000;

/// How the work on a set ends.
enum End {
    /// Identified objects are ready.
    Reconciled(Box<Reconciled>),
    /// A person decides; the words say why.
    Manual(String),
    /// It never goes back; the words say why.
    Rejected(String),
    /// The gate or the lists forbid it.
    Blocked(&'static str),
    /// It waits for what it refers to.
    Hold,
}

/// A set with its identity, durable in Z5 and, as it came, in Z3.
struct Reconciled {
    returned: Vec<ResultInstance>,
    archived: Vec<(Pseudonymised, Blob)>,
    check: IdentityCheck,
    body_not_inspected: bool,
    participant: Uuid,
}

/// Works on the result set `claimed.subject`.
///
/// # Errors
/// Any [`StageError`]: the driver repeats, or calls a person.
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    if set.state != ResultSetState::Retrieved {
        let mut transaction = line.main.write().await?;
        job_queue::finish(&mut transaction, claimed.lease, line.clock.now()).await?;
        return Ok(transaction.commit().await?);
    }
    let job = job::show(line.main.reader(), set.job).await?;
    let end = work(line, project, &set, &job).await?;
    conclude(line, project, &set, &job, claimed, end).await
}

async fn work(line: &Arc<Line>, project: &Project, set: &ResultSet, job: &Job) -> Result<End, StageError> {
    let Some(results) = &project.config.results else {
        return Ok(End::Blocked("results are not configured"));
    };
    let instances = buffer::inbound_of(line.buffer.reader(), set.id).await?;
    let Some(surveys) = survey_all(line, &instances).await? else {
        return Ok(End::Manual("cannot-be-read".to_owned()));
    };
    let mut issued = look_up(line, job, &surveys).await?;
    let conditions = conditions(line, results, set, job)?;
    let claimed_by = export::participant(job)?;
    // Whose it is, before anything of an identity is opened.
    if let Some(end) = without_identity(&surveys, &issued, &conditions, key_of(claimed_by)) {
        return Ok(end);
    }
    let purpose = Purpose::new("reconcile", "research-pacs", &line.site, &format!("job {}", job.id))?;
    let access = match line.vault.reidentify(&job.project, claimed_by, &purpose, line.clock.now()).await {
        Ok(access) => access,
        Err(VaultError::Opposed) => return Ok(End::Blocked("opposed")),
        Err(VaultError::Erased) => return Ok(End::Blocked("erased")),
        Err(error) => return Err(error.into()),
    };
    if access.merged_into().is_some() {
        return Ok(End::Manual("participant-merged".to_owned()));
    }
    let record = line.vault.export_record(&job.first_increment.to_string()).await?;
    add_identity_knowledge(line, &access, &record, &surveys, &mut issued).await?;
    let judgement = judge(&surveys, &issued, &conditions);
    match &judgement.outcome {
        Outcome::Accept { .. } => {}
        Outcome::Refuse { reasons } => {
            return Ok(End::Rejected(words(reasons.iter().map(|reason| reason.word()))));
        }
        Outcome::Hold => return Ok(End::Hold),
        Outcome::Manual { reasons, .. } => {
            return Ok(End::Manual(words(reasons.iter().map(|reason| reason.word()))));
        }
    }
    if !all_of_study(&judgement.objects, &record.study) {
        return Ok(End::Manual("another-study".to_owned()));
    }
    let own = match own_record(line, &access, &record).await? {
        Ok(own) => own,
        Err(end) => return Ok(end),
    };
    let identities =
        identities(line, &access, &record, &surveys, &issued, &judgement.regenerate, set).await?;
    let issued_uids = issued.uids.keys().cloned();
    let pseudonyms = Pseudonyms::new(record.code.as_str(), issued_uids, &issued.dates, identities.shift_days);
    let transform = Transform {
        identities,
        given: Given { code: record.code.as_str().to_owned(), values: BTreeMap::new() },
        own: of_vault(&own),
        policy: policy(results, set, job, conditions.window),
        pseudonyms,
    };
    // Before anything identified is written: what goes to a person leaves nothing in Z5.
    let check = check_identity(line.return_node(project)?, &own).await?;
    if matches!(check, IdentityCheck::Differs | IdentityCheck::NotFound) {
        return Ok(End::Manual(check.as_str().to_owned()));
    }
    let written = match transform_all(line, set, instances, surveys, judgement.objects, transform).await? {
        Ok(written) => written,
        Err(end) => return Ok(end),
    };
    let participant = Uuid::from_u128(key_of(claimed_by).0);
    let Written { returned, archived, body_not_inspected } = written;
    Ok(End::Reconciled(Box::new(Reconciled { returned, archived, check, body_not_inspected, participant })))
}

/// How a set ends that is not this participant's, whatever the participant's own rows would tell; `None` when they have to be asked:
/// only they know the dates that were issued and the real UIDs that must not be in it.
fn without_identity(
    surveys: &[Survey],
    issued: &Issued,
    conditions: &Conditions,
    claimed_by: Participant,
) -> Option<End> {
    // A set that would wait for more says whose it is all the same.
    let conditions = Conditions { deadline_passed: true, ..conditions.clone() };
    match judge(surveys, issued, &conditions).outcome {
        Outcome::Refuse { reasons } => Some(End::Rejected(words(reasons.iter().map(|reason| reason.word())))),
        Outcome::Accept { participant } if participant == claimed_by => None,
        Outcome::Accept { .. } => Some(End::Rejected("another-participant".to_owned())),
        Outcome::Manual { reasons, proposal } => {
            let may_change = |reason: &ManualReason| {
                matches!(reason, ManualReason::UnknownReference | ManualReason::DateOfNoClass)
            };
            let is_theirs = proposal.is_some_and(|proposal| proposal.participant == claimed_by);
            let ends = !(is_theirs && reasons.iter().all(may_change));
            ends.then(|| End::Manual(words(reasons.iter().map(|reason| reason.word()))))
        }
        // not with the deadline passed
        Outcome::Hold => Some(End::Hold),
    }
}

/// Whether every object that goes back says that it is of the study whose identity is written into it.
fn all_of_study(verdicts: &[Verdict], study: &str) -> bool {
    verdicts.iter().filter(|verdict| !verdict.drop).all(|verdict| verdict.study.as_deref() == Some(study))
}

fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn conditions(
    line: &Line,
    results: &ResultsConfig,
    set: &ResultSet,
    job: &Job,
) -> Result<Conditions, StageError> {
    let partner = line.partner(&set.partner)?;
    let day = |at: i64| day_of(at).format("%Y%m%d").to_string().parse().unwrap_or(0);
    const DAY: i64 = 86_400_000;
    let deadline = set.created_at + i64::from(results.idle_seconds).max(60) * 10_000;
    Ok(Conditions {
        sop_classes: partner.results().sop_classes.iter().cloned().collect(),
        // The partner's clock and time zone are its own: a day more at both ends.
        window: Window { exported_on: day(job.created_at - DAY), received_on: day(line.clock.now() + DAY) },
        deadline_passed: line.clock.now() > deadline,
        tolerance: TOLERANCE,
    })
}

/// What only the participant's own rows tell: dates that were issued, and real UIDs that must not be in a result (RC-06).
async fn add_identity_knowledge(
    line: &Line,
    access: &Reidentification,
    record: &ExportRecord,
    surveys: &[Survey],
    issued: &mut Issued,
) -> Result<(), StageError> {
    let dates = line.vault.issued_dates(access, &record.id).await?;
    issued.dates = dates.values.iter().filter_map(|day| u32::try_from(*day).ok()).collect();
    let unknown: Vec<&str> =
        reconciliation::uids_of(surveys).into_iter().filter(|uid| !issued.uids.contains_key(*uid)).collect();
    issued.originals = line.vault.originals_among(access, &unknown).await?;
    Ok(())
}

/// The one identity that the study was received with, or why a person has to choose.
async fn own_record(
    line: &Line,
    access: &Reidentification,
    record: &ExportRecord,
) -> Result<Result<pseudonym::OwnRecord, End>, StageError> {
    match line.vault.own_records(access, &record.study).await {
        Ok(mut records) if records.len() == 1 => match records.pop() {
            Some(own) => Ok(Ok(own)),
            None => Ok(Err(End::Manual("no-identity-as-received".to_owned()))),
        },
        Ok(_) => Ok(Err(End::Manual("several-identities-as-received".to_owned()))),
        Err(VaultError::Unknown(_)) => Ok(Err(End::Manual("no-identity-as-received".to_owned()))),
        Err(error) => Err(error.into()),
    }
}

async fn identities(
    line: &Line,
    access: &Reidentification,
    record: &ExportRecord,
    surveys: &[Survey],
    issued: &Issued,
    regenerate: &std::collections::BTreeSet<String>,
    set: &ResultSet,
) -> Result<Identities, StageError> {
    let uids: Vec<&str> =
        reconciliation::uids_of(surveys).into_iter().filter(|uid| issued.uids.contains_key(*uid)).collect();
    let mut originals = line.vault.originals(access, &record.partner, &uids).await?;
    // A UID that gets a new one does not go back to a source's (AC8.6).
    originals.retain(|pseudonym, _| !regenerate.contains(pseudonym));
    let dates = line.vault.issued_dates(access, &record.id).await?;
    let fresh: HashMap<String, String> =
        regenerate.iter().map(|uid| (uid.clone(), fresh_uid(set.job, uid))).collect();
    Ok(Identities { originals, fresh, shifted: issued.dates.clone(), shift_days: dates.shift_days })
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

fn of_vault(own: &pseudonym::OwnRecord) -> OwnRecord {
    let value = |value: &pseudonym::Value| match value {
        pseudonym::Value::Absent => reconciliation::Value::Absent,
        pseudonym::Value::Empty => reconciliation::Value::Empty,
        pseudonym::Value::Bytes(bytes) => reconciliation::Value::Bytes(bytes.clone()),
    };
    let attributes = own.attributes.iter().map(|attribute| reconciliation::Attribute {
        tag: Tag((attribute.tag >> 16) as u16, (attribute.tag & 0xFFFF) as u16),
        vr: VR::from_binary(attribute.vr).unwrap_or(VR::UN),
        value: value(&attribute.value),
    });
    OwnRecord {
        study: own.study.clone(),
        character_set: value(&own.character_set),
        attributes: attributes.collect(),
    }
}

fn policy(results: &ResultsConfig, set: &ResultSet, job: &Job, window: Window) -> Policy {
    let is_research = results.software_status != Some(SoftwareStatus::CeMarked);
    let marking = is_research.then(|| Marking {
        series_description_prefix: results.series_prefix.trim_end().to_owned(),
        series_number_offset: SERIES_NUMBER_OFFSET,
    });
    Policy {
        marking,
        trial: TrialAttributes::Remove,
        equipment: Equipment {
            manufacturer: "research-pacs".to_owned(),
            model: "research-pacs".to_owned(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            station: String::new(),
        },
        partner: job.partner.clone(),
        changed_at: format!("{}000000", day_of(set.created_at).format("%Y%m%d")),
        window,
        accepted_dates: std::collections::BTreeSet::new(),
    }
}

/// Everything that the pure transform needs.
struct Transform {
    identities: Identities,
    given: Given,
    own: OwnRecord,
    policy: Policy,
    pseudonyms: Pseudonyms,
}

/// What was written for a set.
struct Written {
    returned: Vec<ResultInstance>,
    archived: Vec<(Pseudonymised, Blob)>,
    body_not_inspected: bool,
}

/// Writes each object with its identity to Z5 and as it came to Z3; nothing counts unless all of it worked.
async fn transform_all(
    line: &Arc<Line>,
    set: &ResultSet,
    instances: Vec<ResultInstance>,
    surveys: Vec<Survey>,
    verdicts: Vec<Verdict>,
    transform: Transform,
) -> Result<Result<Written, End>, StageError> {
    let (line, set) = (Arc::clone(line), set.id);
    blocking(move || {
        let written = write_all(&line, set, &instances, &surveys, &verdicts, &transform);
        if !matches!(written, Ok(Ok(_))) {
            remove_identified(&line, &instances)?;
        }
        written
    })
    .await?
}

/// Removes what Z5 holds of these objects of Z4, whether it has rows or not.
fn remove_identified(line: &Line, received: &[ResultInstance]) -> Result<(), StageError> {
    for instance in received {
        line.blobs.remove(BlobKey::new(Zone::ReturnBuffer, instance.id)?)?;
    }
    Ok(())
}

/// Removes what an earlier try made of a set that now ends otherwise: identified objects, and copies for Z3 that were never indexed.
async fn discard(line: &Arc<Line>, set: &ResultSet) -> Result<(), StageError> {
    let instances = buffer::inbound_of(line.buffer.reader(), set.id).await?;
    let is_indexed = index::count_of_source(line.main.reader(), set.id).await? > 0;
    let line = Arc::clone(line);
    blocking(move || {
        remove_identified(&line, &instances)?;
        if !is_indexed {
            for instance in &instances {
                line.blobs.remove(BlobKey::new(Zone::Archive, instance.id)?)?;
            }
        }
        Ok(())
    })
    .await?
}

fn write_all(
    line: &Line,
    set: Uuid,
    instances: &[ResultInstance],
    surveys: &[Survey],
    verdicts: &[Verdict],
    transform: &Transform,
) -> Result<Result<Written, End>, StageError> {
    let mut identified = Vec::new();
    let mut archived = Vec::new();
    let mut body_not_inspected = false;
    for ((instance, survey), verdict) in instances.iter().zip(surveys).zip(verdicts) {
        if verdict.drop {
            tracing::info!(instance = %instance.id, "an original came back unchanged; it is dropped");
            continue;
        }
        let (of, writer) = match identify(line, set, instance, survey, transform)? {
            Ok(done) => done,
            Err(end) => return Ok(Err(end)),
        };
        body_not_inspected |= of.body_not_inspected;
        identified.push((of.instance, writer));
        archived.push(archive(line, instance)?);
    }
    let (returned, writers): (Vec<ResultInstance>, Vec<BlobWriter>) = identified.into_iter().unzip();
    let blobs = line.blobs.finish_batch(writers)?;
    let returned: Vec<ResultInstance> =
        returned.into_iter().zip(&blobs).map(|(instance, blob)| with_blob(instance, blob)).collect();
    if let Some(place) = left_over(line, &returned, &transform.pseudonyms)? {
        return Ok(Err(End::Manual(format!("pseudonym-left {place}"))));
    }
    let (objects, writers): (Vec<Pseudonymised>, Vec<BlobWriter>) = archived.into_iter().unzip();
    let archived = objects.into_iter().zip(line.blobs.finish_batch(writers)?).collect();
    Ok(Ok(Written { returned, archived, body_not_inspected }))
}

struct Identified {
    instance: ResultInstance,
    body_not_inspected: bool,
}

fn identify(
    line: &Line,
    set: Uuid,
    received: &ResultInstance,
    survey: &Survey,
    transform: &Transform,
) -> Result<Result<(Identified, BlobWriter), End>, StageError> {
    let (input, syntax) = open_data_set(line, Zone::Inbound, received.id)?;
    let object = Object { survey, transfer_syntax: syntax, length: None, limits: reconciliation::LIMITS };
    let output_syntax = if syntax.deflated { &TransferSyntax::EXPLICIT_LITTLE } else { syntax };
    let mut writer = line.blobs.create(BlobKey::new(Zone::ReturnBuffer, received.id)?)?;
    let sop_instance =
        transform.identities.fresh.get(&survey.sop_instance).unwrap_or(&survey.sop_instance).clone();
    let meta = FileMeta {
        media_storage_sop_class_uid: survey.sop_class.clone(),
        media_storage_sop_instance_uid: sop_instance,
        transfer_syntax_uid: output_syntax.uid.to_owned(),
    };
    meta.write(&mut writer)?;
    let Transform { identities, given, own, policy, .. } = transform;
    let report = match reconcile(&object, identities, own, given, policy, input, &mut writer) {
        Ok(report) => report,
        Err(error) => return Ok(Err(End::Manual(format!("cannot-be-reconciled: {error}")))),
    };
    let body_not_inspected = report
        .not_inspected
        .iter()
        .any(|part| matches!(part, NotInspected::DocumentBody | NotInspected::SecondaryCapturePixels));
    let instance = ResultInstance {
        id: received.id,
        result_set: set,
        study_instance_uid: own.study.clone(),
        series_instance_uid: report.series,
        sop_instance_uid: report.sop_instance,
        sop_class_uid: survey.sop_class.clone(),
        transfer_syntax_uid: output_syntax.uid.to_owned(),
        location: String::new(),
        bytes: 0,
        blake3: [0; 32],
    };
    Ok(Ok((Identified { instance, body_not_inspected }, writer)))
}

/// The object as the partner sent it, for Z3: the pseudonymised form of the result.
fn archive(line: &Line, received: &ResultInstance) -> Result<(Pseudonymised, BlobWriter), StageError> {
    let (mut input, syntax) = open_data_set(line, Zone::Inbound, received.id)?;
    let mut writer = line.blobs.create(BlobKey::new(Zone::Archive, received.id)?)?;
    let meta = FileMeta {
        media_storage_sop_class_uid: received.sop_class_uid.clone(),
        media_storage_sop_instance_uid: received.sop_instance_uid.clone(),
        transfer_syntax_uid: syntax.uid.to_owned(),
    };
    meta.write(&mut writer)?;
    let data_set = writer.length();
    let mut tee = Tee::new(writer, syntax);
    std::io::copy(&mut input, &mut tee)?;
    let (writer, identification) = tee.finish().map_err(|_| StageError::Answer)?;
    Ok((Pseudonymised { identification, transfer_syntax: syntax, data_set }, writer))
}

fn with_blob(instance: ResultInstance, blob: &Blob) -> ResultInstance {
    ResultInstance {
        location: blob.key.to_string(),
        bytes: blob.length,
        blake3: *blob.hash.as_bytes(),
        ..instance
    }
}

/// The place of the first pseudonym that is still in an object (RR-9).
fn left_over(
    line: &Line,
    returned: &[ResultInstance],
    pseudonyms: &Pseudonyms,
) -> Result<Option<String>, StageError> {
    for instance in returned {
        let (file, syntax) = open_data_set(line, Zone::ReturnBuffer, instance.id)?;
        let scan = match reverse_scan(file, syntax, reconciliation::LIMITS, pseudonyms) {
            Ok(scan) => scan,
            Err(error) => return Ok(Some(error.to_string())),
        };
        if let Some(finding) = scan.findings.first() {
            return Ok(Some(finding.path.to_string()));
        }
    }
    Ok(None)
}

async fn conclude(
    line: &Arc<Line>,
    project: &Project,
    set: &ResultSet,
    job: &Job,
    claimed: &ClaimedJob,
    end: End,
) -> Result<(), StageError> {
    let now = line.clock.now();
    if let End::Reconciled(reconciled) = &end {
        let mut transaction = line.buffer.write().await?;
        buffer::insert_return(&mut transaction, &reconciled.returned, now).await?;
        transaction.commit().await?;
    }
    let mut transaction = line.main.write().await?;
    if let End::Hold = end {
        job_queue::postpone(&mut transaction, claimed.lease, now + HOLD_MS, now).await?;
        return Ok(transaction.commit().await?);
    }
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    let change = stage(project, "reconcile", now);
    let advance = async |transaction: &mut sqlx::AnyConnection, event, cause: &str| {
        let change = Change { cause, ..change };
        result_set::advance(transaction, set.id, event, &change).await
    };
    match &end {
        End::Reconciled(reconciled) => {
            index_results(&mut transaction, project, set, reconciled, now).await?;
            ledger_lines(&mut transaction, project, set, reconciled, now).await?;
            advance(&mut transaction, ResultSetEvent::Reconcile, reconciled.check.as_str()).await?;
            let Reconciled { check, body_not_inspected, .. } = **reconciled;
            release::by_policy(line, &mut transaction, project, set, check, body_not_inspected).await?;
            let event = AuditEvent::Reidentified {
                project: Text::from_operator(&project.config.id),
                job: Some(job.id),
                participant: reconciled.participant,
                instances: reconciled.returned.len() as u64,
            };
            let record =
                AuditRecord { at: now, actor: Actor::Program(Text::from_operator("reconcile")), event };
            line.trail.append(&mut transaction, &[record]).await?;
        }
        End::Manual(why) => {
            advance(&mut transaction, ResultSetEvent::AskPerson, why).await?;
            let event = notify::event(EventType::ResultManual, &project.config.id, job.id, 0, 0, now);
            notify::enqueue(line, &mut transaction, &event).await?;
        }
        End::Rejected(why) => {
            advance(&mut transaction, ResultSetEvent::Reject, why).await?;
            let event = notify::event(EventType::ResultManual, &project.config.id, job.id, 0, 0, now);
            notify::enqueue(line, &mut transaction, &event).await?;
        }
        End::Blocked(why) => {
            advance(&mut transaction, ResultSetEvent::Block, why).await?;
        }
        End::Hold => {}
    }
    transaction.commit().await?;
    if !matches!(end, End::Reconciled(_))
        && let Err(error) = discard(line, set).await
    {
        tracing::error!(result_set = %set.id, %error, "what a try left behind is removed later, with its set");
    }
    line.work.notify_one();
    line.messages.notify_one();
    Ok(())
}

/// The pseudonymised form of the results in the index of Z3.
async fn index_results(
    transaction: &mut sqlx::AnyConnection,
    project: &Project,
    set: &ResultSet,
    reconciled: &Reconciled,
    now: i64,
) -> Result<(), StageError> {
    for (object, blob) in &reconciled.archived {
        let (patient, study, series) = rows_above(&mut *transaction, project, &object.identification).await?;
        let indexed = Indexed {
            project: project.config.id.clone(),
            source: set.id,
            patient,
            study,
            series,
            instances: vec![indexed_instance(blob.key.id(), object, blob)],
        };
        index::upsert(&mut *transaction, &indexed, now).await?;
        index::clear(&mut *transaction, &[blob.key.id()]).await?;
    }
    Ok(())
}

/// The rows that a result comes under. Ours stay as they are, whatever the partner wrote, and its free text stays out of the index:
/// nobody has verified it.
async fn rows_above(
    transaction: &mut sqlx::AnyConnection,
    project: &Project,
    identification: &Identification,
) -> Result<(Patient, Study, Series), StageError> {
    let (patient, study, series) = indexed_series(identification);
    let series = Series { series_description: String::new(), body_part_examined: String::new(), ..series };
    let filter =
        StudyFilter { study_instance_uid: Some(&study.study_instance_uid), ..StudyFilter::default() };
    let found = index::find_studies(&mut *transaction, &project.config.id, &filter, 1).await?;
    let Some(found) = found.into_iter().next() else {
        let patient = Patient { patient_id: patient.patient_id, ..Patient::default() };
        let study = Study { study_instance_uid: study.study_instance_uid, ..Study::default() };
        return Ok((patient, study, series));
    };
    let known = index::series_of_study(&mut *transaction, found.id).await?;
    let known = known.into_iter().find(|of| of.series.series_instance_uid == series.series_instance_uid);
    Ok((found.patient, found.study, known.map_or(series, |of| of.series)))
}

async fn ledger_lines(
    transaction: &mut sqlx::AnyConnection,
    project: &Project,
    set: &ResultSet,
    reconciled: &Reconciled,
    now: i64,
) -> Result<(), StageError> {
    let hashes: Vec<String> = reconciled
        .returned
        .iter()
        .map(|instance| format!("blake3:{}", blake3::Hash::from_bytes(instance.blake3)))
        .collect();
    let lines: Vec<ledger::Line<'_>> = reconciled
        .returned
        .iter()
        .zip(&hashes)
        .map(|(instance, hash)| ledger::Line {
            event: LedgerEvent::Reconciled,
            project: &project.config.id,
            job: Some(set.job),
            result_set: Some(set.id),
            instance: instance.id,
            destination: "",
            hash,
            bytes: instance.bytes,
            dossier_version: &project.dossier_version,
            gate_hash: None,
            cause: reconciled.check.as_str(),
            at: now,
        })
        .collect();
    Ok(ledger::append(transaction, &lines).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_another_study_or_of_none_stops_the_set_unless_it_is_dropped() {
        let of = |study: Option<&str>, drop| Verdict {
            study: study.map(str::to_owned),
            drop,
            ..Verdict::default()
        };
        assert!(all_of_study(&[of(Some("A"), false), of(Some("A"), false)], "A"));
        assert!(!all_of_study(&[of(Some("A"), false), of(Some("B"), false)], "A"));
        assert!(!all_of_study(&[of(None, false)], "A"));
        assert!(all_of_study(&[of(Some("A"), false), of(Some("B"), true)], "A"));
    }
}
