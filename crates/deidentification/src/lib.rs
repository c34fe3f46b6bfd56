//! Pure transform: data set + profile + pseudonym source → data set + report (PS3.15 Annex E).
//!
//! Level 0: stands on `dicom-stream` alone; no clock, no file, no network. It does not know the vault: a [`PseudonymSource`] gives codes
//! and UIDs. It does not clean pixels, and says so in its [`Report`].
//!
//! Read first: [`Profile`] (what a project says), [`deidentify`] (one object), [`verify`] (the independent search afterwards).

mod action;
mod basic_profile;
mod deidentify;
mod document;
mod dummy;
mod iod;
mod iod_types;
mod option;
mod profile;
mod report;
mod rule;
mod text;
pub mod text_clean;
mod trial;
pub mod verify;
pub mod vr_default;
mod walk;

pub use action::{Action, AttributeType, Step};
pub use basic_profile::{BASIC_PROFILE_2026D, EDITION};
pub use deidentify::{DeidentificationError, Object, PseudonymSource, deidentify};
pub use option::{BASIC_PROFILE_CODE, DeidentificationOption};
pub use profile::{CompiledProfile, Profile, ProfileError, ProjectRule};
pub use report::{Change, NotInspected, Report};
pub use trial::{ClinicalTrial, Consent, Distribution};
