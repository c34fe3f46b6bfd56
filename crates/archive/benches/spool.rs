//! Group commit on this machine's disk: records of 526 kB (one CT), senders that wait for each answer.
//!
//! `SPOOL_BENCH_FOLDER` names another volume. After the table of divan, the CPU time per record is printed: all
//! threads of the process, the copy into the staging buffer included.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Mutex;

use archive::spool::{Spool, SpoolConfig};
use divan::Bencher;
use divan::counter::ItemsCount;

const RECORD: usize = 526_336;
const CHUNK: usize = 128 << 10;
/// Records of one sample.
const RECORDS: usize = 480;
const SLOT: u64 = 528_384;

static CPU: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() {
    divan::main();
    for line in CPU.lock().unwrap().iter() {
        println!("{line}");
    }
}

fn folder() -> tempfile::TempDir {
    let base = std::env::var_os("SPOOL_BENCH_FOLDER").map(PathBuf::from);
    tempfile::tempdir_in(base.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into())).unwrap()
}

/// User and system time of all threads, milliseconds (resolution of the kernel: 10 ms).
fn cpu_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2);
    fields.map(|field| field.parse::<u64>().unwrap() * 10).sum()
}

/// The spool as it is used: stage in chunks, commit, release.
#[divan::bench(args = [1, 4, 8], sample_count = 7, sample_size = 1)]
fn spool(bencher: Bencher<'_, '_>, senders: usize) {
    let folder = folder();
    let (spool, recovery) = Spool::open(SpoolConfig::new(folder.path().into()), None).unwrap();
    recovery.finish().unwrap();
    let data = vec![7; RECORD];
    let samples = Mutex::new(0);
    let before = cpu_ms();
    bencher.counter(ItemsCount::new(RECORDS)).bench(|| {
        *samples.lock().unwrap() += 1;
        std::thread::scope(|scope| {
            for _ in 0..senders {
                scope.spawn(|| send(&spool, &data, RECORDS / senders));
            }
        });
    });
    let records = *samples.lock().unwrap() * RECORDS;
    let each = (cpu_ms() - before) as f64 / records as f64;
    CPU.lock().unwrap().push(format!("spool, {senders} senders: {each:.3} ms CPU per record"));
}

fn send(spool: &Spool, data: &[u8], records: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for _ in 0..records {
            let mut staging = spool.begin().unwrap();
            for chunk in data.chunks(CHUNK) {
                staging.write(chunk).await.unwrap();
            }
            let location = staging.commit(vec![b'h'; 600]).await.unwrap().location();
            spool.indexed(&[location]);
            spool.release(&location);
        }
    });
}

/// What the disk does by itself with groups of 1, 4 and 8 records for each sync.
#[divan::bench(consts = [1, 4, 8], args = ["grows", "preallocated", "used again"], sample_count = 7, sample_size = 1)]
fn disk<const GROUP: usize>(bencher: Bencher<'_, '_>, segment: &str) {
    let folder = folder();
    let path = folder.path().join("segment");
    let data = vec![7; RECORD];
    let size = SLOT * RECORDS as u64;
    bencher
        .counter(ItemsCount::new(RECORDS))
        .with_inputs(|| {
            if segment != "used again" || !path.exists() {
                let _ = fs::remove_file(&path);
                let file = File::create(&path).unwrap();
                match segment {
                    "preallocated" => {
                        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, size).unwrap();
                    }
                    "used again" => file.write_all_at(&vec![1; usize::try_from(size).unwrap()], 0).unwrap(),
                    _ => {}
                }
                file.sync_all().unwrap();
            }
            File::options().write(true).open(&path).unwrap()
        })
        .bench_values(|file| {
            for record in 0..RECORDS {
                file.write_all_at(&data, record as u64 * SLOT).unwrap();
                if record % GROUP == GROUP - 1 {
                    file.sync_data().unwrap();
                }
            }
        });
}
