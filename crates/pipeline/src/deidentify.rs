//! Stage *deidentify*: gives the instances of one batch their pseudonyms. State in: ADMITTED; out: DEIDENTIFIED and, with `verify`,
//! CLEARED; or QUARANTINED. Z1 + vault → Z3.
//!
//! Order of truth (ARC-12, S-15): vault rows → objects synced in Z3 → after-check → rows of the main database → rows of the buffer. A
//! repeat after a crash finds what is there and adds the rest: UIDs, bytes and ids are the same each time.
//!
//! What waits for the rest of its series, to be defaced, is set aside; a job of the kind *deface* brings it back with the samples that
//! the defacing program made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use archive::blob::{Blob, BlobKey};
use archive::buffer::{self, Arrival, BufferState, BufferedInstance, Hold, QuarantineReason};
use archive::index::{self, Indexed};
use archive::job_queue::{self, ClaimedJob, Lease};
use archive::ledger::{self, LedgerEvent};
use archive::report;
use archive::zone::Zone;
use pseudonym::{MappedUid, UidKind};
use register::{Actor, AuditEvent, AuditRecord, Text};
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::deface::{self, Defaced};
use crate::given::Given;
use crate::identify::{Found, identify};
use crate::indexing::{indexed_instance, indexed_series};
use crate::line::{Line, Project, StageError};
use crate::shown::shown;
use crate::transform::{Held, Outcome, Pseudonymised, Transformed, transform};
use crate::{progress, verify, withdraw};

/// Name of the stage in the queue; its subject is a batch.
pub(crate) const KIND: &str = "deidentify";
/// Objects that are open at the same time: each has a descriptor and a buffer.
const PART: usize = 64;

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
    // In the order of arrival: where a study has a second patient, it is the first one's.
    let mut groups: Vec<Vec<BufferedInstance>> = Vec::new();
    for instance in without_done(line, batch).await? {
        let person =
            |of: &BufferedInstance| (of.received.assigning_authority.clone(), of.received.patient_id.clone());
        let of = person(&instance);
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| person(first) == of)) {
            Some(group) => group.push(instance),
            None => groups.push(vec![instance]),
        }
    }
    for group in groups {
        one_participant(line, job, group).await?;
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

/// What is left to do: instances that an earlier run cleared, before it could write it down in the buffer, are passed over.
async fn without_done(
    line: &Line,
    batch: Vec<BufferedInstance>,
) -> Result<Vec<BufferedInstance>, StageError> {
    let mut admitted: Vec<BufferedInstance> =
        batch.into_iter().filter(|instance| instance.state == BufferState::Admitted).collect();
    let ids: Vec<Uuid> = admitted.iter().map(|instance| instance.received.id).collect();
    let mut connection = line.main.reader().acquire().await.map_err(StageError::from)?;
    let cleared = index::cleared(&mut connection, &ids).await?;
    drop(connection);
    if !cleared.is_empty() {
        let ids: Vec<Uuid> = cleared.iter().copied().collect();
        let now = line.clock.now();
        let mut transaction = line.buffer.write().await?;
        buffer::advance(&mut transaction, &ids, BufferState::Admitted, BufferState::Deidentified, now)
            .await?;
        transaction.commit().await?;
        admitted.retain(|instance| !cleared.contains(&instance.received.id));
    }
    Ok(admitted)
}

/// The instances of one participant in one series.
async fn one_participant(
    line: &Arc<Line>,
    job: &ClaimedJob,
    group: Vec<BufferedInstance>,
) -> Result<(), StageError> {
    let Some(first) = group.first() else { return Ok(()) };
    let id = first.received.project.clone().unwrap_or_default();
    let project = line.project(&id)?;
    let study = first.receiving_study.unwrap_or_default();
    let Found { given, members, kept, held, opposed } = identify(line, project, study, group).await?;
    withdraw::purge(line, KIND, &opposed).await?;
    hold(line, &id, &held).await?;
    let (members, defaced) = match job.kind.as_str() {
        deface::KIND => match deface::deface(line, project, job.subject, &members).await? {
            Ok(defaced) => (members, defaced),
            Err(why) => {
                let all: Vec<_> = members.iter().map(|member| (member.received.id, why.clone())).collect();
                hold(line, &id, &all).await?;
                (Vec::new(), Defaced::default())
            }
        },
        _ => (deface::set_aside(line, project, members).await?, Defaced::default()),
    };
    let defaced = Arc::new(defaced);
    let members = members.into_iter().map(|member| (member, "")).collect();
    for (given, mut members) in [(given, members), (Some(Given::Kept), kept)] {
        let Some(given) = given else { continue };
        while !members.is_empty() {
            let rest = members.split_off(members.len().min(PART));
            let part = std::mem::replace(&mut members, rest);
            let transformed = transform(line, project, part, &given, &defaced).await?;
            keep_mapping(line, &given, &transformed).await?;
            let checked = verify::finish_and_check(line, project, &given, transformed).await?;
            let checked = write_main(line, job.lease, project, &given, study, checked).await?;
            write_buffer(line, &id, &checked).await?;
        }
    }
    Ok(())
}

/// A batch after the after-check.
pub(crate) struct Checked {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) blobs: BTreeMap<Uuid, Blob>,
}

/// What was replaced goes to the vault before an object is named; what cannot be traced back goes nowhere (AC2.9).
async fn keep_mapping(line: &Line, given: &Given, transformed: &Transformed) -> Result<(), StageError> {
    let Some(participant) = given.participant() else { return Ok(()) };
    let study = transformed.uids.iter().find(|(kind, ..)| *kind == UidKind::Study);
    let Some((_, _, study)) = study else { return Ok(()) };
    let uids: Vec<MappedUid<'_>> = transformed
        .uids
        .iter()
        .map(|(kind, original, pseudonym)| MappedUid { kind: *kind, original, pseudonym })
        .collect();
    Ok(line.vault.record_mapping(participant, study, &uids, &transformed.dates).await?)
}

/// Index, ledger and jobs, in one transaction. What Z3 has already with the same bytes is one copy more that goes; with other bytes, it
/// is held (AC1.4). Objects that no row is to speak of leave in the same transaction, under the lease: a run that lost it neither writes
/// nor deletes, for the objects of the next run have the same names.
async fn write_main(
    line: &Arc<Line>,
    lease: Lease,
    project: &Project,
    given: &Given,
    receiving_study: Uuid,
    mut checked: Checked,
) -> Result<Checked, StageError> {
    let now = line.clock.now();
    let mut series: BTreeMap<&str, Vec<(&Outcome, &Pseudonymised, &Blob)>> = BTreeMap::new();
    for outcome in &checked.outcomes {
        if let (Ok(pseudonymised), Some(blob)) = (&outcome.result, checked.blobs.get(&outcome.id)) {
            let uid = pseudonymised.identification.series_instance_uid.as_str();
            series.entry(uid).or_default().push((outcome, pseudonymised, blob));
        }
    }
    let mut transaction = line.main.write().await?;
    job_queue::renew(&mut transaction, lease, now).await?;
    let mut arrived = Arrived::default();
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
        for ((outcome, ..), arrival) in members.iter().zip(&upserted.arrivals) {
            match arrival {
                Arrival::New => arrived.new.push(outcome.id),
                // Cleared by another run: the object is the one that its row speaks of.
                Arrival::Duplicate { of } if *of == outcome.id => {}
                Arrival::Duplicate { .. } => arrived.duplicates.push(outcome.id),
                Arrival::Differs { .. } if is_accepted(line, outcome.id).await? => {
                    arrived.new.push(outcome.id);
                }
                Arrival::Differs { .. } => arrived.differing.push(outcome.id),
            }
        }
        if members.iter().any(|(outcome, ..)| arrived.new.contains(&outcome.id)) {
            study = Some(upserted.study);
        }
    }
    index::clear(&mut transaction, &arrived.new).await?;
    index::remove(&mut transaction, &arrived.differing).await?;
    append_ledger(line, &mut transaction, project, &arrived, &checked, now).await?;
    // Whoever reviews one sees what was done to it.
    let is_in_review =
        |outcome: &Outcome| matches!(&outcome.result, Err(Held { reason: QuarantineReason::Review, .. }));
    let seen = |outcome: &&Outcome| arrived.new.contains(&outcome.id) || is_in_review(outcome);
    let reports: Vec<(Uuid, &str)> = checked
        .outcomes
        .iter()
        .filter(seen)
        .filter(|outcome| !outcome.report.is_empty())
        .map(|outcome| (outcome.id, outcome.report.as_str()))
        .collect();
    report::keep(&mut transaction, &reports).await?;
    audit(line, &mut transaction, project, given, arrived.new.len() as u64, now).await?;
    if let Some(study) = study {
        progress::open_jobs(line, &mut transaction, project, given.participant(), receiving_study, study)
            .await?;
    }
    let found = checked.outcomes.iter().filter(|outcome| outcome.result.is_err()).map(|outcome| outcome.id);
    let found = found.filter(|id| checked.blobs.contains_key(id));
    remove_objects(line, found.chain(arrived.duplicates).chain(arrived.differing.clone()).collect()).await?;
    transaction.commit().await?;
    line.work.notify_one();
    for outcome in &mut checked.outcomes {
        if arrived.differing.contains(&outcome.id) {
            let detail = "the archive has this instance with other bytes (AC1.4)".to_owned();
            outcome.result = Err(Held { reason: QuarantineReason::Differs, detail });
        }
    }
    Ok(checked)
}

async fn remove_objects(line: &Line, ids: Vec<Uuid>) -> Result<(), StageError> {
    if ids.is_empty() {
        return Ok(());
    }
    let blobs = Arc::clone(&line.blobs);
    blocking(move || {
        for id in ids {
            blobs.remove(BlobKey::new(Zone::Archive, id)?)?;
        }
        Ok(())
    })
    .await?
}

/// What objects are beside those that Z3 has already.
#[derive(Default)]
struct Arrived {
    new: Vec<Uuid>,
    duplicates: Vec<Uuid>,
    differing: Vec<Uuid>,
}

/// Whether a person let the instance go on although there is another with its UID.
async fn is_accepted(line: &Line, id: Uuid) -> Result<bool, StageError> {
    let accepted = buffer::accepted_reasons(line.buffer.reader(), id).await?;
    Ok(accepted.contains(&QuarantineReason::Differs))
}

/// ACX.2
async fn audit(
    line: &Line,
    transaction: &mut AnyConnection,
    project: &Project,
    given: &Given,
    instances: u64,
    now: i64,
) -> Result<(), StageError> {
    if instances == 0 || matches!(given, Given::Kept) {
        return Ok(());
    }
    let participant = given.participant().and_then(|of| Uuid::parse_str(&of.id.to_string()).ok());
    let event = AuditEvent::Deidentified {
        project: Text::from_operator(&project.config.id),
        job: None,
        participant,
        instances,
        profile: Text::from_operator(&project.profile.title()),
        profile_hash: Text::from_operator(project.profile.hash()),
        dossier_version: project.dossier.version,
    };
    let record = AuditRecord { at: now, actor: Actor::Program(Text::from_operator("deidentify")), event };
    Ok(line.trail.append(transaction, &[record]).await?)
}

/// What is held gets its line from `admit`, once the buffer says so.
async fn append_ledger(
    line: &Line,
    transaction: &mut AnyConnection,
    project: &Project,
    arrived: &Arrived,
    checked: &Checked,
    now: i64,
) -> Result<(), StageError> {
    let ground = |id: &Uuid| {
        checked.outcomes.iter().find(|outcome| outcome.id == *id).map_or("", |outcome| outcome.ground)
    };
    let events = |id: &Uuid| -> &[LedgerEvent] {
        match ground(id) {
            "" => &[LedgerEvent::Deidentified, LedgerEvent::Cleared],
            _ => &[LedgerEvent::Cleared],
        }
    };
    let seen: Vec<(Uuid, &[LedgerEvent], &str)> = arrived
        .new
        .iter()
        .map(|id| (*id, events(id), ground(id)))
        .chain(arrived.duplicates.iter().map(|id| (*id, [LedgerEvent::Duplicate].as_slice(), "")))
        .collect();
    let hashes: Vec<(String, u64)> = seen
        .iter()
        .map(|(id, ..)| {
            let blob = checked.blobs.get(id);
            blob.map_or((String::new(), 0), |blob| (format!("blake3:{}", blob.hash), blob.length))
        })
        .collect();
    let by_profile = format!("profile sha256:{}", project.profile.hash());
    let cause_of = |event, ground| match event {
        LedgerEvent::Deidentified => by_profile.as_str(),
        _ => ground,
    };
    let mut lines: Vec<ledger::Line<'_>> = seen
        .iter()
        .zip(&hashes)
        .flat_map(|((id, events, ground), (hash, bytes))| {
            events.iter().map(move |event| ledger::Line {
                hash,
                cause: cause_of(*event, ground),
                ..line.ledger_line(*event, &project.config.id, *id, *bytes, now)
            })
        })
        .collect();
    // Those that are alike are written at once.
    lines.sort_by_key(|line| line.event);
    ledger::append_once(transaction, &lines).await?;
    Ok(())
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
        let detail = &shown(detail);
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
