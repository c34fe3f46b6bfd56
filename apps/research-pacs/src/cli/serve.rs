//! `serve`: runs the server until SIGTERM or SIGINT.

use std::io::IsTerminal;
use std::path::Path;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::ConfigFile;
use crate::exit::Outcome;
use crate::serve::{self, Addresses};

/// Run the server.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: ConfigFile,
    /// Say on standard output, as JSON lines, when the server is ready and where it listens; write the log as JSON lines.
    #[arg(long)]
    json: bool,
    /// Log level: error, warn, info, debug, trace.
    #[arg(long, default_value = "info")]
    log: String,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let filter = EnvFilter::try_new(format!("{},sqlx=warn", self.log))?;
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr);
        if self.json {
            log.json().init();
        } else {
            log.init();
        }
        let site = self.config.site()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (defaults, json) = (self.config.config.is_none(), self.json);
        let data = site.site.data.clone();
        let ready = |at| say(at, &data, defaults, json);
        runtime.block_on(async { serve::run(site, ready, serve::signalled()?).await })?;
        // What is left are blocking calls on their way out; they hold nothing that was acknowledged.
        runtime.shutdown_timeout(std::time::Duration::from_secs(5));
        Ok(Outcome::Good)
    }
}

/// Says that the server is up and where: what people, scripts and tests wait for.
#[allow(clippy::print_stdout, reason = "the command's answer")]
fn say(at: Addresses, data: &Path, defaults: bool, json: bool) {
    let Addresses { dicom, http } = at;
    if json {
        let ready =
            serde_json::json!({ "event": "ready", "dicom": dicom.to_string(), "http": http.to_string() });
        println!("{ready}");
        return;
    }
    println!("DICOM on {dicom}, status page on http://{http}/, data in {}", data.display());
    if defaults {
        println!("No configuration was given: nobody may send yet. Write one with");
        println!("  research-pacs config example > site.toml");
        println!(
            "declare the nodes that may send and a project, then start: research-pacs serve --config site.toml"
        );
    }
}
