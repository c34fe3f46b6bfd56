//! The spool from outside: what was acknowledged is there, once, byte-equal; what was not leaves nothing.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Condvar, Mutex};

use super::*;

pub(super) const KIB: usize = 1 << 10;

/// Small sizes, so that segments roll and instances spill.
pub(super) fn config(directory: &Path) -> SpoolConfig {
    SpoolConfig {
        segment_bytes: 512 << 10,
        staging_budget_bytes: 1 << 20,
        staging_instance_bytes: 256 << 10,
        max_instance_bytes: 4 << 20,
        keep_free_bytes: Some(0),
        ..SpoolConfig::new(directory.to_owned())
    }
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(super) fn data(seed: usize, size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 7 + seed * 31 + i / 251) as u8).collect()
}

pub(super) fn open(directory: &Path) -> Spool {
    let (spool, mut recovery) = Spool::open(config(directory), None).unwrap();
    assert!(recovery.by_ref().all(|record| record.is_ok()));
    recovery.finish().unwrap();
    spool
}

pub(super) async fn store(spool: &Spool, header: &str, data: &[u8]) -> Result<Receipt, SpoolError> {
    let mut staging = spool.begin()?;
    for chunk in data.chunks(16 * KIB) {
        staging.write(chunk).await?;
    }
    staging.commit(header.into()).await
}

pub(super) fn read(spool: &Spool, location: &RecordLocation) -> Vec<u8> {
    let mut bytes = Vec::new();
    spool.read(location).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

pub(super) fn names(directory: &Path, kind: &str) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(kind));
    names.sort();
    names
}

/// A sync that lasts until the test opens it.
struct Gate(Mutex<(usize, bool)>, Condvar);

impl Gate {
    const fn new() -> Self {
        Self(Mutex::new((0, false)), Condvar::new())
    }

    fn pass(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        self.1.notify_all();
        drop(self.1.wait_while(state, |(_, open)| !*open));
        Ok(())
    }

    fn open(&self) {
        self.0.lock().unwrap().1 = true;
        self.1.notify_all();
    }

    fn arrived(&self) -> usize {
        self.0.lock().unwrap().0
    }

    fn wait_for_arrivals(&self, number: usize) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |(arrived, _)| *arrived < number));
    }
}

/// Polls once; true when the future waits.
async fn waits(future: impl Future) -> bool {
    tokio::select! { biased; _ = future => false, () = std::future::ready(()) => true }
}

#[test]
fn acknowledged_data_are_read_back_byte_equal_in_memory_and_in_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    for (i, size) in [0, 1, 4096, 200 * KIB, 256 * KIB, 256 * KIB + 1, 3 << 20].into_iter().enumerate() {
        let bytes = data(i, size);
        let receipt = block_on(store(&spool, "h", &bytes)).unwrap();
        let location = receipt.location();
        assert_eq!(location.segment().is_none(), size > 256 * KIB, "{size}");
        assert_eq!(location.data_length(), size as u64);
        assert_eq!(receipt.data_hash(), blake3::hash(&bytes));
        assert_eq!(read(&spool, &location), bytes);
        assert_eq!(spool.verify(&location).unwrap(), blake3::hash(&bytes));
        assert_eq!(location.to_string().parse(), Ok(location));
        assert_eq!(spool.staged_bytes(), 0);
    }
    assert_eq!(names(folder.path(), ".own").len(), 2);
}

#[test]
fn a_reader_is_positional_and_bounded_by_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let bytes = data(1, 10 * KIB);
    let location = block_on(store(&spool, "h", &bytes)).unwrap().location();
    let mut reader = spool.read(&location).unwrap();
    reader.seek(SeekFrom::End(-3)).unwrap();
    let mut tail = [0; 16];
    assert_eq!(reader.read(&mut tail).unwrap(), 3);
    assert_eq!(reader.read(&mut tail).unwrap(), 0);
    assert_eq!(reader.read_at(&mut tail, 100).unwrap(), 16);
    assert_eq!(tail, bytes[100..116]);
    assert_eq!(reader.read_at(&mut tail, u64::MAX).unwrap(), 0);
    assert!(reader.seek(SeekFrom::Start(10 * KIB as u64 + 1)).is_err());
}

#[test]
fn a_slow_instance_moves_to_a_file_and_gives_its_memory_back() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    block_on(async {
        let bytes = data(2, 200 * KIB);
        let mut staging = spool.begin().unwrap();
        staging.write(&bytes[..150 * KIB]).await.unwrap();
        assert_eq!(staging.bytes(), Some(&bytes[..150 * KIB]));
        assert!(staging.reader().await.unwrap().is_none());
        let before = spool.staged_bytes();
        staging.to_file().await.unwrap();
        assert!(spool.staged_bytes() < before);
        assert_eq!(staging.bytes(), None);
        staging.write(&bytes[150 * KIB..]).await.unwrap();
        let mut seen = Vec::new();
        staging.reader().await.unwrap().unwrap().read_to_end(&mut seen).unwrap();
        assert_eq!(seen, bytes);
        let location = staging.commit(b"h".to_vec()).await.unwrap().location();
        assert_eq!(read(&spool, &location), bytes);
    });
}

#[test]
fn memory_stays_within_the_budget_however_many_instances_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    block_on(async {
        let mut arriving = Vec::new();
        for i in 0..16 {
            arriving.push((i, spool.begin().unwrap()));
        }
        for step in 0..8 {
            for (i, staging) in &mut arriving {
                staging.write(&data(*i + step, 30 * KIB)).await.unwrap();
                assert!(spool.staged_bytes() <= 1 << 20);
            }
        }
        assert!(arriving.iter().any(|(_, staging)| staging.bytes().is_none()), "some went to files");
        for (i, staging) in arriving {
            let location = staging.commit(b"h".to_vec()).await.unwrap().location();
            let expected: Vec<u8> = (0..8).flat_map(|step| data(i + step, 30 * KIB)).collect();
            assert_eq!(read(&spool, &location), expected);
        }
    });
    assert_eq!(spool.staged_bytes(), 0);
}

#[test]
fn the_budget_refuses_instead_of_growing() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let mut arriving = Vec::new();
    let refused = loop {
        match spool.begin() {
            Ok(staging) => arriving.push(staging),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, SpoolError::OutOfResources(_)));
    drop(arriving.pop());
    assert!(spool.begin().is_ok());
}

#[test]
fn a_dropped_instance_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    block_on(async {
        let mut staging = spool.begin().unwrap();
        staging.write(&data(1, 100 * KIB)).await.unwrap();
        drop(staging);
        let mut staging = spool.begin().unwrap();
        staging.write(&data(1, 3 << 20)).await.unwrap();
        assert_eq!(names(folder.path(), ".part").len(), 1);
        drop(staging);
    });
    assert_eq!(spool.staged_bytes(), 0);
    drop(spool);
    assert_eq!(names(folder.path(), ""), ["lock"]);
}

#[test]
fn limits_are_errors_that_concern_one_instance() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    block_on(async {
        let mut staging = spool.begin().unwrap();
        let too_large = staging.write(&data(0, (4 << 20) + 1)).await;
        assert!(matches!(too_large, Err(SpoolError::TooLarge { limit: 4_194_304 })));
        let staging = spool.begin().unwrap();
        assert!(matches!(staging.commit(vec![0; 65 * KIB]).await, Err(SpoolError::HeaderTooLarge)));
        assert!(store(&spool, "h", b"next").await.is_ok());
    });
}

#[test]
fn below_the_watermark_new_instances_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let full = SpoolConfig { keep_free_bytes: Some(u64::MAX), ..config(folder.path()) };
    let (spool, _recovery) = Spool::open(full, None).unwrap();
    assert!(matches!(spool.begin(), Err(SpoolError::OutOfResources(_))));
    assert_eq!(spool.health(), Health::LowSpace);
}

#[test]
fn one_process_uses_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _spool = open(folder.path());
    assert!(matches!(Spool::open(config(folder.path()), None), Err(SpoolError::Locked)));
}

#[test]
fn one_sync_acknowledges_all_that_was_written_before_it() {
    static GATE: Gate = Gate::new();
    fn gated(_: &File) -> io::Result<()> {
        GATE.pass()
    }
    let folder = tempfile::tempdir().unwrap();
    let (spool, _recovery) = Spool::open_with(config(folder.path()), None, gated).unwrap();
    block_on(async {
        let mut commits: Vec<_> = (0..8)
            .map(|i| {
                let spool = spool.clone();
                Box::pin(async move { store(&spool, "h", &data(i, 10 * KIB)).await })
            })
            .collect();
        let (first, others) = commits.split_first_mut().unwrap();
        assert!(waits(first).await);
        GATE.wait_for_arrivals(1);
        for commit in others {
            assert!(waits(commit).await);
        }
        GATE.open();
        for commit in commits {
            assert!(commit.await.is_ok());
        }
    });
    assert_eq!(GATE.arrived(), 2, "the first record, then the seven that waited");
}

#[test]
fn a_failed_sync_ends_acknowledgement_until_restart() {
    static BROKEN: AtomicBool = AtomicBool::new(false);
    fn sync(file: &File) -> io::Result<()> {
        if BROKEN.load(SeqCst) { Err(io::Error::from_raw_os_error(5)) } else { file.sync_data() }
    }
    let folder = tempfile::tempdir().unwrap();
    let (spool, recovery) = Spool::open_with(config(folder.path()), None, sync).unwrap();
    let acknowledged = block_on(store(&spool, "kept", &data(1, 10 * KIB))).unwrap().location();
    let waiting = spool.begin().unwrap();
    let mut own = spool.begin().unwrap();
    block_on(own.to_file()).unwrap();
    BROKEN.store(true, SeqCst);
    assert!(matches!(block_on(store(&spool, "lost", b"x")), Err(SpoolError::Failed(_))));
    BROKEN.store(false, SeqCst);
    assert!(
        matches!(block_on(waiting.commit(vec![])), Err(SpoolError::Failed(_))),
        "although a sync would succeed"
    );
    assert!(matches!(block_on(own.commit(vec![])), Err(SpoolError::Failed(_))));
    assert!(matches!(spool.begin(), Err(SpoolError::Failed(_))));
    assert!(matches!(spool.health(), Health::Failed(_)));
    drop((spool, recovery));
    let spool = open(folder.path());
    assert_eq!(read(&spool, &acknowledged), data(1, 10 * KIB));
    assert_eq!(spool.health(), Health::Ready);
}

#[test]
fn a_failed_sync_of_an_own_file_ends_acknowledgement_too() {
    fn sync(_: &File) -> io::Result<()> {
        Err(io::Error::from_raw_os_error(5))
    }
    let folder = tempfile::tempdir().unwrap();
    let (spool, _recovery) = Spool::open_with(config(folder.path()), None, sync).unwrap();
    assert!(matches!(block_on(store(&spool, "h", &data(0, 1 << 20))), Err(SpoolError::Failed(_))));
    assert!(matches!(spool.health(), Health::Failed(_)));
    assert!(names(folder.path(), ".own").is_empty());
}

#[test]
fn a_restart_finds_what_the_checkpoint_lacks_while_new_records_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let mut locations = Vec::new();
    for i in 0..12 {
        let size = if i % 5 == 4 { 600 * KIB } else { 90 * KIB };
        locations.push(block_on(store(&spool, &format!("{i}"), &data(i, size))).unwrap().location());
    }
    spool.indexed(&locations[1..6]);
    assert_eq!(
        spool.indexed(&[]),
        locations[0].journal().unwrap(),
        "the oldest that is not indexed holds it"
    );
    let checkpoint = spool.indexed(&locations[..1]);
    drop(spool);
    let (spool, mut recovery) = Spool::open(config(folder.path()), Some(checkpoint)).unwrap();
    let new = block_on(store(&spool, "new", b"new")).unwrap().location();
    assert!(new.segment() > locations[11].segment());
    let found: BTreeMap<_, _> = recovery
        .by_ref()
        .map(|record| {
            record.map(|record| (record.location, String::from_utf8(record.header).unwrap())).unwrap()
        })
        .collect();
    for (i, location) in locations.iter().enumerate().skip(6) {
        assert_eq!(found.get(location), Some(&format!("{i}")));
    }
    assert!(!found.contains_key(&locations[0]) && !found.contains_key(&new));
    assert!(spool.indexed(&[new]) <= checkpoint, "the checkpoint stays while recovery runs");
    recovery.adopt(locations[..6].iter().copied());
    recovery.finish().unwrap();
    let oldest = found.keys().filter_map(RecordLocation::journal).min();
    assert_eq!(Some(spool.indexed(&[])), oldest, "and then until what it found is indexed");
    for (i, location) in locations.iter().enumerate() {
        assert_eq!(read(&spool, location), data(i, location.data_length() as usize));
    }
}

#[test]
fn recovery_that_was_not_read_deletes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let location = block_on(store(&open(folder.path()), "h", b"data")).unwrap().location();
    let (spool, recovery) = Spool::open(config(folder.path()), None).unwrap();
    assert!(matches!(recovery.finish(), Err(SpoolError::RecoveryIncomplete)));
    assert_eq!(read(&spool, &location), b"data");
}

#[test]
fn damage_hides_only_the_record_it_hit() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let locations: Vec<_> =
        (0..4).map(|i| block_on(store(&spool, "h", &data(i, 20 * KIB))).unwrap().location()).collect();
    drop(spool);
    let path = folder.path().join(&names(folder.path(), ".segment")[0]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[locations[1].data_offset as usize + 9000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (spool, recovery) = Spool::open(config(folder.path()), None).unwrap();
    let found: Vec<_> = recovery.map(|record| record.unwrap().location).collect();
    assert_eq!(found, [locations[0], locations[2], locations[3]]);
    assert!(matches!(spool.verify(&locations[1]), Err(SpoolError::Corrupt(_))));
}

#[test]
fn bytes_of_another_segment_or_with_a_changed_header_never_pass_for_a_record() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..2 {
        let _ = block_on(store(&open(folder.path()), &format!("run {i}"), &data(i, 10 * KIB))).unwrap();
    }
    let segments = names(folder.path(), ".segment");
    let (old, new) = (folder.path().join(&segments[0]), folder.path().join(&segments[1]));
    let stale = fs::read(&old).unwrap().split_off(4096);
    let mut bytes = fs::read(&new).unwrap();
    bytes.extend_from_slice(&stale);
    fs::write(&new, bytes).unwrap();
    let mut bytes = fs::read(&old).unwrap();
    let header = bytes.windows(5).position(|window| window == b"run 0").unwrap();
    bytes[header] ^= 1;
    fs::write(&old, bytes).unwrap();
    let (_spool, recovery) = Spool::open(config(folder.path()), None).unwrap();
    let found: Vec<_> = recovery.map(|record| record.unwrap().header).collect();
    assert_eq!(found, [b"run 1"]);
}

#[test]
fn what_was_acknowledged_and_is_damaged_keeps_its_segment() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let first = block_on(store(&spool, "first", &data(1, 20_000))).unwrap().location();
    let last = block_on(store(&spool, "last", &data(2, 20_000))).unwrap().location();
    drop(spool);
    let path = folder.path().join(&names(folder.path(), ".segment")[0]);
    let mut bytes = fs::read(&path).unwrap();
    let of_first = usize::try_from(first.data_offset).unwrap() + 10_000;
    bytes[of_first] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (spool, mut recovery) = Spool::open(config(folder.path()), None).unwrap();
    let found: Vec<_> = recovery.by_ref().map(|record| record.unwrap().location).collect();
    assert_eq!(found, [last]);
    recovery.finish().unwrap();
    spool.indexed(&[last]);
    spool.release(&last);
    drop(spool);
    assert_eq!(fs::read(&path).unwrap()[of_first], bytes[of_first], "the rest of it can still be restored");
}

#[test]
fn a_damaged_file_is_kept_for_a_person_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let _ = block_on(store(&spool, "h", &data(0, 1 << 20))).unwrap();
    let _ = block_on(store(&spool, "h", b"small")).unwrap();
    drop(spool);
    for (kind, at) in [(".own", 40), (".segment", 12)] {
        let path = folder.path().join(&names(folder.path(), kind)[0]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let (spool, mut recovery) = Spool::open(config(folder.path()), None).unwrap();
    assert_eq!(recovery.by_ref().count(), 0);
    recovery.finish().unwrap();
    drop(spool);
    assert_eq!(names(folder.path(), ".own").len(), 1);
    let segment = folder.path().join(&names(folder.path(), ".segment")[0]);
    assert!(fs::metadata(segment).unwrap().len() > 4096);
}

#[test]
fn a_segment_goes_with_its_last_record_and_its_number_is_never_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = None;
    for _ in 0..3 {
        let spool = open(folder.path());
        let locations: Vec<_> =
            (0..12).map(|i| block_on(store(&spool, "h", &data(i, 90 * KIB))).unwrap().location()).collect();
        assert!(locations[0].segment() > last);
        last = locations[11].segment();
        spool.indexed(&locations);
        let (kept, go) = locations.split_first().unwrap();
        go.iter().for_each(|location| spool.release(location));
        go.iter().for_each(|location| spool.release(location));
        assert_eq!(read(&spool, kept), data(0, 90 * KIB), "a repeated release frees no neighbour");
        spool.release(kept);
        drop(spool);
        let left = names(folder.path(), ".segment");
        assert_eq!(left.len(), 1, "the newest keeps its number");
        assert_eq!(fs::metadata(folder.path().join(&left[0])).unwrap().len(), 0, "but no bytes");
    }
}

#[test]
fn a_detached_record_outlives_its_segment_and_an_unnamed_copy_goes() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let bytes = data(3, 100 * KIB);
    let location = block_on(store(&spool, "header", &bytes)).unwrap().location();
    let held = spool.detach(&location).unwrap();
    assert_eq!(held.segment(), None);
    assert_eq!(spool.detach(&held).unwrap(), held);
    assert_eq!(held.to_string().parse(), Ok(held));
    let _unnamed = spool.detach(&location).unwrap();
    let checkpoint = spool.indexed(&[location]);
    spool.release(&location);
    drop(spool);
    let (spool, mut recovery) = Spool::open(config(folder.path()), Some(checkpoint)).unwrap();
    assert_eq!(recovery.by_ref().count(), 0, "a held record is not new");
    recovery.adopt([held]);
    recovery.finish().unwrap();
    assert_eq!(read(&spool, &held), bytes);
    assert_eq!(spool.verify(&held).unwrap(), blake3::hash(&bytes));
    drop(spool);
    assert_eq!(names(folder.path(), ".held").len(), 1);
}

#[test]
fn a_record_released_during_recovery_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let small = block_on(store(&spool, "h", b"small")).unwrap().location();
    let own = block_on(store(&spool, "h", &data(1, 1 << 20))).unwrap().location();
    drop(spool);
    let (spool, mut recovery) = Spool::open(config(folder.path()), None).unwrap();
    spool.release(&small);
    spool.release(&small);
    recovery.adopt([small]);
    let found: Vec<_> = recovery.by_ref().map(|record| record.unwrap().location).collect();
    assert_eq!(found, [own]);
    spool.release(&own);
    recovery.adopt([own]);
    recovery.finish().unwrap();
    drop(spool);
    assert!(names(folder.path(), ".own").is_empty());
    assert_eq!(fs::metadata(folder.path().join(&names(folder.path(), ".segment")[0])).unwrap().len(), 0);
}

#[test]
fn nobody_waits_for_the_answer_and_the_record_is_released() {
    static GATE: Gate = Gate::new();
    fn gated(_: &File) -> io::Result<()> {
        GATE.pass()
    }
    let folder = tempfile::tempdir().unwrap();
    let (spool, recovery) = Spool::open_with(config(folder.path()), None, gated).unwrap();
    recovery.finish().unwrap();
    block_on(async {
        for size in [10 * KIB, 1 << 20] {
            let mut staging = spool.begin().unwrap();
            staging.write(&data(0, size)).await.unwrap();
            assert!(waits(staging.commit(b"h".to_vec())).await);
        }
    });
    GATE.open();
    drop(spool);
    assert!(names(folder.path(), ".own").is_empty());
    let lengths = names(folder.path(), ".segment").into_iter();
    let left: u64 = lengths.map(|name| fs::metadata(folder.path().join(name)).unwrap().len()).sum();
    assert_eq!(left, 0);
}

#[test]
fn an_instance_whose_write_was_cancelled_is_unusable() {
    static GATE: Gate = Gate::new();
    fn gated(_: &File) -> io::Result<()> {
        GATE.pass()
    }
    let folder = tempfile::tempdir().unwrap();
    let (spool, _recovery) = Spool::open_with(config(folder.path()), None, gated).unwrap();
    block_on(async {
        let mut commits = Vec::new();
        for _ in 0..writers::THREADS {
            let mut own = spool.begin().unwrap();
            own.to_file().await.unwrap();
            commits.push(Box::pin(own.commit(vec![])));
            assert!(waits(commits.last_mut().unwrap()).await);
        }
        GATE.wait_for_arrivals(writers::THREADS);
        let mut staging = spool.begin().unwrap();
        assert!(waits(staging.to_file()).await, "all writers are busy");
        assert!(matches!(staging.write(b"more").await, Err(SpoolError::Interrupted)));
        assert!(matches!(staging.commit(vec![]).await, Err(SpoolError::Interrupted)));
        GATE.open();
        for commit in commits {
            assert!(commit.await.is_ok());
        }
    });
}

#[test]
fn beside_the_program_a_record_is_read_until_it_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    // one in a segment with a neighbour, one in a file of its own
    let sizes = [100 * KIB, 100 * KIB, 300 * KIB];
    let receipts = sizes.map(|size| block_on(store(&spool, "", &data(size, size))).unwrap().location());
    let beside = |location: &RecordLocation| {
        let mut bytes = Vec::new();
        let reader = Spool::read_beside(folder.path(), location);
        reader.map(|mut reader| reader.read_to_end(&mut bytes)).map(|_| bytes)
    };
    for (size, location) in sizes.iter().zip(&receipts) {
        assert_eq!(beside(location).unwrap(), data(*size, *size));
    }
    spool.indexed(&receipts);
    let [released, kept, own] = receipts;
    spool.release(&released);
    spool.release(&own);
    drop(spool);
    for location in [released, own] {
        assert!(matches!(beside(&location), Err(SpoolError::NotFound(_))), "{location}");
    }
    assert_eq!(beside(&kept).unwrap(), data(100 * KIB, 100 * KIB));
}
