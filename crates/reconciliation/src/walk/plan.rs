//! What is written, changed or left out in the main data set, sorted by tag: identity (AC8.3), marks (AC8.7, AC8.9), traces (AC8.8).

use std::collections::BTreeMap;

use dicom_stream::{Tag, VR};

use crate::attribute::{
    CONTENT_QUALIFICATION, CONTRIBUTING_EQUIPMENT, ENCRYPTED_ATTRIBUTES, IMAGE_TYPE,
    LONGITUDINAL_TEMPORAL_INFORMATION, ORIGINAL_ATTRIBUTES, PATIENT_IDENTITY_REMOVED, SERIES_DESCRIPTION,
    SERIES_NUMBER, SPECIFIC_CHARACTER_SET, STUDY_INSTANCE_UID,
};
use crate::character_set::Target;
use crate::own_record::{Attribute, OwnRecord, Value};
use crate::own_sequence::re_encoded;
use crate::policy::Policy;
use crate::reconcile::ReconciliationError;
use crate::report::TextSet;
use crate::survey::Survey;

/// One element of the main data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row {
    /// Written, whether it was there or not. Bytes in little endian.
    Write(VR, Vec<u8>),
    /// Written from the own record; of a sequence the items in explicit VR little endian.
    Restore(VR, Vec<u8>),
    /// Left out.
    Remove,
    /// The prefix of policy before the description.
    SeriesDescription,
    /// The offset of policy added.
    SeriesNumber,
    /// Value 1 DERIVED, value 2 SECONDARY where the class leaves it free.
    ImageType,
    /// Our item at the end of the sequence.
    AppendItem,
}

/// The rows for one object.
pub(crate) fn plan(
    survey: &Survey,
    own: &OwnRecord,
    policy: &Policy,
    target: &Target,
) -> Result<Vec<(Tag, Row)>, ReconciliationError> {
    let mut rows = BTreeMap::new();
    if let Some(row) = character_set(own, target) {
        rows.insert(SPECIFIC_CHARACTER_SET, row);
    }
    for attribute in &own.attributes {
        let row = restore(attribute, own, target)?;
        // The first of a repeated attribute, as every reader of the original took it.
        rows.entry(attribute.tag).or_insert(row);
    }
    rows.insert(STUDY_INSTANCE_UID, Row::Restore(VR::UI, own.study.clone().into_bytes()));
    rows.insert(PATIENT_IDENTITY_REMOVED, Row::Write(VR::CS, b"NO".to_vec()));
    // they were compared before, or the set is a person's (RC-15); the identity in them would be a second one
    rows.insert(ENCRYPTED_ATTRIBUTES, Row::Remove);
    rows.insert(LONGITUDINAL_TEMPORAL_INFORMATION, Row::Remove);
    rows.insert(CONTRIBUTING_EQUIPMENT, Row::AppendItem);
    rows.insert(ORIGINAL_ATTRIBUTES, Row::AppendItem);
    if policy.marking.is_some() {
        rows.insert(SERIES_DESCRIPTION, Row::SeriesDescription);
        rows.insert(SERIES_NUMBER, Row::SeriesNumber);
        rows.insert(CONTENT_QUALIFICATION, Row::Write(VR::CS, b"RESEARCH".to_vec()));
        if survey.geometry.is_some() || survey.pixels.is_some() {
            rows.insert(IMAGE_TYPE, Row::ImageType);
        }
    }
    Ok(rows.into_iter().collect())
}

/// (0008,0005) as received from the source where the output is in its set; the partner's own element stays where it is not changed.
fn character_set(own: &OwnRecord, target: &Target) -> Option<Row> {
    match target.kind {
        TextSet::Partner => None,
        TextSet::Utf8 => Some(Row::Write(VR::CS, target.set.value().into_bytes())),
        TextSet::Source => Some(match &own.character_set {
            Value::Absent => Row::Remove,
            Value::Empty => Row::Write(VR::CS, Vec::new()),
            Value::Bytes(bytes) => Row::Write(VR::CS, bytes.clone()),
        }),
    }
}

/// A value of the own record, in the character set of the output.
pub(super) fn restore(
    Attribute { tag, vr, value }: &Attribute,
    own: &OwnRecord,
    target: &Target,
) -> Result<Row, ReconciliationError> {
    let bytes = match value {
        Value::Absent => return Ok(Row::Remove),
        Value::Empty => Vec::new(),
        Value::Bytes(bytes) if target.kind == TextSet::Source => bytes.clone(),
        Value::Bytes(bytes) => re_encoded(*tag, *vr, bytes, &own.set(), &target.set)?,
    };
    Ok(Row::Restore(*vr, bytes))
}
