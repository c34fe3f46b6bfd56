//! PS3.15 Annex E by an answer key of the kind of the MIDI-B benchmark (`scripts/deid_bench`), here over a small corpus; `make bench-deid`
//! runs the large one.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{program, run};

/// A script of the bench in the pinned environment.
fn bench(script: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(root.join(".venv/bin/python"));
    command.arg("-W").arg("ignore").arg(root.join("scripts/deid_bench").join(script));
    command
}

/// The judge is judged: what nobody de-identified has all its identifiers left and nothing harmless lost.
#[test]
fn a_plain_copy_keeps_all_that_is_harmless_and_leaks_all_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    run(bench("midi_make.py").arg(at("corpus")).args(["--people", "2", "--slices", "1"]));
    let scored = bench("midi_score.py")
        .arg(at("corpus"))
        .arg(at("corpus").join("in"))
        .arg("--json")
        .arg(at("score"))
        .output()
        .unwrap();
    assert_eq!(scored.status.code(), Some(1), "{scored:?}");
    let score: Value = serde_json::from_str(&fs::read_to_string(at("score")).unwrap()).unwrap();
    let right = |kind: &str| {
        let row = &score["kinds"][kind];
        assert!(row[0].as_u64().unwrap() > 0, "{kind} is asked");
        row[1].as_f64().unwrap() / row[0].as_f64().unwrap()
    };
    for leaking in ["text_removed", "date_shifted", "uid_changed", "pixels_hidden"] {
        assert!(right(leaking) < 0.001, "{leaking}: {}", score["kinds"]);
    }
    for keeping in ["tag_retained", "text_retained", "pixels_retained", "uid_consistent", "patid_consistent"]
    {
        assert!(right(keeping) > 0.999, "{keeping}: {}", score["kinds"]);
    }
}

/// The search of `make deid-corpora` is judged too: it finds all that stands in files of many character sets.
#[test]
fn a_residual_search_finds_every_identifier_in_the_file_it_comes_from() {
    let code = "import pathlib, pydicom; print(pathlib.Path(pydicom.__file__).parent / 'data/charset_files')";
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    let folder = String::from_utf8(run(Command::new(python).args(["-c", code])).stdout).unwrap();
    let files = fs::read_dir(folder.trim()).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "dcm")).collect();
    assert_eq!(files.len(), 17, "pydicom 3.0.2 has so many");
    run(bench("residual.py").args(files));
}

/// Issue 3, acceptance 3, on a small corpus: 99.93 % of the answer key, every removal, no new dciodvfy error.
#[test]
fn the_answer_key_is_met() {
    run(bench("midi.py").args(["--people", "6", "--slices", "2"]).env("RESEARCH_PACS_BIN", program()));
}
