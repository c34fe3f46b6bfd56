//! Character repertoires of Specific Character Set (0008,0005): bytes to text, text to bytes, and the places where
//! one value of an element ends and the next begins.
//!
//! Source: PS3.3 C.12.1.1.2 (2026) for the repertoires, PS3.5 6.1.2 for code extensions. Reading never fails; writing
//! fails instead of losing a character. [`CharacterSet`] is the type to read first.

mod decode;
mod encode;
mod forms;
mod gb;
mod levels;
mod lexer;
mod parse;
mod plane;
mod repertoire;
mod split;
#[cfg(test)]
mod tests;
mod vr;

pub use encode::Unencodable;
pub use forms::byte_forms;
pub use levels::CharacterSets;
pub use parse::Problem;
pub use split::SplitValues;
pub use vr::{separates_values, uses_character_set};

use repertoire::Repertoire;

/// The character repertoires in force for one data set or item.
///
/// The default is the default repertoire (ISO-IR 6): that is what an absent or empty (0008,0005) means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CharacterSet {
    scheme: Scheme,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scheme {
    /// The repertoires in the order of (0008,0005); empty for the default repertoire. The first is a single-byte one.
    Iso2022(Vec<&'static Repertoire>),
    Utf8,
    Gb18030,
    Gbk,
}

impl Default for Scheme {
    fn default() -> Self {
        Self::Iso2022(Vec::new())
    }
}

/// What every VR outside [`uses_character_set`] is written in.
static DEFAULT: CharacterSet = CharacterSet { scheme: Scheme::Iso2022(Vec::new()) };

/// How far a decoded text can be trusted. Ordered: the worst of a text is its fidelity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fidelity {
    /// Every byte was read by what (0008,0005) declares.
    Exact,
    /// Something that the declaration does not cover was read by the likeliest repertoire: bytes above 0x7F in the
    /// default repertoire, C1 controls, or an escape sequence of a repertoire that is not declared. Another reader may see
    /// another text.
    Assumed,
    /// At least one place could not be read and is U+FFFD. The text must not be written back.
    Replaced,
}

impl CharacterSet {
    /// Unicode in UTF-8, `ISO_IR 192`: able to hold any text, hence the set to change to when [`encode`](Self::encode) fails.
    #[must_use]
    pub const fn utf8() -> Self {
        Self { scheme: Scheme::Utf8 }
    }

    /// The value of (0008,0005) that declares this set, in defined terms, without padding; empty for the default repertoire.
    #[must_use]
    pub fn value(&self) -> String {
        match &self.scheme {
            Scheme::Utf8 => "ISO_IR 192".to_owned(),
            Scheme::Gb18030 => "GB18030".to_owned(),
            Scheme::Gbk => "GBK".to_owned(),
            Scheme::Iso2022(sets) => match sets.as_slice() {
                [] | [Repertoire { number: 6, .. }] => String::new(),
                [single] => format!("ISO_IR {}", single.number),
                several => several
                    .iter()
                    .map(|set| format!("ISO 2022 IR {}", set.number))
                    .collect::<Vec<_>>()
                    .join("\\"),
            },
        }
    }
}
