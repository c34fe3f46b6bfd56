//! `kill -9` at random moments of the way back (ACX.3, INV-1, INV-5). What the kills interrupted comes again after the lease of a minute:
//! each life of the program has a clock two minutes ahead of the one before.

use std::fs;
use std::time::Duration;

use super::world::{Rules, World};
use crate::harness::wait_until;

const ROUNDS: u32 = 10;

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

#[test]
fn each_result_returns_once_whatever_interrupts() {
    let world = World::new(&Rules::default());
    for number in 1..=ROUNDS {
        world.patient(number, &["--images", "2"]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(ROUNDS.into());
    world.held_by_partner();
    server.stop();
    let cases: Vec<String> = (1..=ROUNDS).map(|number| format!("{number}:seg,sr,pm,kos")).collect();
    world.compute(&cases.iter().map(String::as_str).collect::<Vec<_>>(), "sent");
    let mut state = seed() | 1;
    for round in 1..=ROUNDS {
        let offered = world.at(&format!("round {round}"));
        for kind in ["seg", "sr", "pm", "kos"] {
            let name = format!("{round}_{kind}.dcm");
            fs::copy(world.at("sent").join(&name), offered.join(&name)).unwrap();
        }
        world.partner.take(&offered);
        let server = world.site.serve_later(2 * u64::from(round));
        std::thread::sleep(Duration::from_millis(500 + random(&mut state, 3000)));
        server.kill();
    }
    let server = world.site.serve_later(2 * u64::from(ROUNDS) + 60);
    wait_until(&format!("every job closes; seed {}", seed()), || {
        world.site.count("main", "job WHERE state = 'closed'") == u64::from(ROUNDS)
    });
    let sets = world.sets();
    assert!(sets.iter().all(|set| set.state == "closed"), "{sets:?}");
    assert_eq!(world.events()["return.confirmed"], sets.len() as u64, "seed {}", seed());
    assert_eq!(world.site.count("main", "job_queue WHERE state = 'attention'"), 0);
    assert_eq!(world.check_return("sent")["results"], 4 * ROUNDS);
    world.assert_purged();
    for event in ["retrieved", "reconciled", "confirmed"] {
        let doubled = format!(
            "(SELECT instance FROM ledger WHERE event = '{event}' GROUP BY instance HAVING COUNT(*) > 1)"
        );
        assert_eq!(world.site.count("main", &doubled), 0, "{event}: twice in the ledger; seed {}", seed());
        let told = format!("ledger WHERE event = '{event}'");
        assert_eq!(world.site.count("main", &told), u64::from(4 * ROUNDS), "{event}; seed {}", seed());
    }
    server.stop();
}
