//! The rows of PS3.3 Tables C.12-2 to C.12-4: code elements, their escape sequences, their characters.

use super::plane::{self, Plane};

/// A code element in G0: bytes 0x21 to 0x7E.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum G0 {
    /// ISO-IR 6.
    Ascii,
    /// ISO-IR 14, JIS X 0201 romaji: yen sign at 0x5C, overline at 0x7E.
    Romaji,
    /// ISO-IR 87, two bytes.
    JisX0208,
    /// ISO-IR 159, two bytes.
    JisX0212,
}

/// A code element in G1: bytes from 0xA0 (0x80 to 0x9F are the C1 controls).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum G1 {
    Latin1,
    Latin2,
    Latin3,
    Latin4,
    Latin5,
    Latin9,
    Cyrillic,
    Arabic,
    Greek,
    Hebrew,
    Thai,
    /// ISO-IR 13, JIS X 0201 katakana.
    Katakana,
    /// ISO-IR 149, two bytes.
    KsX1001,
    /// ISO-IR 58, two bytes.
    Gb2312,
}

/// One row: an ISO registration number as it appears in the defined terms, and what it designates.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repertoire {
    pub(super) number: u16,
    pub(super) g0: G0,
    pub(super) g1: Option<G1>,
    /// Has no term `ISO_IR n` and cannot be value 1 (Table C.12-4).
    pub(super) multi_byte: bool,
}

const fn single(number: u16, g0: G0, g1: Option<G1>) -> Repertoire {
    Repertoire { number, g0, g1, multi_byte: false }
}

const fn multi(number: u16, g0: G0, g1: Option<G1>) -> Repertoire {
    Repertoire { number, g0, g1, multi_byte: true }
}

/// PS3.3 Tables C.12-2, C.12-3 and C.12-4.
pub(super) static REPERTOIRES: [Repertoire; 17] = [
    single(6, G0::Ascii, None),
    single(100, G0::Ascii, Some(G1::Latin1)),
    single(101, G0::Ascii, Some(G1::Latin2)),
    single(109, G0::Ascii, Some(G1::Latin3)),
    single(110, G0::Ascii, Some(G1::Latin4)),
    single(144, G0::Ascii, Some(G1::Cyrillic)),
    single(127, G0::Ascii, Some(G1::Arabic)),
    single(126, G0::Ascii, Some(G1::Greek)),
    single(138, G0::Ascii, Some(G1::Hebrew)),
    single(148, G0::Ascii, Some(G1::Latin5)),
    single(203, G0::Ascii, Some(G1::Latin9)),
    single(13, G0::Romaji, Some(G1::Katakana)),
    single(166, G0::Ascii, Some(G1::Thai)),
    multi(87, G0::JisX0208, None),
    multi(159, G0::JisX0212, None),
    multi(149, G0::Ascii, Some(G1::KsX1001)),
    multi(58, G0::Ascii, Some(G1::Gb2312)),
];

/// The row of a registration number.
pub(super) fn by_number(number: u16) -> Option<&'static Repertoire> {
    REPERTOIRES.iter().find(|row| row.number == number)
}

/// Either half of the code table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    G0(G0),
    G1(G1),
}

/// Escape sequences after the ESC (0x1B), PS3.3 Tables C.12-3 and C.12-4. None is the beginning of another.
const ESCAPES: [(Element, &[u8]); 18] = [
    (Element::G0(G0::Ascii), b"(B"),
    (Element::G0(G0::Romaji), b"(J"),
    (Element::G0(G0::JisX0208), b"$B"),
    (Element::G0(G0::JisX0212), b"$(D"),
    (Element::G1(G1::Latin1), b"-A"),
    (Element::G1(G1::Latin2), b"-B"),
    (Element::G1(G1::Latin3), b"-C"),
    (Element::G1(G1::Latin4), b"-D"),
    (Element::G1(G1::Cyrillic), b"-L"),
    (Element::G1(G1::Arabic), b"-G"),
    (Element::G1(G1::Greek), b"-F"),
    (Element::G1(G1::Hebrew), b"-H"),
    (Element::G1(G1::Latin5), b"-M"),
    (Element::G1(G1::Latin9), b"-b"),
    (Element::G1(G1::Thai), b"-T"),
    (Element::G1(G1::Katakana), b")I"),
    (Element::G1(G1::KsX1001), b"$)C"),
    (Element::G1(G1::Gb2312), b"$)A"),
];

/// The element that the bytes after an ESC designate, and how many they are.
pub(super) fn designated(after_escape: &[u8]) -> Option<(Element, usize)> {
    let (element, sequence) = ESCAPES.iter().find(|(_, sequence)| after_escape.starts_with(sequence))?;
    Some((*element, sequence.len()))
}

/// The code of one character: one or two bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Code {
    One(u8),
    Two([u8; 2]),
}

impl Code {
    pub(super) fn append_to(self, out: &mut Vec<u8>) {
        match self {
            Self::One(byte) => out.push(byte),
            Self::Two(bytes) => out.extend_from_slice(&bytes),
        }
    }
}

impl Element {
    /// Appends the sequence that designates this element.
    pub(super) fn append_escape(self, out: &mut Vec<u8>) {
        if let Some((_, sequence)) = ESCAPES.iter().find(|(element, _)| *element == self) {
            out.push(0x1B);
            out.extend_from_slice(sequence);
        }
    }

    pub(super) fn encode(self, c: char) -> Option<Code> {
        match self {
            Self::G0(g0) => g0.encode(c),
            Self::G1(g1) => g1.encode(c),
        }
    }
}

impl G0 {
    pub(super) fn plane(self) -> Option<&'static Plane> {
        match self {
            Self::Ascii | Self::Romaji => None,
            Self::JisX0208 => Some(&plane::JIS_X_0208),
            Self::JisX0212 => Some(&plane::JIS_X_0212),
        }
    }

    fn encode(self, c: char) -> Option<Code> {
        match (self, c) {
            (Self::Romaji, '¥') => Some(Code::One(0x5C)),
            (Self::Romaji, '‾') => Some(Code::One(0x7E)),
            (Self::Romaji, '\\' | '~') => None,
            (Self::Ascii | Self::Romaji, '!'..='~') => u8::try_from(c).ok().map(Code::One),
            _ => self.plane()?.code_of(c).map(Code::Two),
        }
    }
}

/// The two forms of a G1 element.
pub(super) enum High {
    /// Characters of 0x80 to 0xFF; U+FFFD where none is assigned.
    Single(&'static [char; 128]),
    Double(&'static Plane),
}

impl G1 {
    pub(super) fn high(self) -> High {
        match self {
            Self::Latin1 => High::Single(&plane::LATIN_1),
            Self::Latin2 => High::Single(&plane::LATIN_2),
            Self::Latin3 => High::Single(&plane::LATIN_3),
            Self::Latin4 => High::Single(&plane::LATIN_4),
            Self::Latin5 => High::Single(&plane::LATIN_5),
            Self::Latin9 => High::Single(&plane::LATIN_9),
            Self::Cyrillic => High::Single(&plane::CYRILLIC),
            Self::Arabic => High::Single(&plane::ARABIC),
            Self::Greek => High::Single(&plane::GREEK),
            Self::Hebrew => High::Single(&plane::HEBREW),
            Self::Thai => High::Single(&plane::THAI),
            Self::Katakana => High::Single(&plane::KATAKANA),
            Self::KsX1001 => High::Double(&plane::KS_X_1001),
            Self::Gb2312 => High::Double(&plane::GB_2312),
        }
    }

    fn encode(self, c: char) -> Option<Code> {
        if c < '\u{A0}' || c == char::REPLACEMENT_CHARACTER {
            return None;
        }
        match self.high() {
            High::Single(table) => {
                let index = table.iter().position(|&entry| entry == c)?;
                Some(Code::One(0x80 | u8::try_from(index).ok()?))
            }
            High::Double(plane) => plane.code_of(c).map(|[row, cell]| Code::Two([row | 0x80, cell | 0x80])),
        }
    }
}
