//! Group commit: one thread writes complete records and syncs them together.
//!
//! While a sync runs, further instances complete and queue here; the next sync covers them all. Measured with records
//! of 526 kB on ext4 on a virtual disk (2 vCPU), records/s with 1, 4 and 8 senders that wait for each answer; the
//! ranges are three interleaved rounds while the disk was throttled and the machine busy:
//!
//! | segment, threads | 1 | 4 | 8 | quiet: 1, 4, 8 |
//! |---|---|---|---|---|
//! | file that grows, one | 163–223 | 415–674 | 1,245–1,364 | 1,940, 2,380, 2,660 |
//! | fresh preallocated, one (chosen) | 150–252 | 443–974 | 912–1,602 | 1,650, 2,380, 2,750 |
//! | fresh preallocated, writer and syncer | 204–339 | 486–637 | 803–1,609 | 1,470, 2,740, 2,990 |
//! | written before and used again, one | 270–296 | 699–1,846 | 1,299–2,488 | 2,600, 3,120, 3,330 |
//!
//! Used segments need no journal commit and are faster, but the originals of released records would stay on the
//! volume (INV-9), and overwriting them first would write everything twice. A file that grows is as fast as a
//! preallocated one, but may meet a full volume in the middle of a group. A second thread gains up to 15 % on a
//! quiet disk from four senders on, loses elsewhere, and costs 20 % more CPU: not worth its states.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Shared;
use super::budget::Buffer;
use super::error::SpoolError;
use super::location::RecordLocation;
use super::receipt::{Delivery, Receipt};
use super::segment::Segment;

/// Bytes after which a group is synced although more records wait.
const GROUP_BYTES: usize = 16 << 20;
/// Interval of the housekeeping.
const TICK: Duration = Duration::from_secs(1);

/// The caller's end of a commit.
pub(super) type Reply = oneshot::Sender<Result<Delivery, SpoolError>>;

/// A complete instance in memory.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) header: Vec<u8>,
    pub(super) data: Buffer,
    pub(super) data_hash: blake3::Hash,
    pub(super) reply: Reply,
}

/// A record that is written and waits for the sync.
struct Written {
    location: RecordLocation,
    end: u64,
    data_hash: blake3::Hash,
    reply: Reply,
}

/// The committer's thread owns the active segment.
pub(super) struct Committer {
    shared: Arc<Shared>,
    segment: Option<Segment>,
    written: Vec<Written>,
    ticked: Instant,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, segment: None, written: Vec::new(), ticked: Instant::now() }
    }

    /// Serves requests until the spool is closed. The queue needs no bound of its own: each request holds a part
    /// of the staging budget.
    pub(super) fn run(mut self, requests: &Receiver<Request>) {
        loop {
            match requests.recv_timeout(TICK) {
                Ok(first) => self.group(first, requests),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.ticked.elapsed() >= TICK {
                self.tick();
            }
        }
        self.seal();
    }

    fn group(&mut self, first: Request, requests: &Receiver<Request>) {
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(request) = next {
            bytes += request.data.len();
            self.take(request);
            next = if bytes < GROUP_BYTES { requests.try_recv().ok() } else { None };
        }
        self.sync();
    }

    /// Writes one record, or answers why not.
    fn take(&mut self, request: Request) {
        let Request { header, data, data_hash, reply } = request;
        match self.append(&header, &data, &data_hash) {
            Ok((location, end)) => {
                self.shared.space.wrote(data.len() as u64);
                self.written.push(Written { location, end, data_hash, reply });
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    fn append(
        &mut self,
        header: &[u8],
        data: &[u8],
        data_hash: &blake3::Hash,
    ) -> Result<(RecordLocation, u64), SpoolError> {
        if let Some(failed) = self.shared.failure() {
            return Err(failed);
        }
        if self.segment.as_ref().is_some_and(|segment| !segment.fits(header, data)) {
            self.sync();
            self.seal();
        }
        let segment = match self.segment.take() {
            Some(segment) => segment,
            None => self.new_segment()?,
        };
        let segment = self.segment.insert(segment);
        match segment.append(header, data, data_hash) {
            Ok(location) => Ok((location, segment.end())),
            Err(error) => {
                let error = self.shared.refuse_write("write a record", &error);
                if let SpoolError::OutOfResources(_) = error {
                    // what was written before may still be acknowledged; the segment ends before this record
                    self.sync();
                    self.seal();
                }
                Err(error)
            }
        }
    }

    fn new_segment(&self) -> Result<Segment, SpoolError> {
        let shared = &self.shared;
        let (number, size) = (shared.live.active(), shared.config.segment_bytes);
        let made = Segment::create(&shared.directory, number, size);
        let segment = made.map_err(|error| shared.refuse_open("make a segment", &error))?;
        let prepared = segment.prepare(&shared.directory);
        prepared.map_err(|error| shared.refuse_write("make a segment", &error))?;
        shared.retire_later(shared.live.created());
        Ok(segment)
    }

    /// Syncs what was written and acknowledges it. After a failed sync nothing is acknowledged any more: the
    /// kernel may have dropped the pages, and a second sync would succeed without them.
    fn sync(&mut self) {
        let Some(segment) = self.segment.as_ref().filter(|_| !self.written.is_empty()) else {
            return;
        };
        if self.shared.failed.get().is_none()
            && let Err(error) = (self.shared.sync)(segment.file())
        {
            self.shared.fail("sync a segment", &error);
        }
        for Written { location, end, data_hash, reply } in self.written.drain(..) {
            let answer = match self.shared.failure() {
                Some(failed) => Err(failed),
                None => {
                    self.shared.live.synced(location, end);
                    Ok(Delivery::new(Receipt::new(location, data_hash), self.shared.clone()))
                }
            };
            // a caller that has gone drops the delivery, which releases the record
            let _ = reply.send(answer);
        }
    }

    /// Ends the active segment.
    fn seal(&mut self) {
        if let Some(segment) = self.segment.take() {
            if let Err(error) = segment.seal() {
                self.shared.fail("truncate a segment", &error);
            }
            self.shared.retire_later(self.shared.live.sealed());
        }
    }

    /// Housekeeping: look at the volume, let go what needs no space, so that an idle spool keeps no originals.
    fn tick(&mut self) {
        self.ticked = Instant::now();
        self.shared.space.refresh();
        if self.shared.live.active_is_spent() {
            self.seal();
        }
    }
}
