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
fn study_of(world: &World, number: u32) -> String {
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
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(6);
    world.held_by_partner();
    let made = world.compute(&["1:seg", "2:seg", "3:seg", "4:seg", "5:seg", "6:seg"], "sent");
    correct(&world, 1, "(0010,0010)=Married^Name");
    world.pacs.delete(&study_of(&world, 2));
    correct(&world, 3, "(0008,0050)=AC-OTHER");
    // merged into somebody else
    correct(&world, 4, "(0010,0020)=HOSP-0001");
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
    for number in [1, 3, 4] {
        world.pacs.delete(&study_of(&world, number));
    }
    for number in 1..=4 {
        files_of(&world, "originals", number).iter().chain(&files_of(&world, "sent", number)).for_each(
            |path| {
                fs::remove_file(path).unwrap();
            },
        );
    }
    assert_eq!(world.check_return("sent")["results"], 2);
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
