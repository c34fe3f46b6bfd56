//! Options of the profile (PS3.15 E.3, codes of CID 7050).

use serde::{Deserialize, Serialize};

/// Code of the Basic Application Confidentiality Profile in CID 7050.
pub const BASIC_PROFILE_CODE: &str = "113100";

/// An option of PS3.15 E.3. Profiles can name each of them; this version carries out none (see [`crate::ProfileError`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeidentificationOption {
    /// 113101, E.3.1.
    CleanPixelData,
    /// 113102, E.3.2.
    CleanRecognizableVisualFeatures,
    /// 113103, E.3.3.
    CleanGraphics,
    /// 113104, E.3.4.
    CleanStructuredContent,
    /// 113105, E.3.5.
    CleanDescriptors,
    /// 113106, E.3.6.
    RetainLongitudinalFullDates,
    /// 113107, E.3.6.
    RetainLongitudinalModifiedDates,
    /// 113108, E.3.7.
    RetainPatientCharacteristics,
    /// 113109, E.3.8.
    RetainDeviceIdentity,
    /// 113110, E.3.9.
    RetainUids,
    /// 113111, E.3.10.
    RetainSafePrivate,
    /// 113112, E.3.11.
    RetainInstitutionIdentity,
}

impl DeidentificationOption {
    /// Code in CID 7050, scheme DCM.
    pub fn code(self) -> &'static str {
        match self {
            Self::CleanPixelData => "113101",
            Self::CleanRecognizableVisualFeatures => "113102",
            Self::CleanGraphics => "113103",
            Self::CleanStructuredContent => "113104",
            Self::CleanDescriptors => "113105",
            Self::RetainLongitudinalFullDates => "113106",
            Self::RetainLongitudinalModifiedDates => "113107",
            Self::RetainPatientCharacteristics => "113108",
            Self::RetainDeviceIdentity => "113109",
            Self::RetainUids => "113110",
            Self::RetainSafePrivate => "113111",
            Self::RetainInstitutionIdentity => "113112",
        }
    }
}
