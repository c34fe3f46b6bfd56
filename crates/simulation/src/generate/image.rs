//! Small pictures: a bright disc on a ramp, different in every slice.

/// Rows and columns of every generated image.
pub(super) const SIDE: u16 = 64;

/// A picture with values from 0 to `top`, row by row. `step` moves and grows the disc.
pub(super) fn picture(step: u16, top: u16) -> impl Iterator<Item = u16> {
    let (top, step) = (u32::from(top), i32::from(step));
    let side = i32::from(SIDE);
    let radius = 8 + step % 16;
    (0..side * side).map(move |at| {
        let (x, y) = (at % side, at / side);
        let inside = (x - 24 - step % 12).pow(2) + (y - 32).pow(2) <= radius.pow(2);
        let ramp = top * u32::try_from(x + y).unwrap_or(0) / (4 * u32::from(SIDE));
        u16::try_from(if inside { top - ramp } else { ramp }).unwrap_or(u16::MAX)
    })
}
