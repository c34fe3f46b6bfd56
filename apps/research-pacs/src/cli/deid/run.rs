//! All files, on all cores.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use anyhow::Context;
use deidentification::CompiledProfile;
use pixel::TextRecogniser;
use pseudonym::Mapping;
use serde::Serialize;

use super::one::{Done, one, pixels_not_inspected};

/// Counts of a run.
#[derive(Debug, Default, Serialize)]
pub(in crate::cli) struct Summary {
    pub(in crate::cli) done: u64,
    pub(in crate::cli) left_out: u64,
    pub(in crate::cli) not_dicom: u64,
    pub(in crate::cli) pixels_not_inspected: u64,
}

/// Results that may wait to be written down.
const QUEUE: usize = 64;

/// What is written beside the objects.
#[derive(Debug, Default, clap::Args)]
pub(in crate::cli) struct Records {
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
pub(in crate::cli) fn run(
    files: &[PathBuf],
    output: &Path,
    profile: &CompiledProfile,
    mapping: &Mapping,
    recogniser: Option<&dyn TextRecogniser>,
    records: &Records,
    mut told: impl FnMut(&Path, &Done),
) -> anyhow::Result<Summary> {
    let mut report = records.report.as_deref().map(create).transpose()?;
    let (mut uids, mut patients) = (BTreeMap::new(), BTreeMap::new());
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let (sender, receiver) = sync_channel(QUEUE);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(files.len().max(1));
    let mut summary = Summary::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, failed) = (sender.clone(), &next, &failed);
            scope.spawn(move || {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match one(path, output, profile, mapping, recogniser) {
                        Ok(done) => {
                            if sender.send((path, done)).is_err() {
                                return;
                            }
                        }
                        Err(error) => {
                            next.store(files.len(), Ordering::Relaxed);
                            let error = error.context(format!("{} cannot be processed", path.display()));
                            failed.lock().map(|mut first| first.get_or_insert(error).to_string()).ok();
                        }
                    }
                }
            });
        }
        drop(sender);
        for (path, done) in receiver {
            summary.count(&done);
            told(path, &done);
            let Done::Written(written) = done else { continue };
            if let Some(report) = &mut report {
                serde_json::to_writer(&mut *report, &written.report)?;
                report.write_all(b"\n")?;
            }
            if records.uid_map.is_some() {
                uids.extend(written.uids);
            }
            if records.patient_map.is_some() {
                patients.extend([written.patient]);
            }
        }
        anyhow::Ok(())
    })?;
    if let Some(mut report) = report {
        report.flush()?;
    }
    for (path, map) in [(&records.uid_map, &uids), (&records.patient_map, &patients)] {
        if let Some(path) = path {
            write_map(path, map)?;
        }
    }
    match failed.into_inner() {
        Ok(Some(error)) => Err(error),
        _ => Ok(summary),
    }
}

impl Summary {
    fn count(&mut self, done: &Done) {
        match done {
            Done::Written(report) => {
                self.done += 1;
                self.pixels_not_inspected += u64::from(pixels_not_inspected(&report.report));
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
