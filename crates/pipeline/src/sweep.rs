//! Objects of Z3, Z4 and Z5 that no row speaks of: a crash between the object and its row leaves them, and nothing else would ever delete
//! them. A few folders at each look, in turn; an object goes when it is old and was without a row at an earlier look, too.
//!
//! A crash leaves few. A database that was restored from an older backup, or made anew, leaves many: then nothing is deleted before a person
//! has looked, and nothing of Z3 ever that the receive buffer knows to be de-identified.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use archive::blob::{BlobKey, Folder};
use archive::zone::Zone;
use archive::{buffer, index, side_result};
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
/// A crash leaves no more objects without a row than these, or than one in so many.
const FEW: u64 = 100;
const FEW_IN: u64 = 100;
const ZONES: [(Zone, &str, &str); 3] = [
    (Zone::Archive, "Z3", "Z3: objects without rows"),
    (Zone::Inbound, "Z4", "Z4: objects without rows"),
    (Zone::ReturnBuffer, "Z5", "Z5: objects without rows"),
];

/// How far the walk came in each zone, and what it found without a row, when first.
#[derive(Debug, Default)]
pub struct Sweep {
    walks: BTreeMap<Zone, Walk>,
    suspects: BTreeMap<BlobKey, i64>,
}

/// The walk through one zone.
#[derive(Debug, Default)]
struct Walk {
    /// Its last folder so far.
    at: Option<Folder>,
    /// What it found so far.
    so_far: Found,
    /// What the last whole walk found.
    whole: Option<Found>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Found {
    objects: u64,
    orphans: u64,
}

impl Walk {
    fn add(&mut self, objects: u64, orphans: u64, last: Option<Folder>) {
        self.at = last;
        self.so_far.objects += objects;
        self.so_far.orphans += orphans;
        if last.is_none() {
            self.whole = Some(std::mem::take(&mut self.so_far));
        }
    }

    /// Objects without rows, where they are more than a crash leaves; `None` before a whole walk.
    fn too_many(&self) -> Option<u64> {
        let whole = self.whole?;
        let (orphans, objects) =
            (whole.orphans.max(self.so_far.orphans), whole.objects.max(self.so_far.objects));
        Some(if orphans > FEW && orphans.saturating_mul(FEW_IN) > objects { orphans } else { 0 })
    }
}

/// One step in each zone.
///
/// # Errors
/// Any [`StageError`]; the next step goes on.
pub(crate) async fn run(line: &Arc<Line>) -> Result<(), StageError> {
    for (zone, name, warning) in ZONES {
        step(line, zone, name, warning).await?;
    }
    Ok(())
}

async fn step(
    line: &Arc<Line>,
    zone: Zone,
    name: &'static str,
    warning: &'static str,
) -> Result<(), StageError> {
    let now = line.clock.now();
    let oldest = UNIX_EPOCH + Duration::from_millis(u64::try_from(now - GRACE_MS).unwrap_or(0));
    let after =
        line.sweep.lock().unwrap_or_else(PoisonError::into_inner).walks.get(&zone).and_then(|walk| walk.at);
    let blobs = Arc::clone(&line.blobs);
    let (last, objects, old) = blocking(move || {
        let folders = blobs.folders(zone, after, STEP)?;
        let (mut objects, mut old) = (0, Vec::new());
        for folder in &folders {
            for (key, written) in blobs.objects_in(zone, *folder)? {
                objects += 1;
                if written < oldest {
                    old.push(key);
                }
            }
        }
        // Behind the last folder the walk begins anew.
        Ok::<_, StageError>((folders.last().copied().filter(|_| folders.len() == STEP), objects, old))
    })
    .await??;
    let orphans = without_rows(line, zone, &old).await?;
    let too_many = {
        let mut sweep = line.sweep.lock().unwrap_or_else(PoisonError::into_inner);
        let walk = sweep.walks.entry(zone).or_default();
        walk.add(objects, orphans.len() as u64, last);
        walk.too_many()
    };
    if line.warnings.set(warning, too_many.unwrap_or(0)) {
        tracing::error!(
            zone = name,
            "more objects without rows than a crash leaves: none is deleted; restore the newest backup of the databases"
        );
    }
    let due = suspected(line, &old, &orphans, too_many == Some(0), now);
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
        let mut known = index::known(&mut *line.main.reader().acquire().await?, &ids).await?;
        known.extend(buffer::deidentified(&mut *line.buffer.reader().acquire().await?, &ids).await?);
        known
    } else {
        let mut known = buffer::known_objects(&mut *line.buffer.reader().acquire().await?, &ids).await?;
        known.extend(side_result::known(&mut *line.main.reader().acquire().await?, &ids).await?);
        known
    };
    Ok(old.iter().filter(|key| !known.contains(&key.id())).copied().collect())
}

/// Remembers what was found, and answers what was found long enough ago, if it may be deleted.
fn suspected(
    line: &Line,
    seen: &[BlobKey],
    orphans: &BTreeSet<BlobKey>,
    may_delete: bool,
    now: i64,
) -> Vec<BlobKey> {
    let mut sweep = line.sweep.lock().unwrap_or_else(PoisonError::into_inner);
    for key in seen.iter().filter(|key| !orphans.contains(key)) {
        sweep.suspects.remove(key);
    }
    let mut due = Vec::new();
    for key in orphans {
        match sweep.suspects.get(key) {
            Some(first) if may_delete && now - first >= AGAIN_MS => due.push(*key),
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
