//! Z1, the receive buffer: an append-only spool of segment files with group commit (ARC-9 to ARC-13).
//!
//! An instance is staged while it arrives ([`Spool::begin`], [`Staging::write`]) and becomes a record when it is
//! complete ([`Staging::commit`]); the [`Receipt`] exists only after the sync that covers the record. Records are
//! the journal: rows about them are written afterwards ([`Spool::indexed`]), and a restart walks what the last
//! checkpoint lacks ([`Recovery`]). A released record is erased ([`Spool::release`]), and its segment goes with the last.
//!
//! Threads: one committer writes and syncs segments; four writers serve files of their own; one erases. Callers on the
//! runtime only copy and hash bytes; [`Spool::read`], [`Spool::detach`] and [`Recovery`] block.

mod budget;
mod committer;
mod config;
#[cfg(test)]
mod crash_tests;
mod detach;
mod directory;
mod erase;
mod error;
mod frame;
mod live;
mod location;
mod reader;
mod receipt;
mod recovery;
mod segment;
mod staging;
#[cfg(test)]
mod tests;
mod writers;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use config::SpoolConfig;
pub use error::SpoolError;
pub use location::{Checkpoint, InvalidLocation, RecordLocation};
pub use reader::RecordReader;
pub use receipt::Receipt;
pub use recovery::{Recovered, Recovery};
pub use staging::Staging;

use budget::Budget;
use committer::{Committer, Request};
use directory::{Directory, record_path};
use erase::Pin;
use error::{is_exhausted, is_no_room};
use frame::{Frame, data_matches, read_sealed};
use live::{Live, Retire};
use writers::Job;

use crate::space::Space;

/// Makes a file's data durable; replaced only by tests, because no real volume fails on demand.
type SyncFile = fn(&File) -> io::Result<()>;

/// The receive buffer. Clones share it; when the last clone and the last staging are dropped, its threads end.
#[derive(Debug, Clone)]
pub struct Spool {
    inner: Arc<Inner>,
}

/// Whether the spool accepts instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Ready,
    /// The volume is below its watermark: refuse new associations.
    LowSpace,
    /// A write or sync failed: nothing is acknowledged until restart. The text names no instance.
    Failed(String),
}

/// Handle and threads.
#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    commits: Option<Sender<Request>>,
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads share.
#[derive(Debug)]
struct Shared {
    config: SpoolConfig,
    directory: Directory,
    budget: Arc<Budget>,
    space: Space,
    live: Live,
    /// Set once; ends acknowledgement.
    failed: OnceLock<String>,
    sync: SyncFile,
    /// Ways to the writers for files to remove, and to the erasing thread; gone when the spool closes.
    retire: Mutex<Option<(Sender<Job>, Sender<RecordLocation>)>>,
}

impl Spool {
    /// Opens the spool. Old segments are not read here: new instances go to a fresh one at once, and the
    /// [`Recovery`] walks the records at or after `checkpoint` (from the beginning without one).
    ///
    /// # Errors
    /// [`SpoolError::Config`], [`SpoolError::Locked`], [`SpoolError::Io`]: the program cannot start.
    pub fn open(config: SpoolConfig, checkpoint: Option<Checkpoint>) -> Result<(Self, Recovery), SpoolError> {
        Self::open_with(config, checkpoint, File::sync_data)
    }

    fn open_with(
        config: SpoolConfig,
        checkpoint: Option<Checkpoint>,
        sync: SyncFile,
    ) -> Result<(Self, Recovery), SpoolError> {
        config.check()?;
        let from = checkpoint.unwrap_or_default();
        let (directory, listing) = Directory::open(&config.directory)?;
        let space = Space::new("receive buffer", config.directory.clone(), config.keep_free_bytes, 1);
        let (jobs, job_queue) = channel();
        let (erasures, released) = channel();
        let shared = Arc::new(Shared {
            directory,
            budget: Budget::new(config.staging_budget_bytes),
            space: space.map_err(SpoolError::io("ask the volume for its free space"))?,
            live: Live::new(&listing, from),
            failed: OnceLock::new(),
            sync,
            retire: Mutex::new(Some((jobs.clone(), erasures))),
            config,
        });
        let (commits, requests) = channel();
        let committer = Committer::new(shared.clone());
        let mut threads = vec![spawn("spool-commit", move || committer.run(&requests))?];
        let job_queue = Arc::new(Mutex::new(job_queue));
        for _ in 0..writers::THREADS {
            let (shared, queue) = (shared.clone(), job_queue.clone());
            threads.push(spawn("spool-write", move || writers::run(&shared, &queue))?);
        }
        let eraser = shared.clone();
        threads.push(spawn("spool-erase", move || erase::run(&eraser, &released))?);
        let inner = Arc::new(Inner { shared, commits: Some(commits), jobs: Some(jobs), threads });
        let recovery = Recovery::new(inner.clone(), listing, from);
        Ok((Self { inner }, recovery))
    }

    /// Begins to receive one instance.
    ///
    /// # Errors
    /// [`SpoolError::OutOfResources`]: answer 0xA700. [`SpoolError::Failed`]: refuse associations.
    pub fn begin(&self) -> Result<Staging, SpoolError> {
        let shared = &self.inner.shared;
        if let Some(failed) = shared.failure() {
            return Err(failed);
        }
        if shared.space.is_low() {
            return Err(SpoolError::OutOfResources("the spool's volume is below its watermark"));
        }
        let buffer = shared.budget.buffer();
        let buffer = buffer.ok_or(SpoolError::OutOfResources("the staging budget is spent"))?;
        Ok(Staging::new(self.inner.clone(), buffer))
    }

    /// Whether the spool accepts instances, for `/readyz` and for the listener.
    pub fn health(&self) -> Health {
        match self.inner.shared.failed.get() {
            Some(reason) => Health::Failed(reason.clone()),
            None if self.inner.shared.space.is_low() => Health::LowSpace,
            None => Health::Ready,
        }
    }

    /// Memory held by instances that are arriving, bytes; never more than the budget.
    pub fn staged_bytes(&self) -> usize {
        self.inner.shared.budget.in_use()
    }

    /// Opens the data of a record. The frame is compared with the location, the data are not hashed (see
    /// [`Spool::verify`]). Blocks.
    ///
    /// # Errors
    /// [`SpoolError::NotFound`]: released before. [`SpoolError::Corrupt`]: alert a person.
    pub fn read(&self, location: &RecordLocation) -> Result<RecordReader, SpoolError> {
        let shared = &self.inner.shared;
        let pin = shared.pin(location)?;
        let file = shared.open_record(location)?;
        let frame = Frame::read(&file, location.offset()).map_err(SpoolError::io("read a record"))?;
        if !frame.is_some_and(|frame| frame.is_of(location)) {
            return Err(SpoolError::Corrupt(location.to_string()));
        }
        Ok(RecordReader::new(file, location.data_offset, location.data_length).pinned(pin))
    }

    /// Opens the data of a record beside the program that owns the spool in `directory`, which may release it meanwhile: the bytes then
    /// become zeros, and whoever read them asks once more whether the record is still there. Blocks.
    ///
    /// # Errors
    /// [`SpoolError::NotFound`]: released. [`SpoolError::Io`]: the volume refused.
    pub fn read_beside(directory: &Path, location: &RecordLocation) -> Result<RecordReader, SpoolError> {
        let gone = || SpoolError::NotFound(location.to_string());
        let file =
            File::open(record_path(directory, location.place)).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => gone(),
                _ => SpoolError::io("open a record")(error),
            })?;
        let frame = Frame::read(&file, location.offset()).map_err(SpoolError::io("read a record"))?;
        frame.filter(|frame| frame.is_of(location)).ok_or_else(gone)?;
        Ok(RecordReader::new(file, location.data_offset, location.data_length))
    }

    /// Reads the whole record and compares it with the hash that was acknowledged; answers that hash. Blocks.
    ///
    /// # Errors
    /// As [`Spool::read`].
    pub fn verify(&self, location: &RecordLocation) -> Result<blake3::Hash, SpoolError> {
        let _pin = self.inner.shared.pin(location)?;
        let file = self.inner.shared.open_record(location)?;
        let check = || -> io::Result<Option<blake3::Hash>> {
            let Some(frame) = Frame::read(&file, location.offset())? else { return Ok(None) };
            let size = file.metadata()?.len();
            let Some(sealed) = read_sealed(&file, location.offset(), frame.epoch, size)? else {
                return Ok(None);
            };
            let start = location.offset() + u64::from(sealed.frame.data_start);
            let whole = data_matches(&file, start, sealed.frame.data_length, sealed.data_hash)?;
            Ok(whole.then_some(sealed.data_hash))
        };
        let hash = check().map_err(SpoolError::io("read a record"))?;
        hash.ok_or_else(|| SpoolError::Corrupt(location.to_string()))
    }

    /// Tells that the rows of these records are committed. Answers the checkpoint that now holds: store it with
    /// the rows of a later batch and give it to [`Spool::open`] after a restart.
    pub fn indexed(&self, locations: &[RecordLocation]) -> Checkpoint {
        self.inner.shared.live.indexed(locations)
    }

    /// The record is not needed any more: its rows no longer name it. Its bytes are erased, after the last reader has
    /// gone; its file goes when no other record needs it. Does not block; may be repeated.
    pub fn release(&self, location: &RecordLocation) {
        let retire = self.inner.shared.live.release(*location);
        self.inner.shared.retire_later(retire);
    }
}

impl Inner {
    fn send(&self, job: Job) {
        // the receivers live as long as the threads, which live as long as this value
        let _ = self.jobs.as_ref().map(|jobs| jobs.send(job));
    }

    fn commit(&self, request: Request) {
        let _ = self.commits.as_ref().map(|commits| commits.send(request));
    }

    /// Waits for a thread's answer; a thread that has gone counts as a failure.
    async fn answer<T>(&self, answer: oneshot::Receiver<Result<T, SpoolError>>) -> Result<T, SpoolError> {
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(self.shared.fail("answer", &io::Error::other("a thread of the spool ended"))),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // the committer first: sealing may give work to the writers
        drop(self.commits.take());
        let mut threads = self.threads.drain(..);
        if let Some(committer) = threads.next() {
            let _ = committer.join();
        }
        drop(self.jobs.take());
        drop(self.shared.retire.lock().unwrap_or_else(PoisonError::into_inner).take());
        for writer in threads {
            let _ = writer.join();
        }
    }
}

impl Shared {
    /// Ends acknowledgement until restart; the first reason is kept.
    fn fail(&self, what: &str, error: &io::Error) -> SpoolError {
        let reason = self.failed.get_or_init(|| {
            tracing::error!(what, %error, "spool failed: nothing is acknowledged until restart");
            format!("cannot {what}: {error}")
        });
        SpoolError::Failed(reason.clone())
    }

    /// An error of a write. No room concerns this instance only; any other ends acknowledgement.
    fn refuse_write(&self, what: &str, error: &io::Error) -> SpoolError {
        if is_no_room(error) {
            self.space.ran_out();
            return SpoolError::OutOfResources("the spool's volume is full");
        }
        self.fail(what, error)
    }

    /// An error of making a file, as [`Shared::refuse_write`]; descriptors or memory that lack come back, too.
    fn refuse_open(&self, what: &str, error: &io::Error) -> SpoolError {
        if is_exhausted(error) {
            tracing::warn!(what, %error, "spool refused an instance");
            return SpoolError::OutOfResources("the program has no file descriptor or memory left");
        }
        self.refuse_write(what, error)
    }

    fn failure(&self) -> Option<SpoolError> {
        self.failed.get().map(|reason| SpoolError::Failed(reason.clone()))
    }

    fn retire_later(&self, files: Vec<Retire>) {
        if files.is_empty() {
            return;
        }
        let ways = self.retire.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let released = files.iter().filter_map(|file| match file {
            Retire::Erase(location) => Some(*location),
            Retire::Remove(_) | Retire::Empty(_) => None,
        });
        let released: Vec<RecordLocation> = released.collect();
        match ways {
            // the queues live as long as a sender does
            Some((jobs, erasures)) => {
                for location in released.iter().copied() {
                    let _ = erasures.send(location);
                }
                if files.len() > released.len() {
                    drop(jobs.send(Job::Retire(files)));
                }
            }
            // the spool is closing: this is one of its own threads
            None => {
                erase::erase(self, &released);
                if files.len() > released.len() {
                    writers::retire(self, &files);
                }
            }
        }
    }

    /// Keeps a record from being erased while it is read.
    fn pin(self: &Arc<Self>, location: &RecordLocation) -> Result<Pin, SpoolError> {
        if self.live.pin(*location) {
            Ok(Pin::new(Arc::downgrade(self), *location))
        } else {
            Err(SpoolError::NotFound(location.to_string()))
        }
    }

    fn open_record(&self, location: &RecordLocation) -> Result<File, SpoolError> {
        File::open(self.directory.path(location.place)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SpoolError::NotFound(location.to_string()),
            _ => SpoolError::io("open a record")(error),
        })
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, SpoolError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(SpoolError::io("start a thread"))
}
