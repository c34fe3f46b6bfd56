//! Who lets a result into the clinical record (DEC-E, AC9.2).

use super::world::{Rules, World};

/// A site with results of `patients`, each set reconciled and waiting.
fn waiting(rules: &Rules, patients: u32, kinds: &str, check: impl FnOnce(&World)) {
    let world = World::new(rules);
    for number in 1..=patients {
        world.patient(number, &[]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(patients.into());
    world.held_by_partner();
    let cases: Vec<String> = (1..=patients).map(|number| format!("{number}:{kinds}")).collect();
    world.compute(&cases.iter().map(String::as_str).collect::<Vec<_>>(), "sent");
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(patients as usize, &["reconciled"]);
    assert_eq!(world.events()["return.waiting-release"], u64::from(patients));
    world.assert_nothing_returned();
    check(&world);
    server.stop();
}

fn release(world: &World) {
    let set = &world.sets()[0];
    world.site.answer(&["result", "release", &set.id, "--by", "Dr Grey"], 0);
    world.wait_for_sets(1, &["closed"]);
    assert!(
        world.show(&set.id).contains("reconciled → released  release Dr Grey"),
        "{}",
        world.show(&set.id)
    );
    assert_eq!(world.check_return("sent")["results"], 1);
    assert_eq!(world.events()["return.confirmed"], 1);
    world.assert_purged();
}

#[test]
fn a_person_releases_by_name_or_rejects_for_good() {
    waiting(&Rules { release: "person", ..Rules::default() }, 2, "seg", |world| {
        let sets = world.sets();
        world.site.answer(&["result", "release", &sets[0].id, "--by", "Dr Grey"], 0);
        world
            .site
            .answer(&["result", "reject", &sets[1].id, "--by", "Dr Grey", "--reason", "not plausible"], 0);
        world.wait_for_sets(2, &["closed", "rejected"]);
        assert!(world.show(&sets[1].id).contains("reconciled → rejected  reject Dr Grey not plausible"));
        assert_eq!(world.pacs.count(), 7, "one of two results");
        assert_eq!(world.events()["return.confirmed"], 1);
        // neither can be decided about again
        for set in &sets {
            let again = world.site.command(&["result", "release", &set.id, "--by", "Dr Grey"]);
            assert!(!again.status.success());
        }
    });
}

#[test]
fn no_policy_releases_what_software_of_unknown_status_made() {
    waiting(&Rules { software_status: false, ..Rules::default() }, 1, "seg", |world| {
        let shown = world.show(&world.sets()[0].id);
        assert!(shown.contains("identity-same"), "{shown}");
        release(world);
    });
}

#[test]
fn no_policy_releases_where_the_identity_could_not_be_checked() {
    waiting(&Rules { query: false, ..Rules::default() }, 1, "seg", |world| {
        let shown = world.show(&world.sets()[0].id);
        assert!(shown.contains("identity-not-checked"), "{shown}");
        release(world);
    });
}

#[test]
fn no_policy_releases_pixels_and_documents_that_may_show_the_code() {
    for kind in ["sc", "pdf"] {
        waiting(&Rules::default(), 1, kind, release);
    }
}
