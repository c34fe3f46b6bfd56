//! Jobs and result sets.

use std::collections::VecDeque;

use archive::job::{self, JobEvent, JobState, NewJob};
use archive::job_queue::{self, Failure, NewEntry};
use archive::ledger::{self, LedgerEvent, Of};
use archive::result_set::{self, ResultSetEvent, ResultSetState};
use archive::state::{self, ActorKind, Change, StateChange};
use archive::{ArchiveError, ledger::Line};
use database::Database;
use proptest::prelude::*;
use proptest::sample::Index;
use sqlx::AnyConnection;
use uuid::Uuid;

use super::{Outcome, check, often, pick};
use crate::main_databases;

/// The last column of `attention` and of `expired`.
const BACK: &str = "the state it came from";

/// Table 3.1 of the flow: a state and its last column.
const JOB: &[(&str, &[&str])] = &[
    ("receiving", &["created", "quarantined"]),
    ("quarantined", &["created", "expired"]),
    ("created", &["deidentified", "quarantined"]),
    ("deidentified", &["sent", "closed"]),
    ("sent", &["acked"]),
    ("acked", &["awaiting-result", "closed"]),
    ("awaiting-result", &["closed", "expired"]),
    ("closed", &[]),
    ("attention", &[BACK]),
    ("expired", &["awaiting-result", "closed"]),
    ("cancelled", &[]),
    ("withdrawn", &[]),
];

/// Table 3.2 of the flow. It names no way into `expired`: it is entered from the states that wait for a person or for the gate. From
/// `manual` a set reaches `reconciled` by way of `retrieved`: what was accepted is judged again, and may be asked about again. A newer
/// version replaces whatever was not released (step 6), so `result-available` and `manual`, too.
const RESULT_SET: &[(&str, &[&str])] = &[
    ("result-available", &["retrieved", "superseded"]),
    ("retrieved", &["reconciled", "manual", "blocked", "superseded"]),
    ("manual", &["retrieved", "blocked", "superseded", "expired"]),
    ("blocked", &["retrieved", "expired"]),
    ("reconciled", &["released", "superseded", "blocked", "expired"]),
    ("released", &["returned"]),
    ("returned", &["notified"]),
    ("notified", &["closed"]),
    ("closed", &[]),
    ("superseded", &[]),
    ("rejected", &[]),
    ("withdrawn", &[]),
    ("attention", &[BACK]),
    ("expired", &[BACK, "closed"]),
];

/// Where an event leads, and the only state that it happens in where the place alone does not say it.
const JOB_EVENTS: &[(&str, &str, Option<&str>)] = &[
    ("complete", "created", Some("receiving")),
    ("quarantine", "quarantined", None),
    ("release", "created", Some("quarantined")),
    ("deidentify", "deidentified", None),
    ("send", "sent", None),
    ("acknowledge", "acked", None),
    ("await", "awaiting-result", Some("acked")),
    ("close", "closed", None),
    ("expire", "expired", None),
    ("reopen", "awaiting-result", Some("expired")),
    ("attention", "attention", None),
    ("resume", BACK, None),
    ("cancel", "cancelled", None),
    ("withdraw", "withdrawn", None),
];

const RESULT_SET_EVENTS: &[(&str, &str, Option<&str>)] = &[
    ("retrieve", "retrieved", Some("result-available")),
    ("ask-person", "manual", None),
    ("accept", "retrieved", Some("manual")),
    ("block", "blocked", None),
    ("unblock", "retrieved", Some("blocked")),
    ("reconcile", "reconciled", None),
    ("release", "released", None),
    ("return", "returned", None),
    ("notify", "notified", None),
    ("close", "closed", None),
    ("supersede", "superseded", None),
    ("expire", "expired", None),
    ("attention", "attention", None),
    ("resume", BACK, Some("attention")),
    ("reopen", BACK, Some("expired")),
    ("reject", "rejected", None),
    ("withdraw", "withdrawn", None),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Job,
    ResultSet,
}

impl Kind {
    fn leaves(self, state: &str) -> &'static [&'static str] {
        let table = if self == Self::Job { JOB } else { RESULT_SET };
        table.iter().find(|(of, _)| *of == state).unwrap().1
    }

    fn events(self) -> &'static [(&'static str, &'static str, Option<&'static str>)] {
        if self == Self::Job { JOB_EVENTS } else { RESULT_SET_EVENTS }
    }

    /// What can be entered from every non-terminal state.
    fn anywhere(self) -> [&'static str; 3] {
        ["withdrawn", if self == Self::Job { "cancelled" } else { "rejected" }, "attention"]
    }

    fn first(self) -> &'static str {
        if self == Self::Job { "receiving" } else { "result-available" }
    }

    async fn create(self, connection: &mut AnyConnection) -> Uuid {
        let job = job::create(connection, new_job(true), &change(0, None)).await.unwrap();
        match self {
            Self::Job => job,
            Self::ResultSet => result_set::create(connection, job, &change(0, None)).await.unwrap(),
        }
    }

    async fn advance(
        self,
        connection: &mut AnyConnection,
        id: Uuid,
        event: &str,
        change: &Change<'_>,
    ) -> Result<&'static str, ArchiveError> {
        Ok(match self {
            Self::Job => {
                job::advance(connection, id, JobEvent::parse(event).unwrap(), change).await?.as_str()
            }
            Self::ResultSet => {
                let event = ResultSetEvent::parse(event).unwrap();
                result_set::advance(connection, id, event, change).await?.as_str()
            }
        })
    }

    async fn state(self, database: &Database, id: Uuid) -> &'static str {
        match self {
            Self::Job => job::show(database.reader(), id).await.unwrap().state.as_str(),
            Self::ResultSet => result_set::show(database.reader(), id).await.unwrap().state.as_str(),
        }
    }
}

fn new_job(reversible: bool) -> NewJob<'static> {
    NewJob {
        project: "p1",
        partner: "lab",
        receiving_study: Uuid::now_v7(),
        first_increment: None,
        increment: 1,
        reversible,
    }
}

/// Change number `at`, unlike its neighbours in each field.
fn change(at: usize, gate_hash: Option<&'static str>) -> Change<'static> {
    Change {
        actor_kind: ActorKind::ALL[at % ActorKind::ALL.len()],
        actor: ["wegener", "timer", "LAB"][at % 3],
        cause: ["stable", "asked for", "late", "0110"][at % 4],
        dossier_version: ["d3", "d4"][at % 2],
        gate_hash,
        at: i64::try_from(at).unwrap(),
    }
}

/// What a job or result set is by the flow.
#[derive(Debug, Clone)]
struct Model {
    kind: Kind,
    state: &'static str,
    /// Where `attention` and `expired` lead back to, the latest last.
    origins: Vec<&'static str>,
    /// It has waited for a result before.
    has_awaited: bool,
}

impl Model {
    fn new(kind: Kind) -> Self {
        Self { kind, state: kind.first(), origins: Vec::new(), has_awaited: false }
    }

    fn is_terminal(&self) -> bool {
        self.kind.leaves(self.state).is_empty()
    }

    fn next(&self, event: &str) -> Option<&'static str> {
        let (_, to, only) = self.kind.events().iter().find(|(name, ..)| *name == event).unwrap();
        let leaves = self.kind.leaves(self.state);
        if only.is_some_and(|only| only != self.state) || self.is_terminal() {
            return None;
        }
        if self.kind == Kind::Job && event == "reopen" && !self.has_awaited {
            return None;
        }
        if self.kind.anywhere().contains(to) {
            return (*to != self.state).then_some(*to);
        }
        let to = leaves.contains(to).then_some(*to)?;
        if to == BACK { self.origins.last().copied() } else { Some(to) }
    }

    /// Whether data leave by it (INV-3).
    fn is_gated(event: &str) -> bool {
        ["send", "return"].contains(&event)
    }

    fn follow(&mut self, event: &str, to: &'static str) {
        if event == "resume" || (event == "reopen" && self.kind == Kind::ResultSet) {
            self.origins.pop();
        } else if self.kind.leaves(to).contains(&BACK) {
            self.origins.push(self.state);
        }
        self.has_awaited |= to == "awaiting-result";
        self.state = to;
    }

    fn possible(&self) -> Vec<(&'static str, &'static str)> {
        let events = self.kind.events().iter();
        events.filter_map(|(event, ..)| Some((*event, self.next(event)?))).collect()
    }

    /// Any event, or one that goes on.
    fn choose(&self, index: Index, wild: bool) -> &'static str {
        let on: Vec<&str> = self
            .possible()
            .into_iter()
            .filter(|(_, to)| !self.kind.leaves(to).is_empty())
            .map(|(event, _)| event)
            .collect();
        let all: Vec<&str> = self.kind.events().iter().map(|(event, ..)| *event).collect();
        let any: &&str = index.get(&all);
        pick(index, &on).filter(|_| !wild).unwrap_or(any)
    }
}

/// Every way to be in a non-terminal state, and events that lead there.
fn ways(kind: Kind) -> Vec<(Model, Vec<&'static str>)> {
    let mut ways: Vec<(Model, Vec<&'static str>)> = Vec::new();
    let mut ahead = VecDeque::from([(Model::new(kind), Vec::new())]);
    while let Some((model, events)) = ahead.pop_front() {
        let known = |(other, _): &&(Model, Vec<&str>)| {
            (other.state, &other.origins, other.has_awaited)
                == (model.state, &model.origins, model.has_awaited)
        };
        if model.is_terminal() || ways.iter().any(|way| known(&way)) {
            continue;
        }
        for (event, to) in model.possible() {
            let (mut next, mut further) = (model.clone(), events.clone());
            next.follow(event, to);
            further.push(event);
            ahead.push_back((next, further));
        }
        ways.push((model, events));
    }
    ways
}

/// One step of a walk.
#[derive(Debug, Clone)]
struct Step {
    event: Index,
    wild: bool,
    gate: bool,
    commit: bool,
    replay: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (any::<Index>(), often(0.2), often(0.8), often(0.75), often(0.3))
        .prop_map(|(event, wild, gate, commit, replay)| Step { event, wild, gate, commit, replay });
    prop::collection::vec(step, 4..20)
}

/// A job or result set, and all that must be written about it.
struct Walk<'d> {
    database: &'d Database,
    id: Uuid,
    model: Model,
    history: Vec<StateChange>,
    lines: usize,
}

impl<'d> Walk<'d> {
    async fn start(database: &'d Database, kind: Kind) -> Self {
        let mut transaction = database.write().await.unwrap();
        let id = kind.create(&mut transaction).await;
        transaction.commit().await.unwrap();
        let mut walk = Self { database, id, model: Model::new(kind), history: Vec::new(), lines: 0 };
        walk.note("create", "", kind.first(), &change(0, None));
        walk
    }

    fn note(&mut self, event: &str, from: &str, to: &str, change: &Change<'_>) {
        self.history.push(StateChange {
            event: event.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            actor_kind: change.actor_kind,
            actor: change.actor.to_owned(),
            cause: change.cause.to_owned(),
            dossier_version: change.dossier_version.to_owned(),
            gate_hash: change.gate_hash.map(str::to_owned),
            at: change.at,
        });
    }

    /// Lets `event` happen with a ledger line in one transaction, which is committed or lost as in a crash.
    async fn step(&mut self, event: &str, change: &Change<'_>, commit: bool) -> Outcome {
        let (from, expected) = (self.model.state, self.model.next(event));
        let mut transaction = self.database.write().await.unwrap();
        let done = self.model.kind.advance(&mut transaction, self.id, event, change).await;
        match (done, expected) {
            (Err(ArchiveError::Refused { state, .. }), None) => {
                prop_assert_eq!(state, from);
                // Who commits in spite of a refusal has written nothing.
                transaction.commit().await.unwrap();
                return Ok(());
            }
            (Err(ArchiveError::GateMissing { .. }), Some(_))
                if Model::is_gated(event) && change.gate_hash.is_none() =>
            {
                transaction.commit().await.unwrap();
                return Ok(());
            }
            (Ok(to), Some(expected)) => {
                prop_assert_eq!(to, expected, "{} {}", from, event);
                prop_assert!(!Model::is_gated(event) || change.gate_hash.is_some());
            }
            (done, expected) => prop_assert!(false, "{from} {event}: {done:?}, expected {expected:?}"),
        }
        ledger::append(&mut transaction, &[line(self.id)]).await.unwrap();
        if commit {
            transaction.commit().await.unwrap();
            self.note(event, from, expected.unwrap(), change);
            self.model.follow(event, expected.unwrap());
            self.lines += 1;
        }
        Ok(())
    }

    async fn check(&self) -> Outcome {
        let reader = self.database.reader();
        prop_assert_eq!(self.model.kind.state(self.database, self.id).await, self.model.state);
        prop_assert_eq!(&state::history(reader, self.id).await.unwrap(), &self.history);
        prop_assert_eq!(ledger::list(reader, Of::Job(self.id), None, 99).await.unwrap().len(), self.lines);
        Ok(())
    }
}

fn line(id: Uuid) -> Line<'static> {
    Line {
        event: LedgerEvent::Cleared,
        project: "p1",
        job: Some(id),
        result_set: None,
        instance: Uuid::now_v7(),
        destination: "",
        hash: "blake3:00",
        bytes: 1,
        dossier_version: "d3",
        gate_hash: None,
        cause: "",
        at: 1,
    }
}

async fn walk(database: &Database, kind: Kind, steps: Vec<Step>) -> Outcome {
    let mut walk = Walk::start(database, kind).await;
    let mut at = 0;
    for step in steps {
        let event = walk.model.choose(step.event, step.wild);
        let ended = walk.model.is_terminal().then_some(walk.model.state);
        at += 1;
        let change = change(at, step.gate.then_some("abc"));
        let before = walk.history.len();
        walk.step(event, &change, step.commit).await?;
        walk.check().await?;
        if step.replay && walk.history.len() > before {
            let state = walk.model.state;
            walk.step(event, &change, true).await?;
            prop_assert_eq!(walk.model.state, state, "{} twice", event);
            walk.check().await?;
        }
        prop_assert!(ended.is_none_or(|ended| ended == walk.model.state), "a terminal state is left");
    }
    let history = state::history(database.reader(), walk.id).await.unwrap();
    let mut passed = false;
    for change in history.iter().filter(|change| ["sent", "returned"].contains(&change.to.as_str())) {
        passed |= change.gate_hash.is_some() && Model::is_gated(&change.event);
        prop_assert!(passed, "{} without a gate evaluation", change.to);
    }
    Ok(())
}

#[test]
fn a_job_goes_the_ways_of_the_flow_and_writes_each_down() {
    check(28, main_databases, &steps(), async |database, steps| walk(database, Kind::Job, steps).await);
}

#[test]
fn a_result_set_goes_the_ways_of_the_flow_and_writes_each_down() {
    check(28, main_databases, &steps(), async |database, steps| walk(database, Kind::ResultSet, steps).await);
}

#[test]
fn every_event_in_every_state_leads_where_the_flow_says() {
    for kind in [Kind::Job, Kind::ResultSet] {
        for (model, _) in ways(kind) {
            let origin = model.origins.last();
            for (event, ..) in kind.events() {
                // the arrow is there; `advance` looks at the history too
                if *event == "reopen" && kind == Kind::Job && !model.has_awaited {
                    continue;
                }
                let next = match kind {
                    Kind::Job => {
                        let state = |word: &str| JobState::parse(word).unwrap();
                        let event = JobEvent::parse(event).unwrap();
                        state(model.state).next(origin.map(|word| state(word)), event).map(JobState::as_str)
                    }
                    Kind::ResultSet => {
                        let state = |word: &str| ResultSetState::parse(word).unwrap();
                        let event = ResultSetEvent::parse(event).unwrap();
                        let next = state(model.state).next(origin.map(|word| state(word)), event);
                        next.map(ResultSetState::as_str)
                    }
                };
                assert_eq!(next, model.next(event), "{model:?} {event}");
            }
        }
    }
    assert_eq!((JOB.len(), RESULT_SET.len()), (JobState::ALL.len(), ResultSetState::ALL.len()));
    assert_eq!((JOB_EVENTS.len(), RESULT_SET_EVENTS.len()), (JobEvent::ALL.len(), ResultSetEvent::ALL.len()));
}

#[tokio::test]
async fn withdrawal_is_possible_in_every_state_and_stops_all_work() {
    for database in main_databases().await {
        for (kind, states) in [(Kind::Job, 9), (Kind::ResultSet, 10)] {
            let ways = ways(kind);
            let mut reached: Vec<&str> = ways.iter().map(|(model, _)| model.state).collect();
            reached.sort_unstable();
            reached.dedup();
            assert_eq!(reached.len(), states, "all that are not terminal");
            for (model, events) in ways {
                let mut transaction = database.write().await.unwrap();
                let id = kind.create(&mut transaction).await;
                for event in events {
                    kind.advance(&mut transaction, id, event, &change(1, Some("abc"))).await.unwrap();
                }
                let stages = ["waits", "runs", "failed"].map(|stage| format!("{stage} {id}"));
                let [waits, runs, failed] = stages.each_ref().map(String::as_str);
                for kind in [waits, runs, failed] {
                    let entry = NewEntry { kind, subject: id, partner: None, run_at: 0 };
                    job_queue::enqueue(&mut transaction, entry, 0).await.unwrap().unwrap();
                }
                let dialect = database.dialect();
                let running = job_queue::claim(&mut transaction, dialect, &[runs], "w", 1).await.unwrap();
                let running = running.unwrap();
                let broken = job_queue::claim(&mut transaction, dialect, &[failed], "w", 1).await.unwrap();
                let broken = broken.unwrap();
                let failure = Failure::NeedsPerson("refused");
                job_queue::fail(&mut transaction, &broken, failure, 3, 0.0, 1).await.unwrap();
                transaction.commit().await.unwrap();

                let mut transaction = database.write().await.unwrap();
                let to = kind.advance(&mut transaction, id, "withdraw", &change(2, None)).await;
                assert_eq!(to.unwrap(), "withdrawn", "{model:?}");
                transaction.commit().await.unwrap();
                let mut transaction = database.write().await.unwrap();
                let kinds = [waits, runs, failed];
                let claimed =
                    job_queue::claim(&mut transaction, dialect, &kinds, "w", i64::MAX / 2).await.unwrap();
                assert_eq!(claimed, None, "{model:?}");
                let ended = job_queue::finish(&mut transaction, running.lease, 3).await;
                assert!(matches!(ended, Err(ArchiveError::LeaseLost(_))), "{model:?}");
                let retried = job_queue::retry(&mut transaction, broken.lease.job, 3).await;
                assert!(matches!(retried, Err(ArchiveError::NotFound { .. })), "{model:?}");
                assert_eq!(job_queue::retry_subject(&mut transaction, id, 3).await.unwrap(), 0);
            }
        }
    }
}

#[tokio::test]
async fn what_is_anonymous_has_no_results_in_any_state() {
    for database in main_databases().await {
        for (model, events) in ways(Kind::Job) {
            let mut transaction = database.write().await.unwrap();
            let id = job::create(&mut transaction, new_job(false), &change(0, None)).await.unwrap();
            for event in events {
                Kind::Job.advance(&mut transaction, id, event, &change(1, Some("abc"))).await.unwrap();
            }
            let refused = result_set::create(&mut transaction, id, &change(2, None)).await;
            assert!(matches!(refused, Err(ArchiveError::Refused { .. })), "{model:?}");
            assert_eq!(result_set::of_job(&mut *transaction, id).await.unwrap(), []);
            assert!(!job::show(&mut *transaction, id).await.unwrap().reversible, "{model:?}");
        }
    }
}

#[tokio::test]
async fn resume_twice_is_resume_once() {
    for database in main_databases().await {
        let mut transaction = database.write().await.unwrap();
        let kind = Kind::ResultSet;
        let id = kind.create(&mut transaction).await;
        for event in ["retrieve", "reconcile", "expire", "attention"] {
            kind.advance(&mut transaction, id, event, &change(1, None)).await.unwrap();
        }
        let once = kind.advance(&mut transaction, id, "resume", &change(2, None)).await.unwrap();
        let _ = kind.advance(&mut transaction, id, "resume", &change(2, None)).await;
        let after = result_set::show(&mut *transaction, id).await.unwrap().state;
        assert_eq!((once, after.as_str()), ("expired", "expired"));
    }
}

#[tokio::test]
async fn a_change_says_who_why_and_under_which_dossier() {
    for database in main_databases().await {
        let mut transaction = database.write().await.unwrap();
        let id = Kind::Job.create(&mut transaction).await;
        let whole = change(1, None);
        for part in [
            Change { actor: "", ..whole },
            Change { cause: "", ..whole },
            Change { dossier_version: "", ..whole },
        ] {
            let done = Kind::Job.advance(&mut transaction, id, "attention", &part).await;
            assert!(done.is_err(), "{part:?}");
        }
    }
}

#[tokio::test]
async fn a_withdrawn_job_gets_no_result_set() {
    for database in main_databases().await {
        for event in ["withdraw", "cancel"] {
            let mut transaction = database.write().await.unwrap();
            let id = Kind::Job.create(&mut transaction).await;
            for event in ["complete", "deidentify", "send", "acknowledge", "await", event] {
                Kind::Job.advance(&mut transaction, id, event, &change(1, Some("abc"))).await.unwrap();
            }
            let created = result_set::create(&mut transaction, id, &change(2, None)).await;
            assert!(created.is_err(), "after {event}");
        }
    }
}

#[tokio::test]
async fn a_job_that_was_never_sent_awaits_no_result() {
    for database in main_databases().await {
        let mut transaction = database.write().await.unwrap();
        let id = Kind::Job.create(&mut transaction).await;
        for event in ["quarantine", "expire"] {
            Kind::Job.advance(&mut transaction, id, event, &change(1, None)).await.unwrap();
        }
        let reopened = Kind::Job.advance(&mut transaction, id, "reopen", &change(2, None)).await;
        assert!(reopened.is_err(), "{reopened:?}");
    }
}
