//! From the modality to the partner and what arrives there: once each, under one code, with one map of UIDs (AC2.4 to AC2.6, AC3.1).

use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::world::{World, check_set, files_in, push, storescp, study};
use crate::harness::{Archive, Project, dicom_partner, web_partner};

#[test]
fn a_participant_keeps_code_and_uids_over_days_modes_and_restarts_and_is_another_one_in_another_project() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let (uni, lab) = (storescp(&at("uni")), storescp(&at("lab")));
    let projects = [
        Project::open("first", "P1", "uni"),
        Project { eager: true, ..Project::open("second", "P2", "lab") },
    ];
    let partners = dicom_partner("uni", uni.port) + &dicom_partner("lab", lab.port);
    let world = World::new(&projects, &partners);

    let originals = study(&at("originals"), "MRN-0042", &["--references", "--images", "4"]);
    let server = world.site.serve();
    push(&server, "P1", &originals);
    push(&server, "P2", &originals);
    world.wait_for_acknowledged(2);
    server.stop();
    let first = check_set(&originals, &at("uni"));
    let second = check_set(&originals, &at("lab"));
    assert_eq!((first.files, files_in(&at("uni")), files_in(&at("lab"))), (6, 6, 6));
    assert!(first.references_before >= 8, "the objects refer to one another: {}", first.references_before);
    assert_eq!(first.references, first.references_before, "and do so after the pseudonymisation");
    assert_eq!(first.trial, [("SPONSOR".to_owned(), "PROTOCOL-first".to_owned(), true)]);
    assert_ne!(first.codes["MRN-0042"], second.codes["MRN-0042"]);
    assert!(
        first.uids.iter().all(|(original, new)| second.uids[original] != *new),
        "no project shares a UID"
    );

    // another day, after a restart: a further study of the same person, and somebody else
    study(&at("originals"), "MRN-0042", &["--study", "two", "--references"]);
    let later = study(&at("later"), "MRN-0042", &["--study", "two", "--references"]);
    let somebody = study(&at("later"), "MRN-0043", &["--name", "WELLWOOD"]);
    study(&at("originals"), "MRN-0043", &["--name", "WELLWOOD"]);
    assert_eq!(later, somebody);
    let server = world.site.serve();
    push(&server, "P1", &later);
    // what comes again unchanged leaves no second time
    push(&server, "P1", &originals);
    world.wait_for_acknowledged(4);
    server.stop();
    let both = check_set(&originals, &at("uni"));
    assert_eq!(both.files, 14);
    // ACX.2: every batch and every set that left is in the trail, by our own ids
    assert_eq!(world.audited("RPACS-AUDIT-0201", "instances"), 14 + 6);
    assert_eq!(world.audited("RPACS-AUDIT-0301", "instances"), 14 + 6);
    assert_eq!(both.codes["MRN-0042"], first.codes["MRN-0042"]);
    assert_ne!(both.codes["MRN-0043"], first.codes["MRN-0042"]);
    assert!(first.uids.iter().all(|(original, new)| both.uids[original] == *new));
}

#[test]
fn by_dicomweb_to_orthanc() {
    let partner = Archive::orthanc("UNI");
    let world = World::new(&[Project::open("web", "P1", "uni")], &web_partner("uni", &partner.dicomweb()));
    let originals = study(&world.site.folder("originals"), "MRN-0042", &["--references", "--images", "70"]);
    let server = world.site.serve();
    push(&server, "P1", &originals);
    world.wait_for_acknowledged(1);
    server.stop();
    let received = world.site.folder("received");
    partner.export(&received);
    let checked = check_set(&originals, &received);
    assert_eq!((checked.files, checked.references), (72, checked.references_before));
}

/// ACL.1, ACL.4, ACL.6, AC3.8
#[test]
fn into_a_folder_with_its_manifest_and_without_identity_in_any_name() {
    let out = tempfile::tempdir().unwrap();
    let section = format!(
        "[[partner]]\nid = \"usb\"\n[partner.transport.folder]\npath = \"{}\"\n",
        out.path().display()
    );
    let world = World::new(&[Project::open("local", "P1", "usb")], &section);
    let originals = study(&world.site.folder("originals"), "MRN-0042", &["--references"]);
    let server = world.site.serve();
    push(&server, "P1", &originals);
    world.wait_for_acknowledged(1);
    server.stop();
    let job = out.path().join(&world.jobs()[0].id);
    let checked = check_set(&originals, &job);
    assert_eq!((checked.files, checked.references), (5, checked.references_before));
    verify_manifest(&job, 5);
    let code = &checked.codes["MRN-0042"];
    for name in fs::read_dir(&job).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        let hides = ["MRN", "MILLGATE", code].iter().all(|part| !name.contains(part));
        assert!(
            hides && checked.uids.iter().all(|(old, new)| !name.contains(old) && !name.contains(new)),
            "{name}"
        );
    }
}

/// As its reader would: each file there, with its length and its digest, and nothing else.
fn verify_manifest(folder: &Path, instances: u64) {
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["instances"], instances);
    assert_eq!(manifest["dossier_version"], "7");
    assert_eq!(manifest["job"], folder.file_name().unwrap().to_str().unwrap());
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len() as u64, instances);
    for file in files {
        let bytes = fs::read(folder.join(file["name"].as_str().unwrap())).unwrap();
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(file["sha256"], digest);
        assert_eq!(file["bytes"], bytes.len() as u64);
    }
}
