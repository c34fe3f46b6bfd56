//! Objects without identity at the source (AC1.9, DEC-P).

use archive::buffer::{Decision, QuarantineReason};
use archive::job::JobState;
use serde_json::json;

use crate::world::{CT, Instance, World};

fn phantom(number: u32) -> Instance {
    Instance {
        patient_id: "PHANTOM-1",
        name: "PHANTOM",
        birth_date: "",
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

fn reasons(held: &[archive::buffer::Quarantined]) -> Vec<QuarantineReason> {
    held.iter().map(|entry| entry.reason).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_senders_flag_does_not_outweigh_a_name_or_a_birth_date() {
    let named = [
        Instance { name: "Canarysson^Wilma", ..phantom(1) },
        Instance { birth_date: "19570301", ..phantom(1) },
        Instance { birth_date: "unknown", ..phantom(1) },
    ];
    for instance in named {
        let mut world = World::new().await;
        world.receive(&instance).await;
        world.settle().await;
        world.become_stable().await;
        let held = world.held().await;
        assert_eq!(reasons(&held), [QuarantineReason::IdentifierFound]);
        assert_eq!((world.sent(), world.objects()), (0, 0));
        // nobody can accept it
        world.decide(&held[0], Decision::Release).await;
        world.settle().await;
        assert_eq!(reasons(&world.held().await), [QuarantineReason::IdentifierFound]);
        // the project can declare the source
        let mut declared = World::with(json!({"sources_free_of_identity": ["MODALITY"]})).await;
        declared.receive(&instance).await;
        declared.settle().await;
        assert_eq!((declared.lines("cleared").await, declared.held().await.len()), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_a_person_of_the_project_is_never_kept() {
    let mut world = World::with(json!({"sources_free_of_identity": ["MODALITY"]})).await;
    world.receive(&Instance { already_deidentified: false, marker: "", ..phantom(1) }).await;
    world.include(&["PHANTOM-2"]).await;
    world.settle().await;
    world.receive(&Instance { study: "1.2.276.0.777.2", ..phantom(2) }).await;
    world.receive(&Instance { study: "1.2.276.0.777.3", patient_id: "PHANTOM-2", ..phantom(3) }).await;
    world.settle().await;
    let found = QuarantineReason::IdentifierFound;
    assert_eq!(reasons(&world.held().await), [found, found]);
    assert_eq!(world.objects(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_and_pixels_at_risk_wait_for_a_person_or_a_declaration() {
    let (pdf, capture) = ("1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.7");
    for (class, reason) in [(pdf, QuarantineReason::Document), (capture, QuarantineReason::PixelRisk)] {
        let mut world = World::new().await;
        world.receive(&Instance { class, ..phantom(1) }).await;
        world.settle().await;
        let held = world.held().await;
        assert_eq!(reasons(&held), [reason]);
        world.decide(&held[0], Decision::Release).await;
        world.settle().await;
        assert_eq!((world.lines("cleared").await, world.held().await.len()), (1, 0), "{class}");
        let mut declared = World::with(json!({"sources_free_of_identity": ["MODALITY"]})).await;
        declared.receive(&Instance { class, ..phantom(1) }).await;
        declared.settle().await;
        assert_eq!((declared.lines("cleared").await, declared.held().await.len()), (1, 0));
    }
    let mut world = World::new().await;
    world.receive(&Instance { class: CT, ..phantom(1) }).await;
    world.settle().await;
    assert_eq!(world.lines("cleared").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_accepts_is_kept() {
    let mut world = World::new().await;
    world.receive(&phantom(1)).await;
    world.receive(&Instance { description: "asked by Dr Canarysson", ..phantom(2) }).await;
    world.receive(&Instance { patient_id: "PHANTOM-2", ..phantom(3) }).await;
    world.settle().await;
    let held = world.held().await;
    assert_eq!(held.len(), 2);
    for entry in &held {
        world.decide(entry, Decision::Release).await;
    }
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.held().await.len(), world.lines("cleared").await, world.sent()), (0, 3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_lets_a_kept_object_into_the_study_of_a_participant() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.receive(&phantom(2)).await;
    world.settle().await;
    let held = world.held().await;
    assert_eq!(reasons(&held), [QuarantineReason::MixedStudy]);
    world.decide(&held[0], Decision::Release).await;
    world.settle().await;
    assert_eq!(reasons(&world.held().await), [QuarantineReason::MixedStudy]);
    assert_eq!(world.objects(), 1);
}
