//! The buffer database: rows leave from the states that permit it, and nothing gets lost on the way.

use std::collections::BTreeMap;

use archive::ArchiveError;
use archive::buffer::{
    self, Arrival, BufferState, Decision, Hold, QuarantineReason, ReceivedInstance, ResultInstance,
    ReturnState,
};
use database::Database;
use database::testing::{TestDatabase, engines};
use proptest::prelude::*;
use proptest::sample::Index;
use sqlx::Row;
use uuid::Uuid;

use super::{Outcome, check, often, pick};

/// The quarantine timer, the retention timer of originals and that of rows, milliseconds.
const HELD: i64 = 60;
const KEPT: i64 = 40;
const KNOWN: i64 = 30;

const TABLES: [&str; 3] = ["received_instance", "quarantine", "receiving_study"];

async fn buffers() -> Vec<TestDatabase> {
    let engines = engines().await;
    for database in &engines {
        database.migrate(buffer::MIGRATIONS).await.unwrap();
    }
    engines
}

#[derive(Debug, Clone)]
enum Act {
    Arrive(Vec<(u8, u8)>),
    Gather,
    Admit,
    Deidentify,
    Hold(Index),
    Decide(Index, Decision),
    QuarantineTimer,
    RetentionTimer,
    Purge,
    Oppose(u8),
    CloseStudies,
    Wait,
}

fn acts() -> impl Strategy<Value = Vec<(Act, bool)>> {
    let arrived = prop::collection::vec((0u8..8, 0u8..2), 1..4);
    let act = prop_oneof![
        6 => arrived.prop_map(Act::Arrive),
        3 => Just(Act::Gather),
        4 => Just(Act::Admit),
        4 => Just(Act::Deidentify),
        3 => any::<Index>().prop_map(Act::Hold),
        2 => (any::<Index>(), prop::sample::select(Decision::ALL.to_vec()))
            .prop_map(|(entry, decision)| Act::Decide(entry, decision)),
        2 => Just(Act::QuarantineTimer),
        3 => Just(Act::RetentionTimer),
        3 => Just(Act::Purge),
        1 => (0u8..2).prop_map(Act::Oppose),
        1 => Just(Act::CloseStudies),
        2 => Just(Act::Wait),
    ];
    prop::collection::vec((act, often(0.25)), 8..30)
}

fn instance(number: u8, content: u8, at: i64) -> ReceivedInstance {
    ReceivedInstance {
        id: Uuid::now_v7(),
        project: Some("p1".into()),
        door: "dicom".into(),
        calling: "PACS".into(),
        called: "RESEARCH".into(),
        peer: "192.0.2.7".into(),
        patient_id: format!("471{}", number % 2),
        issuer_of_patient_id: String::new(),
        assigning_authority: "hospital".into(),
        study_instance_uid: format!("1.2.{}", number % 2),
        series_instance_uid: format!("1.2.{}.{}", number % 2, number % 4),
        sop_instance_uid: format!("1.2.3.1.{number}"),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        modality: "CT".into(),
        spool: "spool".into(),
        location: format!("segment/{}/{number}/200/1000", number % 3).parse().unwrap(),
        blake3: [content; 32],
        irregularities: "[]".into(),
        already_deidentified: false,
        received_at: at,
    }
}

/// One row as it must be.
#[derive(Debug, Clone)]
struct Kept {
    id: Uuid,
    number: u8,
    content: u8,
    state: BufferState,
    in_batch: bool,
    since: i64,
}

#[derive(Default)]
struct Model {
    rows: Vec<Kept>,
    /// Instance and its timer.
    held: Vec<(Uuid, i64)>,
    /// How what is gone has left: each is a word of the ledger.
    left: BTreeMap<&'static str, u64>,
    arrived: u64,
    now: i64,
}

impl Model {
    fn ids(&self, wanted: impl Fn(&Kept) -> bool) -> Vec<Uuid> {
        self.rows.iter().filter(|row| wanted(row)).map(|row| row.id).collect()
    }

    fn set(&mut self, ids: &[Uuid], state: BufferState) {
        let now = self.now;
        for row in self.rows.iter_mut().filter(|row| ids.contains(&row.id)) {
            (row.state, row.since) = (state, now);
            row.in_batch &= state != BufferState::Quarantined;
        }
    }

    fn leave(&mut self, ids: &[Uuid], how: &'static str) {
        let before = self.rows.len();
        self.rows.retain(|row| !ids.contains(&row.id));
        self.held.retain(|(object, _)| !ids.contains(object));
        *self.left.entry(how).or_default() += (before - self.rows.len()) as u64;
    }

    fn arrives(&mut self, instance: &ReceivedInstance, number: u8, content: u8) -> Arrival {
        let mut same = self.rows.iter().filter(|row| row.number == number);
        let first = same.clone().next().map(|row| row.id);
        if let Some(row) = same.find(|row| row.content == content) {
            return Arrival::Duplicate { of: row.id };
        }
        let (id, since) = (instance.id, self.now);
        let state = BufferState::Received;
        self.rows.push(Kept { id, number, content, state, in_batch: false, since });
        self.arrived += 1;
        first.map_or(Arrival::New, |from| Arrival::Differs { from })
    }

    async fn act(&mut self, database: &Database, act: &Act) -> Outcome {
        let now = self.now;
        let mut transaction = database.write().await.unwrap();
        let connection = &mut *transaction;
        let all = self.ids(|_| true);
        match act {
            Act::Arrive(what) => {
                let rows: Vec<_> = what.iter().map(|(uid, content)| instance(*uid, *content, now)).collect();
                let arrivals = buffer::insert_batch(connection, &rows, None).await.unwrap();
                let expected = what.iter().zip(&rows);
                let expected: Vec<_> =
                    expected.map(|((uid, content), row)| self.arrives(row, *uid, *content)).collect();
                prop_assert_eq!(arrivals, expected);
            }
            Act::Gather => {
                let batches = buffer::gather(connection, 99).await.unwrap();
                let waiting = self.ids(|row| row.state == BufferState::Received && !row.in_batch);
                prop_assert_eq!(
                    batches.iter().map(|batch| batch.instances).sum::<u64>(),
                    waiting.len() as u64
                );
                self.rows.iter_mut().filter(|row| waiting.contains(&row.id)).for_each(|row| {
                    row.in_batch = true;
                });
            }
            Act::Admit | Act::Deidentify => {
                let (from, to) = match act {
                    Act::Admit => (BufferState::Received, BufferState::Admitted),
                    _ => (BufferState::Admitted, BufferState::Deidentified),
                };
                let due = self.ids(|row| row.state == from);
                let moved = buffer::advance(connection, &all, from, to, now).await.unwrap();
                prop_assert_eq!(moved, due.len() as u64, "only those that are in the state");
                self.set(&due, to);
            }
            Act::Hold(index) => {
                // Also asked for what is held already, or is past the stages that hold.
                let Some(id) = pick(*index, &all) else { return Ok(()) };
                hold(connection, id, now).await;
                let open = [BufferState::Received, BufferState::Admitted];
                if self.rows.iter().any(|row| row.id == id && open.contains(&row.state)) {
                    self.set(&[id], BufferState::Quarantined);
                    self.held.push((id, now + HELD));
                }
            }
            Act::Decide(index, decision) => {
                let Some((object, _)) = pick(*index, &self.held) else { return Ok(()) };
                let open = buffer::list_quarantined(&mut *connection, Some("p1"), None, 99).await.unwrap();
                let entry = open.iter().find(|entry| entry.object == object).unwrap().id;
                let gone = buffer::decide(connection, entry, *decision, "wegener", now).await.unwrap();
                let twice = buffer::decide(connection, entry, *decision, "wegener", now).await;
                prop_assert!(matches!(twice, Err(ArchiveError::Refused { .. })), "{twice:?}");
                let discarded = *decision == Decision::Discard;
                prop_assert_eq!(gone.map(|instance| instance.id), discarded.then_some(object));
                if discarded {
                    self.leave(&[object], "discarded");
                } else {
                    self.set(&[object], BufferState::Received);
                    self.held.retain(|(held, _)| *held != object);
                }
            }
            Act::QuarantineTimer => {
                let expired = buffer::expired(&mut *connection, now, 99).await.unwrap();
                let mut objects: Vec<Uuid> = expired.iter().map(|entry| entry.object).collect();
                let due = self.held.iter().filter(|(_, timer)| *timer <= now).map(|(object, _)| *object);
                let mut due: Vec<Uuid> = due.collect();
                objects.sort_unstable();
                due.sort_unstable();
                prop_assert_eq!(&objects, &due);
                for entry in expired {
                    buffer::decide(connection, entry.id, Decision::Discard, "timer", now).await.unwrap();
                }
                self.leave(&due, "discarded");
            }
            Act::RetentionTimer => {
                let (state, before) = (BufferState::Deidentified, now - KEPT);
                let found = buffer::in_state_since(&mut *connection, "p1", state, before, 99).await.unwrap();
                let mut found: Vec<Uuid> = found.into_iter().map(|(id, _)| id).collect();
                let mut due = self.ids(|row| row.state == state && row.since <= before);
                found.sort_unstable();
                due.sort_unstable();
                prop_assert_eq!(&found, &due);
                // Also asked for what is in another state: its bytes are still needed.
                let asked = [found, self.ids(|row| row.state != state)].concat();
                prop_assert_eq!(
                    buffer::advance(
                        connection,
                        &asked,
                        BufferState::Deidentified,
                        BufferState::Released,
                        now
                    )
                    .await
                    .unwrap(),
                    due.len() as u64
                );
                self.set(&due, BufferState::Released);
            }
            Act::Purge => {
                let before = now - KNOWN;
                let due = self.ids(|row| row.state == BufferState::Released && row.since <= before);
                let purged = buffer::purge_released(connection, before, 99).await.unwrap();
                prop_assert_eq!(purged, due.len() as u64);
                self.leave(&due, "purged");
            }
            Act::Oppose(patient) => {
                let number = format!("471{patient}");
                let of = buffer::of_participant(&mut *connection, "p1", "hospital", &number, None, 99).await;
                let mut of: Vec<Uuid> = of.unwrap().iter().map(|row| row.received.id).collect();
                let mut expected = self.ids(|row| row.number % 2 == *patient);
                of.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(&of, &expected);
                buffer::remove(connection, &of).await.unwrap();
                self.leave(&of, "opposed");
            }
            Act::CloseStudies => {
                for study in buffer::stable_studies(&mut *connection, "p1", now, 99).await.unwrap() {
                    prop_assert!(buffer::close_study(connection, &study, now).await.unwrap());
                    prop_assert!(!buffer::close_study(connection, &study, now).await.unwrap(), "twice");
                }
            }
            Act::Wait => self.now += 20,
        }
        transaction.commit().await.unwrap();
        Ok(())
    }

    async fn check(&self, database: &Database) -> Outcome {
        let reader = database.reader();
        let mut states = BTreeMap::new();
        let mut segments = BTreeMap::new();
        for row in &self.rows {
            *states.entry(row.state.as_str()).or_insert(0) += 1;
            if row.state != BufferState::Released {
                *segments.entry(u32::from(row.number % 3)).or_insert(0) += 1;
            }
        }
        let counted = buffer::count_by_state(reader).await.unwrap();
        let counted: BTreeMap<_, _> =
            counted.into_iter().map(|(state, count)| (state.as_str(), count)).collect();
        prop_assert_eq!(&counted, &states);
        let mut live = BTreeMap::new();
        for (_, location) in buffer::live_locations(reader, "spool", Uuid::nil(), 999).await.unwrap() {
            *live.entry(location.segment().unwrap()).or_insert(0_u64) += 1;
        }
        prop_assert_eq!(live, segments, "no segment goes too early");
        let held = buffer::list_quarantined(reader, None, None, 99).await.unwrap();
        let held: Vec<_> = held.iter().map(|entry| (entry.object, entry.expires_at)).collect();
        prop_assert_eq!(&held, &self.held);
        let left = self.left.values().sum::<u64>();
        prop_assert_eq!(self.arrived, counted.values().sum::<u64>() + left, "received = here + left");
        Ok(())
    }
}

async fn hold(connection: &mut sqlx::AnyConnection, id: Uuid, now: i64) {
    let reason = QuarantineReason::PixelRisk;
    let hold = Hold { project: "p1", reason, detail: "", expires_at: now + HELD };
    buffer::hold(connection, &[id], hold, now).await.unwrap();
}

async fn rows(database: &Database) -> i64 {
    let mut rows = 0;
    for table in TABLES {
        let count = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")));
        rows += count.fetch_one(database.reader()).await.unwrap().get::<i64, _>(0);
    }
    rows
}

async fn buffered(database: &Database, acts: Vec<(Act, bool)>) -> Outcome {
    let mut transaction = database.write().await.unwrap();
    for table in TABLES {
        let delete = sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}")));
        delete.execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let mut model = Model { now: 100, ..Model::default() };
    for (act, twice) in acts {
        model.now += 10;
        model.act(database, &act).await?;
        model.check(database).await?;
        // A person's next decision is about another instance.
        if twice && !matches!(act, Act::Decide(..) | Act::Wait) {
            let states: Vec<_> = model.rows.iter().map(|row| (row.id, row.state)).collect();
            model.act(database, &act).await?;
            model.check(database).await?;
            let again: Vec<_> = model.rows.iter().map(|row| (row.id, row.state)).collect();
            prop_assert_eq!(again, states, "{:?} twice", act);
        }
    }
    let way_out = [
        Act::QuarantineTimer,
        Act::Admit,
        Act::Deidentify,
        Act::RetentionTimer,
        Act::CloseStudies,
        Act::Purge,
    ];
    for act in way_out {
        model.now += 100;
        model.act(database, &act).await?;
        model.check(database).await?;
    }
    // The study is closed and the timer of the rows starts: one more round.
    model.now += 100;
    model.act(database, &Act::Purge).await?;
    prop_assert_eq!(rows(database).await, 0, "nothing is left after the timers");
    prop_assert_eq!(model.arrived, model.left.values().sum::<u64>());
    Ok(())
}

#[test]
fn nothing_leaves_the_buffer_before_its_state_permits_it_and_all_of_it_after() {
    check(22, buffers, &acts(), buffered);
}

fn result(result_set: Uuid, number: usize) -> ResultInstance {
    ResultInstance {
        id: Uuid::now_v7(),
        result_set,
        study_instance_uid: "2.25.1".into(),
        series_instance_uid: "2.25.2".into(),
        sop_instance_uid: format!("2.25.3.{number}"),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.66.4".into(),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        location: format!("return/{number}"),
        bytes: 5,
        blake3: [1; 32],
    }
}

type Notes = Vec<(Index, ReturnState, bool)>;

fn notes() -> impl Strategy<Value = (usize, Notes)> {
    let state = prop::sample::select(ReturnState::ALL.to_vec());
    (1usize..5, prop::collection::vec((any::<Index>(), state, often(0.3)), 0..16))
}

async fn returned(database: &Database, (count, notes): (usize, Notes)) -> Outcome {
    let sets = [Uuid::now_v7(), Uuid::now_v7()];
    let instances: Vec<Vec<ResultInstance>> =
        sets.map(|set| (0..count).map(|number| result(set, number)).collect()).into();
    let mut transaction = database.write().await.unwrap();
    for instances in &instances {
        let new = buffer::insert_inbound(&mut transaction, "lab", instances, 1).await.unwrap();
        prop_assert_eq!(new, count as u64);
        prop_assert_eq!(buffer::insert_inbound(&mut transaction, "lab", instances, 2).await.unwrap(), 0);
        for _ in 0..2 {
            buffer::insert_return(&mut transaction, instances, 2).await.unwrap();
        }
    }
    let [set, other] = sets;
    let mut model = vec![ReturnState::Waiting; count];
    let numbers: Vec<usize> = (0..count).collect();
    for (at, state, twice) in notes {
        let at = *at.get(&numbers);
        for _ in 0..=usize::from(twice) {
            let id = instances[0][at].id;
            buffer::note_return(&mut transaction, id, state, "0000", 3).await.unwrap();
        }
        if model[at] != ReturnState::Confirmed {
            model[at] = state;
        }
        let progress = buffer::return_progress(&mut *transaction, set).await.unwrap();
        for state in ReturnState::ALL {
            let expected = model.iter().filter(|known| *known == state).count() as u64;
            let counted = progress.iter().find(|(known, _)| known == state).map_or(0, |(_, count)| *count);
            prop_assert_eq!(counted, expected, "{}", state);
        }
        let all = progress == [(ReturnState::Confirmed, count as u64)];
        prop_assert_eq!(all, model.iter().all(|state| *state == ReturnState::Confirmed));
    }
    let waiting = buffer::return_progress(&mut *transaction, other).await.unwrap();
    prop_assert_eq!(waiting, [(ReturnState::Waiting, count as u64)], "of another set");
    for _ in 0..2 {
        buffer::purge_result_set(&mut transaction, set).await.unwrap();
    }
    prop_assert_eq!(buffer::inbound_of(&mut *transaction, set).await.unwrap(), []);
    prop_assert_eq!(buffer::return_of(&mut *transaction, set).await.unwrap(), []);
    prop_assert_eq!(&buffer::inbound_of(&mut *transaction, other).await.unwrap(), &instances[1]);
    prop_assert_eq!(buffer::return_of(&mut *transaction, other).await.unwrap().len(), count);
    Ok(())
}

#[test]
fn what_the_clinical_pacs_confirmed_stays_confirmed_and_a_set_is_purged_alone() {
    check(40, buffers, &notes(), returned);
}

#[tokio::test]
async fn held_twice_is_held_once() {
    for database in buffers().await {
        let row = instance(1, 0, 1);
        let mut transaction = database.write().await.unwrap();
        buffer::insert_batch(&mut transaction, std::slice::from_ref(&row), None).await.unwrap();
        for _ in 0..2 {
            hold(&mut transaction, row.id, 2).await;
        }
        let open = buffer::list_quarantined(&mut *transaction, None, None, 9).await.unwrap();
        buffer::decide(&mut transaction, open[0].id, Decision::Release, "wegener", 3).await.unwrap();
        let (received, admitted) = (BufferState::Received, BufferState::Admitted);
        buffer::advance(&mut transaction, &[row.id], received, admitted, 4).await.unwrap();
        for entry in buffer::expired(&mut *transaction, 999, 9).await.unwrap() {
            buffer::decide(&mut transaction, entry.id, Decision::Discard, "timer", 999).await.unwrap();
        }
        let kept = buffer::by_id(&mut transaction, &[row.id]).await.unwrap();
        assert_eq!(kept.first().map(|row| row.state), Some(admitted), "it is on its way to Z3");
    }
}
