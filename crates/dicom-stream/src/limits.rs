//! What a data set may cost at most. A required argument of every reader: nothing here has an "unlimited".

/// Bounds of one data set. Beyond a bound the reader ends with the error that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nested sequences, at most [`Limits::DEPTH_MAX`].
    pub depth: usize,
    /// Bytes of the longest value that is delivered whole; longer ones are delivered as bulk, in pieces.
    pub value: usize,
    /// Bytes of the whole data set, after inflation.
    pub total: u64,
    /// Element and item headers in the whole data set.
    pub elements: u64,
}

impl Limits {
    /// No setting allows deeper nesting than this.
    pub const DEPTH_MAX: usize = 1024;

    /// For objects of a peer: depth 64, values up to 64 KiB whole, 16 GiB, 16 million elements.
    pub const INSTANCE: Self = Self { depth: 64, value: 64 << 10, total: 16 << 30, elements: 16 << 20 };

    /// For query identifiers and other small data sets: depth 16, 1 MiB in all, 10,000 elements.
    pub const IDENTIFIER: Self = Self { depth: 16, value: 64 << 10, total: 1 << 20, elements: 10_000 };
}
