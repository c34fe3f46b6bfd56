//! What a named person accepts, and what nobody can accept (AC8.1, RC-04, RR-4, RR-8, RR-11).

use super::world::{Rules, World};
use crate::harness::wait_until;

/// What the partner makes, and the state and reason that it ends with; the last two never go back.
const CASES: [(&str, &str, &str); 6] = [
    ("1:seg:patient-id", "manual", "patient-id-altered"),
    ("2:seg:patient-name", "manual", "patient-name-altered"),
    ("3:seg:date", "manual", "date-of-no-class"),
    ("4:seg", "closed", "close"),
    ("5:seg:foreign-code", "rejected", "several-participants"),
    ("6:seg:sop-class", "manual", "instance-not-taken"),
];

#[test]
fn rc_04_what_the_partner_rewrote_returns_once_a_person_accepted_it() {
    let world = World::new(&Rules::default());
    for number in 1..=6 {
        world.patient(number, &[]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(6);
    world.held_by_partner();
    let made = world.compute(&CASES.map(|(case, ..)| case), "sent");
    world.partner.take(&world.at("sent"));
    let state_of = |study: &str| world.sets().into_iter().find(|set| set.study == study).map(|set| set.state);
    wait_until("each case ends", || {
        CASES.iter().zip(&made).all(|((_, state, _), study)| state_of(study).as_deref() == Some(state))
    });
    let set_of =
        |number: usize| world.sets().into_iter().find(|set| set.study == made[number - 1]).unwrap().id;
    let accept = |set: &str| {
        let (token, why) = (world.token(set), "the partner confirmed");
        ["result", "accept", set, "--answer", &token, "--by", "Dr Grey", "--reason", why].map(str::to_owned)
    };
    for (number, why) in [(4, "not manual"), (5, "is rejected"), (6, "instance-not-taken")] {
        let error = world.refused(&accept(&set_of(number)));
        assert!(error.contains(why), "{error}");
    }
    for number in 1..=3 {
        let set = set_of(number);
        let shown = world.show(&set);
        assert!(shown.contains(CASES[number - 1].2) && shown.contains(&made[number - 1]), "{shown}");
        world.answer_all(&accept(&set));
        wait_until("reconciled", || state_of(&made[number - 1]).as_deref() == Some("reconciled"));
        assert!(world.show(&set).contains("manual → retrieved  accept Dr Grey the partner confirmed"));
        world.site.answer(&["result", "release", &set, "--by", "Dr Grey"], 0);
    }
    wait_until("returned", || (1..=3).all(|n| state_of(&made[n - 1]).as_deref() == Some("closed")));
    for name in ["5_seg.dcm", "6_seg.dcm"] {
        std::fs::remove_file(world.at("sent").join(name)).unwrap();
    }
    assert_eq!(world.check_return("sent")["results"], 4);
    server.stop();
}
