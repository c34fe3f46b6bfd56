//! Offset tables compared with the fragments they speak of: what no frame reaches must not leave (PS3.5 A.4, PS3.3 C.7.6.3.1.8).

use super::{HEADER, NotAssembled};

/// Bytes of a table that are held: eight million frames.
const TABLE_MAX: usize = 64 << 20;

/// Compares the tables of one object with its fragments as they pass.
///
/// Harmless, and left alone, are an empty Basic Offset Table, and a wrong one where each frame is one fragment: their order tells the
/// frames. Everything else has to be exact.
#[derive(Debug)]
pub struct FrameIndex {
    frames: u32,
    basic: Table,
    extended: Option<[Table; 2]>,
    /// Fragments that are not empty, the table not counted.
    fragments: u64,
    /// Frames that have begun.
    begun: u32,
    /// Bytes of fragments passed, their headers included.
    passed: u64,
    is_basic_exact: bool,
    is_extended_exact: bool,
}

/// Numbers of some bytes each, little endian.
#[derive(Debug, Default)]
struct Table {
    bytes: Vec<u8>,
    /// Whether it was longer than its frames need.
    is_cut: bool,
}

impl Table {
    fn extend(&mut self, piece: &[u8], frames: u32, width: usize) {
        let limit = (frames as usize).saturating_mul(width).min(TABLE_MAX);
        let room = limit.saturating_sub(self.bytes.len()).min(piece.len());
        self.is_cut |= room < piece.len();
        self.bytes.extend_from_slice(piece.get(..room).unwrap_or_default());
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.is_cut
    }

    fn number(&self, index: u32, width: usize) -> Option<u64> {
        let start = (index as usize).checked_mul(width)?;
        let bytes = self.bytes.get(start..start.checked_add(width)?)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn has_numbers(&self, count: u32, width: usize) -> bool {
        !self.is_cut && (count as usize).checked_mul(width) == Some(self.bytes.len())
    }
}

/// Bytes of an entry.
const BASIC: usize = 4;
const EXTENDED: usize = 8;

impl FrameIndex {
    /// For so many frames.
    #[must_use]
    pub fn new(frames: u32) -> Self {
        Self {
            frames,
            basic: Table::default(),
            extended: None,
            fragments: 0,
            begun: 0,
            passed: 0,
            is_basic_exact: true,
            is_extended_exact: true,
        }
    }

    /// Bytes of the Extended Offset Table (7FE0,0001).
    pub fn extended_offsets(&mut self, piece: &[u8]) {
        let [offsets, _] = self.extended.get_or_insert_default();
        offsets.extend(piece, self.frames, EXTENDED);
    }

    /// Bytes of the Extended Offset Table Lengths (7FE0,0002).
    pub fn extended_lengths(&mut self, piece: &[u8]) {
        let [_, lengths] = self.extended.get_or_insert_default();
        lengths.extend(piece, self.frames, EXTENDED);
    }

    /// Bytes of the Basic Offset Table.
    pub fn basic_offsets(&mut self, piece: &[u8]) {
        self.basic.extend(piece, self.frames, BASIC);
    }

    /// A fragment of so many bytes, none of the table; whether a frame begins with it.
    pub fn fragment(&mut self, length: u32, begins_frame: bool) {
        let at = self.passed;
        self.passed += HEADER + u64::from(length);
        self.fragments += u64::from(length > 0);
        if !begins_frame {
            return;
        }
        self.is_basic_exact &= self.basic.number(self.begun, BASIC) == Some(at);
        if let Some([offsets, lengths]) = &self.extended {
            // A length may leave out the byte that makes a fragment even.
            let padding =
                lengths.number(self.begun, EXTENDED).and_then(|of| u64::from(length).checked_sub(of));
            self.is_extended_exact &=
                offsets.number(self.begun, EXTENDED) == Some(at) && matches!(padding, Some(0 | 1));
        }
        self.begun = self.begun.saturating_add(1);
    }

    /// All fragments have passed.
    ///
    /// # Errors
    /// [`NotAssembled`]: a fragment or a frame that the object does not speak of.
    pub fn finish(&self) -> Result<(), NotAssembled> {
        let is_one_each = self.fragments == u64::from(self.frames);
        if self.begun != self.frames {
            return Err(NotAssembled("the compressed frames are more or fewer than Number of Frames says"));
        }
        if let Some([offsets, lengths]) = &self.extended {
            let is_whole = [offsets, lengths].iter().all(|table| table.has_numbers(self.frames, EXTENDED));
            if !is_one_each || !is_whole || !self.is_extended_exact || !self.basic.is_empty() {
                return Err(NotAssembled("the Extended Offset Table and the fragments differ"));
            }
        }
        let is_exact = self.is_basic_exact && self.basic.has_numbers(self.frames, BASIC);
        if !self.basic.is_empty() && !is_exact && !is_one_each {
            return Err(NotAssembled("the Basic Offset Table and the fragments differ"));
        }
        Ok(())
    }
}
