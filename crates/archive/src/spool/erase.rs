//! Erasing a released record in its segment while neighbours live on: no byte of it stays (INV-9).
//!
//! A record has its pages for itself, so a hole is punched over all of them, its header included. Recovery passes over
//! holes, as it does over what was never written. A thread of its own does this, away from the reception.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Weak;
use std::sync::mpsc::Receiver;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::Shared;
use super::frame::{Frame, write_parts};
use super::location::{Place, RecordLocation};

/// Records erased before their segments are synced.
const GROUP: usize = 1024;
/// Zeros written at once where holes cannot be punched.
const ZEROS: &[u8] = &[0; 64 << 10];

/// The loop of the erasing thread.
pub(super) fn run(shared: &Shared, released: &Receiver<RecordLocation>) {
    while let Ok(first) = released.recv() {
        let group: Vec<_> = std::iter::once(first).chain(released.try_iter().take(GROUP - 1)).collect();
        erase(shared, &group);
    }
}

/// Erases records, then syncs each segment once. A record that cannot be erased goes with its segment.
pub(super) fn erase(shared: &Shared, records: &[RecordLocation]) {
    let mut segments: BTreeMap<u32, Vec<&RecordLocation>> = BTreeMap::new();
    for record in records {
        if let Some(number) = record.segment() {
            segments.entry(number).or_default().push(record);
        }
    }
    for (segment, records) in segments {
        if let Err(error) = erase_in(shared, segment, &records) {
            tracing::error!(segment, %error, "cannot erase released records; they go with their segment");
        }
    }
}

fn erase_in(shared: &Shared, number: u32, records: &[&RecordLocation]) -> io::Result<()> {
    let path = shared.directory.path(Place::Segment { number, offset: 0 });
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        // the whole segment went
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for record in records {
        erase_one(&file, record, punch)?;
    }
    file.sync_data()
}

/// Erases a record's pages; one that is not there was erased before.
fn erase_one(
    file: &File,
    record: &RecordLocation,
    punch: impl Fn(&File, u64, u64) -> Result<(), Errno>,
) -> io::Result<()> {
    let offset = record.offset();
    let Some(frame) = Frame::read(file, offset)?.filter(|frame| frame.is_of(record)) else { return Ok(()) };
    let end = frame.slot().and_then(|slot| slot.checked_add(offset)).ok_or(io::ErrorKind::InvalidData)?;
    let end = end.min(file.metadata()?.len());
    match punch(file, offset, end.saturating_sub(offset)) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => overwrite(file, offset, end),
        Err(error) => Err(error.into()),
    }
}

fn punch(file: &File, offset: u64, length: u64) -> Result<(), Errno> {
    fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, length)
}

fn overwrite(file: &File, mut offset: u64, end: u64) -> io::Result<()> {
    while offset < end {
        let room = usize::try_from(end - offset).unwrap_or(ZEROS.len()).min(ZEROS.len());
        write_parts(file, offset, &[ZEROS.get(..room).unwrap_or(ZEROS)])?;
        offset += room as u64;
    }
    Ok(())
}

/// Keeps a record from being erased under its reader.
#[derive(Debug)]
pub(super) struct Pin {
    shared: Weak<Shared>,
    location: RecordLocation,
}

impl Pin {
    /// For a record that [`Live::pin`](super::live::Live::pin) has counted.
    pub(super) fn new(shared: Weak<Shared>, location: RecordLocation) -> Self {
        Self { shared, location }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.retire_later(shared.live.unpin(self.location));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::tests::{KIB, block_on, config, open, read, store};
    use super::super::{Health, Spool, SpoolError};
    use super::*;

    const DATA: &[u8] = b"CANARY^IN^THE^DATA";
    const HEADER: &str = "CANARY^IN^THE^HEADER";

    fn canaries(size: usize) -> Vec<u8> {
        DATA.iter().copied().cycle().take(size).collect()
    }

    fn segment(folder: &Path, location: &RecordLocation) -> std::path::PathBuf {
        folder.join(format!("{:010}.segment", location.segment().unwrap()))
    }

    fn holds(path: &Path, canary: &[u8]) -> bool {
        fs::read(path).unwrap().windows(canary.len()).any(|window| window == canary)
    }

    #[test]
    fn a_released_record_leaves_no_byte_while_its_neighbours_live_on() {
        for size in [0, 100, 20 * KIB + 1] {
            let folder = tempfile::tempdir().unwrap();
            let spool = open(folder.path());
            let put = |header, data: &[u8]| block_on(store(&spool, header, data)).unwrap().location();
            let first = put("first", &[1; 10 * KIB]);
            let middle = put(HEADER, &canaries(size));
            let last = put("last", &[3; 10 * KIB]);
            let checkpoint = spool.indexed(&[first, middle]);
            let path = segment(folder.path(), &middle);
            assert_eq!(first.segment(), last.segment());
            assert!(holds(&path, HEADER.as_bytes()));
            spool.release(&middle);
            spool.release(&middle);
            assert!(matches!(spool.read(&middle), Err(SpoolError::NotFound(_))));
            assert!(matches!(spool.verify(&middle), Err(SpoolError::NotFound(_))));
            assert!(matches!(spool.detach(&middle), Err(SpoolError::NotFound(_))));
            assert_eq!((read(&spool, &first), read(&spool, &last)), (vec![1; 10 * KIB], vec![3; 10 * KIB]));
            drop(spool);
            assert!(!holds(&path, HEADER.as_bytes()) && !holds(&path, DATA), "size {size}");

            for from in [None, Some(checkpoint)] {
                let (spool, mut recovery) = Spool::open(config(folder.path()), from).unwrap();
                let found: Vec<_> = recovery.by_ref().map(|record| record.unwrap().location).collect();
                assert_eq!(found, if from.is_some() { vec![last] } else { vec![first, last] });
                recovery.adopt([first]);
                recovery.finish().unwrap();
                assert_eq!(read(&spool, &first), [1; 10 * KIB]);
                assert_eq!(read(&spool, &last), [3; 10 * KIB]);
                assert!(spool.verify(&first).is_ok() && spool.verify(&last).is_ok());
                assert_eq!(spool.health(), Health::Ready);
            }
        }
    }

    #[test]
    fn what_was_released_before_a_crash_is_erased_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let spool = open(folder.path());
        let first = block_on(store(&spool, "first", &[1; 10 * KIB])).unwrap().location();
        let middle = block_on(store(&spool, HEADER, &canaries(20 * KIB))).unwrap().location();
        let last = block_on(store(&spool, "last", &[3; 10 * KIB])).unwrap().location();
        let checkpoint = spool.indexed(&[first, middle, last]);
        drop(spool);
        let path = segment(folder.path(), &middle);
        assert!(holds(&path, HEADER.as_bytes()) && holds(&path, DATA));

        // its row says released: the rows of the others are adopted, it is not
        let (spool, mut recovery) = Spool::open(config(folder.path()), Some(checkpoint)).unwrap();
        assert_eq!(recovery.by_ref().count(), 0);
        recovery.adopt([first, last]);
        recovery.finish().unwrap();
        assert_eq!((read(&spool, &first), read(&spool, &last)), (vec![1; 10 * KIB], vec![3; 10 * KIB]));
        drop(spool);
        assert!(!holds(&path, HEADER.as_bytes()) && !holds(&path, DATA));
    }

    #[test]
    fn the_last_record_of_a_segment_may_be_erased_too() {
        let folder = tempfile::tempdir().unwrap();
        let spool = open(folder.path());
        let first = block_on(store(&spool, "first", b"1")).unwrap().location();
        let last = block_on(store(&spool, HEADER, &canaries(9 * KIB))).unwrap().location();
        spool.release(&last);
        let next = block_on(store(&spool, "next", b"2")).unwrap().location();
        drop(spool);
        assert!(!holds(&segment(folder.path(), &last), DATA));
        let (spool, recovery) = Spool::open(config(folder.path()), None).unwrap();
        let found: Vec<_> = recovery.map(|record| record.unwrap().location).collect();
        assert_eq!(found, [first, next]);
        assert_eq!((read(&spool, &first), read(&spool, &next)), (b"1".to_vec(), b"2".to_vec()));
    }

    #[test]
    fn a_reader_keeps_its_record_until_it_is_dropped() {
        use std::io::Read;
        let folder = tempfile::tempdir().unwrap();
        let spool = open(folder.path());
        let _neighbour = block_on(store(&spool, "first", b"1")).unwrap();
        let record = block_on(store(&spool, HEADER, &canaries(9 * KIB))).unwrap().location();
        let mut reader = spool.read(&record).unwrap();
        spool.release(&record);
        assert!(matches!(spool.read(&record), Err(SpoolError::NotFound(_))));
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        assert!(bytes == canaries(9 * KIB));
        drop(reader);
        drop(spool);
        assert!(!holds(&segment(folder.path(), &record), DATA));
    }

    #[test]
    fn where_holes_cannot_be_punched_zeros_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let spool = open(folder.path());
        let first = block_on(store(&spool, "first", b"1")).unwrap().location();
        let middle = block_on(store(&spool, HEADER, &canaries(100 * KIB))).unwrap().location();
        let last = block_on(store(&spool, "last", b"3")).unwrap().location();
        drop(spool);
        let path = segment(folder.path(), &middle);
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let length = file.metadata().unwrap().len();
        erase_one(&file, &middle, |_, _, _| Err(Errno::OPNOTSUPP)).unwrap();
        assert_eq!(file.metadata().unwrap().len(), length);
        assert!(!holds(&path, HEADER.as_bytes()) && !holds(&path, DATA));
        let (_spool, recovery) = Spool::open(config(folder.path()), None).unwrap();
        let found: Vec<_> = recovery.map(|record| record.unwrap().location).collect();
        assert_eq!(found, [first, last]);
    }
}
