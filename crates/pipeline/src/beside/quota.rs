//! How much is kept beside of one study, and of one partner: a partner that drops more has to be asked why.

use std::collections::BTreeSet;

use archive::job::Job;
use archive::ledger::{self, LedgerEvent};
use archive::side_result::{COUNTED_MIN, Room};
use notification::EventType;
use partner::{ResultLimits, SideFile};

use crate::line::{Line, StageError};
use crate::notify;

/// The ledger's cause; its line has the id of the job in the place of an instance, for of such a file there is none.
const BEYOND: &str = "no DICOM objects: too long, or beyond the quota of files kept beside; not kept";

/// The hashes of those files, each once, that still fit, in the order of the manifest; and how many do not.
pub(super) fn fitting<'f>(
    limits: &ResultLimits,
    mut room: Room,
    files: impl Iterator<Item = &'f SideFile>,
) -> (Vec<[u8; 32]>, u64) {
    let (mut seen, mut fitting, mut beyond) = (BTreeSet::new(), Vec::new(), 0);
    for file in files.filter(|file| seen.insert(file.sha256)) {
        let counted = file.bytes.max(COUNTED_MIN);
        let (study, all) = (room.study.saturating_add(counted), room.all.saturating_add(counted));
        let is_too_long = file.bytes > limits.instance_bytes;
        if is_too_long || study > limits.beside_study_bytes || all > limits.beside_bytes {
            beyond += 1;
            continue;
        }
        room = Room { study, all };
        fitting.push(file.sha256);
    }
    (fitting, beyond)
}

/// Tells of files that are not kept: a ledger line, a message and a line of the log, once for each job.
///
/// # Errors
/// Those of the main database.
pub(super) async fn tell(line: &Line, job: &Job, beyond: u64) -> Result<(), StageError> {
    let now = line.clock.now();
    let excluded = ledger::Line {
        event: LedgerEvent::Excluded,
        project: &job.project,
        job: Some(job.id),
        result_set: None,
        instance: job.id,
        destination: &job.partner,
        hash: "",
        bytes: 0,
        dossier_version: line.dossier_version(&job.project),
        gate_hash: None,
        cause: BEYOND,
        at: now,
    };
    let mut transaction = line.main.write().await?;
    if ledger::append_once(&mut transaction, &[excluded]).await? > 0 {
        let event = notify::event(EventType::ResultManual, &job.project, job.id, 0, beyond, now);
        notify::enqueue(line, &mut transaction, &event).await?;
        transaction.commit().await?;
        line.messages.notify_one();
        tracing::warn!(
            partner = job.partner,
            job = %job.id,
            files = beyond,
            "dropped files are too long, or beyond the quota of what is kept beside: not kept; raise beside_study_bytes or beside_bytes, or ask the partner"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_a_quota_is_left_and_what_still_fits_is_kept() {
        let limits = ResultLimits {
            instance_bytes: 4 * COUNTED_MIN,
            beside_study_bytes: 6 * COUNTED_MIN,
            beside_bytes: 10 * COUNTED_MIN,
            ..ResultLimits::default()
        };
        let file = |number: u8, bytes| SideFile { form: "csv", bytes, sha256: [number; 32] };
        let fit = |room, files: &[SideFile]| {
            let (fitting, beyond) = fitting(&limits, room, files.iter());
            (fitting.iter().map(|hash| hash[0]).collect::<Vec<u8>>(), beyond)
        };
        let empty = Room::default();
        // one that is named twice counts once, and a small one for 64 KiB
        assert_eq!(fit(empty, &[file(1, 3), file(1, 3), file(2, 1)]), (vec![1, 2], 0));
        assert_eq!(fit(empty, &[file(1, 4 * COUNTED_MIN + 1), file(2, 1)]), (vec![2], 1), "too long");
        let large = |number| file(number, 4 * COUNTED_MIN);
        assert_eq!(fit(empty, &[large(1), large(2), file(3, 1)]), (vec![1, 3], 1), "of the study");
        let nearly = Room { study: 0, all: 9 * COUNTED_MIN };
        assert_eq!(fit(nearly, &[file(1, 1), file(2, 1)]), (vec![1], 1), "of the partner");
        assert_eq!(fit(empty, &[file(1, u64::MAX)]), (vec![], 1));
        let many: Vec<SideFile> = (0..20).map(|number| file(number, 1)).collect();
        assert_eq!(fit(empty, &many).1, 14);
    }
}
