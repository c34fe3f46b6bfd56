//! What the clinical PACS says about the study now (DEC-G, table 8.1): anything but the same identity needs a person.

use serde_json::json;

use super::world::{Rules, World};
use crate::harness::wait_until;

#[test]
fn a_study_that_changed_moved_or_went_goes_to_a_person() {
    let world = World::new(&Rules::default());
    for number in 1..=4 {
        world.patient(number, &[]);
    }
    // two people of one name and birth date, who stay apart: not a reason to mix them up, nor to stop
    for number in [5, 6] {
        world.patient(number, &["--name", "Twin^Same", "--birth-date", "19800229"]);
    }
    let server = world.serve();
    world.acquire(&server);
    world.wait_for_partner(6);
    world.held_by_partner();
    let made: Vec<String> = (1..=6).map(|number| world.compute(number, &[], "sent").study).collect();
    let original = |number: u32| {
        let path = world.at("originals").join(format!("{number}_one_1.dcm"));
        let output = crate::harness::run(
            crate::harness::system_command("dcmdump").args(["+P", "0020,000d"]).arg(path),
        );
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text[text.find('[').unwrap() + 1..text.find(']').unwrap()].to_owned()
    };
    world.pacs.correct(&original(1), &json!({ "PatientName": "Married^Name" }));
    world.pacs.delete(&original(2));
    world.pacs.correct(&original(3), &json!({ "AccessionNumber": "AC-OTHER" }));
    // merged into somebody else
    world.pacs.correct(&original(4), &json!({ "PatientID": "HOSP-0001" }));
    let held = world.pacs.count();
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(6, &["manual", "closed"]);
    for (number, reason) in
        [(1, "identity-differs"), (2, "identity-not-found"), (3, "identity-differs"), (4, "identity-differs")]
    {
        let end = world.ends(&made[number - 1]);
        assert!(end.contains("→ manual") && end.contains(reason), "{number}: {end}");
    }
    assert_eq!(world.pacs.count(), held + 2, "the twins' results and no other");
    assert_eq!(world.blobs("return-buffer"), 0, "what waits for a person is not kept with an identity");
    // each twin's in the own study
    world.pacs.export(&world.at("pacs"));
    let twins = world.at("twins");
    for (folder, keep) in [("originals", true), ("sent", true)] {
        let into = twins.join(folder);
        std::fs::create_dir_all(&into).unwrap();
        for entry in std::fs::read_dir(world.at(folder)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if (name.starts_with("5_") || name.starts_with("6_")) && keep {
                std::fs::copy(entry.path(), into.join(name)).unwrap();
            }
        }
    }
    for number in 1..=4 {
        if number != 2 {
            world.pacs.delete(&original(number));
        }
    }
    let pacs = twins.join("pacs");
    world.pacs.export(&pacs);
    let folders = [twins.join("originals"), world.at("partner"), twins.join("sent"), pacs];
    crate::harness::run(crate::harness::python("check_return.py").args(folders));
    server.stop();
}

#[test]
fn a_clinical_pacs_that_is_away_is_waited_for() {
    let mut world = World::new(&Rules::default());
    world.patient(1, &[]);
    let server = world.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    server.stop();
    world.pacs.stop();
    let server = world.serve();
    world.compute(1, &[], "sent");
    world.partner.take(&world.at("sent"));
    wait_until("a try in vain", || {
        world.count("main", "job_queue WHERE kind = 'reconcile' AND attempts > 0 AND state = 'ready'") == 1
    });
    assert_eq!(world.sets()[0].state, "retrieved");
    server.stop();
    world.pacs.start_orthanc();
    let server = world.serve_later(30);
    world.wait_for_sets(1, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 1);
    server.stop();
}
