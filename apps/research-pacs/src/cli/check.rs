//! `check`: rows against bytes.

use archive::buffer;
use archive::spool::SpoolError;
use clap::{Args, Subcommand};
use serde::Serialize;
use uuid::Uuid;

use super::ConfigFile;
use crate::exit::Outcome;
use crate::stores::{SPOOL, Stores};

/// Look whether what is kept is whole.
#[derive(Debug, Subcommand)]
pub(super) enum Check {
    /// The receive buffer: each instance's bytes against the digest that was acknowledged. The server must not run.
    Receive(Receive),
}

#[derive(Debug, Args)]
pub(super) struct Receive {
    #[command(flatten)]
    config: ConfigFile,
    /// One JSON line per instance, then a summary; without it the summary and what is wrong.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    id: Uuid,
    project: Option<&'a str>,
    state: &'a str,
    bytes: u64,
    blake3: String,
    differs: bool,
    irregularities: serde_json::Value,
    found: &'a str,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    instances: u64,
    missing: u64,
    altered: u64,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Self::Receive(command) = self;
        let site = command.config.site()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(receive(&site, command.json))
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
async fn receive(site: &builder::Site, json: bool) -> anyhow::Result<Outcome> {
    let (stores, recovery) = Stores::open(site).await?;
    // As at a start: what is durable and has no row yet gets one.
    let (writer, arrivals, queue) = stores.index_writer();
    let writing = tokio::spawn(writer.run(queue, |_| {}));
    archive::recover(recovery, &stores.buffer, SPOOL, arrivals).await?;
    writing.await?;
    let mut summary = Summary::default();
    let mut after = Uuid::nil();
    loop {
        let page = buffer::live_locations(stores.buffer.reader(), SPOOL, after, 1000).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        let ids: Vec<Uuid> = page.iter().map(|(id, _)| *id).collect();
        let mut connection = stores.buffer.reader().acquire().await?;
        let instances = buffer::by_id(&mut connection, &ids).await?;
        drop(connection);
        for instance in instances {
            let received = &instance.received;
            let verified = tokio::task::block_in_place(|| stores.spool.verify(&received.location));
            let found = match verified {
                Ok(hash) if *hash.as_bytes() == received.blake3 => "whole",
                Ok(_) | Err(SpoolError::Corrupt(_)) => "altered",
                Err(SpoolError::NotFound(_)) => "missing",
                Err(error) => return Err(error.into()),
            };
            summary.instances += 1;
            summary.missing += u64::from(found == "missing");
            summary.altered += u64::from(found == "altered");
            if json {
                let line = Line {
                    id: received.id,
                    project: received.project.as_deref(),
                    state: instance.state.as_str(),
                    bytes: received.location.data_length(),
                    blake3: received.blake3.iter().map(|byte| format!("{byte:02x}")).collect(),
                    differs: instance.differs,
                    irregularities: serde_json::from_str(&received.irregularities)?,
                    found,
                };
                println!("{}", serde_json::to_string(&line)?);
            } else if found != "whole" {
                println!("{} is {found}", received.id);
            }
        }
    }
    if json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        let Summary { instances, missing, altered } = &summary;
        println!("{instances} instances in the receive buffer, {missing} missing, {altered} altered");
    }
    Ok(if summary.missing + summary.altered == 0 { Outcome::Good } else { Outcome::Bad })
}
