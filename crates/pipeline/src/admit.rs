//! Stage *admit*: decides for each batch whether its instances may go on. State in: RECEIVED; out: ADMITTED, or QUARANTINED with the
//! reason (AC1.6). It also closes the increment of a study that has become stable (AC1.5) and purges by timer.

use std::sync::Arc;
use std::time::Duration;

use archive::ArchiveError;
use archive::buffer::{self, BufferState, BufferedInstance, Hold, QuarantineReason};
use archive::spool::Spool;
use database::Database;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::ProjectConfig;

/// Instances looked at in one round.
const ROUND: u32 = 512;
/// Longest time between two rounds: the truth, beside the wake-up after new rows.
const PERIOD: Duration = Duration::from_secs(1);
/// Shortest time between two rounds, so that batches are batches.
const REST: Duration = Duration::from_millis(100);
const HOUR: i64 = 3_600_000;

/// What the stage works with.
pub struct Admission {
    buffer: Database,
    spool: Spool,
    projects: Vec<ProjectConfig>,
    quarantine_hours: u32,
    clock: Clock,
}

impl Admission {
    /// The stage for these projects; what it holds expires after `quarantine_hours`.
    pub fn new(
        buffer: Database,
        spool: Spool,
        projects: &[ProjectConfig],
        quarantine_hours: u32,
        clock: Clock,
    ) -> Self {
        Self { buffer, spool, projects: projects.to_vec(), quarantine_hours, clock }
    }

    /// Works until `stop`; `arrived` wakes it after new rows.
    pub async fn run(self, arrived: Arc<Notify>, stop: CancellationToken) {
        loop {
            if let Err(error) = self.round().await {
                tracing::error!(%error, "admission failed, trying again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REST) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = arrived.notified() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// One round over everything that waits.
    ///
    /// # Errors
    /// Those of the buffer database; the round is repeated.
    pub async fn round(&self) -> Result<(), ArchiveError> {
        self.admit_waiting().await?;
        self.close_stable_studies().await?;
        self.purge_quarantine().await?;
        for project in &self.projects {
            self.purge_received(project).await?;
        }
        Ok(())
    }

    /// Gathers batches and decides about them in one transaction, so that a crash leaves none half decided.
    async fn admit_waiting(&self) -> Result<(), ArchiveError> {
        let now = self.clock.now();
        let mut transaction = self.buffer.write().await?;
        for batch in buffer::gather(&mut transaction, ROUND).await? {
            let instances = buffer::in_batch(&mut *transaction, batch.id).await?;
            let (mut admitted, mut held) = (Vec::new(), Vec::new());
            for instance in &instances {
                match doubt(instance) {
                    Some(reason) => held.push((reason, instance.received.id)),
                    None => admitted.push(instance.received.id),
                }
            }
            for (reason, id) in held {
                let hold = Hold {
                    project: batch.project.as_deref().unwrap_or_default(),
                    reason,
                    detail: "",
                    expires_at: now + i64::from(self.quarantine_hours) * HOUR,
                };
                buffer::hold(&mut transaction, &[id], hold, now).await?;
            }
            buffer::advance(&mut transaction, &admitted, BufferState::Received, BufferState::Admitted, now)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn close_stable_studies(&self) -> Result<(), ArchiveError> {
        let now = self.clock.now();
        for project in &self.projects {
            let quiet_since = now - i64::from(project.stable_after_seconds) * 1000;
            let stable =
                buffer::stable_studies(self.buffer.reader(), &project.id, quiet_since, ROUND).await?;
            if stable.is_empty() {
                continue;
            }
            let mut transaction = self.buffer.write().await?;
            for study in &stable {
                buffer::close_study(&mut transaction, study, now).await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }

    /// What nobody decided about in time leaves Z6, with its entry as the line that says how (INV-11).
    async fn purge_quarantine(&self) -> Result<(), ArchiveError> {
        let now = self.clock.now();
        let expired = buffer::expired(self.buffer.reader(), now, ROUND).await?;
        for entry in expired {
            let mut transaction = self.buffer.write().await?;
            let gone =
                buffer::decide(&mut transaction, entry.id, buffer::Decision::Discard, "timer", now).await?;
            transaction.commit().await?;
            if let Some(instance) = gone {
                self.spool.release(&instance.location);
            }
        }
        Ok(())
    }

    /// The retention timer of a receive-only project (F12.5).
    async fn purge_received(&self, project: &ProjectConfig) -> Result<(), ArchiveError> {
        let now = self.clock.now();
        let before = now - i64::from(project.retention_hours) * HOUR;
        let due =
            buffer::in_state_since(self.buffer.reader(), &project.id, BufferState::Admitted, before, ROUND)
                .await?;
        if due.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = due.iter().map(|(id, _)| *id).collect();
        let mut transaction = self.buffer.write().await?;
        buffer::advance(&mut transaction, &ids, BufferState::Admitted, BufferState::Released, now).await?;
        transaction.commit().await?;
        due.iter().for_each(|(_, location)| self.spool.release(location));
        tracing::info!(
            project = project.id,
            instances = ids.len(),
            "originals left the receive buffer by timer"
        );
        Ok(())
    }
}

/// Why an instance cannot go on without a person, if so.
fn doubt(instance: &BufferedInstance) -> Option<QuarantineReason> {
    if instance.received.project.is_none() {
        Some(QuarantineReason::NoRoute)
    } else if instance.received.patient_id.is_empty() {
        Some(QuarantineReason::NoPatientId)
    } else {
        None
    }
}
