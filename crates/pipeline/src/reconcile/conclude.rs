//! What came of a set: the rows of Z5, then state, index, ledger, audit and messages in one transaction (INV-1).

use std::sync::Arc;

use archive::blob::Blob;
use archive::buffer::{self, ResultInstance};
use archive::defined_uid;
use archive::index::{self, Indexed, Patient, Series, Study, StudyFilter};
use archive::job::Job;
use archive::job_queue::{self, ClaimedJob};
use archive::ledger::{self, LedgerEvent};
use archive::regenerated_uid;
use archive::result_set::{self, ResultSet, ResultSetEvent};
use archive::scan::Identification;
use notification::EventType;
use reconciliation::NotInspected;
use register::{Actor, AuditEvent, AuditRecord, Text};
use uuid::Uuid;

use super::write::discard;
use super::{Doubt, End};
use crate::identity_check::{IdentityCheck, WRITTEN};
use crate::indexing::{indexed_instance, indexed_series};
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::transform::Pseudonymised;
use crate::{accept, notify, release};

/// Wait before a held set is looked at again (RR-4).
const HOLD_MS: i64 = 60_000;

/// A set with its identity, durable in Z5 and, as it came, in Z3.
pub(super) struct Reconciled {
    pub(super) returned: Vec<ResultInstance>,
    pub(super) archived: Vec<(Pseudonymised, Blob)>,
    pub(super) check: IdentityCheck,
    /// Hash of the identity that was written.
    pub(super) identity: [u8; 32],
    /// New UIDs in place of the partner's, for the sets that will cite them (RR-7).
    pub(super) regenerated: Vec<String>,
    /// Parts that a person has to accept, with the instance (AC8.10).
    pub(super) not_inspected: Vec<(Uuid, NotInspected)>,
    /// Series and frames of reference that the partner made (RR-7).
    pub(super) defined: Vec<String>,
    pub(super) participant: Uuid,
}

pub(super) async fn conclude(
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
        buffer::keep_evidence(&mut transaction, set.id, WRITTEN, reconciled.identity).await?;
        transaction.commit().await?;
    }
    let mut transaction = line.main.write().await?;
    match &end {
        End::Hold => {
            job_queue::postpone(&mut transaction, claimed.lease, now + HOLD_MS, now).await?;
            return Ok(transaction.commit().await?);
        }
        End::Blocked(_) => {
            job_queue::postpone(&mut transaction, claimed.lease, now + super::BLOCKED_MS, now).await?
        }
        _ => job_queue::finish(&mut transaction, claimed.lease, now).await?,
    }
    let advance = async |transaction: &mut sqlx::AnyConnection, event, cause: &str| {
        result_set::advance(transaction, set.id, event, &stage(project, "reconcile", cause, now)).await
    };
    match &end {
        End::Reconciled(reconciled) => {
            index_results(&mut transaction, project, set, reconciled, now).await?;
            ledger_lines(&mut transaction, project, set, reconciled, now).await?;
            regenerated_uid::remember(&mut transaction, job.id, &reconciled.regenerated).await?;
            defined_uid::remember(&mut transaction, job.id, &reconciled.defined).await?;
            advance(&mut transaction, ResultSetEvent::Reconcile, reconciled.check.as_str()).await?;
            let needs_person = !reconciled.not_inspected.is_empty();
            release::by_policy(line, &mut transaction, project, set, reconciled.check, needs_person).await?;
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
        End::Manual(doubt) => {
            let reasons: Vec<&str> = doubt.reasons.iter().map(String::as_str).collect();
            let change = stage(project, "reconcile", "a person is asked", now);
            accept::ask(line, &mut transaction, set, &reasons, doubt.proposal.as_ref(), &change).await?;
        }
        End::Rejected(why) => {
            advance(&mut transaction, ResultSetEvent::Reject, why).await?;
            // RC-06: a mix-up, guessing, linking or an earlier leak; a person looks into it
            let event = AuditEvent::ResultRefused {
                project: Text::from_operator(&project.config.id),
                job: job.id,
                result_set: set.id,
                partner: Text::from_operator(&set.partner),
                reasons: Text::from_operator(why),
            };
            let record =
                AuditRecord { at: now, actor: Actor::Program(Text::from_operator("reconcile")), event };
            line.trail.append(&mut transaction, &[record]).await?;
            tracing::warn!(result_set = %set.id, reasons = %why, "a result is refused for good");
            let event = notify::event(EventType::ResultManual, &project.config.id, job.id, 0, 0, now);
            notify::enqueue(line, &mut transaction, &event).await?;
        }
        End::Blocked(why) => {
            advance(&mut transaction, ResultSetEvent::Block, why).await?;
            let event = notify::event(EventType::GateBlocked, &project.config.id, job.id, 0, 0, now);
            notify::enqueue(line, &mut transaction, &event).await?;
        }
        End::Hold => {}
    }
    transaction.commit().await?;
    if let End::Manual(Doubt { evidence: Some((reason, hash)), .. }) = &end {
        // After the question: an answer to an older one must not find this.
        let mut transaction = line.buffer.write().await?;
        buffer::keep_evidence(&mut transaction, set.id, reason, *hash).await?;
        transaction.commit().await?;
    }
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
    let returned: Vec<(&ResultInstance, String)> = reconciled
        .returned
        .iter()
        .map(|instance| (instance, format!("blake3:{}", blake3::Hash::from_bytes(instance.blake3))))
        .collect();
    let reconciled_lines = returned.iter().map(|(instance, hash)| ledger::Line {
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
    });
    let mut lines: Vec<ledger::Line<'_>> = reconciled_lines.collect();
    let not_inspected = reconciled.not_inspected.iter().filter_map(|(id, part)| {
        let line = lines.iter().find(|line| line.instance == *id)?;
        Some(ledger::Line { event: LedgerEvent::NotInspected, cause: part.word(), ..*line })
    });
    let not_inspected: Vec<ledger::Line<'_>> = not_inspected.collect();
    lines.extend(not_inspected);
    Ok(ledger::append(transaction, &lines).await?)
}
