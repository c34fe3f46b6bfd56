//! Pure transform: a partner's result set back to the identity it came from, or the reason why not (PS3.15 E.1.2).
//!
//! Level 0: stands on `dicom-stream` alone; no vault, no clock, no file, no network. The caller looks up in the vault what was issued
//! and hands it over as values. Of a clinical document (CDA) it writes the patient role
//! anew; it does not inspect pixels or the bodies of other documents, and says so in its [`Report`].
//!
//! Read in the order of the work: [`survey`] (what an object says), [`judge`] (whose it is), [`reconcile`] (identity put back),
//! [`reverse_scan`] (nothing of the pseudonyms is left). In doubt nothing is guessed: the outcome is a person's.

mod attribute;
mod character_set;
mod clinical_document;
mod date;
mod encrypted_attributes;
mod identities;
mod judge;
mod own_record;
mod own_sequence;
mod policy;
mod reconcile;
mod report;
mod reverse_scan;
mod survey;
mod text_rule;
mod visit;
mod walk;

pub use attribute::{LAST_OF_OWN_RECORD, Place, is_of_own_record, places_of};
pub use date::Window;
pub use dicom_stream::Tag;
pub use encrypted_attributes::{
    EncryptedAttributes, EncryptedAttributesError, EncryptedContent, ModifiedAttributes, encrypted_contents,
    without_encrypted_attributes,
};
pub use identities::{Given, Identities};
pub use judge::{
    Conditions, Issued, IssuedUid, Judgement, Kind, ManualReason, Outcome, Participant, Proposal,
    RefuseReason, Sent, Verdict, judge,
};
pub use own_record::{Attribute, OwnRecord, Value};
pub use own_sequence::{Unreadable, each_value, re_encoded};
pub use policy::{Equipment, Marking, Policy, TrialAttributes};
pub use reconcile::{Object, ReconciliationError, reconcile};
pub use report::{NotInspected, Report, TextSet};
pub use reverse_scan::{Finding, FindingKind, Pseudonyms, Scan, reverse_scan};
pub use survey::{
    DateUse, Geometry, LIMITS, Role, Survey, SurveyError, UidUse, codes_of, survey, uids_of, words_of,
};
pub use text_rule::{TextPseudonym, TextRule};
