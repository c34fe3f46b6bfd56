//! How the clinical PACS confirms what it was given, and one that answers with success and does not keep everything (AC9.3, AC10.2, INV-7).

use super::world::{Rules, World};
use crate::harness::{Archive, run, system_command, wait_until};

#[test]
fn what_the_clinical_pacs_loses_is_never_told_as_returned() {
    let mut pacs = Archive::new("PACS");
    pacs.lose("SEG", 1000);
    pacs.start_orthanc();
    let world = World::between(pacs, Archive::orthanc("UNI"), &Rules::default());
    world.patient(1, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    world.compute(&["1:seg,sr"], "sent");
    world.partner.take(&world.at("sent"));
    wait_until("a confirmation in vain", || {
        world.site.count("main", "job_queue WHERE kind = 'confirm' AND attempts > 0 AND state = 'ready'") == 1
    });
    assert_eq!(world.pacs.count(), 4, "the report alone");
    let sets = world.wait_for_sets(1, &["released"]);
    assert!(!world.events().contains_key("return.confirmed"));
    let confirmed = format!("ledger WHERE event = 'confirmed' AND result_set = '{}'", sets[0].id);
    assert_eq!(world.site.count("main", &confirmed), 1);
    assert_eq!(world.blobs("return-buffer"), 2, "nothing is purged before it is confirmed");
    server.stop();
}

/// A site whose clinical PACS supports storage commitment and loses so many segmentations; the result of one patient is with the partner.
fn with_commitment(lost: u32, check: impl FnOnce(&World)) {
    let mut pacs = Archive::new("PACS");
    pacs.lose("SEG", lost);
    pacs.start_orthanc();
    let world =
        World::between(pacs, Archive::orthanc("UNI"), &Rules { commitment: true, ..Rules::default() });
    world.patient(1, &[]);
    let server = world.site.serve();
    world.pacs.knows(OWN_TITLE, server.dicom.port());
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    world.compute(&["1:seg,sr"], "sent");
    world.partner.take(&world.at("sent"));
    check(&world);
    server.stop();
}

/// Our AE title, as the nodes of the tests know it.
const OWN_TITLE: &str = "RESEARCHPACS";

fn pushed(world: &World) -> u64 {
    world.site.count("main", "ledger WHERE event = 'returned'")
}

#[test]
fn a_clinical_pacs_that_supports_storage_commitment_is_asked_by_it() {
    with_commitment(0, |world| {
        world.wait_for_sets(1, &["closed"]);
        let by_report = "ledger WHERE event = 'confirmed' AND cause = 'storage commitment'";
        assert_eq!((world.site.count("main", by_report), pushed(world)), (2, 2));
        assert_eq!(world.check_return("sent")["results"], 2);
        assert_eq!(world.events()["return.confirmed"], 1);
        world.assert_purged();
    });
}

#[test]
fn what_was_lost_after_its_success_is_pushed_again() {
    with_commitment(1, |world| {
        world.wait_for_sets(1, &["closed"]);
        assert_eq!(pushed(world), 3, "the report once, the segmentation twice");
        assert_eq!(world.check_return("sent")["results"], 2);
        assert_eq!(world.events()["return.confirmed"], 1);
    });
}

#[test]
fn what_is_lost_each_time_goes_to_a_person() {
    with_commitment(1000, |world| {
        world.wait_for_sets(1, &["attention"]);
        assert_eq!(pushed(world), 4, "the report once, the segmentation three times");
        assert!(!world.events().contains_key("return.confirmed"));
        assert_eq!(world.blobs("return-buffer"), 2, "nothing is purged before it is confirmed");
    });
}

/// RR-7: whose object it is that is there under the partner's UIDs nobody knows, and it must be neither replaced nor doubled.
#[test]
fn what_the_clinical_pacs_has_already_under_the_uids_of_a_result_is_not_pushed_over() {
    let world = World::new(&Rules::default());
    world.patient(1, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    world.compute(&["1:seg,sr"], "sent");
    let there = world.at("there").join("1_seg.dcm");
    std::fs::copy(world.at("sent").join("1_seg.dcm"), &there).unwrap();
    for element in
        [format!("(0020,000D)={}", super::identity::study_of(&world, 1)), "(0010,0020)=HOSP-0001".into()]
    {
        run(system_command("dcmodify").args(["-nb", "-i", &element]).arg(&there));
    }
    world.pacs.take(&world.at("there"));
    let before = world.pacs.held();
    world.partner.take(&world.at("sent"));
    let set = world.wait_for_sets(1, &["attention"]).remove(0);
    assert!(world.show(&set.id).contains("instances-already-there"), "{}", world.show(&set.id));
    assert_eq!((world.pacs.held(), pushed(&world)), (before, 0));
    assert_eq!(world.events()["return.failed"], 1);
    // asked again, for nothing has changed
    world.site.answer(&["result", "retry", &set.id, "--by", "Dr Grey"], 0);
    wait_until("it is stopped again", || world.events()["return.failed"] == 2);
    assert_eq!(pushed(&world), 0);
    server.stop();
}

#[test]
fn what_was_pushed_before_an_opposition_is_told_as_returned() {
    let world = World::between(
        Archive::orthanc("PACS"),
        Archive::orthanc("UNI"),
        &Rules { commitment: true, ..Rules::default() },
    );
    world.patient(1, &["--bare"]);
    let server = world.site.serve();
    // its report goes nowhere
    world.pacs.knows(OWN_TITLE, crate::harness::free_port());
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    world.compute(&["1:seg"], "sent");
    world.partner.take(&world.at("sent"));
    wait_until("commitment is asked for", || world.site.count("buffer", "commitment") == 1);
    super::withheld::oppose(&world);
    assert_eq!(world.site.count("main", "job WHERE state = 'withdrawn'"), 1);
    world.wait_for_sets(1, &["released"]);
    server.stop();
    let server = world.site.serve_later(7 * 60);
    world.pacs.knows(OWN_TITLE, server.dicom.port());
    let sets = world.wait_for_sets(1, &["closed"]);
    assert!(world.show(&sets[0].id).contains("released → returned"));
    assert_eq!(world.site.count("main", "ledger WHERE event = 'confirmed'"), 1);
    world.assert_purged();
    server.stop();
}
