//! Of somebody who is opposed nothing stays, whenever it is entered (DEC-S, ACX.4).

use archive::job::JobState;
use archive::state::{ActorKind, Change};
use pipeline::withdraw::withdraw;
use pseudonym::OppositionKind;

use crate::world::{Instance, START, World};

const CHANGE: Change<'_> = Change {
    actor_kind: ActorKind::Person,
    actor: "vault oppose",
    cause: "opposition list",
    dossier_version: "7",
    gate_hash: None,
    at: START,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_opposition_since_admission_purges_with_a_certificate() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.receive(&Instance::new(2)).await;
    world.receive(&Instance { patient_id: "MRN-0001", study: "1.2.276.0.777.2", ..Instance::new(3) }).await;
    world.admit().await;
    world.oppose("MRN-0042", OppositionKind::Opposition).await;
    world.settle().await;
    world.become_stable().await;
    assert!(world.held().await.is_empty());
    assert_eq!((world.lines("opposed").await, world.sent()), (2, 1));
    let rows = "SELECT COUNT(*) FROM received_instance WHERE patient_id = 'MRN-0042'";
    assert_eq!(World::count(&world.line.buffer, rows).await, 0);
    let certificates = "SELECT COUNT(*) FROM audit_trail WHERE code = 'RPACS-AUDIT-0501'";
    assert_eq!(World::count(&world.line.main, certificates).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn originals_that_are_kept_or_held_leave_when_their_patient_withdraws() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.receive(&Instance { name: "Somebody^Else", ..Instance::new(2) }).await;
    world.receive(&Instance { patient_id: "MRN-0001", study: "1.2.276.0.777.2", ..Instance::new(3) }).await;
    world.settle().await;
    world.retention().await;
    assert_eq!(World::count(&world.line.buffer, "SELECT COUNT(*) FROM received_instance").await, 3);
    world.oppose("MRN-0042", OppositionKind::Withdrawal).await;
    world.retention().await;
    world.retention().await;
    assert_eq!(World::count(&world.line.buffer, "SELECT COUNT(*) FROM received_instance").await, 1);
    assert_eq!(world.lines("opposed").await, 2);
    assert!(world.held().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_tells_a_withdrawal_from_an_opposition() {
    for (kind, code) in
        [(OppositionKind::Opposition, "RPACS-GATE-0006"), (OppositionKind::Withdrawal, "RPACS-GATE-0007")]
    {
        let mut world = World::new().await;
        world.receive(&Instance::new(1)).await;
        world.settle().await;
        world.oppose("MRN-0042", kind).await;
        world.become_stable().await;
        assert_eq!(world.sent(), 0);
        let refused: (String,) = sqlx::query_as("SELECT last_error FROM job_queue WHERE kind = 'export'")
            .fetch_one(world.line.main.reader())
            .await
            .unwrap();
        assert!(refused.0.contains(code), "{}", refused.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_has_already_is_followed_up() {
    let mut world = World::new().await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.become_stable().await;
    let job = world.jobs().await.remove(0);
    assert_eq!(job.state, JobState::Closed);
    let messages = "SELECT COUNT(*) FROM notification_outbox WHERE event_type = 'withdrawal.follow-up'";
    let participant = job.participant.unwrap().parse().unwrap();
    let mut transaction = world.line.main.write().await.unwrap();
    let withdrawn = withdraw(&mut transaction, &world.line.notification, participant, &CHANGE).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(withdrawn.is_empty(), "a closed job keeps its state");
    assert_eq!(World::count(&world.line.main, messages).await, 1);
}
