//! Pass 1 (RR-2): what one object of a result set says about itself, about what it refers to, and about the patient.

mod collect;
mod geometry;
mod mention;

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;

use dicom_stream::charset::Fidelity;
use dicom_stream::{ElementPath, Limits, SourceError, TransferSyntax};
use thiserror::Error;

use crate::attribute::{Place, STANDARD_ROOT, is_cited, places_of};
use crate::character_set::Repertoire;
use crate::encrypted_attributes::EncryptedAttributes;
use crate::visit::visit;
use collect::Collector;

pub use geometry::Geometry;

/// Limits for results: values up to 16 MiB are held whole, because a sequence stored as UN has to be mapped as a whole.
pub const LIMITS: Limits = Limits { value: 16 << 20, ..Limits::INSTANCE };

/// Why an object could not be surveyed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SurveyError {
    /// The object cannot be read: retry on I/O errors, refuse it otherwise.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// More than one object of a result needs: hand it to a person.
    #[error("the object has more than {limit} different {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit in force.
        limit: usize,
    },
    /// A UID, date or text that is longer than can be held whole: hand it to a person.
    #[error("{path}: value too long to be mapped")]
    TooLong {
        /// The element.
        path: ElementPath,
    },
}

/// Whether a UID names something of the object itself or something defined elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Of the object itself: it may be new, and other objects may refer to it.
    Defines,
    /// Of something else: it must have been issued, or be of this or an earlier set of the job (RR-2).
    Refers,
}

/// A UID of an object; each once for each role and each attribute that it stands in.
#[derive(Clone, PartialEq, Eq)]
pub struct UidUse {
    /// The value without padding; it may be no valid UID.
    pub uid: String,
    /// What it is there for.
    pub role: Role,
    /// Where it stands first in this attribute.
    pub path: ElementPath,
}

/// A date outside of the attributes that the own record replaces; each day once for each class of attribute.
#[derive(Clone, PartialEq, Eq)]
pub struct DateUse {
    /// The day as yyyymmdd; `None` when the value has no whole day.
    pub day: Option<u32>,
    /// Whether the attribute is one of the processing dates of RR-8.
    pub processing: bool,
    /// Where it stands first.
    pub path: ElementPath,
}

/// What one object says. An element that stands twice with two values shows both, with a backslash between. The partner may have put an
/// identity in: prints nothing of it.
#[derive(Clone)]
pub struct Survey {
    /// SOP Class UID (0008,0016).
    pub sop_class: String,
    /// SOP Instance UID (0008,0018).
    pub sop_instance: String,
    /// Study Instance UID (0020,000D).
    pub study: String,
    /// Series Instance UID (0020,000E).
    pub series: String,
    /// Frame of Reference UID (0020,0052) of the main data set.
    pub frame_of_reference: String,
    /// Modality (0008,0060).
    pub modality: String,
    /// Patient ID (0010,0020), decoded.
    pub patient_id: String,
    /// Patient's Name (0010,0010), decoded; for comparison with the code, never a key (RR-5).
    pub patient_name: String,
    /// Patient's Name as received.
    pub patient_name_raw: Vec<u8>,
    /// Clinical Trial Subject ID (0012,0040), decoded.
    pub trial_subject: String,
    /// Patient IDs, trial subjects and subject ids inside of items and clinical documents, decoded: no key, but they must not be
    /// another's.
    pub nested_ids: BTreeSet<String>,
    /// Names of the patient at the same places.
    pub nested_names: BTreeSet<String>,
    /// What the object is said to be of, wherever it says so: the values of all attributes of a patient id or name, as codes are
    /// compared.
    pub named: BTreeSet<String>,
    /// UIDs in text, in bytes of unknown meaning and in documents, and those that a UID of the object hangs below.
    pub mentions: BTreeSet<String>,
    /// Words that may be codes at the same places, as codes are compared.
    pub words: BTreeSet<String>,
    /// Specific Character Set (0008,0005) as received.
    pub character_set: Vec<u8>,
    /// UIDs, those of the standard left out.
    pub uids: Vec<UidUse>,
    /// Dates.
    pub dates: Vec<DateUse>,
    /// Where the pixels lie, if the object has a grid.
    pub geometry: Option<Geometry>,
    /// BLAKE3 hash of the pixel data as encoded, if there are any.
    pub pixels: Option<[u8; 32]>,
    /// Burned In Annotation (0028,0301).
    pub burned_in: String,
    /// Whether the object is an encapsulated document.
    pub is_document: bool,
    /// Whether it is a clinical document whose patient role cannot be written anew (table 8.3).
    pub has_unreadable_role: bool,
    /// Where Encrypted Attributes (0400,0500) are (RC-15).
    pub encrypted_attributes: EncryptedAttributes,
    /// Referenced Request Sequence (0040,A370) names another study than the object's own.
    pub(crate) has_foreign_request: bool,
    pub(crate) text: Repertoire,
}

impl Survey {
    /// UIDs of one object, counted for each role and attribute.
    pub const UIDS_MAX: usize = 100_000;
    /// Different dates of one object.
    pub const DATES_MAX: usize = 10_000;
    /// Different patient ids, and names, in the items of one object.
    pub const NESTED_IDS_MAX: usize = 1_000;
    /// Different UIDs, and words, that one object mentions.
    pub const MENTIONS_MAX: usize = 100_000;
    /// Bytes of one patient id or name.
    pub const NESTED_ID_BYTES: usize = 4 << 10;
    /// What a UID, date or word takes beside its own bytes.
    const ENTRY_BYTES: usize = 64;
    /// A word as long as this does not come about by chance.
    pub(crate) const LONG_WORD: usize = 6;

    /// What other objects can refer to: the object, its series, study and frames of reference, and doses that a plan defines (RR-2).
    pub fn can_be_cited(&self) -> impl Iterator<Item = (Place, &str)> {
        let own = [
            (Place::Instance, &self.sop_instance),
            (Place::Series, &self.series),
            (Place::Study, &self.study),
            (Place::FrameOfReference, &self.frame_of_reference),
        ];
        let further = self.uids.iter().filter(|uid| uid.role == Role::Defines).filter_map(|uid| {
            let tag = uid.path.tag().filter(|tag| is_cited(*tag))?;
            Some((*places_of(tag).first()?, &uid.uid))
        });
        let all = own.into_iter().chain(further).map(|(place, uid)| (place, uid.as_str()));
        all.filter(|(_, uid)| !uid.is_empty())
    }

    /// About the bytes of memory that the survey takes: what it has of text, and a share for each entry.
    pub fn held(&self) -> usize {
        let texts = [&self.nested_ids, &self.nested_names, &self.named, &self.mentions, &self.words];
        let texts = texts.into_iter().flatten().map(String::len);
        let uids = self.uids.iter().map(|of| of.uid.len() + size_of_val(of.path.sequences()));
        let dates = self.dates.iter().map(|of| size_of_val(of.path.sequences()));
        let entries = texts.chain(uids).chain(dates).map(|bytes| bytes + Self::ENTRY_BYTES);
        let own = [&self.patient_id, &self.patient_name, &self.trial_subject].map(String::len);
        let positions = self.geometry.as_ref().map_or(0, |geometry| geometry.positions.len());
        let own = own.into_iter().chain([self.patient_name_raw.len(), self.character_set.len()]);
        entries.chain(own).sum::<usize>() + positions * size_of::<[f64; 3]>()
    }

    /// How far the text of the object can be read by the character set it declares.
    pub fn fidelity(&self) -> Fidelity {
        self.text.fidelity
    }
}

/// Surveys one data set.
///
/// # Errors
/// Any [`SurveyError`].
pub fn survey<R: Read>(input: R, syntax: &TransferSyntax, limits: Limits) -> Result<Survey, SurveyError> {
    let mut collector = Collector::default();
    visit(input, syntax, limits, &mut collector)?;
    collector.finish()
}

/// The different UIDs of a result set, those it mentions included: what to look up as issued (RR-1).
pub fn uids_of(surveys: &[Survey]) -> BTreeSet<&str> {
    let of_own = surveys.iter().flat_map(|survey| survey.uids.iter().map(|uid| uid.uid.as_str()));
    of_own.chain(surveys.iter().flat_map(|survey| survey.mentions.iter().map(String::as_str))).collect()
}

/// The different texts of a result set that are codes where they are written as they were issued: what to look up (AC8.1).
pub fn codes_of(surveys: &[Survey]) -> BTreeSet<&str> {
    let of_root =
        surveys.iter().flat_map(|survey| [&survey.patient_id, &survey.trial_subject, &survey.patient_name]);
    let nested = surveys.iter().flat_map(|survey| survey.nested_ids.iter().chain(&survey.nested_names));
    of_root
        .chain(nested)
        .map(|code| code.trim_end_matches(['^', '=', ' ']))
        .filter(|code| !code.is_empty())
        .collect()
}

/// The different words of a result set that may be codes, in capitals: what to look up, however it is written (RC-04).
pub fn words_of(surveys: &[Survey]) -> BTreeSet<&str> {
    surveys.iter().flat_map(|survey| survey.words.iter().chain(&survey.named)).map(String::as_str).collect()
}

/// Whether a UID is one of the standard's own.
pub(crate) fn is_standard(uid: &str) -> bool {
    uid.starts_with(STANDARD_ROOT)
}

impl fmt::Debug for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Survey({} UIDs, {} dates, ..)", self.uids.len(), self.dates.len())
    }
}

impl fmt::Debug for UidUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UidUse({:?}, {})", self.role, self.path)
    }
}

impl fmt::Debug for DateUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DateUse({})", self.path)
    }
}
