//! IS and DS (PS3.5 6.2).

/// Longer values are not read; PS3.5 allows 12 (IS) and 16 (DS) characters.
const LONGEST: usize = 64;

/// The integer of an IS value, −2³¹ to 2³¹ − 1. A decimal with a zero fraction, which some writers send, is read too.
#[must_use]
pub fn integer(value: &[u8]) -> Option<i32> {
    let text = numeral(value)?;
    let text = text
        .split_once('.')
        .map_or(text, |(whole, zeros)| if zeros.bytes().all(|b| b == b'0') { whole } else { text });
    text.parse().ok()
}

/// The number of a DS value; finite.
#[must_use]
pub fn decimal(value: &[u8]) -> Option<f64> {
    numeral(value)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Only the characters of DS, so that the words the parser knows (inf, nan) do not count.
fn numeral(value: &[u8]) -> Option<&str> {
    let value = super::trim(dicom_core::VR::DS, value);
    let plain = value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'e' | b'E' | b'.'));
    if plain && value.len() <= LONGEST { std::str::from_utf8(value).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_what_is_none() {
        assert_eq!((integer(b" -12 "), integer(b"+7"), integer(b"3.00")), (Some(-12), Some(7), Some(3)));
        assert_eq!(
            (integer(b"2147483647"), integer(b"2147483648"), integer(b"1.5")),
            (Some(i32::MAX), None, None)
        );
        assert_eq!(
            (decimal(b"1.5e2 "), decimal(b"-.5"), decimal(b"12")),
            (Some(150.0), Some(-0.5), Some(12.0))
        );
        assert_eq!(
            (decimal(b"nan"), decimal(b"inf"), decimal(b"1e999"), decimal(b""), decimal(b"1\\2")),
            (None, None, None, None, None)
        );
    }
}
