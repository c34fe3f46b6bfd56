//! What happened between export and return: originals purged (ACX.5), a participant who opposes (AC8.2, ACX.4).

use std::fs;

use super::world::{Rules, World};
use crate::harness::wait_until;

#[test]
fn acx_5_the_circle_closes_after_the_originals_are_gone() {
    let world = World::new(&Rules { retention_hours: 0, ..Rules::default() });
    world.patient(1, &["--charset", "japanese"]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    wait_until("the originals are purged", || {
        world.site.count("buffer", "received_instance WHERE state <> 'released'") == 0
    });
    world.compute(&["1:seg,sr"], "sent");
    world.partner.take(&world.at("sent"));
    wait_until("every set closes", || {
        let sets = world.sets();
        !sets.is_empty() && sets.iter().all(|set| set.state == "closed") && world.pacs.count() == 5
    });
    assert_eq!(world.check_return("sent")["results"], 2);
    server.stop();
}

pub(super) fn oppose(world: &World) {
    let list = world.at("lists").join("opposition.csv");
    fs::write(&list, "patient_id,issuer,kind,date,action\nHOSP-0001,site,opposition,2026-01-02,stop\n")
        .unwrap();
    let told = world.site.answer(&["vault", "oppose", "--project", "first", list.to_str().unwrap()], 0);
    assert!(told.contains("1 known participants are stopped"), "{told}");
}

#[test]
fn rc_13_nothing_returns_for_a_participant_who_opposed_before_the_result() {
    let world = World::new(&Rules::default());
    world.patient(1, &["--bare"]);
    world.patient(2, &["--bare"]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(2);
    world.held_by_partner();
    oppose(&world);
    world.compute(&["1:seg", "2:seg"], "sent");
    world.partner.take(&world.at("sent"));
    wait_until("the other's result returns", || world.sets().iter().any(|set| set.state == "closed"));
    assert_eq!(world.site.count("main", "job WHERE state = 'withdrawn'"), 1);
    assert_eq!(world.pacs.count(), 7);
    assert_eq!(world.sets().len(), 1, "the result is not even fetched");
    server.stop();
}

#[test]
fn rc_13_nothing_returns_for_a_participant_who_opposed_before_the_release() {
    let world = World::new(&Rules { release: "person", ..Rules::default() });
    world.patient(1, &["--bare"]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    world.compute(&["1:seg"], "sent");
    world.partner.take(&world.at("sent"));
    let sets = world.wait_for_sets(1, &["reconciled"]);
    oppose(&world);
    world.wait_for_sets(1, &["withdrawn"]);
    let release = world.site.command(&["result", "release", &sets[0].id, "--by", "Dr Grey"]);
    assert!(!release.status.success(), "what was withdrawn is not released");
    world.assert_nothing_returned();
    server.stop();
}
