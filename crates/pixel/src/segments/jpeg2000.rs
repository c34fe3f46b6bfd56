//! One codestream of JPEG 2000 (ITU-T T.800 A): COM in the main header and in tile-part headers.

use super::head::{Head, Marker};
use super::payload::{Kept, Payload};
use super::{SegmentError, Walked, erase_behind};

const SOC: u8 = 0x4F;
const COM: u8 = 0x64;
const SOT: u8 = 0x90;
const SOD: u8 = 0x93;
const EOC: u8 = 0xD9;
/// Bytes of COM that say what its text is in.
const REGISTRATION: usize = 2;
/// Bytes of the payload of SOT: tile, length of the tile-part, its number, their number (A.4.2); and of the whole segment.
const SOT_PAYLOAD: usize = 8;
const SOT_BYTES: u64 = 12;

#[derive(Debug)]
pub(super) struct Codestream {
    state: State,
    /// The tile-part whose header is passing.
    tile: Option<Left>,
    has_begun: bool,
    has_tiles: bool,
}

/// Bytes that are left of a tile-part.
#[derive(Clone, Copy, Debug)]
enum Left {
    Bytes(u64),
    /// It ends with the codestream.
    All,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Payload(Payload),
    /// What has passed of the payload of SOT.
    TileStart([u8; SOT_PAYLOAD], usize),
    /// Coded data.
    Data(u64),
    /// Coded data up to EOC, which they cannot hold (B.10.1); whether the last byte was FFH.
    DataToEnd(bool),
    Ended,
}

impl Codestream {
    pub(super) fn new() -> Self {
        Self { state: State::Head(Head::default()), tile: None, has_begun: false, has_tiles: false }
    }

    /// Codestreams without an end marker exist; decoders accept them.
    pub(super) fn may_end(&self) -> bool {
        match &self.state {
            State::Head(head) => head.is_empty() && self.has_tiles && self.tile.is_none(),
            State::DataToEnd(_) | State::Ended => true,
            _ => false,
        }
    }

    pub(super) fn pass(&mut self, mut bytes: &mut [u8], found: &mut bool) -> Walked<()> {
        while !bytes.is_empty() {
            let taken = self.step(bytes, found)?;
            bytes = bytes.get_mut(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// How many of the bytes were taken: one at least.
    fn step(&mut self, bytes: &mut [u8], found: &mut bool) -> Walked<usize> {
        let first = bytes.first().copied().unwrap_or_default();
        let may_end = self.may_end();
        match &mut self.state {
            // The byte that makes a fragment even.
            State::Head(_) if may_end && first == 0 => self.state = State::Ended,
            State::Head(head) => {
                if let Some(marker) = head.push(first, |code| matches!(code, SOC | SOD | EOC))? {
                    self.marker(marker)?;
                }
            }
            State::Payload(payload) => {
                let taken = payload.pass(bytes, found);
                if payload.is_over() {
                    self.state = State::Head(Head::default());
                }
                return Ok(taken);
            }
            State::TileStart(payload, at) => {
                if let Some(byte) = payload.get_mut(*at) {
                    *byte = first;
                }
                *at += 1;
                if *at == SOT_PAYLOAD {
                    let [_, _, a, b, c, d, ..] = *payload;
                    self.tile = Some(left(u32::from_be_bytes([a, b, c, d]))?);
                    self.state = State::Head(Head::default());
                }
            }
            State::Data(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                if *left == 0 {
                    self.state = State::Head(Head::default());
                }
                return Ok(taken);
            }
            State::DataToEnd(is_marked) => {
                let is_end = *is_marked && first == EOC;
                *is_marked = first == 0xFF;
                if is_end {
                    self.state = State::Ended;
                }
            }
            State::Ended => {
                erase_behind(bytes, found);
                return Ok(bytes.len());
            }
        }
        Ok(1)
    }

    fn marker(&mut self, marker: Marker) -> Walked<()> {
        if !self.has_begun {
            self.has_begun = true;
            return if marker == Marker::Bare(SOC) { Ok(()) } else { Err(SegmentError::Damaged) };
        }
        match marker {
            Marker::Bare(EOC) if self.has_tiles && self.tile.is_none() => self.state = State::Ended,
            Marker::Bare(SOD) => {
                self.state = match self.within_tile(2)?.and(self.tile.take()) {
                    Some(Left::Bytes(0)) => State::Head(Head::default()),
                    Some(Left::Bytes(bytes)) => State::Data(bytes),
                    Some(Left::All) => State::DataToEnd(false),
                    None => return Err(SegmentError::Damaged),
                };
            }
            Marker::Bare(_) => return Err(SegmentError::Damaged),
            Marker::Segment(SOT, SOT_PAYLOAD) if self.tile.is_none() => {
                self.has_tiles = true;
                self.state = State::TileStart([0; SOT_PAYLOAD], 0);
            }
            Marker::Segment(SOT, _) => return Err(SegmentError::Damaged),
            // Between tile-parts stands nothing else (A.2).
            Marker::Segment(..) if self.has_tiles && self.tile.is_none() => {
                return Err(SegmentError::Damaged);
            }
            Marker::Segment(code, length) => {
                self.within_tile(4 + length as u64)?;
                let kept = match code {
                    COM => Kept::Start(REGISTRATION),
                    code if is_coding(code) => Kept::All,
                    _ => Kept::Nothing,
                };
                if length > 0 {
                    self.state = State::Payload(Payload::new(length, kept));
                }
            }
        }
        Ok(())
    }

    /// Takes bytes from what is left of the tile-part, if one is open.
    fn within_tile(&mut self, taken: u64) -> Walked<Option<()>> {
        if let Some(Left::Bytes(bytes)) = &mut self.tile {
            *bytes = bytes.checked_sub(taken).ok_or(SegmentError::Damaged)?;
        }
        Ok(self.tile.map(|_| ()))
    }
}

/// Whether decoders read the segments of a marker (T.800 Table A.2, T.801 Table A.2, T.814 A).
fn is_coding(code: u8) -> bool {
    matches!(code, 0x50..=0x53 | 0x55..=0x59 | 0x5C..=0x61 | 0x63 | 0x70..=0x79)
}

/// What is left of a tile-part of this length behind its SOT; 0 means that it ends with the codestream.
fn left(length: u32) -> Walked<Left> {
    match length {
        0 => Ok(Left::All),
        length => u64::from(length).checked_sub(SOT_BYTES).map(Left::Bytes).ok_or(SegmentError::Damaged),
    }
}
