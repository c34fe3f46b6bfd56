//! The action `hash` of a rule: what of a value becomes a token, and within what equal values stay equal (K-97, K-98, K-103).

use std::fmt;

use dicom_core::VR;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::is_false;
use crate::deidentify::PseudonymSource;
use crate::survey::OriginalUids;

/// How a value becomes a token: `8`, or `{ digits = 8, words = true, ignore_case = true, prefix = "ANON-", scope = "study" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Hash {
    /// Hex digits of a token, 8 to 32.
    pub digits: u8,
    /// Whether each word gets a token of its own; what stands between words becomes one blank.
    #[serde(default, skip_serializing_if = "is_false")]
    pub words: bool,
    /// Whether capitals and small letters are the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_case: bool,
    /// What stands before each token.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Within what equal values get equal tokens.
    #[serde(default, skip_serializing_if = "Scope::is_patient")]
    pub scope: Scope,
}

/// Within what equal values get equal tokens; never beyond one participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All objects of the participant.
    #[default]
    Patient,
    /// One study.
    Study,
    /// One series.
    Series,
    /// One instance.
    Instance,
}

impl Scope {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    fn is_patient(&self) -> bool {
        *self == Self::Patient
    }

    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Study => "study",
            Self::Series => "series",
            Self::Instance => "instance",
        }
    }
}

/// Characters of the longest prefix.
const PREFIX_MAX: usize = 32;

impl Hash {
    /// So many digits of the token of the whole value, within the participant.
    #[must_use]
    pub fn of(digits: u8) -> Self {
        Self { digits, words: false, ignore_case: false, prefix: String::new(), scope: Scope::Patient }
    }

    /// What is wrong with it, whatever it is applied to.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        let is_printable = self.prefix.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\');
        if !(8..=32).contains(&self.digits) {
            Some("hash: 8 to 32 digits")
        } else if self.prefix.len() > PREFIX_MAX || !is_printable {
            Some("hash: a prefix is 32 printable ASCII characters at most, and no backslash")
        } else {
            None
        }
    }

    /// Whether values of this VR hold a token.
    pub(super) fn fits(&self, vr: VR) -> bool {
        match vr {
            VR::SH => usize::from(self.digits) + self.prefix.len() <= 16,
            _ => matches!(vr, VR::LO | VR::LT | VR::ST | VR::UC | VR::UT),
        }
    }

    /// What takes the place of the value; `None` where the object has no UID of the scope.
    pub(super) fn replaced(&self, value: &str, keys: &TokenKeys<'_>) -> Option<String> {
        let token = |text: &str| {
            let folded = if self.ignore_case { text.to_lowercase() } else { text.to_owned() };
            let token: String =
                keys.token(self.scope, &folded)?.chars().take(usize::from(self.digits)).collect();
            Some(format!("{}{token}", self.prefix))
        };
        if !self.words {
            return token(value);
        }
        let words = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        Some(words.map(token).collect::<Option<Vec<_>>>()?.join(" "))
    }
}

/// What tokens of one object follow from beside the value.
pub(crate) struct TokenKeys<'a> {
    pub(crate) source: &'a dyn PseudonymSource,
    pub(crate) uids: &'a OriginalUids,
    pub(crate) sop_instance: &'a str,
}

impl TokenKeys<'_> {
    /// Within a narrower scope the value's token follows from the token of that scope's UID, which nobody can make without the key.
    fn token(&self, scope: Scope, value: &str) -> Option<String> {
        let uid = match scope {
            Scope::Patient => return Some(self.source.token(value)),
            Scope::Study => &self.uids.study,
            Scope::Series => &self.uids.series,
            Scope::Instance => self.sop_instance,
        };
        let key = self.source.token(&format!("{}:{uid}", scope.word()));
        (!uid.is_empty()).then(|| self.source.token(&format!("{key}:{value}")))
    }
}

impl Serialize for Hash {
    /// The number alone where nothing else is said: profiles written before keep their content hash.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::of(self.digits) {
            return serializer.serialize_u8(self.digits);
        }
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

/// A number or a table.
struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Hash;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of digits, or a table with digits")
    }

    fn visit_i64<E: Error>(self, digits: i64) -> Result<Hash, E> {
        u8::try_from(digits).map(Hash::of).map_err(|_| E::custom("hash: 8 to 32 digits"))
    }

    fn visit_u64<E: Error>(self, digits: u64) -> Result<Hash, E> {
        u8::try_from(digits).map(Hash::of).map_err(|_| E::custom("hash: 8 to 32 digits"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Hash, A::Error> {
        Hash::deserialize(MapAccessDeserializer::new(map))
    }
}
