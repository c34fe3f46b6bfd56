//! Compressed frames that stay compressed: without the texts between and behind their coded data, and none that the object does not
//! speak of.

use std::io::Write;

use dicom_core::Tag;
use dicom_stream::Token;
use pixel::Compression;
use pixel::segments::{FrameTexts, SegmentError};

use super::Walk;
use super::pixels::{PIXEL_DATA, Passing, Taken};
use crate::deidentify::{DeidentificationError, output};
use crate::profile::RuleId;
use crate::table::Step;

/// Extended Offset Table, and its lengths.
const OFFSETS: Tag = Tag(0x7FE0, 0x0001);
const LENGTHS: Tag = Tag(0x7FE0, 0x0002);
const SEGMENTS: RuleId = RuleId::Named("frame-segments");

/// The fragments that are passing.
#[derive(Debug)]
pub(super) struct Fragments {
    texts: FrameTexts,
    /// Whether the offset table is passing, or still to come.
    is_table: bool,
    /// Bytes of the fragment, as its header says.
    length: u32,
    /// Its first bytes, until they tell what it is.
    start: Vec<u8>,
    is_told: bool,
}

impl Fragments {
    /// Of frames of so many pixels, each of so many bytes. `None` for video and what is unknown: nothing is known of its fragments.
    pub(super) fn of(transfer_syntax: &str, pixels: Option<(u64, u32)>) -> Option<Self> {
        let texts = FrameTexts::new(Compression::of(transfer_syntax)?).of_pixels(pixels);
        Some(Self { texts, is_table: true, length: 0, start: Vec::new(), is_told: false })
    }
}

fn damaged(error: SegmentError) -> DeidentificationError {
    DeidentificationError::Pixels(match error {
        SegmentError::Damaged => "the segments of a compressed frame cannot be told apart",
        SegmentError::ColourProfile => "a compressed frame is a JP2 file with a colour profile of its own",
    })
}

impl<W: Write> Walk<'_, '_, W> {
    /// A piece of an extended offset table; others are ignored.
    pub(super) fn extended_offsets(&mut self, tag: Tag, piece: &[u8]) {
        match tag {
            OFFSETS => self.context.frame_index.extended_offsets(piece),
            LENGTHS => self.context.frame_index.extended_lengths(piece),
            _ => {}
        }
    }

    /// Takes a token of the fragments: they stay as they are, but for texts, which are blanked in place.
    pub(super) fn compressed(&mut self, token: &Token<'_>, mut fragments: Fragments) -> Taken {
        let is_kept = self.skipped == 0;
        let taken = match token {
            Token::FragmentsEnd { .. } => {
                if is_kept {
                    self.end_compressed(&fragments)?;
                }
                return Ok(false);
            }
            _ if !is_kept => false,
            Token::FragmentStart { header } => {
                fragments.length = header.length;
                fragments.is_told = false;
                false
            }
            Token::Bulk(piece) if fragments.is_table => {
                self.context.frame_index.basic_offsets(piece);
                false
            }
            Token::Bulk(piece) => {
                self.piece(&mut fragments, piece)?;
                true
            }
            Token::FragmentEnd if fragments.is_table => {
                fragments.is_table = false;
                false
            }
            Token::FragmentEnd => {
                self.tell(&mut fragments)?;
                false
            }
            _ => false,
        };
        self.passing = Passing::Compressed(fragments);
        Ok(taken)
    }

    fn piece(&mut self, fragments: &mut Fragments, piece: &[u8]) -> Result<(), DeidentificationError> {
        if !fragments.is_told {
            fragments.start.extend_from_slice(piece);
            return if fragments.start.len() < FrameTexts::START { Ok(()) } else { self.tell(fragments) };
        }
        self.masked.clear();
        self.masked.extend_from_slice(piece);
        fragments.texts.blank(&mut self.masked).map_err(damaged)?;
        output(self.out.copy(&Token::Bulk(&self.masked)))
    }

    /// Tells by its first bytes what a fragment is, and writes them.
    fn tell(&mut self, fragments: &mut Fragments) -> Result<(), DeidentificationError> {
        if std::mem::replace(&mut fragments.is_told, true) {
            return Ok(());
        }
        let mut start = std::mem::take(&mut fragments.start);
        if start.is_empty() {
            self.context.frame_index.fragment(0, false);
            return Ok(());
        }
        let begins_frame = fragments.texts.begin_fragment(&start).map_err(damaged)?;
        self.context.frame_index.fragment(fragments.length, begins_frame);
        fragments.texts.blank(&mut start).map_err(damaged)?;
        output(self.out.copy(&Token::Bulk(&start)))
    }

    fn end_compressed(&mut self, fragments: &Fragments) -> Result<(), DeidentificationError> {
        fragments.texts.finish().map_err(damaged)?;
        self.context.frame_index.finish().map_err(|error| DeidentificationError::Pixels(error.0))?;
        if fragments.texts.found() {
            self.count(PIXEL_DATA, SEGMENTS, Step::Replace);
        }
        Ok(())
    }
}
