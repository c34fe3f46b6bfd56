//! Rows of the tables: a Basic action, and what the options make of it.

use super::action::Action;
use crate::option::DeidentificationOption as O;
pub(super) use crate::option::OptionSet;

pub(super) const NONE: OptionSet = OptionSet::NONE;
pub(super) const GRAPHICS: OptionSet = OptionSet::of(O::CleanGraphics);
pub(super) const CONTENT: OptionSet = OptionSet::of(O::CleanStructuredContent);
pub(super) const DESCRIPTORS: OptionSet = OptionSet::of(O::CleanDescriptors);
pub(super) const FULL_DATES: OptionSet = OptionSet::of(O::RetainLongitudinalFullDates);
pub(super) const MODIFIED_DATES: OptionSet = OptionSet::of(O::RetainLongitudinalModifiedDates);
pub(super) const PATIENT: OptionSet = OptionSet::of(O::RetainPatientCharacteristics);
pub(super) const DEVICE: OptionSet = OptionSet::of(O::RetainDeviceIdentity);
pub(super) const UIDS: OptionSet = OptionSet::of(O::RetainUids);
pub(super) const INSTITUTION: OptionSet = OptionSet::of(O::RetainInstitutionIdentity);

/// A row of Table E.1-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Group and element, `ggggeeee`.
    pub tag: u32,
    /// Action of the Basic profile.
    pub action: Action,
    /// Options whose column says K.
    pub keep: OptionSet,
    /// Options whose column says C.
    pub clean: OptionSet,
}

impl Row {
    pub(super) const fn new(tag: u32, action: Action, keep: OptionSet, clean: OptionSet) -> Self {
        Self { tag, action, keep, clean }
    }
}

/// A row of Table E.3.4-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRow {
    /// Coding scheme of the concept name.
    pub scheme: &'static str,
    /// Code of the concept name.
    pub code: &'static str,
    /// Value type of the content item (PS3.3 C.17.3).
    pub value_type: &'static str,
    /// Action of the Basic profile.
    pub action: Action,
    /// Options whose column says K.
    pub keep: OptionSet,
    /// Options whose column says C.
    pub clean: OptionSet,
}

impl ContentRow {
    pub(super) const fn new(
        scheme: &'static str,
        code: &'static str,
        value_type: &'static str,
        action: Action,
        keep: OptionSet,
        clean: OptionSet,
    ) -> Self {
        Self { scheme, code, value_type, action, keep, clean }
    }
}
