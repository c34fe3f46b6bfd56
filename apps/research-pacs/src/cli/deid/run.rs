//! The run: each object gets its name, which is made from its new UID, only when the search found nothing in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::each::{Done, each};
use super::object::{Deidentifier, Left, Made, Undone};

/// Counts of a run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) done: u64,
    pub(super) left_out: u64,
    pub(super) not_dicom: u64,
    pub(super) pixels_not_inspected: u64,
}

/// What is written beside the objects.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Records {
    /// Write what was done to each object, one JSON line per object, without values.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write original and new UIDs as CSV (id_old,id_new). The file identifies: it is for test sets, never for what leaves.
    #[arg(long, value_name = "FILE")]
    uid_map: Option<PathBuf>,
    /// Write Patient IDs and codes as CSV (id_old,id_new). The file identifies: it is for test sets, never for what leaves.
    #[arg(long, value_name = "FILE")]
    patient_map: Option<PathBuf>,
}

/// De-identifies `files` into `output`; `told` hears of each file when it is through.
///
/// # Errors
/// Those of the file system end the run; the files that were done stay.
pub(super) fn run(
    files: &[PathBuf],
    output: &Path,
    with: &Deidentifier<'_>,
    records: &Records,
    mut told: impl FnMut(&Path, Option<&Left>),
) -> anyhow::Result<Summary> {
    let mut report = records.report.as_deref().map(create).transpose()?;
    let (mut uids, mut patients) = (BTreeMap::new(), BTreeMap::new());
    let mut summary = Summary::default();
    each(
        files,
        |path| one(with, path, output),
        |path, done| {
            summary.count(&done);
            told(path, if let Done::Left(left) = &done { Some(left) } else { None });
            let Done::Made(made) = done else { return Ok(()) };
            if let Some(report) = &mut report {
                serde_json::to_writer(&mut *report, &made.report)?;
                report.write_all(b"\n")?;
            }
            if records.uid_map.is_some() {
                uids.extend(made.uids);
            }
            if records.patient_map.is_some() {
                patients.extend([made.patient]);
            }
            Ok(())
        },
    )?;
    if let Some(mut report) = report {
        report.flush()?;
    }
    for (path, map) in [(&records.uid_map, &uids), (&records.patient_map, &patients)] {
        if let Some(path) = path {
            write_map(path, map)?;
        }
    }
    Ok(summary)
}

/// One file into the folder.
fn one(with: &Deidentifier<'_>, path: &Path, output: &Path) -> Result<Made, Undone> {
    let mut temporary = tempfile::NamedTempFile::new_in(output)?;
    let mut made = with.make(path, temporary.as_file_mut())?;
    if let Some(found) = made.found.take() {
        return Err(Undone::Left(found));
    }
    temporary.persist(output.join(format!("{}.dcm", made.instance)))?;
    Ok(made)
}

impl Summary {
    fn count(&mut self, done: &Done<Made>) {
        match done {
            Done::Made(made) => {
                self.done += 1;
                self.pixels_not_inspected += u64::from(made.pixels_not_inspected());
            }
            Done::Left(_) => self.left_out += 1,
            Done::NotDicom => self.not_dicom += 1,
        }
    }
}

/// `id_old,id_new` (DI-60), readable by its owner alone.
fn write_map(path: &Path, map: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let shown = || format!("cannot write {}", path.display());
    let file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(path).with_context(shown)?;
    let mut table = csv::Writer::from_writer(file);
    table.write_record(["id_old", "id_new"]).with_context(shown)?;
    for (old, new) in map {
        table.write_record([old, new]).with_context(shown)?;
    }
    table.flush().with_context(shown)
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::new(file))
}
