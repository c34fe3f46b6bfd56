//! What a data set does wrong and can still be read with (flow AC1.3 e): kept byte for byte, and reported with the place.

use std::fmt;

use dicom_core::VR;

use crate::path::ElementPath;

/// One irregularity and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Irregularity {
    /// The element.
    pub path: ElementPath,
    /// What is wrong with it.
    pub kind: IrregularityKind,
}

/// Kinds of irregularity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IrregularityKind {
    /// A value of odd length (PS3.5 7.1.1 asks for even ones).
    OddLength,
    /// A length that is no multiple of the VR's size (PS3.5 6.2).
    LengthOfVr(VR),
    /// A VR that PS3.5 6.2 does not list; read in the long form.
    UnknownVr,
    /// An implicit header amid explicit ones.
    ImplicitHeader,
    /// A sequence stored as UN (PS3.5 6.2.2), read as implicit VR little endian.
    UnSequence,
    /// A child that ends after the length of its item or sequence.
    BeyondParent,
    /// A tag that is not greater than the one before it (PS3.5 7.1).
    OutOfOrder,
    /// A delimiter whose length field is not zero.
    DelimiterLength,
    /// A delimiter that is missing, or stands where the length had already ended the item.
    Delimiter,
}

impl fmt::Display for Irregularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match self.kind {
            IrregularityKind::OddLength => f.write_str("odd length"),
            IrregularityKind::LengthOfVr(vr) => write!(f, "length does not fit VR {}", vr.to_string()),
            IrregularityKind::UnknownVr => f.write_str("unknown VR"),
            IrregularityKind::ImplicitHeader => f.write_str("implicit VR in an explicit VR data set"),
            IrregularityKind::UnSequence => f.write_str("sequence stored as UN"),
            IrregularityKind::BeyondParent => f.write_str("longer than the item or sequence around it"),
            IrregularityKind::OutOfOrder => f.write_str("tag out of order or repeated"),
            IrregularityKind::DelimiterLength => f.write_str("delimiter with a length"),
            IrregularityKind::Delimiter => f.write_str("delimiter missing or misplaced"),
        }
    }
}

/// The first irregularities of a data set, and how many there were in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Irregularities {
    first: Vec<Irregularity>,
    count: u64,
}

impl Irregularities {
    /// So many are kept with their path; the rest is counted.
    pub const KEPT: usize = 32;

    pub(crate) fn is_full(&self) -> bool {
        self.first.len() >= Self::KEPT
    }

    pub(crate) fn push(&mut self, path: impl FnOnce() -> ElementPath, kind: IrregularityKind) {
        self.count += 1;
        if !self.is_full() {
            self.first.push(Irregularity { path: path(), kind });
        }
    }

    /// The first [`Self::KEPT`], in the order of the data set.
    pub fn first(&self) -> &[Irregularity] {
        &self.first
    }

    /// How many there were in all.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether the data set was regular.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
