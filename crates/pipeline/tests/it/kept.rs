//! Objects without identity at the source (AC1.9, DEC-P).

use archive::buffer::QuarantineReason;
use archive::job::JobState;
use serde_json::json;

use crate::world::{Instance, World};

fn phantom(number: u32) -> Instance {
    Instance {
        patient_id: "PHANTOM-1",
        name: "PHANTOM^QA",
        already_deidentified: true,
        marker: "YES",
        ..Instance::new(number)
    }
}

async fn study_uids(world: &World) -> Vec<(String,)> {
    sqlx::query_as("SELECT study_instance_uid FROM study").fetch_all(world.line.main.reader()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marked_object_keeps_its_uids_and_has_no_participant() {
    let mut world = World::with(json!({"results": {"return_to": "pacs"}})).await;
    world.receive(&phantom(1)).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!(world.sent(), 1);
    assert_eq!(study_uids(&world).await, [("1.2.276.0.777.1".to_owned(),)]);
    assert_eq!((world.lines("deidentified").await, world.lines("cleared").await), (0, 1));
    let cause: (String,) = sqlx::query_as("SELECT cause FROM ledger WHERE event = 'cleared'")
        .fetch_one(world.line.main.reader())
        .await
        .unwrap();
    assert_eq!(cause.0, "already-deidentified: marker");
    let job = world.jobs().await.remove(0);
    assert_eq!((job.state, job.participant, job.reversible), (JobState::Closed, None, false), "no way back");
    assert!(world.line.vault.concerned_by_erasure("trial", None).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_marker_and_declaration_or_from_another_source_it_is_deidentified() {
    for instance in [
        Instance { marker: "", ..phantom(1) },
        Instance { marker: "NO", ..phantom(1) },
        Instance { already_deidentified: false, ..phantom(1) },
    ] {
        let mut world = World::new().await;
        world.receive(&instance).await;
        world.settle().await;
        assert_eq!(world.lines("deidentified").await, 1);
        assert_ne!(study_uids(&world).await, [("1.2.276.0.777.1".to_owned(),)]);
    }
    let mut declared = World::with(json!({"sources_free_of_identity": ["MODALITY"]})).await;
    declared.receive(&Instance { marker: "", ..phantom(1) }).await;
    declared.settle().await;
    assert_eq!((declared.lines("deidentified").await, declared.lines("cleared").await), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_would_write_holds_it() {
    let mut world = World::new().await;
    let planted = ["call +33 1 23 45 67 89", "to wilma@canary.example.org", "asked by Dr Canarysson"];
    for (number, description) in (1..).zip(planted) {
        world.receive(&Instance { description, ..phantom(number) }).await;
    }
    world.receive(&phantom(9)).await;
    world.receive(&Instance { patient_id: "PHANTOM-2", ..phantom(10) }).await;
    world.settle().await;
    world.become_stable().await;
    let mut held: Vec<_> = world.held().await.iter().map(|entry| entry.reason).collect();
    held.sort_by_key(|reason| reason.as_str());
    let pattern = QuarantineReason::PatternFound;
    assert_eq!(held, [pattern, pattern, pattern, QuarantineReason::SecondPatient]);
    assert_eq!((world.sent(), world.objects()), (1, 1));
}
