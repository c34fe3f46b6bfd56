//! A clinical PACS that answers with success and does not keep everything (AC9.3, AC10.2, INV-7).

use super::world::{Rules, World};
use crate::harness::Archive;
use crate::harness::wait_until;

#[test]
fn what_the_clinical_pacs_loses_is_never_told_as_returned() {
    let mut pacs = Archive::new("PACS");
    pacs.lose("SEG");
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
