//! `quarantine`: what waits for a person, and the person's decision (zone Z6). May run beside the server.

use anyhow::bail;
use archive::buffer::{self, Decision};
use archive::report;
use clap::{Args, Subcommand};
use pipeline::clock::Clock;
use register::{Actor, AuditEvent, AuditRecord, AuditTrail, DecisionKind, Text};
use serde::Serialize;
use uuid::Uuid;

use super::ConfigFile;
use crate::exit::Outcome;
use crate::stores::open_database;

/// Entries listed at once.
const PAGE: u32 = 1000;

/// See what is held, and decide about it.
#[derive(Debug, Subcommand)]
pub(super) enum Quarantine {
    /// List what waits: our own ids, project, reason and place; no identity.
    List(ListArgs),
    /// Show one entry, and what was done to an instance that is under review.
    Show(Entry),
    /// Let it go on, this reason accepted.
    Release(Decide),
    /// Apply the rules anew: something else was corrected.
    Redo(Decide),
    /// Purge it.
    Discard(Decide),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Of this research study only.
    #[arg(long)]
    project: Option<String>,
    /// One JSON line per entry.
    #[arg(long)]
    json: bool,
    /// Ids only.
    #[arg(short)]
    quiet: bool,
}

#[derive(Debug, Args)]
pub(super) struct Entry {
    #[command(flatten)]
    config: ConfigFile,
    /// Id of the entry.
    id: Uuid,
}

#[derive(Debug, Args)]
pub(super) struct Decide {
    #[command(flatten)]
    entry: Entry,
    /// Who decides.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why; stands in the audit trail, so without any identity.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: Uuid,
    instance: Uuid,
    project: &'a str,
    reason: &'a str,
    place: &'a str,
    quarantined_at: i64,
    expires_at: i64,
}

impl Quarantine {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            match self {
                Self::List(list) => list.work().await,
                Self::Show(entry) => entry.work().await,
                Self::Release(decide) => decide.work(Decision::Release, DecisionKind::Release).await,
                Self::Redo(decide) => decide.work(Decision::Redo, DecisionKind::Redo).await,
                Self::Discard(decide) => decide.work(Decision::Discard, DecisionKind::Discard).await,
            }
        })
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl ListArgs {
    async fn work(self) -> anyhow::Result<Outcome> {
        let data = super::data_folder(&self.config.site()?)?;
        let database = open_database(&data, "buffer").await?;
        let mut after = None;
        let mut count = 0_u64;
        loop {
            let page =
                buffer::list_quarantined(database.reader(), self.project.as_deref(), after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for entry in &page {
                count += 1;
                if self.quiet {
                    println!("{}", entry.id);
                } else if self.json {
                    println!("{}", serde_json::to_string(&shown(entry))?);
                } else {
                    println!(
                        "{}  {:16}  {:18}  {}",
                        entry.id,
                        entry.project,
                        entry.reason.as_str(),
                        entry.detail
                    );
                }
            }
        }
        if !self.quiet && !self.json {
            println!("{count} held");
        }
        Ok(if count == 0 { Outcome::Good } else { Outcome::Bad })
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Entry {
    async fn work(self) -> anyhow::Result<Outcome> {
        let data = super::data_folder(&self.config.site()?)?;
        let database = open_database(&data, "buffer").await?;
        let entry = buffer::show_quarantined(database.reader(), self.id).await?;
        println!("{}", serde_json::to_string_pretty(&shown(&entry))?);
        if let Some((decision, by, _)) = &entry.decision {
            println!("decided: {} by {by}", decision.as_str());
        }
        let main = open_database(&data, "main").await?;
        if let Some(report) = report::of_instance(main.reader(), entry.object).await? {
            let report: serde_json::Value = serde_json::from_str(&report)?;
            println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "report": report }))?);
        }
        Ok(Outcome::Good)
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Decide {
    async fn work(self, decision: Decision, kind: DecisionKind) -> anyhow::Result<Outcome> {
        let site = self.entry.config.site()?;
        let data = super::data_folder(&site)?;
        let (main, buffer) = (open_database(&data, "main").await?, open_database(&data, "buffer").await?);
        let now = Clock::system().now();
        let entry = buffer::show_quarantined(buffer.reader(), self.entry.id).await?;
        if let Some((decision, ..)) = &entry.decision {
            bail!("it was decided before: {}", decision.as_str());
        }
        // The decision is audited before it takes effect: a crash in between leaves an entry that is still held.
        let event = AuditEvent::Decided {
            decision: kind,
            subject: entry.object,
            reason: Text::from_operator(&self.reason),
        };
        let record = AuditRecord { at: now, actor: Actor::Person(Text::from_operator(&self.by)), event };
        let mut transaction = main.write().await?;
        let trail = AuditTrail::new(&site.site.name, concat!("research-pacs ", env!("CARGO_PKG_VERSION")));
        trail.append(&mut transaction, &[record]).await?;
        transaction.commit().await?;
        let mut transaction = buffer.write().await?;
        match decision {
            // The bytes are the server's: it discards what expires.
            Decision::Discard => buffer::expire(&mut transaction, entry.id, now).await?,
            Decision::Release | Decision::Redo => {
                buffer::decide(&mut transaction, entry.id, decision, &self.by, now).await?;
            }
        }
        transaction.commit().await?;
        println!("{} by {}: the server acts on it at its next round", decision.as_str(), self.by);
        if decision == Decision::Release && !entry.reason.can_be_accepted() {
            println!(
                "nobody can accept {}: while it stands it is held anew; correct what it names, then `quarantine redo`",
                entry.reason.as_str()
            );
        }
        Ok(Outcome::Good)
    }
}

fn shown(entry: &buffer::Quarantined) -> Shown<'_> {
    Shown {
        id: entry.id,
        instance: entry.object,
        project: &entry.project,
        reason: entry.reason.as_str(),
        place: &entry.detail,
        quarantined_at: entry.quarantined_at,
        expires_at: entry.expires_at,
    }
}
