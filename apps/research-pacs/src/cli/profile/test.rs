//! `profile test`: the dry run of a profile.

use std::path::PathBuf;

use clap::Args;

use crate::cli::deid::Deid;
use crate::exit::Outcome;

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Name of a profile that comes with the program, or a TOML file.
    #[arg(value_name = "NAME|FILE")]
    profile: PathBuf,
    /// A DICOM file, or a folder that is searched through.
    input: PathBuf,
}

impl Test {
    /// The same as `deid --dry-run`.
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        Deid::dry_run_of(self.profile, self.input).run()
    }
}
