use archive::buffer::{self, ResultInstance, ReturnState};
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
        let known = buffer::known_inbound(&mut transaction, "lab", &asked).await.unwrap();
        assert_eq!(known.iter().collect::<Vec<_>>(), ["2.25.3.7"]);
        assert!(buffer::known_inbound(&mut transaction, "other", &asked).await.unwrap().is_empty());
        transaction.commit().await.unwrap();
        assert_eq!(buffer::inbound_of(database.reader(), set).await.unwrap(), fetched);
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
