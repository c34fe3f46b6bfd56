//! All files, on all cores.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use anyhow::Context;
use deidentification::CompiledProfile;
use pseudonym::Mapping;
use serde::Serialize;

use super::one::{Done, Left, one, pixels_not_inspected};

/// Counts of a run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) done: u64,
    pub(super) left_out: u64,
    pub(super) not_dicom: u64,
    pub(super) pixels_not_inspected: u64,
}

/// Results that may wait to be written down.
const QUEUE: usize = 64;

/// De-identifies `files` into `output`; `told` hears of each file when it is through.
///
/// # Errors
/// Those of the file system end the run; the files that were done stay.
pub(super) fn run(
    files: &[PathBuf],
    output: &Path,
    profile: &CompiledProfile,
    mapping: &Mapping,
    report: Option<&Path>,
    mut told: impl FnMut(&Path, Option<&Left>),
) -> anyhow::Result<Summary> {
    let mut report = report.map(create).transpose()?;
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
                    match one(path, output, profile, mapping) {
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
            if let (Some(report), Done::Written(written)) = (&mut report, &done) {
                serde_json::to_writer(&mut *report, written)?;
                report.write_all(b"\n")?;
            }
            told(path, if let Done::Left(left) = &done { Some(left) } else { None });
        }
        anyhow::Ok(())
    })?;
    if let Some(mut report) = report {
        report.flush()?;
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
                self.pixels_not_inspected += u64::from(pixels_not_inspected(report));
            }
            Done::Left(_) => self.left_out += 1,
            Done::NotDicom => self.not_dicom += 1,
        }
    }
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::new(file))
}
