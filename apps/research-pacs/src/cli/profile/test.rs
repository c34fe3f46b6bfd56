//! `profile test`: a dry run, one line for each object.

use std::path::{Path, PathBuf};

use clap::Args;
use pseudonym::{Mapping, Secret, ShiftRange};

use super::compile;
use crate::cli::deid::{Done, Records, collect, run};
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
    /// De-identifies into a folder that is deleted afterwards.
    #[allow(clippy::print_stdout, reason = "the command's answer")]
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let profile = compile(&self.profile)?;
        let mapping = Mapping::new(Secret::random()?, ShiftRange::default());
        let mut files = Vec::new();
        collect(&self.input, &mut files)?;
        let output = tempfile::tempdir()?;
        let recogniser = crate::recognition::recogniser([&profile]);
        println!("{:>6} {:>7} {:>6}  object", "kept", "changed", "masked");
        let summary = run(
            &files,
            output.path(),
            &profile,
            &mapping,
            recogniser.as_deref(),
            &Records::default(),
            |path, done| println!("{}", line(path, done)),
        )?;
        println!(
            "{} would pass, {} be left out, {} are no DICOM files",
            summary.done, summary.left_out, summary.not_dicom
        );
        Ok(if summary.left_out == 0 { Outcome::Good } else { Outcome::Bad })
    }
}

fn line(path: &Path, done: &Done) -> String {
    let shown = path.display();
    match done {
        Done::Written(written) => {
            let report = &written.report;
            let changed: u64 = report.changes.iter().map(|change| change.count).sum();
            let masked = match &report.pixels {
                Some(pixels) if pixels.masked => "yes",
                Some(_) => "no",
                None => "-",
            };
            format!("{:>6} {changed:>7} {masked:>6}  {shown}", report.kept)
        }
        Done::Left(left) => format!("{:>21}  {shown}: {}", "left out", left.reason),
        Done::NotDicom => format!("{:>21}  {shown}", "no DICOM file"),
    }
}
