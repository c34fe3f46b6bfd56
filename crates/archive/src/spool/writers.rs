//! Threads for files of their own: what is too large or too slow for memory, and the removal of files.
//!
//! Each instance has at most one job here at a time, which bounds the queue by the number of instances that arrive.

use std::fs::File;
use std::io;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::Shared;
use super::budget::Buffer;
use super::committer::Reply;
use super::directory::{new_file, remove_file};
use super::error::SpoolError;
use super::frame::{Frame, OWN_DATA_START, write_parts};
use super::live::Retire;
use super::receipt::{Delivery, Receipt};

/// Number of threads: a long sync of one file leaves the others to the rest.
pub(super) const THREADS: usize = 4;
/// Bytes between two syncs of a file that is still growing: keeps the final sync short and dirty memory small.
const SYNC_EVERY: u64 = 32 << 20;

/// Work for the threads.
#[derive(Debug)]
pub(super) enum Job {
    /// Make the file of an instance.
    Create { file: Uuid, reply: oneshot::Sender<Result<Arc<File>, SpoolError>> },
    /// Append a buffer; it comes back.
    Append { piece: Piece, reply: oneshot::Sender<Result<Piece, SpoolError>> },
    /// The instance is complete: write its header and trailer, sync, give it its name.
    Finish { piece: Piece, id: Uuid, header: Vec<u8>, reply: Reply },
    /// The instance was given up.
    Discard(Uuid),
    /// Files that no record needs.
    Retire(Vec<Retire>),
}

/// Bytes on their way into a file of its own, with the running hash.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) file: Arc<File>,
    /// Length of the data before this piece.
    pub(super) length: u64,
    pub(super) buffer: Buffer,
    /// Bytes of the buffer that the hash has seen.
    pub(super) hashed: usize,
    pub(super) hasher: Box<blake3::Hasher>,
}

/// The loop of one thread.
pub(super) fn run(shared: &Arc<Shared>, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Err(_) => return,
            Ok(Job::Create { file, reply }) => {
                let made = new_file(&shared.directory.part(file)).map(Arc::new);
                let _ = reply.send(made.map_err(|error| shared.refuse_open("make a file", &error)));
            }
            Ok(Job::Append { mut piece, reply }) => {
                let result = append(shared, &mut piece).map(|()| piece);
                let _ = reply.send(result);
            }
            Ok(Job::Finish { piece, id, header, reply }) => {
                let result = finish(shared, piece, id, &header);
                let _ = reply.send(result.map(|receipt| Delivery::new(receipt, shared.clone())));
            }
            Ok(Job::Discard(file)) => {
                if let Err(error) = remove_file(&shared.directory.part(file)) {
                    tracing::warn!(%file, %error, "cannot remove an unfinished instance; the next start does");
                }
            }
            Ok(Job::Retire(files)) => retire(shared, &files),
        }
    }
}

fn append(shared: &Shared, piece: &mut Piece) -> Result<(), SpoolError> {
    if shared.space.is_low() {
        return Err(SpoolError::OutOfResources("the spool's volume is below its watermark"));
    }
    piece.hasher.update(piece.buffer.get(piece.hashed..).unwrap_or_default());
    write_parts(&piece.file, u64::from(OWN_DATA_START) + piece.length, &[&piece.buffer])
        .map_err(|error| shared.refuse_write("write a file", &error))?;
    let before = piece.length;
    piece.length += piece.buffer.len() as u64;
    shared.space.wrote(piece.buffer.len() as u64);
    piece.buffer.clear();
    piece.hashed = 0;
    if before / SYNC_EVERY != piece.length / SYNC_EVERY {
        (shared.sync)(&piece.file).map_err(|error| shared.fail("sync a file", &error))?;
    }
    Ok(())
}

fn finish(shared: &Shared, mut piece: Piece, id: Uuid, header: &[u8]) -> Result<Receipt, SpoolError> {
    if !piece.buffer.is_empty() {
        append(shared, &mut piece)?;
    }
    let frame = Frame::own(id, header, piece.length);
    let data_hash = piece.hasher.finalize();
    let head = frame.head(header);
    let end = u64::from(OWN_DATA_START) + piece.length;
    write_parts(&piece.file, end, &[&Frame::trailer(&head, &data_hash)])
        .and_then(|()| write_parts(&piece.file, 0, &[&head]))
        .map_err(|error| shared.refuse_write("write a file", &error))?;
    (shared.sync)(&piece.file).map_err(|error| shared.fail("sync a file", &error))?;
    if let Some(failed) = shared.failure() {
        return Err(failed);
    }
    let location = shared.live.own_synced(id, OWN_DATA_START.into(), piece.length);
    let named = std::fs::rename(shared.directory.part(id), shared.directory.path(location.place));
    named.map_err(|error| {
        shared.retire_later(shared.live.release(location));
        shared.refuse_write("name a file", &error)
    })?;
    shared.directory.sync().map_err(|error| shared.fail("sync the folder", &error))?;
    Ok(Receipt::new(location, data_hash))
}

/// Removes files that no record needs. What fails is tried again by the next start.
pub(super) fn retire(shared: &Shared, files: &[Retire]) {
    if let Err(error) = remove_all(shared, files) {
        tracing::warn!(%error, "cannot remove a file of the spool; the next start does");
    }
}

fn remove_all(shared: &Shared, files: &[Retire]) -> io::Result<()> {
    for file in files {
        match file {
            Retire::Remove(place) => remove_file(&shared.directory.path(*place))?,
            // done by the thread of its own
            Retire::Erase(_) => {}
            Retire::Empty(number) => {
                match File::options().write(true).open(shared.directory.segment(*number)) {
                    Ok(segment) => segment.set_len(0)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    shared.directory.sync()
}
