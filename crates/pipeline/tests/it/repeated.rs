//! What is repeated after a crash, or received again after its original left, is there once (ACX.3, AC1.4).

use archive::buffer::{Decision, QuarantineReason};
use archive::job::JobState;
use pipeline::driver;

use crate::world::{Instance, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_crash_cut_off_before_the_buffer_writes_no_line_twice() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.receive(&Instance { name: "Somebody^Else", ..Instance::new(2) }).await;
    world.settle().await;
    let hash = "SELECT COUNT(DISTINCT hash) FROM ledger WHERE event = 'cleared'";
    // the main database has it, the buffer does not
    World::execute(
        &world.line.buffer,
        "UPDATE received_instance SET state = 'admitted' WHERE state = 'deidentified'",
    )
    .await;
    World::execute(&world.line.buffer, "UPDATE quarantine SET recorded = 0").await;
    World::execute(&world.line.main, "UPDATE job_queue SET state = 'ready' WHERE kind = 'deidentify'").await;
    world.settle().await;
    world.become_stable().await;
    for event in ["deidentified", "cleared", "quarantined", "sent", "acknowledged"] {
        assert_eq!(world.lines(event).await, 1, "{event}");
    }
    assert_eq!(World::count(&world.line.main, hash).await, 1);
    let waiting = "SELECT COUNT(*) FROM received_instance WHERE state = 'admitted'";
    assert_eq!(World::count(&world.line.buffer, waiting).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_after_the_purge_of_the_original_are_one_copy_and_no_job() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.become_stable().await;
    World::execute(&world.line.buffer, "DELETE FROM received_instance").await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.lines("duplicate").await, world.lines("cleared").await), (1, 1));
    assert_eq!((world.objects(), world.sent()), (1, 1));
    assert_eq!(world.jobs().await.iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Closed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_after_the_purge_of_the_original_wait_for_a_person() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.become_stable().await;
    World::execute(&world.line.buffer, "DELETE FROM received_instance").await;
    world.receive(&Instance { pixel: 8, ..Instance::new(1) }).await;
    world.settle().await;
    world.become_stable().await;
    let held = world.held().await;
    assert_eq!(held.iter().map(|entry| entry.reason).collect::<Vec<_>>(), [QuarantineReason::Differs]);
    assert_eq!((world.objects(), world.sent(), world.lines("cleared").await), (1, 1, 1));
    world.decide(&held[0], Decision::Release).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.objects(), world.lines("cleared").await), (2, 2));
}

/// A copy that a run made of an instance whose lease another worker took meanwhile: it is the other's work that counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_lease_was_lost_writes_nothing_and_deletes_nothing() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.admit().await;
    let taken = "CREATE TRIGGER taken AFTER UPDATE OF state ON job_queue WHEN NEW.state = 'leased' BEGIN \
                 UPDATE job_queue SET lease_token = '01932c07-2fd0-7a5e-8000-000000000001' WHERE id = NEW.id; END";
    World::execute(&world.line.main, taken).await;
    assert!(driver::work_off(&world.line).await.is_err(), "the lease is lost");
    let rows = "SELECT (SELECT COUNT(*) FROM instance) + (SELECT COUNT(*) FROM ledger)";
    assert_eq!(World::count(&world.line.main, rows).await, 0);
    World::execute(&world.line.main, "DROP TRIGGER taken").await;
    let lost = "UPDATE job_queue SET state = 'ready', lease_token = NULL";
    World::execute(&world.line.main, lost).await;
    world.settle().await;
    assert_eq!((world.objects(), world.lines("cleared").await, world.held().await.len()), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_run_cleared_meanwhile_is_no_duplicate_of_itself() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    World::execute(&world.line.buffer, "UPDATE received_instance SET state = 'admitted'").await;
    World::execute(&world.line.main, "UPDATE job_queue SET state = 'ready' WHERE kind = 'deidentify'").await;
    // the other run commits after this one has asked what is cleared, and before it writes
    World::execute(&world.line.main, "UPDATE instance SET cleared = 0").await;
    let cleared = "CREATE TRIGGER cleared AFTER UPDATE ON patient BEGIN UPDATE instance SET cleared = 1; END";
    World::execute(&world.line.main, cleared).await;
    driver::work_off(&world.line).await.unwrap();
    World::execute(&world.line.main, "DROP TRIGGER cleared").await;
    assert_eq!((world.objects(), world.lines("duplicate").await), (1, 0));
    world.become_stable().await;
    assert_eq!((world.sent(), world.held().await.len()), (1, 0));
}
