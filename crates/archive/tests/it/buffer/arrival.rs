use archive::buffer::{self, Arrival, BufferState};
use archive::spool::Checkpoint;

use super::{buffers, ids, insert, instance, stored};

#[tokio::test]
async fn what_arrives_is_new_a_duplicate_or_different() {
    for database in buffers().await {
        let first = instance(1);
        let mut same = instance(1);
        same.location = "segment/9/0/200/1000".parse().unwrap();
        let mut other = instance(1);
        other.blake3 = [99; 32];
        let mut elsewhere = instance(1);
        elsewhere.project = Some("p2".into());
        let rows = [first.clone(), same, other.clone(), elsewhere.clone(), instance(2)];
        let arrivals = insert(&database, &rows).await;
        assert_eq!(
            arrivals,
            [
                Arrival::New,
                Arrival::Duplicate { of: first.id },
                Arrival::Differs { from: first.id },
                Arrival::New,
                Arrival::New
            ],
            "within one batch"
        );
        let mut third = instance(1);
        third.blake3 = [98; 32];
        assert_eq!(
            insert(&database, &[third]).await,
            [Arrival::Differs { from: first.id }],
            "from batch to batch"
        );

        let stored = stored(&database, &ids(&rows)).await;
        let flagged: Vec<_> = stored.iter().map(|row| (row.received.id, row.differs)).collect();
        let expected = [(first.id, true), (other.id, true), (elsewhere.id, false), (rows[4].id, false)];
        assert_eq!(flagged, expected, "the duplicate has no row, both of the others are flagged");
        assert_eq!(stored[0].received, first);
        assert_eq!(stored[0].state, BufferState::Received);
    }
}

#[tokio::test]
async fn a_batch_written_again_after_a_crash_changes_nothing() {
    for database in buffers().await {
        let rows: Vec<_> = (0..200).map(instance).collect();
        assert!(insert(&database, &rows).await.iter().all(|arrival| *arrival == Arrival::New));
        let again = insert(&database, &rows).await;
        assert!(again.iter().zip(&rows).all(|(arrival, row)| *arrival == Arrival::Duplicate { of: row.id }));
        let studies = buffer::stable_studies(database.reader(), "p1", 1000, 9).await.unwrap();
        assert_eq!((studies[0].instances, studies[0].bytes), (200, 200_000));
    }
}

#[tokio::test]
async fn the_checkpoint_moves_with_the_rows_or_not_at_all() {
    for database in buffers().await {
        assert_eq!(buffer::checkpoint(database.reader(), "a").await.unwrap(), None);
        let place: Checkpoint = "3/4096".parse().unwrap();
        let mut transaction = database.write().await.unwrap();
        buffer::insert_batch(&mut transaction, &[instance(1)], Some(("a", place))).await.unwrap();
        drop(transaction);
        assert_eq!(buffer::checkpoint(database.reader(), "a").await.unwrap(), None);

        let mut transaction = database.write().await.unwrap();
        let arrivals =
            buffer::insert_batch(&mut transaction, &[instance(1)], Some(("a", place))).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(arrivals, [Arrival::New]);
        assert_eq!(buffer::checkpoint(database.reader(), "a").await.unwrap(), Some(place));
        assert_eq!(buffer::checkpoint(database.reader(), "b").await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_instance_gets_its_project_later_as_if_it_arrived_then() {
    for database in buffers().await {
        let routed = instance(1);
        let mut duplicate = instance(1);
        let mut fresh = instance(2);
        (duplicate.project, fresh.project) = (None, None);
        insert(&database, std::slice::from_ref(&routed)).await;
        assert_eq!(insert(&database, &[duplicate.clone(), fresh.clone()]).await, [Arrival::New; 2]);

        let mut transaction = database.write().await.unwrap();
        let moved = buffer::reroute(&mut transaction, &[duplicate.id, fresh.id], "p1").await.unwrap();
        transaction.commit().await.unwrap();
        let outcome: Vec<_> = moved.iter().map(|(row, arrival)| (row.id, *arrival)).collect();
        assert_eq!(outcome, [(duplicate.id, Arrival::Duplicate { of: routed.id }), (fresh.id, Arrival::New)]);
        let studies = buffer::stable_studies(database.reader(), "p1", 1000, 9).await.unwrap();
        assert_eq!(studies[0].instances, 2);
        let left = stored(&database, &[duplicate.id, fresh.id]).await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].receiving_study, Some(studies[0].id));
    }
}

#[tokio::test]
async fn batches_hold_one_series_and_no_more_than_asked_for() {
    for database in buffers().await {
        let mut rows: Vec<_> = (0..10).map(instance).collect();
        for row in &mut rows[6..] {
            row.series_instance_uid = "1.2.3.2".into();
        }
        insert(&database, &rows).await;
        let mut transaction = database.write().await.unwrap();
        let batches = buffer::gather(&mut transaction, 8).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(batches.iter().map(|batch| batch.instances).collect::<Vec<_>>(), [6, 2]);
        assert_eq!(batches[0].project.as_deref(), Some("p1"));
        let stored = buffer::in_batch(database.reader(), batches[1].id).await.unwrap();
        assert_eq!(stored.iter().map(|row| row.received.id).collect::<Vec<_>>(), ids(&rows[6..8]));

        let mut transaction = database.write().await.unwrap();
        let rest = buffer::gather(&mut transaction, 8).await.unwrap();
        let none = buffer::gather(&mut transaction, 8).await.unwrap();
        let (first, all) = (ids(&rows[..6]), ids(&rows));
        let (received, admitted) = (BufferState::Received, BufferState::Admitted);
        let deidentified = BufferState::Deidentified;
        assert_eq!(buffer::advance(&mut transaction, &first, received, deidentified, 50).await.unwrap(), 6);
        let moved = buffer::advance(&mut transaction, &all, received, admitted, 50).await.unwrap();
        assert_eq!(moved, 4, "only those that are in the state");
        transaction.commit().await.unwrap();
        assert_eq!((rest[0].instances, rest.len(), none.len()), (2, 1, 0));
        let unfinished = buffer::unfinished_batches(database.reader()).await.unwrap();
        assert_eq!(unfinished.len(), 2, "the batch that is de-identified needs no job");
        let counts = buffer::count_by_state(database.reader()).await.unwrap();
        assert_eq!(counts, [(BufferState::Admitted, 4), (BufferState::Deidentified, 6)]);
    }
}

#[tokio::test]
async fn what_a_peer_wrote_never_stops_a_batch() {
    for database in buffers().await {
        let mut row = instance(1);
        row.patient_id = "47\u{0}11'; DROP TABLE received_instance; --".into();
        row.modality = "\u{10FFFF}".repeat(300);
        assert_eq!(insert(&database, &[row]).await, [Arrival::New]);
    }
}
