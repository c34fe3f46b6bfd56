//! Objects of Z3, Z4 and Z5 that no row speaks of: a crash between the object and its row leaves them, and nothing else would ever delete
//! them. A few folders at each look, in turn; an object goes when it is old and was without a row at an earlier look, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use archive::blob::{BlobKey, Folder};
use archive::zone::Zone;
use archive::{buffer, index};
use register::{Actor, AuditEvent, AuditRecord, Text};
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::line::{Line, StageError};

/// Folders looked at in one step.
const STEP: usize = 64;
/// A younger object may still get its row.
const GRACE_MS: i64 = 24 * 3_600_000;
/// Between the first look that found it without a row, and the one that deletes it: the system's time may have been set.
const AGAIN_MS: i64 = 10 * 60_000;
/// Objects remembered; beyond it they are found at a later look.
const SUSPECTS_MAX: usize = 10_000;
const ZONES: [(Zone, &str); 3] = [(Zone::Archive, "Z3"), (Zone::Inbound, "Z4"), (Zone::ReturnBuffer, "Z5")];

/// How far the walk came in each zone, and what it found without a row, when first.
#[derive(Debug, Default)]
pub struct Sweep {
    at: BTreeMap<Zone, Folder>,
    suspects: BTreeMap<BlobKey, i64>,
}

/// One step in each zone.
///
/// # Errors
/// Any [`StageError`]; the next step goes on.
pub(crate) async fn run(line: &Arc<Line>) -> Result<(), StageError> {
    for (zone, name) in ZONES {
        step(line, zone, name).await?;
    }
    Ok(())
}

async fn step(line: &Arc<Line>, zone: Zone, name: &'static str) -> Result<(), StageError> {
    let now = line.clock.now();
    let oldest = UNIX_EPOCH + Duration::from_millis(u64::try_from(now - GRACE_MS).unwrap_or(0));
    let after = line.sweep.lock().unwrap_or_else(PoisonError::into_inner).at.get(&zone).copied();
    let blobs = Arc::clone(&line.blobs);
    let (last, old) = blocking(move || {
        let folders = blobs.folders(zone, after, STEP)?;
        let mut old = Vec::new();
        for folder in &folders {
            for (key, written) in blobs.objects_in(zone, *folder)? {
                if written < oldest {
                    old.push(key);
                }
            }
        }
        // Behind the last folder the walk begins anew.
        Ok::<_, StageError>((folders.last().copied().filter(|_| folders.len() == STEP), old))
    })
    .await??;
    let orphans = without_rows(line, zone, &old).await?;
    let due = suspected(line, zone, last, &old, &orphans, now);
    if due.is_empty() {
        return Ok(());
    }
    let blobs = Arc::clone(&line.blobs);
    let objects = blocking(move || {
        due.into_iter().try_fold(0, |count, key| {
            Ok::<_, StageError>(count + u64::from(blobs.remove_older(key, oldest)?))
        })
    })
    .await??;
    if objects == 0 {
        return Ok(());
    }
    tracing::warn!(zone = name, objects, "objects without rows were deleted: a crash had left them");
    let event = AuditEvent::Purged { zone: Text::from_operator(name), subject: None, objects };
    let record = AuditRecord { at: now, actor: Actor::Program(Text::from_operator("sweep")), event };
    let mut transaction = line.main.write().await?;
    line.trail.append(&mut transaction, &[record]).await?;
    Ok(transaction.commit().await?)
}

async fn without_rows(line: &Line, zone: Zone, old: &[BlobKey]) -> Result<BTreeSet<BlobKey>, StageError> {
    let ids: Vec<Uuid> = old.iter().map(BlobKey::id).collect();
    let known = if zone == Zone::Archive {
        index::known(&mut *line.main.reader().acquire().await?, &ids).await?
    } else {
        buffer::known_objects(&mut *line.buffer.reader().acquire().await?, &ids).await?
    };
    Ok(old.iter().filter(|key| !known.contains(&key.id())).copied().collect())
}

/// Remembers what was found, and answers what was found long enough ago.
fn suspected(
    line: &Line,
    zone: Zone,
    last: Option<Folder>,
    seen: &[BlobKey],
    orphans: &BTreeSet<BlobKey>,
    now: i64,
) -> Vec<BlobKey> {
    let mut sweep = line.sweep.lock().unwrap_or_else(PoisonError::into_inner);
    match last {
        Some(last) => sweep.at.insert(zone, last),
        None => sweep.at.remove(&zone),
    };
    for key in seen.iter().filter(|key| !orphans.contains(key)) {
        sweep.suspects.remove(key);
    }
    let mut due = Vec::new();
    for key in orphans {
        match sweep.suspects.get(key) {
            Some(first) if now - first >= AGAIN_MS => due.push(*key),
            Some(_) => {}
            None if sweep.suspects.len() < SUSPECTS_MAX => {
                sweep.suspects.insert(*key, now);
            }
            None => {}
        }
    }
    due.iter().for_each(|key| {
        sweep.suspects.remove(key);
    });
    due
}
