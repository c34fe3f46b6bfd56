//! The arrows between crates: what `cargo metadata` says against the drawing in ARCHITECTURE.md.

use std::collections::BTreeSet;
use std::process::Command;

/// Every arrow that is allowed: a crate and what it may stand on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("database", &[]),
    ("dicom-stream", &[]),
    ("dicom-node", &[]),
    ("pixel", &[]),
    ("recognition", &["pixel"]),
    ("deidentification", &["dicom-stream", "pixel"]),
    ("reconciliation", &["dicom-stream", "pixel"]),
    ("pseudonym", &["database"]),
    ("archive", &["database", "dicom-stream"]),
    ("notification", &["database"]),
    ("register", &["database"]),
    ("partner", &["dicom-node", "dicom-stream"]),
    (
        "pipeline",
        &[
            "archive",
            "database",
            "deidentification",
            "dicom-node",
            "dicom-stream",
            "notification",
            "partner",
            "pixel",
            "pseudonym",
            "recognition",
            "reconciliation",
            "register",
        ],
    ),
    ("builder", &["archive", "dicom-node", "notification", "partner", "pipeline", "pseudonym", "register"]),
    ("simulation", &["dicom-node", "dicom-stream"]),
    ("conformance", &[]),
];

#[test]
fn every_arrow_between_crates_is_in_the_drawing() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        if name == "research-pacs" {
            continue; // wiring: may use everything
        }
        let allowed = ALLOWED.iter().find(|(of, _)| *of == name).map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else {
            wrong.push(format!("{name} is not in the drawing"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            let is_ours = names.contains(on) && dependency["path"].is_string();
            if is_ours && dependency["kind"].is_null() && !allowed.contains(&on) {
                wrong.push(format!("{name} ─► {on}"));
            }
        }
    }
    assert!(names.len() >= 8, "only {} crates seen", names.len());
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md does not draw: {}", wrong.join(", "));
}
