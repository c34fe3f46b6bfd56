//! `result`: what comes back, and who lets it into the clinical record. May run beside the server.

mod beside;
mod identity;

use std::collections::{BTreeMap, BTreeSet};

use archive::ledger::{self, LedgerEvent};
use archive::question::{self, IdentityChoice, Question};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::side_result::Which;
use archive::state::{ActorKind, Change, history};
use clap::{Args, Subcommand};
use database::Database;
use pipeline::clock::Clock;
use pipeline::{accept, release};
use register::{Actor, AuditEvent, AuditRecord, AuditTrail, DecisionKind, Text};
use uuid::Uuid;

use super::{ConfigFile, dossier_version, main_database, one_of};
use crate::exit::Outcome;
use beside::{BesideCommand, Shown};
use identity::ShowIdentity;

/// Sets listed at once.
const PAGE: u32 = 1000;

/// See result sets, and decide about one.
#[derive(Debug, Subcommand)]
pub(super) enum ResultCommand {
    /// List result sets, the oldest first, and behind them the files that are no DICOM objects and are kept beside.
    List(ListArgs),
    /// Show one set, what it waits for and the token to answer with, and how it came to its state. Identities are not shown unless asked
    /// for.
    Show(Show),
    /// Let a reconciled set into the clinical record.
    Release(Act),
    /// Accept what a set in manual waits for: it is reconciled again with that, and then waits for its release.
    Accept(Accept),
    /// Refuse a set for good.
    Reject(Act),
    /// Try a set that waits in attention, or that expired, again from the state it came from.
    Retry(Act),
    /// See the files that came back and are no DICOM objects, and take one out.
    #[command(subcommand)]
    Beside(BesideCommand),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Of this state only, for example manual or reconciled.
    #[arg(long, value_parser = |word: &str| one_of(word, ResultSetState::ALL))]
    state: Option<ResultSetState>,
    /// One JSON line per set.
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
    /// Id of the result set.
    id: Uuid,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    identity: ShowIdentity,
}

#[derive(Debug, Args)]
pub(super) struct Act {
    #[command(flatten)]
    one: One,
    /// Who decides.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why; stands in the audit trail, so without any identity.
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct Accept {
    #[command(flatten)]
    act: Act,
    /// The token that `result show` printed with the questions: what is asked by now must be what you saw.
    #[arg(long, value_name = "TOKEN")]
    answer: String,
    /// Which identity is written into the result, where the clinical PACS says another one than was received.
    #[arg(long, value_name = "received|pacs", value_parser = identity)]
    identity: Option<IdentityChoice>,
}

/// What a person decides about a set.
enum Decision {
    Release,
    /// Of the questions with this token.
    Accept {
        answer: String,
        identity: Option<IdentityChoice>,
    },
    Reject,
    Retry,
}

fn identity(word: &str) -> Result<IdentityChoice, &'static str> {
    IdentityChoice::parse(word).ok_or("say received or pacs")
}

impl ResultCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            match self {
                Self::List(list) => list.work().await,
                Self::Show(show) => show.work().await,
                Self::Release(act) => act.work(Decision::Release).await,
                Self::Accept(Accept { act, answer, identity }) => {
                    act.work(Decision::Accept { answer, identity }).await
                }
                Self::Reject(act) => act.work(Decision::Reject).await,
                Self::Retry(act) => act.work(Decision::Retry).await,
                Self::Beside(command) => command.work().await,
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
            let page = result_set::list(database.reader(), self.state, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for set in &page {
                if self.quiet {
                    println!("{}", set.id);
                } else if self.json {
                    println!("{}", shown(set));
                } else {
                    println!("{}  {:16}  {:16}  {}", set.id, set.project, set.partner, set.state);
                }
            }
        }
        if self.state.is_none() && !self.quiet {
            let how = if self.json { Shown::Json } else { Shown::Line };
            beside::list(&database, Which::All, how).await?;
        }
        Ok(Outcome::Good)
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Show {
    async fn work(self) -> anyhow::Result<Outcome> {
        let (site, id) = (self.one.config.site()?, self.one.id);
        let database = main_database(&site).await?;
        let set = result_set::show(database.reader(), id).await?;
        println!("{}", shown(&set));
        let questions = question::of_set(database.reader(), id).await?;
        for question in &questions {
            println!("{}", asked(question));
        }
        for line in parts(&database, id).await? {
            println!("{line}");
        }
        if self.identity.is_asked {
            for line in self.identity.lines(&site, &database, &set).await? {
                println!("{line}");
            }
        }
        if let (ResultSetState::Manual, Some(token)) = (set.state, accept::token(set.id, &questions)) {
            println!("{}", serde_json::json!({ "answer": token }));
        }
        for change in history(database.reader(), id).await? {
            println!(
                "{}  {} → {}  {} {} {}",
                change.at, change.from, change.to, change.event, change.actor, change.cause
            );
        }
        Ok(Outcome::Good)
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Act {
    async fn work(self, decision: Decision) -> anyhow::Result<Outcome> {
        let site = self.one.config.site()?;
        let database = main_database(&site).await?;
        let now = Clock::system().now();
        let set = result_set::show(database.reader(), self.one.id).await?;
        // What is accepted needs a reason; a release or a rejection may go without.
        let cause = match (&decision, self.reason.as_str()) {
            (Decision::Release | Decision::Reject | Decision::Retry, "") => "no reason given",
            (_, reason) => reason,
        };
        let change = Change {
            actor_kind: ActorKind::Person,
            actor: &self.by,
            cause,
            dossier_version: &dossier_version(&site, &set.project),
            gate_hash: None,
            at: now,
        };
        let mut transaction = database.write().await?;
        let (kind, done, identity) = match decision {
            Decision::Release => {
                release::release(&mut transaction, &set, &change).await?;
                (DecisionKind::Release, "released", None)
            }
            Decision::Accept { answer, identity } => {
                accept::accept(&mut transaction, &set, &answer, identity, &change).await?;
                (DecisionKind::Resolve, "accepted", identity)
            }
            Decision::Retry => {
                release::retry(&mut transaction, &set, &change).await?;
                (DecisionKind::Retry, "tried again", None)
            }
            Decision::Reject => {
                result_set::advance(&mut transaction, set.id, ResultSetEvent::Reject, &change).await?;
                (DecisionKind::Reject, "rejected", None)
            }
        };
        let reason = accept::reason(identity, &self.reason);
        let decided =
            AuditEvent::Decided { decision: kind, subject: set.id, reason: Text::from_operator(&reason) };
        let record =
            AuditRecord { at: now, actor: Actor::Person(Text::from_operator(&self.by)), event: decided };
        let trail = AuditTrail::new(&site.site.name, concat!("research-pacs ", env!("CARGO_PKG_VERSION")));
        trail.append(&mut transaction, &[record]).await?;
        transaction.commit().await?;
        println!("{} {done} by {}", set.id, self.by);
        if kind == DecisionKind::Release {
            for line in parts(&database, set.id).await? {
                println!("{line}");
            }
        }
        Ok(Outcome::Good)
    }
}

/// What of the set only a person can look into, and who accepted it: words of AC8.10 with the number of instances.
async fn parts(database: &Database, set: Uuid) -> anyhow::Result<Vec<serde_json::Value>> {
    let mut lines = Vec::new();
    for event in [LedgerEvent::NotInspected, LedgerEvent::Accepted] {
        let found = ledger::of_event(database.reader(), set, event).await?;
        let mut instances: BTreeMap<&str, BTreeSet<Uuid>> = BTreeMap::new();
        for line in &found {
            instances.entry(&line.cause).or_default().insert(line.instance);
        }
        let line = |(what, of): (&str, BTreeSet<Uuid>)| serde_json::json!({ event.as_str(): what, "instances": of.len() });
        lines.extend(instances.into_iter().map(line));
    }
    Ok(lines)
}

/// One reason why the set waits, with what the rules propose: our own ids and pseudonyms, never an identity.
fn asked(question: &Question) -> serde_json::Value {
    let proposal = question.proposal.as_ref();
    serde_json::json!({
        "reason": question.reason,
        "may_be_accepted": accept::is_acceptable(&question.reason),
        "proposed_participant": proposal.map(|proposal| proposal.participant),
        "proposed_study": proposal.and_then(|proposal| proposal.study.as_deref()),
        "accepted_at": question.accepted_at,
        "identity": question.identity.map(IdentityChoice::as_str),
    })
}

fn shown(set: &ResultSet) -> serde_json::Value {
    serde_json::json!({
        "id": set.id,
        "job": set.job,
        "project": set.project,
        "partner": set.partner,
        "version": set.version,
        "state": set.state.as_str(),
        "created_at": set.created_at,
        "updated_at": set.updated_at,
    })
}
