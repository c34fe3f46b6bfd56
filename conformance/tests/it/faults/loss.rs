//! `kill -9` at random moments.

use std::time::{Duration, Instant};

use super::pushing::Push;
use crate::harness::Site;

/// Rounds on one site; the buffer is checked after each, so that sites stay small.
const ROUNDS: u64 = 10;
const SITES: u64 = 5;

/// `RESEARCH_PACS_TEST_SEED` tries other moments.
fn seed() -> u64 {
    std::env::var("RESEARCH_PACS_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122)
}

/// `SplitMix64`: the next of a sequence of random numbers.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[test]
fn nothing_acknowledged_is_lost_by_fifty_kills() {
    let (mut random_state, started) = (seed(), Instant::now());
    let (mut acknowledged, mut kills) = (0, 0);
    for number in 0..SITES {
        let (site, push) = (Site::new(), Push::default());
        for round in 0..ROUNDS {
            let moment = Duration::from_micros(random(&mut random_state) % 800_000);
            let server = site.serve();
            push.during(server.dicom, || {
                std::thread::sleep(moment);
                server.kill();
            });
            kills += 1;
            let when = format!("seed {}, site {number}, round {round}, killed after {moment:?}", seed());
            push.ledger.lock().unwrap().assert_kept(&site.listing(), &when);
        }
        // and after a life that ended as it should
        let server = site.serve();
        push.during(server.dicom, || push.wait_for(20));
        server.stop();
        push.ledger.lock().unwrap().assert_kept(&site.listing(), "after the graceful end");
        assert!(push.refusals.lock().unwrap().is_empty(), "{:04x?}", push.refusals.lock().unwrap());
        acknowledged += push.acknowledged();
    }
    assert!(acknowledged > 1000, "only {acknowledged} instances were acknowledged: the test proves little");
    eprintln!("{kills} kills, {acknowledged} instances acknowledged, none lost; {:?}", started.elapsed());
}

/// A kill while the rows of the last kill are still being made.
#[test]
fn nothing_is_lost_when_the_recovery_is_killed_too() {
    let (site, push, mut random_state) = (Site::new(), Push::default(), seed());
    for round in 0..8 {
        let server = site.serve();
        push.during(server.dicom, || {
            push.wait_for(30);
            server.kill();
        });
        for _ in 0..3 {
            let server = site.serve();
            std::thread::sleep(Duration::from_micros(random(&mut random_state) % 30_000));
            server.kill();
        }
        push.ledger.lock().unwrap().assert_kept(&site.listing(), &format!("seed {}, round {round}", seed()));
    }
}
