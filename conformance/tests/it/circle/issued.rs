//! What was issued to whom decides whether a UID, a date or an object goes back (RR-1, RR-2, RR-7, RR-8, RC-06, RC-11).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::world::{Rules, World};
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
