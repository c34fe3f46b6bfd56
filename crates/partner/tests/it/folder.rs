//! Export on site: ACL.4, ACL.6.

use std::fs;
use std::path::Path;
use std::process::Command;

use partner::{Closing, Manifest, Outcome, Partner, PartnerError};

use crate::objects::{Source, all_acknowledged, batch, file, id, list, partner, send};
use crate::programs;

fn open(path: &Path) -> Partner {
    partner(&format!("[transport.folder]\npath = '{}'", path.display()))
}

fn closing(instances: u64) -> Option<Closing> {
    Some(Closing { instances, dossier_version: "7".to_owned(), statement: "Pseudonymised data.".to_owned() })
}

fn names(path: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(path).unwrap().map(name).collect();
    names.sort();
    names
}

/// The hashes as another program sees them.
fn check_sums(job: &Path) {
    let checked =
        Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(job).output();
    assert!(checked.unwrap().status.success());
}

#[tokio::test]
async fn a_set_is_files_sums_and_at_last_a_manifest() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    lab.test().await.unwrap();
    let (sent, answers) = send(&lab, batch(0..20), Source::default()).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 20));
    let job = root.path().join(batch([]).job.to_string());
    assert!(!job.join("manifest.json").exists());
    let mut last = batch(20..22);
    last.closing = closing(22);
    send(&lab, last, Source::default()).await.0.unwrap();

    let mut expected: Vec<String> = (0..22).map(|number| format!("{}.dcm", id(number))).collect();
    expected.extend(["SHA256SUMS".to_owned(), "manifest.json".to_owned()]);
    expected.sort();
    assert_eq!(names(&job), expected);
    assert_eq!(names(root.path()).len(), 1);
    assert_eq!(fs::read(job.join(format!("{}.dcm", id(3)))).unwrap(), file(3));
    check_sums(&job);
    let manifest: Manifest = serde_json::from_slice(&fs::read(job.join("manifest.json")).unwrap()).unwrap();
    assert_eq!((manifest.instances, manifest.files.len()), (22, 22));
    assert_eq!(
        (manifest.dossier_version.as_str(), manifest.statement.as_str()),
        ("7", "Pseudonymised data.")
    );
    assert_eq!(manifest.bytes, (0..22).map(|number| file(number).len() as u64).sum::<u64>());
    let sums = fs::read_to_string(job.join("SHA256SUMS")).unwrap();
    assert!(manifest.files.iter().all(|file| sums.contains(&format!("{}  {}\n", file.sha256, file.name))));
}

#[tokio::test]
async fn a_repeated_batch_writes_nothing_twice_and_a_new_one_reopens_the_set() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    let mut first = batch(0..3);
    first.closing = closing(3);
    send(&lab, first.clone(), Source::default()).await.0.unwrap();
    let job = root.path().join(first.job.to_string());
    let before = fs::read(job.join("SHA256SUMS")).unwrap();

    let broken = Source { bad: vec![0, 1, 2], ..Source::default() };
    let (sent, answers) = send(&lab, first, broken).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 3), "nothing is read again");
    assert_eq!(fs::read(job.join("SHA256SUMS")).unwrap(), before);
    assert!(job.join("manifest.json").exists());

    send(&lab, batch(3..4), Source::default()).await.0.unwrap();
    assert!(!job.join("manifest.json").exists(), "the set is not complete any more");
    let mut end = batch([]);
    end.closing = closing(4);
    send(&lab, end, Source::default()).await.0.unwrap();
    assert!(job.join("manifest.json").exists());
}

/// What a crash can leave: a temporary file, a file without its line, a torn line, a line without its file.
#[tokio::test]
async fn what_a_crash_left_is_written_again() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    send(&lab, batch(0..4), Source::default()).await.0.unwrap();
    let job = root.path().join(batch([]).job.to_string());
    let sums = fs::read_to_string(job.join("SHA256SUMS")).unwrap();
    let lines: Vec<&str> = sums.lines().collect();
    fs::write(job.join("SHA256SUMS"), format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..30])).unwrap();
    fs::remove_file(job.join(format!("{}.dcm", id(1)))).unwrap();
    fs::write(job.join(format!("{}.dcm", id(3))), "half").unwrap();
    fs::write(job.join(format!("{}.dcm.part", id(2))), "half").unwrap();
    let mut again = batch(0..4);
    again.closing = closing(4);
    let (sent, answers) = send(&lab, again, Source::default()).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 4));
    assert!((0..4).all(|number| fs::read(job.join(format!("{}.dcm", id(number)))).unwrap() == file(number)));
    let manifest: Manifest = serde_json::from_slice(&fs::read(job.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest.files.len(), 4);
    assert_eq!(names(&job).len(), 6);
    check_sums(&job);
}

#[tokio::test]
async fn a_set_with_a_hole_gets_no_manifest() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    let mut whole = batch(0..3);
    whole.closing = closing(3);
    let (sent, answers) = send(&lab, whole, Source { bad: vec![1], ..Source::default() }).await;
    sent.unwrap();
    assert_eq!(answers[1], (1, Outcome::Unreadable));
    let mut end = batch([]);
    let job = root.path().join(end.job.to_string());
    assert_eq!(names(&job).len(), 3, "no half file");
    end.closing = closing(3);
    assert!(matches!(send(&lab, end, Source::default()).await.0, Err(PartnerError::Permanent { .. })));
    assert!(!job.join("manifest.json").exists());
}

#[tokio::test]
async fn a_missing_folder_is_for_the_administrator_and_nothing_comes_back() {
    let lab = open(Path::new("/nonexistent/export"));
    assert!(matches!(lab.test().await, Err(PartnerError::Configuration { .. })));
    let (sent, answers) = send(&lab, batch(0..1), Source::default()).await;
    assert!(matches!(sent, Err(PartnerError::Configuration { .. })));
    assert!(answers.is_empty());
    assert!(matches!(list(&lab, &["1.2"]).await.0, Err(PartnerError::Configuration { .. })));
}

#[tokio::test]
async fn another_reader_understands_the_files() {
    let Some(dcmdump) = programs::find("dcmdump") else { return };
    let root = tempfile::tempdir().unwrap();
    send(&open(root.path()), batch(0..1), Source::default()).await.0.unwrap();
    let path = root.path().join(batch([]).job.to_string()).join(format!("{}.dcm", id(0)));
    let dumped = Command::new(dcmdump).arg(&path).output().unwrap();
    let text = String::from_utf8_lossy(&dumped.stdout).into_owned();
    assert!(
        dumped.status.success() && text.contains("LittleEndianExplicit") && text.contains("CODE-1"),
        "{text}"
    );
}
