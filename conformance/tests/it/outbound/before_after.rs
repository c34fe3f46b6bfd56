//! Before and after (issue 3, F): `deid --diff`, `deid --dry-run`, `job changes`. Nothing of the original is in an answer unless somebody asks
//! for it with a reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::world::{World, check_set, push, study};
use crate::harness::{Project, json_lines, program, python, run, wait_until};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/deidentification/data/table_e1_1.csv");

fn deid(options: &[&str], input: &Path) -> Output {
    Command::new(program()).arg("deid").args(options).arg(input).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// The rows of an answer, and its last line.
fn rows(output: &Output) -> (Vec<Value>, Value) {
    let mut lines = json_lines(output);
    let summary = lines.pop().unwrap();
    (lines, summary)
}

fn at<'a>(rows: &'a [Value], path: &str) -> &'a Value {
    rows.iter().find(|row| row["path"] == path).unwrap_or_else(|| panic!("{path}: {rows:?}"))
}

fn canaries_in(canaries: &Path, place: &Path) -> usize {
    let found = json_lines(&run(python("find_canaries.py").arg(canaries).arg(place)));
    found[0]["found"].as_array().unwrap().len()
}

#[test]
fn no_canary_is_in_a_comparison_or_dry_run_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let objects = at("objects");
    run(python("make_canaries.py").arg(&objects).arg(TABLE));
    let (canaries, sent) = (objects.join("canaries.json"), objects.join("sent"));
    let temporary = at("temporary");
    let (masked, open) = (at("masked"), at("open"));
    let why = ["--show-identity", "--reason", "a parser is mended"];
    for (number, file) in files(&sent).iter().enumerate() {
        for (kind, options, to) in [
            ("json", &["--diff", "--json", "--all"][..], &masked),
            ("table", &["--diff", "--all"], &masked),
            ("open", &[&["--diff", "--json"][..], &why].concat(), &open),
        ] {
            let mut command = Command::new(program());
            command.arg("deid").args(options).arg(file).env("TMPDIR", &temporary).current_dir(&temporary);
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}: {}", file.display(), said(&output));
            fs::write(to.join(format!("{number}.{kind}")), said(&output)).unwrap();
        }
    }
    fs::write(masked.join("dry"), said(&deid(&["--dry-run", "--json"], &objects))).unwrap();
    fs::write(masked.join("dry run"), said(&deid(&["--dry-run"], &objects))).unwrap();
    assert_eq!(files(&temporary), Vec::<PathBuf>::new(), "nothing is written");
    assert_eq!(canaries_in(&canaries, &masked), 0);
    assert!(canaries_in(&canaries, &open) > 500, "whoever asks sees");
}

#[test]
fn a_comparison_tells_element_value_and_rule() {
    let folder = tempfile::tempdir().unwrap();
    let originals = study(&folder.path().join("in"), "MRN-0042", &["--references"]);
    let name = |file: &Path| fs::read(file).unwrap().windows(6).any(|bytes| bytes == b"RTSTRU");
    let structures = files(&originals).into_iter().find(|file| name(file)).unwrap();

    let (rows, summary) = rows(&deid(&["--diff", "--json"], &structures));
    let patient = at(&rows, "(0010,0010)");
    assert_eq!(patient["keyword"], "PatientName");
    assert_eq!((&patient["old"]["length"], &patient["old"]["unit"]), (&13.into(), &"characters".into()));
    assert_eq!(patient["old"].get("text"), None);
    assert_eq!(patient["new"]["text"], at(&rows, "(0010,0020)")["new"]["text"], "the code");
    assert_eq!((&patient["done"], &patient["causes"][0]["rule"]), (&"replaced".into(), &"own".into()));
    let date = at(&rows, "(0008,0020)");
    assert_eq!((&date["done"], &date["causes"][0]["rule"]), (&"emptied".into(), &"E.1-1".into()));
    // PS3.3 C.8.8.5: three sequences deep
    let deep = "(3006,0010)[1](3006,0012)[1](3006,0014)[1](0020,000E)";
    assert_eq!(at(&rows, deep)["done"], "new_uid");
    assert_eq!((&summary["held"], &summary["identity_shown"]), (&Value::Null, &Value::Null));
    assert_eq!(summary["totals"]["removed"], rows.iter().filter(|row| row["done"] == "removed").count());

    let table = deid(&["--diff"], &structures);
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(
        text.lines().any(|line| line.contains("PatientName") && line.contains("PN, 13 characters")),
        "{text}"
    );
    assert!(text.contains("in (3006,0010)[1](3006,0012)[1](3006,0014)[1]"), "{text}");
    assert!(!text.contains('\x1b') && !text.contains("MILLGATE"), "{text}");
    let open = deid(&["--diff", "--show-identity", "--reason", "look"], &structures);
    assert!(said(&open).contains("MILLGATE^ONLY") && said(&open).contains("shown: look"), "{}", said(&open));
    for wrong in [
        &["--diff", "--show-identity"][..],
        &["--diff", "--dry-run"],
        &["--show-identity", "--reason", "x"],
        &[],
    ] {
        let output = deid(wrong, &structures);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), b"".as_slice()), "{wrong:?}");
    }
    assert_eq!(deid(&["--diff"], &originals).status.code(), Some(2), "a folder");
}

#[test]
fn a_dry_run_says_what_would_be_done_and_held_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let originals = study(&folder.path().join("in"), "MRN-0042", &["--images", "3"]);
    let before = files(&originals);
    let good = deid(&["--dry-run", "--json"], &originals);
    assert_eq!(good.status.code(), Some(0), "{}", said(&good));
    let (objects, summary) = rows(&good);
    assert_eq!((objects.len(), &summary["would_pass"], &summary["would_be_held"]), (3, &3.into(), &0.into()));
    assert!(
        objects
            .iter()
            .all(|object| object["kept"].as_u64() > Some(10) && object["cleaned"].as_u64() > Some(5))
    );
    let rules = summary["rules"].as_array().unwrap();
    let table = rules.iter().find(|rule| rule["rule"] == "E.1-1").unwrap();
    assert_eq!(table["objects"], 3);
    assert!(table["explanation"].as_str().unwrap().contains("Table E.1-1"));

    fs::copy(&before[0], originals.join("whole")).unwrap();
    let bytes = fs::read(&before[0]).unwrap();
    fs::write(originals.join("cut"), &bytes[..bytes.len() - 100]).unwrap();
    fs::write(originals.join("notes.txt"), "not DICOM").unwrap();
    // the head of a CT with the option that needs a face removed
    let faces = deid(&["--dry-run", "--option", "clean_recognizable_visual_features", "--json"], &before[0]);
    assert_eq!(faces.status.code(), Some(1), "{}", said(&faces));
    assert_eq!(rows(&faces).1["held"]["recognizable-visual-features"], 1);
    let output = deid(&["--dry-run"], &originals);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().any(|line| line.contains("cut: held: ")), "{text}");
    assert!(text.contains("notes.txt: no DICOM file"), "{text}");
    assert!(text.contains("4 would pass, 1 would be held, 1 other files skipped"), "{text}");
    // the names of the files are the caller's
    let text = text.replace("MRN-0042_one", "");
    assert!(!text.contains("MILLGATE") && !text.contains("MRN"), "{text}");
}

#[test]
fn the_changes_of_a_job_are_shown_masked_and_a_look_at_the_originals_is_written_down() {
    let out = tempfile::tempdir().unwrap();
    let section = format!(
        "[[partner]]\nid = \"usb\"\n[partner.transport.folder]\npath = \"{}\"\n",
        out.path().display()
    );
    let project = Project::open("local", "P1", "usb");
    let world = World::new(std::slice::from_ref(&project), &section);
    let originals = study(&world.site.folder("originals"), "MRN-0042", &["--images", "3"]);
    let server = world.site.serve();
    push(&server, "P1", &originals);
    world.wait_for_acknowledged(1);
    let job = &world.jobs()[0].id;
    let code = &check_set(&originals, &out.path().join(job)).codes["MRN-0042"];
    let changes = |options: &[&'static str]| [&["job", "changes", job.as_str()][..], options].concat();
    let access = || world.site.count("vault", "access_log WHERE action = 'reidentify' AND outcome = 'done'");
    let trail = || world.site.count("main", "audit_trail WHERE code = 'RPACS-AUDIT-0203'");

    // beside the server
    let lines = json_lines(&world.site.command(&changes(&["--json", "--all"])));
    let (instances, rows): (Vec<&Value>, Vec<&Value>) =
        lines.iter().partition(|line| line.get("report").is_some());
    assert_eq!(instances.len(), 3);
    assert!(instances.iter().all(|of| of["original"] == "there" && of["report"]["profile"] == "basic"));
    let ids: Vec<_> = rows.iter().filter(|row| row["path"] == "(0010,0020)").collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|row| row["new"]["text"] == code.as_str() && row["old"]["length"] == 8));
    let text = world.site.answer(&changes(&[]), 0);
    for original in ["MILLGATE", "MRN-0042"] {
        assert!(!text.contains(original) && !lines.iter().any(|line| line.to_string().contains(original)));
    }
    assert_eq!(world.site.answer(&changes(&["--instance", "2"]), 0).matches("instance 2:").count(), 1);
    world.site.answer(&changes(&["--instance", "4"]), 1);
    assert_eq!((access(), trail()), (0, 0), "no original was seen");

    world.site.answer(&changes(&["--show-identity", "--reason", "look"]), 2);
    let look = ["--show-identity", "--by", "Dr Table Holder", "--reason", "complaint 7"];
    assert!(world.site.answer(&changes(&look), 0).contains("MILLGATE^ONLY"));
    assert_eq!((access(), trail()), (1, 1));
    let entry = &world.site.rows("main", "SELECT entry FROM audit_trail WHERE code = 'RPACS-AUDIT-0203'")[0];
    let entry = entry["entry"].as_str().unwrap();
    assert!(
        entry.contains("Dr Table Holder") && entry.contains("complaint 7") && entry.contains(job),
        "{entry}"
    );
    server.stop();

    // the originals go: what was done is told still, and nobody is identified by it
    let short = Project { retention_hours: 0, ..project };
    let later = world.changed(&[short], &section);
    let server = later.site.serve_later(60);
    wait_until("the originals are purged", || {
        later.site.count("buffer", "received_instance WHERE state <> 'released'") == 0
    });
    server.stop();
    let text = later.site.answer(&changes(&look), 0);
    assert!(text.contains("the original is purged") && text.contains("(0010,0020)  own"), "{text}");
    assert!(!text.contains("MILLGATE") && !text.contains("MRN-0042"), "{text}");
}

#[test]
fn of_a_participant_who_objected_nothing_is_shown() {
    let out = tempfile::tempdir().unwrap();
    let section = format!(
        "[[partner]]\nid = \"usb\"\n[partner.transport.folder]\npath = \"{}\"\n",
        out.path().display()
    );
    let world = World::new(&[Project::open("local", "P1", "usb")], &section);
    let originals = study(&world.site.folder("originals"), "MRN-0042", &["--images", "1"]);
    let server = world.site.serve();
    push(&server, "P1", &originals);
    world.wait_for_acknowledged(1);
    server.stop();
    let list = world.site.folder("lists").join("withdrawn.csv");
    fs::write(&list, format!("{OPPOSITION}MRN-0042,site,withdrawal,2024-05-01,stop\n")).unwrap();
    world.site.answer(&["vault", "oppose", "--project", "local", list.to_str().unwrap()], 0);
    let job = &world.jobs()[0].id;
    let look =
        ["job", "changes", job, "--show-identity", "--by", "Dr Table Holder", "--reason", "complaint 7"];
    assert_eq!(world.site.answer(&look, 2), "");
    assert_eq!(world.site.count("vault", "access_log WHERE outcome = 'refused: opposed'"), 1);
}

const OPPOSITION: &str = "patient_id,issuer,kind,date,action\n";
