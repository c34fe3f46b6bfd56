//! What the kernel is asked, seen and answered for by `strace`: a completed sync before each response, and none after a failed one.

use std::collections::HashMap;
use std::fs;

use super::ledger::Ledger;
use crate::harness::{Association, CT, EXPLICIT, Instance, Launcher, Site, get};

/// AC1.3 a: with one sender each response must follow a sync of the spool that was begun after the one before.
#[test]
fn each_response_follows_a_completed_sync_of_the_spool() {
    const INSTANCES: u64 = 25;
    let site = Site::new();
    let log = site.folder("strace").join("log");
    let options = ["-yy", "-s", "1", "-e", "trace=fdatasync,fsync,sendto,sendmsg,write,writev"];
    let Some(strace) = Launcher::strace(&log, &options) else { return };
    let server = site.serve_under(&strace);
    let port = server.dicom.port();
    let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    for number in 0..INSTANCES {
        // the last one is larger than what is staged in memory
        let instance = Instance::new(number, if number + 1 == INSTANCES { 9 << 20 } else { 20_000 });
        assert_eq!(association.store(CT, &instance.uid, &instance.data_set).unwrap(), 0x0000);
    }
    assert!(association.release());
    server.stop();

    let responses = syncs_before_responses(&fs::read_to_string(&log).unwrap(), port);
    assert_eq!(responses.len() as u64, INSTANCES, "one P-DATA-TF goes out per instance: {responses:?}");
    assert!(
        responses.iter().all(|&syncs| syncs >= 1),
        "syncs of the spool before each response: {responses:?}"
    );
}

/// Number of syncs of spool files that were completed before each P-DATA-TF to the peer, since the one before.
fn syncs_before_responses(log: &str, port: u16) -> Vec<usize> {
    let mut responses = Vec::new();
    let mut running: HashMap<&str, bool> = HashMap::new();
    let mut syncs = 0;
    for line in log.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if call.starts_with("fdatasync(") || call.starts_with("fsync(") {
            let of_spool = call.contains("/spool/");
            if call.ends_with("<unfinished ...>") {
                running.insert(thread, of_spool);
            } else if of_spool && call.ends_with("= 0") {
                syncs += 1;
            }
        } else if call.starts_with("<... fdatasync resumed>") || call.starts_with("<... fsync resumed>") {
            if running.remove(thread) == Some(true) && call.ends_with("= 0") {
                syncs += 1;
            }
        } else if call.contains(&format!("TCP:[127.0.0.1:{port}->")) && call.contains(r#""\4""#) {
            responses.push(std::mem::take(&mut syncs));
        }
    }
    responses
}

/// ARC-10: after the error of one sync nothing is acknowledged until restart, though the kernel would let the next one pass.
#[test]
fn after_a_failed_sync_nothing_is_acknowledged() {
    for failing in [1, 2, 30] {
        let site = Site::new();
        let log = site.folder("strace").join("log");
        let inject = format!("inject=fdatasync:error=EIO:when={failing}");
        // fdatasync is the spool's; the databases call fsync
        let Some(strace) = Launcher::strace(&log, &["-e", "trace=fdatasync", "-e", &inject]) else { return };
        let server = site.serve_under(&strace);
        let mut ledger = Ledger::default();
        let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
        let mut refused = false;
        for number in 0..100 {
            let instance = Instance::new(number, 20_000);
            ledger.sent(instance.digest());
            match association.store(CT, &instance.uid, &instance.data_set) {
                Ok(0x0000) => {
                    assert!(!refused, "instance {number} was acknowledged after a failed sync");
                    ledger.acknowledged(instance.digest());
                }
                Ok(_) => refused = true,
                Err(_) => {
                    refused = true;
                    break;
                }
            }
        }
        assert!(refused, "the injected error had no effect:\n{}", fs::read_to_string(&log).unwrap());
        assert!(Association::open(server.dicom, "RX", CT, EXPLICIT).is_err(), "new associations are refused");
        assert_eq!(get(server.http, "/readyz").0, 503);
        server.kill();

        ledger.assert_kept(&site.listing(), "after the failed sync");
        let server = site.serve();
        assert_eq!(get(server.http, "/readyz").0, 200, "a restart heals");
        server.stop();
    }
}
