//! When the first byte leaves, and what comes late (AC1.5, DEC-O, DEC-T).

use std::time::{Duration, SystemTime};

use super::world::{ScriptedPartner, World, push, study};
use crate::harness::{Project, dicom_partner, wait_until};

fn seconds() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

const TIMER: u32 = 3;

#[test]
fn stable_waits_for_the_timer_and_a_late_instance_makes_an_increment() {
    let partner = ScriptedPartner::new();
    let _peer = partner.start(&[]);
    let project = Project { stable_after_seconds: TIMER, ..Project::open("stable", "P1", "uni") };
    let world = World::new(&[project], &dicom_partner("uni", partner.port));
    let server = world.site.serve();
    push(&server, "P1", &study(&world.site.folder("a"), "MRN-0042", &["--images", "2"]));
    let last = seconds();
    wait_until("everything is de-identified", || {
        world.site.count("main", "ledger WHERE event = 'cleared'") == 2
    });
    assert!(seconds() - last < f64::from(TIMER), "completeness does not hold de-identification up");
    world.wait_for_acknowledged(1);
    let first_byte = partner.arrivals().iter().map(|arrival| arrival.at).fold(f64::MAX, f64::min);
    assert!(
        first_byte - last > f64::from(TIMER) - 0.5,
        "left {} s after the last arrival",
        first_byte - last
    );

    push(&server, "P1", &study(&world.site.folder("b"), "MRN-0042", &["--images", "1", "--first", "3"]));
    world.wait_for_acknowledged(2);
    server.stop();
    let jobs = world.jobs();
    assert_eq!((jobs[0].increment, jobs[1].increment), (1, 2));
    assert_eq!(jobs[0].first_increment, jobs[1].first_increment);
    let arrivals = partner.arrivals();
    let numbers: Vec<u32> = arrivals.iter().map(|arrival| arrival.number).collect();
    assert_eq!(numbers.len(), 3, "{numbers:?}: only the late one left again");
    assert!(arrivals.iter().all(|arrival| arrival.patient == arrivals[0].patient));
}

#[test]
fn eager_sends_while_the_study_arrives_and_ends_when_it_is_stable() {
    let partner = ScriptedPartner::new();
    let _peer = partner.start(&[]);
    let project = Project { eager: true, stable_after_seconds: TIMER, ..Project::open("eager", "P1", "uni") };
    let world = World::new(&[project], &dicom_partner("uni", partner.port));
    let server = world.site.serve();
    for number in 0..6_u32 {
        let folder = world.site.folder(&format!("part {number}"));
        let first = (1 + number * 3).to_string();
        push(&server, "P1", &study(&folder, "MRN-0042", &["--images", "3", "--first", &first]));
        std::thread::sleep(Duration::from_millis(200)); // the arrivals of a modality that is at work
    }
    let last = seconds();
    wait_until("all is at the partner", || partner.arrivals().len() == 18);
    assert!(seconds() - last < f64::from(TIMER), "before the timer");
    assert_eq!(world.jobs()[0].state, "receiving", "more may come");
    world.wait_for_acknowledged(1);
    server.stop();
    assert_eq!(partner.arrivals().len(), 18, "nothing left twice");
}
