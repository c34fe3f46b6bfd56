//! A program that is given two folders.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use pixel::deface::{Defacer, DefacerError};
use recognition::ExternalDefacer;

fn deface(work: &str) -> (Result<(), DefacerError>, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let [input, output] = ["in", "out"].map(|name| folder.path().join(name));
    fs::create_dir(&input).unwrap();
    fs::create_dir(&output).unwrap();
    fs::write(input.join("1.dcm"), b"instance").unwrap();
    let program = folder.path().join("program");
    fs::write(&program, format!("#!/bin/sh\n{work}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let defacer = ExternalDefacer { program, name: "copy 1".into(), time: Duration::from_secs(2) };
    let result = defacer.deface(&input, &output);
    let files = fs::read_dir(&output).unwrap().map(|entry| entry.unwrap().file_name().into()).collect();
    (result, files)
}

#[test]
fn the_program_is_given_both_folders() {
    let (result, files) = deface(r#"cp "$1"/* "$2""#);
    assert!(result.is_ok());
    assert_eq!(files, [PathBuf::from("1.dcm")]);
    let (result, files) = deface(r#"[ "$TMPDIR" = "$(dirname "$1")" ] && cp "$1"/* "$2""#);
    assert!(result.is_ok() && files.len() == 1, "what it writes for a while stays in the private folder");
}

#[test]
fn a_program_that_fails_or_hangs_gives_no_result() {
    assert!(matches!(deface("exit 1").0, Err(DefacerError::Program(_))));
    assert!(matches!(deface("sleep 300").0, Err(DefacerError::Program(_))));
    // what it leaves behind holds its output open, in its group or not
    assert!(matches!(deface("sleep 300 & exit 0").0, Err(DefacerError::Program(_))));
    assert!(matches!(deface("setsid sleep 20 & exit 0").0, Err(DefacerError::Program(_))));
}
