//! A result ends the increments whose instances it names, whichever of them it was fetched for.

use std::io::Write;

use archive::blob::BlobKey;
use archive::index::{self, Indexed, Instance as Row, Patient, Series, Study};
use archive::job::JobState;
use archive::job_queue::{self, NewEntry};
use archive::result_set::{self, ResultSetEvent};
use archive::state::{ActorKind, Change};
use archive::zone::Zone;
use dicom_stream::FileMeta;
use serde_json::json;
use uuid::Uuid;

use crate::world::{Instance, START, World};

const SR: &str = "1.2.840.10008.5.1.4.1.1.88.33";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

fn change() -> Change<'static> {
    Change {
        actor_kind: ActorKind::Stage,
        actor: "test",
        cause: "test",
        dossier_version: "7",
        gate_hash: Some("abc"),
        at: START,
    }
}

/// A structured report that names an instance in a sequence.
fn data_set(named: &str) -> Vec<u8> {
    let element = |group: u16, number: u16, vr: &[u8; 2], value: &[u8]| {
        let mut value = value.to_vec();
        value.resize(value.len().next_multiple_of(2), 0);
        let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
        bytes.extend(vr);
        if vr == b"SQ" {
            bytes.extend([0, 0]);
            bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        } else {
            bytes.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
        }
        [bytes, value].concat()
    };
    let reference = element(0x0008, 0x1155, b"UI", named.as_bytes());
    let length = u32::try_from(reference.len()).unwrap().to_le_bytes();
    let item = [&[0xFE, 0xFF, 0x00, 0xE0], &length[..], &reference].concat();
    [
        element(0x0008, 0x0016, b"UI", SR.as_bytes()),
        element(0x0008, 0x0018, b"UI", b"2.25.900"),
        element(0x0008, 0x1199, b"SQ", &item),
    ]
    .concat()
}

/// A returned set of `job` whose one object in Z3 names `named`, ready to be closed.
async fn returned(world: &World, job: Uuid, named: &str) -> Uuid {
    let mut transaction = world.line.main.write().await.unwrap();
    let set = result_set::create(&mut transaction, job, &change()).await.unwrap();
    for event in [
        ResultSetEvent::Retrieve,
        ResultSetEvent::Reconcile,
        ResultSetEvent::Release,
        ResultSetEvent::Return,
        ResultSetEvent::Notify,
    ] {
        result_set::advance(&mut transaction, set, event, &change()).await.unwrap();
    }
    let id = Uuid::now_v7();
    let mut writer = world.line.blobs.create(BlobKey::new(Zone::Archive, id).unwrap()).unwrap();
    let meta = FileMeta {
        media_storage_sop_class_uid: SR.to_owned(),
        media_storage_sop_instance_uid: "2.25.900".to_owned(),
        transfer_syntax_uid: EXPLICIT.to_owned(),
    };
    meta.write(&mut writer).unwrap();
    writer.write_all(&data_set(named)).unwrap();
    let blob = world.line.blobs.finish_batch(vec![writer]).unwrap().remove(0);
    let row = Row {
        id,
        sop_instance_uid: "2.25.900".to_owned(),
        sop_class_uid: SR.to_owned(),
        transfer_syntax_uid: EXPLICIT.to_owned(),
        instance_number: 1,
        number_of_frames: 0,
        location: blob.key.to_string(),
        bytes: blob.length,
        blake3: *blob.hash.as_bytes(),
    };
    let indexed = Indexed {
        project: "trial".to_owned(),
        source: set,
        patient: Patient { patient_id: "CODE".to_owned(), ..Patient::default() },
        study: Study { study_instance_uid: "2.25.901".to_owned(), ..Study::default() },
        series: Series { series_instance_uid: "2.25.902".to_owned(), ..Series::default() },
        instances: vec![row],
    };
    index::upsert(&mut transaction, &indexed, START).await.unwrap();
    index::clear(&mut transaction, &[id]).await.unwrap();
    let close = NewEntry { kind: "close", subject: set, partner: None, run_at: START };
    job_queue::enqueue(&mut transaction, close, START).await.unwrap();
    transaction.commit().await.unwrap();
    set
}

#[tokio::test(flavor = "multi_thread")]
async fn the_increments_that_a_result_names_end_and_the_others_wait_on() {
    let awaiting = JobState::AwaitingResult;
    for (named, expected) in [
        (Some(0), [JobState::Closed, awaiting]),
        (Some(1), [awaiting, JobState::Closed]),
        // a result that names none of them is that of the increment that it was fetched for
        (None, [JobState::Closed, awaiting]),
    ] {
        let mut world = World::with(json!({"results": {"return_to": "pacs"}})).await;
        for number in [1, 2] {
            world.receive(&Instance::new(number)).await;
            world.settle().await;
            world.become_stable().await;
        }
        let jobs = world.jobs().await;
        assert!(jobs.len() == 2 && jobs.iter().all(|job| job.state == awaiting), "{jobs:?}");
        let uid = match named {
            Some(number) => {
                let reader = world.line.main.reader();
                let found = index::instances_of_source(reader, jobs[number].receiving_study, None, 9).await;
                found.unwrap().remove(0).instance.sop_instance_uid
            }
            None => "2.25.12345".to_owned(),
        };
        returned(&world, jobs[0].id, &uid).await;
        world.settle().await;
        let states: Vec<_> = world.jobs().await.iter().map(|job| job.state).collect();
        assert_eq!(states, expected, "{named:?}");
    }
}
