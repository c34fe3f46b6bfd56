//! `echo`: C-ECHO to a node (PS3.4 Annex A).

use std::time::Instant;

use clap::Args;
use dicom_node::config::NodeConfig;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::VERIFICATION;
use dicom_node::{AeTitle, RemoteNode};
use dicom_stream::TransferSyntax;
use tokio_util::sync::CancellationToken;

use super::small_runtime;
use crate::exit::Outcome;

/// A DICOM node on the command line.
#[derive(Debug, Args)]
pub(super) struct Remote {
    /// Host name or address.
    pub(super) host: String,
    /// TCP port.
    pub(super) port: u16,
    /// AE title of the node.
    #[arg(long, value_name = "TITLE")]
    pub(super) called: String,
    /// Our AE title.
    #[arg(long, value_name = "TITLE", default_value = "RESEARCHPACS")]
    pub(super) calling: String,
}

impl Remote {
    pub(super) fn node(&self) -> anyhow::Result<RemoteNode> {
        Ok(RemoteNode {
            called: AeTitle::new(&self.called)?,
            calling: AeTitle::new(&self.calling)?,
            host: self.host.clone(),
            port: self.port,
            tls: None,
        })
    }
}

/// Ask a DICOM node whether it answers (C-ECHO).
#[derive(Debug, Args)]
pub(super) struct Echo {
    #[command(flatten)]
    remote: Remote,
    /// Answer as one JSON line.
    #[arg(long)]
    json: bool,
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Echo {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let node = self.remote.node()?;
        let start = Instant::now();
        let contexts = [ProposedContext::new(VERIFICATION, &[TransferSyntax::IMPLICIT_LITTLE.uid])];
        let status = small_runtime()?.block_on(async {
            let mut association =
                node.associate(&contexts, &NodeConfig::default(), CancellationToken::new()).await?;
            let status = association.echo().await?;
            association.release().await?;
            anyhow::Ok(status)
        })?;
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        if self.json {
            println!("{}", serde_json::json!({ "status": status.0, "milliseconds": milliseconds }));
        } else {
            println!("{} answered 0x{:04X} after {milliseconds:.1} ms", node.called, status.0);
        }
        Ok(if status.is_done() { Outcome::Good } else { Outcome::Bad })
    }
}
