//! Pixel Data of the main data set on its way out: masked in place, or decoded where a mask touches compressed frames.

use std::io::{self, Write};

use dicom_core::Tag;
use dicom_stream::{Encoding, Header, Token, Writer};
use pixel::{Assembler, FrameLimit, decode_frame};

use super::Walk;
use super::compressed::Fragments;
use crate::deidentify::{DeidentificationError, output};
use crate::pixels::{Decoded, frame_of, native_vr};
use crate::profile::RuleId;
use crate::table::Step;

pub(crate) const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
/// Extended Offset Table and its lengths: they are about compressed frames.
const OFFSETS: [Tag; 2] = [Tag(0x7FE0, 0x0001), Tag(0x7FE0, 0x0002)];
/// Rule id of masks.
const CLEAN_PIXELS: RuleId = RuleId::Option(crate::option::DeidentificationOption::CleanPixelData);
/// Rule id of overlays in unused bits of the pixel data (retired; PS3.5 8.1.2).
const OVERLAY_BITS: RuleId = RuleId::Named("overlay-bits");
/// Rule id of bytes behind the last frame.
const SURPLUS: RuleId = RuleId::Named("behind-the-frames");

/// What happens to the pixel data that are passing.
#[derive(Debug, Default)]
pub(super) enum Passing {
    /// None are.
    #[default]
    No,
    /// Native: so many bytes have passed.
    Native(u64),
    /// Compressed frames that are decoded: frames written, and the last byte if their length is odd.
    Decoded(Assembler, u32),
    /// Compressed frames that stay compressed.
    Compressed(Fragments),
    /// An offset table longer than a value may be.
    Offsets(Tag),
}

pub(super) type Taken = Result<bool, DeidentificationError>;

impl<W: Write> Walk<'_, '_, W> {
    /// Takes a token of the pixel data; `false` when it is none of them, or passes as it is.
    pub(super) fn pixels(&mut self, token: &Token<'_>) -> Taken {
        match std::mem::take(&mut self.passing) {
            Passing::No => self.begin_pixels(token),
            Passing::Native(offset) => self.native_piece(token, offset),
            Passing::Decoded(assembler, written) => self.decode(token, assembler, written),
            Passing::Compressed(fragments) => self.compressed(token, fragments),
            Passing::Offsets(tag) => {
                if let Token::Bulk(piece) = token {
                    self.extended_offsets(tag, piece);
                    self.passing = Passing::Offsets(tag);
                }
                Ok(false)
            }
        }
    }

    fn begin_pixels(&mut self, token: &Token<'_>) -> Taken {
        if !self.is_root() {
            return Ok(false);
        }
        let plan = self.context.pixels;
        let decoded = plan.and_then(|plan| plan.decoded.as_ref());
        match token {
            Token::Value { header, .. } | Token::BulkStart { header }
                if decoded.is_some() && OFFSETS.contains(&header.tag) =>
            {
                self.count(header.tag, CLEAN_PIXELS, Step::Remove);
                self.skip_bulk = matches!(token, Token::BulkStart { .. });
                Ok(true)
            }
            Token::Value { header, value } if OFFSETS.contains(&header.tag) => {
                self.extended_offsets(header.tag, value);
                Ok(false)
            }
            Token::BulkStart { header } if OFFSETS.contains(&header.tag) => {
                self.passing = Passing::Offsets(header.tag);
                Ok(false)
            }
            Token::Value { header, value } if header.tag == PIXEL_DATA => {
                let frames = self.context.pixel_bytes.and_then(|bytes| usize::try_from(bytes).ok());
                // More bytes than the frames have: nobody knows what they are.
                let kept =
                    frames.and_then(|bytes| value.get(..bytes)).filter(|kept| kept.len() < value.len());
                if kept.is_none() && !self.changes_native() {
                    return Ok(false);
                }
                self.write_own_before(Some(PIXEL_DATA))?;
                if kept.is_some() {
                    self.count(PIXEL_DATA, SURPLUS, Step::Replace);
                }
                let value = kept.unwrap_or(value);
                let length = u32::try_from(value.len()).unwrap_or(header.length);
                let header = Header::new(PIXEL_DATA, header.vr, length, header.encoding);
                self.write_native(0, value, |out, masked| out.copy(&Token::Value { header, value: masked }))?;
                Ok(true)
            }
            Token::BulkStart { header } if header.tag == PIXEL_DATA => {
                let frames = self.context.pixel_bytes.filter(|bytes| u64::from(header.length) > *bytes);
                let length = frames.and_then(|bytes| u32::try_from(bytes).ok());
                if self.changes_native() || length.is_some() {
                    self.passing = Passing::Native(0);
                }
                let Some(length) = length else { return Ok(false) };
                // More bytes than the frames have: nobody knows what they are.
                self.write_own_before(Some(PIXEL_DATA))?;
                self.count(PIXEL_DATA, SURPLUS, Step::Replace);
                let header = Header::new(PIXEL_DATA, header.vr, length, header.encoding);
                output(self.out.copy(&Token::BulkStart { header }))?;
                Ok(true)
            }
            Token::FragmentsStart { header }
                if header.tag == PIXEL_DATA && !self.context.object.transfer_syntax.encapsulated =>
            {
                Err(DeidentificationError::Pixels("fragments in a transfer syntax that has none"))
            }
            Token::FragmentsStart { header } if header.tag == PIXEL_DATA => {
                let Some(decoded) = decoded else {
                    let syntax = self.context.object.transfer_syntax.uid;
                    let fragments = Fragments::of(syntax, self.context.frame_pixels);
                    self.passing = fragments.map_or(Passing::No, Passing::Compressed);
                    return Ok(false);
                };
                self.write_own_before(Some(PIXEL_DATA))?;
                self.begin_native(decoded)?;
                let limit = usize::try_from(FrameLimit::DECODED.0).unwrap_or(usize::MAX);
                self.passing = Passing::Decoded(Assembler::new(decoded.source.frames(), limit), 0);
                self.count(PIXEL_DATA, CLEAN_PIXELS, Step::Replace);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn native_piece(&mut self, token: &Token<'_>, offset: u64) -> Taken {
        let Token::Bulk(piece) = token else { return Ok(false) };
        let room = self.context.pixel_bytes.map_or(u64::MAX, |bytes| bytes.saturating_sub(offset));
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(piece.len());
        let piece = piece.get(..room).unwrap_or_default();
        if piece.is_empty() {
            self.passing = Passing::Native(offset);
            return Ok(true);
        }
        self.write_native(offset, piece, |out, masked| out.copy(&Token::Bulk(masked)))?;
        self.passing = Passing::Native(offset + piece.len() as u64);
        Ok(true)
    }

    /// Whether native pixel data are changed: by a mask, or because overlays lie in their unused bits.
    fn changes_native(&mut self) -> bool {
        let is_masked = self.context.pixels.is_some_and(|plan| plan.masker.is_some());
        if is_masked {
            self.count(PIXEL_DATA, CLEAN_PIXELS, Step::Replace);
        }
        if self.has_overlay_bits {
            self.count(PIXEL_DATA, OVERLAY_BITS, Step::Replace);
        }
        is_masked || self.has_overlay_bits
    }

    fn write_native(
        &mut self,
        offset: u64,
        piece: &[u8],
        write: impl FnOnce(&mut Writer<W>, &[u8]) -> io::Result<()>,
    ) -> Result<(), DeidentificationError> {
        self.masked.clear();
        self.masked.extend_from_slice(piece);
        if let Some(masker) = self.context.pixels.and_then(|plan| plan.masker.as_ref()) {
            masker.apply(offset, &mut self.masked);
        }
        if self.has_overlay_bits {
            let unused = self.context.unused_bits.as_ref();
            unused
                .ok_or(DeidentificationError::Pixels("overlays in bits that cannot be told"))?
                .clear(offset, &mut self.masked);
        }
        output(write(&mut self.out, &self.masked))
    }

    /// The header of the native pixel data: all frames, padded to an even length.
    fn begin_native(&mut self, decoded: &Decoded) -> Result<(), DeidentificationError> {
        let length = self
            .native_length(decoded)
            .ok_or(DeidentificationError::Pixels("too large to be written natively"))?;
        let vr = native_vr(decoded.native.bits_allocated());
        let header = Header::new(PIXEL_DATA, vr, length, Encoding::ExplicitLittle);
        output(self.out.copy(&Token::BulkStart { header }))
    }

    fn native_length(&self, decoded: &Decoded) -> Option<u32> {
        let bytes = decoded.native.frame_bytes().checked_mul(u64::from(decoded.source.frames()))?;
        u32::try_from(bytes.next_multiple_of(2)).ok().filter(|length| *length < u32::MAX - 1)
    }

    fn decode(&mut self, token: &Token<'_>, mut assembler: Assembler, mut written: u32) -> Taken {
        let plan = self.context.pixels;
        let Some(plan) = plan else { return Ok(false) };
        let Some(decoded) = &plan.decoded else { return Ok(false) };
        let frame =
            frame_of(&mut assembler, token).map_err(|error| DeidentificationError::Pixels(error.0))?;
        if let Some(frame) = frame {
            let frame = decode_frame(&frame, &decoded.source, decoded.compression);
            let mut frame = frame.map_err(|_| DeidentificationError::Pixels("a frame cannot be decoded"))?;
            if frame.description != decoded.native || written >= decoded.source.frames() {
                return Err(DeidentificationError::Pixels("frames of different forms"));
            }
            if let Some(masker) = &plan.masker {
                masker.apply(0, &mut frame.samples);
            }
            output(self.out.copy(&Token::Bulk(&frame.samples)))?;
            written += 1;
        }
        if !matches!(token, Token::FragmentsEnd { .. }) {
            self.passing = Passing::Decoded(assembler, written);
            return Ok(true);
        }
        if written != decoded.source.frames() {
            return Err(DeidentificationError::Pixels("frames are missing"));
        }
        if decoded.native.frame_bytes() * u64::from(written) % 2 == 1 {
            output(self.out.copy(&Token::Bulk(&[0])))?;
        }
        output(self.out.copy(&Token::BulkEnd))?;
        Ok(true)
    }
}
