//! Tokens of a data set behind an [`io::Read`]: a file, a spool record, a blob. Inflates on the way; one buffer, whatever the size.

use std::io::{self, Read, Seek, SeekFrom};

use thiserror::Error;

use crate::deflate::{InflateError, Inflater};
use crate::irregularity::Irregularities;
use crate::limits::Limits;
use crate::path::ElementPath;
use crate::reader::{ReadError, Reader, Step};
use crate::token::Token;
use crate::transfer_syntax::TransferSyntax;

/// Why a source gives no more tokens.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The bytes could not be read: retry or look at the disk.
    #[error("data set cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The bytes are no data set: refuse or quarantine the object.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The deflate stream is broken or a bomb: refuse or quarantine the object.
    #[error(transparent)]
    Inflate(#[from] InflateError),
}

/// Pulls tokens out of a byte source.
#[derive(Debug)]
pub struct TokenSource<R: Read> {
    input: R,
    inflater: Option<Inflater>,
    /// Bytes as read; when deflated, not yet inflated.
    raw: Buffer,
    /// Inflated bytes; unused when not deflated.
    inflated: Buffer,
    reader: Reader,
    ended: bool,
    /// Bytes per read.
    piece: usize,
}

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// The part of `bytes` that waits for the reader.
    start: usize,
    end: usize,
}

/// Bytes per read of what is read to its end: large enough that the calls do not count, small enough that allocator and cache have it at
/// hand.
const PIECE: usize = 64 << 10;
/// Bytes per read of what is skimmed: the header of most images.
const SKIMMED_PIECE: usize = 32 << 10;

impl Buffer {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

impl<R: Read> TokenSource<R> {
    /// A source for one data set in `syntax`. `length` is the number of bytes in `input`, when known.
    pub fn new(input: R, syntax: &TransferSyntax, limits: Limits, length: Option<u64>) -> Self {
        let mut reader = Reader::new(syntax.encoding, limits);
        let inflater = syntax.deflated.then(|| Inflater::new(limits.total));
        if let (Some(length), None) = (length, &inflater) {
            reader.expect_total(length);
        }
        let (raw, inflated) = (Buffer::default(), Buffer::default());
        Self { input, inflater, raw, inflated, reader, ended: false, piece: PIECE }
    }

    /// The next token; `None` at the end of the data set, which is then known to be whole.
    ///
    /// # Errors
    /// Any [`SourceError`].
    pub fn next_token(&mut self) -> Result<Option<Token<'_>>, SourceError> {
        let Some((step, from, to)) = self.step()? else { return Ok(None) };
        let buffer = if self.inflater.is_some() { &self.inflated } else { &self.raw };
        Ok(Some(self.reader.token(step, buffer.bytes.get(from..to).unwrap_or_default())))
    }

    /// What was irregular so far.
    pub fn irregularities(&self) -> &Irregularities {
        self.reader.irregularities()
    }

    /// Path of the element that the last token belongs to.
    pub fn path(&self) -> ElementPath {
        self.reader.path()
    }

    /// Sequences around the current element.
    pub fn depth(&self) -> usize {
        self.reader.depth()
    }

    /// A step, and the range of the buffer that it took.
    fn step(&mut self) -> Result<Option<(Step, usize, usize)>, SourceError> {
        loop {
            let buffer = if self.inflater.is_some() { &mut self.inflated } else { &mut self.raw };
            let from = buffer.start;
            let mut rest = buffer.rest();
            let step = self.reader.advance(&mut rest)?;
            let to = buffer.end - rest.len();
            buffer.start = to;
            if let Some(step) = step {
                return Ok(Some((step, from, to)));
            }
            if !self.fill()? {
                self.reader.finish()?;
                return Ok(None);
            }
        }
    }

    /// Gets more bytes for the reader, whose buffer is used up; `false` at the end.
    fn fill(&mut self) -> Result<bool, SourceError> {
        loop {
            if self.raw.rest().is_empty() && !self.ended {
                self.raw.bytes.resize(self.piece, 0);
                let read = read_some(&mut self.input, &mut self.raw.bytes)?;
                (self.raw.start, self.raw.end) = (0, read);
                self.ended = read == 0;
            }
            let Some(inflater) = &mut self.inflater else { return Ok(!self.ended) };
            if self.ended {
                inflater.finish()?;
                return Ok(false);
            }
            let mut rest = self.raw.rest();
            let piece = inflater.next(&mut rest)?;
            self.raw.start = self.raw.end - rest.len();
            if !piece.is_empty() {
                self.inflated.bytes.clear();
                self.inflated.bytes.extend_from_slice(piece);
                (self.inflated.start, self.inflated.end) = (0, piece.len());
                return Ok(true);
            }
        }
    }
}

impl<R: Read + Seek> TokenSource<R> {
    /// A source for the data set from the current place of `input` to its end, of which not everything is wanted: see
    /// [`Self::skip_bulk`].
    ///
    /// # Errors
    /// Those of finding out how long the input is.
    pub fn skimming(mut input: R, syntax: &TransferSyntax, limits: Limits) -> Result<Self, SourceError> {
        let start = input.stream_position()?;
        let end = input.seek(SeekFrom::End(0))?;
        input.seek(SeekFrom::Start(start))?;
        let source = Self::new(input, syntax, limits, Some(end.saturating_sub(start)));
        Ok(Self { piece: SKIMMED_PIECE, ..source })
    }

    /// Passes over the rest of the bulk value or fragment that the last token began: its next token is the end of it. The reader knows
    /// the length of the data set and has checked that the value lies in it. Deflated bytes cannot be passed over and are read.
    ///
    /// # Errors
    /// Those of the input.
    pub fn skip_bulk(&mut self) -> Result<(), SourceError> {
        if self.inflater.is_some() {
            return Ok(());
        }
        let remaining = self.reader.bulk_remaining();
        let buffered = self.raw.rest().len().min(remaining as usize);
        let beyond = i64::from(remaining) - i64::try_from(buffered).unwrap_or_default();
        self.raw.start += buffered;
        if beyond > 0 {
            self.input.seek(SeekFrom::Current(beyond))?;
        }
        self.reader.pass_over(remaining);
        Ok(())
    }
}

fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
