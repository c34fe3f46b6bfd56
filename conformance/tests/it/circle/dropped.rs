//! A partner on site that drops its results into a folder (flow step 6, adapter 3; table 8.3): objects, a bare PDF, and what is no DICOM object.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::world::{Rules, World};
use crate::harness::wait_until;

/// Copies files of the folder `sent` into the drop of a study, and names them in its manifest.
pub(super) fn drop_files(world: &World, study: &str, files: &[(&str, Vec<u8>)]) {
    let folder = world.at("drops").join(study);
    fs::create_dir_all(&folder).unwrap();
    let entries: Vec<_> = files
        .iter()
        .map(|(name, bytes)| {
            fs::write(folder.join(name), bytes).unwrap();
            let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "name": name, "bytes": bytes.len(), "sha256": sha256 })
        })
        .collect();
    fs::write(folder.join("manifest.json"), json!({ "format": 1, "files": entries }).to_string()).unwrap();
}

fn sent(world: &World, name: &str) -> Vec<u8> {
    fs::read(world.at("sent").join(name)).unwrap()
}

/// A person accepts what is asked about the only set, and releases it.
fn accept_and_release(world: &World) {
    let set = world.sets().remove(0).id;
    let (token, why) = (world.token(&set), "the partner confirmed");
    let words = ["result", "accept", &set, "--answer", &token, "--by", "Dr Grey", "--reason", why];
    world.answer_all(&words.map(str::to_owned));
    world.wait_for_sets(1, &["reconciled"]);
    world.site.answer(&["result", "release", &set, "--by", "Dr Grey"], 0);
    world.wait_for_sets(1, &["closed"]);
}

fn by_folder() -> World {
    let world = World::new(&Rules { by_folder: true, ..Rules::default() });
    world.patient(1, &[]);
    world
}

#[test]
fn what_is_dropped_with_a_manifest_returns() {
    let world = by_folder();
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    let study = world.compute(&["1:seg,sr"], "sent").remove(0);
    drop_files(
        &world,
        &study,
        &[
            ("a.dcm", sent(&world, "1_seg.dcm")),
            ("b.dcm", sent(&world, "1_sr.dcm")),
            ("DUPONT_BOB.csv", b"a,b".to_vec()),
        ],
    );
    world.wait_for_sets(1, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 2);
    // the table is where it was dropped; a copy is kept beside, once, and its name is nowhere
    assert!(world.at("drops").join(&study).join("DUPONT_BOB.csv").exists());
    let listed = world.site.answer(&["result", "list", "--json"], 0);
    let beside: Vec<&str> = listed.lines().filter(|line| line.contains("kept-beside")).collect();
    let hash: String = Sha256::digest(b"a,b").iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(beside.len() == 1 && beside[0].contains("\"csv\"") && beside[0].contains(&hash), "{listed}");
    assert_eq!(world.site.count("main", &format!("ledger WHERE hash = 'sha256:{hash}'")), 1);
    assert_eq!(world.blobs("inbound"), 1);
    // the partner is told that all of its manifest is here
    let manifest = drop_manifest_hash(&world, &study);
    let receipt = fs::read_to_string(world.at("drops").join(&study).join("received.json")).unwrap();
    assert_eq!(receipt, format!("{{\"format\":1,\"manifest_sha256\":\"{manifest}\"}}"));
    assert_taken_out(&world, &hash);
    assert!(!listed.contains("DUPONT") && !fs::read_to_string(world.site.log()).unwrap().contains("DUPONT"));
    server.stop();
}

fn drop_manifest_hash(world: &World, study: &str) -> String {
    let manifest = fs::read(world.at("drops").join(study).join("manifest.json")).unwrap();
    Sha256::digest(manifest).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Who takes a file out gets it whole, into a new file of its own, and stands in the audit trail.
fn assert_taken_out(world: &World, hash: &str) {
    let of_set = world.site.answer(&["result", "beside", "list", "--json", "--set", &world.sets()[0].id], 0);
    let id = serde_json::from_str::<serde_json::Value>(&of_set).unwrap()["id"].as_str().unwrap().to_owned();
    let path = world.site.folder("taken").join("table.csv");
    let why = ["--by", "Dr Grey", "--reason", "figures of the article"];
    let take = |code| {
        let words = ["result", "beside", "take", &id, path.to_str().unwrap()];
        world.site.answer(&[&words[..], &why[..]].concat(), code)
    };
    take(0);
    assert_eq!(fs::read(&path).unwrap(), b"a,b");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&path, b"mine").unwrap();
    take(2);
    assert_eq!(fs::read(&path).unwrap(), b"mine", "nothing is written over");
    let taken = world.site.rows("main", "SELECT entry FROM audit_trail WHERE code = 'RPACS-AUDIT-0304'");
    let entry = taken[0]["entry"].as_str().unwrap();
    assert!(taken.len() == 1 && entry.contains("Dr Grey") && entry.contains("article"), "{entry}");
    assert!(entry.contains(hash));
}

#[test]
fn files_beyond_the_quota_are_not_kept_and_a_person_is_told_once() {
    // a file counts for 64 KiB at least
    let rules = Rules { by_folder: true, beside_study_bytes: Some(150_000), ..Rules::default() };
    let world = World::new(&rules);
    world.patient(1, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    let study = world.compute(&["1:seg"], "sent").remove(0);
    let tables: Vec<(&str, Vec<u8>)> = ["a.csv", "b.csv", "c.csv", "d.csv"]
        .into_iter()
        .map(|name| (name, name.as_bytes().to_vec()))
        .collect();
    drop_files(&world, &study, &tables);
    let kept = |world: &World| world.site.answer(&["result", "beside", "list", "-q"], 0).lines().count();
    wait_until("some are kept", || kept(&world) == 2);
    let polls =
        |world: &World| fs::read_to_string(world.site.log()).unwrap().matches("beyond the quota").count();
    wait_until("it is told", || polls(&world) == 1);
    // a manifest that names nothing new gets its receipt, too
    let manifest = drop_manifest_hash(&world, &study);
    let receipt = world.at("drops").join(&study).join("received.json");
    wait_until("a receipt", || fs::read_to_string(&receipt).is_ok_and(|text| text.contains(&manifest)));
    // the others stay where they were dropped, and a result is taken all the same
    drop_files(&world, &study, &[&tables[..], &[("s.dcm", sent(&world, "1_seg.dcm"))]].concat());
    world.wait_for_sets(1, &["closed"]);
    assert_eq!((kept(&world), polls(&world)), (2, 1));
    assert_eq!(world.site.count("main", "ledger WHERE event = 'excluded'"), 1);
    server.stop();
}

#[test]
fn a_drop_that_cannot_be_looked_at_keeps_no_other_study_from_its_results() {
    let world = by_folder();
    world.patient(2, &[]);
    world.patient(3, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(3);
    let studies = world.compute(&["1:seg", "2:seg", "3:seg"], "sent");
    // a copy under way, and a pipe that nobody writes into
    drop_files(&world, &studies[0], &[("a.dcm", sent(&world, "1_seg.dcm"))]);
    fs::remove_file(world.at("drops").join(&studies[0]).join("a.dcm")).unwrap();
    let pipe = world.at("drops").join(&studies[1]);
    fs::create_dir_all(&pipe).unwrap();
    crate::harness::run(crate::harness::system_command("mkfifo").arg(pipe.join("manifest.json")));
    drop_files(&world, &studies[2], &[("a.dcm", sent(&world, "3_seg.dcm"))]);
    world.wait_for_sets(1, &["closed"]);
    let log = fs::read_to_string(world.site.log()).unwrap();
    assert!(log.contains("not there as a whole") && log.contains("is a link, a pipe"), "{log}");
    assert!(!log.contains(&studies[0]) && log.contains("\"job\":"), "the job is named, not the study");
    // what becomes whole is taken
    drop_files(&world, &studies[0], &[("a.dcm", sent(&world, "1_seg.dcm"))]);
    fs::remove_file(pipe.join("manifest.json")).unwrap();
    drop_files(&world, &studies[1], &[("a.dcm", sent(&world, "2_seg.dcm"))]);
    world.wait_for_sets(3, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 3);
    server.stop();
}

#[test]
fn rc_05_a_study_of_the_tools_own_returns_into_the_one_that_all_references_point_to_once_a_person_said_so() {
    let world = by_folder();
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    let study = world.compute(&["1:seg:unknown-study"], "sent").remove(0);
    drop_files(&world, &study, &[("a.dcm", sent(&world, "1_seg.dcm"))]);
    let set = world.wait_for_sets(1, &["manual"]).remove(0);
    let shown = world.show(&set.id);
    assert!(
        shown.contains("study-unknown") && shown.contains(&format!("\"proposed_study\":\"{study}\"")),
        "{shown}"
    );
    world.assert_nothing_returned();
    accept_and_release(&world);
    // the series is in the study that the images are in, and says where it came from
    let pacs = world.at("pacs");
    world.pacs.export(&pacs);
    let originals = fs::read_dir(world.at("originals")).unwrap().count();
    assert_eq!(fs::read_dir(&pacs).unwrap().count(), originals + 1);
    let studies: std::collections::BTreeSet<String> = fs::read_dir(&pacs)
        .unwrap()
        .map(|entry| {
            let output = crate::harness::run(
                crate::harness::system_command("dcmdump")
                    .args(["+P", "0020,000d"])
                    .arg(entry.unwrap().path()),
            );
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.split(['[', ']']).nth(1).unwrap().to_owned()
        })
        .collect();
    assert_eq!(studies.len(), 1, "{studies:?}");
    server.stop();
}

#[test]
fn rc_05_without_a_known_reference_there_is_no_proposal_and_nobody_can_accept() {
    let world = by_folder();
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    let study = world.compute(&["1:stl:unknown-study-alone"], "sent").remove(0);
    drop_files(&world, &study, &[("a.dcm", sent(&world, "1_stl.dcm"))]);
    let set = world.wait_for_sets(1, &["manual"]).remove(0);
    let shown = world.show(&set.id);
    assert!(shown.contains("study-unknown") && !shown.contains("\"proposed_study\":\"2"), "{shown}");
    let token = world.token(&set.id);
    let words = ["result", "accept", &set.id, "--answer", &token, "--by", "Dr Grey", "--reason", "r"];
    assert!(world.refused(&words.map(str::to_owned)).contains("no participant and study"));
    world.assert_nothing_returned();
    server.stop();
}

#[test]
fn a_bare_pdf_returns_wrapped_once_a_person_accepted_whose_it_is_and_released_its_body() {
    let world = by_folder();
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    let study = world.compute(&["1:pdf"], "sent").remove(0);
    let pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF".to_vec();
    drop_files(&world, &study, &[("report.pdf", pdf.clone()), ("numbers.json", b"{}".to_vec())]);
    let set = world.wait_for_sets(1, &["manual"]).remove(0);
    let shown = world.show(&set.id);
    assert!(shown.contains("too-few-keys") && shown.contains(&study), "{shown}");
    accept_and_release(&world);
    let pacs = world.at("pacs");
    world.pacs.export(&pacs);
    let holds =
        |path: &std::path::Path| fs::read(path).unwrap().windows(pdf.len()).any(|window| window == pdf);
    let found: Vec<_> =
        fs::read_dir(&pacs).unwrap().map(|entry| entry.unwrap().path()).filter(|path| holds(path)).collect();
    assert_eq!(found.len(), 1);
    let output = crate::harness::run(crate::harness::system_command("dcmdump").arg(&found[0]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("EncapsulatedPDFStorage") && text.contains("HOSP-0001"), "{text}");
    assert!(!text.contains(&study));
    server.stop();
}

/// Writes another value into a file of the folder `sent`.
fn modify(world: &World, name: &str, element: &str) {
    let path = world.at("sent").join(name);
    crate::harness::run(crate::harness::system_command("dcmodify").args(["-nb", "-i", element]).arg(path));
}

fn states(world: &World, study: &str) -> Vec<String> {
    world.sets().into_iter().filter(|set| set.study == study).map(|set| set.state).collect()
}

#[test]
fn what_acts_by_itself_is_refused_whatever_else_in_the_set_cannot_be_inspected() {
    let world = by_folder();
    world.patient(2, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(2);
    let studies = world.compute(&["1:pdf", "2:pdf:active"], "sent");
    let opaque = b"%PDF-1.5\n1 0 obj<</Type/ObjStm/N 1>>endobj\n%%EOF".to_vec();
    let active = b"%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(1)>>>>endobj\n%%EOF".to_vec();
    drop_files(&world, &studies[0], &[("a.pdf", opaque), ("b.pdf", active)]);
    // a PDF that says that it is a mesh
    let mut mesh = sent(&world, "2_pdf.dcm");
    let class = b"1.2.840.10008.5.1.4.1.1.104.1";
    while let Some(at) = mesh.windows(class.len()).position(|part| part == class) {
        mesh[at + class.len() - 1] = b'3';
    }
    drop_files(&world, &studies[1], &[("a.dcm", mesh)]);
    for set in world.wait_for_sets(2, &["manual"]) {
        let (shown, token) = (world.show(&set.id), world.token(&set.id));
        assert!(shown.contains("active-content"), "{shown}");
        assert_eq!(shown.contains("document-cannot-be-inspected"), set.study == studies[0], "{shown}");
        let words = ["result", "accept", &set.id, "--answer", &token, "--by", "Dr Grey", "--reason", "r"];
        assert!(world.refused(&words.map(str::to_owned)).contains("cannot be accepted"));
    }
    world.assert_nothing_returned();
    server.stop();
}

#[test]
fn rc_07_a_newer_version_takes_the_place_of_a_result_until_its_release_and_is_asked_about_after_it() {
    let world = World::new(&Rules { by_folder: true, release: "person", ..Rules::default() });
    world.patient(1, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    let study = world.compute(&["1:seg,sr,kos"], "sent").remove(0);
    let both = |world: &World| [("a.dcm", sent(world, "1_seg.dcm")), ("b.dcm", sent(world, "1_sr.dcm"))];
    drop_files(&world, &study, &both(&world));
    world.wait_for_sets(1, &["reconciled"]);
    modify(&world, "1_seg.dcm", "(0008,103E)=Corrected");
    drop_files(&world, &study, &both(&world));
    wait_until("a newer version", || states(&world, &study) == ["superseded", "reconciled"]);
    // another set waits, so that the job goes on
    let kos = ("c.dcm", sent(&world, "1_kos.dcm"));
    drop_files(&world, &study, &[&both(&world)[..], std::slice::from_ref(&kos)].concat());
    wait_until("the rest", || states(&world, &study) == ["superseded", "reconciled", "reconciled"]);
    let newer = world.sets().remove(1).id;
    world.site.answer(&["result", "release", &newer, "--by", "Dr Grey"], 0);
    wait_until("it is back", || states(&world, &study)[1] == "closed");
    fs::remove_file(world.at("sent").join("1_kos.dcm")).unwrap();
    assert_eq!(world.check_return("sent")["results"], 2, "the newer version, under the partner's own UIDs");
    // again, after the release
    modify(&world, "1_seg.dcm", "(0008,103E)=Corrected again");
    drop_files(&world, &study, &[&both(&world)[..], std::slice::from_ref(&kos)].concat());
    wait_until("a question", || states(&world, &study).last().is_some_and(|state| state == "manual"));
    assert_eq!(states(&world, &study), ["superseded", "closed", "reconciled", "manual"]);
    let asked = world.sets().pop().unwrap().id;
    assert!(world.show(&asked).contains("result-replaced"));
    let (token, why) = (world.token(&asked), "r");
    let words = ["result", "accept", &asked, "--answer", &token, "--by", "Dr Grey", "--reason", why];
    assert!(world.refused(&words.map(str::to_owned)).contains("cannot be accepted"));
    server.stop();
}

#[test]
fn rc_07_an_original_that_comes_back_is_dropped_and_an_altered_one_goes_to_a_person() {
    let world = by_folder();
    world.patient(2, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(2);
    world.held_by_partner();
    let studies = world.compute(&["1:seg", "2:seg"], "sent");
    let original = |study: &str| {
        let mut files = vec![world.at("partner")];
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|end| end == "dcm") {
                let bytes = fs::read(path).unwrap();
                if bytes.windows(study.len()).any(|part| part == study.as_bytes()) {
                    return bytes;
                }
            }
        }
        panic!("nothing of {study}");
    };
    // alone, and with a result after it
    drop_files(&world, &studies[0], &[("o.dcm", original(&studies[0]))]);
    wait_until("it is told", || states(&world, &studies[0]) == ["rejected"]);
    assert!(world.ends(&studies[0]).contains("originals-unchanged"));
    let with_result = [("o.dcm", original(&studies[0])), ("a.dcm", sent(&world, "1_seg.dcm"))];
    drop_files(&world, &studies[0], &with_result);
    wait_until("the result returns", || states(&world, &studies[0]) == ["rejected", "closed"]);
    // other pixels under its UID
    let mut altered = original(&studies[1]);
    *altered.last_mut().unwrap() ^= 1;
    drop_files(&world, &studies[1], &[("o.dcm", altered), ("a.dcm", sent(&world, "2_seg.dcm"))]);
    wait_until("a question", || states(&world, &studies[1]) == ["manual"]);
    let set = world.sets().into_iter().find(|set| set.study == studies[1]).unwrap();
    assert!(world.show(&set.id).contains("original-altered"));
    fs::remove_file(world.at("sent").join("2_seg.dcm")).unwrap();
    assert_eq!(world.check_return("sent")["results"], 1);
    server.stop();
}

#[test]
fn two_contents_under_one_uid_in_a_manifest_are_a_question_and_the_corrected_ones_return() {
    let world = by_folder();
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    let study = world.compute(&["1:seg,sr"], "sent").remove(0);
    let (first, report) = (sent(&world, "1_seg.dcm"), ("c.dcm", sent(&world, "1_sr.dcm")));
    modify(&world, "1_seg.dcm", "(0008,103E)=Corrected");
    let second = ("b.dcm", sent(&world, "1_seg.dcm"));
    drop_files(&world, &study, &[("a.dcm", first), second.clone(), report.clone()]);
    let set = world.wait_for_sets(1, &["manual"]).remove(0);
    assert!(world.show(&set.id).contains("instance-not-taken"));
    assert!(
        fs::read_to_string(world.site.log()).unwrap().contains("several contents under one SOP Instance UID")
    );
    world.assert_nothing_returned();
    // what the partner means: it replaces the set that waits, as a whole
    drop_files(&world, &study, &[second, report]);
    wait_until("it returns", || states(&world, &study) == ["superseded", "closed"]);
    assert_eq!(world.check_return("sent")["results"], 2);
    server.stop();
}

/// A data set in Explicit VR Little Endian with so many UIDs in private elements behind all others, the first `from`.
fn with_uids(mut file: Vec<u8>, from: usize, count: usize) -> Vec<u8> {
    let mut element = |number: u16, vr: &[u8; 2], value: &[u8]| {
        file.extend([0xE1, 0x7F]);
        file.extend(number.to_le_bytes());
        file.extend(vr);
        file.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
        file.extend(value);
    };
    element(0x0010, b"LO", b"A TOOL");
    let uids: Vec<String> = (from..from + count).map(|number| format!("1.2.{number}")).collect();
    for (number, uids) in uids.chunks(5000).enumerate() {
        let mut value = uids.join("\\").into_bytes();
        value.resize(value.len().next_multiple_of(2), 0);
        element(0x1000 + u16::try_from(number).unwrap(), b"UI", &value);
    }
    file
}

#[test]
fn a_set_with_more_uids_than_are_looked_up_goes_to_a_person() {
    let world = by_folder();
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    let study = world.compute(&["1:kos,seg,sr"], "sent").remove(0);
    let many = |name: &str, from| with_uids(sent(&world, name), from, 60_000);
    drop_files(
        &world,
        &study,
        &[("a.dcm", many("1_kos.dcm", 100_000)), ("b.dcm", many("1_sr.dcm", 500_000))],
    );
    let set = world.wait_for_sets(1, &["manual"]).remove(0);
    assert!(world.show(&set.id).contains("too-many-uids"));
    server.stop();
}
