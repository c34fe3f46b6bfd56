//! What a restart finds: the records after the checkpoint, verified one by one.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use uuid::Uuid;

use super::Inner;
use super::directory::Listing;
use super::error::SpoolError;
use super::frame::{
    ALIGN, OWN_DATA_START, SEGMENT_HEADER, SegmentHeader, data_matches, read_sealed, read_segment_header,
};
use super::location::{Checkpoint, Place, RecordLocation};

/// A record found after the checkpoint: it may be indexed already, so compare its location with the rows.
#[derive(Debug)]
pub struct Recovered {
    /// Where the record lies.
    pub location: RecordLocation,
    /// The header that was given to `commit`.
    pub header: Vec<u8>,
    /// BLAKE3 of the data.
    pub data_hash: blake3::Hash,
}

/// Walk over the records after the checkpoint, while the spool already accepts new ones. Every call blocks.
///
/// Read it to the end; name with [`Recovery::adopt`] every record that the rows still need; then
/// [`Recovery::finish`]. Until then nothing old is deleted and the checkpoint stays. A record that it yields counts
/// like a new one: it holds the checkpoint until [`Spool::indexed`](super::Spool::indexed) and its file until
/// [`Spool::release`](super::Spool::release).
#[derive(Debug)]
pub struct Recovery {
    spool: Arc<Inner>,
    listing: Listing,
    sources: VecDeque<Source>,
    walk: Option<Walk>,
    broken: bool,
}

#[derive(Debug)]
enum Source {
    Own { journal: u32, file: Uuid },
    Segment { number: u32, from: u64 },
}

/// One segment being read.
#[derive(Debug)]
struct Walk {
    number: u32,
    file: File,
    epoch: Uuid,
    at: u64,
    size: u64,
    /// End of the last whole record.
    end: u64,
    /// Whether the data of each record are compared with their hash.
    verify: bool,
    /// Records whose data do not match. At the end of the segment they were cut off by a crash before they were acknowledged.
    torn: Vec<RecordLocation>,
    /// A whole record behind torn ones.
    behind: Option<Recovered>,
}

/// A record with head and trailer, so one that was written to its end.
#[derive(Debug)]
enum Found {
    Whole(Recovered),
    /// Its data are others. Records behind it were written later: so it was synced, and the volume damaged it since.
    Damaged(RecordLocation),
}

impl Recovery {
    pub(super) fn new(spool: Arc<Inner>, listing: Listing, from: Checkpoint) -> Self {
        let own = listing.own.iter().filter(|(journal, _)| *journal >= from.segment);
        let segments = listing.segments.iter().filter(|number| **number >= from.segment);
        let mut sources: VecDeque<Source> =
            own.map(|&(journal, file)| Source::Own { journal, file }).collect();
        sources.extend(segments.map(|&number| {
            let from = if number == from.segment { from.offset } else { 0 };
            Source::Segment { number, from: from.max(SEGMENT_HEADER) }
        }));
        Self { spool, listing, sources, walk: None, broken: false }
    }

    /// Names records that rows still need, in any number of calls.
    pub fn adopt(&mut self, locations: impl IntoIterator<Item = RecordLocation>) {
        for location in locations {
            self.spool.shared.live.adopt(location);
        }
    }

    /// Ends the recovery: the checkpoint moves again, and what no adopted, recovered or new record needs is deleted: files, and in
    /// the segments that stay each record that was released before and whose erasure a crash prevented (INV-9).
    ///
    /// # Errors
    /// [`SpoolError::RecoveryIncomplete`]: the walk was not read to its end, or met an error. [`SpoolError::Io`]: a segment cannot be
    /// read; records in it may stay until the next start.
    pub fn finish(self) -> Result<(), SpoolError> {
        if self.broken || self.walk.is_some() || !self.sources.is_empty() {
            return Err(SpoolError::RecoveryIncomplete);
        }
        let shared = &self.spool.shared;
        let retire = shared.live.recovered(&self.listing);
        shared.retire_later(retire);
        for &number in &self.listing.segments {
            if shared.live.holds_records(number) {
                self.erase_unneeded(number)?;
            }
        }
        Ok(())
    }

    fn erase_unneeded(&self, number: u32) -> Result<(), SpoolError> {
        let shared = &self.spool.shared;
        let read = SpoolError::io("read a segment");
        let Some(mut walk) = self.open_segment(number, SEGMENT_HEADER)? else { return Ok(()) };
        walk.verify = false;
        let mut erase = || -> std::io::Result<()> {
            while let Some(found) = walk.step()? {
                let Found::Whole(Recovered { location, data_hash, .. }) = found else { continue };
                if shared.live.is_needed(location) {
                    continue;
                }
                // One that is damaged may be one that never got a row: it goes with its segment, not before.
                if data_matches(&walk.file, location.data_offset, location.data_length, data_hash)? {
                    shared.retire_later(shared.live.erase_unneeded(location));
                }
            }
            Ok(())
        };
        erase().map_err(read)
    }

    /// Damaged after it was acknowledged: neither it nor its segment is deleted by this run of the program.
    fn keep(&self, location: RecordLocation) {
        tracing::error!(%location, "spool record is damaged; it is kept, not read: send its instance again");
        self.spool.shared.live.add(location);
    }

    fn step(&mut self) -> Result<Option<Recovered>, SpoolError> {
        loop {
            if let Some(walk) = &mut self.walk {
                match walk.step().map_err(SpoolError::io("read a segment"))? {
                    Some(Found::Whole(found)) => return Ok(Some(found)),
                    Some(Found::Damaged(location)) => {
                        self.keep(location);
                        continue;
                    }
                    None => self.walk = None,
                }
            }
            match self.sources.pop_front() {
                None => return Ok(None),
                Some(Source::Segment { number, from }) => self.walk = self.open_segment(number, from)?,
                Some(Source::Own { journal, file }) => {
                    if let Some(found) = self.own(journal, file)? {
                        return Ok(Some(found));
                    }
                }
            }
        }
    }

    fn open_segment(&self, number: u32, from: u64) -> Result<Option<Walk>, SpoolError> {
        let shared = &self.spool.shared;
        let path = shared.directory.segment(number);
        let file = match File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            // its last record was released meanwhile
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SpoolError::io("open a segment")(error)),
        };
        let size = file.metadata().map_err(SpoolError::io("open a segment"))?.len();
        match read_segment_header(&file, number).map_err(SpoolError::io("read a segment"))? {
            SegmentHeader::Epoch(epoch) => Ok(Some(Walk {
                number,
                file,
                epoch,
                at: from,
                size,
                end: from,
                verify: true,
                torn: Vec::new(),
                behind: None,
            })),
            SegmentHeader::Unwritten => Ok(None),
            SegmentHeader::Damaged => {
                tracing::error!(segment = number, "spool segment has a damaged header; it is kept, not read");
                shared.live.keep(number);
                Ok(None)
            }
        }
    }

    /// A file of its own took its name after its sync: its data are not read again here.
    fn own(&self, journal: u32, id: Uuid) -> Result<Option<Recovered>, SpoolError> {
        let place = Place::Own { journal, file: id };
        let path = self.spool.shared.directory.path(place);
        let file = File::open(path).map_err(SpoolError::io("open an instance"))?;
        let size = file.metadata().map_err(SpoolError::io("open an instance"))?.len();
        let Some(sealed) = read_sealed(&file, 0, id, size).map_err(SpoolError::io("read an instance"))?
        else {
            tracing::error!(file = %id, "spool file is damaged; it is kept, not read");
            self.spool.shared.live.add(RecordLocation { place, data_offset: 0, data_length: 0 });
            return Ok(None);
        };
        let location = RecordLocation {
            place,
            data_offset: OWN_DATA_START.into(),
            data_length: sealed.frame.data_length,
        };
        Ok(Some(Recovered { location, header: sealed.header, data_hash: sealed.data_hash }))
    }
}

impl Iterator for Recovery {
    type Item = Result<Recovered, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        loop {
            let found = self.step();
            match &found {
                Ok(Some(record)) if !self.spool.shared.live.found(record.location) => continue,
                Ok(_) => {}
                Err(_) => self.broken = true,
            }
            return found.transpose();
        }
    }
}

impl Walk {
    /// The next record. A torn one is passed over page by page, so that damage in the middle of a segment
    /// does not hide the records behind it.
    fn step(&mut self) -> std::io::Result<Option<Found>> {
        if self.behind.is_none() {
            self.behind = self.next_whole()?;
        }
        Ok(match (&self.behind, self.torn.pop()) {
            (None, _) => None,
            (Some(_), Some(location)) => Some(Found::Damaged(location)),
            (Some(_), None) => self.behind.take().map(Found::Whole),
        })
    }

    fn next_whole(&mut self) -> std::io::Result<Option<Recovered>> {
        while self.at < self.size {
            if let Some(found) = self.record()? {
                return Ok(Some(found));
            }
            match seek(&self.file, SeekFrom::Data(self.at + ALIGN)) {
                Ok(data) => self.at = (data - data % ALIGN).max(self.at + ALIGN),
                Err(Errno::NXIO) => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.trim()?;
        Ok(None)
    }

    fn record(&mut self) -> std::io::Result<Option<Recovered>> {
        let Some(sealed) = read_sealed(&self.file, self.at, self.epoch, self.size)? else { return Ok(None) };
        let Some(slot) = sealed.frame.slot() else { return Ok(None) };
        let location = RecordLocation {
            place: Place::Segment { number: self.number, offset: self.at },
            data_offset: self.at + u64::from(sealed.frame.data_start),
            data_length: sealed.frame.data_length,
        };
        let (start, length) = (location.data_offset, location.data_length);
        if self.verify && !data_matches(&self.file, start, length, sealed.data_hash)? {
            self.torn.push(location);
            return Ok(None);
        }
        self.at += slot;
        self.end = self.at;
        Ok(Some(Recovered { location, header: sealed.header, data_hash: sealed.data_hash }))
    }

    /// Gives back the space that was reserved and never written.
    fn trim(&self) -> std::io::Result<()> {
        let mut end = self.end;
        while let Ok(data) = seek(&self.file, SeekFrom::Data(end)) {
            end = seek(&self.file, SeekFrom::Hole(data))?;
        }
        if end < self.size { self.file.set_len(end) } else { Ok(()) }
    }
}
