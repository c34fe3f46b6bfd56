//! `kill -9` at random moments of the way out (AC3.3, ACX.3, INV-11). What the kills interrupted comes again after the lease of a minute:
//! each life of the program has a clock two minutes ahead of the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::world::{ScriptedPartner, World};
use crate::harness::{Association, CT, EXPLICIT, Instance, Project, dicom_partner, wait_until};

const ROUNDS: u64 = 15;
const PIXELS: usize = 4096;

/// `RESEARCH_PACS_TEST_SEED` tries other moments.
fn seed() -> u64 {
    std::env::var("RESEARCH_PACS_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122)
}

/// A number from 0 to `below`, the next of xorshift.
fn random(state: &mut u64, below: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % below
}

/// What tells an instance at the partner: its pixels go through unchanged.
fn pixels(instance: &Instance) -> String {
    let bytes = &instance.data_set[instance.data_set.len() - PIXELS..];
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn killed_at_random_moments(eager: bool) {
    let partner = ScriptedPartner::new();
    let _peer = partner.start(&[]);
    let project = Project { eager, ..Project::open("killed", "P1", "uni") };
    let world = World::new(&[project], &dicom_partner("uni", partner.port));
    let (mut state, mut next) = (seed() | 1, 0_u64);
    let (mut sent, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..ROUNDS {
        let server = world.site.serve_later(2 * round);
        let until = Duration::from_millis(random(&mut state, 1500));
        let count = 4 + random(&mut state, 12);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let Ok(mut association) = Association::open(server.dicom, "P1", CT, EXPLICIT) else { return };
                for number in next..next + count {
                    let instance = Instance::new(number, PIXELS);
                    sent.insert(pixels(&instance));
                    match association.store(CT, &instance.uid, &instance.data_set) {
                        Ok(0) => _ = acknowledged.insert(pixels(&instance)),
                        _ => return,
                    }
                }
                association.release();
            });
            std::thread::sleep(until);
        });
        server.kill();
        next += count;
    }
    let server = world.site.serve_later(2 * ROUNDS + 60);
    let ended = || {
        world.site.count("main", "job_queue WHERE state IN ('ready', 'leased')") == 0
            && world.site.count("buffer", "received_instance WHERE state IN ('received', 'admitted')") == 0
            && world.site.count("buffer", "receiving_study WHERE closed_at IS NULL") == 0
            && world.jobs().iter().all(|job| job.is_acknowledged())
    };
    wait_until("every job ends", ended);
    server.stop();
    let mut there: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for arrival in partner.arrivals() {
        there.entry(arrival.pixels).or_default().insert((arrival.uid, arrival.data_set));
    }
    let told = format!("seed {}", seed());
    assert!(acknowledged.len() > 40, "{told}: only {} were acknowledged", acknowledged.len());
    let lost = acknowledged.iter().filter(|pixels| !there.contains_key(*pixels)).count();
    assert_eq!(lost, 0, "{told}: lost of {}", acknowledged.len());
    assert!(there.keys().all(|pixels| sent.contains(pixels)), "{told}: something is there that nobody sent");
    let doubled = there.values().filter(|same| same.len() > 1).count();
    assert_eq!(doubled, 0, "{told}: instances that came again under another UID or with other bytes");
    assert_eq!(world.site.count("main", "job_queue WHERE state = 'attention'"), 0, "{told}");
    assert!(world.held().is_empty(), "{told}");
}

#[test]
fn what_was_acknowledged_reaches_the_partner_once_when_stable() {
    killed_at_random_moments(false);
}

#[test]
fn what_was_acknowledged_reaches_the_partner_once_when_eager() {
    killed_at_random_moments(true);
}
