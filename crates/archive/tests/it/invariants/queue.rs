//! The table of work: one holder at a time, nothing twice, what is cancelled never runs.

use archive::ArchiveError;
use archive::job_queue::{self, Failure, LEASE_MS, Lease, NewEntry, QueueState};
use database::Database;
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use super::{Outcome, check, often, pick};
use crate::main_databases;

#[derive(Debug, Clone)]
enum Act {
    Enqueue(usize, usize),
    Claim,
    Finish(Index),
    Fail(Index, bool),
    Postpone(Index),
    Wait(i64),
    Retry(Index),
    RetrySubject(usize),
    Cancel(usize),
}

fn acts() -> impl Strategy<Value = Vec<(Act, bool)>> {
    let act = prop_oneof![
        6 => (0usize..2, 0usize..2).prop_map(|(kind, subject)| Act::Enqueue(kind, subject)),
        5 => Just(Act::Claim),
        2 => any::<Index>().prop_map(Act::Finish),
        5 => (any::<Index>(), any::<bool>()).prop_map(|(lease, transient)| Act::Fail(lease, transient)),
        1 => any::<Index>().prop_map(Act::Postpone),
        3 => prop::sample::select(vec![1, 10, 30_000, LEASE_MS, LEASE_MS + 1]).prop_map(Act::Wait),
        1 => any::<Index>().prop_map(Act::Retry),
        2 => (0usize..2).prop_map(Act::RetrySubject),
        1 => (0usize..2).prop_map(Act::Cancel),
    ];
    prop::collection::vec((act, often(0.3)), 8..40)
}

#[derive(Debug, Clone)]
struct Entry {
    id: Uuid,
    kind: usize,
    subject: usize,
    state: QueueState,
    run_at: i64,
    failures: i32,
    lease: Option<(Lease, i64)>,
}

impl Entry {
    fn is_alive(&self) -> bool {
        matches!(self.state, QueueState::Ready | QueueState::Leased)
    }

    fn end(&mut self, state: QueueState, run_at: i64) {
        (self.state, self.run_at, self.lease) = (state, run_at, None);
    }
}

struct Model {
    kinds: [String; 2],
    subjects: [Uuid; 2],
    entries: Vec<Entry>,
    /// Every claim that was ever given.
    claims: Vec<job_queue::ClaimedJob>,
    now: i64,
}

impl Model {
    /// The entry that a lease still holds.
    fn held(&mut self, lease: Lease) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.lease.is_some_and(|(held, _)| held == lease))
    }

    fn next(&mut self) -> Option<usize> {
        let now = self.now;
        for entry in &mut self.entries {
            if entry.lease.is_some_and(|(_, until)| until < now) {
                entry.end(QueueState::Ready, entry.run_at);
            }
        }
        let due = |entry: &&Entry| entry.state == QueueState::Ready && entry.run_at <= now;
        let first = self.entries.iter().filter(due).min_by_key(|entry| (entry.run_at, entry.id))?.id;
        self.entries.iter().position(|entry| entry.id == first)
    }

    /// Whether to make everything in attention about a subject ready would double some work: see the ignored test below.
    fn would_double(&self, subject: usize) -> bool {
        (0..2).any(|kind| {
            let of = |entry: &&Entry| (entry.kind, entry.subject) == (kind, subject);
            let waiting = self.entries.iter().filter(of).filter(|entry| entry.state == QueueState::Attention);
            let alive = self.entries.iter().filter(of).filter(|entry| entry.is_alive()).count();
            let waiting = waiting.count();
            waiting > 0 && waiting + alive > 1
        })
    }

    async fn act(&mut self, database: &Database, act: &Act) -> Outcome {
        let now = self.now;
        let mut transaction = database.write().await.unwrap();
        match act {
            Act::Enqueue(kind, subject) => {
                let entry = NewEntry {
                    kind: &self.kinds[*kind],
                    subject: self.subjects[*subject],
                    partner: None,
                    run_at: now,
                };
                let given = job_queue::enqueue(&mut transaction, entry, now).await.unwrap();
                let same = |entry: &Entry| (entry.kind, entry.subject) == (*kind, *subject);
                let there = self.entries.iter().any(|entry| same(entry) && entry.is_alive());
                prop_assert_eq!(given.is_none(), there, "the same work once");
                self.entries.extend(given.map(|id| Entry {
                    id,
                    kind: *kind,
                    subject: *subject,
                    state: QueueState::Ready,
                    run_at: now,
                    failures: 0,
                    lease: None,
                }));
            }
            Act::Claim => {
                let kinds = self.kinds.each_ref().map(String::as_str);
                let claimed = job_queue::claim(&mut transaction, database.dialect(), &kinds, "w", now).await;
                let claimed = claimed.unwrap();
                let expected = self.next();
                prop_assert_eq!(
                    claimed.as_ref().map(|claimed| claimed.lease.job),
                    expected.map(|at| self.entries[at].id)
                );
                if let (Some(claimed), Some(at)) = (claimed, expected) {
                    let entry = &mut self.entries[at];
                    prop_assert_eq!(claimed.attempts, entry.failures);
                    entry.state = QueueState::Leased;
                    entry.lease = Some((claimed.lease, now + LEASE_MS));
                    self.claims.push(claimed);
                }
            }
            Act::Finish(index) | Act::Fail(index, _) | Act::Postpone(index) => {
                let claims: Vec<&job_queue::ClaimedJob> = self.claims.iter().collect();
                let Some(claimed) = pick(*index, &claims).cloned() else { return Ok(()) };
                let (state, run_at, done) = match act {
                    Act::Fail(_, transient) => {
                        let failure =
                            if *transient { Failure::Transient("t") } else { Failure::NeedsPerson("p") };
                        let done = job_queue::fail(&mut transaction, &claimed, failure, 3, 1.0, now).await;
                        let again = *transient && claimed.attempts + 1 < 3;
                        let state = if again { QueueState::Ready } else { QueueState::Attention };
                        let pause = if again { 30_000 << claimed.attempts } else { 0 };
                        (state, now + pause, done.map(|_| ()))
                    }
                    Act::Finish(_) => {
                        let done = job_queue::finish(&mut transaction, claimed.lease, now).await;
                        (QueueState::Done, now, done)
                    }
                    _ => {
                        let later = now + 10;
                        let done = job_queue::postpone(&mut transaction, claimed.lease, later, now).await;
                        (QueueState::Ready, later, done)
                    }
                };
                match (done, self.held(claimed.lease)) {
                    (Ok(()), Some(entry)) => {
                        entry.failures += i32::from(matches!(act, Act::Fail(..)));
                        entry.end(state, run_at);
                    }
                    (Err(ArchiveError::LeaseLost(_)), None) => {}
                    (done, held) => prop_assert!(false, "{done:?} for {held:?}"),
                }
            }
            Act::Wait(time) => self.now += time,
            Act::Retry(index) => {
                let entries: Vec<usize> = (0..self.entries.len()).collect();
                let Some(at) = pick(*index, &entries) else { return Ok(()) };
                let Entry { id, kind, subject, state, .. } = self.entries[at];
                let waits = matches!(state, QueueState::Attention | QueueState::Ready);
                let other = |entry: &Entry| {
                    entry.id != id && (entry.kind, entry.subject) == (kind, subject) && entry.is_alive()
                };
                let doubles = waits && self.entries.iter().any(other);
                let done = job_queue::retry(&mut transaction, id, now).await;
                prop_assert_eq!(done.is_ok(), waits && !doubles, "{:?}", done);
                if done.is_ok() {
                    self.entries[at].end(QueueState::Ready, now);
                    self.entries[at].failures = 0;
                } else {
                    return Ok(());
                }
            }
            Act::RetrySubject(subject) if self.would_double(*subject) => return Ok(()),
            Act::RetrySubject(subject) => {
                let done = job_queue::retry_subject(&mut transaction, self.subjects[*subject], now).await;
                let waits =
                    |entry: &&mut Entry| entry.subject == *subject && entry.state == QueueState::Attention;
                let mut retried = 0;
                for entry in self.entries.iter_mut().filter(waits) {
                    entry.end(QueueState::Ready, now);
                    entry.failures = 0;
                    retried += 1;
                }
                prop_assert_eq!(done.unwrap(), retried);
            }
            Act::Cancel(subject) => {
                let id = self.subjects[*subject];
                let done = job_queue::cancel_subject(&mut transaction, id, "withdrawn", now).await;
                let open = |entry: &&mut Entry| entry.subject == *subject && entry.state != QueueState::Done;
                let mut cancelled = 0;
                for entry in self.entries.iter_mut().filter(open) {
                    entry.end(QueueState::Done, entry.run_at);
                    cancelled += 1;
                }
                prop_assert_eq!(done.unwrap(), cancelled);
            }
        }
        transaction.commit().await.unwrap();
        Ok(())
    }
}

async fn worked(database: &Database, acts: Vec<(Act, bool)>) -> Outcome {
    let before = Uuid::now_v7();
    let mut model = Model {
        kinds: [format!("export {before}"), format!("fetch {before}")],
        subjects: [Uuid::now_v7(), Uuid::now_v7()],
        entries: Vec::new(),
        claims: Vec::new(),
        now: 1,
    };
    for (act, twice) in acts {
        model.act(database, &act).await?;
        if twice && !matches!(act, Act::Claim | Act::Wait(_)) {
            let states: Vec<QueueState> = model.entries.iter().map(|entry| entry.state).collect();
            model.act(database, &act).await?;
            let again: Vec<QueueState> = model.entries.iter().map(|entry| entry.state).collect();
            prop_assert_eq!(again, states, "{:?} twice", act);
        }
        let listed = job_queue::list_jobs(database.reader(), None, Some(before), 999).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|job| (job.id, job.state, job.attempts)).collect();
        let expected: Vec<_> =
            model.entries.iter().map(|entry| (entry.id, entry.state, entry.failures)).collect();
        prop_assert_eq!(listed, expected);
    }
    Ok(())
}

#[test]
fn work_has_one_holder_and_what_is_cancelled_never_runs() {
    check(36, main_databases, &acts(), worked);
}

#[tokio::test]
async fn a_subject_is_retried_although_the_same_work_waits_again() {
    for database in main_databases().await {
        let (subject, dialect) = (Uuid::now_v7(), database.dialect());
        let entry = NewEntry { kind: "export", subject, partner: None, run_at: 0 };
        let mut transaction = database.write().await.unwrap();
        job_queue::enqueue(&mut transaction, entry, 0).await.unwrap().unwrap();
        let claimed = job_queue::claim(&mut transaction, dialect, &["export"], "w", 1).await.unwrap();
        let failure = Failure::NeedsPerson("refused");
        job_queue::fail(&mut transaction, &claimed.unwrap(), failure, 3, 0.0, 1).await.unwrap();
        job_queue::enqueue(&mut transaction, entry, 2).await.unwrap().unwrap();
        let retried = job_queue::retry_subject(&mut transaction, subject, 3).await;
        assert!(retried.is_ok(), "{retried:?}");
    }
}
