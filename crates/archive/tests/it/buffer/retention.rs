use archive::buffer::{self, BufferState, Hold, QuarantineReason};

use super::{buffers, ids, insert, instance, stored};

#[tokio::test]
async fn segments_know_their_live_records() {
    for database in buffers().await {
        // locations: segment 0 holds 1 and 2, segment 1 holds 11 and 12
        let rows = [instance(1), instance(2), instance(11), instance(12)];
        let mut foreign = instance(13);
        foreign.spool = "other".into();
        insert(&database, &rows).await;
        insert(&database, &[foreign]).await;
        let own = "held/0190b7a4-0000-7000-8000-000000000001/200/1000".parse().unwrap();
        assert!(!buffer::is_live(database.reader(), own).await.unwrap());

        let mut transaction = database.write().await.unwrap();
        let done = ids(&rows[..1]);
        buffer::advance(&mut transaction, &done, BufferState::Received, BufferState::Deidentified, 50)
            .await
            .unwrap();
        assert_eq!(
            buffer::release(&mut transaction, &ids(&rows), 60).await.unwrap(),
            1,
            "only what is de-identified"
        );
        buffer::relocate(&mut transaction, rows[1].id, own).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(buffer::live_by_segment(database.reader(), "spool").await.unwrap(), [(1, 2)]);
        assert!(buffer::is_live(database.reader(), own).await.unwrap());
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
        buffer::release(&mut transaction, &ids(&rows[..1]), 80).await.unwrap();
        assert_eq!(buffer::purge_released(&mut transaction, 79, 9).await.unwrap(), 0);
        assert_eq!(buffer::purge_released(&mut transaction, 80, 9).await.unwrap(), 1);
        buffer::release(&mut transaction, &ids(&rows), 81).await.unwrap();
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
