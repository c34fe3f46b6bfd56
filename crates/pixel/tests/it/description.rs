//! PS3.3 C.7.6.3: what is accepted, what a frame takes, and that nothing is computed from a bad value.

use super::{colour, grey};
use pixel::{Attributes, DescriptionError, FrameLimit};

fn frame_bytes(attributes: &Attributes) -> u64 {
    attributes.check(FrameLimit::STREAMED).unwrap().frame_bytes()
}

#[test]
fn a_frame_takes_what_its_cells_take() {
    assert_eq!(frame_bytes(&grey(512, 512, 16, 12)), 524_288);
    assert_eq!(frame_bytes(&grey(3, 3, 1, 1)), 2);
    assert_eq!(frame_bytes(&grey(10, 10, 32, 32)), 400);
    assert_eq!(frame_bytes(&colour(480, 640, "RGB", 0)), 921_600);
    assert_eq!(frame_bytes(&colour(480, 640, "YBR_FULL_422", 0)), 614_400);
}

#[test]
fn frames_of_single_bits_are_not_padded() {
    let attributes = Attributes { number_of_frames: Some(3), ..grey(3, 3, 1, 1) };
    assert_eq!(attributes.check(FrameLimit::STREAMED).unwrap().native_bytes(), 4);
}

#[test]
fn a_frame_above_the_limit_is_refused() {
    let error = grey(65_535, 65_535, 16, 16).check(FrameLimit::STREAMED).unwrap_err();
    assert_eq!(error, DescriptionError::FrameTooLarge { bytes: 8_589_672_450, limit: 1 << 30 });
    assert!(grey(16_384, 16_384, 8, 8).check(FrameLimit::DECODED).is_ok());
    assert!(grey(16_384, 16_385, 8, 8).check(FrameLimit::DECODED).is_err());
}

#[test]
fn values_that_the_module_does_not_allow_are_named() {
    let refused = |change: fn(&mut Attributes)| {
        let mut attributes = grey(4, 4, 16, 12);
        change(&mut attributes);
        attributes.check(FrameLimit::STREAMED).unwrap_err()
    };
    let not_allowed = |attribute| DescriptionError::NotAllowed { attribute };
    assert_eq!(refused(|a| a.rows = None), DescriptionError::Absent("Rows"));
    assert_eq!(refused(|a| a.columns = Some(0)), not_allowed("Columns"));
    assert_eq!(refused(|a| a.bits_allocated = Some(12)), not_allowed("BitsAllocated"));
    assert_eq!(refused(|a| a.bits_stored = Some(17)), not_allowed("BitsStored"));
    assert_eq!(refused(|a| a.high_bit = Some(16)), not_allowed("HighBit"));
    assert_eq!(refused(|a| a.high_bit = Some(10)), not_allowed("HighBit"));
    assert_eq!(refused(|a| a.pixel_representation = Some(2)), not_allowed("PixelRepresentation"));
    assert_eq!(refused(|a| a.number_of_frames = Some(0)), not_allowed("NumberOfFrames"));
    assert_eq!(refused(|a| a.samples_per_pixel = Some(3)), not_allowed("SamplesPerPixel"));
    assert_eq!(
        refused(|a| a.photometric_interpretation = Some("HSV".into())),
        DescriptionError::UnknownPhotometric
    );
}

#[test]
fn half_a_pair_of_subsampled_columns_is_refused() {
    let error = colour(4, 5, "YBR_FULL_422", 0).check(FrameLimit::STREAMED).unwrap_err();
    assert_eq!(error, DescriptionError::NotAllowed { attribute: "PlanarConfiguration" });
}
