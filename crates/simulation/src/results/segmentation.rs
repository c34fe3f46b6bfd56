//! Segmentation IOD, binary (PS3.3 §A.51, C.8.20): one segment on two slices.

use dicom_dictionary_std::{tags, uids};
use dicom_stream::VR;

use super::job::{Job, LUNG, image_reference, source_image};
use crate::data_set::{Code, DataSet};
use crate::object::Object;

/// A segmentation of the first two slices; none if the study has no volume.
pub(super) fn make(job: &Job<'_>) -> Option<DataSet> {
    let volume = job.volume();
    let slices = volume.get(..2)?;
    let first = slices.first()?;
    let of_first = |tag| first.attributes.text(tag);
    let (rows, columns) = (first.attributes.number(tags::ROWS)?, first.attributes.number(tags::COLUMNS)?);
    let organization = job.uid("dimension organization");
    let shared = DataSet::default()
        .items(
            tags::PIXEL_MEASURES_SEQUENCE,
            [DataSet::default()
                .put(tags::PIXEL_SPACING, of_first(tags::PIXEL_SPACING))
                .put(tags::SLICE_THICKNESS, of_first(tags::SLICE_THICKNESS))],
        )
        .items(
            tags::PLANE_ORIENTATION_SEQUENCE,
            [DataSet::default()
                .put(tags::IMAGE_ORIENTATION_PATIENT, of_first(tags::IMAGE_ORIENTATION_PATIENT))],
        );
    let set = job
        .object("segmentation", uids::SEGMENTATION_STORAGE, "SEG", "9001")
        .put(tags::IMAGE_TYPE, "DERIVED\\PRIMARY")
        .put(tags::FRAME_OF_REFERENCE_UID, of_first(tags::FRAME_OF_REFERENCE_UID))
        .put(tags::POSITION_REFERENCE_INDICATOR, "")
        .put(tags::CONTENT_LABEL, "LUNG")
        .put(tags::CONTENT_DESCRIPTION, "Simulated segmentation")
        .put(tags::CONTENT_CREATOR_NAME, "Simulated^Algorithm")
        .put(tags::SEGMENTATION_TYPE, "BINARY")
        .put(tags::LOSSY_IMAGE_COMPRESSION, "00")
        .put(tags::NUMBER_OF_FRAMES, "2")
        .items(tags::SEGMENT_SEQUENCE, [segment(job)])
        .items(tags::REFERENCED_SERIES_SEQUENCE, [referenced_series(first, &volume)])
        .items(
            tags::DIMENSION_ORGANIZATION_SEQUENCE,
            [DataSet::default().put(tags::DIMENSION_ORGANIZATION_UID, &*organization)],
        )
        .items(tags::DIMENSION_INDEX_SEQUENCE, dimensions(&organization))
        .items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, [shared])
        .items(
            tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
            (1..).zip(slices).map(|(n, slice)| frame(n, slice)),
        );
    Some(pixels(set, rows, columns))
}

fn segment(job: &Job<'_>) -> DataSet {
    DataSet::default()
        .numbers(tags::SEGMENT_NUMBER, [1])
        .put(tags::SEGMENT_LABEL, "Lung")
        .put(tags::SEGMENT_ALGORITHM_TYPE, "AUTOMATIC")
        .put(tags::SEGMENT_ALGORITHM_NAME, "Simulated algorithm")
        .put(tags::TRACKING_ID, "Lung 1")
        .put(tags::TRACKING_UID, job.uid("tracking"))
        .code(
            tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
            Code("91723000", "SCT", "Anatomical Structure"),
        )
        .code(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, LUNG)
}

fn referenced_series(first: &Object, volume: &[&Object]) -> DataSet {
    DataSet::default()
        .put(tags::SERIES_INSTANCE_UID, &*first.series)
        .items(tags::REFERENCED_INSTANCE_SEQUENCE, volume.iter().map(|slice| image_reference(slice)))
}

/// By segment, then by position.
fn dimensions(organization: &str) -> [DataSet; 2] {
    let dimension = |pointer, group| {
        DataSet::default()
            .put(tags::DIMENSION_ORGANIZATION_UID, organization)
            .pointer(tags::DIMENSION_INDEX_POINTER, pointer)
            .pointer(tags::FUNCTIONAL_GROUP_POINTER, group)
    };
    [
        dimension(tags::REFERENCED_SEGMENT_NUMBER, tags::SEGMENT_IDENTIFICATION_SEQUENCE),
        dimension(tags::IMAGE_POSITION_PATIENT, tags::PLANE_POSITION_SEQUENCE),
    ]
}

fn frame(number: u32, slice: &Object) -> DataSet {
    let derivation = DataSet::default()
        .items(tags::SOURCE_IMAGE_SEQUENCE, [source_image(slice)])
        .code(tags::DERIVATION_CODE_SEQUENCE, Code("113076", "DCM", "Segmentation"));
    let position = slice.attributes.text(tags::IMAGE_POSITION_PATIENT);
    DataSet::default()
        .items(tags::DERIVATION_IMAGE_SEQUENCE, [derivation])
        .items(
            tags::FRAME_CONTENT_SEQUENCE,
            [DataSet::default().longs(tags::DIMENSION_INDEX_VALUES, [1, number])],
        )
        .items(
            tags::PLANE_POSITION_SEQUENCE,
            [DataSet::default().put(tags::IMAGE_POSITION_PATIENT, position)],
        )
        .items(
            tags::SEGMENT_IDENTIFICATION_SEQUENCE,
            [DataSet::default().numbers(tags::REFERENCED_SEGMENT_NUMBER, [1])],
        )
}

/// Two frames with a square in the middle, eight pixels in a byte, lowest bit first (PS3.5 §8.1.1).
fn pixels(set: DataSet, rows: u16, columns: u16) -> DataSet {
    let inside = |at: u16, side: u16| at >= side / 4 && at < side - side / 4;
    let (rows_in_all, wide) = (2 * u32::from(rows), u32::from(columns));
    let mut bits = vec![0_u8; (rows_in_all * wide).div_ceil(8) as usize];
    let all = (0..2 * rows).flat_map(|row| (0..columns).map(move |column| (row % rows, column)));
    for (at, (row, column)) in all.enumerate() {
        if let Some(byte) = bits.get_mut(at / 8)
            && inside(row, rows)
            && inside(column, columns)
        {
            *byte |= 1 << (at % 8);
        }
    }
    set.numbers(tags::SAMPLES_PER_PIXEL, [1])
        .put(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .numbers(tags::ROWS, [rows])
        .numbers(tags::COLUMNS, [columns])
        .numbers(tags::BITS_ALLOCATED, [1])
        .numbers(tags::BITS_STORED, [1])
        .numbers(tags::HIGH_BIT, [0])
        .numbers(tags::PIXEL_REPRESENTATION, [0])
        .bytes(tags::PIXEL_DATA, VR::OB, bits)
}
