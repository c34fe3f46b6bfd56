//! Nothing goes out of somebody who is not on the inclusion list, whenever admission let it in (R02).

use archive::buffer::{QuarantineReason, Quarantined};
use serde_json::json;

use crate::world::{Instance, World};

async fn with_list() -> World {
    World::with(json!({"dossier": {
        "state": "active", "version": 7, "valid_until": "2099-12-31", "mode": "pseudonymise",
        "recipients": ["lab"], "inclusion_required": true,
    }}))
    .await
}

fn listed(number: u32) -> Instance {
    Instance { patient_id: "MRN-0001", study: "1.2.276.0.777.2", ..Instance::new(number) }
}

fn reasons(held: &[Quarantined]) -> Vec<QuarantineReason> {
    held.iter().map(|entry| entry.reason).collect()
}

/// As the round of a receive-only project leaves it.
async fn admitted_while_it_only_received(world: &World) {
    let batch = "UPDATE received_instance SET state = 'admitted', \
                 batch = '01932c07-2fd0-7a5e-8000-00000000000' || SUBSTR(patient_id, 8, 1)";
    World::execute(&world.line.buffer, batch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_project_got_before_it_deidentified_is_admitted_anew() {
    let mut world = with_list().await;
    world.include(&["MRN-0001"]).await;
    world.receive(&Instance::new(1)).await;
    world.receive(&listed(2)).await;
    world.receive(&Instance { pixel: 8, ..listed(2) }).await;
    admitted_while_it_only_received(&world).await;
    world.resume().await;
    world.settle().await;
    world.become_stable().await;
    let mut held = reasons(&world.held().await);
    held.sort_by_key(|reason| reason.as_str());
    let differs = QuarantineReason::Differs;
    assert_eq!(held, [differs, differs, QuarantineReason::NotIncluded]);
    assert_eq!(world.sent(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_asked_again_before_anything_is_deidentified() {
    let mut world = with_list().await;
    world.include(&["MRN-0001", "MRN-0042"]).await;
    world.receive(&Instance::new(1)).await;
    world.receive(&listed(2)).await;
    world.admit().await;
    World::execute(world.vault_rows(), "DELETE FROM inclusion").await;
    world.include(&["MRN-0001"]).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!(reasons(&world.held().await), [QuarantineReason::NotIncluded]);
    assert_eq!(world.sent(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_asks_the_list_itself() {
    let mut world = with_list().await;
    world.include(&["MRN-0042"]).await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    World::execute(world.vault_rows(), "DELETE FROM inclusion").await;
    world.become_stable().await;
    assert_eq!(world.sent(), 0);
    let refused: (String,) = sqlx::query_as("SELECT last_error FROM job_queue WHERE kind = 'export'")
        .fetch_one(world.line.main.reader())
        .await
        .unwrap();
    assert!(refused.0.contains("RPACS-GATE-0005"), "{}", refused.0);
}

/// Whom the list gives no code waits, where codes are assigned alone (F6.2).
#[tokio::test(flavor = "multi_thread")]
async fn without_an_assigned_code_nothing_goes_out() {
    let mut world = World::with(json!({"codes": "assigned"})).await;
    world.include(&["MRN-0042"]).await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!(reasons(&world.held().await), [QuarantineReason::NotIncluded]);
    assert_eq!(world.sent(), 0);
}

/// What the consent says about distribution stands in (0012,0083) of what leaves (PS3.3 C.7.2.3).
#[tokio::test(flavor = "multi_thread")]
async fn the_consent_of_the_dossier_stands_in_what_leaves() {
    let mut world = World::with(json!({"clinical_trial": {
        "sponsor_name": "University", "protocol_id": "STUDY-2", "consent_for_distribution": "named-protocol",
    }}))
    .await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.become_stable().await;
    let sent = std::fs::read(&world.files_of("out")[0]).unwrap();
    let has = |what: &[u8]| sent.windows(what.len()).any(|window| window == what);
    // (0012,0084) CS NAMED_PROTOCOL, (0012,0085) CS YES
    assert!(has(b"\x12\x00\x84\x00CS\x0E\x00NAMED_PROTOCOL") && has(b"\x12\x00\x85\x00CS\x04\x00YES "));
}
