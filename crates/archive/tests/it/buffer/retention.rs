use archive::buffer::{self, BufferState, Hold, QuarantineReason};

use super::{buffers, ids, insert, instance, stored};

#[tokio::test]
async fn a_spool_knows_its_live_records_and_where_a_whole_copy_took_the_place_of_a_damaged_one() {
    for database in buffers().await {
        let rows = [instance(1), instance(2), instance(11), instance(12)];
        let mut foreign = instance(13);
        foreign.spool = "other".into();
        insert(&database, &rows).await;
        insert(&database, &[foreign]).await;
        let (received, deidentified) = (BufferState::Received, BufferState::Deidentified);
        let mut transaction = database.write().await.unwrap();
        buffer::advance(&mut transaction, &ids(&rows[..1]), received, deidentified, 50).await.unwrap();
        let released = BufferState::Released;
        buffer::advance(&mut transaction, &ids(&rows), deidentified, released, 60).await.unwrap();
        let reason = QuarantineReason::Damaged;
        let hold = Hold { project: "p1", reason, detail: "", expires_at: 999 };
        buffer::hold(&mut transaction, &ids(&rows[1..2]), hold, 61).await.unwrap();
        transaction.commit().await.unwrap();

        let copy = instance(99).location;
        let mut transaction = database.write().await.unwrap();
        buffer::relocate(&mut transaction, rows[1].id, copy, 62).await.unwrap();
        transaction.commit().await.unwrap();
        let live = buffer::live_locations(database.reader(), "spool", uuid::Uuid::nil(), 9).await.unwrap();
        let expected = [(rows[1].id, copy), (rows[2].id, rows[2].location), (rows[3].id, rows[3].location)];
        assert_eq!(live, expected);
        let mut transaction = database.write().await.unwrap();
        let row = buffer::by_id(&mut transaction, &ids(&rows[1..2])).await.unwrap().remove(0);
        assert_eq!(row.state, received, "it goes through admission again");
    }
}

#[tokio::test]
async fn originals_leave_by_the_timer_and_their_rows_after_them() {
    for database in buffers().await {
        let rows = [instance(1), instance(2)];
        insert(&database, &rows).await;
        let mut transaction = database.write().await.unwrap();
        let (received, deidentified) = (BufferState::Received, BufferState::Deidentified);
        buffer::advance(&mut transaction, &ids(&rows[..1]), received, deidentified, 50).await.unwrap();
        buffer::advance(&mut transaction, &ids(&rows[1..]), received, deidentified, 51).await.unwrap();
        transaction.commit().await.unwrap();
        let due =
            buffer::in_state_since(database.reader(), "p1", BufferState::Deidentified, 50, 9).await.unwrap();
        assert_eq!(due, [(rows[0].id, rows[0].location)]);

        let study = buffer::stable_studies(database.reader(), "p1", 99, 1).await.unwrap().pop().unwrap();
        let mut transaction = database.write().await.unwrap();
        buffer::close_study(&mut transaction, &study, 70).await.unwrap();
        buffer::advance(&mut transaction, &ids(&rows[..1]), deidentified, BufferState::Released, 80)
            .await
            .unwrap();
        assert_eq!(buffer::purge_released(&mut transaction, 79, 9).await.unwrap(), 0);
        assert_eq!(buffer::purge_released(&mut transaction, 80, 9).await.unwrap(), 1);
        buffer::advance(&mut transaction, &ids(&rows), deidentified, BufferState::Released, 81)
            .await
            .unwrap();
        assert_eq!(buffer::purge_released(&mut transaction, 81, 9).await.unwrap(), 1);
        transaction.commit().await.unwrap();
        for table in ["SELECT COUNT(*) FROM received_instance", "SELECT COUNT(*) FROM receiving_study"] {
            let row = sqlx::query(table).fetch_one(database.reader()).await.unwrap();
            assert_eq!(sqlx::Row::get::<i64, _>(&row, 0), 0, "{table}");
        }
    }
}

#[tokio::test]
async fn a_person_who_objects_leaves_no_row() {
    for database in buffers().await {
        let mut rows = [instance(1), instance(2), instance(3)];
        rows[1].patient_id = "4712".into();
        rows[2].assigning_authority = "clinic".into();
        insert(&database, &rows).await;
        let of = buffer::of_participant(database.reader(), "p1", "hospital", "4711", None, 9).await.unwrap();
        assert_eq!(
            of.iter().map(|row| row.received.id).collect::<Vec<_>>(),
            [rows[0].id],
            "by authority and number"
        );
        let mut transaction = database.write().await.unwrap();
        let hold = Hold { project: "p1", reason: QuarantineReason::PixelRisk, detail: "", expires_at: 9 };
        buffer::hold(&mut transaction, &[rows[0].id], hold, 1).await.unwrap();
        buffer::remove(&mut transaction, &[rows[0].id]).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(stored(&database, &ids(&rows)).await.len(), 2);
        assert_eq!(buffer::list_quarantined(database.reader(), None, None, 9).await.unwrap(), []);
    }
}

#[tokio::test]
async fn debug_shows_no_identity() {
    let mut row = instance(1);
    row.patient_id = "geheim".into();
    assert!(!format!("{row:?}").contains("geheim") && !format!("{row:?}").contains("1.2.3"));
}
