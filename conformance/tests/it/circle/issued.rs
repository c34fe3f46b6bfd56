//! What was issued to whom decides whether a UID, a date or an object goes back (RR-1, RR-2, RR-7, RR-8, RC-06, RC-11).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::dropped::drop_files;
use super::world::{Rules, Set, World};
use crate::harness::{Server, run, system_command};

/// UIDs stay as they are.
const RETAIN: &str = "name = \"retain\"\nversion = \"1\"\nedition = \"2026d\"\noptions = [\"retain_uids\"]\n";

/// So many patients whose studies wait for their results.
fn give_out(rules: &Rules, patients: u32) -> World {
    let world = World::new(rules);
    for number in 1..=patients {
        world.patient(number, &[]);
    }
    world
}

/// Starts the program, and lets it give out what was acquired to the partner.
fn export(world: &World, jobs: u64) -> Server<'_> {
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(jobs);
    world.held_by_partner();
    server
}

/// The results of these cases are with the partner; answers the study of each.
fn deliver(world: &World, cases: &[&str]) -> Vec<String> {
    let studies = world.compute(cases, "sent");
    world.partner.take(&world.at("sent"));
    studies
}

/// Values of an attribute at any depth of the objects in a folder.
fn all_values(folder: &Path, tag: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let output = run(system_command("dcmdump").args(["+L", "+P", tag]).arg(entry.unwrap().path()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        found.extend(text.lines().filter_map(|line| Some(line.split(['[', ']']).nth(1)?.trim().to_owned())));
    }
    found
}

/// A value of each object that the clinical PACS holds and the modality did not send, beside its Patient ID.
fn returned(world: &World, tag: &str) -> Vec<(String, String)> {
    let value = |path: &Path, tag: &str| {
        let output = run(system_command("dcmdump").args(["+L", "+P", tag]).arg(path));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split(['[', ']']).nth(1).unwrap_or_default().trim().to_owned()
    };
    let originals = all_values(&world.at("originals"), "0008,0018");
    let pacs = world.at("pacs");
    world.pacs.export(&pacs);
    let mut found: Vec<(String, String)> = fs::read_dir(&pacs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !originals.contains(&value(path, "0008,0018")))
        .map(|path| (value(&path, "0010,0020"), value(&path, tag)))
        .collect();
    found.sort();
    found
}

fn set_of(world: &World, study: &str) -> Set {
    world.sets().into_iter().find(|set| set.study == study).unwrap()
}

/// Changes the vault behind its back.
fn change_vault(world: &World, sql: &str) {
    let code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=10); c.execute(sys.argv[2]); c.commit()";
    run(system_command("python3")
        .args(["-c", code])
        .arg(world.site.data_folder().join("vault.sqlite"))
        .arg(sql));
}

#[test]
fn rc_11_with_retained_uids_a_result_returns_and_cites_the_source_by_its_own_uids() {
    let world = give_out(&Rules { profile: RETAIN, ..Rules::default() }, 2);
    let server = export(&world, 2);
    deliver(&world, &["1:seg,sr", "2:kos"]);
    world.wait_for_sets(2, &["closed"]);
    let of_patient = returned(&world, "0010,0020");
    let patients: Vec<&str> = of_patient.iter().map(|(patient, _)| patient.as_str()).collect();
    assert_eq!(patients, ["HOSP-0001", "HOSP-0001", "HOSP-0002"]);
    let held: BTreeSet<String> = all_values(&world.at("pacs"), "0008,0018").into_iter().collect();
    let cited = all_values(&world.at("pacs"), "0008,1155");
    assert!(cited.len() >= 3 + 3 + 2 && cited.iter().all(|uid| held.contains(uid)), "{cited:?}");
    server.stop();
}

#[test]
fn rc_11_a_retained_uid_that_this_partner_was_not_given_is_refused() {
    let world = give_out(&Rules { profile: RETAIN, ..Rules::default() }, 2);
    let server = export(&world, 2);
    // as if the second patient's images had been held back
    change_vault(
        &world,
        "DELETE FROM issued_uid WHERE participant = (SELECT MAX(participant) FROM issued_uid)",
    );
    let studies = deliver(&world, &["1:kos:foreign-reference", "2:kos:foreign-reference"]);
    world.wait_for_sets(2, &["rejected"]);
    for study in studies {
        assert!(world.show(&set_of(&world, &study).id).contains("original-uid"));
    }
    world.assert_nothing_returned();
    server.stop();
}

#[test]
fn rc_06_a_real_uid_of_another_patient_is_refused_wherever_it_stands() {
    let world = give_out(&Rules::default(), 4);
    let server = export(&world, 4);
    let studies = deliver(
        &world,
        &["1:kos:foreign-original", "2:kos:foreign-original-series", "3:seg:foreign-original-frame", "4:seg"],
    );
    world.wait_for_sets(4, &["rejected", "closed"]);
    for study in &studies[..3] {
        assert!(world.show(&set_of(&world, study).id).contains("original-uid"));
    }
    assert_eq!(set_of(&world, &studies[3]).state, "closed", "its own references are no such thing");
    assert_eq!(returned(&world, "0010,0020").len(), 1);
    // for whoever watches over the vault
    let refused = world.site.rows("main", "SELECT entry FROM audit_trail WHERE code = 'RPACS-AUDIT-0303'");
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|line| {
        let line = line.to_string();
        line.contains("original-uid") && line.contains("uni") && !line.contains("HOSP")
    }));
    server.stop();
}

#[test]
fn rc_06_a_pseudonym_that_was_never_sent_is_refused() {
    let world = give_out(&Rules::default(), 2);
    let server = export(&world, 2);
    change_vault(&world, "DELETE FROM issued_uid WHERE kind = 5");
    let studies = deliver(&world, &["1:kos"]);
    world.wait_for_sets(1, &["rejected"]);
    assert!(world.show(&set_of(&world, &studies[0]).id).contains("issued-elsewhere"));
    world.assert_nothing_returned();
    server.stop();
}

#[test]
fn rr_7_two_patients_results_under_one_series_and_frame_of_reference_get_apart() {
    let world = give_out(&Rules { by_folder: true, ..Rules::default() }, 2);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(2);
    let drop = |number: u32| {
        let study = world.compute(&[&format!("{number}:kos:own-series")], "sent").remove(0);
        let bytes = fs::read(world.at("sent").join(format!("{number}_kos.dcm"))).unwrap();
        drop_files(&world, &study, &[("a.dcm", bytes)]);
    };
    drop(1);
    world.wait_for_sets(1, &["closed"]);
    drop(2);
    world.wait_for_sets(2, &["closed"]);
    for (tag, kept) in [("0020,000e", "999.8"), ("0020,0052", "999.9")] {
        let found = returned(&world, tag);
        let [(first, theirs), (second, new)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((first.as_str(), second.as_str()), ("HOSP-0001", "HOSP-0002"));
        assert!(theirs.ends_with(kept) && new.starts_with("2.25."), "{found:?}");
    }
    server.stop();
}

#[test]
fn rr_8_a_date_of_the_participants_other_study_goes_back_and_never_returns_shifted() {
    let rules = Rules { project_keys: "profile = \"longitudinal-research\"\n", ..Rules::default() };
    let world = give_out(&rules, 2);
    for number in ["1", "2"] {
        let more = ["--study", "two", "--date", "20250101", "--images", "2"];
        world.patient(number.parse().unwrap(), &more);
    }
    let server = export(&world, 4);
    let studies = deliver(&world, &["1:dated:second-study", "2:dated:second-study-doubt"]);
    world.wait_for_sets(2, &["closed", "manual"]);
    let asked = set_of(&world, &studies[1]);
    let shown = world.show(&asked.id);
    assert!(
        shown.contains("date-of-no-class")
            && shown.contains(&format!("\"proposed_study\":\"{}\"", studies[1])),
        "{shown}"
    );
    let token = world.token(&asked.id);
    let words = ["result", "accept", &asked.id, "--answer", &token, "--by", "Dr Grey", "--reason", "known"];
    world.answer_all(&words.map(str::to_owned));
    crate::harness::wait_until("reconciled", || set_of(&world, &studies[1]).state == "reconciled");
    world.site.answer(&["result", "release", &asked.id, "--by", "Dr Grey"], 0);
    world.wait_for_sets(2, &["closed"]);
    assert_eq!(returned(&world, "0008,0020").len(), 2);
    let pacs = world.at("pacs");
    let dates = all_values(&pacs, "0040,a121");
    assert_eq!(dates.iter().filter(|date| *date == "20250101").count(), 2, "{dates:?}");
    assert_eq!(dates.iter().filter(|date| *date == "20010203").count(), 1, "as it was accepted: {dates:?}");
    let held: BTreeSet<String> = all_values(&pacs, "0008,0018").into_iter().collect();
    assert!(all_values(&pacs, "0008,1155").iter().all(|uid| held.contains(uid)));
    server.stop();
}

#[test]
fn rr_2_a_report_waits_for_a_segmentation_that_a_person_has_not_let_back() {
    let world = give_out(&Rules { release: "person", ..Rules::default() }, 1);
    let server = export(&world, 1);
    let study = world.compute(&["1:seg,sr"], "sent").remove(0);
    let report = world.at("sent").join("1_sr.dcm");
    let later = world.at("later").join("1_sr.dcm");
    fs::rename(&report, &later).unwrap();
    world.partner.take(&world.at("sent"));
    let segmentation = world.wait_for_sets(1, &["reconciled"]).remove(0);
    assert_eq!(segmentation.study, study);
    world
        .site
        .answer(&["result", "reject", &segmentation.id, "--by", "Dr Grey", "--reason", "wrong lung"], 0);
    world.partner.take(&world.at("later"));
    crate::harness::wait_until("the report is looked at", || {
        world.sets().len() == 2
            && world.site.count(
                "main",
                "job_queue WHERE kind = 'reconcile' AND state = 'ready' AND run_at > updated_at + 30000",
            ) == 1
    });
    let states: Vec<String> = world.sets().into_iter().map(|set| set.state).collect();
    assert_eq!(states, ["rejected", "retrieved"]);
    world.assert_nothing_returned();
    server.stop();
}

#[test]
fn rc_08_a_segmentation_over_two_increments_lies_on_the_images_of_both() {
    let world = World::new(&Rules::default());
    world.patient(1, &["--images", "2"]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.patient(1, &["--images", "4"]);
    world.acquire(&server);
    world.wait_for_partner(2);
    world.held_by_partner();
    deliver(&world, &["1:seg"]);
    world.wait_for_sets(1, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 1);
    server.stop();
}
