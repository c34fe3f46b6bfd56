use archive::ArchiveError;
use archive::buffer::{self, BufferState, Decision, Hold, QuarantineReason};
use database::Database;
use uuid::Uuid;

use super::{buffers, ids, insert, instance, stored};

const HOLD: Hold<'_> =
    Hold { project: "p1", reason: QuarantineReason::NotIncluded, detail: "R02", expires_at: 5000 };

async fn hold(database: &Database, objects: &[Uuid], hold: Hold<'_>) -> Vec<Uuid> {
    let mut transaction = database.write().await.unwrap();
    buffer::hold(&mut transaction, objects, hold, 100).await.unwrap();
    transaction.commit().await.unwrap();
    let listed = buffer::list_quarantined(database.reader(), Some(hold.project), None, 100).await.unwrap();
    objects.iter().map(|object| listed.iter().rfind(|entry| entry.object == *object).unwrap().id).collect()
}

async fn decide(database: &Database, id: Uuid, decision: Decision) -> Result<Option<Uuid>, ArchiveError> {
    let mut transaction = database.write().await?;
    let gone = buffer::decide(&mut transaction, id, decision, "admin", 200).await?;
    transaction.commit().await?;
    Ok(gone.map(|instance| instance.id))
}

#[tokio::test]
async fn a_held_instance_is_listed_with_its_reason() {
    for database in buffers().await {
        let rows = [instance(1), instance(2), instance(3)];
        insert(&database, &rows).await;
        let entries = hold(&database, &ids(&rows[..2]), HOLD).await;
        let elsewhere = Hold { project: "p2", ..HOLD };
        hold(&database, &ids(&rows[2..]), elsewhere).await;

        let shown = buffer::show_quarantined(database.reader(), entries[0]).await.unwrap();
        assert_eq!((shown.object, shown.reason, shown.detail.as_str()), (rows[0].id, HOLD.reason, "R02"));
        assert_eq!((shown.quarantined_at, shown.expires_at, shown.decision), (100, 5000, None));
        let page = buffer::list_quarantined(database.reader(), None, None, 2).await.unwrap();
        let rest = buffer::list_quarantined(database.reader(), None, Some(page[1].id), 2).await.unwrap();
        assert_eq!((page.len(), rest.len()), (2, 1));
        assert_eq!(buffer::count_by_state(database.reader()).await.unwrap(), [(BufferState::Quarantined, 3)]);
        let missing = buffer::show_quarantined(database.reader(), Uuid::nil()).await;
        assert!(matches!(missing, Err(ArchiveError::NotFound { .. })));
    }
}

#[tokio::test]
async fn release_and_redo_go_through_admission_again_and_discard_deletes() {
    for database in buffers().await {
        let rows = [instance(1), instance(2), instance(3)];
        insert(&database, &rows).await;
        let entries = hold(&database, &ids(&rows), HOLD).await;
        assert_eq!(decide(&database, entries[0], Decision::Release).await.unwrap(), None);
        assert_eq!(decide(&database, entries[1], Decision::Redo).await.unwrap(), None);
        assert_eq!(decide(&database, entries[2], Decision::Discard).await.unwrap(), Some(rows[2].id));

        let accepted = buffer::accepted_reasons(database.reader(), rows[0].id).await.unwrap();
        assert_eq!(accepted, [QuarantineReason::NotIncluded]);
        assert_eq!(buffer::accepted_reasons(database.reader(), rows[1].id).await.unwrap(), []);
        let left = stored(&database, &ids(&rows)).await;
        assert!(left.iter().all(|row| row.state == BufferState::Received && row.batch.is_none()));
        assert_eq!(left.len(), 2);
        assert_eq!(buffer::list_quarantined(database.reader(), None, None, 9).await.unwrap(), []);

        let twice = decide(&database, entries[0], Decision::Discard).await.unwrap_err();
        assert!(matches!(twice, ArchiveError::Refused { .. }), "{twice}");
        let shown = buffer::show_quarantined(database.reader(), entries[0]).await.unwrap();
        assert_eq!(shown.decision, Some((Decision::Release, "admin".into(), 200)));
        let resent = instance(3);
        assert_eq!(
            insert(&database, &[resent]).await,
            [buffer::Arrival::New],
            "what was discarded may come again"
        );
    }
}

#[tokio::test]
async fn the_timer_finds_what_nobody_decided() {
    for database in buffers().await {
        let rows = [instance(1), instance(2)];
        insert(&database, &rows).await;
        let entries = hold(&database, &ids(&rows), HOLD).await;
        decide(&database, entries[1], Decision::Redo).await.unwrap();
        assert_eq!(buffer::expired(database.reader(), 4999, 9).await.unwrap(), []);
        let expired = buffer::expired(database.reader(), 5000, 9).await.unwrap();
        assert_eq!(expired.iter().map(|entry| entry.id).collect::<Vec<_>>(), entries[..1]);
    }
}

#[tokio::test]
async fn what_goes_on_after_its_increment_was_closed_joins_the_open_one() {
    for database in buffers().await {
        let rows = [instance(1), instance(2)];
        insert(&database, &rows).await;
        let entries = hold(&database, &ids(&rows), HOLD).await;
        let first = stored(&database, &ids(&rows)).await[0].receiving_study.unwrap();
        assert_eq!(decide(&database, entries[0], Decision::Redo).await.unwrap(), None);
        let study = buffer::show_study(database.reader(), first).await.unwrap();
        let mut transaction = database.write().await.unwrap();
        assert!(buffer::close_study(&mut transaction, &study, 150).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(decide(&database, entries[1], Decision::Release).await.unwrap(), None);
        let left = stored(&database, &ids(&rows)).await;
        assert_eq!(left[0].receiving_study, Some(first), "it was open");
        let joined = buffer::show_study(database.reader(), left[1].receiving_study.unwrap()).await.unwrap();
        assert_eq!((joined.increment, joined.instances, joined.last_activity), (2, 1, 200));
        let all = buffer::increments(database.reader(), joined.id).await.unwrap();
        assert_eq!(all, [first, joined.id]);
    }
}

#[tokio::test]
async fn entries_wait_until_the_ledger_knows_of_them() {
    for database in buffers().await {
        let rows = [instance(1), instance(2)];
        insert(&database, &rows).await;
        let entries = hold(&database, &ids(&rows), HOLD).await;
        let waiting = buffer::unrecorded(database.reader(), 9).await.unwrap();
        assert_eq!(waiting.iter().map(|entry| entry.id).collect::<Vec<_>>(), entries);
        let mut transaction = database.write().await.unwrap();
        buffer::note_recorded(&mut transaction, &entries[..1]).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(buffer::unrecorded(database.reader(), 9).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn persons_of_whom_something_is_at_rest_come_page_by_page() {
    for database in buffers().await {
        let mut rows: Vec<_> = (1..=4).map(instance).collect();
        rows[1].patient_id = "4712".into();
        rows[2].patient_id = "4713".into();
        rows[3].project = None;
        insert(&database, &rows).await;
        hold(&database, &ids(&rows[..2]), HOLD).await;
        hold(&database, &ids(&rows[3..]), Hold { project: "", ..HOLD }).await;
        let first = buffer::persons(database.reader(), None, 1).await.unwrap();
        let rest = buffer::persons(database.reader(), first.last(), 9).await.unwrap();
        let of = |page: &[buffer::Person]| -> Vec<String> {
            page.iter().map(|person| person.patient_id.clone()).collect()
        };
        assert_eq!((of(&first), of(&rest)), (vec!["4711".to_owned()], vec!["4712".to_owned()]));
    }
}
