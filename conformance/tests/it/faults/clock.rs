//! A wall clock that jumps while instances arrive. Time that only passes (timers) is left alone, as the kernel does.

use std::fs;
use std::path::PathBuf;

use super::pushing::Push;
use crate::harness::{Launcher, Site};

fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|library| library.is_file())
}

#[test]
fn jumps_of_the_clock_lose_nothing_and_cut_no_association() {
    let Some(library) = library() else {
        eprintln!("skipped: libfaketime is not there (package faketime)");
        return;
    };
    let site = Site::new();
    let offset = site.folder("clock").join("offset");
    fs::write(&offset, "+0").unwrap();
    let clock = Launcher::default()
        .variable("LD_PRELOAD", library.to_str().unwrap())
        .variable("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap())
        .variable("FAKETIME_NO_CACHE", "1")
        .variable("DONT_FAKE_MONOTONIC", "1");
    let push = Push::default();
    // ten days ahead, a year back, then the right time again; killed in each
    for jumps in [["+10d", "-365d"], ["+0", "+3650d"], ["-2d", "+0"]] {
        let server = site.serve_under(&clock);
        push.during(server.dicom, || {
            for jump in jumps {
                push.wait_for(20);
                fs::write(&offset, jump).unwrap();
            }
            push.wait_for(20);
            server.kill();
        });
        assert!(push.refusals.lock().unwrap().is_empty());
        push.ledger.lock().unwrap().assert_kept(&site.listing_under(&clock), &format!("after {jumps:?}"));
    }
}
