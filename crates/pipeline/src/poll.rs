//! Stage *poll*: asks a partner on a timer "something for me?" (step 6). Reads the open jobs; writes a fetch job for each that has
//! something new. Only outbound connections (AC6.1); what does not belong to an open job of ours is never looked at (AC6.4).
//!
//! There is no cursor that could be lost: what is new is the difference between what the partner lists and what is known here (`news`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use archive::index;
use archive::job::{self, Job};
use archive::job_queue::{self, NewEntry};
use notification::{Event, EventType, ProjectName};
use partner::{Listing, Partner, PartnerError};
use register::{Outflow, day_of, gate, record_decision};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::line::{Line, Project, StageError};
use crate::{export, fetch, news, notify};

/// Jobs asked about at once.
const JOBS: u32 = 64;
/// Failures in a row after which `poll.silent` is raised (AC6.6).
const SILENT_AFTER: u32 = 3;
/// Longest pause between two tries.
const LONGEST_PAUSE_MS: i64 = 3_600_000;

/// How often each partner was asked since the start, per project and partner (AC6.6).
#[derive(Debug, Default)]
pub struct Polls(Mutex<BTreeMap<(String, String), Polled>>);

/// How often one partner was asked for one project.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Polled {
    /// Questions that were answered.
    pub succeeded: u64,
    /// Questions that were not.
    pub failed: u64,
    /// Of these, since the last answer.
    pub failed_in_a_row: u32,
    /// When the last answer came, epoch milliseconds.
    pub last_success: Option<i64>,
}

impl Polls {
    /// Notes how a question ended; answers how many failed in a row.
    fn note(&self, project: &Project, partner: &Partner, answered: bool, now: i64) -> u32 {
        let mut polls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = polls.entry((project.config.id.clone(), partner.id().to_owned())).or_default();
        if answered {
            polled.succeeded += 1;
            polled.failed_in_a_row = 0;
            polled.last_success = Some(now);
        } else {
            polled.failed += 1;
            polled.failed_in_a_row += 1;
        }
        polled.failed_in_a_row
    }

    /// Everything that was noted, by project and partner.
    pub fn all(&self) -> BTreeMap<(String, String), Polled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Name of the timer of a project and partner.
pub fn timer(project: &str, partner: &str) -> String {
    format!("poll {project} {partner}")
}

/// Asks about every open job of the project at the partner. An error is counted, told when it lasts, and backs off (AC6.2).
///
/// # Errors
/// Those of our own stores.
pub async fn run(line: &Arc<Line>, project: &Project, partner: &Partner) -> Result<(), StageError> {
    let name = timer(&project.config.id, partner.id());
    let now = line.clock.now();
    match ask(line, project, partner).await {
        Ok(()) => {
            line.polls.note(project, partner, true, now);
            Ok(())
        }
        Err(StageError::Partner(error)) => {
            let failures = line.polls.note(project, partner, false, now);
            tracing::warn!(partner = partner.id(), failures, %error, "partner cannot be asked");
            let pause = pause(project, failures, &error);
            let mut transaction = line.main.write().await?;
            job_queue::wake_timer(&mut transaction, &name, now + pause).await?;
            if failures == SILENT_AFTER {
                let project = ProjectName::try_from(project.config.id.clone()).ok();
                let event = Event { project, ..Event::new(EventType::PollSilent, now) };
                notify::enqueue(line, &mut transaction, &event).await?;
            }
            transaction.commit().await?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// The interval, doubled with each failure; what the partner asks for, if that is longer. Never longer than an hour.
fn pause(project: &Project, failures: u32, error: &PartnerError) -> i64 {
    let interval = project.config.results.as_ref().map_or(300, |results| results.poll_seconds);
    let asked = match error {
        PartnerError::Transient { retry_after: Some(after), .. } => *after,
        _ => Duration::ZERO,
    };
    longer(interval, failures, asked)
}

fn longer(interval: u32, failures: u32, asked: Duration) -> i64 {
    let backed_off = (i64::from(interval) * 1000).saturating_mul(1 << failures.min(12)).min(LONGEST_PAUSE_MS);
    backed_off.max(i64::try_from(asked.as_millis()).unwrap_or(LONGEST_PAUSE_MS)).min(LONGEST_PAUSE_MS)
}

async fn ask(line: &Arc<Line>, project: &Project, partner: &Partner) -> Result<(), StageError> {
    let now = line.clock.now();
    let decision = gate(&project.dossier, day_of(now), &Outflow::poll(partner.id()));
    if !decision.is_open() {
        tracing::info!(
            project = project.config.id,
            partner = partner.id(),
            "the gate is closed, the partner is not asked"
        );
        return Ok(());
    }
    let mut after = None;
    loop {
        let page = job::awaiting(line.main.reader(), partner.id(), after, JOBS).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        let jobs: Vec<Job> = page.into_iter().filter(|job| job.project == project.config.id).collect();
        if jobs.is_empty() {
            continue;
        }
        let mut transaction = line.main.write().await?;
        record_decision(&mut transaction, now, last_id(&jobs), &decision).await?;
        transaction.commit().await?;
        for (job, listing) in list(line, partner, &jobs).await? {
            if !news::of_listing(line, job, &listing).await?.is_empty() {
                enqueue_fetch(line, job).await?;
            } else if let Some(manifest) = listing.manifest
                && let Err(error) = partner.acknowledge(&listing.study, manifest).await
            {
                // a manifest that was written anew and names nothing new; `fetch` tells an operator
                tracing::debug!(partner = partner.id(), job = %job.id, %error, "no receipt was written");
            }
        }
    }
}

fn last_id(jobs: &[Job]) -> Uuid {
    jobs.last().map_or(Uuid::nil(), |job| job.id)
}

/// What the partner has in the studies of these jobs.
pub(crate) async fn list<'j>(
    line: &Line,
    partner: &Partner,
    jobs: &'j [Job],
) -> Result<Vec<(&'j Job, Listing)>, StageError> {
    let mut studies = Vec::with_capacity(jobs.len());
    for job in jobs {
        let study = index::study_uid(line.main.reader(), job.study.unwrap_or_default()).await?;
        studies.push(as_issued(line, job, study).await?);
    }
    let (sender, mut receiver) = mpsc::channel(jobs.len().max(1));
    let listing = partner.list(&studies, sender);
    let collecting = async {
        let mut listings = Vec::with_capacity(jobs.len());
        while let Some(listing) = receiver.recv().await {
            listings.push(listing);
        }
        listings
    };
    let (listed, listings) = tokio::join!(listing, collecting);
    listed?;
    let unsolicited: u64 = listings.iter().map(|listing| listing.ignored).sum();
    if unsolicited > 0 {
        tracing::warn!(
            partner = partner.id(),
            unsolicited,
            "results of no open job of ours are offered: not fetched"
        );
    }
    // The folder has the name of the study: our own id of the job stands for it, as a retained UID is the original one.
    let unusable = |listing: &Listing| Some((job_of(&studies, jobs, &listing.study)?.id, listing.unusable?));
    for (job, why) in listings.iter().filter_map(unusable) {
        tracing::warn!(partner = partner.id(), %job, %why, "what is dropped for the study of a job cannot be looked at now");
    }
    for listing in listings.iter().filter(|listing| listing.cut) {
        let instances = listing.instances.len();
        tracing::warn!(
            partner = partner.id(),
            instances,
            "a study has more instances than the limit of a listing: what is beyond it is not seen"
        );
    }
    let of_job = |listing: Listing| Some((job_of(&studies, jobs, &listing.study)?, listing));
    Ok(listings.into_iter().filter_map(of_job).collect())
}

/// The job that `study` was asked about for; `studies` are those of `jobs`.
fn job_of<'j>(studies: &[String], jobs: &'j [Job], study: &str) -> Option<&'j Job> {
    jobs.get(studies.iter().position(|of| of == study)?)
}

/// A UID of the archive as the partner of a job knows it.
async fn as_issued(line: &Line, job: &Job, uid: String) -> Result<String, StageError> {
    if job.participant.is_none() {
        return Ok(uid);
    }
    let participant = export::participant(job)?;
    let mut issued = line.vault.issued_as(&job.project, &job.partner, participant, &[&uid]).await?;
    Ok(issued.remove(&uid).unwrap_or(uid))
}

async fn enqueue_fetch(line: &Line, job: &Job) -> Result<(), StageError> {
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    let entry = NewEntry { kind: fetch::KIND, subject: job.id, partner: Some(&job.partner), run_at: now };
    job_queue::enqueue(&mut transaction, entry, now).await?;
    transaction.commit().await?;
    line.work.notify_one();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_follows_the_partner_and_never_exceeds_an_hour() {
        let seconds = Duration::from_secs;
        assert_eq!(longer(60, 1, seconds(0)), 120_000);
        assert_eq!(longer(60, 2, seconds(1000)), 1_000_000);
        assert_eq!(longer(60, 30, seconds(0)), LONGEST_PAUSE_MS);
        assert_eq!(longer(60, 1, seconds(86_400)), LONGEST_PAUSE_MS);
    }
}
