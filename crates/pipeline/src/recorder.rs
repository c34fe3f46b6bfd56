//! The pseudonyms of one patient, and which of them were used: what the vault has to remember.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use archive::ReceivedInstance;
use deidentification::PseudonymSource;
use dicom_stream::text::yyyymmdd;
use pseudonym::{Code, Mapping, UidKind};

/// Gives pseudonyms and notes each UID and date that it gave.
pub(crate) struct Recorder<'a> {
    code: &'a Code,
    mapping: &'a Mapping,
    seen: RefCell<BTreeMap<String, String>>,
    dates: RefCell<BTreeSet<i64>>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(code: &'a Code, mapping: &'a Mapping) -> Self {
        Self { code, mapping, seen: RefCell::default(), dates: RefCell::default() }
    }

    /// What was replaced: kind, original, pseudonym; what is no UID of `instances` counts as *other*. And the shifted dates, as yyyymmdd.
    pub(crate) fn finish<'r>(
        self,
        instances: impl Iterator<Item = &'r ReceivedInstance>,
    ) -> (Vec<(UidKind, String, String)>, Vec<i64>) {
        let mut kinds = BTreeMap::new();
        for instance in instances {
            kinds.insert(instance.study_instance_uid.as_str(), UidKind::Study);
            kinds.insert(instance.series_instance_uid.as_str(), UidKind::Series);
            kinds.insert(instance.sop_instance_uid.as_str(), UidKind::Instance);
        }
        let seen = self.seen.into_inner().into_iter();
        let uids = seen.map(|(original, pseudonym)| {
            let kind = kinds.get(original.as_str()).copied().unwrap_or(UidKind::Other);
            (kind, original, pseudonym)
        });
        (uids.collect(), self.dates.into_inner().into_iter().collect())
    }
}

impl PseudonymSource for Recorder<'_> {
    fn uid(&self, original: &str) -> String {
        let original = original.trim_matches(['\0', ' ']);
        let mut seen = self.seen.borrow_mut();
        if let Some(pseudonym) = seen.get(original) {
            return pseudonym.clone();
        }
        let pseudonym = self.mapping.uid(original);
        seen.insert(original.to_owned(), pseudonym.clone());
        pseudonym
    }

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn shift_days(&self) -> Option<i32> {
        Some(self.mapping.shift_days())
    }

    fn token(&self, value: &str) -> String {
        self.mapping.token(value)
    }

    fn retained_uid(&self, uid: &str) {
        self.seen.borrow_mut().entry(uid.to_owned()).or_insert_with(|| uid.to_owned());
    }

    fn shifted(&self, date: &[u8]) {
        self.dates.borrow_mut().extend(yyyymmdd(date).map(i64::from));
    }
}
