//! Derivation of UIDs, date shift, code and partner secret from one random secret. Pure; knows no database.
//!
//! In pseudonymise mode the secret is the participant's, kept in the vault; in anonymise mode the caller makes one per job with
//! [`Secret::random`], keeps it in the buffer database and destroys it with the job (AC2.9): this module serves both.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::code::{self, Code, CodePrefix};
use crate::prf::{Key, number, prf, random_key};

const UID: &str = "research-pacs/1/uid:";
const TOKEN: &str = "research-pacs/1/token:";
const DATE_SHIFT: &str = "research-pacs/1/date-shift:";
const CODE: &str = "research-pacs/1/code:";
const PARTNER: &str = "research-pacs/1/partner:";
const DATA: &str = "research-pacs/1/data:";
const PARTICIPANT: &str = "research-pacs/1/participant:";

/// The random value from which everything about one participant in one project (or one anonymised job) is derived.
///
/// Never rotated: another secret would be another pseudonym. Overwritten when dropped, never shown.
#[derive(Clone)]
pub struct Secret(Key);

impl Secret {
    /// A new secret of 32 random bytes.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`]: repeat later.
    pub fn random() -> Result<Self, VaultError> {
        Ok(Self(random_key()?))
    }

    /// A secret that was kept, such as the one of an anonymised job.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The bytes, to be kept where the rules of the zones allow it and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that seals what the vault knows about this participant; lost with the secret, which makes erasure one row.
    pub(crate) fn data_key(&self) -> Key {
        prf(&self.0, DATA, b"")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// Whole days among which the shift of a participant's dates is drawn, both ends included, all of them negative.
///
/// Default −3650…−1, ten years. Negative, so that a shifted date is never later than the export nor than the real date (a scan
/// "of next year" tells that dates were shifted, and roughly when it was made) and never 0; ten years, so that ages, devices and
/// software versions stay plausible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(i32, i32)", into = "(i32, i32)")]
pub struct ShiftRange {
    first: i32,
    last: i32,
}

impl ShiftRange {
    /// The earliest allowed `first`: 50 years.
    pub const EARLIEST: i32 = -18_262;

    /// The range of [`Default`].
    pub const DEFAULT: Self = Self { first: -3650, last: -1 };

    /// The range `first..=last` in days.
    ///
    /// # Errors
    /// [`VaultError::ShiftRange`] unless −18262 ≤ `first` ≤ `last` ≤ −1: correct the configuration.
    pub fn new(first: i32, last: i32) -> Result<Self, VaultError> {
        if Self::EARLIEST <= first && first <= last && last < 0 {
            Ok(Self { first, last })
        } else {
            Err(VaultError::ShiftRange)
        }
    }

    /// Both ends, in days.
    #[must_use]
    pub fn ends(self) -> (i32, i32) {
        (self.first, self.last)
    }

    /// The shift that `number` draws. The bias of the remainder is below 2^-113 for any allowed range.
    fn draw(self, number: u128) -> i32 {
        let days = i64::from(self.last) - i64::from(self.first) + 1;
        let drawn = number % u128::from(days.unsigned_abs());
        self.first.saturating_add(i32::try_from(drawn).unwrap_or(0))
    }
}

impl Default for ShiftRange {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<(i32, i32)> for ShiftRange {
    type Error = VaultError;

    fn try_from((first, last): (i32, i32)) -> Result<Self, VaultError> {
        Self::new(first, last)
    }
}

impl From<ShiftRange> for (i32, i32) {
    fn from(range: ShiftRange) -> Self {
        range.ends()
    }
}

/// The map of one participant (or anonymised job) from original to pseudonym; cheap to clone, made to be cached per series.
#[derive(Clone)]
pub struct Mapping {
    secret: Secret,
    shift: ShiftRange,
    imported: Arc<HashMap<String, String>>,
}

impl Mapping {
    /// The map that follows from a secret and the project's range of shifts.
    #[must_use]
    pub fn new(secret: Secret, shift: ShiftRange) -> Self {
        Self { secret, shift, imported: Arc::default() }
    }

    /// The same map, where the UIDs that were imported from an existing correspondence win (AC2.12): original → pseudonym.
    pub(crate) fn with_imported(self, imported: HashMap<String, String>) -> Self {
        Self { imported: Arc::new(imported), ..self }
    }

    /// The pseudonym of a UID: the imported one, else `2.25.` and the first 128 bits of HMAC-SHA-256(secret, label || UID) as a
    /// decimal number (AC2.4; PS3.5 B.2 for the root). At most 44 characters. Padding (NUL, blank) does not count.
    ///
    /// UIDs of the standard (root 1.2.840.10008) are not for this function: the caller leaves them alone (AC2.5).
    #[must_use]
    pub fn uid(&self, original: &str) -> String {
        let original = trim_uid(original);
        match self.imported.get(original) {
            Some(pseudonym) => pseudonym.clone(),
            None => format!("2.25.{}", number(&prf(&self.secret.0, UID, original.as_bytes()))),
        }
    }

    /// Days to add to each date, always negative; the same for all dates of the participant, so that intervals hold.
    #[must_use]
    pub fn shift_days(&self) -> i32 {
        self.shift.draw(number(&prf(&self.secret.0, DATE_SHIFT, b"")))
    }

    /// 32 hex digits that follow from a value: equal values of one participant, equal tokens.
    #[must_use]
    pub fn token(&self, value: &str) -> String {
        format!("{:032x}", number(&prf(&self.secret.0, TOKEN, value.as_bytes())))
    }

    /// The code that follows from the secret: of an anonymised job, or of a participant for one partner under linkage `partner`.
    /// `attempt` starts at 0 and grows when the code is already another participant's.
    #[must_use]
    pub fn code(&self, prefix: &CodePrefix, attempt: u32) -> Code {
        code::from_number(prefix, number(&prf(&self.secret.0, CODE, &attempt.to_be_bytes())))
    }

    /// The map of the same participant for one partner under linkage `partner` (DEC-J): another secret, so that two partners
    /// cannot join their sets. It applies to what the project's own map gave, so nothing imported is in it.
    #[must_use]
    pub fn for_partner(&self, partner: &str) -> Self {
        Self::new(Secret(prf(&self.secret.0, PARTNER, partner.as_bytes())), self.shift)
    }

    /// The map of one participant where a key file stands for the vault: for files that are de-identified offline, never in a project
    /// (there, secrets are random, ARC-15).
    #[must_use]
    pub fn for_participant_of_key(&self, participant: &str) -> Self {
        Self::new(Secret(prf(&self.secret.0, PARTICIPANT, participant.as_bytes())), self.shift)
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Mapping(..)")
    }
}

/// A UID without its padding: a NUL by PS3.5 §6.2, a blank or several by habit.
pub(crate) fn trim_uid(uid: &str) -> &str {
    uid.trim_matches(['\0', ' '])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapping() -> Mapping {
        Mapping::new(Secret::from_bytes(&std::array::from_fn(|index| index as u8)), ShiftRange::default())
    }

    // Known answers, python3 with the standard library:
    //   secret = bytes(range(32))
    //   mac = lambda key, label, message=b"": hmac.new(key, b"research-pacs/1/" + label + b":" + message, "sha256").digest()
    //   n = lambda digest: int.from_bytes(digest[:16], "big")

    #[test]
    fn uid_is_the_known_answer() {
        // n(mac(secret, b"uid", b"1.2.3.4"))
        assert_eq!(mapping().uid("1.2.3.4"), "2.25.215951885070516933371215385359634227141");
    }

    #[test]
    fn shift_is_the_known_answer() {
        // -3650 + n(mac(secret, b"date-shift")) % 3650
        assert_eq!(mapping().shift_days(), -1902);
        // -30 + n(mac(secret, b"date-shift")) % 24
        let narrow = Mapping::new(mapping().secret, ShiftRange::new(-30, -7).unwrap());
        assert_eq!(narrow.shift_days(), -12);
    }

    #[test]
    fn partner_has_the_known_answer() {
        // partner = mac(secret, b"partner", b"university"); n(mac(partner, b"uid", b"1.2.3.4"))
        let partner = mapping().for_partner("university");
        assert_eq!(partner.uid("1.2.3.4"), "2.25.230873514984185330995406890730251557021");
        assert_eq!(partner.shift_days(), -2325);
    }

    #[test]
    fn padding_is_not_part_of_a_uid() {
        assert_eq!(mapping().uid("1.2.3\0"), mapping().uid("1.2.3"));
        assert_eq!(mapping().uid(" 1.2.3 "), mapping().uid("1.2.3"));
    }

    #[test]
    fn imported_uids_win_but_not_for_a_partner() {
        let mapping = mapping().with_imported(HashMap::from([("1.2.3".into(), "9.8.7".into())]));
        assert_eq!(mapping.uid("1.2.3\0"), "9.8.7");
        assert!(mapping.uid("1.2.4").starts_with("2.25."));
        assert!(mapping.for_partner("a").uid("1.2.3").starts_with("2.25."));
    }

    #[test]
    fn a_range_is_negative_and_ordered() {
        for (first, last) in [(0, 0), (-1, 0), (-1, 1), (1, 5), (-1, -2), (-20_000, -1), (i32::MIN, -1)] {
            assert!(ShiftRange::new(first, last).is_err(), "{first}..={last}");
        }
        assert_eq!(ShiftRange::new(-1, -1).unwrap().ends(), (-1, -1));
    }

    #[test]
    fn nothing_secret_is_shown() {
        assert_eq!(format!("{:?} {:?}", mapping(), mapping().secret()), "Mapping(..) Secret(..)");
    }

    proptest! {
        #[test]
        fn every_shift_lies_in_its_range(number: u128, first in ShiftRange::EARLIEST..=-1, length in 0..4000) {
            let last = first.saturating_add(length).min(-1);
            let shift = ShiftRange::new(first, last).unwrap().draw(number);
            prop_assert!(first <= shift && shift <= last);
        }

        #[test]
        fn every_uid_is_valid_and_depends_on_secret_and_original(secret: [u8; 32], other: [u8; 32], a in "[1-9.]{1,64}", b in "[1-9.]{1,64}") {
            let mapping = Mapping::new(Secret::from_bytes(&secret), ShiftRange::default());
            let uid = mapping.uid(&a);
            let digits = uid.strip_prefix("2.25.").unwrap();
            prop_assert!(uid.len() <= 64 && digits.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert!(digits == "0" || !digits.starts_with('0'));
            prop_assert_eq!(a == b, mapping.uid(&b) == uid.clone());
            let another = Mapping::new(Secret::from_bytes(&other), ShiftRange::default());
            prop_assert_eq!(secret == other, another.uid(&a) == uid);
        }

        #[test]
        fn two_partners_share_nothing(secret: [u8; 32]) {
            let mapping = Mapping::new(Secret::from_bytes(&secret), ShiftRange::default());
            let (a, b) = (mapping.for_partner("a"), mapping.for_partner("b"));
            let prefix = CodePrefix::default();
            prop_assert_ne!(a.uid("1.2"), b.uid("1.2"));
            prop_assert_ne!(a.uid("1.2"), mapping.uid("1.2"));
            prop_assert_ne!(a.code(&prefix, 0), b.code(&prefix, 0));
        }
    }
}
