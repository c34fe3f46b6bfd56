//! Heads through the defacing program of the site (PS3.15 E.3.2, ADR 0013): a whole series, compared, and only its samples taken.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};

use archive::buffer::{Decision, QuarantineReason};
use pixel::deface::{Defacer, DefacerError};
use serde_json::json;

use crate::world::{Instance, World};

const PROFILE: &str = r#"
name = "faces"
version = "1"
edition = "2026d"
options = ["clean_recognizable_visual_features"]
faces = "deface"
"#;

/// Bytes of the samples of an image, which are the last of its data set.
const SAMPLES: usize = 64;

type Work = fn(&Path, &Path) -> std::io::Result<()>;

/// A program that does this work, and how many instances it was given each time.
struct Program(Work, Mutex<Vec<usize>>);

impl Defacer for Program {
    fn name(&self) -> &str {
        "box 1.0"
    }

    fn deface(&self, input: &Path, output: &Path) -> Result<(), DefacerError> {
        let private = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o077 == 0;
        assert!(private(input) && private(output) && files(input).iter().all(|(_, path)| private(path)));
        self.1.lock().unwrap().push(files(input).len());
        (self.0)(input, output).map_err(|error| DefacerError::Program(error.to_string()))
    }
}

fn files(folder: &Path) -> Vec<(Vec<u8>, std::path::PathBuf)> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect()
}

/// Writes each file that `change` lets through, under a name of its own.
fn each(output: &Path, input: &Path, change: impl Fn(usize, &mut Vec<u8>) -> bool) -> std::io::Result<()> {
    for (number, (mut bytes, _)) in files(input).into_iter().enumerate() {
        if change(number, &mut bytes) {
            fs::write(output.join(format!("slice {number}")), bytes)?;
        }
    }
    Ok(())
}

/// Blackens all but the first two samples.
fn blacken(bytes: &mut [u8]) {
    let start = bytes.len() - SAMPLES + 4;
    bytes[start..].fill(0);
}

fn replace(bytes: &mut [u8], what: &[u8], by: &[u8]) {
    assert_eq!(what.len(), by.len());
    let mut found = false;
    for at in 0..=bytes.len() - what.len() {
        if bytes[at..].starts_with(what) {
            bytes[at..at + what.len()].copy_from_slice(by);
            found = true;
        }
    }
    assert!(found, "nothing to replace");
}

fn good(input: &Path, output: &Path) -> std::io::Result<()> {
    each(output, input, |_, bytes| {
        blacken(bytes);
        true
    })
}

fn head(number: u32) -> Instance {
    Instance { body_part: "HEAD", ..Instance::new(number) }
}

async fn site(work: Work) -> (World, Arc<Program>) {
    site_with(work, json!({})).await
}

/// With more keys of the project.
async fn site_with(work: Work, mut keys: serde_json::Value) -> (World, Arc<Program>) {
    let program = Arc::new(Program(work, Mutex::default()));
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile.toml");
    fs::write(&profile, PROFILE).unwrap();
    keys["profile"] = json!(profile);
    let world = World::defacing(keys, Arc::clone(&program) as Arc<dyn Defacer>).await;
    (world, program)
}

/// Nothing that identifies lies about once the work is done.
fn nothing_left(world: &World) {
    assert_eq!(fs::read_dir(world.folder.path().join("spool/defacing")).unwrap().count(), 0);
}

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_leaves_as_a_whole_series_with_the_samples_of_the_program_and_says_so() {
    let (mut world, program) = site(good).await;
    world.receive(&head(1)).await;
    world.settle().await;
    world.receive(&head(2)).await;
    world.receive(&Instance { body_part: "CHEST", study: "1.2.276.0.777.2", ..Instance::new(1) }).await;
    world.settle().await;
    // The chest is there already; the heads wait, and a start in between does not lose them.
    assert_eq!((world.objects(), program.1.lock().unwrap().len()), (1, 0));
    world.resume().await;
    world.settle().await;
    assert_eq!((world.objects(), program.1.lock().unwrap().len()), (1, 0));
    world.become_stable().await;
    world.settle().await;
    assert_eq!(*program.1.lock().unwrap(), [2], "both at once");
    assert_eq!((world.held().await.len(), world.sent(), world.lines("cleared").await), (0, 3, 3));
    let sent: Vec<Vec<u8>> = world.files_of("out").iter().map(|path| fs::read(path).unwrap()).collect();
    let (defaced, others): (Vec<_>, Vec<_>) =
        sent.iter().partition(|bytes| bytes.ends_with(&[&[7; 4][..], &[0; 60]].concat()));
    assert_eq!((defaced.len(), others.len()), (2, 1));
    // (0028,0302) CS "NO", code 113102, and who did it in (0012,0063)
    let says = |bytes: &Vec<u8>| {
        has(bytes, b"\x28\x00\x02\x03CS\x02\x00NO")
            && has(bytes, b"113102")
            && has(bytes, b"faces removed by box 1.0")
    };
    assert!(defaced.iter().all(|bytes| says(bytes)));
    assert!(!has(others[0], b"\x28\x00\x02\x03") && !has(others[0], b"113102"));
    nothing_left(&world);
}

/// Why a series of two heads is held when the program works like this.
async fn refused(work: Work) -> Vec<String> {
    let (mut world, _) = site(work).await;
    world.receive(&head(1)).await;
    world.receive(&head(2)).await;
    world.settle().await;
    world.become_stable().await;
    let held = world.held().await;
    assert!(held.iter().all(|of| of.reason == QuarantineReason::RecognizableFeatures), "{held:?}");
    assert_eq!((held.len(), world.objects(), world.sent()), (2, 0, 0));
    nothing_left(&world);
    held.into_iter().map(|of| of.detail).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_fails_or_gives_something_else_holds_the_whole_series() {
    let cases: [(Work, &str); 9] = [
        (|_, _| Err(std::io::Error::other("exit 1")), "no result"),
        (|_, _| Ok(()), "other instances"),
        (
            |input, output| {
                each(output, input, |number, bytes| {
                    blacken(bytes);
                    number > 0
                })
            },
            "other instances",
        ),
        (
            |input, output| {
                good(input, output)?;
                fs::copy(output.join("slice 0"), output.join("slice 9")).map(drop)
            },
            "other instances",
        ),
        (
            |input, output| {
                each(output, input, |_, bytes| {
                    blacken(bytes);
                    replace(bytes, b"HEAD", b"FEET");
                    replace(bytes, b"0\\0\\", b"9\\0\\");
                    true
                })
            },
            "geometry",
        ),
        (
            |input, output| {
                each(output, input, |_, bytes| {
                    blacken(bytes);
                    replace(bytes, b"MONOCHROME2", b"MONOCHROME1");
                    true
                })
            },
            "meaning of the samples",
        ),
        (|input, output| each(output, input, |_, _| true), "no pixel"),
        (
            |input, output| {
                each(output, input, |_, bytes| {
                    bytes.truncate(3);
                    true
                })
            },
            "no DICOM file",
        ),
        (
            |input, output| {
                for (_, path) in files(input) {
                    symlink(&path, output.join(path.file_name().unwrap()))?;
                }
                Ok(())
            },
            "a folder or a link",
        ),
    ];
    for (work, why) in cases {
        let details = refused(work).await;
        assert!(details.iter().all(|detail| detail.contains(why)), "{why}: {details:?}");
    }
}

/// Of what comes back the samples alone are taken: whoever it says it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_rewrites_the_identity_changes_nobodys_identity() {
    let (mut world, _) = site(|input, output| {
        // Also in the files that it was given.
        for (mut bytes, path) in files(input) {
            replace(&mut bytes, b"Canarysson^Wilma", b"Somebody^Elseeee");
            replace(&mut bytes, b"MRN-0042", b"MRN-6666");
            fs::write(path, bytes)?;
        }
        good(input, output)
    })
    .await;
    world.receive(&head(1)).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.held().await.len(), world.sent()), (0, 1));
    let sent = fs::read(&world.files_of("out")[0]).unwrap();
    for name in [&b"Somebody"[..], b"MRN-6666", b"Canarysson", b"MRN-0042"] {
        assert!(!has(&sent, name));
    }
    assert_eq!(World::count(world.vault_rows(), "SELECT COUNT(*) FROM participant").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_is_too_large_or_not_whole_is_held() {
    let (mut world, program) = site(good).await;
    for number in 1..=5 {
        world.receive(&head(number)).await;
    }
    world.settle().await;
    world.become_stable().await;
    let held = world.held().await;
    assert!(
        held.len() == 5 && held.iter().all(|of| of.detail.contains("more instances than are defaced (")),
        "{held:?}"
    );
    assert!(program.1.lock().unwrap().is_empty());

    // A slice that comes after its series was closed, when what came before is there no more.
    let (mut world, program) = site(good).await;
    world.receive(&head(1)).await;
    world.settle().await;
    world.become_stable().await;
    World::execute(&world.line.buffer, "UPDATE received_instance SET state = 'released'").await;
    world.receive(&head(2)).await;
    world.settle().await;
    world.become_stable().await;
    let held = world.held().await;
    assert!(held.len() == 1 && held[0].detail.contains("gone"), "{held:?}");
    assert_eq!((world.sent(), program.1.lock().unwrap().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_comes_late_is_defaced_with_its_whole_series() {
    let (mut world, program) = site(good).await;
    for number in 1..=2 {
        world.receive(&head(number)).await;
        world.settle().await;
        world.become_stable().await;
    }
    assert_eq!(*program.1.lock().unwrap(), [1, 2]);
    assert_eq!((world.held().await.len(), world.sent()), (0, 2));
}

/// What is held for something else than its face does not leave with it: the program sees the whole series again.
#[tokio::test(flavor = "multi_thread")]
async fn a_defaced_slice_that_a_person_reviewed_leaves_defaced() {
    let (mut world, program) = site_with(good, json!({"review_percent": 100})).await;
    for number in 1..=2 {
        world.receive(&head(number)).await;
    }
    world.settle().await;
    world.become_stable().await;
    let held = world.held().await;
    assert!(held.len() == 2 && held.iter().all(|of| of.reason == QuarantineReason::Review), "{held:?}");
    for (entry, sent) in held.iter().zip(1..) {
        world.decide(entry, Decision::Release).await;
        world.settle().await;
        world.become_stable().await;
        assert_eq!(world.sent(), sent, "{:?}", world.held().await);
    }
    assert_eq!(*program.1.lock().unwrap(), [2, 2, 2]);
    let sent: Vec<Vec<u8>> = world.files_of("out").iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(
        sent.iter().all(|bytes| bytes.ends_with(&[&[7; 4][..], &[0; 60]].concat()) && has(bytes, b"113102"))
    );
}

/// Of a series that two patients share, nothing is given to the program.
#[tokio::test(flavor = "multi_thread")]
async fn a_series_with_images_of_another_patient_is_held() {
    let (mut world, program) = site(good).await;
    world.receive(&head(1)).await;
    world.receive(&head(2)).await;
    world.settle().await;
    let other = "UPDATE received_instance SET patient_id = 'MRN-7' WHERE id = (SELECT MAX(id) FROM received_instance)";
    World::execute(&world.line.buffer, other).await;
    world.become_stable().await;
    let held = world.held().await;
    assert!(held.iter().any(|of| of.detail.contains("another patient")), "{held:?}");
    assert_eq!((world.sent(), program.1.lock().unwrap().len()), (0, 0));
}

/// A person who has looked lets it go as it is; a redo asks the program again, once everything is there.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_goes_on_by_a_release_or_a_redo() {
    let (mut world, program) = site(|_, _| Ok(())).await;
    world.receive(&head(1)).await;
    world.receive(&head(2)).await;
    world.settle().await;
    world.become_stable().await;
    for entry in world.held().await {
        world.decide(&entry, Decision::Redo).await;
    }
    world.settle().await;
    world.become_stable().await;
    assert_eq!(*program.1.lock().unwrap(), [2, 2]);
    for entry in world.held().await {
        world.decide(&entry, Decision::Release).await;
    }
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.held().await.len(), world.sent()), (0, 2));
    let sent = fs::read(&world.files_of("out")[0]).unwrap();
    assert!(sent.ends_with(&[7; SAMPLES]) && !has(&sent, b"113102"));
}

/// A crash between two parts of the work: the program sees the whole series again, and what was cleared stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_defaces_the_whole_series_again() {
    let (mut world, program) = site(good).await;
    world.receive(&head(1)).await;
    world.receive(&head(2)).await;
    world.settle().await;
    world.become_stable().await;
    // The first one has its object, and neither database says so.
    let first =
        "UPDATE received_instance SET state = 'admitted' WHERE id = (SELECT MIN(id) FROM received_instance)";
    World::execute(&world.line.buffer, first).await;
    let cleared = "UPDATE instance SET cleared = 0 WHERE id = (SELECT MIN(id) FROM instance)";
    World::execute(&world.line.main, cleared).await;
    World::execute(&world.line.main, "UPDATE job_queue SET state = 'ready' WHERE kind = 'deface'").await;
    world.settle().await;
    assert_eq!(*program.1.lock().unwrap(), [2, 2]);
    assert_eq!((world.held().await.len(), world.objects(), world.sent()), (0, 2, 2));
    assert_eq!(World::count(&world.line.main, "SELECT COUNT(*) FROM instance WHERE cleared = 0").await, 0);
}

/// Originals that a crash left in the folder go at the next start.
#[test]
fn a_start_removes_what_a_crash_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("defacing");
    fs::create_dir_all(path.join("7/in")).unwrap();
    fs::write(path.join("7/in/1.dcm"), b"identified").unwrap();
    let program = Arc::new(Program(good, Mutex::default()));
    let limits = pipeline::deface::DefacingLimits { instances: 1, bytes: 1 };
    let _defacing = pipeline::deface::Defacing::open(program, path.clone(), limits).unwrap();
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0);
}
