//! Stage *admit*: decides for each batch whether its instances may go on. State in: RECEIVED; out: ADMITTED, or QUARANTINED with the
//! reason (AC1.6). It also closes the increment of a study that has become stable (AC1.5) and purges by timer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use archive::buffer::{self, Arrival, Batch, BufferState, BufferedInstance, Hold, QuarantineReason};
use archive::index;
use archive::job::{self, JobState};
use archive::job_queue::{self, NewEntry};
use archive::ledger::{self, LedgerEvent};
use notification::{Counts, Event, EventType, ProjectName};
use pseudonym::{Standing, SubjectKey};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::{ProjectConfig, ProjectMode};
use crate::line::{Line, StageError};
use crate::route::Routes;
use crate::{deface, deidentify, notify, progress, withdraw};

/// Instances looked at in one round.
const ROUND: u32 = 512;
/// Longest time between two rounds: the truth, beside the wake-up after new rows.
const PERIOD: Duration = Duration::from_secs(1);
/// Shortest time between two rounds, so that batches are batches: each costs a dozen transactions, whatever its size.
const REST: Duration = Duration::from_millis(100);
const HOUR: i64 = 3_600_000;

/// What the stage works with.
pub struct Admission {
    line: Arc<Line>,
    routes: Arc<Routes>,
    projects: Vec<ProjectConfig>,
}

/// What is decided about one instance.
enum Verdict {
    Admitted,
    /// Why; never empty.
    Held(Vec<QuarantineReason>),
    /// The participant objected or withdrew (DEC-S).
    Opposed,
}

/// What was looked up for a batch.
#[derive(Default)]
struct Knowledge {
    /// SOP Instance UIDs that are in Z3: objects of ours that came back by another way.
    outputs: BTreeSet<String>,
    /// Standing of each (assigning authority, Patient ID).
    standings: BTreeMap<(String, String), Listed>,
}

#[derive(Clone, Copy)]
enum Listed {
    No,
    Included,
    Opposed,
}

impl Admission {
    /// The stage for these projects.
    pub fn new(line: Arc<Line>, routes: Arc<Routes>, projects: &[ProjectConfig]) -> Self {
        Self { line, routes, projects: projects.to_vec() }
    }

    /// Works until `stop`; `arrived` wakes it after new rows.
    pub async fn run(self, arrived: Arc<Notify>, stop: CancellationToken) {
        let mut resumed = false;
        loop {
            if !resumed {
                resumed =
                    self.resume().await.inspect_err(|error| tracing::error!(%error, "admission")).is_ok();
            }
            if let Err(error) = self.round().await {
                tracing::error!(%error, "admission failed, trying again");
                // What the round committed and did not hand on is found again.
                resumed = false;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REST) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = arrived.notified() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// What a start has to take up: batches that were admitted, and studies that were closed and not settled.
    ///
    /// # Errors
    /// Any [`StageError`]; repeated, it adds nothing.
    pub async fn resume(&self) -> Result<(), StageError> {
        self.resume_batches().await?;
        let mut after = None;
        loop {
            let receiving =
                job::list(self.line.main.reader(), Some(JobState::Receiving), after, ROUND).await?;
            let Some(last) = receiving.last() else { return Ok(()) };
            after = Some(last.id);
            for job in &receiving {
                if let Some(project) = self.line.projects.get(&job.project) {
                    progress::settle(&self.line, project, job.receiving_study).await?;
                }
            }
        }
    }

    /// A batch that was never handed to the workers is admitted anew: a crash came in between, or its project did not de-identify then, so
    /// that nobody asked for inclusion, own outputs and differing copies.
    async fn resume_batches(&self) -> Result<(), StageError> {
        let mut unfinished = buffer::unfinished_batches(self.line.buffer.reader()).await?;
        unfinished.retain(|batch| self.deidentifies(batch));
        let ids: Vec<Uuid> = unfinished.iter().map(|batch| batch.id).collect();
        let mut connection = self.line.main.reader().acquire().await?;
        let to_deface = job_queue::known_subjects(&mut connection, deface::KIND, &ids).await?;
        let handed_on = job_queue::known_subjects(&mut connection, deidentify::KIND, &ids).await?;
        drop(connection);
        unfinished.retain(|batch| !to_deface.contains(&batch.id));
        if !to_deface.is_empty() {
            deface::enqueue(&self.line, to_deface.into_iter()).await?;
        }
        let (handed_on, anew): (Vec<Batch>, Vec<Batch>) =
            unfinished.into_iter().partition(|batch| handed_on.contains(&batch.id));
        if !anew.is_empty() {
            let ids: Vec<Uuid> = anew.iter().map(|batch| batch.id).collect();
            let mut transaction = self.line.buffer.write().await?;
            buffer::admit_anew(&mut transaction, &ids, self.line.clock.now()).await?;
            transaction.commit().await?;
        }
        self.enqueue(&handed_on).await
    }

    fn deidentifies(&self, batch: &Batch) -> bool {
        batch.project.as_ref().is_some_and(|project| self.line.projects.contains_key(project))
    }

    /// One round over everything that waits.
    ///
    /// # Errors
    /// Any [`StageError`]; the round is repeated.
    pub async fn round(&self) -> Result<(), StageError> {
        if self.line.projects.is_empty() || self.line.vault.locked().is_none() {
            let admitted = self.admit_waiting().await?;
            self.enqueue(&admitted).await?;
        }
        self.close_stable_studies().await?;
        deface::enqueue_complete(&self.line).await?;
        self.record_holds().await?;
        self.purge_quarantine().await?;
        for project in &self.projects {
            self.purge_received(project).await?;
        }
        Ok(())
    }

    /// Gathers batches and decides about them in one transaction, so that a crash leaves none half decided.
    async fn admit_waiting(&self) -> Result<Vec<Batch>, StageError> {
        let now = self.line.clock.now();
        if !buffer::is_waiting(self.line.buffer.reader()).await? {
            return Ok(Vec::new());
        }
        let (mut gone, mut thinned) = (Vec::new(), BTreeSet::new());
        let mut transaction = self.line.buffer.write().await?;
        let batches = buffer::gather(&mut transaction, ROUND).await?;
        for batch in &batches {
            let (mut admitted, mut held, mut opposed) = (Vec::new(), Vec::new(), Vec::new());
            let instances = buffer::in_batch(&mut *transaction, batch.id).await?;
            let mut knowledge = self.knowledge(batch, &instances).await?;
            for instance in instances {
                let id = instance.received.id;
                if let Some(project) = self.routed_since(&instance) {
                    // The routes were corrected since it arrived: it is admitted anew, as one of that project.
                    let rerouted = buffer::reroute(&mut transaction, &[id], &project).await?;
                    let twice =
                        rerouted.iter().filter(|(_, arrival)| matches!(arrival, Arrival::Duplicate { .. }));
                    gone.extend(twice.map(|(row, _)| row.location));
                    continue;
                }
                match self.verdict(&instance, &mut knowledge).await? {
                    Verdict::Admitted => admitted.push(id),
                    Verdict::Held(reasons) => {
                        let accepted = buffer::accepted_reasons(&mut *transaction, id).await?;
                        let standing =
                            reasons.into_iter().find(|of| !of.can_be_accepted() || !accepted.contains(of));
                        match standing {
                            Some(reason) => held.push((reason, id)),
                            None => admitted.push(id),
                        }
                    }
                    Verdict::Opposed => opposed.push(instance),
                }
            }
            if let (Some(project), Some(study)) = (&batch.project, batch.receiving_study)
                && (!held.is_empty() || !opposed.is_empty())
            {
                thinned.insert((project.clone(), study));
            }
            for (reason, id) in held {
                let project = batch.project.as_deref().unwrap_or_default();
                let hold = Hold { project, reason, detail: "", expires_at: self.line.quarantine_until(now) };
                buffer::hold(&mut transaction, &[id], hold, now).await?;
            }
            buffer::advance(&mut transaction, &admitted, BufferState::Received, BufferState::Admitted, now)
                .await?;
            if !opposed.is_empty() {
                withdraw::certify(&self.line, "admit", &opposed).await?;
            }
            let ids: Vec<Uuid> = opposed.iter().map(|instance| instance.received.id).collect();
            buffer::remove(&mut transaction, &ids).await?;
            gone.extend(opposed.iter().map(|instance| instance.received.location));
        }
        transaction.commit().await?;
        gone.iter().for_each(|location| self.line.spool.release(location));
        // An increment that was closed already may have waited for these alone.
        for (project, study) in thinned {
            if let Some(project) = self.line.projects.get(&project) {
                progress::settle(&self.line, project, study).await?;
            }
        }
        Ok(batches)
    }

    /// The project that the titles name now, of an instance that had none.
    fn routed_since(&self, instance: &BufferedInstance) -> Option<String> {
        let received = &instance.received;
        if received.project.is_some() {
            return None;
        }
        let routed = self.routes.project_of_titles(&received.called, &received.calling);
        routed.ok().map(|project| project.id.clone())
    }

    /// What is looked up once for a batch: which of its UIDs are outputs of this program.
    async fn knowledge(
        &self,
        batch: &Batch,
        instances: &[BufferedInstance],
    ) -> Result<Knowledge, StageError> {
        let Some(project) = batch.project.as_ref().filter(|id| self.line.projects.contains_key(*id)) else {
            return Ok(Knowledge::default());
        };
        let uids: Vec<String> =
            instances.iter().map(|instance| instance.received.sop_instance_uid.clone()).collect();
        let mut connection = self.line.main.reader().acquire().await?;
        let outputs = index::known_uids(&mut connection, project, &uids).await?;
        Ok(Knowledge { outputs, standings: BTreeMap::new() })
    }

    async fn verdict(
        &self,
        instance: &BufferedInstance,
        knowledge: &mut Knowledge,
    ) -> Result<Verdict, StageError> {
        let received = &instance.received;
        let held = |reason| Ok(Verdict::Held(vec![reason]));
        let Some(project) = &received.project else { return held(QuarantineReason::NoRoute) };
        if received.patient_id.is_empty() {
            return held(QuarantineReason::NoPatientId);
        }
        let Some(project) = self.line.projects.get(project) else { return Ok(Verdict::Admitted) };
        let subject =
            SubjectKey::new(&project.config.id, &received.assigning_authority, &received.patient_id);
        let Ok(subject) = subject else { return held(QuarantineReason::NoPatientId) };
        let person = (received.assigning_authority.clone(), received.patient_id.clone());
        let listed = match knowledge.standings.get(&person) {
            Some(listed) => *listed,
            None => {
                let listed = match self.line.vault.standing(&subject).await? {
                    Standing::Opposed(_) => Listed::Opposed,
                    Standing::Unlisted => Listed::No,
                    Standing::Included(_) => Listed::Included,
                };
                knowledge.standings.insert(person, listed);
                listed
            }
        };
        if matches!(listed, Listed::Opposed) {
            return Ok(Verdict::Opposed);
        }
        // All reasons: a person who accepts one does not know of the others.
        let mut reasons = Vec::new();
        // Whether an object of class already-deidentified may be kept as it is turns out at `deidentify`: one that may not is asked there.
        let already = received.already_deidentified;
        if matches!(listed, Listed::No) && project.dossier.inclusion_required && !already {
            reasons.push(QuarantineReason::NotIncluded);
        }
        if knowledge.outputs.contains(&received.sop_instance_uid) && !already {
            reasons.push(QuarantineReason::OwnOutput);
        }
        if instance.differs {
            reasons.push(QuarantineReason::Differs);
        }
        Ok(if reasons.is_empty() { Verdict::Admitted } else { Verdict::Held(reasons) })
    }

    /// Hands admitted batches of projects that de-identify to the workers.
    async fn enqueue(&self, batches: &[Batch]) -> Result<(), StageError> {
        let due: Vec<&Batch> = batches.iter().filter(|batch| self.deidentifies(batch)).collect();
        if due.is_empty() {
            return Ok(());
        }
        let now = self.line.clock.now();
        let mut transaction = self.line.main.write().await?;
        for batch in due {
            let entry = NewEntry { kind: deidentify::KIND, subject: batch.id, partner: None, run_at: now };
            job_queue::enqueue(&mut transaction, entry, now).await?;
        }
        transaction.commit().await?;
        self.line.work.notify_one();
        Ok(())
    }

    async fn close_stable_studies(&self) -> Result<(), StageError> {
        let now = self.line.clock.now();
        for project in &self.projects {
            let quiet_since = now - i64::from(project.stable_after_seconds) * 1000;
            let stable =
                buffer::stable_studies(self.line.buffer.reader(), &project.id, quiet_since, ROUND).await?;
            if stable.is_empty() {
                continue;
            }
            let mut transaction = self.line.buffer.write().await?;
            for study in &stable {
                buffer::close_study(&mut transaction, study, now).await?;
            }
            transaction.commit().await?;
            if let Some(project) = self.line.projects.get(&project.id) {
                for study in &stable {
                    progress::settle(&self.line, project, study.id).await?;
                }
            }
        }
        Ok(())
    }

    /// What was held, by whatever stage, gets its ledger line, and those who look after the project are told (INV-11).
    async fn record_holds(&self) -> Result<(), StageError> {
        loop {
            let held = buffer::unrecorded(self.line.buffer.reader(), ROUND).await?;
            if held.is_empty() {
                return Ok(());
            }
            let now = self.line.clock.now();
            let lines: Vec<ledger::Line<'_>> = held
                .iter()
                .map(|entry| ledger::Line {
                    cause: entry.reason.as_str(),
                    ..self.line.ledger_line(
                        LedgerEvent::Quarantined,
                        &entry.project,
                        entry.object,
                        0,
                        entry.quarantined_at,
                    )
                })
                .collect();
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            held.iter().for_each(|entry| *counts.entry(&entry.project).or_default() += 1);
            let mut transaction = self.line.main.write().await?;
            if ledger::append_once(&mut transaction, &lines).await? > 0 {
                for (project, instances) in counts {
                    let event = Event {
                        project: ProjectName::try_from(project.to_owned()).ok(),
                        counts: Counts { instances, failed: 0 },
                        ..Event::new(EventType::QuarantineNew, now)
                    };
                    notify::enqueue(&self.line, &mut transaction, &event).await?;
                }
            }
            transaction.commit().await?;
            self.line.messages.notify_one();
            let ids: Vec<Uuid> = held.iter().map(|entry| entry.id).collect();
            let mut transaction = self.line.buffer.write().await?;
            buffer::note_recorded(&mut transaction, &ids).await?;
            transaction.commit().await?;
        }
    }

    /// What nobody decided about in time leaves Z6, with a ledger line that says how (INV-11).
    async fn purge_quarantine(&self) -> Result<(), StageError> {
        let now = self.line.clock.now();
        for entry in buffer::expired(self.line.buffer.reader(), now, ROUND).await? {
            let line = ledger::Line {
                cause: entry.reason.as_str(),
                ..self.line.ledger_line(LedgerEvent::Discarded, &entry.project, entry.object, 0, now)
            };
            let mut transaction = self.line.main.write().await?;
            ledger::append_once(&mut transaction, &[line]).await?;
            transaction.commit().await?;
            let mut transaction = self.line.buffer.write().await?;
            let gone =
                buffer::decide(&mut transaction, entry.id, buffer::Decision::Discard, "timer", now).await?;
            transaction.commit().await?;
            if let Some(instance) = gone {
                self.line.spool.release(&instance.location);
            }
        }
        Ok(())
    }

    /// The retention timer of originals (F12.5): after de-identification, or after reception where nothing else is due.
    async fn purge_received(&self, project: &ProjectConfig) -> Result<(), StageError> {
        if project.mode == ProjectMode::ReceiveOnly {
            purge_in_state(&self.line, &project.id, BufferState::Admitted, project.retention_hours).await?;
        }
        // Also of a project that only receives now and de-identified before.
        purge_in_state(&self.line, &project.id, BufferState::Deidentified, project.retention_hours).await
    }
}

/// What has been in state `last` for so long leaves the receive buffer, with a ledger line each.
pub(crate) async fn purge_in_state(
    line: &Line,
    project: &str,
    last: BufferState,
    retention_hours: u32,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let before = now - i64::from(retention_hours) * HOUR;
    let due = buffer::in_state_since(line.buffer.reader(), project, last, before, ROUND).await?;
    if due.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = due.iter().map(|(id, _)| *id).collect();
    let lines: Vec<ledger::Line<'_>> = due
        .iter()
        .map(|(id, location)| ledger::Line {
            cause: "retention timer of Z1",
            ..line.ledger_line(LedgerEvent::Purged, project, *id, location.data_length(), now)
        })
        .collect();
    let mut transaction = line.main.write().await?;
    ledger::append_once(&mut transaction, &lines).await?;
    transaction.commit().await?;
    let mut transaction = line.buffer.write().await?;
    buffer::advance(&mut transaction, &ids, last, BufferState::Released, now).await?;
    transaction.commit().await?;
    due.iter().for_each(|(_, location)| line.spool.release(location));
    tracing::info!(project, instances = ids.len(), "originals left the receive buffer by timer");
    Ok(())
}
