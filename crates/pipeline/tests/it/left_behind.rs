//! What a crash or a changed configuration left behind leaves by the timers (INV-9).

use std::io::Write;

use archive::blob::BlobKey;
use archive::buffer;
use archive::result_set::{self, ResultSetEvent, ResultSetState};
use archive::state::{ActorKind, Change};
use archive::zone::Zone;
use uuid::Uuid;

use crate::world::{Instance, START, World};

const DAY: i64 = 24 * 3600;

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_a_row_goes_after_its_grace_and_the_others_stay() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    let zones = [Zone::Archive, Zone::Inbound, Zone::ReturnBuffer];
    let keys = zones.map(|zone| BlobKey::new(zone, Uuid::now_v7()).unwrap());
    for key in keys {
        let mut writer = world.line.blobs.create(key).unwrap();
        writer.write_all(b"left by a crash").unwrap();
        world.line.blobs.finish_batch(vec![writer]).unwrap();
    }
    let is_there = |key: &BlobKey| world.line.blobs.open(*key).is_ok();
    world.retention().await;
    world.pass_seconds(3600);
    world.retention().await;
    assert!(keys.iter().all(is_there), "young ones may still get their row");
    // past the grace of a day, whatever the day of the test is
    let today = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    world.pass_seconds((i64::try_from(today).unwrap() - START) / 1000 + 2 * DAY);
    world.retention().await;
    assert!(keys.iter().all(is_there), "seen once");
    world.pass_seconds(3600);
    world.retention().await;
    assert!(!keys.iter().any(is_there));
    assert_eq!(world.objects(), 1);
}

/// Looks twice, past the grace of a day, whatever the day of the test is.
async fn sweep(world: &World) {
    let today = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    world.pass_seconds((i64::try_from(today).unwrap() - START) / 1000 + 2 * DAY);
    for _ in 0..3 {
        world.retention().await;
        world.pass_seconds(3600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_stays_when_the_main_database_lost_its_row() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    // restored from a backup that is older than the object
    World::execute(&world.line.main, "DELETE FROM instance").await;
    sweep(&world).await;
    assert_eq!(world.objects(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_where_much_of_a_zone_has_no_rows() {
    let world = World::new().await;
    let keys: Vec<_> = (0..101).map(|_| BlobKey::new(Zone::Archive, Uuid::now_v7()).unwrap()).collect();
    for key in &keys {
        let mut writer = world.line.blobs.create(*key).unwrap();
        writer.write_all(b"its row is in a backup").unwrap();
        world.line.blobs.finish_batch(vec![writer]).unwrap();
    }
    sweep(&world).await;
    assert_eq!(world.objects(), 101);
    assert_eq!(world.line.warnings.all(), [("Z3: objects without rows", 101)]);
    // one less is what a crash may leave
    world.line.blobs.remove(keys[0]).unwrap();
    for _ in 0..3 {
        world.retention().await;
    }
    assert_eq!(world.objects(), 0);
    assert!(world.line.warnings.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn originals_of_a_project_that_was_removed_leave_the_default_time_after_it_was_missed() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    // the project kept them for years
    world.pass_seconds(700 * DAY);
    World::execute(&world.line.buffer, "UPDATE received_instance SET project = 'gone'").await;
    world.retention().await;
    world.pass_seconds(29 * DAY);
    world.retention().await;
    assert_eq!(world.lines("purged").await, 0);
    world.pass_seconds(2 * DAY);
    world.retention().await;
    world.retention().await;
    assert_eq!(world.lines("purged").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deidentified_leaves_also_when_its_project_only_receives_now() {
    let mut world = World::with(serde_json::json!({"mode": "receive-only"})).await;
    for number in 1..3 {
        world.receive(&Instance::new(number)).await;
        world.admit().await;
    }
    let before = "UPDATE received_instance SET state = 'deidentified' WHERE sop_instance_uid LIKE '%.1'";
    assert_eq!(World::execute(&world.line.buffer, before).await, 1);
    world.pass_seconds(29 * DAY);
    world.admit().await;
    assert_eq!(world.lines("purged").await, 0);
    world.pass_seconds(2 * DAY);
    world.admit().await;
    assert_eq!(world.lines("purged").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_comes_back_is_missed_anew() {
    let mut world = World::with(serde_json::json!({"retention_hours": 24000})).await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    for project in
        ["UPDATE received_instance SET project = 'gone'", "UPDATE received_instance SET project = 'trial'"]
    {
        World::execute(&world.line.buffer, project).await;
        world.retention().await;
        world.pass_seconds(29 * DAY);
    }
    World::execute(&world.line.buffer, "UPDATE received_instance SET project = 'gone'").await;
    world.retention().await;
    assert_eq!(world.lines("purged").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_project_has_not_deidentified_waits() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.receive(&Instance::new(2)).await;
    world.admit().await;
    World::execute(&world.line.buffer, "UPDATE received_instance SET project = 'gone'").await;
    for _ in 0..3 {
        world.retention().await;
        world.pass_seconds(31 * DAY);
    }
    let waiting = "SELECT COUNT(*) FROM received_instance WHERE state = 'admitted'";
    assert_eq!(World::count(&world.line.buffer, waiting).await, 2);
    assert_eq!(world.line.warnings.all(), [("originals of projects that are not configured", 2)]);
    World::execute(&world.line.buffer, "UPDATE received_instance SET project = 'trial'").await;
    world.retention().await;
    assert!(world.line.warnings.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_in_attention_ends_also_when_its_project_was_removed() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    let job = world.jobs().await.remove(0);
    let change = Change {
        actor_kind: ActorKind::Stage,
        actor: "fetch",
        cause: "test",
        dossier_version: "7",
        gate_hash: None,
        at: START,
    };
    let mut transaction = world.line.main.write().await.unwrap();
    let set = result_set::create(&mut transaction, job.id, &change).await.unwrap();
    result_set::advance(&mut transaction, set, ResultSetEvent::Attention, &change).await.unwrap();
    transaction.commit().await.unwrap();
    World::execute(&world.line.main, "UPDATE result_set SET project = 'gone'").await;
    let inbound = buffer::ResultInstance {
        id: Uuid::now_v7(),
        result_set: set,
        study_instance_uid: "2.25.1".into(),
        series_instance_uid: "2.25.2".into(),
        sop_instance_uid: "2.25.3".into(),
        sop_class_uid: crate::world::CT.into(),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        location: "inbound/x".into(),
        bytes: 1,
        blake3: [0; 32],
    };
    let mut transaction = world.line.buffer.write().await.unwrap();
    buffer::insert_inbound(&mut transaction, "lab", &[inbound], START).await.unwrap();
    transaction.commit().await.unwrap();
    let state = async || result_set::show(world.line.main.reader(), set).await.unwrap().state;
    world.pass_seconds(29 * DAY);
    world.retention().await;
    assert_eq!(state().await, ResultSetState::Attention);
    world.pass_seconds(2 * DAY);
    world.retention().await;
    assert_eq!(state().await, ResultSetState::Rejected);
    world.pass_seconds(2 * DAY);
    world.retention().await;
    assert!(
        buffer::inbound_of(world.line.buffer.reader(), set)
            .await
            .unwrap()
            .iter()
            .all(|of| of.location.is_empty())
    );
}
