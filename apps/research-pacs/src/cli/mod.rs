//! The command line: one file per command.

mod changes;
mod check;
mod config;
mod deid;
mod demo;
mod echo;
mod find;
mod get;
mod job;
mod node;
mod partner;
mod profile;
mod quarantine;
mod result;
mod send;
mod serve;
mod sim;
mod vault;

use std::path::{Path, PathBuf};

use anyhow::Context;
use builder::Site;
use clap::{Args, Parser, Subcommand};

use crate::exit::Outcome;

/// Receives DICOM from a clinical PACS, de-identifies it, exchanges it with research partners and returns the results.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Look whether what is kept is whole.
    #[command(subcommand)]
    Check(check::Check),
    /// Show, check or explain the configuration.
    #[command(subcommand)]
    Config(config::Config),
    /// De-identify files or folders offline, by the same rules as the server.
    Deid(deid::Deid),
    /// Show the whole circle with simulated peers.
    Demo(demo::Demo),
    /// Ask a DICOM node whether it answers (C-ECHO).
    Echo(echo::Echo),
    /// Ask a DICOM node what it has (C-FIND, Study Root).
    Find(find::Find),
    /// Fetch a study, or one series of it, into a folder (C-FIND, C-GET).
    Get(get::Get),
    /// See the jobs that go out, and act on one.
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Look at the declared DICOM nodes.
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Look at the declared partners.
    #[command(subcommand)]
    Partner(partner::PartnerCommand),
    /// Look at de-identification profiles.
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// See what is held for a person, and decide about it.
    #[command(subcommand)]
    Quarantine(quarantine::Quarantine),
    /// See the results that come back, and decide about one.
    #[command(subcommand)]
    Result(result::ResultCommand),
    /// Send files or folders to a DICOM node (C-STORE).
    Send(send::Send),
    /// Run a simulated peer, for demonstration and tests.
    #[command(subcommand)]
    Sim(sim::Sim),
    /// Keep the correspondence table: keys, lists, erasure.
    #[command(subcommand)]
    Vault(vault::VaultCommand),
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Serve(command) => command.run(),
            Command::Check(command) => command.run(),
            Command::Config(command) => command.run(),
            Command::Deid(command) => command.run(),
            Command::Demo(command) => command.run(),
            Command::Echo(command) => command.run(),
            Command::Find(command) => command.run(),
            Command::Get(command) => command.run(),
            Command::Job(command) => command.run(),
            Command::Node(command) => command.run(),
            Command::Partner(command) => command.run(),
            Command::Profile(command) => command.run(),
            Command::Quarantine(command) => command.run(),
            Command::Result(command) => command.run(),
            Command::Send(command) => command.run(),
            Command::Sim(command) => command.run(),
            Command::Vault(command) => command.run(),
        }
    }
}

/// Where the configuration is.
#[derive(Debug, Args)]
struct ConfigFile {
    /// Configuration document; without it the embedded defaults hold.
    #[arg(long, value_name = "FILE", env = "RESEARCH_PACS_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    /// Reads the document and the variables over it, and refuses what is inconsistent.
    fn site(&self) -> anyhow::Result<Site> {
        let site = self.parse()?;
        let problems = site.problems();
        if problems.is_empty() {
            return Ok(site);
        }
        let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::bail!("the configuration is inconsistent:\n  {}", list.join("\n  "))
    }

    fn parse(&self) -> anyhow::Result<Site> {
        let document = match &self.config {
            Some(path) => read(path)?,
            None => String::new(),
        };
        let shown =
            || self.config.as_ref().map_or_else(|| "defaults".to_owned(), |path| path.display().to_string());
        Site::parse(&document, std::env::vars()).with_context(shown)
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A runtime for commands that only talk to a peer.
fn small_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// The main database of a site, for commands beside the server.
async fn main_database(site: &Site) -> anyhow::Result<database::Database> {
    crate::stores::open_database(&data_folder(site)?, "main").await
}

/// The folder of a site's data, as a server made it.
fn data_folder(site: &Site) -> anyhow::Result<PathBuf> {
    let data = &site.site.data;
    let shown =
        || format!("no data in {}: is it the configuration of the server (--config)?", data.display());
    data.canonicalize().with_context(shown)
}

/// The value that this word names; else an error that lists the words.
fn one_of<T: Copy + std::fmt::Display>(word: &str, all: &[T]) -> Result<T, String> {
    let found = all.iter().copied().find(|value| value.to_string() == word);
    found.ok_or_else(|| {
        format!("one of: {}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    })
}

/// Version of the dossier of a project as rows show it; `none` for one that has no dossier or is not configured.
fn dossier_version(site: &Site, project: &str) -> String {
    let project = site.projects.iter().find(|of| of.id == project);
    project
        .and_then(|of| of.dossier.as_ref())
        .map_or_else(|| "none".to_owned(), |dossier| dossier.version.to_string())
}
