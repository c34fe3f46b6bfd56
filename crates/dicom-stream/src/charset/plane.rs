//! Characters of the code elements. No table is carried: each is built once, at first use, from an encoding of
//! `encoding_rs` that contains it, corrected where the WHATWG index differs from the national standard.

use std::sync::LazyLock;

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7,
    ISO_8859_8, ISO_8859_15, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

/// Characters of 0x80 to 0xFF, U+FFFD where none is assigned.
type Table = LazyLock<[char; 128]>;

pub(super) static LATIN_1: Table = LazyLock::new(|| upper_half(WINDOWS_1252));
pub(super) static LATIN_2: Table = LazyLock::new(|| upper_half(ISO_8859_2));
pub(super) static LATIN_3: Table = LazyLock::new(|| upper_half(ISO_8859_3));
pub(super) static LATIN_4: Table = LazyLock::new(|| upper_half(ISO_8859_4));
pub(super) static CYRILLIC: Table = LazyLock::new(|| upper_half(ISO_8859_5));
pub(super) static ARABIC: Table = LazyLock::new(|| upper_half(ISO_8859_6));
pub(super) static GREEK: Table = LazyLock::new(|| upper_half(ISO_8859_7));
pub(super) static HEBREW: Table = LazyLock::new(|| upper_half(ISO_8859_8));
/// ISO 8859-9: windows-1254 without its characters in the C1 area.
pub(super) static LATIN_5: Table = LazyLock::new(|| upper_half(WINDOWS_1254));
pub(super) static LATIN_9: Table = LazyLock::new(|| upper_half(ISO_8859_15));
/// TIS 620: windows-874 without its characters in the C1 area.
pub(super) static THAI: Table = LazyLock::new(|| upper_half(WINDOWS_874));
/// JIS X 0201 katakana lie in the same order in Unicode, from U+FF61.
pub(super) static KATAKANA: Table = LazyLock::new(|| {
    let katakana = '\u{FF61}'..='\u{FF9F}';
    let mut table = [char::REPLACEMENT_CHARACTER; 128];
    table.iter_mut().skip(0x21).zip(katakana).for_each(|(entry, c)| *entry = c);
    table
});

/// Bytes 0x80 to 0x9F are the C1 controls in every ISO 8859 set; windows-125x has characters there, so they are not asked.
fn upper_half(encoding: &'static Encoding) -> [char; 128] {
    std::array::from_fn(|index| match u8::try_from(index).map(|low| low | 0x80) {
        Ok(control @ 0x80..=0x9F) => char::from(control),
        Ok(byte) => one_char(encoding, &[byte]).unwrap_or(char::REPLACEMENT_CHARACTER),
        Err(_) => char::REPLACEMENT_CHARACTER,
    })
}

/// The single character that these bytes stand for.
fn one_char(encoding: &'static Encoding, bytes: &[u8]) -> Option<char> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// A set of 94 rows of 94 cells. Rows and cells are given as 7-bit bytes, 0x21 to 0x7E.
pub(super) struct Plane {
    /// By `94 × row + cell`; 0 where none is assigned. All characters are in the basic multilingual plane.
    characters: Vec<u16>,
    /// (character, row, cell), sorted: what may be written. Vendor extensions are read but never written.
    codes: Vec<(u16, u8, u8)>,
}

const FIRST: u8 = 0x21;
const LAST: u8 = 0x7E;

impl Plane {
    /// `read` gives the character of a row and cell, `standard` tells whether the standard assigns it (both 0x21 to 0x7E).
    fn build(read: impl Fn(u8, u8) -> Option<char>, standard: impl Fn(u8, u8) -> bool) -> Self {
        let mut plane = Self { characters: Vec::with_capacity(94 * 94), codes: Vec::with_capacity(94 * 94) };
        for row in FIRST..=LAST {
            for cell in FIRST..=LAST {
                let private = '\u{E000}'..='\u{F8FF}';
                let character =
                    read(row, cell).filter(|c| !private.contains(c)).and_then(|c| u16::try_from(c).ok());
                plane.characters.push(character.unwrap_or(0));
                plane.codes.extend(character.filter(|_| standard(row, cell)).map(|c| (c, row, cell)));
            }
        }
        plane.codes.sort_unstable();
        plane.codes.dedup_by_key(|(character, ..)| *character);
        plane
    }

    /// The character of two bytes in 0x21 to 0x7E.
    pub(super) fn char_at(&self, row: u8, cell: u8) -> Option<char> {
        let (row, cell) = (position(row)?, position(cell)?);
        let character = *self.characters.get(94 * row + cell)?;
        char::from_u32(u32::from(character)).filter(|&c| c != '\0')
    }

    /// The two bytes, 0x21 to 0x7E, of a character that the standard assigns.
    pub(super) fn code_of(&self, c: char) -> Option<[u8; 2]> {
        let c = u16::try_from(c).ok()?;
        let found = self.codes.binary_search_by_key(&c, |(character, ..)| *character).ok()?;
        self.codes.get(found).map(|&(_, row, cell)| [row, cell])
    }
}

#[cfg(test)]
impl Plane {
    /// Whether the standard assigns this place.
    pub(super) fn writes(&self, row: u8, cell: u8) -> bool {
        self.codes.iter().any(|code| (code.1, code.2) == (row, cell))
    }
}

fn position(byte: u8) -> Option<usize> {
    (FIRST..=LAST).contains(&byte).then(|| usize::from(byte - FIRST))
}

/// JIS X 0208. The WHATWG index holds the Microsoft mapping of six signs, and vendor characters in rows 13 and 89 to 92,
/// which Japanese names do use.
pub(super) static JIS_X_0208: LazyLock<Plane> = LazyLock::new(|| {
    let read = |row: u8, cell: u8| match (row, cell) {
        (0x21, 0x41) => Some('\u{301C}'),
        (0x21, 0x42) => Some('\u{2016}'),
        (0x21, 0x5D) => Some('\u{2212}'),
        (0x21, 0x71) => Some('\u{A2}'),
        (0x21, 0x72) => Some('\u{A3}'),
        (0x22, 0x4C) => Some('\u{AC}'),
        _ => one_char(EUC_JP, &[row | 0x80, cell | 0x80]),
    };
    Plane::build(read, |row, _| matches!(row - 0x20, 1..=8 | 16..=84))
});

/// JIS X 0212, in EUC-JP after 0x8F.
pub(super) static JIS_X_0212: LazyLock<Plane> = LazyLock::new(|| {
    Plane::build(|row, cell| one_char(EUC_JP, &[0x8F, row | 0x80, cell | 0x80]), |_, _| true)
});

/// KS X 1001, the part of EUC-KR with both bytes above 0xA0.
pub(super) static KS_X_1001: LazyLock<Plane> =
    LazyLock::new(|| Plane::build(|row, cell| one_char(EUC_KR, &[row | 0x80, cell | 0x80]), |_, _| true));

/// GB 2312, the part of GBK with both bytes above 0xA0; what GBK added there is read but not written.
pub(super) static GB_2312: LazyLock<Plane> = LazyLock::new(|| {
    Plane::build(
        |row, cell| one_char(GBK, &[row | 0x80, cell | 0x80]),
        |row, cell| match (row - 0x20, cell - 0x20) {
            (1 | 3 | 16..=54 | 56..=87, _) => true,
            (2, cell) => matches!(cell, 17..=66 | 69..=78 | 81..=92),
            (4, cell) => cell <= 83,
            (5, cell) => cell <= 86,
            (6, cell) => matches!(cell, 1..=24 | 33..=56),
            (7, cell) => matches!(cell, 1..=33 | 49..=81),
            (8, cell) => matches!(cell, 1..=26 | 37..=73),
            (9, cell) => matches!(cell, 4..=79),
            (55, cell) => cell <= 89,
            _ => false,
        },
    )
});
