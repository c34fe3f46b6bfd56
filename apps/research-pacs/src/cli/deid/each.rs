//! The same work on all files, on all cores.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use super::object::{Left, Undone};

/// Results that may wait to be written down.
const QUEUE: usize = 64;

/// What became of one file.
pub(super) enum Done<T> {
    Made(T),
    NotDicom,
    Left(Left),
}

/// Does `work` on each of `files`; `told` hears of each when it is through, in no order.
///
/// # Errors
/// The first failure of `work` that is not the object's fault, and that of `told`.
pub(super) fn each<T: Send>(
    files: &[PathBuf],
    work: impl Fn(&Path) -> Result<T, Undone> + Sync,
    mut told: impl FnMut(&Path, Done<T>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let (sender, receiver) = sync_channel(QUEUE);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(files.len().max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, failed, work) = (sender.clone(), &next, &failed, &work);
            scope.spawn(move || {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = match work(path) {
                        Ok(made) => Done::Made(made),
                        Err(Undone::NotDicom) => Done::NotDicom,
                        Err(Undone::Left(left)) => Done::Left(left),
                        Err(Undone::Failed(error)) => {
                            next.store(files.len(), Ordering::Relaxed);
                            let error = error.context(format!("{} cannot be processed", path.display()));
                            failed.lock().map(|mut first| first.get_or_insert(error).to_string()).ok();
                            continue;
                        }
                    };
                    if sender.send((path, done)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        // Owned by this closure, so that the threads end when `told` fails.
        let receiver = receiver;
        receiver.iter().try_for_each(|(path, done)| told(path, done))
    })?;
    match failed.into_inner() {
        Ok(Some(error)) => Err(error),
        _ => Ok(()),
    }
}
