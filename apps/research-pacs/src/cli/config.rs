//! `config`: what the server would run with.

use builder::Site;
use clap::Subcommand;
use partner::{Partner, PartnerConfig};

use super::ConfigFile;
use crate::exit::Outcome;

/// Show, check or explain the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Read the document and the profiles, keys and certificates that it names, and say what is wrong with them.
    Check(ConfigFile),
    /// Print the whole configuration, defaults and variables included. Secrets stand in it by reference only.
    Show(ConfigFile),
    /// Print an example document with comments.
    Example,
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Config {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Check(file) => {
                let site = file.parse()?;
                let mut problems: Vec<String> = site.problems().iter().map(ToString::to_string).collect();
                // What it names may be judged by a server alone once the document itself is whole.
                if problems.is_empty() {
                    problems = unusable(&site);
                }
                for problem in &problems {
                    println!("{problem}");
                }
                return Ok(if problems.is_empty() { Outcome::Good } else { Outcome::Bad });
            }
            Self::Show(file) => print!("{}", file.parse()?.to_document()),
            Self::Example => print!("{}", builder::EXAMPLE),
        }
        Ok(Outcome::Good)
    }
}

/// What of the projects and partners a start would refuse.
fn unusable(site: &Site) -> Vec<String> {
    let project = |of| pipeline::line::Project::new(of).err().map(|error| error.to_string());
    let partner = |of: &PartnerConfig| {
        let error = Partner::open(of, &crate::secret::for_partner).err()?;
        Some(format!("partner {:?}: {error}", of.id))
    };
    site.projects.iter().filter_map(project).chain(site.partners.iter().filter_map(partner)).collect()
}
