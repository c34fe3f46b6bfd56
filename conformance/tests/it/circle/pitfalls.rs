//! Pitfalls of `reconciliation.md` section 5 that show only with a vault, a partner and a clinical PACS at hand.

use std::fs;

use super::world::{Rules, World};
use crate::harness::{Server, program, run, system_command, wait_until};

/// The results of these cases are with the partner.
fn deliver(world: &World, cases: &[&str]) {
    world.compute(cases, "sent");
    world.partner.take(&world.at("sent"));
}

/// So many patients whose studies wait for their results.
fn give_out(world: &World, patients: u32) -> Server<'_> {
    for number in 1..=patients {
        world.patient(number, &[]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(u64::from(patients));
    world.held_by_partner();
    server
}

/// A person accepts what is asked about a set, and releases it.
fn accept(world: &World, set: &str) {
    let (token, why) = (world.token(set), "looked up");
    let words = ["result", "accept", set, "--answer", &token, "--by", "Dr Grey", "--reason", why];
    world.answer_all(&words.map(str::to_owned));
    wait_until("reconciled", || world.sets().iter().any(|of| of.id == set && of.state == "reconciled"));
    world.site.answer(&["result", "release", set, "--by", "Dr Grey"], 0);
}

/// Participants' own ids in the vault, the first known first.
fn participants(world: &World) -> Vec<String> {
    let rows = world.site.rows("main", "SELECT participant FROM job ORDER BY id");
    rows.iter().map(|row| row["participant"].as_str().unwrap().to_owned()).collect()
}

fn patient_ids(world: &World, folder: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for entry in fs::read_dir(world.at(folder)).unwrap() {
        let value = |tag| {
            let output = run(system_command("dcmdump").args(["+P", tag]).arg(entry.as_ref().unwrap().path()));
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.split(['[', ']']).nth(1).unwrap_or_default().to_owned()
        };
        found.push((value("0010,0020"), value("0008,0018")));
    }
    found
}

#[test]
fn rc_13_the_result_of_a_merged_participant_goes_to_a_person() {
    let world = World::new(&Rules::default());
    let server = give_out(&world, 2);
    let before = participants(&world);
    // the number of the second belongs to the first from now on
    let (first, second) = (&before[0], &before[1]);
    let number = if patient_of(&world, second) == "2" { "HOSP-0002" } else { "HOSP-0001" };
    let list = world.at("lists").join("merged.csv");
    fs::write(&list, format!("patient_id,issuer\n{number},site\n")).unwrap();
    let told = world.site.answer(
        &[
            "vault",
            "merge",
            "--project",
            "first",
            "--participant",
            first,
            "--by",
            "Dr Grey",
            "--reason",
            "one person",
            list.to_str().unwrap(),
        ],
        0,
    );
    assert_eq!(told.trim(), "1 numbers belong to the participant");
    let studies = world.compute(&["1:seg", "2:seg"], "sent");
    world.partner.take(&world.at("sent"));
    wait_until("the other's result returns", || world.sets().iter().any(|set| set.state == "closed"));
    let merged = wait_for_state(&world, "manual");
    let shown = world.show(&merged);
    assert!(shown.contains("participant-merged") && !shown.contains("HOSP-"), "{shown}");
    assert!(studies.contains(&world.sets().into_iter().find(|set| set.id == merged).unwrap().study));
    assert_eq!(world.pacs.count(), 7, "the result of the one who was not merged");
    accept(&world, &merged);
    world.wait_for_sets(2, &["closed"]);
    assert_eq!(
        world.check_return("sent")["results"],
        2,
        "with the identity that its study was received with"
    );
    // who was meant, the vault alone tells
    let log = fs::read_to_string(world.site.log()).unwrap();
    assert!(!log.contains("HOSP-"));
    server.stop();
}

/// The patient of `make_patient.py` that a participant of the vault is, told by what the partner has of the study.
fn patient_of(world: &World, participant: &str) -> String {
    let sql = "SELECT j.participant, s.study_instance_uid AS study FROM job j JOIN study s ON s.id = j.study";
    let rows = world.site.rows("main", sql);
    let study = rows.iter().find(|row| row["participant"] == participant).unwrap()["study"]
        .as_str()
        .unwrap()
        .to_owned();
    for entry in fs::read_dir(world.at("partner")).unwrap() {
        let output = run(system_command("dcmdump")
            .args(["+P", "0020,000d", "+P", "0020,0013"])
            .arg(entry.unwrap().path()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.contains(&study) {
            let number = text.lines().find(|line| line.contains("0020,0013")).unwrap();
            return number.split(['[', ']']).nth(1).unwrap().trim().chars().next().unwrap().to_string();
        }
    }
    panic!("the partner has nothing of {participant}");
}

fn wait_for_state(world: &World, state: &str) -> String {
    wait_until(state, || world.sets().iter().any(|set| set.state == state));
    world.sets().into_iter().find(|set| set.state == state).unwrap().id
}

/// Changes the vault as a restore of an older copy would leave it.
fn lose(world: &World, sql: &str) {
    let code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=10); c.execute(sys.argv[2]); c.commit()";
    run(system_command("python3")
        .args(["-c", code])
        .arg(world.site.data_folder().join("vault.sqlite"))
        .arg(sql));
}

#[test]
fn rc_03_shifted_dates_go_back_and_the_partners_own_stay() {
    let rules = Rules { project_keys: "profile = \"longitudinal-research\"\n", ..Rules::default() };
    let world = World::new(&rules);
    world.patient(1, &["--timezone", "+0100"]);
    world.patient(2, &["--timezone", "+0100", "--date", "20240229"]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(2);
    let held = world.held_by_partner();
    deliver(&world, &["1:dated,seg", "2:dated"]);
    world.wait_for_sets(2, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 3);
    let dates = world.check_dates(&held, &world.at("sent"));
    assert!(dates["restored"].as_u64().unwrap() >= 2 * 5, "{dates}");
    assert!(dates["kept"].as_u64().unwrap() >= 2 * 6, "{dates}");
    server.stop();
}

#[test]
fn rc_03_a_date_of_neither_class_in_a_report_is_a_persons_case() {
    let rules = Rules { project_keys: "profile = \"longitudinal-research\"\n", ..Rules::default() };
    let world = World::new(&rules);
    let server = give_out(&world, 1);
    deliver(&world, &["1:dated:date-item"]);
    let shown = world.show(&wait_for_state(&world, "manual"));
    assert!(shown.contains("date-of-no-class"), "{shown}");
    world.assert_nothing_returned();
    server.stop();
}

#[test]
fn rc_12_a_lost_export_record_is_a_persons_case_and_nothing_is_derived_anew() {
    let world = World::new(&Rules::default());
    let server = give_out(&world, 1);
    lose(&world, "DELETE FROM export_record");
    deliver(&world, &["1:seg"]);
    let set = wait_for_state(&world, "manual");
    let shown = world.show(&set);
    assert!(shown.contains("no-export-record") && shown.contains("\"may_be_accepted\":false"), "{shown}");
    world.assert_nothing_returned();
    assert_eq!(world.blobs("return-buffer"), 0);
    server.stop();
}

#[test]
fn rc_12_the_wrapping_key_is_rotated_between_export_and_result() {
    let world = World::new(&Rules::default());
    let server = give_out(&world, 1);
    server.stop();
    let key = world.at("keys").join("vault.key");
    let previous = key.with_file_name("previous.key");
    fs::rename(&key, &previous).unwrap();
    let new: String = "0123456789abcdef".repeat(4);
    fs::write(&key, new).unwrap();
    fs::set_permissions(&key, fs::metadata(&previous).unwrap().permissions()).unwrap();
    let mut rotate = system_command(&program().display().to_string());
    rotate.args(["vault", "rotate", "--config"]).arg(world.site.write_config());
    run(rotate.env("RESEARCH_PACS__VAULT__PREVIOUS_KEY__FILE", &previous));
    let server = world.site.serve();
    deliver(&world, &["1:seg"]);
    world.wait_for_sets(1, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 1);
    server.stop();
}

#[test]
fn rr_7_a_uid_that_the_partner_used_in_another_study_is_fetched_and_gets_a_new_one() {
    let world = World::new(&Rules::default());
    let server = give_out(&world, 2);
    deliver(&world, &["1:kos:own-uid"]);
    world.wait_for_sets(1, &["closed"]);
    deliver(&world, &["2:kos:own-uid"]);
    world.wait_for_sets(2, &["closed"]);
    world.pacs.export(&world.at("pacs"));
    let mut of_patient: Vec<(String, String)> = patient_ids(&world, "pacs")
        .into_iter()
        .filter(|(_, uid)| !patient_ids(&world, "originals").iter().any(|(_, of)| of == uid))
        .collect();
    of_patient.sort();
    let [(first, kept), (second, new)] = of_patient.as_slice() else { panic!("{of_patient:?}") };
    assert_eq!((first.trim(), second.trim()), ("HOSP-0001", "HOSP-0002"));
    assert_eq!(kept, "1.2.826.0.1.3680043.10.999.7");
    assert!(new.starts_with("2.25."), "{new}");
    server.stop();
}

#[test]
fn rr_3_text_with_a_code_returns_by_a_reviewed_rule_and_else_goes_to_a_person() {
    for (text_rules, end) in [(&[][..], "manual"), (&["*/(0040,A160)"][..], "closed")] {
        let world = World::new(&Rules { text_rules, ..Rules::default() });
        let server = give_out(&world, 1);
        deliver(&world, &["1:cad:text-code"]);
        let set = &world.wait_for_sets(1, &[end])[0];
        if end == "manual" {
            let shown = world.show(&set.id);
            assert!(shown.contains("pseudonym-left (0040,A730)[3](0040,A160)"), "{shown}");
            world.assert_nothing_returned();
        } else {
            assert_eq!(world.check_return("sent")["results"], 1);
        }
        server.stop();
    }
}
