//! The run: each object gets its name, which is made from its new UID, only when the search found nothing in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use deidentification::Report;
use serde::Serialize;
use tempfile::NamedTempFile;

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

/// A line of the report: of which object, and what was done to it.
#[derive(Serialize)]
struct Line<'a> {
    /// New SOP Instance UID, which the file is named by.
    instance: &'a str,
    #[serde(flatten)]
    report: &'a Report,
}

/// What is written beside the objects.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Records {
    /// Write also what a server would hold for a person: pixels at risk that nobody looked at, and documents, which leave as empty ones.
    #[arg(long)]
    accept_uninspected: bool,
    /// Write what was done to each object, one JSON line per object, without values; `instance` is the name of its file.
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
    mut told: impl FnMut(&Path, &Done<Made>),
) -> anyhow::Result<Summary> {
    let mut report = records.report.as_deref().map(create).transpose()?;
    let (mut uids, mut patients) = (BTreeMap::new(), BTreeMap::new());
    let mut summary = Summary::default();
    let folder =
        Folder { path: output, takes_what_waits: records.accept_uninspected, written: Mutex::default() };
    each(
        files,
        |path| one(with, path, &folder),
        |path, done| {
            summary.count(&done);
            told(path, &done);
            let Done::Made(made) = done else { return Ok(()) };
            if let Some(report) = &mut report {
                let line = Line { instance: &made.instance, report: &made.report };
                serde_json::to_writer(&mut *report, &line)?;
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

/// Where the objects go.
struct Folder<'a> {
    path: &'a Path,
    /// Whether what a server would hold for a person is written, too.
    takes_what_waits: bool,
    /// New SOP Instance UIDs of this run.
    written: Mutex<BTreeSet<String>>,
}

impl Folder<'_> {
    /// Gives the object its name. Another one of this run with the same SOP Instance UID stays, and this one is left out; what an earlier
    /// run wrote is replaced.
    fn keep(&self, object: NamedTempFile, instance: &str) -> Result<(), Undone> {
        let path = self.path.join(format!("{instance}.dcm"));
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.insert(instance.to_owned()) {
            object.persist(path)?;
        } else if !same_bytes(object.path(), &path)? {
            let reason = "another object of this run has the same SOP Instance UID, and is not the same";
            return Err(Undone::Left(Left::new("differs", reason)));
        }
        Ok(())
    }
}

fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let both = a.len().min(b.len());
        if both == 0 {
            return Ok(true);
        }
        if a.get(..both) != b.get(..both) {
            return Ok(false);
        }
        one.consume(both);
        other.consume(both);
    }
}

/// One file into the folder.
fn one(with: &Deidentifier<'_>, path: &Path, folder: &Folder<'_>) -> Result<Made, Undone> {
    let mut temporary = NamedTempFile::new_in(folder.path)?;
    let mut made = with.make(path, temporary.as_file_mut())?;
    let waits = made.waits.take().filter(|_| !folder.takes_what_waits);
    if let Some(held) = made.found.take().or(waits) {
        return Err(Undone::Left(held));
    }
    folder.keep(temporary, &made.instance)?;
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
