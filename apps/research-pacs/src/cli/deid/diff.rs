//! One object before and after.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;

use deidentification::changes::{Changes, DataSet, Recorded, Show, compare};
use dicom_stream::{Limits, TransferSyntax};

use super::object::{Deidentifier, Left, Undone};

/// What is shown of the object.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Look {
    /// Compare the file with its de-identified form, element by element; nothing is written. Original values are masked.
    #[arg(long, conflicts_with_all = ["output", "report", "uid_map", "patient_map"])]
    pub(super) diff: bool,
    /// List what stays as it is, too.
    #[arg(long, requires = "diff")]
    pub(super) all: bool,
    /// Show the original values.
    #[arg(long, requires_all = ["diff", "reason"])]
    pub(super) show_identity: bool,
    /// Why they are shown; the answer repeats it.
    #[arg(long, value_name = "TEXT", requires = "show_identity")]
    pub(super) reason: Option<String>,
}

/// Compares the file at `path` with what it becomes. Of an object that is held for what the search found, no value is shown.
pub(super) fn diff(
    with: &Deidentifier<'_>,
    path: &Path,
    look: &Look,
) -> Result<(Changes, Option<Left>), Undone> {
    let mut output = tempfile::tempfile()?;
    let made = with.make(path, &mut output)?;
    let show = Show { identity: look.show_identity, new_values: made.found.is_none(), equal: look.all };
    let recorded = Recorded::from(&made.report);
    let (before, after) = (data_set(File::open(path)?, made.before)?, data_set(output, made.after)?);
    Ok((compare(before, after, &recorded, show, Limits::INSTANCE)?, made.found))
}

fn data_set(
    mut file: File,
    (begins, transfer_syntax): (u64, &'static TransferSyntax),
) -> Result<DataSet<'static>, Undone> {
    file.seek(SeekFrom::Start(begins))?;
    Ok(DataSet { input: Box::new(BufReader::new(file)), transfer_syntax })
}
