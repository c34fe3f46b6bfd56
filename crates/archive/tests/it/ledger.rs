//! The ledger on every engine.

use archive::ArchiveError;
use archive::ledger::{self, LedgerEvent, LedgerTotal, Line, Of};
use uuid::Uuid;

use super::main_databases;

fn line(event: LedgerEvent, job: Uuid, instance: Uuid) -> Line<'static> {
    Line {
        event,
        project: "p1",
        job: Some(job),
        result_set: None,
        instance,
        destination: "lab",
        hash: "blake3:00",
        bytes: 10,
        dossier_version: "d3",
        gate_hash: Some("abc"),
        cause: "",
        at: 5,
    }
}

#[tokio::test]
async fn lines_are_listed_counted_and_summed() {
    for database in main_databases().await {
        let job = Uuid::now_v7();
        let instances: Vec<_> = (0..150).map(|_| Uuid::now_v7()).collect();
        let lines: Vec<_> = instances.iter().map(|id| line(LedgerEvent::Sent, job, *id)).collect();
        let mut transaction = database.write().await.unwrap();
        ledger::append(&mut transaction, &lines).await.unwrap();
        ledger::append(&mut transaction, &[line(LedgerEvent::Acknowledged, job, instances[0])])
            .await
            .unwrap();
        ledger::append(&mut transaction, &[line(LedgerEvent::Acknowledged, job, instances[0])])
            .await
            .unwrap();
        ledger::append(&mut transaction, &[line(LedgerEvent::Sent, Uuid::now_v7(), instances[0])])
            .await
            .unwrap();
        transaction.commit().await.unwrap();

        let page = ledger::list(database.reader(), Of::Job(job), None, 100).await.unwrap();
        let rest = ledger::list(database.reader(), Of::Job(job), Some(page[99].id), 100).await.unwrap();
        assert_eq!((page.len(), rest.len()), (100, 52));
        assert_eq!(page[0].instance, instances[0]);
        assert_eq!((page[0].hash.as_str(), page[0].gate_hash.as_deref()), ("blake3:00", Some("abc")));
        let counts = ledger::count(database.reader(), Of::Job(job)).await.unwrap();
        assert_eq!(
            counts,
            [(LedgerEvent::Acknowledged, 1), (LedgerEvent::Sent, 150)],
            "instances, not lines"
        );
        assert_eq!(
            ledger::list(database.reader(), Of::Instance(instances[0]), None, 9).await.unwrap().len(),
            4
        );
        let totals = ledger::totals(database.reader()).await.unwrap();
        let sent = LedgerTotal {
            project: "p1".into(),
            event: LedgerEvent::Sent,
            destination: "lab".into(),
            lines: 151,
            bytes: 1510,
        };
        assert_eq!(totals[1], sent);
    }
}

#[tokio::test]
async fn what_a_person_has_to_accept_is_listed_for_its_set_alone() {
    for database in main_databases().await {
        let (set, job, first, second) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let of = |event, instance, cause| Line { result_set: Some(set), cause, ..line(event, job, instance) };
        let elsewhere =
            Line { result_set: Some(Uuid::now_v7()), ..of(LedgerEvent::NotInspected, first, "pixels") };
        let lines = [
            of(LedgerEvent::NotInspected, first, "document-body"),
            of(LedgerEvent::Reconciled, first, "identity-same"),
            elsewhere,
            of(LedgerEvent::NotInspected, second, "secondary-capture-pixels"),
        ];
        let mut transaction = database.write().await.unwrap();
        ledger::append(&mut transaction, &lines).await.unwrap();
        transaction.commit().await.unwrap();
        let found = ledger::of_event(database.reader(), set, LedgerEvent::NotInspected).await.unwrap();
        let found: Vec<_> = found.iter().map(|line| (line.instance, line.cause.as_str())).collect();
        assert_eq!(found, [(first, "document-body"), (second, "secondary-capture-pixels")]);
    }
}

#[tokio::test]
async fn what_is_left_to_do_is_read_from_the_lines() {
    for database in main_databases().await {
        let set = Uuid::now_v7();
        let instances: Vec<_> = (0..100).map(|_| Uuid::now_v7()).collect();
        let done = instances.iter().step_by(2).map(|id| Line {
            job: None,
            result_set: Some(set),
            ..line(LedgerEvent::Confirmed, set, *id)
        });
        let mut transaction = database.write().await.unwrap();
        ledger::append(&mut transaction, &done.collect::<Vec<_>>()).await.unwrap();
        let left =
            ledger::without(&mut transaction, Of::ResultSet(set), LedgerEvent::Confirmed, &instances).await;
        let expected: Vec<_> = instances.iter().skip(1).step_by(2).copied().collect();
        assert_eq!(left.unwrap(), expected);
        let left =
            ledger::without(&mut transaction, Of::ResultSet(set), LedgerEvent::Returned, &instances).await;
        assert_eq!(left.unwrap(), instances);
    }
}

#[tokio::test]
async fn no_instance_leaves_without_a_gate_evaluation() {
    for database in main_databases().await {
        let (job, instance) = (Uuid::now_v7(), Uuid::now_v7());
        let without = Line { gate_hash: None, ..line(LedgerEvent::Sent, job, instance) };
        let mut transaction = database.write().await.unwrap();
        let refused =
            ledger::append(&mut transaction, &[line(LedgerEvent::Cleared, job, instance), without]).await;
        assert!(matches!(refused, Err(ArchiveError::GateMissing { .. })));
        transaction.commit().await.unwrap();
        assert_eq!(
            ledger::list(database.reader(), Of::Job(job), None, 9).await.unwrap(),
            [],
            "nor its neighbours"
        );
    }
}

#[tokio::test]
async fn a_step_that_is_repeated_appends_nothing_twice() {
    for database in main_databases().await {
        let instance = Uuid::now_v7();
        let of = |event, cause, at| Line {
            job: None,
            destination: "",
            gate_hash: None,
            cause,
            at,
            ..line(event, Uuid::nil(), instance)
        };
        let lines = [
            of(LedgerEvent::Quarantined, "differs", 5),
            of(LedgerEvent::Deidentified, "", 6),
            of(LedgerEvent::Cleared, "", 6),
        ];
        let again = [
            of(LedgerEvent::Deidentified, "", 9),
            of(LedgerEvent::Quarantined, "differs", 5),
            of(LedgerEvent::Quarantined, "differs", 9),
        ];
        let mut transaction = database.write().await.unwrap();
        assert_eq!(ledger::append_once(&mut transaction, &lines).await.unwrap(), 3);
        assert_eq!(ledger::append_once(&mut transaction, &again).await.unwrap(), 1, "the second hold");
        transaction.commit().await.unwrap();
        let written = ledger::list(database.reader(), Of::Instance(instance), None, 9).await.unwrap();
        assert_eq!(written.len(), 4);
    }
}
