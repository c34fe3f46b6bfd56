//! What the caller looked up in the vault for the UIDs and codes of a result set.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::attribute::Place;
use crate::date::Window;
use crate::survey::{Geometry, Survey};

/// A participant, by the caller's key. Opaque, no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Participant(pub u128);

/// What an issued UID names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A study.
    Study,
    /// A series.
    Series,
    /// An instance.
    Instance,
    /// A frame of reference.
    FrameOfReference,
    /// Anything else, references to instances of other series included.
    Other,
}

/// A UID that was issued to this partner in this project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedUid {
    /// What it names.
    pub kind: Kind,
    /// Whose it is.
    pub participant: Participant,
    /// The study it is of, by the caller's key, when known.
    pub study: Option<String>,
}

/// What was issued to the partner that a result set is from, and what the set's UIDs are besides. Real UIDs may be among them: prints
/// none.
#[derive(Clone, Default)]
pub struct Issued {
    /// UIDs of the set that were issued to this partner in this project. More than one entry for a UID only where a project retains
    /// UIDs.
    pub uids: HashMap<String, Vec<IssuedUid>>,
    /// UIDs of the set that were issued to another partner or in another project, or that are pseudonyms never sent to anybody
    /// (RC-06).
    pub elsewhere: BTreeSet<String>,
    /// UIDs of the set that are real clinical ones and were not issued (RC-06).
    pub originals: BTreeSet<String>,
    /// Codes as issued to this partner, byte for byte.
    pub codes: BTreeMap<String, Participant>,
    /// Codes of the project as this partner knows the participants, in capitals: those that a word of the set is.
    pub spelled: BTreeMap<String, Participant>,
    /// Codes of the project that this partner was never given, in capitals: those that a word of the set is (RC-06).
    pub codes_elsewhere: BTreeSet<String>,
    /// UIDs that earlier sets of the job defined, with what they name (RR-2).
    pub returned: BTreeMap<String, BTreeSet<Place>>,
    /// UIDs of the set that earlier ones of the job have for things of another kind (RR-7).
    pub reused: BTreeSet<String>,
    /// UIDs of the set that the archive has for other objects (RR-7).
    pub taken: BTreeSet<String>,
    /// Shifted dates issued for the studies of the set, as yyyymmdd.
    pub dates: BTreeSet<u32>,
    /// The objects sent that this set can rest on: those of its studies.
    pub sent: Vec<Sent>,
}

/// An object as it was sent, for RC-07 and RC-08.
#[derive(Debug, Clone)]
pub struct Sent {
    /// SOP Instance UID.
    pub sop_instance: String,
    /// Frame of Reference UID; empty when it has none.
    pub frame_of_reference: String,
    /// Its grid.
    pub geometry: Option<Geometry>,
    /// Hash of its pixel data, see [`Survey::pixels`].
    pub pixels: Option<[u8; 32]>,
}

impl From<Survey> for Sent {
    fn from(survey: Survey) -> Self {
        Self {
            sop_instance: survey.sop_instance,
            frame_of_reference: survey.frame_of_reference,
            geometry: survey.geometry,
            pixels: survey.pixels,
        }
    }
}

/// What does not come from the vault.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// SOP classes that this partner may return (RC-10).
    pub sop_classes: BTreeSet<String>,
    /// When the partner's own dates can be.
    pub window: Window,
    /// Whether the set's deadline has passed: what it waits for will not come (RR-4).
    pub deadline_passed: bool,
    /// Allowed difference of geometry: millimetres, and cosines of the orientation.
    pub tolerance: f64,
    /// Whether the caller opens Encrypted Attributes of the main data set and holds the set unless they confirm the own record (RC-15).
    pub opens_encrypted_attributes: bool,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({} UIDs, {} codes, ..)", self.uids.len(), self.codes.len())
    }
}
