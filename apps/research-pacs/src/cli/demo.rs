//! `demo`: the whole circle on one machine with simulated peers and nothing to install: a clinical PACS pushes studies, the server
//! pseudonymises and exports them, two partners answer with results, the server gives them their patient's identity back and returns
//! them, and a search proves that no identity was anywhere it must not be.

mod search;
mod table;
mod world;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use archive::ledger::{self, LedgerEvent};
use archive::result_set::{self, ResultSetState};
use archive::state::{ActorKind, Change};
use clap::Args;
use pipeline::clock::Clock;
use pipeline::release;
use tokio::sync::oneshot;

use crate::exit::Outcome;
use crate::serve;
use table::Table;
use world::World;

/// Longest time for everything to come back.
const PATIENCE: Duration = Duration::from_secs(45);
/// Time between two looks.
const TICK: Duration = Duration::from_millis(500);
/// Who releases what policy may not.
const PERSON: &str = "Dr Demo";

/// Show the whole circle with simulated peers.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// End when the circle is closed; without it everything keeps running.
    #[arg(long)]
    once: bool,
    /// Patients, one study each.
    #[arg(long, default_value_t = 6)]
    patients: usize,
    /// Folder for the data; without it a temporary one that is removed at the end, unless something went wrong.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl Demo {
    #[allow(clippy::print_stderr, reason = "where to look after a failure")]
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let mut temporary = tempfile::tempdir()?;
        let folder = self.data.clone().unwrap_or_else(|| temporary.path().to_owned());
        std::fs::create_dir_all(&folder)?;
        let log = folder.join("demo.log");
        let file = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(file)
            .init();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome = runtime.block_on(self.circle(folder));
        runtime.shutdown_timeout(Duration::from_secs(5));
        if !matches!(outcome, Ok(Outcome::Good)) {
            temporary.disable_cleanup(true);
            eprintln!("what went on is told in {}", log.display());
        }
        outcome
    }

    #[allow(clippy::print_stdout, reason = "the command's answer")]
    async fn circle(self, folder: PathBuf) -> anyhow::Result<Outcome> {
        let world = World::start(&folder, self.patients).await?;
        let site = world.site()?;
        super::vault::init(&site, Clock::system().now()).await?;
        let (ready, at) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve::run(
            site,
            |addresses| {
                let _nobody_waits = ready.send(addresses);
            },
            async {
                let _ = stopped.await;
            },
        ));
        let at = at.await.context("the server did not start")?;
        world.say(&at);

        let database = crate::stores::open_database(&folder.join("data"), "main").await?;
        let pushed = world.push(&at).await?;
        println!("clinical PACS pushed {pushed} instances of {} studies", self.patients);
        let start = Instant::now();
        let mut released = 0;
        let mut shown = String::new();
        while start.elapsed() < PATIENCE {
            released += release_by_person(&database).await?;
            let line = stages(&database).await?;
            if line != shown {
                println!("{:5.1} s  {line}", start.elapsed().as_secs_f64());
                shown = line;
            }
            if world.is_circle_closed(&database).await? {
                break;
            }
            tokio::time::sleep(TICK).await;
        }
        let table = Table::take(&world, &database, &at, &folder, pushed, released).await?;
        table.print();
        let good = table.is_good();
        if !self.once {
            println!("Everything keeps running at the addresses above; Ctrl-C ends it.");
            serve::signalled()?.await;
        }
        database.close().await;
        drop(stop);
        server.await??;
        Ok(if good { Outcome::Good } else { Outcome::Bad })
    }
}

/// Releases what waits for a person, as `result release` does.
async fn release_by_person(database: &database::Database) -> anyhow::Result<u64> {
    let mut released = 0;
    for set in result_set::list(database.reader(), Some(ResultSetState::Reconciled), None, 100).await? {
        let change = Change {
            actor_kind: ActorKind::Person,
            actor: PERSON,
            cause: "seen in the demonstration",
            dossier_version: "1",
            gate_hash: None,
            at: Clock::system().now(),
        };
        let mut transaction = database.write().await?;
        release::release(&mut transaction, &set, &change).await?;
        transaction.commit().await?;
        released += 1;
    }
    Ok(released)
}

/// Each stage with its count, from the ledger.
async fn stages(database: &database::Database) -> anyhow::Result<String> {
    let totals = ledger::totals(database.reader()).await?;
    let count = |event: LedgerEvent| {
        totals.iter().filter(|total| total.event == event).map(|total| total.lines).sum::<u64>()
    };
    let stages = [
        ("de-identified", LedgerEvent::Deidentified),
        ("verified", LedgerEvent::Cleared),
        ("exported", LedgerEvent::Acknowledged),
        ("fetched", LedgerEvent::Retrieved),
        ("reconciled", LedgerEvent::Reconciled),
        ("returned", LedgerEvent::Returned),
        ("confirmed", LedgerEvent::Confirmed),
    ];
    Ok(stages.map(|(word, event)| format!("{word} {}", count(event))).join("  "))
}
