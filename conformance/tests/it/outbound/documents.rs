//! Encapsulated documents of a profile that inspects them: rendered by poppler, read by tesseract (AC2.8, ADR 0013).

use std::fs;
use std::path::PathBuf;

use super::world::{ScriptedPartner, World};
use crate::harness::{Project, dicom_partner, json_lines, python, run, wait_until};

const PROFILE: &str = r#"
name = "documents"
version = "1"
edition = "2026d"
options = ["clean_pixel_data"]
documents = "inspect"
[pixels]
text = "identity"
"#;

#[test]
fn a_document_that_names_nobody_leaves_as_images_and_the_others_wait() {
    let partner = ScriptedPartner::new();
    let _peer = partner.start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile.toml");
    fs::write(&profile, PROFILE).unwrap();
    let project = Project {
        keys: format!("profile = \"{}\"\n", profile.display()),
        ..Project::open("documents", "P1", "uni")
    };
    let world = World::new(&[project], &dicom_partner("uni", partner.port));
    let documents = world.site.folder("documents");
    run(python("documents.py").arg("make").arg(&documents));
    let files: Vec<PathBuf> = fs::read_dir(&documents).unwrap().map(|entry| entry.unwrap().path()).collect();
    let server = world.site.serve();
    let mut send = python("send.py");
    send.args(["--port", &server.dicom.port().to_string(), "--called", "P1"]);
    let sent = json_lines(&run(send.args(&files)));
    assert!(sent.len() == 4 && sent.iter().all(|line| line["status"] == 0), "{sent:?}");
    wait_until("three are held", || world.held().len() == 3);
    world.wait_for_acknowledged(1);
    server.stop();
    let held = world.site.rows("buffer", "SELECT reason, detail FROM quarantine ORDER BY detail");
    assert!(held.iter().all(|one| one["reason"] == "document"), "{held:?}");
    let details: Vec<&str> = held.iter().map(|one| one["detail"].as_str().unwrap()).collect();
    assert!(details[0].starts_with("an encapsulated document"), "the CDA document: {details:?}");
    assert!(details[1..].iter().all(|detail| detail.starts_with("text in the document")), "{details:?}");
    let received = json_lines(&run(python("documents.py").arg("check").arg(partner.folder())));
    assert_eq!(received.len(), 1);
    let one = &received[0];
    assert_eq!((&one["text"], &one["images"]), (&"".into(), &1.into()), "{one}");
    assert!(one["is_drawn"] == true && one["named"].as_array().unwrap().is_empty(), "{one}");
}
