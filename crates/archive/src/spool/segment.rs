//! The segment file that is being written.

use std::fs::File;
use std::io;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use uuid::Uuid;

use super::directory::{Directory, new_file, remove_file};
use super::frame::{Frame, SEGMENT_HEADER, segment_header, write_parts};
use super::location::{Place, RecordLocation};

/// The active segment.
#[derive(Debug)]
pub(super) struct Segment {
    number: u32,
    epoch: Uuid,
    file: File,
    end: u64,
    size: u64,
}

impl Segment {
    /// Makes the file of segment `number`; [`Segment::prepare`] comes next.
    pub(super) fn create(directory: &Directory, number: u32, size: u64) -> io::Result<Self> {
        let file = new_file(&directory.segment(number))?;
        Ok(Self { number, epoch: Uuid::new_v4(), file, end: SEGMENT_HEADER, size })
    }

    /// Reserves the segment's space, so that records inside it meet no full volume. A file system that cannot
    /// reserve gets a file that grows. After an error there is no file.
    pub(super) fn prepare(&self, directory: &Directory) -> io::Result<()> {
        self.reserve(directory).inspect_err(|_| {
            // an empty file that stays is taken for unwritten at the next start
            let _ = remove_file(&directory.segment(self.number));
        })
    }

    fn reserve(&self, directory: &Directory) -> io::Result<()> {
        match fallocate(&self.file, FallocateFlags::empty(), 0, self.size) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
        write_parts(&self.file, 0, &[&segment_header(self.number, self.epoch)])?;
        self.file.sync_all()?;
        directory.sync()
    }

    /// Whether a record of these lengths fits.
    pub(super) fn fits(&self, header: &[u8], data: &[u8]) -> bool {
        let slot = Frame::in_segment(self.epoch, header, data.len() as u64).slot();
        slot.and_then(|slot| slot.checked_add(self.end)).is_some_and(|end| end <= self.size)
    }

    /// Writes a record that fits. It is not durable before [`Segment::file`] is synced.
    pub(super) fn append(
        &mut self,
        header: &[u8],
        data: &[u8],
        data_hash: &blake3::Hash,
    ) -> io::Result<RecordLocation> {
        let frame = Frame::in_segment(self.epoch, header, data.len() as u64);
        let slot = frame.slot().ok_or(io::ErrorKind::FileTooLarge)?;
        let head = frame.head(header);
        write_parts(&self.file, self.end, &[&head, data, &Frame::trailer(&head, data_hash)])?;
        let location = RecordLocation {
            place: Place::Segment { number: self.number, offset: self.end },
            data_offset: self.end + u64::from(frame.data_start),
            data_length: frame.data_length,
        };
        self.end += slot;
        Ok(location)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Where the next record will begin.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Gives back the reserved space after the last record; also removes a record that was written in part.
    pub(super) fn seal(&self) -> io::Result<()> {
        self.file.set_len(self.end)
    }
}
