//! What is put in the place of what: the caller fills it from the vault for one participant and one partner.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io::Read;

use dicom_stream::text::{shift_date, trim_uid, yyyymmdd};
use dicom_stream::{Limits, SourceError, Tag, TransferSyntax};

use crate::attribute::{STANDARD_ROOT, TIMEZONE_OFFSET, is_identity};
use crate::visit::{Element, Visitor, visit};

/// The way back for one participant, as issued to one partner. Holds an identity: prints nothing of it.
#[derive(Clone, Default)]
pub struct Identities {
    /// Pseudonym UID → original, for every UID of the result set that was issued (RR-1).
    pub originals: HashMap<String, String>,
    /// UIDs in place of the partner's: new ones for all of [`crate::Judgement::regenerate`] (RR-7), the same at every repeat; and, after
    /// a person's decision, the original study in place of the partner's own (RC-05).
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
    /// Codes of others that the set shows, in capitals: never recorded (RR-11).
    pub others: BTreeSet<String>,
    /// Values of other patient and study attributes and of the time zone as issued; what was issued empty or not at all is left out.
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

impl Given {
    /// What an object of the study as it was sent says; `code` is the one issued with it.
    ///
    /// # Errors
    /// [`SourceError`]: the object cannot be read.
    pub fn of_sent<R: Read>(
        code: &str,
        sent: R,
        syntax: &TransferSyntax,
        limits: Limits,
    ) -> Result<Self, SourceError> {
        let mut given = Self { code: code.to_owned(), ..Self::default() };
        visit(sent, syntax, limits, &mut given)?;
        Ok(given)
    }
}

impl Visitor for Given {
    fn value(&mut self, element: &Element<'_>, value: &[u8]) {
        if element.is_root() && (is_identity(element.tag) || element.tag == TIMEZONE_OFFSET) {
            self.values.insert(element.tag, value.to_vec());
        }
    }

    fn bulk(&mut self, _: &Element<'_>) {}
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
