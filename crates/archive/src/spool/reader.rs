//! Reading the data of a record in bounded memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use super::erase::Pin;

/// The data set of one record as a file: sequential ([`Read`], [`Seek`]) and positional. Every call blocks.
#[derive(Debug)]
pub struct RecordReader {
    file: File,
    start: u64,
    length: u64,
    position: u64,
    _pin: Option<Pin>,
}

impl RecordReader {
    pub(super) fn new(file: File, start: u64, length: u64) -> Self {
        Self { file, start, length, position: 0, _pin: None }
    }

    /// Keeps the record from being erased as long as the reader lives.
    pub(super) fn pinned(self, pin: Pin) -> Self {
        Self { _pin: Some(pin), ..self }
    }

    /// Length of the data, bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether the data set is empty.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Reads at `offset` of the data without moving the position; 0 at the end.
    ///
    /// # Errors
    /// An error of the volume.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = offset.min(self.length);
        let left = usize::try_from(self.length - offset).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        self.file.read_at(buffer.get_mut(..room).unwrap_or_default(), self.start + offset)
    }
}

impl Read for RecordReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for RecordReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position =
            position.filter(|position| *position <= self.length).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
