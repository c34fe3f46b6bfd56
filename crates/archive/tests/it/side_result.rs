//! Files that are no DICOM objects, kept beside the archive.

use archive::job::{self, JobEvent, NewJob};
use archive::side_result::{self, COUNTED_MIN, Room, SideResult, Which};
use archive::state::{ActorKind, Change};
use uuid::Uuid;

use super::main_databases;

#[tokio::test]
async fn a_content_is_kept_once_for_each_study_and_leaves_with_a_job_that_was_stopped() {
    for database in main_databases().await {
        let new = NewJob {
            project: "p1",
            partner: "lab",
            receiving_study: Uuid::now_v7(),
            first_increment: None,
            increment: 1,
            reversible: true,
        };
        let change = Change {
            actor_kind: ActorKind::Person,
            actor: "Dr Grey",
            cause: "test",
            dossier_version: "d3",
            gate_hash: None,
            at: 1,
        };
        let mut transaction = database.write().await.unwrap();
        let job = job::create(&mut transaction, new, &change).await.unwrap();
        let of = SideResult {
            id: Uuid::now_v7(),
            job,
            study: Uuid::now_v7(),
            project: "p1".to_owned(),
            partner: "lab".to_owned(),
            form: "csv".to_owned(),
            bytes: 3,
            sha256: [7; 32],
            kept_at: 2,
            withdrawn_at: None,
        };
        assert!(side_result::insert(&mut transaction, &of).await.unwrap());
        let again = SideResult { id: Uuid::now_v7(), ..of.clone() };
        assert!(!side_result::insert(&mut transaction, &again).await.unwrap());
        let elsewhere = SideResult { id: Uuid::now_v7(), study: Uuid::now_v7(), ..of.clone() };
        assert!(side_result::insert(&mut transaction, &elsewhere).await.unwrap());

        let contents = side_result::contents(&mut *transaction, of.study, "lab").await.unwrap();
        assert_eq!(contents, [[7; 32]].into());
        assert!(side_result::contents(&mut *transaction, of.study, "uni").await.unwrap().is_empty());
        let known = side_result::known(&mut transaction, &[of.id, again.id]).await.unwrap();
        assert_eq!(known, [of.id].into());
        assert_eq!(
            side_result::list(&mut *transaction, Which::All, None, 9).await.unwrap(),
            [of.clone(), elsewhere.clone()]
        );
        assert_eq!(side_result::show(&mut *transaction, of.id).await.unwrap(), of);

        assert!(side_result::of_stopped_jobs(&mut *transaction, 9).await.unwrap().is_empty());
        job::advance(&mut transaction, job, JobEvent::Cancel, &change).await.unwrap();
        assert_eq!(side_result::of_stopped_jobs(&mut *transaction, 9).await.unwrap().len(), 2);
        side_result::remove(&mut transaction, of.id).await.unwrap();
        assert_eq!(side_result::of_stopped_jobs(&mut *transaction, 9).await.unwrap(), [elsewhere]);
        transaction.commit().await.unwrap();
    }
}

#[tokio::test]
async fn room_is_counted_by_study_and_partner_and_a_small_file_is_not_free() {
    for database in main_databases().await {
        let mut transaction = database.write().await.unwrap();
        let study = Uuid::now_v7();
        let (job, other) = (Uuid::now_v7(), Uuid::now_v7());
        let files = [
            ("lab", study, job, 3),
            ("lab", study, job, 2 * COUNTED_MIN),
            ("lab", Uuid::now_v7(), other, 5 * COUNTED_MIN),
            ("uni", study, other, 7 * COUNTED_MIN),
        ];
        for (number, (partner, study, job, bytes)) in (1_u8..).zip(files) {
            let of = SideResult {
                id: Uuid::now_v7(),
                job,
                study,
                project: "p1".to_owned(),
                partner: partner.to_owned(),
                form: "csv".to_owned(),
                bytes,
                sha256: [number; 32],
                kept_at: 2,
                withdrawn_at: None,
            };
            assert!(side_result::insert(&mut transaction, &of).await.unwrap());
        }
        let room = side_result::room(&mut *transaction, study, "lab").await.unwrap();
        assert_eq!(room, Room { study: 3 * COUNTED_MIN, all: 8 * COUNTED_MIN });
        let nothing = side_result::room(&mut *transaction, study, "nobody").await.unwrap();
        assert_eq!(nothing, Room::default());
        let of_job = side_result::list(&mut *transaction, Which::Job(job), None, 9).await.unwrap();
        assert_eq!(of_job.len(), 2);
        transaction.commit().await.unwrap();
    }
}
