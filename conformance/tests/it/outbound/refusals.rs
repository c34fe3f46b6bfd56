//! A partner that is away, or that refuses (AC3.3, AC3.4, AC3.7).

use std::collections::BTreeMap;

use super::world::{ScriptedPartner, World, check_set, push, study};
use crate::harness::{Project, dicom_partner, wait_until};

/// The pause after the first failure is anything up to 30 s.
#[test]
fn nothing_is_lost_while_the_partner_is_away_and_all_of_it_leaves_after() {
    let partner = ScriptedPartner::new();
    let world = World::new(&[Project::open("away", "P1", "uni")], &dicom_partner("uni", partner.port));
    let originals = study(&world.site.folder("originals"), "MRN-0042", &["--references"]);
    let server = world.site.serve();
    push(&server, "P1", &originals);
    wait_until("a failed try", || {
        world.site.count("main", "job_queue WHERE kind = 'export' AND attempts > 0") == 1
    });
    assert_eq!(world.jobs()[0].state, "deidentified");
    let _peer = partner.start(&[]);
    world.wait_for_acknowledged(1);
    server.stop();
    assert_eq!(check_set(&originals, partner.folder()).files, 5);
}

#[test]
fn what_is_refused_is_named_in_the_ledger_and_the_rest_is_delivered() {
    for eager in [false, true] {
        let partner = ScriptedPartner::new();
        let _peer = partner.start(&["--refuse-every", "3"]);
        // under eager long enough for all of it to be one increment
        let project = Project {
            eager,
            stable_after_seconds: if eager { 30 } else { 1 },
            ..Project::open("picky", "P1", "uni")
        };
        let world = World::new(&[project], &dicom_partner("uni", partner.port));
        let server = world.site.serve();
        push(&server, "P1", &study(&world.site.folder("a"), "MRN-0042", &["--images", "7"]));
        wait_until("the job waits for a person", || world.jobs().iter().any(|job| job.state == "attention"));
        if eager {
            // what arrives then is sent all the same
            push(
                &server,
                "P1",
                &study(&world.site.folder("b"), "MRN-0042", &["--images", "3", "--first", "8"]),
            );
            wait_until("the rest", || partner.arrivals().iter().filter(|one| one.status == 0).count() == 7);
        }
        wait_until("no work is left", || {
            world.site.count("main", "job_queue WHERE state IN ('ready', 'leased')") == 0
        });
        server.stop();
        let events = world.site.rows(
            "main",
            "SELECT event, cause, COUNT(DISTINCT instance) AS n FROM ledger WHERE destination = 'uni' GROUP BY event, cause",
        );
        let events: BTreeMap<(&str, &str), u64> = events
            .iter()
            .map(|row| {
                ((row["event"].as_str().unwrap(), row["cause"].as_str().unwrap()), row["n"].as_u64().unwrap())
            })
            .collect();
        let all = if eager { 10 } else { 7 };
        let refused = all / 3;
        assert_eq!(events[&("sent", "")], all);
        assert_eq!(events[&("acknowledged", "")], all - refused);
        assert_eq!(events[&("failed", "refused: status 0xC000")], refused, "{events:?}");
        assert_eq!(partner.arrivals().len() as u64, all, "what was refused is not offered again");
        assert_eq!(world.jobs().len(), 1);
        assert_eq!(world.jobs()[0].state, "attention");
    }
}
