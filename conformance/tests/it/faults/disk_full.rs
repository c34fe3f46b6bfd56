//! A volume that fills up: 0xA700 before it is full (ARC-11, AC1.3 b), and nothing lost when it is full nevertheless.

use std::fs::{self, File};
use std::io::Write;

use super::pushing::Push;
use crate::harness::{Association, CT, EXPLICIT, Instance, Site, Volume, get, wait_until};

const MEBIBYTE: usize = 1 << 20;

#[test]
fn below_the_watermark_nothing_more_is_taken() {
    let Some(volume) = Volume::new(400) else { return };
    let site =
        Site::new().data(&volume.path().join("data")).section("[spool]\nkeep_free_bytes = 67_108_864\n");
    let server = site.serve_under(&volume.launcher());
    let push = Push::default();
    push.during(server.dicom, || wait_until("the watermark", || get(server.http, "/readyz").0 == 503));

    let refusals = push.refusals.lock().unwrap().clone();
    assert!(refusals.iter().all(|&status| status == 0xA700), "{refusals:04x?}");
    assert!(Association::open(server.dicom, "RX", CT, EXPLICIT).is_err(), "new associations are refused");
    server.kill();
    push.ledger.lock().unwrap().assert_kept(&site.listing_under(&volume.launcher()), "after the watermark");
}

#[test]
fn a_full_volume_loses_nothing_and_recovers_when_there_is_room() {
    let Some(volume) = Volume::new(400) else { return };
    let site =
        Site::new().data(&volume.path().join("data")).section("[spool]\nkeep_free_bytes = 4_194_304\n");
    let server = site.serve_under(&volume.launcher());
    let push = Push::default();
    let filler = volume.path_from_outside().join("filler");
    push.during(server.dicom, || {
        push.wait_for(50);
        fill(&filler);
        wait_until("the volume is noticed", || get(server.http, "/readyz").0 == 503);
    });
    let refusals = push.refusals.lock().unwrap().clone();
    assert!(refusals.iter().all(|&status| status == 0xA700), "{refusals:04x?}");
    server.kill();

    fs::remove_file(&filler).unwrap();
    push.ledger
        .lock()
        .unwrap()
        .assert_kept(&site.listing_under(&volume.launcher()), "after the volume was full");
    let server = site.serve_under(&volume.launcher());
    let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    let instance = Instance::new(1 << 40, 1000);
    assert_eq!(association.store(CT, &instance.uid, &instance.data_set).unwrap(), 0x0000);
    server.stop();
    site.listing_under(&volume.launcher()).the(&instance.digest());
}

/// Writes until there is no byte left.
fn fill(path: &std::path::Path) {
    let mut file = File::create(path).unwrap();
    let mut piece = vec![1; MEBIBYTE];
    while !piece.is_empty() {
        if file.write_all(&piece).is_err() {
            piece.truncate(piece.len() / 2);
        }
    }
}
