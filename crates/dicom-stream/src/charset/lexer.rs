//! The state machine of ISO 2022 reading. Decoding and splitting both run on it, so they cannot disagree.

use dicom_core::VR;

use super::Fidelity;
use super::repertoire::{Element, G0, G1, High, Repertoire, designated};
use super::vr::is_delimiter;

/// What is designated to the two halves of the code table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Designation {
    pub(super) g0: G0,
    /// None: undefined, value 1 of (0008,0005) being the default repertoire.
    pub(super) g1: Option<G1>,
}

impl Designation {
    /// The state at the beginning of a value and after each delimiter (PS3.5 6.1.2.5.1).
    pub(super) fn initial(sets: &[&Repertoire]) -> Self {
        sets.first().map_or(Self { g0: G0::Ascii, g1: None }, |set| Self { g0: set.g0, g1: set.g1 })
    }
}

/// One step of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Char(char),
    /// A delimiter of the VR: `\`, or `^` and `=` in PN.
    Delimiter(u8),
    Escape,
    Unreadable,
}

pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    vr: VR,
    sets: &'a [&'static Repertoire],
    state: Designation,
    /// Read bytes above 0x7F by this while G1 is undefined: the first declared G1, else Latin-1.
    fallback: G1,
    fidelity: Fidelity,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(sets: &'a [&'static Repertoire], vr: VR, bytes: &'a [u8]) -> Self {
        let state = Designation::initial(sets);
        let fallback = sets.iter().find_map(|set| set.g1).unwrap_or(G1::Latin1);
        Self { bytes, at: 0, vr, sets, state, fallback, fidelity: Fidelity::Exact }
    }

    /// Offset of the next byte to read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn fidelity(&self) -> Fidelity {
        self.fidelity
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn take(&mut self, length: usize, unit: Unit) -> Option<Unit> {
        self.at += length;
        Some(unit)
    }

    fn unreadable(&mut self, length: usize) -> Option<Unit> {
        self.fidelity = Fidelity::Replaced;
        self.take(length, Unit::Unreadable)
    }

    fn reset(&mut self) {
        self.state = Designation::initial(self.sets);
    }

    fn escape(&mut self) -> Option<Unit> {
        let after = self.bytes.get(self.at + 1..).unwrap_or_default();
        let Some((element, length)) = designated(after) else { return self.unreadable(1) };
        let mut declared = self.sets.iter();
        let known = match element {
            Element::G0(g0) => {
                self.state.g0 = g0;
                g0 == G0::Ascii || declared.any(|set| set.g0 == g0)
            }
            Element::G1(g1) => {
                self.state.g1 = Some(g1);
                declared.any(|set| set.g1 == Some(g1))
            }
        };
        if !known {
            self.fidelity = self.fidelity.max(Fidelity::Assumed);
        }
        self.take(1 + length, Unit::Escape)
    }

    fn low(&mut self, byte: u8) -> Option<Unit> {
        if let Some(plane) = self.state.g0.plane() {
            let Some(cell @ 0x21..=0x7E) = self.peek(1) else { return self.unreadable(1) };
            return match plane.char_at(byte, cell) {
                Some(c) => self.take(2, Unit::Char(c)),
                None => self.unreadable(2),
            };
        }
        if is_delimiter(self.vr, byte) {
            self.reset();
            return self.take(1, Unit::Delimiter(byte));
        }
        let c = match (self.state.g0, byte) {
            (G0::Romaji, 0x5C) => '¥',
            (G0::Romaji, 0x7E) => '‾',
            _ => char::from(byte),
        };
        self.take(1, Unit::Char(c))
    }

    fn high(&mut self, byte: u8) -> Option<Unit> {
        // C1 controls are not allowed in text (PS3.5 6.1.3): the writer may have meant characters of windows-125x
        if self.state.g1.is_none() || byte < 0xA0 {
            self.fidelity = self.fidelity.max(Fidelity::Assumed);
        }
        match self.state.g1.unwrap_or(self.fallback).high() {
            High::Single(table) => match table.get(usize::from(byte & 0x7F)) {
                Some(&c) if c != char::REPLACEMENT_CHARACTER => self.take(1, Unit::Char(c)),
                _ => self.unreadable(1),
            },
            High::Double(plane) => {
                let cell = self.peek(1).filter(|cell| *cell >= 0xA1);
                match cell.and_then(|cell| plane.char_at(byte & 0x7F, cell & 0x7F)) {
                    Some(c) if byte >= 0xA1 => self.take(2, Unit::Char(c)),
                    _ => self.unreadable(1),
                }
            }
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        match self.peek(0)? {
            0x1B => self.escape(),
            // every control character ends a line, a page or a value part: PS3.5 6.1.2.5.3
            control @ 0x00..=0x1F => {
                self.reset();
                self.take(1, Unit::Char(char::from(control)))
            }
            plain @ (0x20 | 0x7F) => self.take(1, Unit::Char(char::from(plain))),
            byte @ 0x21..=0x7E => self.low(byte),
            byte => self.high(byte),
        }
    }
}
