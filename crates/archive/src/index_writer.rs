//! Writes the rows of what is durable: one transaction for all that waits, beside the reception and never before its answer.

use std::time::Duration;

use database::Database;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::ArchiveError;
use crate::buffer::{self, Arrival, BufferState, ReceivedInstance};
use crate::intake::recovered_row;
use crate::spool::{Checkpoint, RecordLocation, Recovery, Spool, SpoolError};

/// Rows in one transaction.
const BATCH: usize = 256;
/// Rows that may wait before reception has to wait, too.
pub const QUEUE: usize = 4096;
/// So long rows gather before they are written: they are not awaited by anyone, and each transaction costs a sync that competes with the
/// spool's.
const GATHER: Duration = Duration::from_millis(75);
/// After so long without arrivals the last checkpoint is written by itself, so that a restart finds nothing to repeat.
const IDLE: Duration = Duration::from_secs(2);
/// Wait before a failed transaction is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// What the writer tells of its work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows written.
    pub rows: u64,
    /// Instances that were there already with the same bytes (AC1.4).
    pub duplicates: u64,
    /// Instances with a SOP Instance UID that was there with other bytes (AC1.4).
    pub differing: u64,
}

/// Writes rows until every sender of `arrivals` is gone.
pub struct IndexWriter {
    database: Database,
    spool: Spool,
    name: String,
    /// What the next transaction writes; moved on by the rows of the last one.
    checkpoint: Option<Checkpoint>,
}

impl IndexWriter {
    /// A writer for the spool that the rows know as `name`.
    pub fn new(database: Database, spool: Spool, name: &str) -> Self {
        Self { database, spool, name: name.to_owned(), checkpoint: None }
    }

    /// Writes what comes, and calls `told` after each transaction. A transaction that fails is repeated until it succeeds: the rows
    /// wait, and with a full queue the senders do.
    pub async fn run(mut self, mut arrivals: mpsc::Receiver<ReceivedInstance>, told: impl Fn(Written)) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let arrived = match self.checkpoint {
                None => arrivals.recv_many(&mut batch, 1).await,
                Some(_) => match tokio::time::timeout(IDLE, arrivals.recv_many(&mut batch, 1)).await {
                    Ok(arrived) => arrived,
                    Err(_) => {
                        told(self.write_until_done(&[]).await);
                        continue;
                    }
                },
            };
            if arrived == 0 {
                self.write_until_done(&[]).await;
                return;
            }
            let gathered = tokio::time::sleep(GATHER);
            tokio::pin!(gathered);
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                tokio::select! {
                    more = arrivals.recv_many(&mut batch, room) => if more == 0 { break },
                    () = &mut gathered => break,
                }
            }
            told(self.write_until_done(&batch).await);
            batch.clear();
        }
    }

    async fn write_until_done(&mut self, batch: &[ReceivedInstance]) -> Written {
        loop {
            match self.write(batch).await {
                Ok(written) => return written,
                Err(error) => {
                    tracing::error!(%error, rows = batch.len(), "rows of received instances cannot be written, trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Writes one batch of rows and the checkpoint of the batch before, and lets go of what need not be kept twice.
    async fn write(&mut self, batch: &[ReceivedInstance]) -> Result<Written, ArchiveError> {
        let checkpoint = self.checkpoint.map(|checkpoint| (self.name.as_str(), checkpoint));
        let mut transaction = self.database.write().await?;
        let arrivals = buffer::insert_batch(&mut transaction, batch, checkpoint).await?;
        let repeated: Vec<_> = batch
            .iter()
            .zip(&arrivals)
            .filter(|(row, arrival)| matches!(arrival, Arrival::Duplicate { of } if *of == row.id))
            .map(|(row, _)| row.id)
            .collect();
        let known =
            if repeated.is_empty() { Vec::new() } else { buffer::by_id(&mut transaction, &repeated).await? };
        transaction.commit().await?;
        for left in known.iter().filter(|known| known.state == BufferState::Released) {
            self.spool.release(&left.received.location);
        }
        let mut written = Written::default();
        for (row, arrival) in batch.iter().zip(&arrivals) {
            match arrival {
                // A row that a restart makes a second time is its own duplicate: the record stays as its row says.
                Arrival::Duplicate { of } if *of == row.id => {}
                Arrival::Duplicate { of } => {
                    written.duplicates += 1;
                    self.keep_one(*of, row.location, row.received_at).await?;
                }
                Arrival::New => written.rows += 1,
                Arrival::Differs { .. } => {
                    written.rows += 1;
                    written.differing += 1;
                }
            }
        }
        let locations: Vec<RecordLocation> = batch.iter().map(|row| row.location).collect();
        self.checkpoint = (!batch.is_empty()).then(|| self.spool.indexed(&locations));
        Ok(written)
    }

    /// Of two records with the same bytes the one that its row names stays, unless it is damaged: then the second takes its place, for the
    /// sender may have deleted its own by now.
    async fn keep_one(&self, of: Uuid, second: RecordLocation, now: i64) -> Result<(), ArchiveError> {
        let mut reader = self.database.reader().acquire().await?;
        let kept = buffer::by_id(&mut reader, &[of]).await?.pop();
        drop(reader);
        let Some(kept) = kept else {
            // What was decided about the first meanwhile holds for both.
            self.spool.release(&second);
            return Ok(());
        };
        let first = kept.received.location;
        if first == second {
            return Ok(());
        }
        let is_damaged = match kept.state {
            BufferState::Received | BufferState::Admitted | BufferState::Quarantined => {
                let spool = self.spool.clone();
                let verified = tokio::task::spawn_blocking(move || spool.verify(&first)).await;
                // Also one that the volume does not read: the second was synced just now.
                !matches!(verified, Ok(Ok(_)))
            }
            BufferState::Deidentified | BufferState::Released => false,
        };
        if is_damaged {
            let mut transaction = self.database.write().await?;
            buffer::relocate(&mut transaction, of, second, now).await?;
            transaction.commit().await?;
        }
        self.spool.release(if is_damaged { &first } else { &second });
        Ok(())
    }
}

/// Why the spool could not be recovered: nothing old was deleted; look at the volume and restart.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// A segment could not be read.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The rows could not be read or written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The program is shutting down.
    #[error("recovery was interrupted by the shutdown; it starts over at the next start")]
    Closed,
}

/// Makes the rows that a crash prevented, then lets go of old records that no row needs. Runs beside the reception; answers how many
/// records were looked at.
///
/// # Errors
/// Any [`RecoverError`].
pub async fn recover(
    recovery: Recovery,
    database: &Database,
    name: &str,
    arrivals: mpsc::Sender<ReceivedInstance>,
) -> Result<u64, RecoverError> {
    let walk = tokio::task::spawn_blocking(move || walk(recovery, &arrivals));
    let (mut recovery, found) = walk.await.map_err(|_| RecoverError::Closed)??;
    let mut after = Uuid::nil();
    loop {
        let live = buffer::live_locations(database.reader(), name, after, 10_000).await?;
        let Some((last, _)) = live.last() else { break };
        after = *last;
        recovery.adopt(live.into_iter().map(|(_, location)| location));
    }
    let finished = tokio::task::spawn_blocking(move || recovery.finish()).await;
    finished.map_err(|_| RecoverError::Closed)??;
    Ok(found)
}

fn walk(
    mut recovery: Recovery,
    arrivals: &mpsc::Sender<ReceivedInstance>,
) -> Result<(Recovery, u64), RecoverError> {
    let mut found = 0;
    for record in recovery.by_ref() {
        let record = record?;
        found += 1;
        match recovered_row(&record) {
            Some(row) => arrivals.blocking_send(row).map_err(|_| RecoverError::Closed)?,
            None => {
                tracing::error!(location = %record.location, "spool record has a header of another version; it is kept")
            }
        }
    }
    Ok((recovery, found))
}
