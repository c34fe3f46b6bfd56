//! The bytes of a record, the same in a segment and in a file of its own.
//!
//! ```text
//! prefix   magic (with version) 8 · epoch 16 · header length 4 · data start 4 · data length 8   (little endian)
//! header   opaque to the spool, at most 64 KiB
//! data     at `data start` from the prefix
//! trailer  magic 8 · BLAKE3(data) 32 · BLAKE3(prefix ‖ header ‖ BLAKE3(data)) 32
//! ```
//!
//! The epoch is random per file and covered by the trailer's check, as are the lengths: bytes that an older file
//! left on the volume, or that a peer placed inside its data, never pass for a record. A record begins on a page
//! of its own, so no block that was acknowledged is ever written again.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;

use uuid::Uuid;

use super::location::RecordLocation;

/// Records begin at multiples of this.
pub(super) const ALIGN: u64 = 4096;
/// Largest header, bytes.
pub(super) const MAX_HEADER: usize = 64 << 10;
/// Bytes before the first record of a segment.
pub(super) const SEGMENT_HEADER: u64 = ALIGN;
/// Start of the data in a file of its own: the header is known last, so room is left for it (a hole on disk).
pub(super) const OWN_DATA_START: u32 = 128 << 10;

const PREFIX: usize = 40;
const TRAILER: usize = 72;
const RECORD_MAGIC: &[u8; 8] = b"RPSPREC1";
const TRAILER_MAGIC: &[u8; 8] = b"RPSPEND1";
const SEGMENT_MAGIC: &[u8; 8] = b"RPSPSEG1";
const HASH_BUFFER: usize = 256 << 10;

/// The lengths of one record and the epoch of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) epoch: Uuid,
    pub(super) header_length: u32,
    pub(super) data_start: u32,
    pub(super) data_length: u64,
}

/// A record whose header and trailer agree; its data are checked by [`data_matches`].
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) frame: Frame,
    pub(super) header: Vec<u8>,
    pub(super) data_hash: blake3::Hash,
}

impl Frame {
    /// A record whose data follow its header. The header is at most [`MAX_HEADER`] long.
    pub(super) fn in_segment(epoch: Uuid, header: &[u8], data_length: u64) -> Self {
        let header_length = u32::try_from(header.len()).unwrap_or(u32::MAX);
        Self { epoch, header_length, data_start: header_length.saturating_add(PREFIX as u32), data_length }
    }

    /// A record in a file of its own.
    pub(super) fn own(file: Uuid, header: &[u8], data_length: u64) -> Self {
        let header_length = u32::try_from(header.len()).unwrap_or(u32::MAX);
        Self { epoch: file, header_length, data_start: OWN_DATA_START, data_length }
    }

    /// Prefix and header, as they are written.
    pub(super) fn head(&self, header: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX + header.len());
        bytes.extend_from_slice(RECORD_MAGIC);
        bytes.extend_from_slice(self.epoch.as_bytes());
        bytes.extend_from_slice(&self.header_length.to_le_bytes());
        bytes.extend_from_slice(&self.data_start.to_le_bytes());
        bytes.extend_from_slice(&self.data_length.to_le_bytes());
        bytes.extend_from_slice(header);
        bytes
    }

    /// Trailer for this head (see [`Frame::head`]) and the hash of the data.
    pub(super) fn trailer(head: &[u8], data_hash: &blake3::Hash) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(TRAILER);
        bytes.extend_from_slice(TRAILER_MAGIC);
        bytes.extend_from_slice(data_hash.as_bytes());
        let check = blake3::Hasher::new().update(head).update(data_hash.as_bytes()).finalize();
        bytes.extend_from_slice(check.as_bytes());
        bytes
    }

    /// Bytes from the prefix to the end of the trailer; `None` when the lengths overflow.
    pub(super) fn length(&self) -> Option<u64> {
        u64::from(self.data_start).checked_add(self.data_length)?.checked_add(TRAILER as u64)
    }

    /// Whether this is the frame of the record at `location`.
    pub(super) fn is_of(&self, location: &RecordLocation) -> bool {
        let start = location.data_offset.checked_sub(location.offset());
        Some(u64::from(self.data_start)) == start
            && self.data_length == location.data_length
            && self.length().and_then(|length| length.checked_add(location.offset())).is_some()
    }

    /// Bytes that the record takes in a segment.
    pub(super) fn slot(&self) -> Option<u64> {
        self.length()?.checked_next_multiple_of(ALIGN)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (epoch, rest) = rest.split_first_chunk::<16>()?;
        let (header_length, rest) = rest.split_first_chunk::<4>()?;
        let (data_start, rest) = rest.split_first_chunk::<4>()?;
        let (data_length, _) = rest.split_first_chunk::<8>()?;
        let frame = Self {
            epoch: Uuid::from_bytes(*epoch),
            header_length: u32::from_le_bytes(*header_length),
            data_start: u32::from_le_bytes(*data_start),
            data_length: u64::from_le_bytes(*data_length),
        };
        let header_end = frame.header_length.checked_add(PREFIX as u32)?;
        let sane = frame.header_length as usize <= MAX_HEADER && frame.data_start >= header_end;
        (magic == RECORD_MAGIC && sane).then_some(frame)
    }

    /// The frame at `offset`; `None` when there is none.
    pub(super) fn read(file: &File, offset: u64) -> io::Result<Option<Self>> {
        let mut prefix = [0; PREFIX];
        Ok(read_whole(file, &mut prefix, offset)?.then(|| Self::parse(&prefix)).flatten())
    }
}

/// The record at `offset` of a file of `size` bytes, header and trailer checked; `None` when it is not whole or
/// does not belong to `epoch`.
pub(super) fn read_sealed(file: &File, offset: u64, epoch: Uuid, size: u64) -> io::Result<Option<Sealed>> {
    let Some(frame) = Frame::read(file, offset)?.filter(|frame| frame.epoch == epoch) else {
        return Ok(None);
    };
    let end = frame.length().and_then(|length| offset.checked_add(length));
    let Some(end) = end.filter(|end| *end <= size) else { return Ok(None) };
    let mut header = vec![0; frame.header_length as usize];
    let mut trailer = [0; TRAILER];
    if !read_whole(file, &mut header, offset + PREFIX as u64)?
        || !read_whole(file, &mut trailer, end - TRAILER as u64)?
    {
        return Ok(None);
    }
    let Some(data_hash) = trailer.get(8..40).and_then(|bytes| blake3::Hash::from_slice(bytes).ok()) else {
        return Ok(None);
    };
    let whole = Frame::trailer(&frame.head(&header), &data_hash) == trailer;
    Ok(whole.then_some(Sealed { frame, header, data_hash }))
}

/// Whether `length` bytes of data from `start` on have this hash. Reads them once, in bounded memory.
pub(super) fn data_matches(file: &File, start: u64, length: u64, hash: blake3::Hash) -> io::Result<bool> {
    let mut hasher = blake3::Hasher::new();
    copy_range(file, start, length, |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(hasher.finalize() == hash)
}

/// Hands `length` bytes from `start` to `take`, piece by piece.
pub(super) fn copy_range(
    file: &File,
    start: u64,
    length: u64,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; HASH_BUFFER.min(usize::try_from(length).unwrap_or(HASH_BUFFER))];
    let mut done = 0;
    while done < length {
        let room = buffer.len().min(usize::try_from(length - done).unwrap_or(buffer.len()));
        let piece = buffer.get_mut(..room).unwrap_or_default();
        file.read_exact_at(piece, start + done)?;
        take(piece)?;
        done += room as u64;
    }
    Ok(())
}

/// First bytes of a segment file.
pub(super) fn segment_header(number: u32, epoch: Uuid) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(60);
    bytes.extend_from_slice(SEGMENT_MAGIC);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(epoch.as_bytes());
    let check = blake3::hash(&bytes);
    bytes.extend_from_slice(check.as_bytes());
    bytes
}

/// What the first bytes of a segment file say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SegmentHeader {
    /// The segment's epoch.
    Epoch(Uuid),
    /// Nothing was written: the program stopped while it made the file, no record was acknowledged.
    Unwritten,
    /// Something else: the volume damaged it.
    Damaged,
}

/// Reads the header of segment `number`.
pub(super) fn read_segment_header(file: &File, number: u32) -> io::Result<SegmentHeader> {
    let mut bytes = [0; 60];
    let read = read_whole(file, &mut bytes, 0)?;
    if !read || bytes.iter().all(|byte| *byte == 0) {
        return Ok(SegmentHeader::Unwritten);
    }
    let epoch = bytes.get(12..28).and_then(|bytes| Uuid::from_slice(bytes).ok());
    Ok(match epoch.filter(|epoch| segment_header(number, *epoch) == bytes) {
        Some(epoch) => SegmentHeader::Epoch(epoch),
        None => SegmentHeader::Damaged,
    })
}

/// Writes all parts one after the other at `offset`, with as few system calls as the kernel allows.
pub(super) fn write_parts(file: &File, mut offset: u64, parts: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut left = slices.as_mut_slice();
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match rustix::io::pwritev(file, left, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                offset += written as u64;
                IoSlice::advance_slices(&mut left, written);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Fills `buffer` from `offset`; false when the file ends before.
fn read_whole(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
    match file.read_exact_at(buffer, offset) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
