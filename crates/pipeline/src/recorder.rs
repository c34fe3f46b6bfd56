//! The pseudonyms of one patient, and which of them were used: what the vault has to remember.

use std::cell::RefCell;
use std::collections::BTreeMap;

use archive::ReceivedInstance;
use deidentification::PseudonymSource;
use pseudonym::{Code, Mapping, UidKind};

/// Gives pseudonyms and notes each UID it was asked for.
pub(crate) struct Recorder<'a> {
    code: &'a Code,
    mapping: &'a Mapping,
    seen: RefCell<BTreeMap<String, String>>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(code: &'a Code, mapping: &'a Mapping) -> Self {
        Self { code, mapping, seen: RefCell::default() }
    }

    /// What was replaced: kind, original, pseudonym. What is no UID of `instances` counts as *other*.
    pub(crate) fn finish<'r>(
        self,
        instances: impl Iterator<Item = &'r ReceivedInstance>,
    ) -> Vec<(UidKind, String, String)> {
        let mut kinds = BTreeMap::new();
        for instance in instances {
            kinds.insert(instance.study_instance_uid.as_str(), UidKind::Study);
            kinds.insert(instance.series_instance_uid.as_str(), UidKind::Series);
            kinds.insert(instance.sop_instance_uid.as_str(), UidKind::Instance);
        }
        let seen = self.seen.into_inner().into_iter();
        seen.map(|(original, pseudonym)| {
            let kind = kinds.get(original.as_str()).copied().unwrap_or(UidKind::Other);
            (kind, original, pseudonym)
        })
        .collect()
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
}
