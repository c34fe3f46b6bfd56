//! What the clinical PACS says about the study now (DEC-G, table 8.1): anything but the same identity needs a person.

use std::fs;
use std::path::PathBuf;

use super::world::{Rules, World};
use crate::harness::{run, system_command, wait_until};

/// Files of a patient in a folder of the test.
fn files_of(world: &World, folder: &str, number: u32) -> Vec<PathBuf> {
    let start = format!("{number}_");
    let paths = fs::read_dir(world.at(folder)).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&start)).collect()
}

/// Study Instance UID of a patient at the hospital.
pub(super) fn study_of(world: &World, number: u32) -> String {
    let file = &files_of(world, "originals", number)[0];
    let output = run(system_command("dcmdump").args(["+P", "0020,000d"]).arg(file));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text[text.find('[').unwrap() + 1..text.find(']').unwrap()].to_owned()
}

/// Changes an attribute of a patient's study at the hospital; the UIDs stay.
fn correct(world: &World, number: u32, change: &str) {
    world.pacs.delete(&study_of(world, number));
    let corrected = world.at(&format!("corrected {number}"));
    for path in files_of(world, "originals", number) {
        let copy = corrected.join(path.file_name().unwrap());
        fs::copy(path, &copy).unwrap();
        run(system_command("dcmodify").args(["-nb", "-m", change]).arg(copy));
    }
    world.pacs.take(&corrected);
}

/// Results of six patients about whom the clinical PACS says something else by the time that they are back, and the studies as the partner
/// knows them: 1 has another name, 2 is gone, 3 has another accession number, 4 is merged into somebody else, 5 and 6 have one name and
/// birth date.
fn six_doubts(world: &World) -> Vec<String> {
    for number in 1..=4 {
        world.patient(number, &["--bare"]);
    }
    for number in [5, 6] {
        world.patient(number, &["--name", "Twin^Same", "--birth-date", "19800229"]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(6);
    world.held_by_partner();
    let made = world.compute(&["1:seg", "2:seg", "3:seg", "4:seg", "5:seg", "6:seg"], "sent");
    correct(world, 1, "(0010,0010)=Married^Name");
    world.pacs.delete(&study_of(world, 2));
    correct(world, 3, "(0008,0050)=AC-OTHER");
    correct(world, 4, "(0010,0020)=HOSP-0777");
    let held = world.pacs.count();
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(6, &["manual"]);
    assert_eq!(world.pacs.count(), held, "nothing returned");
    assert_eq!(world.blobs("return-buffer"), 0, "what waits for a person is not kept with an identity");
    server.stop();
    made
}

const REASONS: [&str; 6] = [
    "identity-differs",
    "identity-not-found",
    "identity-differs",
    "identity-differs",
    "identity-shared",
    "identity-shared",
];

fn set_of(world: &World, study: &str) -> String {
    world.sets().into_iter().find(|set| set.study == study).unwrap().id
}

/// Table 8.1: a person sees both values before the choice, and the access log and the audit trail have it.
fn both_values_are_shown_to_who_says_why(world: &World, set: &str) {
    let refused = world.refused(&["result", "show", set, "--identity"].map(str::to_owned));
    assert!(refused.contains("--by") && refused.contains("--reason"), "{refused}");
    let trail = || world.site.count("main", "audit_trail WHERE code = 'RPACS-AUDIT-0203'");
    assert_eq!(trail(), 0);
    let logged = world.site.count("vault", "access_log");
    let words =
        ["result", "show", set, "--identity", "--by", "Dr Grey", "--reason", "the name was corrected"];
    let shown = world.answer_all(&words.map(str::to_owned));
    let line = |attribute: &str| -> serde_json::Value {
        let mut lines = shown.lines().filter_map(|line| serde_json::from_str(line).ok());
        lines.find(|line: &serde_json::Value| line["attribute"] == attribute).unwrap()
    };
    let written: Vec<&str> = shown.lines().filter(|line| line.contains("written_by_partner")).collect();
    assert!(written.iter().any(|line| line.contains("(0010,0020)")), "{shown}");
    let name = line("(0010,0010)");
    assert_eq!(name["received"], serde_json::json!(["Grünwald^Jérôme"]));
    assert_eq!(name["pacs"], serde_json::json!(["Married^Name"]));
    assert_eq!(name["differs"], true);
    let id = line("(0010,0020)");
    assert_eq!((&id["received"], &id["differs"]), (&serde_json::json!(["HOSP-0001"]), &false.into()));
    assert_eq!(trail(), 1);
    assert_eq!(world.site.count("vault", "access_log"), logged + 1);
}

#[test]
fn the_same_name_and_birth_date_a_merged_patient_and_a_changed_accession_go_to_a_person_who_accepts() {
    let world = World::new(&Rules::default());
    let made = six_doubts(&world);
    let server = world.site.serve();
    for (study, reason) in made.iter().zip(REASONS) {
        let end = world.ends(study);
        assert!(end.contains("→ manual") && end.contains(reason), "{end}");
        let shown = world.show(&set_of(&world, study));
        assert!(shown.contains(&format!("\"proposed_study\":\"{study}\"")), "{shown}");
        assert!(
            !["HOSP-", "Married", "Twin", "AC-", "19800229"].iter().any(|of| shown.contains(of)),
            "{shown}"
        );
    }
    both_values_are_shown_to_who_says_why(&world, &set_of(&world, &made[0]));
    // a decision has a reason, and says which identity holds where two are possible
    let (name, gone, twin) = (set_of(&world, &made[0]), set_of(&world, &made[1]), set_of(&world, &made[4]));
    let accept = |set: &str, more: &[&str]| {
        let words = ["result", "accept", set, "--by", "Dr Grey", "--answer", &world.token(set)];
        words.iter().chain(more).map(ToString::to_string).collect::<Vec<_>>()
    };
    let why = ["--reason", "looked up"];
    for (set, more, told) in [
        (&name, &why[..], "--identity received or pacs"),
        (&gone, &["--reason", "r", "--identity", "pacs"], "--identity received"),
        (&twin, &["--reason", "r", "--identity", "pacs"], "nothing to decide"),
        (&twin, &[], "--reason"),
    ] {
        let error = world.refused(&accept(set, more));
        assert!(error.contains(told), "{error}");
    }
    for (number, study) in made.iter().enumerate() {
        let identity: &[&str] = match number + 1 {
            1 | 3 | 4 => &["--identity", "pacs"],
            2 => &["--identity", "received"],
            _ => &[],
        };
        world.answer_all(&accept(&set_of(&world, study), &[&why[..], identity].concat()));
    }
    // never released by policy
    let sets = world.wait_for_sets(6, &["reconciled"]);
    assert_eq!(world.events()["return.waiting-release"], 6);
    for set in &sets {
        world.site.answer(&["result", "release", &set.id, "--by", "Dr Grey"], 0);
    }
    world.wait_for_sets(6, &["closed"]);

    // what the study of the second was deleted for, a person knows: the result alone is in it
    world.pacs.delete(&study_of(&world, 2));
    for number in 1..=4 {
        for path in files_of(&world, "originals", number) {
            let corrected = world.at(&format!("corrected {number}")).join(path.file_name().unwrap());
            if corrected.exists() {
                fs::copy(corrected, path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
    }
    files_of(&world, "sent", 2).iter().for_each(|path| fs::remove_file(path).unwrap());
    assert_eq!(world.check_return("sent")["results"], 5, "each in its study, with the identity that holds");
    server.stop();
}

#[test]
fn a_decision_holds_for_what_was_asked_about_and_nothing_else() {
    let world = World::new(&Rules::default());
    world.patient(1, &["--bare"]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    let made = world.compute(&["1:seg"], "sent");
    correct(&world, 1, "(0010,0010)=Married^Name");
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(1, &["manual"]);
    let set = set_of(&world, &made[0]);
    let accept = |token: &str| {
        let words = ["result", "accept", &set, "--answer", token, "--by", "Dr Grey"];
        let why = ["--reason", "looked up", "--identity", "received"];
        [&words[..], &why].concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let first = world.token(&set);
    // corrected again between question and answer: asked again
    correct(&world, 1, "(0010,0010)=Other^Name");
    world.answer_all(&accept(&first));
    let asked = || world.show(&set).matches("→ manual").count();
    wait_until("asked again", || asked() == 2);
    // and the answer of somebody who still looks at the first question is none to the second
    let error = world.refused(&accept(&first));
    assert!(error.contains("look again with result show"), "{error}");
    assert_eq!(asked(), 2);
    world.answer_all(&accept(&world.token(&set)));
    world.wait_for_sets(1, &["reconciled"]);
    // and changed once more before the release: not pushed
    correct(&world, 1, "(0010,0010)=Third^Name");
    world.site.answer(&["result", "release", &set, "--by", "Dr Grey"], 0);
    world.wait_for_sets(1, &["attention"]);
    assert_eq!(world.pacs.count(), 3);
    server.stop();
}

#[test]
fn a_clinical_pacs_that_is_away_is_waited_for() {
    let mut world = World::new(&Rules::default());
    world.patient(1, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    server.stop();
    world.pacs.stop();
    let server = world.site.serve();
    world.compute(&["1:seg"], "sent");
    world.partner.take(&world.at("sent"));
    wait_until("a try in vain", || {
        world.site.count("main", "job_queue WHERE kind = 'reconcile' AND attempts > 0 AND state = 'ready'")
            == 1
    });
    assert_eq!(world.sets()[0].state, "retrieved");
    server.stop();
    world.pacs.start_orthanc();
    let server = world.site.serve_later(30);
    world.wait_for_sets(1, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 1);
    server.stop();
}
