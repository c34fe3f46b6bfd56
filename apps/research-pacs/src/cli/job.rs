//! `job`: what goes out. May run beside the server.

mod changes;

use archive::job::{self, Job, JobEvent, JobState};
use archive::job_queue;
use archive::ledger::{self, Of};
use archive::report;
use archive::state::{ActorKind, Change, history};
use clap::{Args, Subcommand};
use pipeline::clock::Clock;
use pipeline::poll;
use register::{Actor, AuditEvent, AuditRecord, AuditTrail, DecisionKind, Text};
use uuid::Uuid;

use super::{ConfigFile, dossier_version, main_database, one_of};
use crate::exit::Outcome;
pub(super) use changes::audit_originals_shown;

/// Jobs listed at once.
const PAGE: u32 = 1000;

/// See the jobs, and act on one.
#[derive(Debug, Subcommand)]
pub(super) enum JobCommand {
    /// List jobs, the oldest first.
    List(ListArgs),
    /// Show one job: its states, and what the ledger says; or what de-identification did to each of its instances.
    Show(Show),
    /// Show what de-identification changed in the instances of a job, element by element while the originals are still there. Original
    /// values are masked.
    Changes(changes::JobChanges),
    /// Ask the partner of a job that awaits its result now, not at the next turn of its timer.
    Poll(One),
    /// Try a job in attention again.
    Retry(Act),
    /// Stop a job for good.
    Cancel(Act),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Of this state only, for example attention.
    #[arg(long, value_parser = |word: &str| one_of(word, JobState::ALL))]
    state: Option<JobState>,
    /// One JSON line per job.
    #[arg(long)]
    json: bool,
    /// Ids only.
    #[arg(short)]
    quiet: bool,
}

#[derive(Debug, Args)]
pub(super) struct One {
    #[command(flatten)]
    config: ConfigFile,
    /// Id of the job.
    id: Uuid,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    one: One,
    /// The de-identification report of each instance instead, one JSON line each: rules, places and counts, never a value.
    #[arg(long)]
    report: bool,
}

#[derive(Debug, Args)]
pub(super) struct Act {
    #[command(flatten)]
    one: One,
    /// Who acts.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why; stands in the audit trail, so without any identity.
    #[arg(long)]
    reason: String,
}

impl JobCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            match self {
                Self::List(list) => list.work().await,
                Self::Show(show) if show.report => show.one.report().await,
                Self::Show(show) => show.one.work().await,
                Self::Changes(changes) => changes.work().await,
                Self::Poll(one) => one.poll().await,
                Self::Retry(act) => act.work(JobEvent::Resume, DecisionKind::Retry).await,
                Self::Cancel(act) => act.work(JobEvent::Cancel, DecisionKind::Cancel).await,
            }
        })
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl ListArgs {
    async fn work(self) -> anyhow::Result<Outcome> {
        let database = main_database(&self.config.site()?).await?;
        let mut after = None;
        loop {
            let page = job::list(database.reader(), self.state, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(Outcome::Good) };
            after = Some(last.id);
            for job in &page {
                if self.quiet {
                    println!("{}", job.id);
                } else if self.json {
                    println!("{}", shown(job));
                } else {
                    println!("{}  {:16}  {:16}  {}", job.id, job.project, job.partner, job.state);
                }
            }
        }
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl One {
    async fn work(self) -> anyhow::Result<Outcome> {
        let database = main_database(&self.config.site()?).await?;
        let job = job::show(database.reader(), self.id).await?;
        println!("{}", shown(&job));
        for change in history(database.reader(), self.id).await? {
            println!(
                "{}  {} → {}  {} {} {}",
                change.at, change.from, change.to, change.event, change.actor, change.cause
            );
        }
        for (event, lines) in ledger::count(database.reader(), Of::Job(self.id)).await? {
            println!("{lines} {event}");
        }
        Ok(Outcome::Good)
    }

    /// One line for each instance of the increment; those that were kept as received have none (AC2.11).
    async fn report(self) -> anyhow::Result<Outcome> {
        let database = main_database(&self.config.site()?).await?;
        let job = job::show(database.reader(), self.id).await?;
        let mut after = None;
        loop {
            let page = report::of_source(database.reader(), job.receiving_study, after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(Outcome::Good) };
            after = Some(*last);
            for (instance, report) in &page {
                let report: serde_json::Value = serde_json::from_str(report)?;
                println!("{}", serde_json::json!({ "instance": instance, "report": report }));
            }
        }
    }

    /// Makes the timer due that asks the partner about the open jobs of the project; the server takes it up, and passes the gate.
    async fn poll(self) -> anyhow::Result<Outcome> {
        let database = main_database(&self.config.site()?).await?;
        let mut transaction = database.write().await?;
        let job = job::show(&mut *transaction, self.id).await?;
        if job.state != JobState::AwaitingResult {
            println!("{} is {} and awaits no result", job.id, job.state);
            return Ok(Outcome::Bad);
        }
        let name = poll::timer(&job.project, &job.partner);
        let timers = job_queue::timers(&mut *transaction).await?;
        if !timers.iter().any(|timer| timer.name == name) {
            anyhow::bail!("the server has no timer for project {} at {}", job.project, job.partner);
        }
        job_queue::wake_timer(&mut transaction, &name, Clock::system().now()).await?;
        transaction.commit().await?;
        println!("{} is asked as soon as the server runs", job.partner);
        Ok(Outcome::Good)
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Act {
    async fn work(self, event: JobEvent, kind: DecisionKind) -> anyhow::Result<Outcome> {
        let site = self.one.config.site()?;
        let database = main_database(&site).await?;
        let now = Clock::system().now();
        let project = job::show(database.reader(), self.one.id).await?.project;
        let mut transaction = database.write().await?;
        let change = Change {
            actor_kind: ActorKind::Person,
            actor: &self.by,
            cause: &self.reason,
            dossier_version: &dossier_version(&site, &project),
            gate_hash: None,
            at: now,
        };
        let state = job::advance(&mut transaction, self.one.id, event, &change).await?;
        if event == JobEvent::Resume {
            job_queue::retry_subject(&mut transaction, self.one.id, now).await?;
        }
        let decided = AuditEvent::Decided {
            decision: kind,
            subject: self.one.id,
            reason: Text::from_operator(&self.reason),
        };
        let record =
            AuditRecord { at: now, actor: Actor::Person(Text::from_operator(&self.by)), event: decided };
        let trail = AuditTrail::new(&site.site.name, concat!("research-pacs ", env!("CARGO_PKG_VERSION")));
        trail.append(&mut transaction, &[record]).await?;
        transaction.commit().await?;
        println!("{} is {state} now", self.one.id);
        Ok(Outcome::Good)
    }
}

fn shown(job: &Job) -> serde_json::Value {
    serde_json::json!({
        "id": job.id,
        "project": job.project,
        "partner": job.partner,
        "state": job.state.as_str(),
        "increment": job.increment,
        "expected_by": job.expected_by,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    })
}
