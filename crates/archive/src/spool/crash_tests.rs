//! Crashes: machines that stop with data unsynced, processes that are killed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use proptest::prelude::*;

use super::tests::{KIB, block_on, config, data, names, open, read, store};
use super::*;

#[derive(Debug, Clone)]
enum Act {
    Commit {
        size: usize,
        to_file: bool,
    },
    GiveUp {
        size: usize,
    },
    Index {
        oldest: usize,
    },
    Release {
        which: usize,
    },
    Detach {
        which: usize,
    },
    /// An instance is written, its sync does not complete, then the machine stops: of what was not synced, the
    /// volume has `kept` bytes, with one of them changed at `garbled`.
    Crash {
        size: usize,
        kept: usize,
        garbled: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let size = prop_oneof![4 => 0..40 * KIB, 2 => 0..250 * KIB, 1 => 250 * KIB..700 * KIB];
    prop_oneof![
        6 => (size.clone(), any::<bool>()).prop_map(|(size, file)| Act::Commit { size, to_file: file && size % 4 == 0 }),
        1 => size.clone().prop_map(|size| Act::GiveUp { size }),
        2 => (1..6usize).prop_map(|oldest| Act::Index { oldest }),
        2 => any::<usize>().prop_map(|which| Act::Release { which }),
        1 => any::<usize>().prop_map(|which| Act::Detach { which }),
        2 => (size, 0..300 * KIB, 0..300 * KIB)
            .prop_map(|(size, kept, garbled)| Act::Crash { size, kept, garbled }),
    ]
}

static MACHINE_STOPS: AtomicBool = AtomicBool::new(false);

fn sync_until_the_machine_stops(file: &File) -> io::Result<()> {
    if MACHINE_STOPS.load(SeqCst) { Err(io::Error::from_raw_os_error(5)) } else { file.sync_data() }
}

/// What a caller knows: its rows, its stored checkpoint.
struct Model {
    folder: tempfile::TempDir,
    spool: Option<Spool>,
    next: usize,
    checkpoint: Option<Checkpoint>,
    /// Acknowledged, not released: location → number of the instance and size.
    acknowledged: BTreeMap<RecordLocation, (usize, usize)>,
    /// Acknowledged and without a row, oldest first.
    unindexed: Vec<RecordLocation>,
    /// Written, not acknowledged: may or may not be found.
    doubtful: BTreeMap<usize, usize>,
}

impl Model {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut model = Self {
            folder,
            spool: None,
            next: 0,
            checkpoint: None,
            acknowledged: BTreeMap::new(),
            unindexed: Vec::new(),
            doubtful: BTreeMap::new(),
        };
        model.start();
        model
    }

    fn spool(&self) -> &Spool {
        self.spool.as_ref().unwrap()
    }

    fn start(&mut self) {
        MACHINE_STOPS.store(false, SeqCst);
        let config = config(self.folder.path());
        let opened = Spool::open_with(config, self.checkpoint, sync_until_the_machine_stops);
        let (spool, mut recovery) = opened.unwrap();
        let mut found = BTreeMap::new();
        for record in recovery.by_ref() {
            let record = record.unwrap();
            let number: usize = String::from_utf8(record.header).unwrap().parse().unwrap();
            assert!(found.insert(number, record.location).is_none(), "instance {number} is there twice");
        }
        for location in &self.unindexed {
            let (number, _) = self.acknowledged[location];
            assert_eq!(found.get(&number), Some(location), "an acknowledged instance without row is found");
        }
        for (number, location) in found {
            if let Some(size) = self.doubtful.remove(&number) {
                // whole although never acknowledged: a caller indexes it
                self.acknowledged.insert(location, (number, size));
                self.unindexed.push(location);
            } else if !self.acknowledged.contains_key(&location) {
                spool.release(&location);
            }
        }
        self.doubtful.clear();
        recovery.adopt(self.acknowledged.keys().copied().filter(|l| !self.unindexed.contains(l)));
        recovery.finish().unwrap();
        self.spool = Some(spool);
        self.check();
    }

    fn check(&self) {
        for (location, (number, size)) in &self.acknowledged {
            assert!(read(self.spool(), location) == data(*number, *size), "instance {number} differs");
            assert!(self.spool().verify(location).is_ok());
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Commit { size, to_file } => {
                let number = self.next;
                self.next += 1;
                let location = block_on(async {
                    let mut staging = self.spool().begin().unwrap();
                    if to_file {
                        staging.to_file().await.unwrap();
                    }
                    staging.write(&data(number, size)).await.unwrap();
                    staging.commit(number.to_string().into_bytes()).await.unwrap().location()
                });
                self.acknowledged.insert(location, (number, size));
                self.unindexed.push(location);
            }
            Act::GiveUp { size } => block_on(async {
                let mut staging = self.spool().begin().unwrap();
                staging.write(&data(0, size)).await.unwrap();
            }),
            Act::Index { oldest } => {
                let rows: Vec<_> = self.unindexed.drain(..oldest.min(self.unindexed.len())).collect();
                self.checkpoint = Some(self.spool().indexed(&rows));
            }
            Act::Release { which } => {
                if let Some(location) = self.indexed(which) {
                    self.acknowledged.remove(&location);
                    self.spool().release(&location);
                }
            }
            Act::Detach { which } => {
                if let Some(location) = self.indexed(which) {
                    let held = self.spool().detach(&location).unwrap();
                    let instance = self.acknowledged.remove(&location).unwrap();
                    self.acknowledged.insert(held, instance);
                    if held != location {
                        self.spool().release(&location);
                    }
                }
            }
            Act::Crash { size, kept, garbled } => self.crash(size, kept, garbled),
        }
    }

    /// One of the records that have a row.
    fn indexed(&self, which: usize) -> Option<RecordLocation> {
        let rows: Vec<_> = self.acknowledged.keys().filter(|l| !self.unindexed.contains(l)).collect();
        rows.get(which.checked_rem(rows.len())?).map(|location| **location)
    }

    fn crash(&mut self, size: usize, kept: usize, garbled: usize) {
        let number = self.next;
        self.next += 1;
        let before = names(self.folder.path(), ".segment").pop();
        MACHINE_STOPS.store(true, SeqCst);
        let refused = block_on(store(self.spool(), &number.to_string(), &data(number, size)));
        assert!(matches!(refused, Err(SpoolError::Failed(_))));
        self.doubtful.insert(number, size);
        // the volume as the machine left it: only what was not synced may differ
        let volume = tempfile::tempdir().unwrap();
        for name in names(self.folder.path(), "") {
            let copied = fs::copy(self.folder.path().join(&name), volume.path().join(&name));
            // the spool may be removing a file that no record needs
            assert!(copied.is_ok() || !self.folder.path().join(&name).exists());
        }
        self.spool = None;
        self.folder = volume;
        let synced = self.synced_end();
        for name in names(self.folder.path(), ".segment") {
            let path = self.folder.path().join(&name);
            let mut bytes = fs::read(&path).unwrap();
            let newest = before.as_ref().is_none_or(|last| name >= *last);
            let start = synced.get(&name).copied().unwrap_or(4096);
            if newest && start < bytes.len() {
                bytes.truncate(bytes.len().min(start + kept));
                if let Some(byte) = bytes.get_mut(start + garbled) {
                    *byte ^= 0x55;
                }
                fs::write(&path, bytes).unwrap();
            }
        }
        self.start();
    }

    /// End of the last acknowledged record in each segment; released ones count through the checkpoint.
    fn synced_end(&self) -> BTreeMap<String, usize> {
        let mut ends = BTreeMap::new();
        let records = self.acknowledged.keys().filter_map(|location| {
            let end = (location.data_offset + location.data_length + 72).next_multiple_of(4096);
            Some((location.segment()?, end))
        });
        let checkpoint = self.checkpoint.map(|checkpoint| (checkpoint.segment, checkpoint.offset));
        for (number, end) in records.chain(checkpoint) {
            let known = ends.entry(format!("{number:010}.segment")).or_insert(4096);
            *known = end.max(*known as u64) as usize;
        }
        ends
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_each_acknowledged_record_is_there_once(acts in prop::collection::vec(act(), 1..40)) {
        let mut model = Model::new();
        for act in acts {
            model.act(act);
        }
        model.check();
        model.spool = None;
        model.start();
    }
}

const CHILD_FOLDER: &str = "SPOOL_TEST_CHILD_FOLDER";

/// Not a test by itself: the process that `killed_processes_lose_nothing` starts and kills. Prints a line for each
/// acknowledged instance.
#[test]
fn child_process() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else { return };
    let (spool, _recovery) = Spool::open(config(Path::new(&folder)), None).unwrap();
    let pushers: Vec<_> = (0..4)
        .map(|pusher| {
            let spool = spool.clone();
            std::thread::spawn(move || {
                for i in 0.. {
                    let number = i * 4 + pusher;
                    let size = if i % 9 == 8 { 400 * KIB } else { 1000 * (i % 60) };
                    let header = format!("{}-{number}", std::process::id());
                    let location = block_on(store(&spool, &header, &data(number, size))).unwrap().location();
                    println!("\nACK {header} {number} {size} {location}");
                }
            })
        })
        .collect();
    pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
}

#[test]
fn killed_processes_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for lines in [1, 7, 40, 111, 3, 77] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "spool::crash_tests::child_process", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        // what was in the pipe when it died was acknowledged, too: read to the end
        let mut seen = 0;
        for line in output.by_ref().map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["ACK", header, number, size, location] = words[..] {
                let instance = (number.parse::<usize>().unwrap(), size.parse::<usize>().unwrap());
                acknowledged
                    .insert(header.to_owned(), (instance, location.parse::<RecordLocation>().unwrap()));
                seen += 1;
                if seen == lines {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        let (spool, recovery) = Spool::open(config(folder.path()), None).unwrap();
        let mut found = BTreeMap::new();
        for record in recovery {
            let record = record.unwrap();
            let header = String::from_utf8(record.header).unwrap();
            assert!(found.insert(header, record.location).is_none(), "twice");
        }
        for (header, ((number, size), location)) in &acknowledged {
            assert_eq!(found.get(header), Some(location));
            assert!(read(&spool, location) == data(*number, *size));
        }
    }
}

const EXHAUSTED_FOLDER: &str = "SPOOL_TEST_EXHAUSTED_FOLDER";

/// Not a test by itself: the process with few descriptors of
/// `without_descriptors_an_instance_is_refused_and_the_next_is_accepted`.
#[test]
fn child_without_descriptors() {
    let Ok(folder) = std::env::var(EXHAUSTED_FOLDER) else { return };
    let spool = open(Path::new(&folder));
    let occupied: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(occupied.len() < 64, "the limit holds");
    for size in [KIB, 1 << 20] {
        let refused = block_on(store(&spool, "h", &data(0, size)));
        assert!(matches!(refused, Err(SpoolError::OutOfResources(_))), "{refused:?}");
        assert_eq!(spool.health(), Health::Ready);
    }
    drop(occupied);
    for size in [KIB, 1 << 20] {
        let location = block_on(store(&spool, "h", &data(0, size))).unwrap().location();
        assert!(read(&spool, &location) == data(0, size));
    }
}

#[test]
fn without_descriptors_an_instance_is_refused_and_the_next_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let child = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 40 && exec \"$0\" --exact spool::crash_tests::child_without_descriptors"])
        .arg(std::env::current_exe().unwrap())
        .env(EXHAUSTED_FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}
