//! Results that are no DICOM objects (flow table 8.3): a copy of each is kept beside the archive, with row and ledger line, and never pushed.
//! Nobody knows what is in them, so they are in Z4. How much of it is kept says `quota`, and how long `leave`.

mod leave;
mod quota;

use std::io;
use std::sync::Arc;

use archive::blob::{BlobError, BlobKey};
use archive::job::Job;
use archive::ledger::{self, LedgerEvent};
use archive::side_result::{self, SideResult};
use archive::zone::Zone;
use notification::EventType;
use partner::{Listing, Partner, SideFile};
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::line::{Line, Project, StageError};
use crate::notify;

pub(crate) use leave::purge;

/// Files written at once.
const AT_ONCE: usize = 64;

/// Hashes of the files of a listing that are not kept yet, as far as the quota goes. What is beyond it is told once for each job.
///
/// # Errors
/// Those of the main database.
pub(crate) async fn new(line: &Line, job: &Job, listing: &Listing) -> Result<Vec<[u8; 32]>, StageError> {
    if listing.beside.is_empty() {
        return Ok(Vec::new());
    }
    let partner = line.partner(&job.partner)?;
    let study = job.study.unwrap_or_default();
    let kept = side_result::contents(line.main.reader(), study, &job.partner).await?;
    let room = side_result::room(line.main.reader(), study, &job.partner).await?;
    let new = listing.beside.iter().filter(|of| !kept.contains(&of.sha256));
    let (fitting, beyond) = quota::fitting(partner.results(), room, new);
    if beyond > 0 {
        quota::tell(line, job, beyond).await?;
    }
    Ok(fitting)
}

/// Keeps the files `wanted` of a study, which the partner knows by `study`; answers how many of them were not what the manifest names.
///
/// # Errors
/// Any [`StageError`]; what was kept before stays kept.
pub(crate) async fn keep(
    line: &Arc<Line>,
    project: &Project,
    job: &Job,
    partner: &Partner,
    study: &str,
    wanted: &[[u8; 32]],
) -> Result<usize, StageError> {
    let mut all_left = 0;
    for wanted in wanted.chunks(AT_ONCE) {
        if !line.blobs.has_room() {
            return Err(BlobError::NoRoom.into());
        }
        let blobs = Arc::clone(&line.blobs);
        let begin = move || {
            let key = BlobKey::new(Zone::Inbound, Uuid::now_v7()).map_err(io::Error::other)?;
            blobs.create(key).map_err(io::Error::other)
        };
        let taken = partner.take_beside(study, wanted.to_vec(), begin).await?;
        let left = wanted.len() - taken.len();
        all_left += left;
        if left > 0 {
            tracing::warn!(partner = job.partner, job = %job.id, left, "dropped files are not those that the manifest names: not kept");
        }
        let (files, writers): (Vec<SideFile>, Vec<_>) = taken.into_iter().unzip();
        let blobs = Arc::clone(&line.blobs);
        let kept = blocking(move || Ok::<_, StageError>(blobs.finish_batch(writers)?)).await??;
        for (file, blob) in files.iter().zip(kept) {
            note(line, project, job, file, blob.key.id()).await?;
        }
    }
    Ok(all_left)
}

/// Row, ledger line and message of one file.
async fn note(
    line: &Line,
    project: &Project,
    job: &Job,
    file: &SideFile,
    id: Uuid,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let of = SideResult {
        id,
        job: job.id,
        study: job.study.unwrap_or_default(),
        project: job.project.clone(),
        partner: job.partner.clone(),
        form: file.form.to_owned(),
        bytes: file.bytes,
        sha256: file.sha256,
        kept_at: now,
        withdrawn_at: None,
    };
    let digits: String = file.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let retrieved = ledger::Line {
        event: LedgerEvent::Retrieved,
        project: &job.project,
        job: Some(job.id),
        result_set: None,
        instance: id,
        destination: &job.partner,
        hash: &format!("sha256:{digits}"),
        bytes: file.bytes,
        dossier_version: &project.dossier_version,
        gate_hash: None,
        cause: "no DICOM object: kept beside",
        at: now,
    };
    let mut transaction = line.main.write().await?;
    if side_result::insert(&mut transaction, &of).await? {
        ledger::append(&mut transaction, &[retrieved]).await?;
        let event = notify::event(EventType::ResultAvailable, &job.project, job.id, 0, 0, now);
        notify::enqueue(line, &mut transaction, &event).await?;
        transaction.commit().await?;
        line.messages.notify_one();
    } else {
        line.blobs.remove(BlobKey::new(Zone::Inbound, id)?)?;
    }
    Ok(())
}
