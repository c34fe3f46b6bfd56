//! Portable grey maps (PGM, `P5`), as both programs read and write them.

use pixel::GreyImage;

/// The image as a file.
pub(crate) fn write(image: &GreyImage) -> Vec<u8> {
    let mut file = format!("P5\n{} {}\n255\n", image.width(), image.height()).into_bytes();
    file.extend_from_slice(image.pixels());
    file
}

/// The first image of the bytes and what follows it. `None` when it is damaged or too large.
pub(crate) fn read(bytes: &[u8]) -> Option<(GreyImage, &[u8])> {
    let mut rest = bytes.strip_prefix(b"P5")?;
    let [width, height, most] = [number(&mut rest)?, number(&mut rest)?, number(&mut rest)?];
    // One white space ends the header.
    let (_, rest) = rest.split_first()?;
    let length = usize::try_from(u64::from(width) * u64::from(height)).ok()?;
    let (pixels, rest) = rest.split_at_checked(length)?;
    let image = GreyImage::new(width, height, pixels.to_vec()).ok()?;
    (most == 255).then_some((image, rest))
}

/// The next number of the header, after white space.
fn number(rest: &mut &[u8]) -> Option<u32> {
    let trimmed = rest.trim_ascii_start();
    let length = trimmed.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = trimmed.split_at_checked(length)?;
    *rest = after;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
