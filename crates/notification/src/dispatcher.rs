//! The task that empties the outbox: one worker per recipient that has something due.
//!
//! A recipient whose server swallows everything keeps only its own worker waiting, and that no longer than [`LIMIT`]. After a
//! failure the worker ends; the next round starts it again. No database transaction is open while something is delivered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use database::{Database, DatabaseError};
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};

use crate::channels::Carrier;
use crate::outbox::{Leased, claim, due, settle};
use crate::{DeliveryError, Event};

/// Gives the time, epoch milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// No delivery takes longer, whatever its channel does; shorter than the lease.
const LIMIT: Duration = Duration::from_secs(90);
/// How often the outbox is looked at when nobody wakes the dispatcher.
const POLL: Duration = Duration::from_secs(5);
/// Workers at the same time; recipients are fewer.
const WORKERS: usize = 64;

/// Delivers messages until it is stopped.
pub struct Dispatcher<C> {
    database: Database,
    carrier: Arc<C>,
    clock: Clock,
    give_up_after: i64,
}

impl<C> Clone for Dispatcher<C> {
    fn clone(&self) -> Self {
        Self {
            database: self.database.clone(),
            carrier: Arc::clone(&self.carrier),
            clock: Arc::clone(&self.clock),
            give_up_after: self.give_up_after,
        }
    }
}

impl<C: Carrier + 'static> Dispatcher<C> {
    /// A dispatcher over the main database; `give_up_after` from the configuration, not under 24 h (AC4.2).
    #[must_use]
    pub fn new(database: Database, carrier: Arc<C>, clock: Clock, give_up_after_hours: u32) -> Self {
        let give_up_after = i64::from(give_up_after_hours.max(24)) * 3_600_000;
        Self { database, carrier, clock, give_up_after }
    }

    /// Runs until `stop` is ready, then waits for the deliveries under way. `wake` makes it look at once.
    pub async fn run(self, wake: Arc<Notify>, stop: impl Future<Output = ()>) {
        let mut workers = Workers::default();
        let mut tick = tokio::time::interval(POLL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = wake.notified() => self.start(&mut workers).await,
                _ = tick.tick() => self.start(&mut workers).await,
                emptied = workers.ended(), if !workers.is_empty() => {
                    // what came while the worker was ending was not seen by it
                    if emptied {
                        self.start(&mut workers).await;
                    }
                }
            }
        }
        workers.drain().await;
    }

    /// One round: serves every recipient that has something due and returns when all are done (for the command line and tests).
    pub async fn round(&self) {
        let mut workers = Workers::default();
        self.start(&mut workers).await;
        workers.drain().await;
    }

    async fn start(&self, workers: &mut Workers) {
        match due(self.database.reader(), (self.clock)()).await {
            Ok(recipients) => {
                for recipient in recipients {
                    workers.start(recipient, |recipient| self.clone().serve(recipient));
                }
            }
            Err(error) => tracing::warn!(code = "RPACS-NOTIFY-0101", %error, "the outbox cannot be read"),
        }
    }

    /// Delivers to one recipient until nothing is due (true) or an attempt fails.
    async fn serve(self, recipient: String) -> bool {
        loop {
            match self.deliver_next(&recipient).await {
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(error))) => {
                    tracing::warn!(code = error.code(), recipient, %error, "a notification was not delivered");
                    return false;
                }
                Ok(None) => return true,
                Err(error) => {
                    tracing::warn!(code = "RPACS-NOTIFY-0101", %error, "the outbox cannot be written");
                    return false;
                }
            }
        }
    }

    /// Claims, delivers and settles one message; none if nothing is due.
    async fn deliver_next(
        &self,
        recipient: &str,
    ) -> Result<Option<Result<(), DeliveryError>>, DatabaseError> {
        let mut transaction = self.database.write().await?;
        let leased = claim(&mut transaction, self.database.dialect(), recipient, (self.clock)()).await?;
        transaction.commit().await?;
        let Some(leased) = leased else { return Ok(None) };

        let outcome = self.attempt(recipient, &leased).await;

        let random = getrandom::u64().unwrap_or(u64::MAX);
        let mut transaction = self.database.write().await?;
        let kept =
            settle(&mut transaction, &leased, &outcome, self.give_up_after, random, (self.clock)()).await?;
        transaction.commit().await?;
        if !kept {
            tracing::warn!(
                code = "RPACS-NOTIFY-0102",
                recipient,
                "a notification took longer than its lease"
            );
        }
        Ok(Some(outcome))
    }

    async fn attempt(&self, recipient: &str, leased: &Leased) -> Result<(), DeliveryError> {
        let event: Event = serde_json::from_str(&leased.event)
            .map_err(|_| DeliveryError::Message("the row holds no event that this version knows"))?;
        let delivery = self.carrier.deliver(recipient, &event, (self.clock)());
        tokio::time::timeout(LIMIT, delivery).await.unwrap_or(Err(DeliveryError::TimedOut))
    }
}

/// The running workers and whom each serves.
#[derive(Default)]
struct Workers {
    tasks: JoinSet<bool>,
    recipients: HashMap<Id, String>,
}

impl Workers {
    fn start<F>(&mut self, recipient: String, serve: impl FnOnce(String) -> F)
    where
        F: Future<Output = bool> + Send + 'static,
    {
        if self.recipients.len() >= WORKERS || self.recipients.values().any(|busy| *busy == recipient) {
            return;
        }
        let task = self.tasks.spawn(serve(recipient.clone()));
        self.recipients.insert(task.id(), recipient);
    }

    fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Waits until one worker has ended, and says whether it left nothing due; one that panicked frees its recipient too.
    async fn ended(&mut self) -> bool {
        let (id, emptied) = match self.tasks.join_next_with_id().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => (error.id(), false),
            None => return false,
        };
        self.recipients.remove(&id);
        emptied
    }

    async fn drain(&mut self) {
        while !self.is_empty() {
            self.ended().await;
        }
    }
}
