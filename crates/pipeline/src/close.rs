//! Stage *close*: purges what a returned set left in Z4 and Z5, and ends its job when nothing more is expected (AC9.5, INV-9).

use std::collections::BTreeSet;
use std::sync::Arc;

use archive::blob::BlobKey;
use archive::buffer;
use archive::index;
use archive::job::{self, Job, JobEvent, JobState};
use archive::job_queue::{self, ClaimedJob};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::zone::Zone;
use dicom_stream::{Limits, Token, TokenSource, VR};
use register::{Actor, AuditEvent, AuditRecord, Text};
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::line::{Line, StageError};
use crate::progress::stage;
use crate::stored_object::open_data_set;

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "close";
/// Objects of a result looked at in one step.
const PAGE: u32 = 256;
/// UIDs taken of one object.
const NAMED_MAX: usize = 100_000;

/// Purges the set `claimed.subject` after its return, and ends the increments of the job that it answers.
///
/// # Errors
/// Any [`StageError`].
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    let change = stage(project, "close", "the purge time is over", line.clock.now());
    if set.state != ResultSetState::Notified {
        // Withdrawn meanwhile, or closed by an earlier run: the timers empty it.
        let mut transaction = line.main.write().await?;
        job_queue::finish(&mut transaction, claimed.lease, change.at).await?;
        return Ok(transaction.commit().await?);
    }
    let others = result_set::of_job(line.main.reader(), set.job).await?;
    let answered = answered(line, &set).await?;
    let job_ends = answered.contains(&set.job)
        && others.iter().all(|other| other.id == set.id || other.state.is_terminal());
    let purged = empty(line, set.id, job_ends).await?;

    let mut transaction = line.main.write().await?;
    job_queue::finish(&mut transaction, claimed.lease, change.at).await?;
    result_set::advance(&mut transaction, set.id, ResultSetEvent::Close, &change).await?;
    for job in answered {
        let job = job::show(&mut *transaction, job).await?;
        let sets = result_set::of_job(&mut *transaction, job.id).await?;
        if job.state == JobState::AwaitingResult && sets.iter().all(|set| set.state.is_terminal()) {
            job::advance(&mut transaction, job.id, JobEvent::Close, &change).await?;
        }
    }
    let record = emptied("close", set.id, purged, change.at);
    line.trail.append(&mut transaction, &[record]).await?;
    Ok(transaction.commit().await?)
}

/// The increments that a result answers: a study that grew was sent in several, and a partner gives one result for what it has. Those of
/// which it names an instance are answered, whichever of them the set was fetched for; without such a name, that one. The others go on
/// waiting for theirs.
async fn answered(line: &Arc<Line>, set: &ResultSet) -> Result<Vec<Uuid>, StageError> {
    let own = job::show(line.main.reader(), set.job).await?;
    let mut increments = job::of_study(line.main.reader(), own.study.unwrap_or_default()).await?;
    increments.retain(|job| job.partner == own.partner && job.state == JobState::AwaitingResult);
    if increments.iter().all(|job| job.id == own.id) {
        return Ok(vec![own.id]);
    }
    let mut sources = BTreeSet::new();
    let mut after = None;
    loop {
        let page = index::instances_of_source(line.main.reader(), set.id, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.instance.id);
        for found in &page {
            let (line_of, id) = (Arc::clone(line), found.instance.id);
            let named = blocking(move || named_in(&line_of, id)).await??;
            let mut connection = line.main.reader().acquire().await?;
            sources.extend(index::sources(&mut connection, &own.project, &named).await?);
        }
    }
    let of_result = |job: &Job| sources.contains(&job.receiving_study);
    let answered: Vec<Uuid> = increments.iter().filter(|job| of_result(job)).map(|job| job.id).collect();
    Ok(if answered.is_empty() { vec![own.id] } else { answered })
}

/// The UIDs that an object of Z3 names, at every depth; those of an object that names very many are cut.
fn named_in(line: &Line, id: Uuid) -> Result<Vec<String>, StageError> {
    let (file, syntax) = open_data_set(&line.blobs, Zone::Archive, id)?;
    let mut named = BTreeSet::new();
    let mut tokens = TokenSource::skimming(file, syntax, Limits::INSTANCE).map_err(|_| StageError::Answer)?;
    while let Some(token) = tokens.next_token().map_err(|_| StageError::Answer)? {
        match token {
            Token::Value { header, value } if header.vr == VR::UI => {
                let text = String::from_utf8_lossy(value);
                let uids = text.split('\\').map(|uid| uid.trim_matches(['\0', ' ']).to_owned());
                named.extend(uids.filter(|uid| !uid.is_empty()));
            }
            Token::BulkStart { .. } => tokens.skip_bulk().map_err(|_| StageError::Answer)?,
            _ => {}
        }
        if named.len() >= NAMED_MAX {
            break;
        }
    }
    Ok(named.into_iter().collect())
}

/// Deletes everything that Z4 and Z5 hold of a result set, then its rows; answers how many objects. While the job goes on
/// (`job_ends` is false) the UIDs stay, so that the poll does not fetch the same again.
///
/// # Errors
/// Any [`StageError`]; what was not deleted still has its row.
pub(crate) async fn empty(line: &Arc<Line>, set: Uuid, job_ends: bool) -> Result<u64, StageError> {
    let inbound = buffer::inbound_of(line.buffer.reader(), set).await?;
    let returned = buffer::return_of(line.buffer.reader(), set).await?;
    let mut objects: Vec<(Zone, Uuid)> = inbound.iter().map(|of| (Zone::Inbound, of.id)).collect();
    // Identified objects have the ids of those that they were made from; a run that broke left them without rows.
    objects.extend(inbound.iter().map(|of| (Zone::ReturnBuffer, of.id)));
    objects.extend(returned.iter().map(|of| (Zone::ReturnBuffer, of.instance.id)));
    let blobs = Arc::clone(&line.blobs);
    let purged = blocking(move || {
        let mut purged = 0;
        for (zone, id) in objects {
            purged += u64::from(blobs.remove(BlobKey::new(zone, id)?)?);
        }
        Ok::<_, StageError>(purged)
    })
    .await??;
    let mut transaction = line.buffer.write().await?;
    if job_ends {
        buffer::purge_result_set(&mut transaction, set).await?;
    } else {
        buffer::keep_known(&mut transaction, set).await?;
    }
    transaction.commit().await?;
    Ok(purged)
}

/// The line of the audit trail about [`empty`].
pub(crate) fn emptied(actor: &'static str, set: Uuid, objects: u64, at: i64) -> AuditRecord {
    let event = AuditEvent::Purged { zone: Text::from_operator("Z4, Z5"), subject: Some(set), objects };
    AuditRecord { at, actor: Actor::Program(Text::from_operator(actor)), event }
}
