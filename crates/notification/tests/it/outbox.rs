use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use database::testing::{TestDatabase, engines};
use database::{Database, Options};
use notification::{
    Carrier, Clock, DeliveryError, Dispatcher, Event, EventType, MessageState, OutboxMessage, attempts,
    count, enqueue, messages, purge, replay, replay_dead,
};
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

const HOUR: i64 = 3_600_000;
const LEASE: i64 = 180_000;

/// A clock that the test moves.
#[derive(Clone, Default)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn at(now: i64) -> Self {
        Self(Arc::new(AtomicI64::new(now)))
    }

    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self, now: i64) {
        self.0.store(now, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Arc::new(move || time.now())
    }
}

/// Notes every delivery and then does what the test wants.
struct Fake<F> {
    seen: Mutex<Vec<(String, Uuid, i64)>>,
    act: F,
}

impl<F> Fake<F> {
    fn new(act: F) -> Arc<Self> {
        Arc::new(Self { seen: Mutex::new(Vec::new()), act })
    }

    fn seen(&self) -> Vec<(String, Uuid, i64)> {
        self.seen.lock().unwrap().clone()
    }
}

impl<F, R> Carrier for Fake<F>
where
    F: Fn(String, i64) -> R + Send + Sync,
    R: Future<Output = Result<(), DeliveryError>> + Send,
{
    async fn deliver(&self, recipient: &str, event: &Event, now: i64) -> Result<(), DeliveryError> {
        self.seen.lock().unwrap().push((recipient.to_owned(), event.id, now));
        (self.act)(recipient.to_owned(), now).await
    }
}

async fn databases() -> Vec<TestDatabase> {
    let databases = engines().await;
    for database in &databases {
        database.migrate(notification::MIGRATIONS).await.unwrap();
    }
    databases
}

async fn put(database: &Database, event: &Event, recipients: &[&str], now: i64) {
    let mut transaction = database.write().await.unwrap();
    enqueue(&mut transaction, event, recipients.iter().copied(), now).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn all(database: &Database) -> Vec<OutboxMessage> {
    messages(database.reader(), None, None, 1_000).await.unwrap()
}

fn dispatcher<C: Carrier + 'static>(database: &Database, carrier: &Arc<C>, time: &Time) -> Dispatcher<C> {
    Dispatcher::new(database.clone(), Arc::clone(carrier), time.clock(), 24)
}

#[tokio::test]
async fn a_message_exists_with_its_transaction_and_once_per_event_and_recipient() {
    for database in databases().await {
        let event = Event::new(EventType::ExportSent, 5);
        let mut transaction = database.write().await.unwrap();
        enqueue(&mut transaction, &event, ["a"], 5).await.unwrap();
        drop(transaction);
        assert!(all(&database).await.is_empty());

        put(&database, &event, &["a", "b"], 5).await;
        put(&database, &event, &["b", "a"], 6).await;
        let rows = all(&database).await;
        assert_eq!(rows.iter().map(|row| row.recipient.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(rows.iter().all(|row| row.event_id == event.id && row.event_type == "export.sent"));
        assert_eq!(messages(database.reader(), None, Some(rows[0].id), 9).await.unwrap(), rows[1..]);
    }
}

#[tokio::test]
async fn delivered_once_with_its_history() {
    for database in databases().await {
        let (time, carrier) = (Time::at(1_000), Fake::new(|_, _| async { Ok(()) }));
        let event = Event::new(EventType::ReturnConfirmed, 1_000);
        put(&database, &event, &["a"], 1_000).await;
        let dispatcher = dispatcher(&database, &carrier, &time);
        dispatcher.round().await;
        dispatcher.round().await;
        assert_eq!(carrier.seen(), [("a".to_owned(), event.id, 1_000)]);
        let row = all(&database).await.remove(0);
        assert_eq!((row.state, row.attempts, row.last_error), (MessageState::Delivered, 1, None));
        let history = attempts(database.reader(), row.id).await.unwrap();
        assert_eq!((history.len(), history[0].finished_at, history[0].error.clone()), (1, Some(1_000), None));
    }
}

/// AC4.2 b): the receiver is down; tries go on for 24 h, then a dead letter that can be replayed.
#[tokio::test]
async fn a_receiver_that_stays_down_is_tried_for_a_day_and_then_kept_as_a_dead_letter() {
    for database in databases().await {
        let start = 1_000_000;
        let time = Time::at(start);
        let carrier = Fake::new(|_, now| async move {
            if now < 1_000_000 + 100 * HOUR {
                Err(DeliveryError::Unreachable("no connection"))
            } else {
                Ok(())
            }
        });
        let event = Event::new(EventType::ExportFailed, start);
        put(&database, &event, &["a"], start).await;
        let mut row = all(&database).await.remove(0);
        while row.state == MessageState::Ready {
            time.set(row.run_at);
            // a restart at each attempt: nothing but the row knows
            dispatcher(&database, &carrier, &time).round().await;
            row = all(&database).await.remove(0);
        }
        assert_eq!(row.state, MessageState::Dead);
        let times: Vec<i64> = carrier.seen().iter().map(|(_, _, at)| *at).collect();
        assert_eq!(times.last().unwrap() - times[0], 24 * HOUR, "the last attempt comes after the whole day");
        assert!(times.windows(2).all(|pair| (1_000..=HOUR).contains(&(pair[1] - pair[0]))), "{times:?}");
        assert!((24..200).contains(&times.len()), "{}", times.len());
        assert_eq!(attempts(database.reader(), row.id).await.unwrap().len(), times.len());
        assert_eq!(
            row.last_error.as_deref(),
            Some("RPACS-NOTIFY-0007: the receiver cannot be reached: no connection")
        );
        assert_eq!(count(database.reader()).await.unwrap().dead, 1);

        time.set(start + 100 * HOUR);
        dispatcher(&database, &carrier, &time).round().await;
        assert_eq!(carrier.seen().len(), times.len(), "a dead letter waits for a person");
        let mut transaction = database.write().await.unwrap();
        assert!(replay(&mut transaction, row.id, time.now()).await.unwrap());
        assert!(!replay(&mut transaction, row.id, time.now()).await.unwrap());
        transaction.commit().await.unwrap();
        dispatcher(&database, &carrier, &time).round().await;
        assert_eq!(all(&database).await[0].state, MessageState::Delivered);
        assert!(carrier.seen().iter().all(|(_, id, _)| *id == event.id), "one event id throughout");
    }
}

#[tokio::test]
async fn down_for_hours_then_delivered() {
    for database in databases().await {
        let time = Time::at(0);
        let carrier = Fake::new(|_, now| async move {
            if now < 5 * HOUR { Err(DeliveryError::SmtpDeferred(451)) } else { Ok(()) }
        });
        put(&database, &Event::new(EventType::ExportSent, 0), &["a"], 0).await;
        while let Some(row) = all(&database).await.pop().filter(|row| row.state == MessageState::Ready) {
            time.set(row.run_at);
            dispatcher(&database, &carrier, &time).round().await;
        }
        assert_eq!(all(&database).await[0].state, MessageState::Delivered);
        assert!(time.now() < 7 * HOUR);
    }
}

#[tokio::test]
async fn what_only_a_person_can_mend_is_dead_at_once() {
    for database in databases().await {
        let time = Time::at(0);
        let carrier = Fake::new(|_, _| async { Err(DeliveryError::SmtpRefused(550)) });
        for _ in 0..3 {
            put(&database, &Event::new(EventType::ExportSent, 0), &["a"], 0).await;
        }
        for _ in 0..3 {
            dispatcher(&database, &carrier, &time).round().await;
        }
        assert!(all(&database).await.iter().all(|row| row.state == MessageState::Dead && row.attempts == 1));
        let mut transaction = database.write().await.unwrap();
        assert_eq!(replay_dead(&mut transaction, "b", 1).await.unwrap(), 0);
        assert_eq!(replay_dead(&mut transaction, "a", 1).await.unwrap(), 3);
    }
}

/// The program dies after the delivery, before its record: delivered again, with the same event id.
#[tokio::test]
async fn a_crash_between_delivery_and_record_delivers_again() {
    for database in databases().await {
        let time = Time::at(0);
        let dying = Fake::new(|_, _| async { panic!("the process ends here") });
        let event = Event::new(EventType::ReturnConfirmed, 0);
        put(&database, &event, &["a"], 0).await;
        dispatcher(&database, &dying, &time).round().await;
        assert_eq!(dying.seen().len(), 1);

        let carrier = Fake::new(|_, _| async { Ok(()) });
        let dispatcher = dispatcher(&database, &carrier, &time);
        time.set(LEASE - 1);
        dispatcher.round().await;
        assert!(carrier.seen().is_empty(), "the lease still holds");
        time.set(LEASE);
        dispatcher.round().await;
        assert_eq!(carrier.seen(), [("a".to_owned(), event.id, LEASE)]);
        let row = all(&database).await.remove(0);
        let history = attempts(database.reader(), row.id).await.unwrap();
        assert_eq!(
            history.iter().map(|attempt| attempt.finished_at).collect::<Vec<_>>(),
            [None, Some(LEASE)]
        );
    }
}

#[tokio::test]
async fn two_dispatchers_share_the_work_without_a_double() {
    for database in databases().await {
        let time = Time::at(0);
        let carrier = Fake::new(|_, _| async { Ok(()) });
        for _ in 0..60 {
            put(&database, &Event::new(EventType::ExportSent, 0), &["a", "b", "c"], 0).await;
        }
        let second = Database::open(database.url(), Options::default()).await.unwrap();
        let (one, two) = (dispatcher(&database, &carrier, &time), dispatcher(&second, &carrier, &time));
        tokio::join!(one.round(), two.round());
        let mut seen: Vec<_> = carrier.seen().into_iter().map(|(recipient, id, _)| (recipient, id)).collect();
        assert_eq!(seen.len(), 180);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 180);
        assert_eq!(count(database.reader()).await.unwrap().waiting, 0);
    }
}

/// Who was so slow that the lease went to another changes nothing any more.
#[tokio::test]
async fn a_late_outcome_does_not_overwrite_the_one_of_the_new_owner() {
    for database in databases().await {
        let time = Time::at(0);
        let (reached, mut arrived) = mpsc::unbounded_channel();
        let go = Arc::new(Notify::new());
        let release = Arc::clone(&go);
        let slow = Fake::new(move |_, _| {
            let (reached, release) = (reached.clone(), Arc::clone(&release));
            async move {
                reached.send(()).unwrap();
                release.notified().await;
                Err(DeliveryError::SmtpRefused(554))
            }
        });
        put(&database, &Event::new(EventType::ExportSent, 0), &["a"], 0).await;
        let late = dispatcher(&database, &slow, &time);
        let late = tokio::spawn(async move { late.round().await });
        arrived.recv().await.unwrap();

        let quick = Fake::new(|_, _| async { Ok(()) });
        let dispatcher = dispatcher(&database, &quick, &time);
        dispatcher.round().await;
        assert!(quick.seen().is_empty(), "not while it is leased");
        time.set(LEASE);
        dispatcher.round().await;
        assert_eq!(quick.seen().len(), 1);
        go.notify_one();
        late.await.unwrap();
        let row = all(&database).await.remove(0);
        assert_eq!((row.state, row.last_error), (MessageState::Delivered, None));
    }
}

/// AC4.4: a black hole holds its own worker only.
#[tokio::test]
async fn a_black_hole_delays_no_other_recipient() {
    for database in databases().await {
        let time = Time::at(0);
        let (delivered, mut arrivals) = mpsc::unbounded_channel();
        let carrier = Fake::new(move |recipient: String, _| {
            let delivered = delivered.clone();
            async move {
                if recipient.starts_with("hole") {
                    std::future::pending::<()>().await;
                }
                delivered.send(()).unwrap();
                Ok(())
            }
        });
        let holes: Vec<String> = (0..20).map(|number| format!("hole{number:02}")).collect();
        let event = Event::new(EventType::ExportSent, 0);
        put(&database, &event, &holes.iter().map(String::as_str).collect::<Vec<_>>(), 0).await;
        put(&database, &event, &["well"], 0).await;
        let wake = Arc::new(Notify::new());
        let running = tokio::spawn(
            dispatcher(&database, &carrier, &time).run(Arc::clone(&wake), std::future::pending()),
        );
        arrivals.recv().await.unwrap();
        for _ in 0..10 {
            put(&database, &Event::new(EventType::ExportSent, 0), &["well"], 0).await;
            wake.notify_one();
            arrivals.recv().await.unwrap();
        }
        running.abort();
        let _ = running.await;
        assert_eq!(carrier.seen().iter().filter(|(recipient, ..)| recipient != "well").count(), 20);
    }
}

#[tokio::test]
async fn stopping_waits_for_what_is_under_way() {
    for database in databases().await {
        let time = Time::at(0);
        let (reached, mut arrived) = mpsc::unbounded_channel();
        let go = Arc::new(Notify::new());
        let release = Arc::clone(&go);
        let carrier = Fake::new(move |_, _| {
            let (reached, release) = (reached.clone(), Arc::clone(&release));
            async move {
                reached.send(()).unwrap();
                release.notified().await;
                Ok(())
            }
        });
        put(&database, &Event::new(EventType::ExportSent, 0), &["a"], 0).await;
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let dispatcher = dispatcher(&database, &carrier, &time);
        let running =
            tokio::spawn(dispatcher.run(Arc::new(Notify::new()), async move { stopped.notified().await }));
        arrived.recv().await.unwrap();
        stop.notify_one();
        go.notify_one();
        running.await.unwrap();
        assert_eq!(all(&database).await[0].state, MessageState::Delivered);
    }
}

#[tokio::test]
async fn purge_takes_what_was_delivered_and_leaves_the_rest() {
    for database in databases().await {
        let time = Time::at(0);
        let carrier = Fake::new(|recipient: String, _| async move {
            if recipient == "bad" { Err(DeliveryError::NoRecipient) } else { Ok(()) }
        });
        put(&database, &Event::new(EventType::ExportSent, 0), &["bad", "good"], 0).await;
        dispatcher(&database, &carrier, &time).round().await;
        let mut transaction = database.write().await.unwrap();
        assert_eq!(purge(&mut transaction, 0).await.unwrap(), 0);
        assert_eq!(purge(&mut transaction, 1).await.unwrap(), 1);
        transaction.commit().await.unwrap();
        let rows = all(&database).await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].recipient, "bad");
        assert_eq!(attempts(database.reader(), rows[0].id).await.unwrap().len(), 1);
        let dead = messages(database.reader(), Some(MessageState::Dead), None, 10).await.unwrap();
        assert_eq!(dead, rows);
    }
}

/// A row that a newer version wrote is not dropped and blocks nothing.
#[tokio::test]
async fn an_unknown_event_becomes_a_dead_letter() {
    for database in databases().await {
        let time = Time::at(0);
        let carrier = Fake::new(|_, _| async { Ok(()) });
        put(&database, &Event::new(EventType::ExportSent, 0), &["a"], 0).await;
        let mut transaction = database.write().await.unwrap();
        sqlx::query(
            "UPDATE notification_outbox SET event = REPLACE(event, 'export.sent', 'from.the-future')",
        )
        .execute(&mut *transaction)
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        dispatcher(&database, &carrier, &time).round().await;
        assert_eq!(all(&database).await[0].state, MessageState::Dead);
        assert!(carrier.seen().is_empty());
    }
}
