//! The single loop that takes jobs under a lease, hands each to its stage, and decides what a failure means (rust.md §7).

use std::sync::Arc;
use std::time::Duration;

use archive::job_queue::{self, ClaimedJob, Failure};
use tokio_util::sync::CancellationToken;

use crate::line::{Line, StageError};
use crate::{deidentify, export};

/// Longest wait between two looks at the table: the truth, beside the wake-up.
const PERIOD: Duration = Duration::from_secs(1);
/// A lease is renewed every third of its length.
const RENEW: Duration = Duration::from_secs(20);
/// Wait before work is tried again that only a person can unblock (vault locked).
const LOCKED_MS: i64 = 30_000;
/// Failures after which a job waits for a person.
const ATTEMPTS: i32 = 12;
const KINDS: &[&str] = &[deidentify::KIND, export::KIND];

/// Works until `stop`; several workers may run beside one another. A job that is under way at the stop is ended first.
pub async fn work(line: Arc<Line>, owner: String, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match next(&line, &owner).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the job table cannot be used, trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = line.work.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Takes and does one job; answers whether there was one.
async fn next(line: &Arc<Line>, owner: &str) -> Result<bool, StageError> {
    let mut transaction = line.main.write().await?;
    let dialect = line.main.dialect();
    let job = job_queue::claim(&mut transaction, dialect, KINDS, owner, line.clock.now()).await?;
    transaction.commit().await?;
    let Some(job) = job else { return Ok(false) };
    // Another worker may find the next one.
    line.work.notify_one();
    if let Err(error) = do_job(line, &job).await {
        failed(line, &job, &error).await?;
    }
    Ok(true)
}

async fn do_job(line: &Arc<Line>, job: &ClaimedJob) -> Result<(), StageError> {
    let stage = async {
        match job.kind.as_str() {
            deidentify::KIND => deidentify::run(line, job).await,
            export::KIND => export::run(line, job).await,
            _ => Ok(()),
        }
    };
    tokio::pin!(stage);
    loop {
        tokio::select! {
            result = &mut stage => return result,
            () = tokio::time::sleep(RENEW) => {
                let mut transaction = line.main.write().await?;
                job_queue::renew(&mut transaction, job.lease, line.clock.now()).await?;
                transaction.commit().await?;
            }
        }
    }
}

async fn failed(line: &Line, job: &ClaimedJob, error: &StageError) -> Result<(), StageError> {
    let now = line.clock.now();
    tracing::warn!(stage = job.kind, subject = %job.subject, attempts = job.attempts, %error, "job failed");
    let mut transaction = line.main.write().await?;
    match error {
        StageError::Vault(pseudonym::VaultError::VaultLocked(_)) => {
            job_queue::postpone(&mut transaction, job.lease, now + LOCKED_MS, now).await?;
        }
        error => {
            let text = error.to_string();
            let failure =
                if error.needs_person() { Failure::NeedsPerson(&text) } else { Failure::Transient(&text) };
            job_queue::fail(&mut transaction, job, failure, ATTEMPTS, jitter(), now).await?;
        }
    }
    Ok(transaction.commit().await?)
}

/// A number from 0 to 1, so that jobs that failed together do not return together.
fn jitter() -> f64 {
    let [a, b, ..] = *uuid::Uuid::new_v4().as_bytes();
    f64::from(u16::from_be_bytes([a, b])) / f64::from(u16::MAX)
}
