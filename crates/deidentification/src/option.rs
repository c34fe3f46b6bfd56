//! Options of the profile (PS3.15 E.3, codes of CID 7050).

use serde::{Deserialize, Serialize};

/// Code of the Basic Application Confidentiality Profile in CID 7050.
pub const BASIC_PROFILE_CODE: &str = "113100";

/// An option of PS3.15 E.3.
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
    /// All options, by code.
    pub const ALL: [Self; 12] = [
        Self::CleanPixelData,
        Self::CleanRecognizableVisualFeatures,
        Self::CleanGraphics,
        Self::CleanStructuredContent,
        Self::CleanDescriptors,
        Self::RetainLongitudinalFullDates,
        Self::RetainLongitudinalModifiedDates,
        Self::RetainPatientCharacteristics,
        Self::RetainDeviceIdentity,
        Self::RetainUids,
        Self::RetainSafePrivate,
        Self::RetainInstitutionIdentity,
    ];

    /// Code in CID 7050, scheme DCM.
    #[must_use]
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

    /// Meaning of the code in CID 7050.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::CleanPixelData => "Clean Pixel Data Option",
            Self::CleanRecognizableVisualFeatures => "Clean Recognizable Visual Features Option",
            Self::CleanGraphics => "Clean Graphics Option",
            Self::CleanStructuredContent => "Clean Structured Content Option",
            Self::CleanDescriptors => "Clean Descriptors Option",
            Self::RetainLongitudinalFullDates => "Retain Longitudinal Temporal Information Full Dates Option",
            Self::RetainLongitudinalModifiedDates => {
                "Retain Longitudinal Temporal Information Modified Dates Option"
            }
            Self::RetainPatientCharacteristics => "Retain Patient Characteristics Option",
            Self::RetainDeviceIdentity => "Retain Device Identity Option",
            Self::RetainUids => "Retain UIDs Option",
            Self::RetainSafePrivate => "Retain Safe Private Option",
            Self::RetainInstitutionIdentity => "Retain Institution Identity Option",
        }
    }

    /// Its word in a profile.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CleanPixelData => "clean_pixel_data",
            Self::CleanRecognizableVisualFeatures => "clean_recognizable_visual_features",
            Self::CleanGraphics => "clean_graphics",
            Self::CleanStructuredContent => "clean_structured_content",
            Self::CleanDescriptors => "clean_descriptors",
            Self::RetainLongitudinalFullDates => "retain_longitudinal_full_dates",
            Self::RetainLongitudinalModifiedDates => "retain_longitudinal_modified_dates",
            Self::RetainPatientCharacteristics => "retain_patient_characteristics",
            Self::RetainDeviceIdentity => "retain_device_identity",
            Self::RetainUids => "retain_uids",
            Self::RetainSafePrivate => "retain_safe_private",
            Self::RetainInstitutionIdentity => "retain_institution_identity",
        }
    }
}

/// A set of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OptionSet(u16);

impl OptionSet {
    /// No option.
    pub const NONE: Self = Self(0);

    /// The set of this one.
    #[must_use]
    pub const fn of(option: DeidentificationOption) -> Self {
        Self(1 << option as u16)
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are in both.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether `option` is in it.
    #[must_use]
    pub const fn has(self, option: DeidentificationOption) -> bool {
        self.0 & Self::of(option).0 != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The options, by code.
    pub fn iter(self) -> impl Iterator<Item = DeidentificationOption> {
        DeidentificationOption::ALL.into_iter().filter(move |option| self.has(*option))
    }
}

impl FromIterator<DeidentificationOption> for OptionSet {
    fn from_iter<I: IntoIterator<Item = DeidentificationOption>>(options: I) -> Self {
        options.into_iter().fold(Self::NONE, |set, option| set.and(Self::of(option)))
    }
}
