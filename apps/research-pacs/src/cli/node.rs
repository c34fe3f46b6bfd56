//! `node`: whether the declared DICOM nodes answer.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use dicom_node::RemoteNode;
use dicom_node::config::NodeConfig as Limits;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::VERIFICATION;
use dicom_node::tls::ClientTls;
use dicom_node::transfer_syntax::IMPLICIT_LITTLE;
use pipeline::config::NodeConfig;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{ConfigFile, small_runtime};
use crate::exit::Outcome;

/// Seconds that a node gets for an answer.
const RESPONSE_SECONDS: u64 = 30;

/// Look at the declared DICOM nodes.
#[derive(Debug, Subcommand)]
pub(super) enum NodeCommand {
    /// C-ECHO to each node that has host and port, or to one, with its TLS.
    Test(Test),
}

#[derive(Debug, Args)]
pub(super) struct Test {
    #[command(flatten)]
    config: ConfigFile,
    /// Name of the node; without it all that listen.
    name: Option<String>,
    /// One JSON line per node.
    #[arg(long)]
    json: bool,
}

/// What a declared system answered and after which time, or why it did not.
pub(super) type Tested = Result<(String, Duration), String>;

impl NodeCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Self::Test(test) = self;
        let site = test.config.site()?;
        let listens = |node: &NodeConfig| node.host.is_some() && node.port.is_some();
        let wanted = |node: &&NodeConfig| match &test.name {
            Some(name) => node.name == *name,
            None => listens(node),
        };
        let nodes: Vec<NodeConfig> = site.nodes.iter().filter(wanted).cloned().collect();
        if let (Some(name), []) = (&test.name, nodes.as_slice()) {
            anyhow::bail!("the configuration declares no node {name:?}");
        }
        small_runtime()?.block_on(async {
            let calls = nodes.into_iter().map(|node| (node.name.clone(), tokio::spawn(echo(node))));
            tell(calls.collect(), test.json).await
        })
    }
}

async fn echo(node: NodeConfig) -> Tested {
    let (Some(host), Some(port)) = (node.host, node.port) else {
        return Err("it has no host and port".to_owned());
    };
    let start = Instant::now();
    let tls = node.tls.as_ref().map(|tls| ClientTls::load(tls, &host)).transpose();
    let tls = tls.map_err(|error| error.to_string())?;
    let remote = RemoteNode { called: node.ae_title, calling: node.called_by, host, port, tls };
    let limits = Limits { response_seconds: RESPONSE_SECONDS, ..Limits::default() };
    let contexts = [ProposedContext::new(VERIFICATION, &[IMPLICIT_LITTLE])];
    let answered = async {
        let mut association = remote.associate(&contexts, &limits, CancellationToken::new()).await?;
        let status = association.echo().await?;
        let _ = association.release().await; // the answer is what counts
        Ok(status)
    };
    let status = answered.await.map_err(|error: dicom_node::AssociationError| error.to_string())?;
    if status.is_done() {
        Ok((status.to_string(), start.elapsed()))
    } else {
        Err(format!("it answered status {status}"))
    }
}

/// Says of each system, in the order of the configuration, what its test brought; all run at the same time.
#[allow(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn tell(tests: Vec<(String, JoinHandle<Tested>)>, json: bool) -> anyhow::Result<Outcome> {
    if tests.is_empty() && !json {
        println!("nothing to test: none that listens is declared");
    }
    let mut outcome = Outcome::Good;
    for (name, test) in tests {
        let tested = test.await?;
        if tested.is_err() {
            outcome = Outcome::Bad;
        }
        let milliseconds = |time: &Duration| time.as_secs_f64() * 1000.0;
        match (&tested, json) {
            (Ok((status, time)), true) => {
                let ms = milliseconds(time);
                println!(
                    "{}",
                    serde_json::json!({ "name": name, "ok": true, "status": status, "milliseconds": ms })
                );
            }
            (Err(reason), true) => {
                println!("{}", serde_json::json!({ "name": name, "ok": false, "reason": reason }));
            }
            (Ok((status, time)), false) => println!("{name:20}  {status}  {:.1} ms", milliseconds(time)),
            (Err(reason), false) => println!("{name:20}  failed: {reason}"),
        }
    }
    Ok(outcome)
}
