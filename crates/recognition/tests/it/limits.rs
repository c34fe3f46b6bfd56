//! Programs that are missing, hang, fail, flood or write nonsense.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pixel::recognise::TIME_PER_OBJECT;
use pixel::{GreyImage, RecogniserError, TextRecogniser};
use recognition::Tesseract;

/// A script that answers the questions of `detect`, then does `work`.
fn script(folder: &Path, work: &str) -> PathBuf {
    let path = folder.join("program");
    let text = format!(
        "#!/bin/sh\ncase $1 in --version) echo 'tesseract 0'; exit;; --list-langs) echo eng; exit;; esac\n{work}\n"
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// Black with one white stroke.
fn image() -> GreyImage {
    let pixels = (0..64 * 64).map(|pixel| if pixel % 64 == 30 { 255 } else { 0 }).collect();
    GreyImage::new(64, 64, pixels).unwrap()
}

fn error_of(work: &str) -> RecogniserError {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), work);
    let tesseract = Tesseract::detect(&program, Duration::from_secs(2), 1).unwrap();
    tesseract.recognise(&image(), &mut TIME_PER_OBJECT.clone()).unwrap_err()
}

#[test]
fn a_missing_program_says_what_to_install() {
    let error = Tesseract::detect(Path::new("/nowhere/tesseract"), Duration::from_secs(2), 1).unwrap_err();
    assert!(error.to_string().contains("tesseract-ocr-fra"), "{error}");
}

#[test]
fn a_program_that_hangs_is_killed_with_its_children() {
    let start = Instant::now();
    let error = error_of("sleep 300 & sleep 300");
    assert!(matches!(error, RecogniserError::TimedOut(2)), "{error}");
    assert!(start.elapsed() < Duration::from_secs(60));
}

/// The time that is left for an object is the limit of a call, and what a call uses is taken off.
#[test]
fn no_call_takes_more_than_is_left_for_the_object() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "sleep 300");
    let tesseract = Tesseract::detect(&program, Duration::from_secs(60), 1).unwrap();
    let (start, mut left) = (Instant::now(), Duration::from_secs(1));
    let error = tesseract.recognise(&image(), &mut left).unwrap_err();
    assert!(matches!(error, RecogniserError::TimedOut(_)), "{error}");
    assert!(left.is_zero() && start.elapsed() < Duration::from_secs(50), "{left:?}");
}

#[test]
fn a_program_that_closes_its_output_and_hangs_is_killed() {
    let error = error_of("exec >&-; cat >/dev/null; exec sleep 300");
    assert!(matches!(error, RecogniserError::TimedOut(2)), "{error}");
}

#[test]
fn a_flood_is_cut_off() {
    let error = error_of("exec cat /dev/zero");
    assert!(matches!(error, RecogniserError::TooMuchOutput), "{error}");
}

#[test]
fn a_failure_and_nonsense_are_errors() {
    assert!(matches!(error_of("exit 3"), RecogniserError::Failed(_)));
    assert!(matches!(error_of("cat >/dev/null; echo nonsense"), RecogniserError::Failed(_)));
    let wrong =
        r"cat >/dev/null; printf 'level\tleft\ttop\twidth\theight\tconf\ttext\n5\t-1\t0\t1\t1\t90\tx\n'";
    assert!(matches!(error_of(wrong), RecogniserError::Failed(_)));
}

#[test]
fn the_environment_is_not_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let work = r#"cat >/dev/null; printf 'level\tleft\ttop\twidth\theight\tconf\ttext\n5\t30\t30\t9\t9\t90\t%s\n' "$HOME$CARGO_MANIFEST_DIR$OMP_THREAD_LIMIT""#;
    let program = script(folder.path(), work);
    let tesseract = Tesseract::detect(&program, Duration::from_secs(5), 1).unwrap();
    let boxes = tesseract.recognise(&image(), &mut TIME_PER_OBJECT.clone()).unwrap();
    assert_eq!(boxes[0].text, "1");
}

/// What the system says of the program's limits (proc(5)): no file, no core dump, bounded memory and time of a processor.
#[test]
fn the_program_runs_under_resource_limits() {
    let folder = tempfile::tempdir().unwrap();
    let work = r#"cat >/dev/null; limit() { grep "^Max $1" /proc/self/limits | tr -s ' ' | sed "s/Max $1 \([0-9a-z]*\) .*/\1/"; }
printf 'level\tleft\ttop\twidth\theight\tconf\ttext\n5\t30\t30\t9\t9\t90\t%s,%s,%s,%s\n' "$(limit 'file size')" "$(limit 'core file size')" "$(limit 'address space')" "$(limit 'cpu time')""#;
    let program = script(folder.path(), work);
    let tesseract = Tesseract::detect(&program, Duration::from_secs(20), 1).unwrap();
    let boxes = tesseract.recognise(&image(), &mut TIME_PER_OBJECT.clone()).unwrap();
    assert_eq!(boxes[0].text, format!("0,0,{},21", 4_u64 << 30));
    let error = error_of("cat >/dev/null; echo an identity > \"$0.txt\"; exit 0");
    assert!(matches!(error, RecogniserError::Failed(_)), "{error}");
}
