//! The job table on every engine.

use archive::ArchiveError;
use archive::job_queue::{self, ClaimedJob, Failure, LEASE_MS, NewEntry, QueueState};
use database::Database;
use uuid::Uuid;

use super::main_databases;

const KINDS: [&str; 2] = ["deidentify", "export"];

fn entry(subject: Uuid) -> NewEntry<'static> {
    NewEntry { kind: "deidentify", subject, partner: None, run_at: 0 }
}

fn export(partner: &str) -> NewEntry<'_> {
    NewEntry { kind: "export", partner: Some(partner), ..entry(Uuid::now_v7()) }
}

async fn enqueue(database: &Database, entry: NewEntry<'_>) -> Option<Uuid> {
    let mut transaction = database.write().await.unwrap();
    let id = job_queue::enqueue(&mut transaction, entry, 0).await.unwrap();
    transaction.commit().await.unwrap();
    id
}

async fn claim(database: &Database, now: i64) -> Option<ClaimedJob> {
    let mut transaction = database.write().await.unwrap();
    let job = job_queue::claim(&mut transaction, database.dialect(), &KINDS, "worker", now).await.unwrap();
    transaction.commit().await.unwrap();
    job
}

/// Runs one function of the queue in a transaction of its own.
macro_rules! write {
    ($database:expr, $function:ident, $($argument:expr),*) => {{
        let mut transaction = $database.write().await.unwrap();
        let answer = job_queue::$function(&mut transaction, $($argument),*).await;
        transaction.commit().await.unwrap();
        answer
    }};
}

async fn state(database: &Database, id: Uuid) -> QueueState {
    let jobs = job_queue::list_jobs(database.reader(), None, None, 1000).await.unwrap();
    jobs.iter().find(|job| job.id == id).unwrap().state
}

#[tokio::test]
async fn the_job_that_is_due_longest_comes_first() {
    for database in main_databases().await {
        let late = enqueue(&database, NewEntry { run_at: 2000, ..entry(Uuid::now_v7()) }).await;
        let first = enqueue(&database, NewEntry { run_at: 5, ..entry(Uuid::now_v7()) }).await;
        let second = enqueue(&database, NewEntry { run_at: 6, ..entry(Uuid::now_v7()) }).await;
        enqueue(&database, NewEntry { kind: "other", ..entry(Uuid::now_v7()) }).await;
        let mut order = Vec::new();
        while let Some(job) = claim(&database, 100).await {
            order.push(Some(job.lease.job));
        }
        assert_eq!(order, [first, second]);
        assert_eq!(claim(&database, 2000).await.map(|job| job.lease.job), late);
    }
}

#[tokio::test]
async fn a_second_trigger_while_one_waits_or_runs_is_free() {
    for database in main_databases().await {
        let subject = Uuid::now_v7();
        assert!(enqueue(&database, entry(subject)).await.is_some());
        assert_eq!(enqueue(&database, entry(subject)).await, None);
        let job = claim(&database, 1).await.unwrap();
        assert_eq!(job.subject, subject);
        assert_eq!(enqueue(&database, entry(subject)).await, None);
        write!(database, finish, job.lease, 2).unwrap();
        assert!(enqueue(&database, entry(subject)).await.is_some());
    }
}

#[tokio::test]
async fn a_job_enqueued_in_a_dropped_transaction_never_was() {
    for database in main_databases().await {
        let mut transaction = database.write().await.unwrap();
        job_queue::enqueue(&mut transaction, entry(Uuid::now_v7()), 0).await.unwrap();
        drop(transaction);
        assert_eq!(claim(&database, 1).await, None);
    }
}

#[tokio::test]
async fn a_lease_that_ran_out_goes_to_the_next_worker_and_fences_the_first() {
    for database in main_databases().await {
        enqueue(&database, entry(Uuid::now_v7())).await;
        let first = claim(&database, 1000).await.unwrap();
        write!(database, renew, first.lease, 2000).unwrap();
        assert_eq!(claim(&database, 2000 + LEASE_MS).await, None, "still held");

        let second = claim(&database, 2001 + LEASE_MS).await.unwrap();
        assert_eq!((second.lease.job, second.attempts), (first.lease.job, 0));
        for lost in [
            write!(database, renew, first.lease, 2002 + LEASE_MS),
            write!(database, finish, first.lease, 2002 + LEASE_MS),
        ] {
            assert!(matches!(lost, Err(ArchiveError::LeaseLost(id)) if id == first.lease.job));
        }
        write!(database, finish, second.lease, 2002 + LEASE_MS).unwrap();
        let twice = write!(database, finish, second.lease, 2002 + LEASE_MS);
        assert!(matches!(twice, Err(ArchiveError::LeaseLost(_))));
    }
}

/// What makes the program end is tried again at once some times, then after pauses, so that the rest is worked on; a person starts anew.
#[tokio::test]
async fn an_interrupted_job_is_counted_and_waits_after_many_interruptions() {
    for database in main_databases().await {
        enqueue(&database, entry(Uuid::now_v7())).await;
        let mut now = 1000;
        for interrupted in 0..=16 {
            let job = claim(&database, now).await.unwrap();
            assert_eq!((job.interrupted, job.attempts), (interrupted, 0));
            now += LEASE_MS + 1;
        }
        assert_eq!(claim(&database, now).await, None, "it waits ten minutes");
        assert_eq!(claim(&database, now + 599_999).await, None);
        let job = claim(&database, now + 600_000).await.unwrap();
        assert_eq!(job.interrupted, 17);
        write!(database, release_leases, now + 600_001).unwrap();
        assert_eq!(claim(&database, now + 600_002).await, None, "a start counts, too");
        write!(database, retry, job.lease.job, now + 600_003).unwrap();
        let job = claim(&database, now + 600_003).await.unwrap();
        assert_eq!(job.interrupted, 0);
        now += 700_000;
        let job = claim(&database, now).await.unwrap();
        assert_eq!(job.interrupted, 1);
        write!(database, postpone, job.lease, now, now).unwrap();
        assert_eq!(claim(&database, now).await.unwrap().interrupted, 0, "the program outlived the work");
    }
}

#[tokio::test]
async fn failures_are_repeated_after_a_growing_pause_and_end_at_a_person() {
    for database in main_databases().await {
        let id = enqueue(&database, entry(Uuid::now_v7())).await.unwrap();
        let mut now = 0;
        for (failures, pause) in [(1, 30_000), (2, 60_000)] {
            let job = claim(&database, now).await.unwrap();
            let state = write!(database, fail, &job, Failure::Transient("timeout"), 3, 1.0, now).unwrap();
            assert_eq!(state, QueueState::Ready);
            assert_eq!(claim(&database, now + pause - 1).await, None, "failure {failures}");
            now += pause;
        }
        let job = claim(&database, now).await.unwrap();
        let state = write!(database, fail, &job, Failure::Transient("timeout"), 3, 1.0, now).unwrap();
        assert_eq!(state, QueueState::Attention);
        let listed =
            job_queue::list_jobs(database.reader(), Some(QueueState::Attention), None, 9).await.unwrap();
        assert_eq!((listed[0].attempts, listed[0].last_error.as_deref()), (3, Some("timeout")));
        assert_eq!(claim(&database, i64::MAX / 2).await, None);

        write!(database, retry, id, now).unwrap();
        let job = claim(&database, now).await.unwrap();
        assert_eq!(job.attempts, 0);
        let state = write!(database, fail, &job, Failure::NeedsPerson("refused"), 3, 1.0, now).unwrap();
        assert_eq!(state, QueueState::Attention, "at once");
    }
}

#[tokio::test]
async fn a_job_given_back_waits_without_a_failure() {
    for database in main_databases().await {
        enqueue(&database, entry(Uuid::now_v7())).await;
        let job = claim(&database, 0).await.unwrap();
        write!(database, postpone, job.lease, 500, 1).unwrap();
        assert_eq!(claim(&database, 499).await, None);
        assert_eq!(claim(&database, 500).await.unwrap().attempts, 0);
    }
}

#[tokio::test]
async fn cancelling_a_subject_stops_what_waits_and_what_runs() {
    for database in main_databases().await {
        let subject = Uuid::now_v7();
        enqueue(&database, entry(subject)).await;
        let running = claim(&database, 0).await.unwrap();
        let waiting = enqueue(&database, NewEntry { kind: "export", ..entry(subject) }).await.unwrap();
        let other = enqueue(&database, entry(Uuid::now_v7())).await.unwrap();
        assert_eq!(write!(database, cancel_subject, subject, "withdrawn", 5).unwrap(), 2);
        assert!(matches!(write!(database, renew, running.lease, 6), Err(ArchiveError::LeaseLost(_))));
        assert_eq!(state(&database, waiting).await, QueueState::Done);
        assert_eq!(claim(&database, 6).await.unwrap().lease.job, other);
        assert_eq!(write!(database, purge_done, 6).unwrap(), 2);
    }
}

#[tokio::test]
async fn a_lane_limits_pauses_and_holds_its_partner_alone() {
    for database in main_databases().await {
        for _ in 0..3 {
            enqueue(&database, export("a")).await;
        }
        write!(database, set_lane, "a", 2).unwrap();
        write!(database, pause_lane, "a", true).unwrap();
        assert_eq!(claim(&database, 0).await, None, "paused");
        let free = enqueue(&database, export("b")).await;
        assert_eq!(claim(&database, 0).await.map(|job| job.lease.job), free, "another partner goes on");
        write!(database, pause_lane, "a", false).unwrap();
        write!(database, hold_lane, "a", 50).unwrap();
        assert_eq!(claim(&database, 49).await, None, "held");
        write!(database, set_lane, "a", 2).unwrap();

        let first = claim(&database, 50).await.unwrap();
        claim(&database, 50).await.unwrap();
        assert_eq!(claim(&database, 50).await, None, "two at the same time");
        write!(database, finish, first.lease, 51).unwrap();
        assert!(claim(&database, 51).await.is_some());
        let lanes = job_queue::lanes(database.reader()).await.unwrap();
        assert_eq!((lanes[0].concurrency, lanes[0].paused, lanes[0].not_before), (2, false, 50));
    }
}

#[tokio::test]
async fn four_workers_claim_each_job_once_and_keep_to_the_lane() {
    for database in main_databases().await {
        write!(database, set_lane, "narrow", 3).unwrap();
        let mut transaction = database.write().await.unwrap();
        for _ in 0..60 {
            job_queue::enqueue(&mut transaction, entry(Uuid::now_v7()), 0).await.unwrap();
            job_queue::enqueue(&mut transaction, export("narrow"), 0).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let database = Database::clone(&database);
                tokio::spawn(async move {
                    let mut claimed = Vec::new();
                    for _ in 0..40 {
                        claimed.extend(claim(&database, 0).await);
                    }
                    claimed
                })
            })
            .collect();
        let mut ids = Vec::new();
        let mut narrow = 0;
        for worker in workers {
            for job in worker.await.unwrap() {
                narrow += usize::from(job.partner.is_some());
                ids.push(job.lease.job);
            }
        }
        let claims = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), claims, "no job twice");
        assert_eq!((narrow, claims), (3, 63), "three of the lane, all of the others");
    }
}

#[tokio::test]
async fn a_timer_is_taken_once_and_comes_again() {
    for database in main_databases().await {
        write!(database, set_timer, "poll a", 60_000, 100).unwrap();
        write!(database, set_timer, "purge", 1000, 90).unwrap();
        assert_eq!(write!(database, take_due, database.dialect(), 0.0, 89).unwrap(), None);
        assert_eq!(
            write!(database, take_due, database.dialect(), 0.0, 100).unwrap().as_deref(),
            Some("purge")
        );
        assert_eq!(
            write!(database, take_due, database.dialect(), 1.0, 100).unwrap().as_deref(),
            Some("poll a")
        );
        assert_eq!(write!(database, take_due, database.dialect(), 1.0, 100).unwrap(), None);
        write!(database, set_timer, "poll a", 30_000, 0).unwrap();
        let timers = job_queue::timers(database.reader()).await.unwrap();
        let poll = &timers[0];
        assert_eq!((poll.next_run_at, poll.interval_ms, poll.last_run_at), (66_100, 30_000, Some(100)));
        write!(database, wake_timer, "poll a", 200).unwrap();
        assert_eq!(
            write!(database, take_due, database.dialect(), 0.0, 200).unwrap().as_deref(),
            Some("poll a")
        );
    }
}

#[tokio::test]
async fn a_timer_due_is_taken_by_one_of_many() {
    for database in main_databases().await {
        write!(database, set_timer, "poll a", 60_000, 0).unwrap();
        let takers: Vec<_> = (0..8)
            .map(|_| {
                let database = Database::clone(&database);
                tokio::spawn(async move { write!(database, take_due, database.dialect(), 0.0, 5).unwrap() })
            })
            .collect();
        let mut taken = 0;
        for taker in takers {
            taken += usize::from(taker.await.unwrap().is_some());
        }
        assert_eq!(taken, 1);
    }
}

#[tokio::test]
async fn work_is_pending_while_it_waits_runs_or_needs_a_person() {
    for database in main_databases().await {
        let subject = Uuid::now_v7();
        let pending = async || job_queue::is_pending(database.reader(), "deidentify", subject).await.unwrap();
        assert!(!pending().await);
        enqueue(&database, entry(subject)).await;
        assert!(pending().await);
        let job = claim(&database, 1).await.unwrap();
        assert!(pending().await);
        write!(database, fail, &job, Failure::NeedsPerson("x"), 3, 0.0, 2).unwrap();
        assert!(pending().await);
        // done anew since
        enqueue(&database, entry(subject)).await;
        let job = claim(&database, 3).await.unwrap();
        write!(database, finish, job.lease, 4).unwrap();
        assert!(!pending().await);
        assert!(!job_queue::is_pending(database.reader(), "export", subject).await.unwrap());
    }
}

#[tokio::test]
async fn a_reader_knows_whether_anything_is_due() {
    for database in main_databases().await {
        let is_due = async |now| job_queue::is_due(database.reader(), now).await.unwrap();
        assert!(!is_due(i64::MAX).await);
        enqueue(&database, NewEntry { run_at: 10, ..entry(Uuid::now_v7()) }).await;
        assert_eq!((is_due(9).await, is_due(10).await), (false, true));
        claim(&database, 10).await.unwrap();
        assert_eq!(
            (is_due(10 + LEASE_MS).await, is_due(11 + LEASE_MS).await),
            (false, true),
            "its lease ran out"
        );
        let is_timer_due = async |now| job_queue::is_timer_due(database.reader(), now).await.unwrap();
        assert!(!is_timer_due(i64::MAX).await);
        write!(database, set_timer, "purge", 1000, 90).unwrap();
        assert_eq!((is_timer_due(89).await, is_timer_due(90).await), (false, true));
    }
}
