//! An instance while it arrives: in memory under the process-wide budget, else in a file of its own.

use std::fs::File;
use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::Inner;
use super::budget::Buffer;
use super::committer::Request;
use super::error::SpoolError;
use super::frame::{MAX_HEADER, OWN_DATA_START};
use super::reader::RecordReader;
use super::receipt::Receipt;
use super::writers::{Job, Piece};

/// Bytes collected before they go to a file, budget permitting.
const FILE_BUFFER: usize = 1 << 20;
/// Bytes hashed in one go while they are warm (about 40 µs).
const HASH_STEP: usize = 128 << 10;

/// One instance that is being received. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Staging {
    spool: Arc<Inner>,
    length: u64,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Memory {
        buffer: Buffer,
        hashed: usize,
        hasher: Box<blake3::Hasher>,
    },
    File {
        file: OwnFile,
        piece: Piece,
    },
    /// A future was dropped while the bytes were with another thread.
    Interrupted,
}

/// The unfinished file of an instance; dropping it removes the file.
#[derive(Debug)]
struct OwnFile {
    id: Uuid,
    spool: Arc<Inner>,
    finished: bool,
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if !self.finished {
            self.spool.send(Job::Discard(self.id));
        }
    }
}

impl Staging {
    pub(super) fn new(spool: Arc<Inner>, buffer: Buffer) -> Self {
        Self { spool, length: 0, body: Body::Memory { buffer, hashed: 0, hasher: Box::default() } }
    }

    /// Bytes received so far.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether nothing was received yet.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// All bytes received so far while they are in memory; `None` once they went to a file.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Memory { buffer, .. } => Some(buffer),
            Body::File { .. } | Body::Interrupted => None,
        }
    }

    /// Takes the next bytes of the data set. Waits only when they go to a file whose writer is behind.
    ///
    /// # Errors
    /// [`SpoolError::TooLarge`], [`SpoolError::OutOfResources`]: answer 0xA700 and drop the staging.
    /// [`SpoolError::Failed`]: end the association. [`SpoolError::Interrupted`]: an earlier call was cancelled.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), SpoolError> {
        let config = &self.spool.shared.config;
        let length = self.length.saturating_add(chunk.len() as u64);
        if length > config.max_instance_bytes {
            return Err(SpoolError::TooLarge { limit: config.max_instance_bytes });
        }
        if let Body::Memory { buffer, hashed, hasher } = &mut self.body {
            let limit = config.staging_instance_bytes;
            if length <= limit as u64 && buffer.room_for(chunk.len(), limit) >= chunk.len() {
                buffer.extend(chunk);
                self.length = length;
                if buffer.len() - *hashed >= HASH_STEP {
                    hasher.update(buffer.get(*hashed..).unwrap_or_default());
                    *hashed = buffer.len();
                }
                return Ok(());
            }
        }
        self.to_file().await?;
        self.write_to_file(chunk).await?;
        self.length = length;
        Ok(())
    }

    /// Moves what was received to a file of its own and frees its memory: for a peer that is slow.
    ///
    /// # Errors
    /// As [`Staging::write`].
    pub async fn to_file(&mut self) -> Result<(), SpoolError> {
        if let Body::File { .. } = self.body {
            return Ok(());
        }
        let Body::Memory { buffer, hashed, hasher } = std::mem::replace(&mut self.body, Body::Interrupted)
        else {
            return Err(SpoolError::Interrupted);
        };
        let own = OwnFile { id: Uuid::new_v4(), spool: self.spool.clone(), finished: false };
        let (reply, made) = oneshot::channel();
        self.spool.send(Job::Create { file: own.id, reply });
        let file: Arc<File> = self.spool.answer(made).await?;
        let mut piece = Piece { file, length: 0, buffer, hashed, hasher };
        if !piece.buffer.is_empty() {
            piece = flush(&self.spool, piece).await?;
        }
        // the large buffer goes back to the budget, a small one takes its place
        if let Some(small) = self.spool.shared.budget.buffer() {
            piece.buffer = small;
        }
        self.body = Body::File { file: own, piece };
        Ok(())
    }

    async fn write_to_file(&mut self, mut chunk: &[u8]) -> Result<(), SpoolError> {
        while !chunk.is_empty() {
            let Body::File { file, mut piece } = std::mem::replace(&mut self.body, Body::Interrupted) else {
                return Err(SpoolError::Interrupted);
            };
            let room = piece.buffer.room_for(chunk.len(), FILE_BUFFER).min(chunk.len());
            let (now, later) = chunk.split_at(room);
            piece.buffer.extend(now);
            chunk = later;
            if piece.buffer.room_for(1, FILE_BUFFER) == 0 {
                piece = flush(&self.spool, piece).await?;
            }
            self.body = Body::File { file, piece };
        }
        Ok(())
    }

    /// The bytes received so far, read back from the instance's file: for what [`Staging::bytes`] cannot show.
    /// Reading blocks: do it on a blocking pool. Answers `None` while the bytes are in memory.
    ///
    /// # Errors
    /// As [`Staging::write`].
    pub async fn reader(&mut self) -> Result<Option<RecordReader>, SpoolError> {
        match std::mem::replace(&mut self.body, Body::Interrupted) {
            Body::File { file, piece } => {
                let piece = flush(&self.spool, piece).await?;
                let reader = piece.file.try_clone().map_err(SpoolError::io("open an instance"))?;
                self.body = Body::File { file, piece };
                Ok(Some(RecordReader::new(reader, OWN_DATA_START.into(), self.length)))
            }
            Body::Interrupted => Err(SpoolError::Interrupted),
            memory @ Body::Memory { .. } => {
                self.body = memory;
                Ok(None)
            }
        }
    }

    /// Makes the complete instance durable with `header` (opaque, at most 64 KiB) before it. Returns after the
    /// sync that covers it. If the future is dropped, the record may be written but is released again.
    ///
    /// # Errors
    /// [`SpoolError::OutOfResources`]: answer 0xA700. [`SpoolError::Failed`]: no success may be answered until
    /// restart. [`SpoolError::HeaderTooLarge`]: an error of the caller. In each case nothing was acknowledged.
    pub async fn commit(self, header: Vec<u8>) -> Result<Receipt, SpoolError> {
        if header.len() > MAX_HEADER {
            return Err(SpoolError::HeaderTooLarge);
        }
        let (reply, answer) = oneshot::channel();
        match self.body {
            Body::Memory { buffer, hashed, mut hasher } => {
                hasher.update(buffer.get(hashed..).unwrap_or_default());
                let data_hash = hasher.finalize();
                self.spool.commit(Request { header, data: buffer, data_hash, reply });
                accept(self.spool.answer(answer).await)
            }
            Body::File { mut file, piece } => {
                self.spool.send(Job::Finish { piece, id: file.id, header, reply });
                let receipt = accept(self.spool.answer(answer).await)?;
                file.finished = true;
                Ok(receipt)
            }
            Body::Interrupted => Err(SpoolError::Interrupted),
        }
    }
}

fn accept(delivery: Result<super::receipt::Delivery, SpoolError>) -> Result<Receipt, SpoolError> {
    delivery?.accept().ok_or(SpoolError::Interrupted)
}

/// Lets a writer append the piece's buffer; the emptied buffer comes back.
async fn flush(spool: &Inner, piece: Piece) -> Result<Piece, SpoolError> {
    let (reply, answer) = oneshot::channel();
    spool.send(Job::Append { piece, reply });
    spool.answer(answer).await
}
