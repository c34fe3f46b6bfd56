//! The task that writes refused associations, so that the receiver never waits for the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use database::{Database, DatabaseError};
use tokio::sync::mpsc;

use crate::rejections::{Rejection, RejectionLimit, WINDOW};
use crate::{AuditEvent, AuditRecord, AuditTrail};

/// Refusals that wait for the writer; more are counted.
const QUEUE: usize = 256;
/// Refusals per transaction.
const BATCH: usize = 64;

/// Where the receiver drops its refusals. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RejectionSink {
    queue: mpsc::Sender<Rejection>,
    overflow: Arc<AtomicU64>,
}

impl RejectionSink {
    /// Hands a refusal over; never waits, never fails: what finds no room is counted.
    pub fn record(&self, rejection: Rejection) {
        if self.queue.try_send(rejection).is_err() {
            self.overflow.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes what comes from its sinks; see [`RejectionWriter::run`].
pub struct RejectionWriter {
    queue: mpsc::Receiver<Rejection>,
    overflow: Arc<AtomicU64>,
    limit: RejectionLimit,
    trail: AuditTrail,
    database: Database,
}

impl RejectionWriter {
    /// A writer into the main database and its first sink.
    #[must_use]
    pub fn new(trail: AuditTrail, database: Database) -> (RejectionSink, Self) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let overflow = Arc::new(AtomicU64::new(0));
        let sink = RejectionSink { queue: sender, overflow: Arc::clone(&overflow) };
        (sink, Self { queue, overflow, limit: RejectionLimit::default(), trail, database })
    }

    /// Runs until every sink is dropped; then writes what is left. `clock` gives epoch milliseconds.
    pub async fn run(mut self, clock: impl Fn() -> i64) {
        let window = Duration::from_millis(WINDOW.unsigned_abs());
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            // the time-out ends a window although nothing more is refused
            let received = tokio::time::timeout(window, self.queue.recv_many(&mut batch, BATCH)).await;
            let now = clock();
            let mut records = self.limit.roll(now);
            records
                .extend(batch.drain(..).filter(|rejection| self.limit.admit(rejection.peer)).map(Into::into));
            self.limit.suppress(None, self.overflow.swap(0, Ordering::Relaxed));
            let closed = matches!(received, Ok(0));
            if closed {
                records.extend(self.limit.close(now));
            }
            self.store(records).await;
            if closed {
                return;
            }
        }
    }

    /// Writes the records; what cannot be written now appears as a count later.
    async fn store(&mut self, records: Vec<AuditRecord>) {
        if records.is_empty() {
            return;
        }
        if let Err(error) = self.append(&records).await {
            tracing::warn!(code = "RPACS-AUDIT-9002", %error, rows = records.len(), "refused associations not written");
            for record in records {
                match record.event {
                    AuditEvent::AssociationRejected { peer, .. } => self.limit.suppress(Some(peer), 1),
                    AuditEvent::RejectionsSuppressed { peer, count } => self.limit.suppress(peer, count),
                    _ => {}
                }
            }
        }
    }

    async fn append(&self, records: &[AuditRecord]) -> Result<(), DatabaseError> {
        let mut transaction = self.database.write().await?;
        self.trail.append(&mut transaction, records).await?;
        Ok(transaction.commit().await?)
    }
}
