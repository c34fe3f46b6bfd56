//! Whatever the layout and however the stream is cut: bytes outside the mask stay, and the cut does not matter.

use super::grey;
use pixel::{Attributes, Description, Fill, FrameLimit, Mask, NativeMasker, Rectangle};
use proptest::prelude::*;

fn attributes() -> impl Strategy<Value = Attributes> {
    let kinds = prop::sample::select(vec![
        ("MONOCHROME1", 1_u16),
        ("MONOCHROME2", 1),
        ("PALETTE COLOR", 1),
        ("RGB", 3),
        ("YBR_FULL", 3),
        ("YBR_FULL_422", 3),
    ]);
    let bits = prop::sample::select(vec![(1_u16, 1_u16), (8, 8), (16, 12), (16, 16), (32, 32)]);
    (1..12_u16, 1..12_u16, kinds, bits, 0..2_u16, 0..2_u16, 1..4_u32, any::<bool>()).prop_map(
        |(rows, columns, (photometric, samples), (allocated, stored), planar, signed, frames, big)| {
            let subsampled = photometric == "YBR_FULL_422";
            let (allocated, stored) =
                if samples == 3 && allocated == 1 { (8, 8) } else { (allocated, stored) };
            Attributes {
                samples_per_pixel: Some(samples),
                photometric_interpretation: Some(photometric.into()),
                planar_configuration: Some(if subsampled { 0 } else { planar }),
                pixel_representation: Some(signed),
                number_of_frames: Some(frames),
                big_endian_words: big,
                ..grey(rows, if subsampled { columns * 2 } else { columns }, allocated, stored)
            }
        },
    )
}

/// Column and row of the pixels that the bit `bit` of the value (little endian order) belongs to: two under 4:2:2.
fn pixels_of(description: &Description, bit: u64) -> Vec<(u32, u32)> {
    let columns = u64::from(description.columns());
    let in_frame = bit % description.frame_bits();
    let sample = in_frame / u64::from(description.bits_allocated());
    let pixels = if description.subsampled() {
        vec![sample / 4 * 2, sample / 4 * 2 + 1]
    } else if description.by_plane() {
        vec![sample % (columns * u64::from(description.rows()))]
    } else {
        vec![sample / u64::from(description.samples_per_pixel())]
    };
    pixels.iter().map(|pixel| ((pixel % columns) as u32, (pixel / columns) as u32)).collect()
}

proptest! {
    #[test]
    fn only_masked_samples_change(
        attributes in attributes(),
        corner in (0..24_u32, 0..12_u32),
        size in (0..8_u32, 0..8_u32),
        seed in any::<u8>(),
        cuts in prop::collection::vec(1..40_usize, 1..6),
    ) {
        let description = attributes.check(FrameLimit::STREAMED).unwrap();
        let rectangle = Rectangle::new(corner.0, corner.1, corner.0 + size.0, corner.1 + size.1).unwrap();
        let mask = Mask::inside(description.rows(), description.columns(), &[rectangle.into()]).unwrap();
        let masker = NativeMasker::new(&description, &mask, &Fill::darkest(&description)).unwrap();
        let length = description.native_bytes().next_multiple_of(2) as usize;
        let before: Vec<u8> = (0..length).map(|index| (index as u8).wrapping_mul(37) ^ seed).collect();

        let mut whole = before.clone();
        masker.apply(0, &mut whole);

        let mut cut = before.clone();
        let mut offset = 0;
        for step in cuts.iter().cycle() {
            let end = (offset + step).min(length);
            masker.apply(offset as u64, &mut cut[offset..end]);
            offset = end;
            if offset == length {
                break;
            }
        }
        prop_assert_eq!(&whole, &cut);

        for bit in 0..length as u64 * 8 {
            let place = if description.big_endian_words() { (bit / 8) ^ 1 } else { bit / 8 } as usize;
            let masked = bit < description.frame_bits() * u64::from(description.frames())
                && pixels_of(&description, bit).iter().any(|&(column, row)| mask.contains(column, row));
            if !masked {
                prop_assert_eq!(whole[place] >> (bit % 8) & 1, before[place] >> (bit % 8) & 1, "bit {}", bit);
            }
        }
    }
}
