//! Stage *fetch*: takes what a partner has for one job into the inbound area (step 7). Partner → Z4. State of the result set:
//! result-available.
//!
//! Nothing is written that was not asked for; an interrupted fetch goes on with what is missing (AC7.4, AC7.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use archive::blob::{BlobKey, BlobWriter};
use archive::buffer::{self, ResultInstance};
use archive::job::{self, Job, JobState};
use archive::job_queue::{self, ClaimedJob, NewEntry};
use archive::ledger::{self, LedgerEvent};
use archive::result_set::{self, ResultSetState};
use archive::scan::{Identification, Scan};
use archive::zone::Zone;
use dicom_node::receiver::{InstanceSink, StoreReceipt};
use dicom_node::status::StoreFailure;
use dicom_stream::{FileMeta, TransferSyntax};
use notification::EventType;
use partner::{
    Announced, FetchAnswer, FetchRequest, Fetched, Partner, Refusal, ResultReceiver, WantedInstance,
};
use register::Outflow;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::{beside, gate, inspect, news, notify, poll};

/// Name of the stage in the queue; its subject is a job.
pub(crate) const KIND: &str = "fetch";
/// Wait while what is dropped cannot be looked at; `poll` tells of it.
const UNUSABLE_MS: i64 = 10_000;
/// Answers that may wait.
const ANSWERS: usize = 64;

/// Fetches what is new for the job `claimed.subject`.
///
/// # Errors
/// Any [`StageError`]: the driver repeats, or calls a person.
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let job = job::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&job.project)?;
    let partner = line.partner(&job.partner)?;
    let mut missing = 0;
    let mut taken = Vec::new();
    if job.state == JobState::AwaitingResult {
        gate::pass(line, project, &job, job.id, |of| Outflow::fetch(&job.partner, of)).await?;
        for (_, listing) in poll::list(line, &partner, std::slice::from_ref(&job)).await? {
            // What an interrupted try took is not the whole of it (AC7.4); a copy under way is no failure that a person is called for.
            if listing.unusable.is_some() {
                let now = line.clock.now();
                let mut transaction = line.main.write().await?;
                job_queue::postpone(&mut transaction, claimed.lease, now + UNUSABLE_MS, now).await?;
                return Ok(transaction.commit().await?);
            }
            let new = news::of_listing(line, &job, &listing).await?;
            news::supersede(line, project, &new.outdated).await?;
            let left = beside::keep(line, project, &job, &partner, &listing.study, &new.beside).await?;
            taken.extend(listing.manifest.filter(|_| left == 0).map(|of| (listing.study.clone(), of)));
            if new.wanted.is_empty() {
                continue;
            }
            let set = open_set(line, project, &job).await?;
            if listing.cut {
                call_person(line, project, &job).await?;
            }
            let mut series: BTreeMap<&str, (Vec<WantedInstance>, bool)> = BTreeMap::new();
            for found in &listing.instances {
                let (wanted, whole) = series.entry(&found.series).or_insert((Vec::new(), true));
                if new.wanted.contains(&found.sop_instance) {
                    let (sop_instance, sop_class) = (found.sop_instance.clone(), found.sop_class.clone());
                    wanted.push(WantedInstance { sop_instance, sop_class, content: found.content });
                } else {
                    *whole = false;
                }
            }
            for (uid, (instances, whole)) in series {
                if instances.is_empty() {
                    continue;
                }
                let request =
                    FetchRequest { study: listing.study.clone(), series: uid.to_owned(), instances, whole };
                missing += fetch_series(line, &partner, &job, set, &request).await?;
            }
        }
    }
    if missing > 0 {
        return Err(StageError::Incomplete(missing));
    }
    for (study, manifest) in taken {
        // what is here is here: the partner does not know it then, and drops it again, or leaves it
        if let Err(error) = partner.acknowledge(&study, manifest).await {
            tracing::warn!(partner = job.partner, job = %job.id, %error, "a partner was not told that its results are fetched");
        }
    }
    // Also the set of a try that was interrupted after its last instance; a set that lacks something goes no further (AC7.4).
    let mut transaction = line.main.write().await?;
    for set in result_set::of_job(&mut *transaction, job.id).await? {
        if set.state == ResultSetState::ResultAvailable {
            let instances = buffer::inbound_of(line.buffer.reader(), set.id).await?;
            retrieved(line, &mut transaction, project, &job, set.id, &instances).await?;
            enqueue_inspect(line, &mut transaction, project, set.id).await?;
        }
    }
    job_queue::finish(&mut transaction, claimed.lease, line.clock.now()).await?;
    Ok(transaction.commit().await?)
}

/// The set that is being delivered, or a new one.
async fn open_set(line: &Line, project: &Project, job: &Job) -> Result<Uuid, StageError> {
    let sets = result_set::of_job(line.main.reader(), job.id).await?;
    if let Some(open) = sets.iter().find(|set| set.state == ResultSetState::ResultAvailable) {
        return Ok(open.id);
    }
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    let set = result_set::create(
        &mut transaction,
        job.id,
        &stage(project, "fetch", "the partner offers results", now),
    )
    .await?;
    let event = notify::event(EventType::ResultAvailable, &project.config.id, job.id, 0, 0, now);
    notify::enqueue(line, &mut transaction, &event).await?;
    transaction.commit().await?;
    line.messages.notify_one();
    Ok(set)
}

/// The partner has more than the limit of a listing: what is beyond it is never seen, a person has to look.
async fn call_person(line: &Line, project: &Project, job: &Job) -> Result<(), StageError> {
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    let event = notify::event(EventType::ResultManual, &project.config.id, job.id, 0, 0, now);
    notify::enqueue(line, &mut transaction, &event).await?;
    transaction.commit().await?;
    line.messages.notify_one();
    Ok(())
}

/// One series; answers how many instances the partner did not give.
async fn fetch_series(
    line: &Arc<Line>,
    partner: &Partner,
    job: &Job,
    set: Uuid,
    request: &FetchRequest,
) -> Result<u64, StageError> {
    let offered = contents(request);
    let receiver = Arc::new(Inbound { line: Arc::clone(line), partner: job.partner.clone(), set, offered });
    let (sender, mut answers) = mpsc::channel::<FetchAnswer>(ANSWERS);
    let fetching = partner.fetch(request, receiver, sender);
    let recording = async {
        let mut missing = 0;
        while let Some(answer) = answers.recv().await {
            match answer.fetched {
                Fetched::Stored => {}
                // Another object than the one asked for: asking again unchanged is of no use.
                Fetched::Refused(refusal @ Refusal::Local(StoreFailure::DataSetDoesNotMatchSopClass)) => {
                    note_refused(line, job, set, request, &answer.sop_instance, refusal).await?;
                }
                Fetched::Refused(Refusal::Local(_)) | Fetched::Missing => missing += 1,
                Fetched::Refused(refusal) => {
                    note_refused(line, job, set, request, &answer.sop_instance, refusal).await?;
                }
                _ => missing += 1,
            }
        }
        Ok::<u64, StageError>(missing)
    };
    let (fetched, recorded) = tokio::join!(fetching, recording);
    let missing = recorded?;
    fetched?;
    Ok(missing)
}

/// What stands for the content of each instance, where the partner's manifest gives hashes.
fn contents(request: &FetchRequest) -> BTreeMap<String, [u8; 32]> {
    let of = |wanted: &WantedInstance| Some((wanted.sop_instance.clone(), wanted.content?));
    request.instances.iter().filter_map(of).collect()
}

/// An instance that is not taken is remembered, so that it is asked for once; `inspect` hands its set to a person.
async fn note_refused(
    line: &Line,
    job: &Job,
    set: Uuid,
    request: &FetchRequest,
    sop_instance: &str,
    refusal: Refusal,
) -> Result<(), StageError> {
    tracing::warn!(partner = job.partner, %refusal, "an instance of a result is not taken");
    let refused = ResultInstance {
        id: Uuid::now_v7(),
        result_set: set,
        study_instance_uid: request.study.clone(),
        series_instance_uid: request.series.clone(),
        sop_instance_uid: sop_instance.to_owned(),
        sop_class_uid: String::new(),
        transfer_syntax_uid: String::new(),
        location: String::new(),
        bytes: 0,
        blake3: [0; 32],
    };
    let mut transaction = line.buffer.write().await?;
    buffer::insert_inbound(&mut transaction, &job.partner, &[refused], line.clock.now()).await?;
    if let Some(content) = contents(request).remove(sop_instance) {
        buffer::note_offered(&mut transaction, set, sop_instance, content).await?;
    }
    Ok(transaction.commit().await?)
}

/// A ledger line for each instance that is now durable in Z4.
async fn retrieved(
    line: &Line,
    transaction: &mut sqlx::AnyConnection,
    project: &Project,
    job: &Job,
    set: Uuid,
    instances: &[ResultInstance],
) -> Result<(), StageError> {
    let now = line.clock.now();
    let ids: Vec<Uuid> = instances.iter().filter(|of| !of.location.is_empty()).map(|of| of.id).collect();
    let of = ledger::Of::ResultSet(set);
    let new = ledger::without(&mut *transaction, of, LedgerEvent::Retrieved, &ids).await?;
    let hashes: Vec<(&ResultInstance, String)> = instances
        .iter()
        .filter(|of| new.contains(&of.id))
        .map(|of| (of, format!("blake3:{}", blake3::Hash::from_bytes(of.blake3))))
        .collect();
    let lines: Vec<ledger::Line<'_>> = hashes
        .iter()
        .map(|(instance, hash)| ledger::Line {
            event: LedgerEvent::Retrieved,
            project: &project.config.id,
            job: Some(job.id),
            result_set: Some(set),
            instance: instance.id,
            destination: &job.partner,
            hash,
            bytes: instance.bytes,
            dossier_version: &project.dossier_version,
            gate_hash: None,
            cause: "",
            at: now,
        })
        .collect();
    Ok(ledger::append(transaction, &lines).await?)
}

async fn enqueue_inspect(
    line: &Line,
    transaction: &mut sqlx::AnyConnection,
    project: &Project,
    set: Uuid,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let idle = project.config.results.as_ref().map_or(0, |results| i64::from(results.idle_seconds) * 1000);
    let entry = NewEntry { kind: inspect::KIND, subject: set, partner: None, run_at: now + idle };
    job_queue::enqueue(transaction, entry, now).await?;
    Ok(())
}

/// Writes what arrives into Z4.
struct Inbound {
    line: Arc<Line>,
    partner: String,
    set: Uuid,
    offered: BTreeMap<String, [u8; 32]>,
}

/// One instance on its way into Z4.
struct InboundSink {
    line: Arc<Line>,
    partner: String,
    set: Uuid,
    announced: Announced,
    offered: Option<[u8; 32]>,
    writer: BlobWriter,
    scan: Scan,
}

impl ResultReceiver for Inbound {
    type Sink = InboundSink;

    async fn begin(&self, announced: &Announced) -> Result<InboundSink, StoreFailure> {
        let syntax =
            TransferSyntax::from_uid(&announced.transfer_syntax).ok_or(StoreFailure::CannotUnderstand)?;
        let failed = |_| StoreFailure::ProcessingFailure { code: 2 };
        let key = BlobKey::new(Zone::Inbound, Uuid::now_v7()).map_err(failed)?;
        let mut writer = self.line.blobs.create(key).map_err(failed)?;
        let meta = FileMeta {
            media_storage_sop_class_uid: announced.sop_class.clone(),
            media_storage_sop_instance_uid: announced.sop_instance.clone(),
            transfer_syntax_uid: announced.transfer_syntax.clone(),
        };
        meta.write(&mut writer).map_err(|_| StoreFailure::OutOfResources)?;
        Ok(InboundSink {
            line: Arc::clone(&self.line),
            partner: self.partner.clone(),
            set: self.set,
            announced: announced.clone(),
            offered: self.offered.get(&announced.sop_instance).copied(),
            writer,
            scan: Scan::new(syntax, [].into()),
        })
    }
}

impl InstanceSink for InboundSink {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        self.scan.push(bytes).map_err(|_| StoreFailure::CannotUnderstand)?;
        let written = tokio::task::block_in_place(|| std::io::Write::write_all(&mut self.writer, bytes));
        written.map_err(|_| StoreFailure::OutOfResources)
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        let Self { line, partner, set, announced, offered, writer, scan } = self;
        let identification = scan.finish().map_err(|_| StoreFailure::CannotUnderstand)?;
        if !is_what_was_asked_for(&identification, &announced) {
            return Err(StoreFailure::DataSetDoesNotMatchSopClass);
        }
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a result cannot be kept");
            StoreFailure::OutOfResources
        };
        // What comes after its set went on would never be looked at (AC7.4); it is asked for again, into a new set.
        let state = result_set::show(line.main.reader(), set).await.map_err(|error| failed(&error))?.state;
        if state != ResultSetState::ResultAvailable {
            return Err(failed(&"its set went on meanwhile"));
        }
        let durable = tokio::task::block_in_place(|| line.blobs.finish_batch(vec![writer]));
        let blob = durable.map_err(|error| failed(&error))?.pop();
        let blob = blob.ok_or(StoreFailure::ProcessingFailure { code: 3 })?;
        let instance = ResultInstance {
            id: blob.key.id(),
            result_set: set,
            // the one under which it is offered, so that it is known there
            study_instance_uid: announced.study,
            series_instance_uid: identification.series_instance_uid,
            sop_instance_uid: identification.sop_instance_uid,
            sop_class_uid: identification.sop_class_uid,
            transfer_syntax_uid: announced.transfer_syntax,
            location: blob.key.to_string(),
            bytes: blob.length,
            blake3: *blob.hash.as_bytes(),
        };
        let written = async {
            let mut transaction = line.buffer.write().await?;
            buffer::insert_inbound(&mut transaction, &partner, &[instance], line.clock.now()).await?;
            if let Some(content) = offered {
                buffer::note_offered(&mut transaction, set, &announced.sop_instance, content).await?;
            }
            Ok::<(), StageError>(transaction.commit().await?)
        };
        if let Err(error) = written.await {
            // Without a row, nothing would ever delete it.
            tokio::task::block_in_place(|| line.blobs.remove(blob.key)).map_err(|error| failed(&error))?;
            return Err(failed(&error));
        }
        Ok(StoreReceipt)
    }

    async fn abort(self) {}
}

/// Whether a data set is the one that was announced, in the study that was asked about: what lies in another study is not of this job,
/// unless the partner says by its manifest that it is (RC-05).
fn is_what_was_asked_for(found: &Identification, asked: &Announced) -> bool {
    found.sop_instance_uid == asked.sop_instance
        && found.sop_class_uid == asked.sop_class
        && (asked.is_declared || found.study_instance_uid == asked.study)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_lies_in_another_study_is_not_what_was_asked_for() {
        let asked = Announced {
            study: "2.25.1".to_owned(),
            series: "2.25.2".to_owned(),
            sop_class: "1.2.840.10008.5.1.4.1.1.88.33".to_owned(),
            sop_instance: "2.25.3".to_owned(),
            transfer_syntax: TransferSyntax::EXPLICIT_LITTLE.uid.to_owned(),
            is_declared: false,
        };
        let element = |group: u8, number: u8, value: &str| {
            let mut value = value.as_bytes().to_vec();
            value.resize(value.len().next_multiple_of(2), 0);
            [&[group, 0, number, 0, b'U', b'I', value.len() as u8, 0][..], &value].concat()
        };
        let found = |study: &str| {
            let mut scan = Scan::new(&TransferSyntax::EXPLICIT_LITTLE, [].into());
            for (group, number, value) in [
                (8, 0x16, asked.sop_class.as_str()),
                (8, 0x18, "2.25.3"),
                (0x20, 0x0D, study),
                (0x20, 0x0E, "2.25.2"),
            ] {
                scan.push(&element(group, number, value)).unwrap();
            }
            scan.finish().unwrap()
        };
        assert!(is_what_was_asked_for(&found("2.25.1"), &asked));
        assert!(!is_what_was_asked_for(&found("2.25.9"), &asked));
    }
}
