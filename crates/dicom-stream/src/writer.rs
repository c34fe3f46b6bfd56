//! The writer: tokens in, bytes out. What is copied keeps its bytes; what is changed or added is encoded for the place it stands in.

use std::io::{self, Write};

use dicom_core::{Tag, VR};

use crate::byte_order::swap_bytes;
use crate::header::{Header, ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER, UNDEFINED};
use crate::text::pad_byte;
use crate::token::Token;
use crate::transfer_syntax::Encoding;

/// What the writer does with the lengths of sequences and items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    /// Written as received: for exact copies. A change inside a sequence of defined length would make its length wrong.
    AsReceived,
    /// Sequences and items are written with undefined length and delimiters, so that their content may change (PS3.5 7.5).
    Undefined,
}

/// Writes one data set to `out`.
///
/// Bytes are gathered and handed on in pieces of some 64 KiB; bulk passes through without a copy. Call [`Self::finish`] at the end.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    lengths: Lengths,
    buffer: Vec<u8>,
    /// Encoding of the main data set, then of each open sequence.
    encodings: Vec<Encoding>,
    written: u64,
}

const BUFFER: usize = 64 << 10;

impl<W: Write> Writer<W> {
    /// A writer of a data set in `encoding`.
    pub fn new(out: W, encoding: Encoding, lengths: Lengths) -> Self {
        Self { out, lengths, buffer: Vec::with_capacity(BUFFER), encodings: vec![encoding], written: 0 }
    }

    /// Encoding of the place that the next element is written to; the inside of a UN sequence differs from the data set.
    pub fn encoding(&self) -> Encoding {
        self.encodings.last().copied().unwrap_or(Encoding::ExplicitLittle)
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Writes a token of a reader: its bytes as received. Under [`Lengths::Undefined`] sequences get undefined length, a header that was implicit
    /// amid explicit ones becomes explicit, so that a data set has one encoding.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn copy(&mut self, token: &Token<'_>) -> io::Result<()> {
        match token {
            Token::Value { header, value } if self.is_in_place(header) => {
                self.put(header.raw())?;
                self.put(value)
            }
            Token::Value { header, value } => self.value(header.tag, header.vr, value),
            Token::Bulk(bytes) => self.put(bytes),
            Token::SequenceStart { header } => {
                let inside = if header.vr == VR::UN { Encoding::ImplicitLittle } else { self.encoding() };
                self.put_start(header)?;
                self.encodings.push(inside);
                Ok(())
            }
            Token::ItemStart { header } => self.put_start(header),
            Token::ItemEnd { delimiter } => self.put_end(ITEM_DELIMITER, delimiter.as_ref()),
            Token::SequenceEnd { delimiter } => {
                self.put_end(SEQUENCE_DELIMITER, delimiter.as_ref())?;
                self.leave_sequence();
                Ok(())
            }
            Token::BulkStart { header } | Token::FragmentsStart { header } if !self.is_in_place(header) => {
                // No dictionary says which of OB and OW it is; encapsulated is always OB (PS3.5 A.4).
                let is_fragments = matches!(token, Token::FragmentsStart { .. });
                let vr = if is_fragments { VR::OB } else { header.vr };
                self.put(Header::new(header.tag, vr, header.length, self.encoding()).raw())
            }
            Token::BulkStart { header }
            | Token::FragmentsStart { header }
            | Token::FragmentStart { header } => self.put(header.raw()),
            Token::FragmentsEnd { delimiter } => self.put(delimiter.raw()),
            Token::BulkEnd | Token::FragmentEnd => Ok(()),
        }
    }

    /// Writes a token of a reader in the encoding of [`Self::encoding`], whatever it was read in: sequences of undefined length, one stored
    /// as UN as a sequence, numbers in this byte order. Bulk and fragments, which are not held whole, are refused.
    ///
    /// # Errors
    /// Those of the sink; `Unsupported` for bulk and fragments.
    pub fn translate(&mut self, token: &Token<'_>) -> io::Result<()> {
        match token {
            Token::Value { header, value } => {
                let is_big = |encoding| encoding == Encoding::ExplicitBig;
                if is_big(header.encoding) == is_big(self.encoding()) {
                    return self.value(header.tag, header.vr, value);
                }
                self.value(header.tag, header.vr, &swap_bytes(header.vr, value))
            }
            Token::SequenceStart { header } => self.start_sequence(header.tag),
            Token::ItemStart { .. } => self.start_item(),
            Token::ItemEnd { .. } => self.end_item(),
            Token::SequenceEnd { .. } => self.end_sequence(),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Writes an element with a new value. `value` has the byte order of [`Self::encoding`]; an odd one is padded (PS3.5 6.2).
    ///
    /// # Errors
    /// Those of the sink; `InvalidInput` when the value is longer than a length field can say.
    pub fn value(&mut self, tag: Tag, vr: VR, value: &[u8]) -> io::Result<()> {
        let padding = value.len() % 2;
        let length = u32::try_from(value.len() + padding)
            .ok()
            .filter(|length| *length != UNDEFINED)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "value longer than 2^32 - 2 bytes"))?;
        let header = Header::new(tag, vr, length, self.encoding());
        self.put(header.raw())?;
        self.put(value)?;
        if padding == 1 { self.put(&[pad_byte(vr)]) } else { Ok(()) }
    }

    /// Begins a new sequence of undefined length.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn start_sequence(&mut self, tag: Tag) -> io::Result<()> {
        let encoding = self.encoding();
        self.put(Header::new(tag, VR::SQ, UNDEFINED, encoding).raw())?;
        self.encodings.push(encoding);
        Ok(())
    }

    /// Begins a new item of undefined length.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn start_item(&mut self) -> io::Result<()> {
        self.put_delimiter(ITEM, UNDEFINED)
    }

    /// Ends the item begun last.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn end_item(&mut self) -> io::Result<()> {
        self.put_delimiter(ITEM_DELIMITER, 0)
    }

    /// Ends the sequence begun last.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn end_sequence(&mut self) -> io::Result<()> {
        self.put_delimiter(SEQUENCE_DELIMITER, 0)?;
        self.leave_sequence();
        Ok(())
    }

    /// Hands the last bytes on and gives the sink back.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush_buffer()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn leave_sequence(&mut self) {
        if self.encodings.len() > 1 {
            self.encodings.pop();
        }
    }

    /// Whether a header can be copied as it is.
    fn is_in_place(&self, header: &Header) -> bool {
        self.lengths == Lengths::AsReceived || !header.lacks_vr()
    }

    fn put_start(&mut self, header: &Header) -> io::Result<()> {
        if self.lengths == Lengths::AsReceived || header.length == UNDEFINED && self.is_in_place(header) {
            return self.put(header.raw());
        }
        let header = Header::new(header.tag, header.vr, UNDEFINED, self.encoding());
        self.put(header.raw())
    }

    fn put_end(&mut self, tag: Tag, received: Option<&Header>) -> io::Result<()> {
        match (self.lengths, received) {
            (Lengths::AsReceived, Some(delimiter)) => self.put(delimiter.raw()),
            (Lengths::AsReceived, None) => Ok(()),
            (Lengths::Undefined, _) => self.put_delimiter(tag, 0),
        }
    }

    fn put_delimiter(&mut self, tag: Tag, length: u32) -> io::Result<()> {
        let header = Header::new(tag, VR::UN, length, self.encoding());
        self.put(header.raw())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush_buffer()?;
            if bytes.len() >= BUFFER / 4 {
                self.written += bytes.len() as u64;
                return self.out.write_all(bytes);
            }
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush_buffer(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
