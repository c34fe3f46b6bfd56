//! Inflation of deflated data sets (PS3.5 A.5) under an output cap and a ratio cap, so that a small message cannot become a large one.

use flate2::{Decompress, FlushDecompress, Status};
use thiserror::Error;

/// Why a deflate stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InflateError {
    /// Not a deflate stream. Refuse the object.
    #[error("deflated data set cannot be inflated")]
    Corrupt,
    /// The data end before the stream does. The sender must send it whole.
    #[error("deflated data set ends too early")]
    Truncated,
    /// More output than the limit. Refuse the object.
    #[error("deflated data set is longer than {0} bytes when inflated")]
    TooLong(u64),
    /// More output per input byte than images ever have. Refuse the object.
    #[error("deflated data set grows more than {0}-fold")]
    Ratio(u64),
}

/// Inflates one raw deflate stream that arrives in pieces.
#[derive(Debug)]
pub struct Inflater {
    stream: Decompress,
    output: Box<[u8]>,
    limit: u64,
    ended: bool,
}

/// Output bytes per input byte that are believed, once [`RATIO_FREE`] bytes are out. Deflate itself ends at about 1,032.
const RATIO: u64 = 200;
/// So much output is given before the ratio is looked at.
const RATIO_FREE: u64 = 8 << 20;
const OUTPUT: usize = 64 << 10;

impl Inflater {
    /// An inflater that gives at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { stream: Decompress::new(false), output: vec![0; OUTPUT].into(), limit, ended: false }
    }

    /// Inflates a piece from the front of `input`; an empty answer means that all of `input` is used up. Bytes after the end of the
    /// stream are padding and skipped.
    ///
    /// # Errors
    /// Any [`InflateError`] but `Truncated`.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<&[u8], InflateError> {
        if self.ended {
            *input = &[];
            return Ok(&[]);
        }
        let (taken, given) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(input, &mut self.output, FlushDecompress::None);
        let used = usize::try_from(self.stream.total_in() - taken).unwrap_or(input.len());
        *input = input.get(used..).unwrap_or_default();
        let made = usize::try_from(self.stream.total_out() - given).unwrap_or_default();
        match status {
            Ok(Status::StreamEnd) => self.ended = true,
            Ok(_) if used == 0 && made == 0 && !input.is_empty() => return Err(InflateError::Corrupt),
            Ok(_) => {}
            Err(_) => return Err(InflateError::Corrupt),
        }
        let total = self.stream.total_out();
        if total > self.limit {
            return Err(InflateError::TooLong(self.limit));
        }
        if total > RATIO_FREE && total > self.stream.total_in().saturating_mul(RATIO) {
            return Err(InflateError::Ratio(RATIO));
        }
        Ok(self.output.get(..made).unwrap_or_default())
    }

    /// Says that no more bytes come.
    ///
    /// # Errors
    /// `Truncated` when the stream has not ended.
    pub fn finish(&self) -> Result<(), InflateError> {
        if self.ended { Ok(()) } else { Err(InflateError::Truncated) }
    }
}
