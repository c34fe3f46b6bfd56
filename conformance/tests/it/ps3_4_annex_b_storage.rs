//! C-STORE: PS3.4 Annex B, PS3.7 §9.1.1; AC1.2 c, AC1.3. What was answered with 0x0000 is there afterwards, byte for byte.

use std::path::Path;

use crate::harness::{Archive, Association, CT, EXPLICIT, Instance, SentFile, Site, dcmtk, objects, send};

/// PS3.4 Table B.2-1.
const SUCCESS: u16 = 0x0000;
const OUT_OF_RESOURCES: u16 = 0xA700;
const DOES_NOT_MATCH_SOP_CLASS: u16 = 0xA900;
const CANNOT_UNDERSTAND: u16 = 0xC000;

/// Sends `files`, all of which must be taken and be there afterwards as they were.
fn kept_byte_for_byte(kind: &str) -> (crate::harness::Listing, Vec<SentFile>) {
    let site = Site::new();
    let files = objects(kind, &site.folder("objects"));
    let server = site.serve();
    let statuses = send(&server, "RX", &files);
    assert!(statuses.iter().all(|(_, status)| *status == Some(SUCCESS)), "{statuses:04x?}");
    assert_eq!(statuses.len(), files.len());
    server.stop();
    let listing = site.listing();
    for file in &files {
        assert_eq!(listing.the(&file.digest).bytes, file.data_set_bytes, "{}", file.name);
    }
    assert_eq!(listing.instances.len(), files.len());
    (listing, files)
}

#[test]
fn objects_of_several_modalities_and_character_sets_are_kept() {
    let (listing, files) = kept_byte_for_byte("regular");
    for file in &files {
        let kept = listing.the(&file.digest);
        assert_eq!(kept.project.as_deref(), Some("rx"), "{}: {kept:?}", file.name);
        assert!(
            kept.irregularities.is_empty() && !kept.differs && kept.state != "quarantined",
            "{}: {kept:?}",
            file.name
        );
    }
}

#[test]
fn every_transfer_syntax_is_kept_without_decoding() {
    kept_byte_for_byte("syntaxes");
}

#[test]
fn irregular_objects_are_kept_with_a_warning() {
    let (listing, files) = kept_byte_for_byte("irregular");
    for name in ["odd_length", "un_sequence", "wrong_value_length"] {
        let file = files.iter().find(|file| file.name == name).unwrap();
        assert!(!listing.the(&file.digest).irregularities.is_empty(), "{name}: a warning is due");
    }
}

#[test]
fn broken_objects_are_refused_with_the_status_of_their_cause() {
    let site = Site::new();
    let files = objects("broken", &site.folder("objects"));
    let server = site.serve();
    let statuses = send(&server, "RX", &files);
    let expected: Vec<(String, Option<u16>)> = files
        .iter()
        .map(|file| {
            let mismatch = file.name.ends_with("_mismatch");
            (file.name.clone(), Some(if mismatch { DOES_NOT_MATCH_SOP_CLASS } else { CANNOT_UNDERSTAND }))
        })
        .collect();
    assert_eq!(statuses, expected);
    server.stop();
    assert!(site.listing().instances.is_empty(), "nothing of a refused object is kept");
}

#[test]
fn a_refusal_leaves_the_association_usable() {
    let site = Site::new();
    let server = site.serve();
    let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    let (good, bad) = (Instance::new(1, 2_000), Instance::new(2, 2_000));
    assert_eq!(association.store(CT, &bad.uid, &bad.data_set[..1_000]).unwrap(), CANNOT_UNDERSTAND);
    assert_eq!(association.store(CT, &good.uid, &bad.data_set).unwrap(), DOES_NOT_MATCH_SOP_CLASS);
    assert_eq!(association.store(CT, &good.uid, &good.data_set).unwrap(), SUCCESS);
    assert!(association.release());
    server.stop();
    site.listing().the(&good.digest());
}

#[test]
fn a_connection_cut_in_the_middle_of_an_instance_leaves_nothing() {
    let site = Site::new();
    let server = site.serve();
    // staged in memory, and in a file of its own
    for (number, bytes) in [(1, 1_000_000), (2, 10_000_000)] {
        let cut = Instance::new(number, bytes);
        let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
        let message = association.store_message(CT, &cut.uid, &cut.data_set);
        association.write(&message[..message.len() - 10]).unwrap();
        drop(association);
    }
    let whole = Instance::new(3, 1_000);
    let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    assert_eq!(association.store(CT, &whole.uid, &whole.data_set).unwrap(), SUCCESS);
    server.stop();
    let listing = site.listing();
    listing.the(&whole.digest());
    assert_eq!(listing.instances.len(), 1);
}

#[test]
fn an_object_above_the_limit_finds_no_room() {
    let site = Site::new().section("[dicom.limits]\nmax_instance_bytes = 100_000\n");
    let server = site.serve();
    let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    let (large, small) = (Instance::new(1, 200_000), Instance::new(2, 50_000));
    assert_eq!(association.store(CT, &large.uid, &large.data_set).unwrap(), OUT_OF_RESOURCES);
    assert_eq!(association.store(CT, &small.uid, &small.data_set).unwrap(), SUCCESS);
    server.stop();
    let listing = site.listing();
    listing.the(&small.digest());
    assert_eq!(listing.instances.len(), 1);
}

#[test]
fn an_object_without_patient_id_is_acknowledged_and_quarantined() {
    let site = Site::new();
    let server = site.serve();
    let mut one = Instance::new(1, 100);
    let id = one.data_set.windows(9).position(|window| window == b"CONF-0001").unwrap();
    one.data_set[id..id + 9].fill(b' ');
    let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    assert_eq!(association.store(CT, &one.uid, &one.data_set).unwrap(), SUCCESS);
    assert!(association.release());
    server.stop();
    // AC1.6 a; the decision is made after the answer, at the latest at the next start
    let server = site.serve();
    crate::harness::wait_until("the end of recovery", || {
        crate::harness::get(server.http, "/readyz").0 == 200
    });
    server.stop();
    assert_eq!(site.listing().the(&one.digest()).state, "quarantined");
}

#[test]
fn dcmtk_sends() {
    let site = Site::new();
    let files = objects("regular", &site.folder("objects"));
    let explicit: Vec<&SentFile> = files.iter().filter(|file| file.name != "mr_implicit").collect();
    let server = site.serve();
    let paths: Vec<&Path> = explicit.iter().map(|file| file.path.as_path()).collect();
    let output = dcmtk("storescu", &["-v", "-R", "-aet", "MODALITY", "-aec", "RX"], &server, &paths);
    assert!(
        output.status.success() && !String::from_utf8_lossy(&output.stderr).contains("Failed"),
        "{output:?}"
    );
    server.stop();
    let listing = site.listing();
    for file in explicit {
        listing.the(&file.digest);
    }
}

#[test]
fn orthanc_sends() {
    let site = Site::new();
    let files = objects("regular", &site.folder("objects"));
    let server = site.serve();
    let orthanc = Archive::orthanc("MODALITY");
    orthanc.take(&site.folder("objects"));
    orthanc.send_all("RX", server.dicom.port());
    server.stop();
    assert_eq!(site.listing().instances.len(), files.len());
}
