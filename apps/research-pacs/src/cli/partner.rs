//! `partner`: whether the declared partners are there and let us in.

use std::time::Instant;

use clap::{Args, Subcommand};
use partner::{Partner, PartnerConfig, PartnerError};

use super::node::{Tested, tell};
use super::{ConfigFile, small_runtime};
use crate::exit::Outcome;
use crate::secret;

/// Look at the declared partners.
#[derive(Debug, Subcommand)]
pub(super) enum PartnerCommand {
    /// Call each partner, or one: C-ECHO, a QIDO-RS search that finds nothing, or a file written and removed.
    Test(Test),
}

#[derive(Debug, Args)]
pub(super) struct Test {
    #[command(flatten)]
    config: ConfigFile,
    /// Id of the partner; without it all of them.
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// One JSON line per partner.
    #[arg(long)]
    json: bool,
}

impl PartnerCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Self::Test(test) = self;
        let site = test.config.site()?;
        let wanted = |partner: &&PartnerConfig| test.id.as_ref().is_none_or(|id| partner.id == *id);
        let partners: Vec<PartnerConfig> = site.partners.iter().filter(wanted).cloned().collect();
        if let (Some(id), []) = (&test.id, partners.as_slice()) {
            anyhow::bail!("the configuration declares no partner {id:?}");
        }
        small_runtime()?.block_on(async {
            let calls = partners.into_iter().map(|config| (config.id.clone(), tokio::spawn(call(config))));
            tell(calls.collect(), test.json).await
        })
    }
}

async fn call(config: PartnerConfig) -> Tested {
    let start = Instant::now();
    let partner = Partner::open(&config, &secret::for_partner).map_err(|error| error.to_string())?;
    partner.test().await.map_err(|error| cause(&error))?;
    Ok(("answered".to_owned(), start.elapsed()))
}

/// What happened in an exchange, without what the server would do about it.
pub(super) fn cause(error: &PartnerError) -> String {
    match error {
        PartnerError::Transient { cause, .. }
        | PartnerError::Permanent { cause }
        | PartnerError::Configuration { cause } => cause.to_string(),
        other => other.to_string(),
    }
}
