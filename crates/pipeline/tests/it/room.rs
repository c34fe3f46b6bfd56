//! Below the watermark of the objects' volume the stage waits: nothing fails and nothing is held.

use serde_json::json;

use crate::world::{Instance, World};

#[tokio::test(flavor = "multi_thread")]
async fn without_room_the_work_waits_and_costs_no_try() {
    let mut world = World::on_volume(json!({}), u64::MAX).await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.pass_seconds(3600);
    world.settle().await;
    let waiting =
        "SELECT COUNT(*) FROM job_queue WHERE kind = 'deidentify' AND state = 'ready' AND attempts = 0";
    assert_eq!(World::count(&world.line.main, waiting).await, 1);
    assert!(world.held().await.is_empty() && world.objects() == 0);
    assert!(!world.line.blobs.has_room());
}
