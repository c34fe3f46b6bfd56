//! Text to bytes.

use dicom_core::VR;
use encoding_rs::{GB18030, GBK};

use super::decode::plain_ascii;
use super::lexer::Designation;
use super::repertoire::{Code, Element, Repertoire};
use super::vr::{is_delimiter, uses_character_set};
use super::{CharacterSet, DEFAULT, Scheme, gb};

/// The text has a character that the character set cannot hold.
///
/// The caller writes the data set in another one, [`CharacterSet::utf8`] being able to hold every text, and
/// re-encodes its other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the character at byte {offset} of the text is not in the Specific Character Set: write the data set in ISO_IR 192"
)]
#[non_exhaustive]
pub struct Unencodable {
    /// Where the character begins, in bytes of the text in UTF-8.
    pub offset: usize,
}

impl CharacterSet {
    /// The bytes of a text, one value or several separated by backslashes, without padding.
    ///
    /// With code extensions, escape sequences are added, and the initial repertoire is made active again before each
    /// delimiter and at the end (PS3.5 6.1.2.5.3). What is written decodes to the same text.
    ///
    /// # Errors
    /// [`Unencodable`]: nothing is replaced silently. An ESC is never encodable with ISO 2022: it would change the state
    /// of the reader.
    pub fn encode(&self, vr: VR, text: &str) -> Result<Vec<u8>, Unencodable> {
        let set = if uses_character_set(vr) { self } else { &DEFAULT };
        match &set.scheme {
            Scheme::Iso2022(sets) if plain_ascii(sets, text.as_bytes()).is_some() => {
                Ok(text.as_bytes().to_vec())
            }
            Scheme::Iso2022(sets) => Iso2022Encoder::new(sets, vr, text.len()).encode(text),
            Scheme::Utf8 => Ok(text.as_bytes().to_vec()),
            Scheme::Gb18030 => gb::encode(GB18030, text),
            Scheme::Gbk => match text.find('€') {
                // code page 936 has it at 0x80, GBK has not
                Some(offset) => Err(Unencodable { offset }),
                None => gb::encode(GBK, text),
            },
        }
    }
}

struct Iso2022Encoder<'a> {
    sets: &'a [&'static Repertoire],
    vr: VR,
    initial: Designation,
    state: Designation,
    out: Vec<u8>,
}

impl<'a> Iso2022Encoder<'a> {
    fn new(sets: &'a [&'static Repertoire], vr: VR, length: usize) -> Self {
        let initial = Designation::initial(sets);
        Self { sets, vr, initial, state: initial, out: Vec::with_capacity(length) }
    }

    fn encode(mut self, text: &str) -> Result<Vec<u8>, Unencodable> {
        for (offset, c) in text.char_indices() {
            let placed = match c {
                '\x1B' => false,
                '\0'..='\x1F' => self.delimit(c),
                ' ' | '\x7F' => self.between(c),
                _ if u8::try_from(c).is_ok_and(|code| is_delimiter(self.vr, code)) => self.delimit(c),
                _ => self.place(c),
            };
            if !placed {
                return Err(Unencodable { offset });
            }
        }
        self.return_to_initial();
        Ok(self.out)
    }

    fn append(&mut self, code: Code) -> bool {
        code.append_to(&mut self.out);
        true
    }

    /// A blank stands in a single-byte set: a set of two bytes does not have it, and some readers take it for half of a character.
    fn between(&mut self, c: char) -> bool {
        if self.state.g0.plane().is_some() {
            self.designate(Element::G0(self.initial.g0));
        }
        self.append(Code::One(u8::try_from(c).unwrap_or(b' ')))
    }

    fn delimit(&mut self, c: char) -> bool {
        self.return_to_initial();
        u8::try_from(c).is_ok_and(|byte| self.append(Code::One(byte)))
    }

    /// Puts a graphic character, if possible without changing the designation.
    fn place(&mut self, c: char) -> bool {
        let current = [Some(Element::G0(self.state.g0)), self.state.g1.map(Element::G1)];
        let initial = [Some(Element::G0(self.initial.g0)), self.initial.g1.map(Element::G1)];
        let declared = self.sets.iter().flat_map(|set| [Some(Element::G0(set.g0)), set.g1.map(Element::G1)]);
        let candidates = current.into_iter().chain(initial).chain(declared).flatten();
        for element in candidates {
            match element.encode(c) {
                // a yen sign would be read as the separator of values
                Some(Code::One(byte)) if is_delimiter(self.vr, byte) => {}
                Some(code) => {
                    self.designate(element);
                    return self.append(code);
                }
                None => {}
            }
        }
        false
    }

    fn designate(&mut self, element: Element) {
        let active = match element {
            Element::G0(g0) => std::mem::replace(&mut self.state.g0, g0) == g0,
            Element::G1(g1) => self.state.g1.replace(g1) == Some(g1),
        };
        if !active {
            element.append_escape(&mut self.out);
        }
    }

    /// An undefined G1 cannot be designated again: the reader's reset at the delimiter does it.
    fn return_to_initial(&mut self) {
        self.designate(Element::G0(self.initial.g0));
        if let Some(g1) = self.initial.g1 {
            self.designate(Element::G1(g1));
        }
        self.state = self.initial;
    }
}
