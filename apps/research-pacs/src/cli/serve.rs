//! `serve`: runs the server until SIGTERM or SIGINT.

use std::io::IsTerminal;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::ConfigFile;
use crate::exit::Outcome;
use crate::serve;

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
        runtime.block_on(serve::run(site, self.config.config.is_none(), self.json))?;
        // What is left are blocking calls on their way out; they hold nothing that was acknowledged.
        runtime.shutdown_timeout(std::time::Duration::from_secs(5));
        Ok(Outcome::Good)
    }
}
