//! Where the values of an element begin and end.

use std::ops::Range;

use dicom_core::VR;

use super::lexer::{Lexer, Unit};
use super::vr::{separates_values, uses_character_set};
use super::{CharacterSet, DEFAULT, Scheme, gb};

impl CharacterSet {
    /// The ranges of the values in a value field, in order, separators excluded, padding included.
    ///
    /// A byte 0x5C inside a character of two or more bytes does not separate. There is always at least one range; an
    /// empty value field gives an empty one. The bytes between two ranges are one 0x5C, so joining gives the field back.
    /// Each range decodes alone as it does in the whole. Source: PS3.5 6.2 and 6.1.2.5.3.
    pub fn split_values<'a>(&'a self, vr: VR, bytes: &'a [u8]) -> SplitValues<'a> {
        let set = if uses_character_set(vr) { self } else { &DEFAULT };
        let cursor = match &set.scheme {
            _ if !separates_values(vr) || !bytes.contains(&b'\\') => Cursor::None,
            Scheme::Utf8 => Cursor::Bytes { at: 0 },
            Scheme::Gb18030 | Scheme::Gbk => Cursor::Gb { at: 0 },
            Scheme::Iso2022(sets) => Cursor::Iso2022(Lexer::new(sets, vr, bytes)),
        };
        SplitValues { bytes, start: Some(0), cursor }
    }
}

/// Iterator of [`CharacterSet::split_values`]. Allocates nothing.
pub struct SplitValues<'a> {
    bytes: &'a [u8],
    /// Where the next value begins; none after the last.
    start: Option<usize>,
    cursor: Cursor<'a>,
}

enum Cursor<'a> {
    None,
    Bytes { at: usize },
    Gb { at: usize },
    Iso2022(Lexer<'a>),
}

impl Iterator for SplitValues<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.start?;
        let end = self.cursor.next_separator(self.bytes);
        self.start = end.map(|end| end + 1);
        Some(start..end.unwrap_or(self.bytes.len()))
    }
}

impl Cursor<'_> {
    fn next_separator(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Bytes { at } => next_separator(bytes, at, |_| 1),
            Self::Gb { at } => next_separator(bytes, at, gb::length),
            Self::Iso2022(lexer) => {
                lexer.find(|unit| *unit == Unit::Delimiter(b'\\'))?;
                lexer.at().checked_sub(1)
            }
        }
    }
}

/// Steps from character to character; `at` is left behind the separator.
fn next_separator(bytes: &[u8], at: &mut usize, length: impl Fn(&[u8]) -> usize) -> Option<usize> {
    while let Some(rest @ [first, ..]) = bytes.get(*at..) {
        let here = *at;
        *at += length(rest);
        if *first == b'\\' {
            return Some(here);
        }
    }
    None
}
