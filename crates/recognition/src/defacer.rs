//! A defacing program that the operator names: called with the input and the output folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pixel::deface::{Defacer, DefacerError};

use crate::process::{self, ProcessLimits};

/// Its output is not read; more than this is a defect.
const OUTPUT: u64 = 16 << 20;

/// The program and its limits.
#[derive(Clone, Debug)]
pub struct ExternalDefacer {
    /// Absolute path of the program.
    pub program: PathBuf,
    /// What reports call it: name and version.
    pub name: String,
    /// For a whole series.
    pub time: Duration,
}

impl Defacer for ExternalDefacer {
    fn name(&self) -> &str {
        &self.name
    }

    fn deface(&self, input: &Path, output: &Path) -> Result<(), DefacerError> {
        let mut command = Command::new(&self.program);
        command.arg(input).arg(output).current_dir(output);
        // what it keeps for a while is identified, too: beside the two folders, which go with it
        if let Some(folder) = input.parent() {
            command.env("TMPDIR", folder);
        }
        let limits = ProcessLimits { time: self.time, output: OUTPUT, resources: None };
        process::run(command, &[], limits).map(drop).map_err(|error| DefacerError::Program(error.to_string()))
    }
}
