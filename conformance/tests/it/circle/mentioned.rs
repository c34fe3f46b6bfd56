//! What stands where nobody looks for it by its tag: UIDs and codes in text, private bytes, items and documents (RR-3, RR-9, RC-04, RC-06, RC-09).

use super::world::{Rules, World};
use crate::harness::wait_until;

/// What the partner makes, see `algorithm.py`, and the state and the reason that it ends with.
const CASES: [(&str, &str, &str); 16] = [
    // RR-3, RR-9
    ("1:kos:text-uid", "manual", "pseudonym-left"),
    // RC-04
    ("2:kos:foreign-text-uid", "rejected", "several-participants"),
    ("3:kos:foreign-private-uid", "rejected", "several-participants"),
    // RC-09
    ("4:kos:private-uid", "closed", "close"),
    // RC-04
    ("5:kos:foreign-text-code", "rejected", "several-participants"),
    ("6:kos:foreign-name", "rejected", "several-participants"),
    ("7:kos:foreign-other-id", "rejected", "several-participants"),
    ("8:kos:foreign-subject", "rejected", "several-participants"),
    ("9:kos:foreign-nested-small", "rejected", "several-participants"),
    ("10:kos:subject-name", "manual", "patient-name-altered"),
    ("11:kos:nested-name", "manual", "patient-name-altered"),
    // table 8.3
    ("12:cda:document", "manual", "patient-id-altered"),
    ("13:enhanced:burned-in", "manual", "text-in-pixels"),
    // RC-03
    ("14:kos:time-zone", "closed", "close"),
    // RC-04
    ("15:kos:trial-subject", "manual", "trial-subject-altered"),
    // RR-4
    ("16:kos:dangling", "retrieved", ""),
];

#[test]
fn what_is_only_mentioned_is_mapped_or_ends_with_its_reason() {
    let world = World::new(&Rules::default());
    for number in 1..=CASES.len() {
        world.patient(u32::try_from(number).unwrap(), &[]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(CASES.len() as u64);
    world.held_by_partner();
    let made = world.compute(&CASES.map(|(case, ..)| case), "sent");
    world.partner.take(&world.at("sent"));
    let state_of = |study: &str| world.sets().into_iter().find(|set| set.study == study).map(|set| set.state);
    let settled =
        || CASES.iter().zip(&made).all(|((_, state, _), study)| state_of(study).as_deref() == Some(state));
    let started = std::time::Instant::now();
    while !settled() && started.elapsed().as_secs() < 50 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    for ((case, state, reason), study) in CASES.iter().zip(&made) {
        let end = world.ends(study);
        assert!(end.contains(&format!("→ {state}")) && end.contains(reason), "{case}: {end}");
    }
    // RC-04: recorded once a person accepted it
    let accepted = CASES.iter().position(|(case, ..)| case.ends_with("trial-subject")).unwrap();
    let set = world.sets().into_iter().find(|set| set.study == made[accepted]).unwrap().id;
    let (token, why) = (world.token(&set), "the partner confirmed");
    world.site.answer(&["result", "accept", &set, "--answer", &token, "--by", "Dr Grey", "--reason", why], 0);
    wait_until("reconciled", || state_of(&made[accepted]).as_deref() == Some("reconciled"));
    world.site.answer(&["result", "release", &set, "--by", "Dr Grey"], 0);
    wait_until("returned", || state_of(&made[accepted]).as_deref() == Some("closed"));
    for (case, state, _) in CASES {
        if state != "closed" && case != CASES[accepted].0 {
            let (number, rest) = case.split_once(':').unwrap();
            let kind = rest.split(':').next().unwrap();
            std::fs::remove_file(world.at("sent").join(format!("{number}_{kind}.dcm"))).unwrap();
        }
    }
    assert_eq!(world.check_return("sent")["results"], 3);
    server.stop();
}
