//! The two state machines: every arrow of the flow, and no other; and their rows on every engine.

use archive::ArchiveError;
use archive::job::{self, JobEvent, JobState, NewJob};
use archive::job_queue::{self, NewEntry};
use archive::result_set::{self, ResultSetEvent, ResultSetState};
use archive::state::{self, ActorKind, Change};
use database::Database;
use uuid::Uuid;

use super::main_databases;

/// Arrows of the flow, main lines and side lines: `from event to`.
const JOB: &str = "
    receiving complete created
    receiving quarantine quarantined
    quarantined release created
    quarantined expire expired
    created deidentify deidentified
    created quarantine quarantined
    deidentified send sent
    deidentified close closed
    sent acknowledge acked
    acked await awaiting-result
    acked close closed
    awaiting-result close closed
    awaiting-result expire expired
    expired reopen awaiting-result
    expired close closed";

const RESULT_SET: &str = "
    result-available retrieve retrieved
    result-available supersede superseded
    retrieved reconcile reconciled
    retrieved ask-person manual
    retrieved block blocked
    retrieved supersede superseded
    manual accept retrieved
    manual block blocked
    manual supersede superseded
    manual expire expired
    blocked unblock retrieved
    blocked expire expired
    reconciled release released
    reconciled supersede superseded
    reconciled block blocked
    reconciled expire expired
    released return returned
    returned notify notified
    notified close closed
    expired close closed";

fn listed(table: &str, from: &str, event: &str) -> Option<String> {
    table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find_map(|words| match words[..] {
        [start, by, to] if start == from && by == event => Some(to.to_owned()),
        _ => None,
    })
}

#[test]
fn a_job_goes_every_listed_way_and_no_other() {
    for state in JobState::ALL {
        let terminal = ["closed", "cancelled", "withdrawn"].contains(&state.as_str());
        assert_eq!(state.is_terminal(), terminal);
        for event in JobEvent::ALL {
            let expected = match event.as_str() {
                "attention" if !terminal && state.as_str() != "attention" => Some("attention".to_owned()),
                "cancel" if !terminal => Some("cancelled".to_owned()),
                "withdraw" if !terminal => Some("withdrawn".to_owned()),
                "resume" if state.as_str() == "attention" => Some("acked".to_owned()),
                word => listed(JOB, state.as_str(), word),
            };
            let next = state.next(Some(JobState::Acked), *event).map(|next| next.to_string());
            assert_eq!(next, expected, "{state} {event}");
        }
    }
}

#[test]
fn a_result_set_goes_every_listed_way_and_no_other() {
    for state in ResultSetState::ALL {
        let terminal = ["closed", "superseded", "rejected", "withdrawn"].contains(&state.as_str());
        assert_eq!(state.is_terminal(), terminal);
        for event in ResultSetEvent::ALL {
            let expected = match event.as_str() {
                "attention" if !terminal && state.as_str() != "attention" => Some("attention".to_owned()),
                "reject" if !terminal => Some("rejected".to_owned()),
                "withdraw" if !terminal => Some("withdrawn".to_owned()),
                "resume" if state.as_str() == "attention" => Some("manual".to_owned()),
                "reopen" if state.as_str() == "expired" => Some("manual".to_owned()),
                word => listed(RESULT_SET, state.as_str(), word),
            };
            let next = state.next(Some(ResultSetState::Manual), *event).map(|next| next.to_string());
            assert_eq!(next, expected, "{state} {event}");
        }
    }
}

fn change(at: i64) -> Change<'static> {
    Change {
        actor_kind: ActorKind::Stage,
        actor: "admit",
        cause: "stable",
        dossier_version: "d3",
        gate_hash: None,
        at,
    }
}

fn gated(at: i64) -> Change<'static> {
    Change { gate_hash: Some("abc"), ..change(at) }
}

fn new_job(receiving_study: Uuid) -> NewJob<'static> {
    NewJob {
        project: "p1",
        partner: "lab",
        receiving_study,
        first_increment: None,
        increment: 1,
        reversible: true,
    }
}

async fn create(database: &Database, new: NewJob<'_>) -> Uuid {
    let mut transaction = database.write().await.unwrap();
    let id = job::create(&mut transaction, new, &change(1)).await.unwrap();
    transaction.commit().await.unwrap();
    id
}

async fn walk(database: &Database, id: Uuid, events: &[JobEvent]) -> JobState {
    let mut transaction = database.write().await.unwrap();
    let mut state = None;
    for event in events {
        state = Some(job::advance(&mut transaction, id, *event, &gated(2)).await.unwrap());
    }
    transaction.commit().await.unwrap();
    state.unwrap()
}

const TO_AWAITING: [JobEvent; 5] =
    [JobEvent::Complete, JobEvent::Deidentify, JobEvent::Send, JobEvent::Acknowledge, JobEvent::Await];

#[tokio::test]
async fn a_job_writes_state_and_history_together() {
    for database in main_databases().await {
        let study = Uuid::now_v7();
        let id = create(&database, new_job(study)).await;
        assert_eq!(create(&database, new_job(study)).await, id, "one per increment and partner");
        let mut transaction = database.write().await.unwrap();
        job::advance(&mut transaction, id, JobEvent::Complete, &change(2)).await.unwrap();
        drop(transaction);
        assert_eq!(
            job::show(database.reader(), id).await.unwrap().state,
            JobState::Receiving,
            "neither of both"
        );
        assert_eq!(state::history(database.reader(), id).await.unwrap().len(), 1);

        assert_eq!(walk(&database, id, &TO_AWAITING).await, JobState::AwaitingResult);
        let history = state::history(database.reader(), id).await.unwrap();
        let way: Vec<_> = history.iter().map(|change| change.to.as_str()).collect();
        assert_eq!(way, ["receiving", "created", "deidentified", "sent", "acked", "awaiting-result"]);
        let sent = &history[3];
        assert_eq!(
            (sent.event.as_str(), sent.from.as_str(), sent.actor.as_str()),
            ("send", "deidentified", "admit")
        );
        assert_eq!((sent.actor_kind, sent.dossier_version.as_str(), sent.at), (ActorKind::Stage, "d3", 2));
        assert_eq!(sent.gate_hash.as_deref(), Some("abc"));
        let awaiting = job::awaiting(database.reader(), "lab", None, 9).await.unwrap();
        assert_eq!(awaiting.iter().map(|job| job.id).collect::<Vec<_>>(), [id]);
    }
}

#[tokio::test]
async fn nothing_is_sent_or_returned_without_a_gate_evaluation() {
    for database in main_databases().await {
        let id = create(&database, new_job(Uuid::now_v7())).await;
        walk(&database, id, &TO_AWAITING[..2]).await;
        let mut transaction = database.write().await.unwrap();
        let refused = job::advance(&mut transaction, id, JobEvent::Send, &change(3)).await.unwrap_err();
        assert!(matches!(refused, ArchiveError::GateMissing { .. }), "{refused}");
        job::advance(&mut transaction, id, JobEvent::Attention, &change(3)).await.unwrap();
        let back = job::advance(&mut transaction, id, JobEvent::Resume, &change(4)).await.unwrap();
        assert_eq!(back, JobState::Deidentified);
        transaction.commit().await.unwrap();

        let set = result_set_in(&database, ResultSetState::Released).await;
        let mut transaction = database.write().await.unwrap();
        let refused =
            result_set::advance(&mut transaction, set, ResultSetEvent::Return, &change(3)).await.unwrap_err();
        assert!(matches!(refused, ArchiveError::GateMissing { .. }), "{refused}");
        result_set::advance(&mut transaction, set, ResultSetEvent::Return, &gated(3)).await.unwrap();
    }
}

#[tokio::test]
async fn an_event_twice_is_refused_and_changes_nothing() {
    for database in main_databases().await {
        let id = create(&database, new_job(Uuid::now_v7())).await;
        walk(&database, id, &TO_AWAITING[..1]).await;
        let mut transaction = database.write().await.unwrap();
        let refused = job::advance(&mut transaction, id, JobEvent::Complete, &change(3)).await.unwrap_err();
        assert!(matches!(&refused, ArchiveError::Refused { state, .. } if state == "created"), "{refused}");
        let missing =
            job::advance(&mut transaction, Uuid::nil(), JobEvent::Complete, &change(3)).await.unwrap_err();
        assert!(matches!(missing, ArchiveError::NotFound { .. }));
        drop(transaction);
    }
}

#[tokio::test]
async fn a_withdrawal_stops_queued_work_at_once() {
    for database in main_databases().await {
        let id = create(&database, new_job(Uuid::now_v7())).await;
        let entry = NewEntry { kind: "export", subject: id, partner: None, run_at: 0 };
        let mut transaction = database.write().await.unwrap();
        job_queue::enqueue(&mut transaction, entry, 0).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(walk(&database, id, &[JobEvent::Withdraw]).await, JobState::Withdrawn);
        let mut transaction = database.write().await.unwrap();
        let claimed =
            job_queue::claim(&mut transaction, database.dialect(), &["export"], "w", 9).await.unwrap();
        assert_eq!(claimed, None);
    }
}

#[tokio::test]
async fn an_overdue_job_is_told_once_and_expires_after_the_grace() {
    for database in main_databases().await {
        let id = create(&database, new_job(Uuid::now_v7())).await;
        walk(&database, id, &TO_AWAITING).await;
        let mut transaction = database.write().await.unwrap();
        job::expect_by(&mut transaction, id, 1000).await.unwrap();
        assert_eq!(job::take_overdue(&mut transaction, 999, 256).await.unwrap(), []);
        assert_eq!(job::take_overdue(&mut transaction, 1000, 256).await.unwrap()[0].id, id);
        assert_eq!(job::take_overdue(&mut transaction, 1001, 256).await.unwrap(), [], "once");
        transaction.commit().await.unwrap();
        let grace = 500;
        assert_eq!(job::expected_before(database.reader(), "p1", 1499 - grace, 9).await.unwrap(), []);
        assert_eq!(job::expected_before(database.reader(), "p1", 1500 - grace, 9).await.unwrap().len(), 1);
        walk(&database, id, &[JobEvent::Expire]).await;
        assert_eq!(job::expected_before(database.reader(), "p1", i64::MAX, 9).await.unwrap(), []);
        assert_eq!(walk(&database, id, &[JobEvent::Reopen]).await, JobState::AwaitingResult);
    }
}

#[tokio::test]
async fn increments_share_a_job() {
    for database in main_databases().await {
        let first = create(&database, new_job(Uuid::now_v7())).await;
        let late = NewJob { first_increment: Some(first), increment: 2, ..new_job(Uuid::now_v7()) };
        let second = create(&database, late).await;
        let study = Uuid::now_v7();
        let mut transaction = database.write().await.unwrap();
        for id in [first, second] {
            job::set_study(&mut transaction, id, study, None).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let jobs = job::of_study(database.reader(), study).await.unwrap();
        let rows: Vec<_> = jobs.iter().map(|job| (job.id, job.first_increment, job.increment)).collect();
        assert_eq!(rows, [(first, first, 1), (second, first, 2)]);
        assert_eq!(
            job::of_receiving_study(database.reader(), late.receiving_study).await.unwrap(),
            jobs[1..]
        );
        assert_eq!(job::list(database.reader(), None, Some(first), 9).await.unwrap(), jobs[1..]);
        assert_eq!(job::list(database.reader(), Some(JobState::Created), None, 9).await.unwrap(), []);
    }
}

/// A result set that went the main line up to a state.
async fn result_set_in(database: &Database, state: ResultSetState) -> Uuid {
    let job = create(database, new_job(Uuid::now_v7())).await;
    let mut transaction = database.write().await.unwrap();
    let id = result_set::create(&mut transaction, job, &change(1)).await.unwrap();
    for event in [ResultSetEvent::Retrieve, ResultSetEvent::Reconcile, ResultSetEvent::Release] {
        if result_set::show(&mut *transaction, id).await.unwrap().state != state {
            result_set::advance(&mut transaction, id, event, &change(2)).await.unwrap();
        }
    }
    transaction.commit().await.unwrap();
    id
}

#[tokio::test]
async fn a_result_set_returns_from_attention_and_from_expiry_to_where_it_was() {
    for database in main_databases().await {
        let id = result_set_in(&database, ResultSetState::Reconciled).await;
        let mut transaction = database.write().await.unwrap();
        let mut last = None;
        for event in [
            ResultSetEvent::Expire,
            ResultSetEvent::Attention,
            ResultSetEvent::Resume,
            ResultSetEvent::Reopen,
        ] {
            last = Some(result_set::advance(&mut transaction, id, event, &change(3)).await.unwrap());
        }
        assert_eq!(last, Some(ResultSetState::Reconciled), "attention inside expiry loses neither");
        transaction.commit().await.unwrap();
        assert_eq!(
            result_set::list(database.reader(), Some(ResultSetState::Manual), None, 9).await.unwrap(),
            []
        );
        assert_eq!(result_set::list(database.reader(), None, None, 9).await.unwrap()[0].id, id);
    }
}

#[tokio::test]
async fn a_job_has_versions_of_results_unless_its_identities_are_gone() {
    for database in main_databases().await {
        let job = create(&database, new_job(Uuid::now_v7())).await;
        let anonymous = NewJob { reversible: false, ..new_job(Uuid::now_v7()) };
        let anonymous = create(&database, anonymous).await;
        let mut transaction = database.write().await.unwrap();
        for _ in 0..2 {
            result_set::create(&mut transaction, job, &change(1)).await.unwrap();
        }
        let refused = result_set::create(&mut transaction, anonymous, &change(1)).await.unwrap_err();
        assert!(matches!(refused, ArchiveError::Refused { .. }), "INV-6");
        transaction.commit().await.unwrap();
        let versions = result_set::of_job(database.reader(), job).await.unwrap();
        assert_eq!(versions.iter().map(|set| set.version).collect::<Vec<_>>(), [1, 2]);
    }
}
