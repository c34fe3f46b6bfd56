//! Grey-scale morphology with a square window.

/// The image less its opening: what is lighter than its surroundings and narrower than `window` (odd).
pub(super) fn top_hat(pixels: &[u8], width: usize, window: usize) -> Vec<u8> {
    let opened = square(&square(pixels, width, window, u8::min), width, window, u8::max);
    pixels.iter().zip(opened).map(|(pixel, opened)| pixel.saturating_sub(opened)).collect()
}

/// The least or greatest value of the square around each pixel, as far as it lies in the image.
fn square(pixels: &[u8], width: usize, window: usize, pick: fn(u8, u8) -> u8) -> Vec<u8> {
    let reach = window / 2;
    let mut across = pixels.to_vec();
    for (row, out) in pixels.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        for shift in 1..=reach.min(width) {
            merge(out, row.get(shift..).unwrap_or_default(), pick);
            merge(out.get_mut(shift..).unwrap_or_default(), row, pick);
        }
    }
    let mut both = across.clone();
    for shift in 1..=reach {
        merge(&mut both, across.get(shift * width..).unwrap_or_default(), pick);
        merge(both.get_mut(shift * width..).unwrap_or_default(), &across, pick);
    }
    both
}

fn merge(into: &mut [u8], other: &[u8], pick: fn(u8, u8) -> u8) {
    for (into, &other) in into.iter_mut().zip(other) {
        *into = pick(*into, other);
    }
}
