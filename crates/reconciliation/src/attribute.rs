//! What single attributes mean for the way back: tables of tags, transcribed from PS3.3 and from the rules RR-2, RR-8 and AC8.3.

use dicom_stream::Tag;
pub(crate) use dicom_stream::effective_vr;

pub(crate) const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
pub(crate) const IMAGE_TYPE: Tag = Tag(0x0008, 0x0008);
pub(crate) const SOP_CLASS_UID: Tag = Tag(0x0008, 0x0016);
pub(crate) const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
pub(crate) const ACCESSION_NUMBER: Tag = Tag(0x0008, 0x0050);
pub(crate) const MODALITY: Tag = Tag(0x0008, 0x0060);
pub(crate) const SERIES_DESCRIPTION: Tag = Tag(0x0008, 0x103E);
pub(crate) const TIMEZONE_OFFSET: Tag = Tag(0x0008, 0x0201);
pub(crate) const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
pub(crate) const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
pub(crate) const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
pub(crate) const TRIAL_SUBJECT_ID: Tag = Tag(0x0012, 0x0040);
pub(crate) const PATIENT_IDENTITY_REMOVED: Tag = Tag(0x0012, 0x0062);
pub(crate) const CONTENT_QUALIFICATION: Tag = Tag(0x0018, 0x9004);
pub(crate) const CONTRIBUTING_EQUIPMENT: Tag = Tag(0x0018, 0xA001);
pub(crate) const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
pub(crate) const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);
pub(crate) const SERIES_NUMBER: Tag = Tag(0x0020, 0x0011);
pub(crate) const FRAME_OF_REFERENCE_UID: Tag = Tag(0x0020, 0x0052);
pub(crate) const BURNED_IN_ANNOTATION: Tag = Tag(0x0028, 0x0301);
pub(crate) const LONGITUDINAL_TEMPORAL_INFORMATION: Tag = Tag(0x0028, 0x0303);
pub(crate) const CONCEPT_NAME_CODE: Tag = Tag(0x0040, 0xA043);
pub(crate) const REFERENCED_REQUEST: Tag = Tag(0x0040, 0xA370);
/// Text Value and Person Name of a content item.
pub(crate) const TEXT_VALUE: Tag = Tag(0x0040, 0xA160);
pub(crate) const PERSON_NAME: Tag = Tag(0x0040, 0xA123);
pub(crate) const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);
pub(crate) const UID: Tag = Tag(0x0040, 0xA124);
pub(crate) const ENCAPSULATED_DOCUMENT: Tag = Tag(0x0042, 0x0011);
pub(crate) const ENCAPSULATED_DOCUMENT_LENGTH: Tag = Tag(0x0042, 0x0015);
pub(crate) const ENCRYPTED_ATTRIBUTES: Tag = Tag(0x0400, 0x0500);
pub(crate) const ORIGINAL_ATTRIBUTES: Tag = Tag(0x0400, 0x0561);

/// Root of the UIDs that DICOM itself assigns (PS3.6 Annex A): never looked up (RR-1).
pub(crate) const STANDARD_ROOT: &str = "1.2.840.10008.";
/// Group of Pixel Data and its offset tables.
pub(crate) const PIXEL_GROUP: u16 = 0x7FE0;

/// Whether an element of the main data set is of the patient or the study: set from the own record, or left out (AC8.3).
pub(crate) fn is_identity(tag: Tag) -> bool {
    tag.group() == 0x0010 || STUDY_LEVEL.binary_search(&tag).is_ok()
}

/// Whether an element of the main data set of an original belongs to its own record (flow table 8.2): what `is_identity` takes out of a
/// result, but for Study Instance UID, which the record has apart, for group lengths, and for Examined Body Thickness (0010,9431), which
/// is of the exposure.
#[must_use]
pub fn is_of_own_record(tag: Tag) -> bool {
    is_identity(tag) && tag != STUDY_INSTANCE_UID && tag.element() != 0 && tag != Tag(0x0010, 0x9431)
}

/// Nothing of the own record stands after this tag.
pub const LAST_OF_OWN_RECORD: Tag = Tag(0x0040, 0x1012);

/// Attributes of General Study and Patient Study outside of group 0010 (PS3.3 C.7.2.1, C.7.2.2), sorted.
static STUDY_LEVEL: &[Tag] = &[
    Tag(0x0008, 0x0020), // Study Date
    Tag(0x0008, 0x0030), // Study Time
    ACCESSION_NUMBER,
    Tag(0x0008, 0x0051), // Issuer of Accession Number Sequence
    Tag(0x0008, 0x0090), // Referring Physician's Name
    Tag(0x0008, 0x0092), // Referring Physician's Address
    Tag(0x0008, 0x0094), // Referring Physician's Telephone Numbers
    Tag(0x0008, 0x0096), // Referring Physician Identification Sequence
    Tag(0x0008, 0x009C), // Consulting Physician's Name
    Tag(0x0008, 0x009D), // Consulting Physician Identification Sequence
    Tag(0x0008, 0x1030), // Study Description
    Tag(0x0008, 0x1032), // Procedure Code Sequence
    Tag(0x0008, 0x1048), // Physician(s) of Record
    Tag(0x0008, 0x1049), // Physician(s) of Record Identification Sequence
    Tag(0x0008, 0x1060), // Name of Physician(s) Reading Study
    Tag(0x0008, 0x1062), // Physician(s) Reading Study Identification Sequence
    Tag(0x0008, 0x1080), // Admitting Diagnoses Description
    Tag(0x0008, 0x1084), // Admitting Diagnoses Code Sequence
    Tag(0x0008, 0x1110), // Referenced Study Sequence
    STUDY_INSTANCE_UID,
    Tag(0x0020, 0x0010), // Study ID
    Tag(0x0032, 0x1033), // Requesting Service
    Tag(0x0032, 0x1034), // Requesting Service Code Sequence
    Tag(0x0032, 0x1066), // Reason for Visit
    Tag(0x0032, 0x1067), // Reason for Visit Code Sequence
    Tag(0x0038, 0x0010), // Admission ID
    Tag(0x0038, 0x0014), // Issuer of Admission ID Sequence
    Tag(0x0038, 0x0060), // Service Episode ID
    Tag(0x0038, 0x0062), // Service Episode Description
    Tag(0x0038, 0x0064), // Issuer of Service Episode ID Sequence
    Tag(0x0038, 0x0500), // Patient State
    LAST_OF_OWN_RECORD,  // Reason for Performed Procedure Code Sequence
];

/// Attributes of Clinical Trial Study and Clinical Trial Series that name neither subject nor sponsor (PS3.3 C.7.2.3, C.7.3.2).
pub(crate) fn is_trial_time_point(tag: Tag) -> bool {
    matches!(tag, Tag(0x0012, 0x0050..=0x0055 | 0x0060 | 0x0071..=0x0073))
}

/// MAC Parameters and Digital Signatures (PS3.15 Annex C): no longer valid once a byte has changed.
pub(crate) fn is_signature(tag: Tag) -> bool {
    matches!(tag, Tag(0x4FFE, 0x0001) | Tag(0xFFFA, 0xFFFA))
}

/// Processing dates of the partner, edition 1 (RR-8): DA and DT of the table; its times have no class of their own.
pub(crate) fn is_processing_date(tag: Tag) -> bool {
    matches!(
        tag,
        Tag(0x0008, 0x0012 | 0x0015 | 0x0021 | 0x0023)
            | Tag(0x0018, 0x1012 | 0xA002)
            | Tag(0x0040, 0x0244 | 0x0250 | 0xA030 | 0xA032)
            | Tag(0x0070, 0x0082)
            | Tag(0x3006, 0x0008)
            | Tag(0x300A, 0x0006)
            | Tag(0x0400, 0x0105 | 0x0562)
    )
}

/// Whether a UI element names something defined elsewhere; every other one names something of the object itself (RR-2).
/// `concept` is the code of the content item around a UID (0040,A124).
pub(crate) fn refers(tag: Tag, is_root: bool, concept: &str) -> bool {
    match tag {
        UID => REFERRING_CONCEPTS.contains(&concept),
        STUDY_INSTANCE_UID | SERIES_INSTANCE_UID | SOP_INSTANCE_UID | FRAME_OF_REFERENCE_UID => !is_root,
        // Volume and Table Frame of Reference UID
        Tag(0x0020, 0x9312 | 0x9313) => !is_root,
        // Referenced SOP Instance UID, Multi-frame Source SOP Instance UID, SOP Instance UID of Concatenation Source
        Tag(0x0008, 0x1155 | 0x1167) | Tag(0x0020, 0x0242) => true,
        // Referenced, Related and Source Frame of Reference UID, Referenced Dose Reference UID
        Tag(0x3006, 0x0024 | 0x00C2) | Tag(0x0064, 0x0003) | Tag(0x300A, 0x0083) => true,
        _ => false,
    }
}

/// What a UID names where it stands. Two things of different kinds cannot share one (PS3.5 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A study.
    Study,
    /// A series.
    Series,
    /// An instance.
    Instance,
    /// A frame of reference.
    FrameOfReference,
    /// A dose reference.
    DoseReference,
}

/// What a UI element can name, by itself or as a reference; nothing where its tag does not tell.
#[must_use]
pub fn places_of(tag: Tag) -> &'static [Place] {
    match tag {
        STUDY_INSTANCE_UID => &[Place::Study],
        SERIES_INSTANCE_UID => &[Place::Series],
        SOP_INSTANCE_UID | Tag(0x0008, 0x1167) | Tag(0x0020, 0x0242) => &[Place::Instance],
        // RT Referenced Study and Referenced Study name a study by Referenced SOP Instance UID
        Tag(0x0008, 0x1155) => &[Place::Instance, Place::Study],
        // with those of volume and table, and the Referenced, Related and Source ones
        FRAME_OF_REFERENCE_UID
        | Tag(0x0020, 0x9312 | 0x9313)
        | Tag(0x3006, 0x0024 | 0x00C2)
        | Tag(0x0064, 0x0003) => &[Place::FrameOfReference],
        Tag(0x300A, 0x0013 | 0x0083) => &[Place::DoseReference],
        _ => &[],
    }
}

/// UIDs beside the object's own that others refer to: Volume and Table Frame of Reference UID, Dose Reference UID.
pub(crate) fn is_cited(tag: Tag) -> bool {
    matches!(tag, Tag(0x0020, 0x9312 | 0x9313) | Tag(0x300A, 0x0013))
}

/// Concepts (scheme DCM) of UIDREF content items that point at something else (PS3.16 Annex D).
static REFERRING_CONCEPTS: &[&str] = &[
    "110180", // Study Instance UID
    "112002", // Series Instance UID
    "112227", // Frame of Reference UID
    "121018", // Procedure Study Instance UID
    "121126", // Performed Procedure Step SOP Instance UID
    "121232", // Source series for segmentation
];

/// Subject ID and Subject Name of a report (scheme DCM, PS3.16 TID 1007).
pub(crate) const SUBJECT_ID: &str = "121030";
pub(crate) const SUBJECT_NAME: &str = "121029";

/// Classes whose Image Type is free in value 2, so that it can say SECONDARY. Segmentations, parametric maps and the multi-frame
/// classes with functional groups have PRIMARY there as an enumerated value (PS3.3 C.8.20.2, C.8.16.1).
pub(crate) fn is_plain_image(sop_class: &str) -> bool {
    let Some(suffix) = sop_class.strip_prefix("1.2.840.10008.5.1.4.1.1.") else { return false };
    PLAIN_IMAGES.contains(&suffix) || is_secondary_capture(sop_class)
}

static PLAIN_IMAGES: &[&str] = &[
    "1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "2", "3.1", "4", "6.1", "12.1", "12.2", "20", "128",
    "77.1.1", "77.1.4",
];

/// Secondary Capture and its multi-frame forms: the code may be drawn in their pixels (table 8.3).
pub(crate) fn is_secondary_capture(sop_class: &str) -> bool {
    matches!(sop_class.strip_prefix("1.2.840.10008.5.1.4.1.1.7"), Some("" | ".1" | ".2" | ".3" | ".4"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(STUDY_LEVEL.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(STUDY_LEVEL.last(), Some(&LAST_OF_OWN_RECORD));
    }
}
