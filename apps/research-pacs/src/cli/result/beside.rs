//! `result beside`: what came back and is no DICOM object (flow table 8.3). It never goes to the clinical PACS; who works with it takes it out
//! by hand, and that is written down. May run beside the server.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use archive::blob::{BlobKey, BlobStore};
use archive::job::{self, JobState};
use archive::result_set;
use archive::side_result::{self, SideResult, Which};
use archive::zone::Zone;
use builder::Site;
use clap::{Args, Subcommand};
use database::Database;
use pipeline::clock::Clock;
use register::{Actor, AuditEvent, AuditRecord, AuditTrail, Text};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::PAGE;
use crate::cli::{ConfigFile, data_folder, main_database};
use crate::exit::Outcome;

/// Bytes read at once.
const PIECE: usize = 256 << 10;

/// See the files that are kept beside, and take one out.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BesideCommand {
    /// List the files, the oldest first: form, length and hash. Their names stay with the partner.
    List(ListBeside),
    /// Write one into a new file, for nobody but you to read; nobody has looked into it.
    Take(TakeBeside),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListBeside {
    #[command(flatten)]
    config: ConfigFile,
    /// Of this job only.
    #[arg(long, value_name = "ID")]
    job: Option<Uuid>,
    /// Of the job of this result set only.
    #[arg(long, value_name = "ID", conflicts_with = "job")]
    set: Option<Uuid>,
    /// One JSON line per file.
    #[arg(long)]
    json: bool,
    /// Ids only.
    #[arg(short)]
    quiet: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TakeBeside {
    #[command(flatten)]
    config: ConfigFile,
    /// Id of the file.
    id: Uuid,
    /// File to write; it must not be there yet.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Who takes it.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why; stands in the audit trail, so without any identity.
    #[arg(long)]
    reason: String,
}

impl BesideCommand {
    pub(super) async fn work(self) -> anyhow::Result<Outcome> {
        match self {
            Self::List(list) => list.work().await,
            Self::Take(take) => take.work().await,
        }
    }
}

impl ListBeside {
    async fn work(self) -> anyhow::Result<Outcome> {
        let database = main_database(&self.config.site()?).await?;
        let job = match self.set {
            Some(set) => Some(result_set::show(database.reader(), set).await?.job),
            None => self.job,
        };
        let shown = match (self.quiet, self.json) {
            (true, _) => Shown::Id,
            (false, true) => Shown::Json,
            (false, false) => Shown::Line,
        };
        list(&database, job.map_or(Which::All, Which::Job), shown).await?;
        Ok(Outcome::Good)
    }
}

/// How a file is listed.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    Id,
    Json,
    Line,
}

/// Prints the files.
#[allow(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn list(database: &Database, which: Which, how: Shown) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = side_result::list(database.reader(), which, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for of in &page {
            match how {
                Shown::Id => println!("{}", of.id),
                Shown::Json => println!("{}", shown(of)),
                Shown::Line => println!(
                    "{}  {:16}  {:16}  kept beside: {}, {} bytes",
                    of.id, of.project, of.partner, of.form, of.bytes
                ),
            }
        }
    }
}

fn shown(of: &SideResult) -> serde_json::Value {
    serde_json::json!({
        "id": of.id,
        "job": of.job,
        "project": of.project,
        "partner": of.partner,
        "state": "kept-beside",
        "form": of.form,
        "bytes": of.bytes,
        "sha256": hex(&of.sha256),
        "created_at": of.kept_at,
    })
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl TakeBeside {
    async fn work(self) -> anyhow::Result<Outcome> {
        let site = self.config.site()?;
        let database = main_database(&site).await?;
        let of = side_result::show(database.reader(), self.id).await?;
        let job = job::show(database.reader(), of.job).await?;
        if of.withdrawn_at.is_some() || matches!(job.state, JobState::Withdrawn | JobState::Cancelled) {
            bail!("its job was stopped or its participant withdrew: it is deleted, and not taken out");
        }
        let objects = data_folder(&site)?.join("objects");
        let kept = BlobStore::open_beside(&objects, BlobKey::new(Zone::Inbound, of.id)?)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)
            .with_context(|| format!("cannot make {}", self.path.display()))?;
        let taken = self.take(&site, &database, &of, kept, file).await;
        if taken.is_err() {
            fs::remove_file(&self.path).with_context(|| format!("cannot remove {}", self.path.display()))?;
        }
        taken?;
        println!("{} bytes in {}", of.bytes, self.path.display());
        Ok(Outcome::Good)
    }

    /// Who takes it and why is written down before a byte is.
    async fn take(
        &self,
        site: &Site,
        database: &Database,
        of: &SideResult,
        kept: File,
        file: File,
    ) -> anyhow::Result<()> {
        let event = AuditEvent::SideResultTaken {
            project: Text::from_operator(&of.project),
            job: of.job,
            file: of.id,
            sha256: Text::from_operator(&hex(&of.sha256)),
            reason: Text::from_operator(&self.reason),
        };
        let actor = Actor::Person(Text::from_operator(&self.by));
        let record = AuditRecord { at: Clock::system().now(), actor, event };
        let trail = AuditTrail::new(&site.site.name, concat!("research-pacs ", env!("CARGO_PKG_VERSION")));
        let mut transaction = database.write().await?;
        trail.append(&mut transaction, &[record]).await?;
        transaction.commit().await?;
        let found = tokio::task::block_in_place(|| copy(kept, file))
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        if found != of.sha256 {
            bail!("what is kept is not what came back: its SHA-256 is another one");
        }
        tokio::task::block_in_place(|| sync_folder(&self.path))?;
        Ok(())
    }
}

/// Copies and syncs; answers the SHA-256 of what was read.
fn copy(mut from: File, mut to: File) -> io::Result<[u8; 32]> {
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let read = from.read(&mut piece)?;
        let bytes = piece.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            to.sync_all()?;
            return Ok(hash.finalize().into());
        }
        hash.update(bytes);
        to.write_all(bytes)?;
    }
}

/// Makes the name of a new file durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
