//! A wall clock that jumps while instances arrive. Time that only passes (timers) is left alone, as the kernel does.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::pushing::Push;
use crate::harness::{Launcher, Site};

fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|library| library.is_file())
}

/// The site's program with a clock that reads its offset from a file. `None` where the library is not installed.
fn launcher(offset: &Path) -> Option<Launcher> {
    let Some(library) = library() else {
        eprintln!("skipped: libfaketime is not there (package faketime)");
        return None;
    };
    let launcher = Launcher::default()
        .variable("LD_PRELOAD", library.to_str().unwrap())
        .variable("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap())
        .variable("FAKETIME_NO_CACHE", "1")
        .variable("DONT_FAKE_MONOTONIC", "1");
    Some(launcher)
}

#[test]
fn a_clock_off_by_days_at_the_start_loses_nothing() {
    let site = Site::new();
    let offset = site.folder("clock").join("offset");
    let Some(clock) = launcher(&offset) else { return };
    let push = Push::default();
    for days in ["+0", "-10d", "+10d", "+0"] {
        fs::write(&offset, days).unwrap();
        let server = site.serve_under(&clock);
        push.during(server.dicom, || {
            push.wait_for(20);
            server.kill();
        });
        push.ledger.lock().unwrap().assert_kept(&site.listing_under(&clock), &format!("offset {days}"));
    }
}

/// Further than any retention timer: a jump is not time that has passed.
#[test]
fn jumps_of_the_clock_lose_nothing_and_cut_no_association() {
    let site = Site::new();
    let offset = site.folder("clock").join("offset");
    let Some(clock) = launcher(&offset) else { return };
    let push = Push::default();
    for jumps in [["+10d", "-365d"], ["-365d", "+0"], ["+3650d", "+0"]] {
        fs::write(&offset, "+0").unwrap();
        let server = site.serve_under(&clock);
        push.during(server.dicom, || {
            for jump in jumps {
                push.wait_for(20);
                fs::write(&offset, jump).unwrap();
                // long enough for the timers to look at the clock
                std::thread::sleep(Duration::from_millis(1500));
            }
            push.wait_for(20);
            server.kill();
        });
        assert!(push.refusals.lock().unwrap().is_empty());
        fs::write(&offset, "+0").unwrap();
        push.ledger.lock().unwrap().assert_kept(&site.listing_under(&clock), &format!("after {jumps:?}"));
    }
}
