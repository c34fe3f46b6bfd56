//! Files that came back and are no DICOM objects leave: with a withdrawal, and some time after their study ended at the partner (INV-4, INV-9).

use std::io::Write;

use archive::blob::BlobKey;
use archive::job::Job;
use archive::side_result::{self, SideResult, Which};
use archive::state::{ActorKind, Change};
use archive::zone::Zone;
use pipeline::withdraw::withdraw;
use serde_json::json;
use uuid::Uuid;

use crate::world::{Instance, START, World};

const DAY: i64 = 24 * 3600;

/// A world whose only job is closed, and a file that came back with it.
async fn with_file(settings: serde_json::Value) -> (World, Job, BlobKey) {
    let mut world = World::with(settings).await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    world.become_stable().await;
    let job = world.jobs().await.remove(0);
    let key = BlobKey::new(Zone::Inbound, Uuid::now_v7()).unwrap();
    let mut writer = world.line.blobs.create(key).unwrap();
    writer.write_all(b"a,b").unwrap();
    world.line.blobs.finish_batch(vec![writer]).unwrap();
    let of = SideResult {
        id: key.id(),
        job: job.id,
        study: job.study.unwrap(),
        project: "trial".to_owned(),
        partner: "lab".to_owned(),
        form: "csv".to_owned(),
        bytes: 3,
        sha256: [7; 32],
        kept_at: START,
        withdrawn_at: None,
    };
    let mut transaction = world.line.main.write().await.unwrap();
    assert!(side_result::insert(&mut transaction, &of).await.unwrap());
    transaction.commit().await.unwrap();
    (world, job, key)
}

/// Whether the file is there, with its row.
async fn is_there(world: &World, key: BlobKey) -> bool {
    let rows = side_result::list(world.line.main.reader(), Which::All, None, 9).await.unwrap();
    assert_eq!(rows.len(), usize::from(world.line.blobs.open(key).is_ok()));
    rows.len() == 1
}

const PURGED: &str =
    "SELECT COUNT(*) FROM audit_trail WHERE code = 'RPACS-AUDIT-0501' AND entry LIKE '%\"Z4\"%'";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_leaves_some_time_after_its_job_ended() {
    let (world, _, key) = with_file(json!({})).await;
    world.pass_seconds(179 * DAY);
    world.retention().await;
    assert!(is_there(&world, key).await, "the default is half a year");
    // whoever is still asked for the study would be asked for the file again
    World::execute(&world.line.main, "UPDATE job SET state = 'awaiting-result'").await;
    world.pass_seconds(2 * DAY);
    world.retention().await;
    assert!(is_there(&world, key).await);
    World::execute(&world.line.main, "UPDATE job SET state = 'closed'").await;
    world.retention().await;
    assert!(!is_there(&world, key).await);
    assert_eq!(World::count(&world.line.main, PURGED).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_leaves_when_its_participant_withdraws_though_its_job_is_closed() {
    let (world, job, key) = with_file(json!({})).await;
    world.retention().await;
    assert!(is_there(&world, key).await);
    let change = Change {
        actor_kind: ActorKind::Person,
        actor: "vault oppose",
        cause: "opposition list",
        dossier_version: "7",
        gate_hash: None,
        at: START,
    };
    let participant = job.participant.unwrap().parse().unwrap();
    let mut transaction = world.line.main.write().await.unwrap();
    withdraw(&mut transaction, &world.line.notification, participant, &change).await.unwrap();
    transaction.commit().await.unwrap();
    world.retention().await;
    assert!(!is_there(&world, key).await);
}
