//! Frames out of the fragments of encapsulated pixel data (PS3.5 A.4).

mod index;

pub use index::FrameIndex;

/// Puts fragments together, of tables that [`FrameIndex`] compares. A frame is one fragment, or what the Basic Offset Table says; a single frame is all of them.
#[derive(Debug)]
pub struct Assembler {
    frames: u32,
    /// Greatest size of a compressed frame.
    limit: usize,
    /// Starts of frames but the first, counted from the first byte after the table; the next one last.
    starts: Vec<u64>,
    /// Fragments seen, the table included.
    fragments: u64,
    /// Bytes of fragments passed, their headers included.
    passed: u64,
    table: Vec<u8>,
    frame: Vec<u8>,
}

/// Why frames cannot be told apart: hold the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAssembled(pub &'static str);

/// Bytes of the header of a fragment.
const HEADER: u64 = 8;

impl Assembler {
    /// For so many frames, each of at most `limit` bytes compressed.
    #[must_use]
    pub fn new(frames: u32, limit: usize) -> Self {
        Self {
            frames,
            limit,
            starts: Vec::new(),
            fragments: 0,
            passed: 0,
            table: Vec::new(),
            frame: Vec::new(),
        }
    }

    /// A fragment of so many bytes begins, the offset table first: the frame before it, if that ends here.
    pub fn begin(&mut self, length: u32) -> Option<Vec<u8>> {
        let complete = self.complete_before(u64::from(length));
        self.fragments += 1;
        complete
    }

    /// Bytes of the fragment.
    ///
    /// # Errors
    /// [`NotAssembled`]: more of them than a frame or the table may have.
    pub fn bytes(&mut self, piece: &[u8]) -> Result<(), NotAssembled> {
        let (into, limit) = match self.fragments {
            1 => (&mut self.table, (self.frames as usize).saturating_mul(4)),
            _ => (&mut self.frame, self.limit),
        };
        if into.len() + piece.len() > limit {
            return Err(NotAssembled("a compressed frame or the offset table is too large"));
        }
        into.extend_from_slice(piece);
        Ok(())
    }

    /// The fragment ends.
    pub fn end(&mut self) {
        if self.fragments == 1 {
            let offsets = self.table.chunks_exact(4).filter_map(|bytes| <[u8; 4]>::try_from(bytes).ok());
            self.starts = offsets.skip(1).map(|bytes| u64::from(u32::from_le_bytes(bytes))).collect();
            self.starts.reverse();
        }
    }

    /// All fragments have passed: the last frame.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        (!self.frame.is_empty()).then(|| std::mem::take(&mut self.frame))
    }

    fn complete_before(&mut self, length: u64) -> Option<Vec<u8>> {
        if self.fragments == 0 {
            return None;
        }
        let at = self.passed;
        self.passed += HEADER + length;
        let is_next = match self.starts.last() {
            Some(start) => *start == at,
            None => self.frames > 1 && self.table.is_empty() && at > 0,
        };
        if !is_next {
            return None;
        }
        self.starts.pop();
        Some(std::mem::take(&mut self.frame))
    }
}
