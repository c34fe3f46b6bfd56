//! `config`: what the server would run with.

use clap::Subcommand;

use super::ConfigFile;
use crate::exit::Outcome;

/// Show, check or explain the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Read the document and say what is wrong with it.
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
                let problems = file.parse()?.problems();
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
