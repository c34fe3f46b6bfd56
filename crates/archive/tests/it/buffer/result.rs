use archive::buffer::{self, Offered, ResultInstance, ReturnState};
use uuid::Uuid;

use super::buffers;

fn results(result_set: Uuid, count: usize) -> Vec<ResultInstance> {
    (0..count)
        .map(|number| ResultInstance {
            id: Uuid::now_v7(),
            result_set,
            study_instance_uid: "2.25.1".into(),
            series_instance_uid: "2.25.2".into(),
            sop_instance_uid: format!("2.25.3.{number}"),
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.66.4".into(),
            transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
            location: format!("inbound/{number}"),
            bytes: 5,
            blake3: [1; 32],
        })
        .collect()
}

#[tokio::test]
async fn what_was_fetched_is_known_and_never_doubled() {
    for database in buffers().await {
        let set = Uuid::now_v7();
        let fetched = results(set, 20);
        let mut transaction = database.write().await.unwrap();
        assert_eq!(buffer::insert_inbound(&mut transaction, "lab", &fetched[..15], 1).await.unwrap(), 15);
        assert_eq!(
            buffer::insert_inbound(&mut transaction, "lab", &fetched, 2).await.unwrap(),
            5,
            "the rest alone"
        );
        let asked = ["2.25.3.7".to_owned(), "2.25.3.20".to_owned()];
        let study = &fetched[0].study_instance_uid;
        buffer::note_offered(&mut transaction, set, "2.25.3.7", [7; 32]).await.unwrap();
        let offered = buffer::offered(&mut transaction, "lab", study, &asked).await.unwrap();
        let of_this =
            |uid: &str, content| Offered { result_set: set, sop_instance_uid: uid.to_owned(), content };
        assert_eq!(offered, [of_this("2.25.3.7", Some([7; 32]))]);
        let other = ["2.25.3.8".to_owned()];
        let offered = buffer::offered(&mut transaction, "lab", study, &other).await.unwrap();
        assert_eq!(offered, [of_this("2.25.3.8", None)], "a transport that gives no hash");
        assert!(buffer::offered(&mut transaction, "other", study, &asked).await.unwrap().is_empty());
        assert!(
            buffer::offered(&mut transaction, "lab", "2.25.99", &asked).await.unwrap().is_empty(),
            "a UID is known in its study"
        );
        let another = Uuid::now_v7();
        for (of, taken) in [(another, 1), (set, 0)] {
            let found = buffer::inbound_of_others(&mut transaction, "lab", of, &asked).await.unwrap();
            assert_eq!(found.len(), taken, "its own are not another's");
        }
        transaction.commit().await.unwrap();
        assert_eq!(buffer::inbound_of(database.reader(), set).await.unwrap(), fetched);
    }
}

#[tokio::test]
async fn what_is_pushed_again_is_counted_until_a_person_says_otherwise() {
    for database in buffers().await {
        let set = Uuid::now_v7();
        let reconciled = results(set, 1);
        let id = reconciled[0].id;
        let mut transaction = database.write().await.unwrap();
        buffer::insert_return(&mut transaction, &reconciled, 2).await.unwrap();
        let mut seen = Vec::new();
        for anew in [false, false, true] {
            buffer::note_return(&mut transaction, id, ReturnState::Sent, "0x0000", 3).await.unwrap();
            buffer::push_again(&mut transaction, id, anew, 4).await.unwrap();
            let row = &buffer::return_of(&mut *transaction, set).await.unwrap()[0];
            seen.push((row.state, row.pushes));
        }
        assert_eq!(seen, [1, 2, 0].map(|pushes| (ReturnState::Waiting, pushes)));
        buffer::note_return(&mut transaction, id, ReturnState::Confirmed, "C-FIND", 5).await.unwrap();
        buffer::push_again(&mut transaction, id, false, 6).await.unwrap();
        let row = &buffer::return_of(&mut *transaction, set).await.unwrap()[0];
        assert_eq!(row.state, ReturnState::Confirmed, "what is confirmed stays so");
    }
}

#[tokio::test]
async fn a_request_for_commitment_is_known_by_its_transaction_until_it_is_forgotten() {
    for database in buffers().await {
        let set = Uuid::now_v7();
        let asked = |number: i64| buffer::Commitment {
            transaction: format!("2.25.{number}"),
            result_set: set,
            node: "pacs".to_owned(),
            requested_at: number,
            reported_at: None,
        };
        let mut transaction = database.write().await.unwrap();
        for number in [2, 1] {
            buffer::open_commitment(&mut transaction, &asked(number)).await.unwrap();
        }
        buffer::close_commitment(&mut transaction, "2.25.2", 7).await.unwrap();
        let of_set = buffer::commitments_of(&mut *transaction, set).await.unwrap();
        assert_eq!(of_set, [asked(1), buffer::Commitment { reported_at: Some(7), ..asked(2) }]);
        assert_eq!(buffer::commitment(&mut *transaction, "2.25.1").await.unwrap(), Some(asked(1)));
        assert_eq!(buffer::commitment(&mut *transaction, "2.25.1\0").await.unwrap(), None);
        buffer::forget_commitments(&mut transaction, set).await.unwrap();
        assert_eq!(buffer::commitment(&mut *transaction, "2.25.1").await.unwrap(), None);
    }
}

#[tokio::test]
async fn evidence_of_an_identity_leaves_with_its_result_set() {
    for database in buffers().await {
        let set = Uuid::now_v7();
        let mut transaction = database.write().await.unwrap();
        for (subject, hash) in [("written", 1), ("identity-differs", 2), ("written", 3)] {
            buffer::keep_evidence(&mut transaction, set, subject, [hash; 32]).await.unwrap();
        }
        let kept = buffer::evidence_of(&mut *transaction, set).await.unwrap();
        let expected = [("identity-differs".to_owned(), [2; 32]), ("written".to_owned(), [3; 32])];
        assert_eq!(kept, expected.into());
        buffer::purge_result_set(&mut transaction, set).await.unwrap();
        assert!(buffer::evidence_of(&mut *transaction, set).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn each_instance_of_a_return_has_its_own_outcome() {
    for database in buffers().await {
        let set = Uuid::now_v7();
        let mut reconciled = results(set, 3);
        let mut transaction = database.write().await.unwrap();
        buffer::insert_inbound(&mut transaction, "lab", &reconciled, 1).await.unwrap();
        buffer::insert_return(&mut transaction, &reconciled, 2).await.unwrap();
        for (instance, state, status) in [
            (0, ReturnState::Sent, "0000"),
            (0, ReturnState::Confirmed, "committed"),
            (0, ReturnState::Failed, "A700"),
            (1, ReturnState::Failed, "0122"),
        ] {
            buffer::note_return(&mut transaction, reconciled[instance].id, state, status, 3).await.unwrap();
        }
        let progress = buffer::return_progress(&mut *transaction, set).await.unwrap();
        let one_each = [(ReturnState::Confirmed, 1), (ReturnState::Failed, 1), (ReturnState::Waiting, 1)];
        assert_eq!(progress, one_each, "what is confirmed stays so");

        reconciled[1].location = "return/again".into();
        buffer::insert_return(&mut transaction, &reconciled[1..2], 4).await.unwrap();
        transaction.commit().await.unwrap();
        let rows = buffer::return_of(database.reader(), set).await.unwrap();
        assert_eq!((rows[1].state, rows[1].status.as_str(), rows[1].state_at), (ReturnState::Waiting, "", 4));
        assert_eq!(rows[1].instance, reconciled[1]);

        let mut transaction = database.write().await.unwrap();
        buffer::purge_result_set(&mut transaction, set).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(buffer::inbound_of(database.reader(), set).await.unwrap(), []);
        assert_eq!(buffer::return_of(database.reader(), set).await.unwrap(), []);
    }
}
