//! A share of the instances is looked at by a person before it leaves (review_percent, ADR 0010).

use archive::buffer::{Decision, QuarantineReason};
use archive::report;
use serde_json::json;

use crate::world::{Instance, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_drawn_waits_for_a_person_and_then_goes_on() {
    let mut world = World::with(json!({"review_percent": 100})).await;
    for number in 1..=2 {
        world.receive(&Instance::new(number)).await;
    }
    world.settle().await;
    world.become_stable().await;
    let held = world.held().await;
    assert!(held.len() == 2 && held.iter().all(|entry| entry.reason == QuarantineReason::Review));
    assert_eq!((world.sent(), world.objects(), world.lines("cleared").await), (0, 0, 0));
    // Whoever reviews one sees what was done to it.
    let done = report::of_instance(world.line.main.reader(), held[0].object).await.unwrap().unwrap();
    assert!(done.contains("(0010,0010)") && !done.contains("Canarysson"), "{done}");
    world.decide(&held[0], Decision::Release).await;
    world.decide(&held[1], Decision::Discard).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.held().await.len(), world.sent(), world.lines("cleared").await), (0, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_is_drawn_and_the_rest_goes_on() {
    let mut world = World::with(json!({"review_percent": 50})).await;
    for number in 1..=40 {
        world.receive(&Instance::new(number)).await;
    }
    world.settle().await;
    world.become_stable().await;
    let held = world.held().await.len();
    // Four standard deviations of forty draws.
    assert!((8..=32).contains(&held), "{held}");
    assert_eq!(world.sent(), 40 - held);
}

/// A redo applies the rules anew, and the draw is the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_draw_is_the_same_each_time() {
    let mut world = World::with(json!({"review_percent": 100})).await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    let held = world.held().await;
    world.decide(&held[0], Decision::Redo).await;
    world.settle().await;
    assert_eq!((world.held().await.len(), world.lines("cleared").await), (1, 0));
}
