//! A partner that is asked, falls silent and comes back (AC6.2, AC6.6).

use super::world::{Rules, World};
use crate::harness::{Server, get, wait_until};

/// A figure of `/metrics` about the questions to the partner; 0 while it is not there.
fn figure(server: &Server, name: &str) -> u64 {
    let page = get(server.http, "/metrics").1;
    let line = page.lines().find(|line| line.contains(name) && line.contains("project=\"first\""));
    line.and_then(|line| line.rsplit_once(' ')).map_or(0, |(_, value)| value.parse().unwrap())
}

#[test]
fn a_silent_partner_is_counted_and_told_and_asked_on() {
    let mut world = World::new(&Rules::default());
    world.patient(1, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    wait_until("the partner answers", || figure(&server, "outcome=\"answered\"") > 0);
    let answered_at = figure(&server, "poll_last_success_timestamp_seconds{");
    assert!(answered_at > 1_700_000_000, "{answered_at}");
    assert_eq!(figure(&server, "outcome=\"failed\""), 0);

    world.partner.stop();
    wait_until("it is told", || world.events().contains_key("poll.silent"));
    assert_eq!(figure(&server, "outcome=\"failed\""), 3);
    assert_eq!(world.events()["poll.silent"], 1);

    let before = figure(&server, "outcome=\"answered\"");
    world.partner.start_orthanc();
    wait_until("it answers again", || figure(&server, "outcome=\"answered\"") > before);
    server.stop();
}
