//! Fixed-width fields of digits.

/// Takes `width` digits (at most 9) from the front of `rest`; leaves it untouched when they are not there.
pub(super) fn digits(rest: &mut &[u8], width: usize) -> Option<u32> {
    let (field, after) = rest.split_at_checked(width)?;
    let number = field.iter().try_fold(0u32, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u32::from(byte - b'0')),
        _ => None,
    })?;
    *rest = after;
    Some(number)
}

/// Takes this byte from the front of `rest`.
pub(super) fn byte(rest: &mut &[u8], wanted: u8) -> Option<()> {
    let (first, after) = rest.split_first()?;
    (*first == wanted).then(|| *rest = after)
}

/// Takes two digits within bounds.
pub(super) fn two(rest: &mut &[u8], bounds: std::ops::RangeInclusive<u8>) -> Option<u8> {
    let mut ahead = *rest;
    let number = u8::try_from(digits(&mut ahead, 2)?).ok().filter(|number| bounds.contains(number))?;
    *rest = ahead;
    Some(number)
}
