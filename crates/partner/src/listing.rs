//! What a partner says that it has.

use std::collections::HashSet;

use dicom_node::sop_class::is_uid;

use crate::error::Unusable;

/// What a partner has in one study of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Study Instance UID that was asked for.
    pub study: String,
    /// Its instances, ours among them; each once. Empty when the partner does not know the study.
    pub instances: Vec<FoundInstance>,
    /// There is more than the limit: tell a person.
    pub cut: bool,
    /// Rows without legal UIDs, or of another study. They are not ours to look at.
    pub ignored: u64,
    /// Files that are no DICOM objects and are not wrapped into one.
    pub beside: Vec<SideFile>,
    /// SHA-256 of the manifest that it was made from, where there is one: for [`crate::Partner::acknowledge`].
    pub manifest: Option<[u8; 32]>,
    /// What is dropped for the study cannot be looked at; nothing else is said of it then.
    pub unusable: Option<Unusable>,
}

/// A file that is no DICOM object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideFile {
    /// What the end of its name says that it is, of a closed list; `other` for what is not on it. The name itself may say anything.
    pub form: &'static str,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, as the manifest says.
    pub sha256: [u8; 32],
}

/// An instance that a partner has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundInstance {
    /// Series Instance UID.
    pub series: String,
    /// SOP Class UID, if the partner says it.
    pub sop_class: Option<String>,
    /// SOP Instance UID.
    pub sop_instance: String,
    /// Stands for its content, where a manifest gives hashes: the SHA-256 of the hashes that it gives under this UID, which is one as a rule.
    pub content: Option<[u8; 32]>,
}

/// UIDs of a row of C-FIND or QIDO-RS, as the partner wrote them; absent ones are empty.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) study: String,
    pub(crate) series: String,
    pub(crate) sop_class: String,
    pub(crate) sop_instance: String,
    /// See [`FoundInstance::content`].
    pub(crate) content: Option<[u8; 32]>,
}

/// Collects the rows of one study.
pub(crate) struct Collector {
    listing: Listing,
    seen: HashSet<String>,
    limit: usize,
}

impl Collector {
    pub(crate) fn new(study: &str, limit: usize) -> Self {
        let study = study.to_owned();
        Self {
            listing: Listing {
                study,
                instances: Vec::new(),
                cut: false,
                ignored: 0,
                beside: Vec::new(),
                manifest: None,
                unusable: None,
            },
            seen: HashSet::new(),
            limit,
        }
    }

    /// Rows that still fit.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.listing.instances.len())
    }

    /// Whether there is more than the limit.
    pub(crate) fn is_cut(&self) -> bool {
        self.listing.cut
    }

    /// Says that there is more.
    pub(crate) fn cut(&mut self) {
        self.listing.cut = true;
    }

    /// Takes a row; `true` if it was new. The partner need not repeat the study, but if it does, it must be ours.
    pub(crate) fn add(&mut self, row: Row) -> bool {
        let ours = row.study.is_empty() || row.study == self.listing.study;
        if !ours || !is_uid(&row.series) || !is_uid(&row.sop_instance) {
            self.listing.ignored += 1;
            return false;
        }
        if self.seen.contains(&row.sop_instance) {
            return false;
        }
        if self.room() == 0 {
            self.cut();
            return false;
        }
        self.seen.insert(row.sop_instance.clone());
        let sop_class = Some(row.sop_class).filter(|class| is_uid(class));
        self.listing.instances.push(FoundInstance {
            series: row.series,
            sop_class,
            sop_instance: row.sop_instance,
            content: row.content,
        });
        true
    }

    pub(crate) fn finish(self) -> Listing {
        self.listing
    }
}
