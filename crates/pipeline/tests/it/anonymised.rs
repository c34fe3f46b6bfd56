//! Anonymise mode: nothing in the vault, no way back, and the secret of a job ends with it (DEC-D, AC2.9).

use archive::buffer::{Decision, QuarantineReason};
use archive::job::JobState;
use pseudonym::OppositionKind;
use serde_json::json;

use crate::world::{Instance, World};

async fn world() -> World {
    World::with(json!({
        "mode": "anonymise",
        "dossier": {
            "state": "active", "version": 7, "valid_until": "2099-12-31", "mode": "anonymise",
            "recipients": ["lab"], "inclusion_required": false,
        },
    }))
    .await
}

async fn uids(world: &World) -> Vec<(String, String)> {
    let found = "SELECT patient.patient_id, study.study_instance_uid FROM study JOIN patient \
                 ON patient.id = study.patient ORDER BY study.id";
    sqlx::query_as(found).fetch_all(world.line.main.reader()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_and_repeats_agree_until_the_job_ended_and_nothing_is_traced_afterwards() {
    let mut world = world().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    World::execute(&world.line.main, "DELETE FROM instance").await;
    World::execute(&world.line.buffer, "UPDATE received_instance SET state = 'admitted'").await;
    World::execute(&world.line.main, "UPDATE job_queue SET state = 'ready' WHERE kind = 'deidentify'").await;
    world.receive(&Instance::new(2)).await;
    world.settle().await;
    assert_eq!(uids(&world).await.len(), 1, "the same code and UIDs");
    world.become_stable().await;
    assert_eq!(world.sent(), 2);
    let jobs = world.jobs().await;
    assert!(jobs.iter().all(|job| job.state == JobState::Closed && job.participant.is_none()), "{jobs:?}");
    assert!(world.line.vault.concerned_by_erasure("trial", None).await.unwrap().is_empty());

    world.retention().await;
    for table in ["SELECT COUNT(*) FROM study_subject", "SELECT COUNT(*) FROM received_instance"] {
        assert_eq!(World::count(&world.line.buffer, table).await, 0, "{table}");
    }
    assert_eq!(world.lines("purged").await, 2);
    // what comes after that is a new job with a new secret
    world.receive(&Instance::new(3)).await;
    world.settle().await;
    world.become_stable().await;
    let after = uids(&world).await;
    assert_eq!((after.len(), world.sent()), (2, 3));
    assert_ne!(after[0], after[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_patient_is_held_and_a_withdrawal_stops_what_waits() {
    let mut world = world().await;
    world.receive(&Instance::new(1)).await;
    world.receive(&Instance { patient_id: "MRN-0001", ..Instance::new(2) }).await;
    world.receive(&Instance { birth_date: "19600101", ..Instance::new(3) }).await;
    world.settle().await;
    let held = world.held().await;
    assert_eq!(held.len(), 2);
    assert!(held.iter().all(|entry| entry.reason == QuarantineReason::SecondPatient));
    world.oppose("MRN-0042", OppositionKind::Withdrawal).await;
    world.become_stable().await;
    assert_eq!(world.sent(), 0);
    assert_eq!(world.jobs().await[0].state, JobState::Attention);
}

#[test]
fn results_cannot_be_asked_for() {
    let project = serde_json::from_value(json!({
        "id": "trial", "mode": "anonymise", "results": {"return_to": "pacs"},
        "dossier": {"state": "active", "version": 1, "valid_until": "2099-12-31", "mode": "anonymise"},
    }));
    assert!(pipeline::line::Project::new(&project.unwrap()).is_err());
}

/// What is held when the jobs of its study have ended still belongs to it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_releases_late_gets_the_uids_of_its_study() {
    let mut world = World::with(json!({
        "mode": "anonymise", "review_percent": 50,
        "dossier": {
            "state": "active", "version": 7, "valid_until": "2099-12-31", "mode": "anonymise",
            "recipients": ["lab"], "inclusion_required": false,
        },
    }))
    .await;
    for number in 1..=20 {
        world.receive(&Instance::new(number)).await;
    }
    world.settle().await;
    world.become_stable().await;
    let held = world.held().await;
    assert!(!held.is_empty() && world.sent() > 0);
    world.retention().await;
    for entry in &held {
        world.decide(entry, Decision::Release).await;
    }
    world.settle().await;
    world.become_stable().await;
    assert_eq!((uids(&world).await.len(), world.sent()), (1, 20));
    world.retention().await;
    assert_eq!(World::count(&world.line.buffer, "SELECT COUNT(*) FROM study_subject").await, 0);
}
