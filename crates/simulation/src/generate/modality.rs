//! The image object definitions that are generated: CT, MR, CR, ultrasound multi-frame (PS3.3 §A.2, A.3, A.4, A.7).

use dicom_dictionary_std::{tags, uids};
use dicom_stream::{TransferSyntax, VR};

use super::image::{SIDE, picture};
use crate::data_set::DataSet;

/// Kind of a generated study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modality {
    /// Slices, Explicit VR Little Endian.
    Ct,
    /// Slices, Implicit VR Little Endian.
    Mr,
    /// One image.
    Cr,
    /// One image of several frames.
    Us,
}

impl Modality {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ct, Self::Mr, Self::Cr, Self::Us];

    /// Modality (0008,0060).
    pub fn word(self) -> &'static str {
        match self {
            Self::Ct => "CT",
            Self::Mr => "MR",
            Self::Cr => "CR",
            Self::Us => "US",
        }
    }

    pub(super) fn syntax(self) -> &'static TransferSyntax {
        if self == Self::Mr { &TransferSyntax::IMPLICIT_LITTLE } else { &TransferSyntax::EXPLICIT_LITTLE }
    }

    /// The instances of a series, without SOP Instance UID and Instance Number.
    pub(super) fn instances(self, common: &DataSet, slices: u16) -> Vec<DataSet> {
        let common = common.clone().put(tags::MODALITY, self.word());
        match self {
            Self::Ct => (0..slices).map(|number| ct(plane(common.clone(), number), number)).collect(),
            Self::Mr => (0..slices).map(|number| mr(plane(common.clone(), number), number)).collect(),
            Self::Cr => vec![cr(without_frame_of_reference(common))],
            Self::Us => vec![us(without_frame_of_reference(common), slices)],
        }
    }
}

fn without_frame_of_reference(common: DataSet) -> DataSet {
    DataSet::default()
        .copy(&common, |tag| tag != tags::FRAME_OF_REFERENCE_UID && tag != tags::PATIENT_POSITION)
}

/// Frame of Reference and Image Plane modules (PS3.3 §C.7.4.1, C.7.6.2): slices of 5 mm.
fn plane(set: DataSet, number: u16) -> DataSet {
    set.put(tags::POSITION_REFERENCE_INDICATOR, "")
        .put(tags::IMAGE_POSITION_PATIENT, format!("-32\\-32\\{}", i32::from(number) * 5))
        .put(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\1\\0")
        .put(tags::SLICE_LOCATION, (i32::from(number) * 5).to_string())
        .put(tags::SLICE_THICKNESS, "5")
        .put(tags::PIXEL_SPACING, "1\\1")
        .put(tags::ACQUISITION_NUMBER, "1")
}

/// Image Pixel module (PS3.3 §C.7.6.3), 12 of 16 bits.
fn pixels_of_12_bits(set: DataSet, step: u16) -> DataSet {
    set.numbers(tags::SAMPLES_PER_PIXEL, [1])
        .put(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .numbers(tags::ROWS, [SIDE])
        .numbers(tags::COLUMNS, [SIDE])
        .numbers(tags::BITS_ALLOCATED, [16])
        .numbers(tags::BITS_STORED, [12])
        .numbers(tags::HIGH_BIT, [11])
        .numbers(tags::PIXEL_REPRESENTATION, [0])
        .put(tags::WINDOW_CENTER, "1024")
        .put(tags::WINDOW_WIDTH, "2048")
        .put(tags::BURNED_IN_ANNOTATION, "NO")
        .bytes(tags::PIXEL_DATA, VR::OW, picture(step, 2047).flat_map(u16::to_le_bytes).collect())
}

fn ct(set: DataSet, number: u16) -> DataSet {
    pixels_of_12_bits(set, number)
        .put(tags::SOP_CLASS_UID, uids::CT_IMAGE_STORAGE)
        .put(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL")
        .put(tags::KVP, "120")
        .put(tags::RESCALE_INTERCEPT, "-1024")
        .put(tags::RESCALE_SLOPE, "1")
        .put(tags::RESCALE_TYPE, "HU")
        .put(tags::CONVOLUTION_KERNEL, "STANDARD")
}

fn mr(set: DataSet, number: u16) -> DataSet {
    pixels_of_12_bits(set, number)
        .put(tags::SOP_CLASS_UID, uids::MR_IMAGE_STORAGE)
        .put(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\OTHER")
        .put(tags::SCANNING_SEQUENCE, "SE")
        .put(tags::SEQUENCE_VARIANT, "NONE")
        .put(tags::SCAN_OPTIONS, "")
        .put(tags::MR_ACQUISITION_TYPE, "2D")
        .put(tags::REPETITION_TIME, "500")
        .put(tags::ECHO_TIME, "15")
        .put(tags::ECHO_TRAIN_LENGTH, "1")
        .put(tags::MAGNETIC_FIELD_STRENGTH, "1.5")
}

fn cr(set: DataSet) -> DataSet {
    pixels_of_12_bits(set, 0)
        .put(tags::SOP_CLASS_UID, uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE)
        .put(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY")
        .put(tags::PATIENT_ORIENTATION, "L\\F")
        .put(tags::VIEW_POSITION, "PA")
        .put(tags::IMAGER_PIXEL_SPACING, "1\\1")
}

fn us(set: DataSet, frames: u16) -> DataSet {
    let pixels =
        (0..frames).flat_map(|frame| picture(frame, 255)).map(|value| u8::try_from(value).unwrap_or(255));
    set.put(tags::SOP_CLASS_UID, uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE)
        .put(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\ABDOMINAL")
        .put(tags::PATIENT_ORIENTATION, "")
        .put(tags::LOSSY_IMAGE_COMPRESSION, "00")
        .numbers(tags::SAMPLES_PER_PIXEL, [1])
        .put(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .put(tags::NUMBER_OF_FRAMES, frames.to_string())
        .pointer(tags::FRAME_INCREMENT_POINTER, tags::FRAME_TIME)
        .put(tags::FRAME_TIME, "40")
        .numbers(tags::ROWS, [SIDE])
        .numbers(tags::COLUMNS, [SIDE])
        .numbers(tags::BITS_ALLOCATED, [8])
        .numbers(tags::BITS_STORED, [8])
        .numbers(tags::HIGH_BIT, [7])
        .numbers(tags::PIXEL_REPRESENTATION, [0])
        .put(tags::BURNED_IN_ANNOTATION, "NO")
        .bytes(tags::PIXEL_DATA, VR::OB, pixels.collect())
}
