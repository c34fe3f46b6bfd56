//! `vault`: the table holder's commands (zone Z2). They may run beside the server.

mod map;

use std::fs::File;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail};
use archive::state::{ActorKind, Change};
use builder::Site;
use clap::{Args, Subcommand};
use pipeline::clock::Clock;
use pipeline::withdraw::withdraw;
use pseudonym::{
    Correspondence, Holder, InclusionList, KeyRing, KeySource, LineError, Numbers, OppositionList,
    ParticipantId, Purpose, ShiftRange, Vault, VaultError, WrappingKey,
};
use register::{Actor, AuditEvent, AuditRecord, AuditTrail, DecisionKind, Text};
use uuid::Uuid;

use map::Map;

use super::{ConfigFile, dossier_version, main_database};
use crate::exit::Outcome;
use crate::stores;

/// Participants per transaction of a rotation.
const ROTATION_BATCH: u32 = 500;

/// Keep the correspondence table.
#[derive(Debug, Subcommand)]
pub(super) enum VaultCommand {
    /// Make the key file that `[vault] key` names, if it is not there, and create the vault.
    Init(ConfigFile),
    /// Make `[vault] key` the one key of the vault; `previous_key` names the one before.
    Rotate(ConfigFile),
    /// Enter an inclusion list (CSV: patient_id, issuer, subject_code, consent_date, form_version), all of it or nothing.
    Include(List),
    /// Enter oppositions and withdrawals (CSV: patient_id, issuer, kind, date, action; kind opposition or withdrawal, action stop,
    /// delete or keep), all of them or none.
    Oppose(List),
    /// Enter an existing correspondence (CSV: patient_id, issuer, subject_code, and for UIDs kind, original_uid, pseudonym_uid), all of it
    /// or nothing.
    Import(Import),
    /// Record that numbers (CSV: patient_id, issuer) belong to one participant from now on: a merge or a correction at the hospital. Results
    /// of whoever had them before go to a person.
    Merge(Merge),
    /// Write what the codes and UIDs of a project stand for as CSV (id_old,id_new), for an auditor. The access log says for whom and why.
    Map(Map),
    /// Erase one participant or one project for good: what was derived can never be derived again.
    Erase(Erase),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    config: ConfigFile,
    /// Research study.
    #[arg(long)]
    project: String,
    /// CSV file.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    list: List,
    /// Partner that holds what was given out.
    #[arg(long)]
    partner: String,
}

#[derive(Debug, Args)]
pub(super) struct Merge {
    #[command(flatten)]
    list: List,
    /// The vault's own id of the participant that the numbers belong to: `job show` tells it.
    #[arg(long)]
    participant: String,
    /// Who records it.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct Erase {
    #[command(flatten)]
    config: ConfigFile,
    /// Research study.
    #[arg(long)]
    project: String,
    /// The vault's own id of the participant: `job show` tells it.
    #[arg(long, required_unless_present = "whole_project")]
    participant: Option<String>,
    /// Erase every participant of the project.
    #[arg(long, conflicts_with = "participant")]
    whole_project: bool,
    /// Who erases.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long)]
    reason: String,
}

impl VaultCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(self.work())
    }

    #[allow(clippy::print_stdout, reason = "the command's answer")]
    async fn work(self) -> anyhow::Result<Outcome> {
        let now = Clock::system().now();
        match self {
            Self::Init(file) => {
                let site = file.site()?;
                println!("{}", init(&site, now).await?);
            }
            Self::Rotate(file) => {
                let rotation = open(&file.site()?).await?.rotate(ROTATION_BATCH, now).await?;
                println!("{} participants rewrapped", rotation.rewrapped);
            }
            Self::Include(list) => {
                let site = list.site()?;
                let parsed = InclusionList::parse(list.open()?, &list.project, &issuers(&site), now);
                let Some(parsed) = lines(parsed) else { return Ok(Outcome::Bad) };
                let imported = open(&site).await?.import_inclusions(&parsed, now).await;
                let Some(_) = entered(imported)? else { return Ok(Outcome::Bad) };
                println!("inclusion list entered");
            }
            Self::Oppose(list) => {
                let site = list.site()?;
                let parsed = OppositionList::parse(list.open()?, &list.project, &issuers(&site), now);
                let Some(parsed) = lines(parsed) else { return Ok(Outcome::Bad) };
                let imported = open(&site).await?.import_oppositions(&parsed, now).await;
                let Some(stopped) = entered(imported)? else { return Ok(Outcome::Bad) };
                let why = Stopping { command: "vault oppose", cause: "opposition list" };
                let jobs = stop_work(&site, &list.project, &stopped, why, now).await?;
                println!(
                    "opposition list entered; {} known participants are stopped, {jobs} jobs withdrawn",
                    stopped.len()
                );
            }
            Self::Import(Import { list, partner }) => {
                let site = list.site()?;
                let parsed = Correspondence::parse(list.open()?, &list.project, &issuers(&site));
                let Some(parsed) = lines(parsed) else { return Ok(Outcome::Bad) };
                let dossier = dossier_version(&site, &list.project);
                anyhow::ensure!(
                    dossier != "none",
                    "project {:?} is not configured or has no dossier",
                    list.project
                );
                let holder = Holder { partner: &partner, dossier: &dossier, shift: ShiftRange::default() };
                let imported = open(&site).await?.import_correspondence(&parsed, holder, now).await;
                let Some(_) = entered(imported)? else { return Ok(Outcome::Bad) };
                println!("correspondence entered");
            }
            Self::Merge(Merge { list, participant, by, reason }) => {
                let site = list.site()?;
                let parsed = Numbers::parse(list.open()?, &list.project, &issuers(&site));
                let Some(numbers) = lines(parsed) else { return Ok(Outcome::Bad) };
                let participant = ParticipantId::from_str(&participant)?;
                let purpose = Purpose::new(&by, "research-pacs vault merge", &site.site.name, &reason)?;
                let vault = open(&site).await?;
                for subject in &numbers.subjects {
                    vault.merge(subject, participant, &purpose, now).await?;
                }
                println!("{} numbers belong to the participant", numbers.subjects.len());
            }
            Self::Map(map) => {
                let site = map.site()?;
                println!("{}", map.write(&open(&site).await?, &site.site.name, now).await?);
            }
            Self::Erase(erase) => {
                let site = erase.config.site()?;
                let purpose =
                    Purpose::new(&erase.by, "research-pacs vault erase", &site.site.name, &erase.reason)?;
                let vault = open(&site).await?;
                let participant = erase.participant.as_deref().map(ParticipantId::from_str).transpose()?;
                let concerned = vault.concerned_by_erasure(&erase.project, participant).await?;
                let count = match participant {
                    Some(participant) => {
                        vault.erase_participant(participant, &purpose, now).await?;
                        1
                    }
                    None => vault.erase_project(&erase.project, &purpose, now).await?,
                };
                let why = Stopping { command: "vault erase", cause: "erasure" };
                let jobs = stop_work(&site, &erase.project, &concerned, why, now).await?;
                println!("{count} participants erased, {jobs} jobs withdrawn");
            }
        }
        Ok(Outcome::Good)
    }
}

impl List {
    /// The configuration, if it has the project: a list for another one would protect nobody.
    fn site(&self) -> anyhow::Result<Site> {
        let site = self.config.site()?;
        if !site.projects.iter().any(|project| project.id == self.project) {
            bail!("project {:?} is not configured; nothing was entered", self.project);
        }
        Ok(site)
    }

    fn open(&self) -> anyhow::Result<File> {
        File::open(&self.file).with_context(|| format!("cannot read {}", self.file.display()))
    }
}

/// Creates key file and vault; what is there already stays.
pub(super) async fn init(site: &Site, now: i64) -> anyhow::Result<&'static str> {
    let Some(source) = &site.vault.key else {
        bail!(
            "[vault] key is not set: name a file, for example key = {{ file = \"/etc/research-pacs/vault.key\" }}"
        )
    };
    if let KeySource::File(path) = source
        && !path.exists()
    {
        WrappingKey::create_file(path).with_context(|| {
            format!("cannot make the key file {}: does its folder exist?", path.display())
        })?;
    }
    let key = WrappingKey::load(source, |name| std::env::var(name).ok())?;
    stores::make_private(&site.site.data)?;
    let database = stores::open_database(&super::data_folder(site)?, "vault").await?;
    match Vault::create(database, KeyRing::new(key, None), now).await {
        Ok(_) => Ok("vault created; keep a copy of its key in a safe place, apart from the data"),
        Err(VaultError::Exists) => Ok("the vault is there already"),
        Err(error) => Err(error.into()),
    }
}

/// The vault, unlocked.
async fn open(site: &Site) -> anyhow::Result<Vault> {
    let vault = stores::open_vault(site, &super::data_folder(site)?).await?;
    match vault.locked() {
        Some(reason) => bail!("the vault is locked: {reason}"),
        None => Ok(vault),
    }
}

/// An issuer names the authority of a configured alias, else an authority that a node has.
fn issuers(site: &Site) -> impl Fn(&str) -> Option<String> {
    let mut known: Vec<(String, String)> = Vec::new();
    for node in &site.nodes {
        let aliases = node.issuer_aliases.iter();
        known.extend(aliases.map(|alias| (alias.issuer.clone(), alias.assigning_authority.clone())));
        known.push((node.assigning_authority.clone(), node.assigning_authority.clone()));
    }
    move |issuer| known.iter().find(|(of, _)| of == issuer).map(|(_, authority)| authority.clone())
}

/// Ends the jobs and results of participants; answers how many jobs.
async fn stop_work(
    site: &Site,
    project: &str,
    stopped: &[ParticipantId],
    why: Stopping,
    now: i64,
) -> anyhow::Result<usize> {
    let database = main_database(site).await?;
    let version = dossier_version(site, project);
    let change = Change {
        actor_kind: ActorKind::Person,
        actor: why.command,
        cause: why.cause,
        dossier_version: &version,
        gate_hash: None,
        at: now,
    };
    let trail = AuditTrail::new(&site.site.name, concat!("research-pacs ", env!("CARGO_PKG_VERSION")));
    let mut jobs = 0;
    for participant in stopped {
        let mut transaction = database.write().await?;
        let withdrawn = withdraw(&mut transaction, &site.notification, *participant, &change).await?;
        let records: Vec<AuditRecord> = withdrawn.iter().map(|job| withdrawal(*job, why, now)).collect();
        trail.append(&mut transaction, &records).await?;
        transaction.commit().await?;
        jobs += withdrawn.len();
    }
    Ok(jobs)
}

/// Which command ends work, and on what ground.
#[derive(Clone, Copy)]
struct Stopping {
    command: &'static str,
    cause: &'static str,
}

fn withdrawal(job: Uuid, why: Stopping, at: i64) -> AuditRecord {
    let event = AuditEvent::Decided {
        decision: DecisionKind::Withdraw,
        subject: job,
        reason: Text::from_operator(why.cause),
    };
    AuditRecord { at, actor: Actor::Program(Text::from_operator(why.command)), event }
}

/// What an import gave; lines that contradict the vault are said like those that cannot be read.
fn entered<T>(imported: Result<T, VaultError>) -> anyhow::Result<Option<T>> {
    match imported {
        Err(VaultError::Import(errors)) => Ok(lines(Err(errors))),
        imported => Ok(Some(imported?)),
    }
}

/// Says every faulty line.
#[allow(clippy::print_stdout, reason = "the command's answer")]
fn lines<T>(parsed: Result<T, Vec<LineError>>) -> Option<T> {
    match parsed {
        Ok(parsed) => Some(parsed),
        Err(errors) => {
            errors.iter().for_each(|error| println!("{error}"));
            println!("nothing was entered");
            None
        }
    }
}
