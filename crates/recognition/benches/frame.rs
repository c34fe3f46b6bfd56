//! Recognition of one frame of 640 × 480, with a line of text and without: `cargo bench -p recognition`.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use std::path::Path;
use std::time::Duration;

use pixel::recognise::TIME_PER_OBJECT;
use pixel::{GreyImage, TextRecogniser};
use recognition::Tesseract;

fn main() {
    divan::main();
}

/// A round shade with grain; with `text`, thirty letters "H" of 14 pixels.
fn frame(text: bool) -> GreyImage {
    let mut pixels: Vec<u8> = (0..640 * 480_u32)
        .map(|pixel| {
            let (x, y) = ((pixel % 640).abs_diff(320), (pixel / 640).abs_diff(240));
            let shade = if x * x + y * y < 40_000 { 110 } else { 10 };
            shade + (pixel.wrapping_mul(2_654_435_761) >> 28) as u8
        })
        .collect();
    for letter in 0..if text { 30 } else { 0 } {
        for row in 0..14 {
            let place = (6 + row) * 640 + 8 + letter * 14;
            let columns: &[usize] =
                if row == 6 || row == 7 { &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } else { &[0, 1, 8, 9] };
            columns.iter().for_each(|column| pixels[place + column] = 255);
        }
    }
    GreyImage::new(640, 480, pixels).expect("the size fits")
}

#[divan::bench(args = [false, true], sample_count = 10)]
fn recognise(bencher: divan::Bencher<'_, '_>, text: bool) {
    let tesseract =
        Tesseract::detect(Path::new(Tesseract::PROGRAM), Duration::from_secs(60), 1).expect("installed");
    let frame = frame(text);
    bencher.bench_local(|| tesseract.recognise(&frame, &mut TIME_PER_OBJECT.clone()).expect("recognised"));
}
