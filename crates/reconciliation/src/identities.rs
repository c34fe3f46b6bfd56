//! What is put in the place of what: the caller fills it from the vault for one participant and one partner.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use dicom_stream::Tag;
use dicom_stream::text::{shift_date, trim_uid, yyyymmdd};

use crate::attribute::STANDARD_ROOT;

/// The way back for one participant, as issued to one partner. Holds an identity: prints nothing of it.
#[derive(Clone, Default)]
pub struct Identities {
    /// Pseudonym UID → original, for every UID of the result set that was issued (RR-1). After a person's decision also the partner's
    /// own Study Instance UID → the study it belongs to (RC-05).
    pub originals: HashMap<String, String>,
    /// New UIDs in place of the partner's (RR-7), for all of [`crate::Judgement::regenerate`]; the same ones at every repeat.
    pub fresh: HashMap<String, String>,
    /// The shifted dates issued, as yyyymmdd.
    pub shifted: BTreeSet<u32>,
    /// Days that were added when the dates were shifted.
    pub shift_days: i32,
}

/// What the partner was given in the main data set of an object of the study, so that what it altered can be told from it (AC8.8,
/// RR-11).
#[derive(Clone, Default)]
pub struct Given {
    /// The code: Patient ID, Patient's Name and Clinical Trial Subject ID as issued.
    pub code: String,
    /// Values of other patient and study attributes as issued; what was issued empty or not at all is left out.
    pub values: BTreeMap<Tag, Vec<u8>>,
}

impl Identities {
    /// The field of a UI element with its issued and regenerated UIDs replaced; `None` when nothing changes. Padding goes.
    pub(crate) fn uids(&self, field: &[u8]) -> Option<(Vec<u8>, Replaced)> {
        let mut replaced = Replaced::default();
        let mut out = Vec::with_capacity(field.len());
        for (n, value) in field.split(|byte| *byte == b'\\').map(trim_uid).enumerate() {
            if n > 0 {
                out.push(b'\\');
            }
            out.extend_from_slice(self.uid(value, &mut replaced).unwrap_or(value));
        }
        (replaced != Replaced::default()).then_some((out, replaced))
    }

    fn uid(&self, value: &[u8], replaced: &mut Replaced) -> Option<&[u8]> {
        let uid = std::str::from_utf8(value).ok().filter(|uid| !uid.starts_with(STANDARD_ROOT))?;
        if let Some(original) = self.originals.get(uid) {
            replaced.mapped += 1;
            return Some(original.as_bytes());
        }
        let fresh = self.fresh.get(uid)?;
        replaced.regenerated += 1;
        Some(fresh.as_bytes())
    }

    /// A value of DA or DT that was issued, as it was before the shift.
    pub(crate) fn unshift(&self, value: &[u8]) -> Option<Vec<u8>> {
        yyyymmdd(value).filter(|day| self.shifted.contains(day))?;
        shift_date(value, self.shift_days.checked_neg()?)
    }
}

/// How many UIDs of a field were replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Replaced {
    pub(crate) mapped: u64,
    pub(crate) regenerated: u64,
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({} UIDs, ..)", self.originals.len())
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Given({} values)", self.values.len())
    }
}
