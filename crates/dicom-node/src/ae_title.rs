//! Application entity titles: PS3.5 §6.2 (VR AE), PS3.8 §9.3.2.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An application entity title: 1 to 16 characters of the default repertoire, without backslash, control characters
/// and outer spaces. Compared case-sensitively.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AeTitle(String);

/// The text is not a legal application entity title (PS3.5 §6.2): correct the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an AE title has 1 to 16 ASCII characters, no backslash, no control character; correct it")]
pub struct InvalidAeTitle;

impl AeTitle {
    /// Checks `text`; outer spaces are not significant.
    ///
    /// # Errors
    /// [`InvalidAeTitle`] when it is empty, too long, or has characters that PS3.5 does not allow.
    pub fn new(text: &str) -> Result<Self, InvalidAeTitle> {
        let text = text.trim_matches(' ');
        let legal = text.bytes().all(|b| (0x20..0x7F).contains(&b) && b != b'\\');
        if text.is_empty() || text.len() > 16 || !legal {
            return Err(InvalidAeTitle);
        }
        Ok(Self(text.to_owned()))
    }

    /// A title as a peer wrote it. Illegal characters become U+FFFD, so that such a title is equal to no legal one and
    /// can be shown; it may be empty.
    pub(crate) fn received(text: &str) -> Self {
        let text = text.trim_matches([' ', '\0']);
        let shown =
            |c: char| if (' '..='~').contains(&c) && c != '\\' { c } else { char::REPLACEMENT_CHARACTER };
        Self(text.chars().take(16).map(shown).collect())
    }

    /// The title of this product where none is configured: `RESEARCHPACS`.
    pub fn own() -> Self {
        Self("RESEARCHPACS".to_owned())
    }

    /// The title without padding.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for AeTitle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for AeTitle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_titles() {
        assert_eq!(AeTitle::new("  PACS 1 ").unwrap().as_str(), "PACS 1");
        for bad in ["", "   ", "A\\B", "12345678901234567", "É", "A\tB"] {
            assert_eq!(AeTitle::new(bad), Err(InvalidAeTitle), "{bad:?}");
        }
    }

    #[test]
    fn a_received_title_never_equals_a_legal_one_by_its_illegal_characters() {
        assert_eq!(AeTitle::received("PACS \0\0"), AeTitle::new("PACS").unwrap());
        assert_ne!(AeTitle::received("A\\B"), AeTitle::new("A?B").unwrap());
        assert_eq!(AeTitle::received("").as_str(), "");
    }
}
