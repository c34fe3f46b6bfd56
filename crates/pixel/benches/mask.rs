//! Native masking: 64 KiB pieces of a 512 × 512 × 16 bit frame. The copy alone is the figure to compare with.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use divan::counter::ItemsCount;
use pixel::{Attributes, Description, Fill, FrameLimit, Mask, NativeMasker, Rectangle};

const PIECE: usize = 64 << 10;

fn main() {
    divan::main();
}

fn description() -> Description {
    let attributes = Attributes {
        rows: Some(512),
        columns: Some(512),
        samples_per_pixel: Some(1),
        photometric_interpretation: Some("MONOCHROME2".into()),
        bits_allocated: Some(16),
        bits_stored: Some(12),
        high_bit: Some(11),
        pixel_representation: Some(0),
        number_of_frames: Some(100),
        ..Attributes::default()
    };
    attributes.check(FrameLimit::STREAMED).expect("a CT")
}

/// Copies 100 frames piece by piece, as a stream does, and masks each piece.
fn pass(bencher: divan::Bencher<'_, '_>, masker: Option<&NativeMasker>) {
    let frame = vec![7_u8; 512 * 512 * 2];
    let mut piece = vec![0_u8; PIECE];
    bencher.counter(ItemsCount::new(100_usize)).bench_local(|| {
        for start in (0..100 * frame.len()).step_by(PIECE) {
            piece.copy_from_slice(&frame[start % frame.len()..][..PIECE]);
            if let Some(masker) = masker {
                masker.apply(start as u64, &mut piece);
            }
            divan::black_box(&piece);
        }
    });
}

fn masker(rectangle: Rectangle) -> NativeMasker {
    let description = description();
    let mask = Mask::inside(512, 512, &[rectangle.into()]).expect("a mask");
    NativeMasker::new(&description, &mask, &Fill::darkest(&description)).expect("they fit")
}

#[divan::bench]
fn copy_alone(bencher: divan::Bencher<'_, '_>) {
    pass(bencher, None);
}

#[divan::bench]
fn a_line_of_text(bencher: divan::Bencher<'_, '_>) {
    pass(bencher, Some(&masker(Rectangle { left: 8, top: 8, right: 200, bottom: 31 })));
}

#[divan::bench]
fn half_the_frame(bencher: divan::Bencher<'_, '_>) {
    pass(bencher, Some(&masker(Rectangle { left: 0, top: 0, right: 255, bottom: 511 })));
}
