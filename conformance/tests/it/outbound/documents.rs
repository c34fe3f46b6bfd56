//! Encapsulated documents of a profile that inspects them: rendered by poppler, read by tesseract (AC2.8, ADR 0013).

use std::fs;
use std::path::PathBuf;

use serde_json::json;

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
fn documents_leave_without_identity_or_wait() {
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
    assert!(sent.len() == 9 && sent.iter().all(|line| line["status"] == 0), "{sent:?}");
    wait_until("seven are held", || world.held().len() == 7);
    world.wait_for_acknowledged(1);
    server.stop();
    let held = world.site.rows("buffer", "SELECT reason, detail FROM quarantine ORDER BY detail");
    assert!(held.iter().all(|one| one["reason"] == "document"), "{held:?}");
    let details: Vec<&str> = held.iter().map(|one| one["detail"].as_str().unwrap()).collect();
    let is = |range: std::ops::Range<usize>, why: &str| {
        details[range].iter().all(|detail| detail.starts_with(why))
    };
    assert!(is(0..2, "text in the document") && is(2..6, "text on page 1"), "{details:?}");
    assert!(details[6].contains("nonXMLBody"), "{details:?}");
    let mut received = json_lines(&run(python("documents.py").arg("check").arg(partner.folder())));
    received.sort_by_key(|one| one["ids"].is_array());
    assert_eq!(received.len(), 2);
    assert!(received.iter().all(|one| one["named"].as_array().unwrap().is_empty()), "{received:?}");
    let (pages, clinical) = (&received[0], &received[1]);
    assert_eq!((&pages["text"], &pages["images"]), (&"".into(), &1.into()), "{pages}");
    assert!(pages["is_drawn"] == true, "{pages}");
    assert_eq!(clinical["ids"], json!([clinical["code"]]), "{clinical}");
    let narrative = (&clinical["paragraphs"], &clinical["items"], &clinical["cells"], &clinical["entries"]);
    let expected =
        (json!(["Mme ***, vue par ***"]), json!(["Foie normal & net"]), json!(["***", "12 mm"]), json!(0));
    assert_eq!(narrative, (&expected.0, &expected.1, &expected.2, &expected.3), "{clinical}");
    assert_eq!(clinical["attributes"], json!([]), "{clinical}");
}
