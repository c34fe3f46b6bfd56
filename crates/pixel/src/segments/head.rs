//! The head of a marker segment, byte by byte: FFH, any number of fill bytes FFH (ITU-T T.81 B.1.1.2), a code, two bytes of length.

use super::{SegmentError, Walked};

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// A marker that stands alone.
    Bare(u8),
    /// Its code, and the bytes of its payload.
    Segment(u8, usize),
}

#[derive(Debug, Default)]
pub(super) struct Head {
    is_marked: bool,
    code: Option<u8>,
    high: Option<u8>,
}

impl Head {
    /// The head of which FFH and the code have passed.
    pub(super) fn of(code: u8) -> Self {
        Self { is_marked: true, code: Some(code), high: None }
    }

    /// Whether nothing of it has passed.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_marked
    }

    /// The next byte; `is_bare` knows the markers without length. The marker when it is complete; the next head is ready then.
    pub(super) fn push(&mut self, byte: u8, is_bare: fn(u8) -> bool) -> Walked<Option<Marker>> {
        let marker = match (self.is_marked, self.code, self.high) {
            (false, ..) if byte == 0xFF => {
                self.is_marked = true;
                return Ok(None);
            }
            (false, ..) => return Err(SegmentError::Damaged),
            (true, None, _) if byte == 0xFF => return Ok(None),
            (true, None, _) if is_bare(byte) => Marker::Bare(byte),
            (true, None, _) => {
                self.code = Some(byte);
                return Ok(None);
            }
            (true, Some(_), None) => {
                self.high = Some(byte);
                return Ok(None);
            }
            (true, Some(code), Some(high)) => {
                let length = usize::from(u16::from_be_bytes([high, byte]));
                Marker::Segment(code, length.checked_sub(2).ok_or(SegmentError::Damaged)?)
            }
        };
        *self = Self::default();
        Ok(Some(marker))
    }
}
