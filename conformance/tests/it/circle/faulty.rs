//! Results that must not return by themselves (AC7.2, AC8.1, RC-02 to RC-10): each ends with its reason, none reaches the clinical PACS.

use std::fs;
use std::path::Path;

use super::world::{Made, Rules, World};
use crate::harness::wait_until;

/// What the partner makes for a patient, and the state and the reason that it ends with.
struct Case {
    number: u32,
    options: &'static [&'static str],
    state: &'static str,
    reason: &'static str,
}

const fn case(
    number: u32,
    options: &'static [&'static str],
    state: &'static str,
    reason: &'static str,
) -> Case {
    Case { number, options, state, reason }
}

const CASES: [Case; 13] = [
    case(1, &["--fault", "patient-id"], "manual", "patient-id-altered"),
    case(2, &["--fault", "patient-name"], "manual", "patient-name-altered"),
    case(3, &["--fault", "foreign-code"], "rejected", "several-participants"),
    case(4, &["--fault", "foreign-reference"], "rejected", "several-participants"),
    case(5, &["--fault", "two-patients"], "rejected", "several-participants"),
    case(6, &["--fault", "other-project"], "rejected", "issued-elsewhere"),
    case(7, &["--fault", "original-uid"], "rejected", "original-uid"),
    case(8, &["--fault", "date"], "manual", "date-of-no-class"),
    case(9, &["--fault", "sop-class"], "manual", "instance-not-taken"),
    case(10, &["--kinds", "pdf", "--fault", "active"], "manual", "active-content"),
    // what may show the code where nobody can look: a person lets it go
    case(11, &["--kinds", "sc"], "reconciled", "identity-same"),
    case(12, &["--kinds", "pdf"], "reconciled", "identity-same"),
    case(13, &["--kinds", "seg", "sr", "--fault", "missing"], "retrieved", ""),
];

#[test]
fn every_faulty_result_ends_with_its_reason_and_none_reaches_the_clinical_pacs() {
    let world = World::new(&Rules::default());
    for case in &CASES {
        world.patient(case.number, &[]);
    }
    // says nothing that we ask for
    world.patient(20, &[]);
    let originals = world.at("originals");
    let server = world.serve();
    world.acquire(&server);
    let second = world.at("second");
    for number in 1..=3 {
        let name = format!("6_one_{number}.dcm");
        fs::copy(originals.join(&name), second.join(&name)).unwrap();
    }
    super::archive::store(server.dicom.port(), "P2", &second);
    world.wait_for_partner(CASES.len() as u64 + 2);
    world.held_by_partner();

    let compute = |number: u32, options: &[&str]| {
        let originals = originals.to_str().unwrap();
        let fixed = ["--project", "PROTOCOL-first", "--originals", originals];
        let options: Vec<&str> = fixed.iter().chain(options).copied().collect();
        world.compute(number, &options, "sent")
    };
    let made: Vec<Made> = CASES.iter().map(|case| compute(case.number, case.options)).collect();
    compute(20, &["--fault", "unknown-study"]);
    world.partner.take(&world.at("sent"));
    let states: Vec<&str> = CASES.iter().map(|case| case.state).collect();
    world.wait_for_sets(CASES.len(), &states);
    wait_until("each case is looked at", || {
        let sets = world.sets();
        CASES.iter().zip(&made).all(|(case, made)| {
            sets.iter()
                .any(|set| set.study == made.study && (set.state == case.state || case.state == "retrieved"))
        })
    });
    let expected = |case: &Case, made: &Made| {
        let end = world.ends(&made.study);
        assert!(
            end.contains(&format!("→ {}", case.state)) && end.contains(case.reason),
            "{:?}: {end}",
            case.options
        );
    };
    CASES.iter().zip(&made).for_each(|(case, made)| expected(case, made));
    world.assert_nothing_returned();
    server.stop();

    // after its deadline the set that lacks what it cites goes to a person; nothing else has moved
    let server = world.serve_later(20);
    let missing = &made[CASES.len() - 1];
    wait_until("the deadline", || !world.ends(&missing.study).contains("→ retrieved"));
    expected(&case(13, &["missing"], "manual", "unknown-reference"), missing);
    CASES.iter().zip(&made).take(CASES.len() - 1).for_each(|(case, made)| expected(case, made));
    world.assert_nothing_returned();
    let events = world.events();
    assert!(!events.contains_key("return.confirmed"), "{events:?}");
    // each that a person has to look at was told once
    let told = CASES.iter().filter(|case| case.state != "reconciled").count() as u64;
    assert_eq!(events["result.manual"], told, "{events:?}");
    server.stop();
}

fn deliver(world: &World, file: &str) {
    let one = world.at(&format!("only {file}"));
    fs::copy(world.at("sent").join(file), one.join(file)).unwrap();
    world.partner.take(Path::new(&one));
}

#[test]
fn rc_02_a_report_that_comes_before_its_segmentation_returns_after_it() {
    let world = World::new(&Rules::default());
    world.patient(1, &[]);
    let server = world.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    world.compute(1, &["--kinds", "seg", "sr"], "sent");
    deliver(&world, "1_sr.dcm");
    world.wait_for_sets(1, &["retrieved"]);
    deliver(&world, "1_seg.dcm");
    wait_until("the segmentation returned", || world.sets().iter().any(|set| set.state == "closed"));
    world.wait_for_sets(2, &["retrieved", "closed"]);
    server.stop();
    let server = world.serve_later(2);
    world.wait_for_sets(2, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 2);
    wait_until("the job closes", || world.count("main", "job WHERE state = 'closed'") == 1);
    server.stop();
}

#[test]
fn what_is_offered_again_or_too_late_is_not_returned() {
    let world = World::new(&Rules::default());
    for number in [1, 2] {
        world.patient(number, &[]);
    }
    let server = world.serve();
    world.acquire(&server);
    world.wait_for_partner(2);
    world.held_by_partner();
    world.compute(1, &[], "sent");
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(1, &["closed"]);
    // the same again, and something new for a closed job
    world.partner.take(&world.at("sent"));
    world.compute(1, &["--kinds", "kos"], "late");
    world.partner.take(&world.at("late"));
    // the partner was asked since: the other job's result is back
    world.compute(2, &[], "sent");
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(2, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 2);
    assert_eq!(world.events()["return.confirmed"], 2);
    world.assert_purged();
    server.stop();
}
