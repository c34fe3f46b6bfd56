//! Every instance that is cleared is sent by some job (AC1.5, DEC-O).

use archive::buffer::{Decision, QuarantineReason};
use archive::job::JobState;

use crate::world::{Instance, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_releases_after_the_end_of_its_job_is_sent_by_a_new_increment() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.receive(&Instance { name: "Somebody^Else", ..Instance::new(2) }).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!(world.jobs().await.iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Closed]);
    assert_eq!(world.sent(), 1);
    let held = world.held().await;
    assert_eq!(held.iter().map(|entry| entry.reason).collect::<Vec<_>>(), [QuarantineReason::SecondPatient]);

    world.decide(&held[0], Decision::Release).await;
    world.settle().await;
    assert_eq!(world.lines("cleared").await, 2);
    world.become_stable().await;
    let jobs = world.jobs().await;
    assert_eq!(jobs.iter().map(|job| job.increment).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(jobs[0].first_increment, jobs[1].first_increment);
    assert!(jobs.iter().all(|job| job.state == JobState::Closed), "{jobs:?}");
    assert_eq!(world.sent(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_study_whose_last_instances_are_held_at_admission_goes_on_without_them() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    // it arrives while nobody admits, and the study becomes stable meanwhile
    world.receive(&Instance { patient_id: "", ..Instance::new(2) }).await;
    world.pass_seconds(61);
    World::execute(&world.line.buffer, "UPDATE receiving_study SET closed_at = 1").await;
    world.settle().await;
    assert_eq!(world.held().await.len(), 1);
    assert_eq!(world.jobs().await[0].state, JobState::Closed);
    assert_eq!(world.sent(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_instances_than_may_be_open_at_once_are_all_sent() {
    let mut world = World::new().await;
    for number in 1..=150 {
        world.receive(&Instance::new(number)).await;
    }
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.lines("cleared").await, world.objects(), world.sent()), (150, 150, 150));
    assert_eq!(world.jobs().await.len(), 1);
}
