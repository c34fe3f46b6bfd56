//! `research-pacs deid` (issue 2, E).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use super::world::{check_set, study};
use crate::harness::{json_lines, program, run, system_command};

fn deid(options: &[&str], input: &Path, output: &Path) -> Output {
    Command::new(program()).arg("deid").args(options).arg(input).arg(output).output().unwrap()
}

/// A file that its owner alone may read.
fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().flatten();
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

#[test]
fn the_same_key_gives_the_same_files_and_another_key_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let originals = study(&at("in"), "MRN-0042", &["--references"]);
    private(&at("key"), &format!("{}\n", "0123456789abcdef".repeat(4)));
    private(&at("other"), &"f".repeat(64));
    for (key, out) in [("key", "one"), ("key", "two"), ("other", "three")] {
        let output = deid(&["--key-file", at(key).to_str().unwrap(), "--json"], &originals, &at(out));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let summary = &json_lines(&output)[0];
        assert_eq!((&summary["done"], &summary["left_out"]), (&5.into(), &0.into()));
    }
    let checked = check_set(&originals, &at("one"));
    assert_eq!((checked.files, checked.references), (5, checked.references_before));
    assert_eq!(contents(&at("one")), contents(&at("two")));
    let [one, three] = ["one", "three"].map(|name| contents(&at(name)));
    assert!(one.keys().all(|name| !three.contains_key(name)), "another key, other UIDs and names");
    assert_ne!(check_set(&originals, &at("three")).codes, checked.codes);
    // without a key each run has its own
    for out in ["four", "five"] {
        assert_eq!(deid(&[], &originals, &at(out)).status.code(), Some(0));
    }
    assert_ne!(check_set(&originals, &at("four")).codes, check_set(&originals, &at("five")).codes);
}

#[test]
fn what_cannot_be_done_safely_is_named_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let good = study(&at("in"), "MRN-0042", &["--images", "2"]);
    // DCMTK's dcmmkdir wants names of the medium: 8 of A–Z, 0–9
    let medium = at("medium");
    fs::create_dir_all(&medium).unwrap();
    let mut names: Vec<_> = contents(&good).into_keys().collect();
    names.sort();
    fs::copy(good.join(&names[0]), medium.join("IMG1")).unwrap();
    run(system_command("dcmmkdir")
        .args(["--general-purpose", "+m", "-Nxc", "+I", "+id"])
        .arg(&medium)
        .arg("+D")
        .arg(good.join("DICOMDIR"))
        .arg("IMG1"));
    let whole = fs::read(good.join(&names[0])).unwrap();
    fs::write(good.join("cut.dcm"), &whole[..whole.len() - 100]).unwrap();
    fs::write(good.join("notes.txt"), "not DICOM").unwrap();

    let output = deid(&["--json", "--report", at("report").to_str().unwrap()], &good, &at("out"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let lines = json_lines(&output);
    let left: BTreeMap<String, &str> = lines
        .iter()
        .filter_map(|line| Some((line["left_out"].as_str()?.to_owned(), line["code"].as_str().unwrap())))
        .map(|(path, code)| (Path::new(&path).file_name().unwrap().to_str().unwrap().to_owned(), code))
        .collect();
    assert_eq!(
        left,
        BTreeMap::from([("DICOMDIR".to_owned(), "dicomdir"), ("cut.dcm".to_owned(), "cannot-understand")])
    );
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["done"], &summary["left_out"], &summary["not_dicom"]),
        (&2.into(), &2.into(), &1.into())
    );
    assert_eq!(contents(&at("out")).len(), 2, "no half file stays");
    let report = fs::read_to_string(at("report")).unwrap();
    assert_eq!(report.lines().count(), 2);
    assert!(!report.contains("MRN") && !report.contains("MILLGATE"), "{report}");

    let said = String::from_utf8_lossy(&deid(&[], &good, &at("plain")).stdout).into_owned();
    assert!(said.contains("DICOMDIR") && said.contains("cut.dcm") && said.contains("2 left out"), "{said}");
}

#[test]
fn a_wrong_call_ends_with_two_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let input = study(&at("in"), "MRN-0042", &["--images", "1"]);
    private(&at("short"), "0123");
    private(&at("words"), &"x".repeat(64));
    fs::write(at("open"), "0".repeat(64)).unwrap();
    fs::set_permissions(at("open"), PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(at("profile"), "unknown = 1").unwrap();
    let options: [[&str; 2]; 5] = [
        ["--key-file", at("open").to_str().unwrap()].map(|text| &*text.to_owned().leak()),
        ["--key-file", at("short").to_str().unwrap()].map(|text| &*text.to_owned().leak()),
        ["--key-file", at("words").to_str().unwrap()].map(|text| &*text.to_owned().leak()),
        ["--key-file", at("nowhere").to_str().unwrap()].map(|text| &*text.to_owned().leak()),
        ["--profile", at("profile").to_str().unwrap()].map(|text| &*text.to_owned().leak()),
    ];
    for options in &options {
        let output = deid(options, &input, &at("out"));
        assert_eq!(output.status.code(), Some(2), "{options:?}: {output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("0123"), "a key is never said");
    }
    assert_eq!(deid(&[], &at("nothing here"), &at("out")).status.code(), Some(2));
    assert!(!at("out").exists());
}

/// A file of another patient with the same SOP Instance UID does not take the place of the first; a copy of the first is one.
#[test]
fn an_object_never_replaces_another_one_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let input = study(&at("in"), "MRN-0042", &["--images", "1"]);
    let first = fs::read_dir(&input).unwrap().next().unwrap().unwrap().path();
    fs::copy(&first, input.join("copy.dcm")).unwrap();
    let output = deid(&["--json"], &input, &at("copies"));
    assert_eq!((output.status.code(), contents(&at("copies")).len()), (Some(0), 1), "{output:?}");
    fs::copy(&first, input.join("other.dcm")).unwrap();
    run(system_command("dcmodify").args(["-nb", "-m", "PatientID=MRN-0043"]).arg(input.join("other.dcm")));
    let output = deid(&["--json"], &input, &at("others"));
    let lines = json_lines(&output);
    assert_eq!((output.status.code(), contents(&at("others")).len()), (Some(1), 1), "{output:?}");
    assert!(lines.iter().any(|line| line["code"] == "differs"), "{lines:?}");
    assert_eq!(
        lines.last().unwrap()["left_out"].as_u64().unwrap() + lines.last().unwrap()["done"].as_u64().unwrap(),
        3
    );
}

#[test]
fn results_do_not_go_among_the_originals() {
    let folder = tempfile::tempdir().unwrap();
    let input = study(&folder.path().join("in"), "MRN-0042", &["--images", "1"]);
    let before = contents(&input);
    assert_eq!(deid(&[], &input, &input).status.code(), Some(2));
    assert_eq!(contents(&input), before);
}

/// Without a Patient ID the study tells whose an object is: two such patients never get one code.
#[test]
fn two_patients_without_an_id_get_two_codes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    private(&at("key"), &"ab".repeat(32));
    let codes = ["one", "two"].map(|name| {
        let originals = study(&at(name), "", &["--images", "2", "--study", name]);
        let out = at(&format!("{name}-out"));
        let output = deid(&["--key-file", at("key").to_str().unwrap()], &originals, &out);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        check_set(&originals, &out).codes
    });
    assert!(codes.iter().all(|of| of.len() == 1) && codes[0] != codes[1], "{codes:?}");
}
