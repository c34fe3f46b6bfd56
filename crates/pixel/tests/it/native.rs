//! Masked samples become the darkest value, by hand from PS3.3 C.7.6.3.1 and PS3.5 8.1.

use super::{colour, grey};
use pixel::{Attributes, Fill, FrameLimit, Mask, NativeMasker, NativeMaskerError, Rectangle, UnusedBits};

/// Masks the rectangle and gives the value back.
fn masked(attributes: &Attributes, rectangle: Rectangle, mut value: Vec<u8>) -> Vec<u8> {
    let description = attributes.check(FrameLimit::STREAMED).unwrap();
    let mask = Mask::inside(description.rows(), description.columns(), &[rectangle.into()]).unwrap();
    let masker = NativeMasker::new(&description, &mask, &Fill::darkest(&description)).unwrap();
    masker.apply(0, &mut value);
    value
}

fn rectangle(left: u32, top: u32, right: u32, bottom: u32) -> Rectangle {
    Rectangle::new(left, top, right, bottom).unwrap()
}

#[test]
fn eight_bit_grey_becomes_black_in_all_frames() {
    let attributes = Attributes { number_of_frames: Some(2), ..grey(2, 3, 8, 8) };
    let out = masked(&attributes, rectangle(1, 1, 2, 1), vec![9; 12]);
    assert_eq!(out, [9, 9, 9, 9, 0, 0, 9, 9, 9, 9, 0, 0]);
}

#[test]
fn inverted_grey_becomes_the_highest_stored_value() {
    let attributes =
        Attributes { photometric_interpretation: Some("MONOCHROME1".into()), ..grey(1, 2, 16, 12) };
    assert_eq!(masked(&attributes, rectangle(0, 0, 0, 0), vec![1, 2, 3, 4]), [0xFF, 0x0F, 3, 4]);
}

#[test]
fn signed_grey_becomes_the_lowest_stored_value_or_the_padding() {
    let signed = Attributes { pixel_representation: Some(1), ..grey(1, 2, 16, 12) };
    // -2048, sign repeated above High Bit 11.
    assert_eq!(masked(&signed, rectangle(1, 0, 1, 0), vec![1, 2, 3, 4]), [1, 2, 0x00, 0xF8]);
    // -2000 = F830H.
    let padded = Attributes { pixel_padding_value: Some(0xF830), ..signed.clone() };
    assert_eq!(masked(&padded, rectangle(1, 0, 1, 0), vec![1, 2, 3, 4]), [1, 2, 0x30, 0xF8]);
    // 3000 cannot be stored in 12 signed bits.
    let absurd = Attributes { pixel_padding_value: Some(3000), ..signed };
    assert_eq!(masked(&absurd, rectangle(1, 0, 1, 0), vec![1, 2, 3, 4]), [1, 2, 0x00, 0xF8]);
}

#[test]
fn a_value_above_the_low_bits_is_placed_at_high_bit() {
    let attributes = Attributes {
        photometric_interpretation: Some("MONOCHROME1".into()),
        high_bit: Some(15),
        ..grey(1, 1, 16, 12)
    };
    assert_eq!(masked(&attributes, rectangle(0, 0, 0, 0), vec![1, 2]), [0xF0, 0xFF]);
}

#[test]
fn big_endian_samples_have_their_high_byte_first() {
    let attributes = Attributes {
        photometric_interpretation: Some("MONOCHROME1".into()),
        big_endian_words: true,
        ..grey(1, 2, 16, 12)
    };
    assert_eq!(masked(&attributes, rectangle(1, 0, 1, 0), vec![1, 2, 3, 4]), [1, 2, 0x0F, 0xFF]);
}

#[test]
fn eight_bit_samples_in_big_endian_words_lie_swapped() {
    // Pixels 0 1 2 3 are written 1 0 3 2.
    let attributes = Attributes { big_endian_words: true, ..grey(1, 4, 8, 8) };
    assert_eq!(masked(&attributes, rectangle(2, 0, 2, 0), vec![11, 10, 13, 12]), [11, 10, 13, 0]);
}

#[test]
fn colour_by_pixel_and_by_plane() {
    let out = masked(&colour(1, 3, "RGB", 0), rectangle(1, 0, 1, 0), (1..=9).collect());
    assert_eq!(out, [1, 2, 3, 0, 0, 0, 7, 8, 9]);
    let out = masked(&colour(1, 3, "RGB", 1), rectangle(1, 0, 1, 0), (1..=9).collect());
    assert_eq!(out, [1, 0, 3, 4, 0, 6, 7, 0, 9]);
}

#[test]
fn luminance_becomes_nought_and_colour_differences_the_middle() {
    let out = masked(&colour(1, 2, "YBR_FULL", 0), rectangle(1, 0, 1, 0), (1..=6).collect());
    assert_eq!(out, [1, 2, 3, 0, 128, 128]);
    let out = masked(&colour(1, 2, "YBR_FULL", 1), rectangle(1, 0, 1, 0), (1..=6).collect());
    assert_eq!(out, [1, 0, 3, 128, 5, 128]);
}

#[test]
fn a_subsampled_pair_is_masked_whole() {
    // Y Y Cb Cr for each pair of columns; columns 1 and 2 touch both pairs of the first four columns.
    let out = masked(&colour(1, 6, "YBR_FULL_422", 0), rectangle(1, 0, 2, 0), (1..=12).collect());
    assert_eq!(out, [0, 0, 128, 128, 0, 0, 128, 128, 9, 10, 11, 12]);
}

#[test]
fn single_bits_are_counted_across_frames() {
    // 3 × 3 bits: the second frame starts at bit 9, the third at bit 18. The last pixel of each: bits 8, 17, 26.
    let attributes = Attributes { number_of_frames: Some(3), ..grey(3, 3, 1, 1) };
    let out = masked(&attributes, rectangle(2, 2, 2, 2), vec![0xFF; 4]);
    assert_eq!(out, [0xFF, 0b1111_1110, 0b1111_1101, 0b1111_1011]);
    let inverted = Attributes { photometric_interpretation: Some("MONOCHROME1".into()), ..attributes };
    assert_eq!(masked(&inverted, rectangle(2, 2, 2, 2), vec![0; 4]), [0, 1, 2, 4]);
}

#[test]
fn single_bits_in_big_endian_words_lie_swapped() {
    let attributes = Attributes { big_endian_words: true, ..grey(1, 16, 1, 1) };
    // Pixel 0 is the lowest bit of the word, which lies in the second byte.
    assert_eq!(masked(&attributes, rectangle(0, 0, 0, 0), vec![0xFF, 0xFF]), [0xFF, 0xFE]);
}

#[test]
fn wide_samples_are_masked_whole() {
    let out = masked(&grey(1, 2, 32, 32), rectangle(1, 0, 1, 0), vec![9; 8]);
    assert_eq!(out, [9, 9, 9, 9, 0, 0, 0, 0]);
}

#[test]
fn a_palette_is_filled_with_the_index_given() {
    let attributes =
        Attributes { photometric_interpretation: Some("PALETTE COLOR".into()), ..grey(1, 2, 8, 8) };
    let description = attributes.check(FrameLimit::STREAMED).unwrap();
    let mask = Mask::inside(1, 2, &[rectangle(0, 0, 0, 0).into()]).unwrap();
    let mut value = vec![5, 6];
    let fill = Fill::palette_index(&description, 200);
    NativeMasker::new(&description, &mask, &fill).unwrap().apply(0, &mut value);
    assert_eq!(value, [200, 6]);
}

#[test]
fn padding_after_the_last_frame_stays() {
    assert_eq!(masked(&grey(1, 3, 8, 8), rectangle(0, 0, 2, 0), vec![9; 4]), [0, 0, 0, 9]);
}

#[test]
fn a_mask_of_another_size_is_refused() {
    let description = grey(2, 2, 8, 8).check(FrameLimit::STREAMED).unwrap();
    let mask = Mask::outside(2, 3, &[]).unwrap();
    let error = NativeMasker::new(&description, &mask, &Fill::darkest(&description)).unwrap_err();
    assert_eq!(error, NativeMaskerError::SizeDiffers);
}

#[test]
fn an_overlay_in_the_unused_bits_goes_and_the_samples_stay() {
    // Bit 12 of the first sample and bit 15 of the second are overlays.
    let description = grey(1, 2, 16, 12).check(FrameLimit::STREAMED).unwrap();
    let unused = UnusedBits::new(&description).unwrap();
    let mut value = vec![0x34, 0x12, 0xFF, 0x8F, 0xFF, 0xFF];
    let (first, second) = value.split_at_mut(1);
    unused.clear(0, first);
    unused.clear(1, second);
    assert_eq!(value, [0x34, 0x02, 0xFF, 0x0F, 0xFF, 0xFF]);
    let big =
        Attributes { big_endian_words: true, ..grey(1, 1, 16, 12) }.check(FrameLimit::STREAMED).unwrap();
    let mut value = vec![0x12, 0x34];
    UnusedBits::new(&big).unwrap().clear(0, &mut value);
    assert_eq!(value, [0x02, 0x34]);
    assert!(UnusedBits::new(&grey(1, 1, 16, 16).check(FrameLimit::STREAMED).unwrap()).is_none());
    assert!(UnusedBits::new(&grey(1, 1, 1, 1).check(FrameLimit::STREAMED).unwrap()).is_none());
}
