//! One JPEG or JPEG-LS frame (ITU-T T.81 B, T.87 C).

use super::head::{Head, Marker};
use super::payload::{Kept, Payload};
use super::{SegmentError, Walked, erase_behind, marker};

/// Bytes of a JFIF payload before its thumbnail.
const JFIF: usize = 14;
/// Bytes of an Adobe payload.
const ADOBE: usize = 12;
/// Bytes of an `mrfx` payload.
const MRFX: usize = 5;

#[derive(Debug)]
pub(super) struct Jpeg {
    state: State,
    has_begun: bool,
    /// Whether a byte after FFH ends the coded data of a scan.
    ends_scan: fn(u8) -> bool,
    /// Whether decoders read the segments of a marker.
    is_coding: fn(u8) -> bool,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Payload(Payload, u8),
    /// Coded data; whether the last byte was FFH.
    Scan(bool),
    Ended,
}

impl Jpeg {
    pub(super) fn new(ends_scan: fn(u8) -> bool, is_coding: fn(u8) -> bool) -> Self {
        Self { state: State::Head(Head::default()), has_begun: false, ends_scan, is_coding }
    }

    /// Frames without an end marker exist; decoders accept them.
    pub(super) fn may_end(&self) -> bool {
        matches!(self.state, State::Scan(_) | State::Ended)
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
        match &mut self.state {
            State::Head(head) => {
                if let Some(marker) = head.push(first, is_bare)? {
                    self.marker(marker)?;
                }
                Ok(1)
            }
            State::Payload(payload, code) => {
                let taken = payload.pass(bytes, found);
                if payload.is_over() {
                    self.state = after(*code);
                }
                Ok(taken)
            }
            State::Scan(true) => {
                if first == 0xFF {
                    return Ok(1);
                }
                self.state = State::Scan(false);
                if (self.ends_scan)(first) {
                    self.state = State::Head(Head::of(first));
                    if is_bare(first) {
                        self.marker(Marker::Bare(first))?;
                    }
                }
                Ok(1)
            }
            State::Scan(false) => match bytes.iter().position(|byte| *byte == 0xFF) {
                Some(at) => {
                    self.state = State::Scan(true);
                    Ok(at + 1)
                }
                None => Ok(bytes.len()),
            },
            State::Ended => {
                erase_behind(bytes, found);
                Ok(bytes.len())
            }
        }
    }

    fn marker(&mut self, marker: Marker) -> Walked<()> {
        self.state = match marker {
            Marker::Bare(marker::SOI) if !self.has_begun => State::Head(Head::default()),
            _ if !self.has_begun => return Err(SegmentError::Damaged),
            Marker::Bare(marker::EOI) => State::Ended,
            Marker::Bare(_) => return Err(SegmentError::Damaged),
            Marker::Segment(code, length) if !is_of_its_length(code, length) => {
                return Err(SegmentError::Damaged);
            }
            Marker::Segment(code, 0) => after(code),
            Marker::Segment(code, length) => {
                State::Payload(Payload::new(length, self.kept(code, length)), code)
            }
        };
        self.has_begun = true;
        Ok(())
    }

    /// What of a segment decoders read: nothing of comments, application segments and reserved ones.
    fn kept(&self, code: u8, length: usize) -> Kept {
        match (code, length) {
            (marker::APP0, _) => Kept::Named(b"JFIF\0", JFIF),
            (marker::APP14, _) => Kept::Named(b"Adobe", ADOBE),
            (marker::APP8, MRFX) => Kept::Named(b"mrfx", MRFX),
            _ if (self.is_coding)(code) => Kept::All,
            _ => Kept::Nothing,
        }
    }
}

/// Number of lines, restart interval and expansion have one length each (T.81 B.2.4.4, B.2.5, B.3.3): what is behind that no decoder reads.
fn is_of_its_length(code: u8, length: usize) -> bool {
    match code {
        0xDC | marker::DRI => length == 2,
        0xDF => length == 1,
        _ => true,
    }
}

fn after(code: u8) -> State {
    if code == marker::SOS { State::Scan(false) } else { State::Head(Head::default()) }
}

fn is_bare(code: u8) -> bool {
    matches!(code, 0x00 | 0x01 | 0xD0..=0xD9)
}
