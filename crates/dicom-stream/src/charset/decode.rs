//! Bytes to text.

use std::borrow::Cow;

use dicom_core::VR;

use super::lexer::{Designation, Lexer, Unit};
use super::repertoire::{G0, Repertoire};
use super::vr::uses_character_set;
use super::{CharacterSet, DEFAULT, Fidelity, Scheme, gb};

impl CharacterSet {
    /// The text of a value field, one value or several, padding included; U+FFFD for what cannot be read.
    ///
    /// A backslash in the result is a separator in every VR that has several values: in ISO-IR 14, where 0x5C is the yen
    /// sign, it still comes out as a backslash there. Text in ASCII is borrowed. Source: PS3.5 6.1.2.
    #[must_use]
    pub fn decode<'a>(&self, vr: VR, bytes: &'a [u8]) -> Cow<'a, str> {
        self.decode_checked(vr, bytes).0
    }

    /// As [`decode`](Self::decode), and how far the text can be trusted.
    #[must_use]
    pub fn decode_checked<'a>(&self, vr: VR, bytes: &'a [u8]) -> (Cow<'a, str>, Fidelity) {
        let set = if uses_character_set(vr) { self } else { &DEFAULT };
        match &set.scheme {
            Scheme::Iso2022(sets) => decode_iso_2022(sets, vr, bytes),
            Scheme::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => (Cow::Borrowed(text), Fidelity::Exact),
                Err(_) => (String::from_utf8_lossy(bytes), Fidelity::Replaced),
            },
            Scheme::Gb18030 | Scheme::Gbk => gb::decode(bytes),
        }
    }
}

fn decode_iso_2022<'a>(sets: &[&'static Repertoire], vr: VR, bytes: &'a [u8]) -> (Cow<'a, str>, Fidelity) {
    if let Some(text) = plain_ascii(sets, bytes) {
        return (Cow::Borrowed(text), Fidelity::Exact);
    }
    let mut text = String::with_capacity(bytes.len());
    let mut lexer = Lexer::new(sets, vr, bytes);
    for unit in lexer.by_ref() {
        match unit {
            Unit::Char(c) => text.push(c),
            Unit::Delimiter(byte) => text.push(char::from(byte)),
            Unit::Unreadable => text.push(char::REPLACEMENT_CHARACTER),
            Unit::Escape => {}
        }
    }
    (Cow::Owned(text), lexer.fidelity())
}

/// The bytes as text, if they mean in the initial state what they mean in ASCII, and do not leave that state.
pub(super) fn plain_ascii<'a>(sets: &[&'static Repertoire], bytes: &'a [u8]) -> Option<&'a str> {
    let romaji = Designation::initial(sets).g0 == G0::Romaji;
    let plain = bytes.is_ascii()
        && !bytes.contains(&0x1B)
        && !(romaji && (bytes.contains(&0x5C) || bytes.contains(&0x7E)));
    if plain { std::str::from_utf8(bytes).ok() } else { None }
}
