//! Codes: the pseudonym of a participant, random or assigned, and the checks that it shows no identity (C13).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::VaultError;
use crate::identity_check::{self, KnownIdentity};
use crate::prf::{number, random_key};

/// Digits and capitals without 0 O 1 I L (mistaken for one another) and without vowels (no word, no name by chance).
const ALPHABET: &[u8; 28] = b"23456789BCDFGHJKMNPQRSTVWXYZ";
const BASE: u8 = ALPHABET.len() as u8;
/// 28^8 = 3.8 × 10^11 codes, 38 bits.
const RANDOM_LENGTH: usize = 8;
/// Length of Patient ID and Clinical Trial Subject ID (VR LO, PS3.5 §6.2).
const LONGEST: usize = 64;

/// The code of a participant: what stands in Patient ID and (0012,0040) of the objects that leave.
///
/// It is a personal datum and belongs in no log, message or event (DEC-F): no `Display`, a redacting `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Code(String);

impl Code {
    /// A code that the sponsor assigned: 1 to 64 of the characters `A–Z a–z 0–9 . _ -`, the first a letter or digit, so that it
    /// is at home in an LO value, a file name and a URL.
    ///
    /// # Errors
    /// [`CodeError::Malformed`].
    pub fn assigned(text: &str) -> Result<Self, CodeError> {
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let all = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if first && all && text.len() <= LONGEST {
            Ok(Self(text.to_owned()))
        } else {
            Err(CodeError::Malformed)
        }
    }

    /// A new random code that shows nothing of what is known of the person.
    pub(crate) fn random(prefix: &CodePrefix, known: &KnownIdentity<'_>) -> Result<Self, VaultError> {
        // two letters that happen to be the initials: about one code in a hundred is drawn again
        for _ in 0..64 {
            let code = from_number(prefix, number(&random_key()?));
            if identity_check::of_random_part(code.body(prefix), known).is_ok() {
                return Ok(code);
            }
        }
        Err(VaultError::NoFreeCode)
    }

    /// The text that goes into the data set.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn body(&self, prefix: &CodePrefix) -> &str {
        self.0.strip_prefix(prefix.0.as_str()).unwrap_or(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Code(..)")
    }
}

/// What precedes the random part of each code of a project; may be empty. At most 16 of `A–Z 0–9 . _ -`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodePrefix(String);

impl CodePrefix {
    /// Checks a prefix.
    ///
    /// # Errors
    /// [`CodeError::Malformed`]: correct the configuration.
    pub fn new(text: &str) -> Result<Self, CodeError> {
        let first = text.bytes().next().is_none_or(|byte| byte.is_ascii_alphanumeric());
        let all = text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"._-".contains(&byte));
        if first && all && text.len() <= 16 { Ok(Self(text.to_owned())) } else { Err(CodeError::Malformed) }
    }
}

impl TryFrom<String> for CodePrefix {
    type Error = CodeError;

    fn try_from(text: String) -> Result<Self, CodeError> {
        Self::new(&text)
    }
}

impl From<CodePrefix> for String {
    fn from(prefix: CodePrefix) -> Self {
        prefix.0
    }
}

/// Where the codes of a project come from (F6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeScheme {
    /// Drawn by us; an assigned code of the inclusion list goes before.
    Random(CodePrefix),
    /// Only from the inclusion list or an imported correspondence; a participant without one is quarantined.
    Assigned,
}

impl Default for CodeScheme {
    fn default() -> Self {
        Self::Random(CodePrefix::default())
    }
}

/// Why a code is refused; never names the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// Correct the list.
    #[error("a code has 1 to 64 of the characters A-Z a-z 0-9 . _ - and begins with a letter or digit")]
    Malformed,
    /// Let the sponsor assign another code (C13).
    #[error("the code holds the patient id")]
    ShowsPatientId,
    /// Let the sponsor assign another code (C13).
    #[error("the code holds a part of the name")]
    ShowsName,
    /// Let the sponsor assign another code (C13).
    #[error("the code holds the initials")]
    ShowsInitials,
    /// Let the sponsor assign another code (C13).
    #[error("the code holds a birth date, or digits that read as one")]
    ShowsBirthDate,
    /// Correct the list: one code, one participant (capitals and small letters are the same).
    #[error("the code belongs to another participant")]
    InUse,
    /// Correct the list: one participant, one code.
    #[error("the participant already has another code")]
    AlreadyCoded,
    /// Add the participant's code to the inclusion list.
    #[error("the project assigns its codes and has none for this participant")]
    Missing,
}

/// Prefix, eight characters drawn by `number` and the check character over them.
pub(crate) fn from_number(prefix: &CodePrefix, mut number: u128) -> Code {
    let mut values = [0_u8; RANDOM_LENGTH];
    for value in &mut values {
        *value = (number % u128::from(BASE)) as u8;
        number /= u128::from(BASE);
    }
    let check = check_value(&values);
    let body = values.iter().chain([&check]).filter_map(|value| ALPHABET.get(usize::from(*value)));
    Code(prefix.0.chars().chain(body.map(|byte| char::from(*byte))).collect())
}

/// Whether a text is a code of ours by its form: prefix, alphabet and check character. It catches what a person mistypes: each
/// wrong character, and two neighbours exchanged in all but a few cases. It does not say that the code was given out.
#[must_use]
pub fn is_well_formed(prefix: &CodePrefix, text: &str) -> bool {
    let Some(body) = text.strip_prefix(prefix.0.as_str()) else { return false };
    let values: Option<Vec<u8>> = body
        .bytes()
        .map(|byte| ALPHABET.iter().position(|known| *known == byte).map(|at| at as u8))
        .collect();
    match values.as_deref().and_then(|values| values.split_last()) {
        Some((check, values)) => values.len() == RANDOM_LENGTH && check_value(values) == *check,
        None => false,
    }
}

/// Check character of the hybrid system of ISO/IEC 7064 (as MOD 37,36) for an alphabet of 28 characters: MOD 29,28.
fn check_value(values: &[u8]) -> u8 {
    let product = values.iter().fold(BASE, |product, value| {
        let sum = (product + value) % BASE;
        (if sum == 0 { BASE } else { sum }) * 2 % (BASE + 1)
    });
    (BASE + 1 - product) % BASE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_characters_are_those_of_another_implementation() {
        // PyPI python-stdnum, stdnum.iso7064.mod_37_36.calc_check_digit(body, alphabet="23456789BCDFGHJKMNPQRSTVWXYZ")
        for code in ["K7M4XQD28", "22222222W", "ZZZZZZZZG", "B3C4D5F6F"] {
            assert!(is_well_formed(&CodePrefix::default(), code), "{code}");
        }
    }

    #[test]
    fn a_derived_code_is_the_known_answer() {
        // as in derive.rs: n(mac(secret, b"code", attempt as 4 bytes)) in base 28, lowest first, with the check of python-stdnum
        let secret = crate::derive::Secret::from_bytes(&std::array::from_fn(|index| index as u8));
        let mapping = crate::derive::Mapping::new(secret, crate::derive::ShiftRange::default());
        let prefix = CodePrefix::new("T-").unwrap();
        assert_eq!(mapping.code(&prefix, 0).as_str(), "T-SRMZQ2FBJ");
        assert_eq!(mapping.code(&prefix, 1).as_str(), "T-NN4WTC9WH");
    }

    #[test]
    fn each_wrong_character_is_caught() {
        let code = "K7M4XQD28";
        for at in 0..code.len() {
            for other in ALPHABET.iter().filter(|other| **other != code.as_bytes()[at]) {
                let mut wrong = code.as_bytes().to_vec();
                wrong[at] = *other;
                assert!(!is_well_formed(&CodePrefix::default(), std::str::from_utf8(&wrong).unwrap()));
            }
        }
        for text in ["", "K", "K7M4XQD2", "K7M4XQD288", "k7m4xqd28", "K7M4XQD2O", "T-K7M4XQD28"] {
            assert!(!is_well_formed(&CodePrefix::default(), text), "{text}");
        }
    }

    #[test]
    fn random_codes_show_no_initials_and_differ() {
        let known = KnownIdentity { patient_id: "4711", name: "Zorn^Karl", birth_date: "19570301" };
        let prefix = CodePrefix::new("KZ-").unwrap();
        let codes: std::collections::HashSet<_> =
            (0..2000).map(|_| Code::random(&prefix, &known).unwrap()).collect();
        assert_eq!(codes.len(), 2000);
        for code in codes {
            assert!(is_well_formed(&prefix, code.as_str()));
            let runs: Vec<_> = code.body(&prefix).split(|c: char| c.is_ascii_digit()).collect();
            assert!(!runs.contains(&"KZ") && !runs.contains(&"ZK"));
        }
    }

    #[test]
    fn assigned_codes_stay_printable() {
        assert_eq!(Code::assigned("FR01-003.b_2").unwrap().as_str(), "FR01-003.b_2");
        for text in ["", " A", "A B", "A\\B", "-A", ".A", "é", "A^B", &"A".repeat(65)] {
            assert_eq!(Code::assigned(text), Err(CodeError::Malformed), "{text}");
        }
    }
}
