//! Pure transform: data set + profile + pseudonym source → data set + report (PS3.15 Annex E).
//!
//! Level 0: stands on `dicom-stream` and `pixel`; no clock, no file, no network. It does not know the vault: a [`PseudonymSource`] gives codes
//! and UIDs. Programs that look at pixels and documents are given.
//!
//! Read first: [`Profile`] (what a project says), [`deidentify`] (one object), [`verify`] (the independent search afterwards),
//! [`partner_view()`] (the object of the archive as one partner gets it), [`changes`] (before and after, for people).

pub mod changes;
mod clinical_document;
mod content;
mod creators;
mod defaced;
mod deidentify;
mod document;
mod document_inspection;
mod dummy;
mod face;
mod iod;
mod iod_types;
mod label;
mod level;
mod option;
mod partner_view;
pub mod pixels;
mod profile;
mod report;
mod survey;
pub mod table;
mod text;
pub mod text_clean;
mod trial;
pub mod verify;
mod walk;

pub use clinical_document::{CDA_STORAGE, inspect_clinical_document};
pub use defaced::{DefacedError, OriginalImage, instance_facts, native_syntax};
pub use deidentify::{DeidentificationError, Known, Object, PseudonymSource, deidentify};
pub use document_inspection::{DocumentInspection, DocumentKept, PDF_STORAGE, inspect_document};
pub use label::{Forward, Label, QueryError};
pub use option::{BASIC_PROFILE_CODE, DeidentificationOption, OptionSet};
pub use partner_view::{PartnerPseudonyms, PartnerViewError, Replaced, output_syntax, partner_view};
pub use pixels::{Inspection, PixelPlan, inspect};
pub use profile::{
    Add, Advice, AttributeEffect, CompiledProfile, Decision, DefaultEffect, DocumentPolicy, Effect,
    Explanation, FacePolicy, Hash, PrivateElements, Profile, ProfileError, ProjectRule, RuleAction, RuleId,
    SHIPPED, Scope, Summary, Topic, TrustedEquipment,
};
pub use report::{Change, DocumentReport, NotInspected, Report};
pub use survey::Survey;
pub use table::{Action, AttributeType, EDITION, Step, TABLE_E1_1};
pub use text_clean::{TextCleanError, TextCleaner, Vocabulary};
pub use trial::{ClinicalTrial, Consent, Distribution};
