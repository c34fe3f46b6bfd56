//! `job changes`: what de-identification did to the instances of a job.

use std::io::{self, Write};
use std::str::FromStr;

use archive::job::{self, Job};
use archive::report;
use builder::Site;
use clap::Args;
use database::Database;
use deidentification::changes::{Show, explain};
use pipeline::clock::Clock;
use pseudonym::{ParticipantId, Purpose};
use register::{Actor, AuditEvent, AuditRecord, AuditTrail, Text};
use serde_json::Value;
use uuid::Uuid;

use super::{One, PAGE};
use crate::before_after::{BeforeAfter, Left, Zones};
use crate::cli::changes;
use crate::cli::main_database;
use crate::exit::Outcome;
use crate::stores;

#[derive(Debug, Args)]
pub(in crate::cli) struct JobChanges {
    #[command(flatten)]
    one: One,
    /// This instance only, counted from 1 in the order in which `job show --report` lists them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    instance: Option<u64>,
    /// List what stays as it is, too.
    #[arg(long)]
    all: bool,
    /// JSON lines: one per element, then one per instance with its report.
    #[arg(long)]
    json: bool,
    /// Show the original values. Who looks and why is written down before anything is shown.
    #[arg(long, requires_all = ["by", "reason"])]
    show_identity: bool,
    /// Who looks.
    #[arg(long, value_name = "NAME", requires = "show_identity")]
    by: Option<String>,
    /// Why; stands in the audit trail, so without any identity.
    #[arg(long, requires = "show_identity")]
    reason: Option<String>,
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl JobChanges {
    pub(super) async fn work(self) -> anyhow::Result<Outcome> {
        let site = self.one.config.site()?;
        let main = main_database(&site).await?;
        let job = job::show(main.reader(), self.one.id).await?;
        let zones = Zones::open(&site).await?;
        if self.show_identity {
            let (by, reason) = (self.by.as_deref(), self.reason.as_deref());
            write_down(&site, &main, &job, by.unwrap_or_default(), reason.unwrap_or_default()).await?;
        }
        let show = Show { identity: self.show_identity, new_values: true, equal: self.all };
        let (mut after, mut number) = (None, 0);
        loop {
            let page = report::of_source(main.reader(), job.receiving_study, after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (instance, report) in &page {
                number += 1;
                if self.instance.is_none_or(|wanted| wanted == number) {
                    let of = zones.before_after(*instance, report, show).await?;
                    changes::answer(|out| self.write(out, number, &of))?;
                }
            }
        }
        if let Some(wanted) = self.instance.filter(|wanted| *wanted > number) {
            println!("the job has {number} de-identified instances, and no instance {wanted}");
            return Ok(Outcome::Bad);
        }
        Ok(Outcome::Good)
    }

    fn write(&self, out: &mut dyn Write, number: u64, of: &BeforeAfter) -> io::Result<()> {
        let changes = if let Left::Both(changes) = &of.left { Some(changes) } else { None };
        let word = match &of.left {
            Left::Both(_) => "there",
            Left::OriginalPurged => "purged",
            Left::ObjectPurged => "there, its pseudonymised object is purged",
        };
        if self.json {
            changes.map_or(Ok(()), |changes| changes::write_json(out, changes, Some(of.instance)))?;
            let line = serde_json::json!({
                "instance": of.instance,
                "number": number,
                "original": word,
                "totals": changes.map(|changes| &changes.totals),
                "rows_not_listed": changes.map(|changes| changes.rows_not_listed),
                "report": of.report,
            });
            return writeln!(out, "{line}");
        }
        writeln!(out, "instance {number}: {}; the original is {word}", of.instance)?;
        match changes {
            Some(changes) => changes::write_table(out, changes)?,
            None => write_report(out, &of.report)?,
        }
        writeln!(out)
    }
}

/// The report, where it is all that is left.
fn write_report(out: &mut dyn Write, report: &Value) -> io::Result<()> {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |of: &Value, key: &str| of.get(key).and_then(Value::as_u64).unwrap_or_default();
    writeln!(out, "profile {}, version {}", text(report, "profile"), text(report, "version"))?;
    for change in report.get("changes").and_then(Value::as_array).into_iter().flatten() {
        let (count, rule) = (number(change, "count"), text(change, "rule"));
        let (step, path) = (text(change, "step"), text(change, "path"));
        writeln!(out, "{count:8}  {step:11}  {path}  {rule}: {}", explain(&rule))?;
    }
    writeln!(out, "{} kept", number(report, "kept"))
}

/// The access log of the vault and the audit trail hear of it first: who, what and why. Of a participant who objected or was erased nothing is
/// shown, and the log says so.
async fn write_down(site: &Site, main: &Database, job: &Job, by: &str, reason: &str) -> anyhow::Result<()> {
    let purpose = Purpose::new(by, "research-pacs job changes", &site.site.name, reason)?;
    let now = Clock::system().now();
    if let Some(participant) = &job.participant {
        let vault = stores::open_vault(site, &crate::cli::data_folder(site)?).await?;
        vault.reidentify(&job.project, ParticipantId::from_str(participant)?, &purpose, now).await?;
    }
    audit_originals_shown(site, main, job, by, reason, now).await
}

/// The audit trail hears who is about to see the identity behind a job, and why.
pub(in crate::cli) async fn audit_originals_shown(
    site: &Site,
    main: &Database,
    job: &Job,
    by: &str,
    reason: &str,
    now: i64,
) -> anyhow::Result<()> {
    let event = AuditEvent::OriginalsShown {
        project: Text::from_operator(&job.project),
        job: job.id,
        participant: job.participant.as_deref().and_then(|id| Uuid::parse_str(id).ok()),
        reason: Text::from_operator(reason),
    };
    let record = AuditRecord { at: now, actor: Actor::Person(Text::from_operator(by)), event };
    let trail = AuditTrail::new(&site.site.name, concat!("research-pacs ", env!("CARGO_PKG_VERSION")));
    let mut transaction = main.write().await?;
    trail.append(&mut transaction, &[record]).await?;
    Ok(transaction.commit().await?)
}
