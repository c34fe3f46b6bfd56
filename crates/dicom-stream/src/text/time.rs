//! TM (PS3.5 6.2).

use super::scan::{byte, digits, two};

/// A time of day with the precision it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: Option<u8>,
    /// 0 to 60, 60 in a leap second.
    pub second: Option<u8>,
    /// Microseconds; written with one to six digits.
    pub fraction: Option<u32>,
}

impl Time {
    /// Reads a TM value: `HH[MM[SS[.F]]]`, or `HH:MM:SS[.F]` of ACR-NEMA 300. Padding is allowed.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut rest = super::trim(dicom_core::VR::TM, value);
        let time = Self::take(&mut rest, true)?;
        rest.is_empty().then_some(time)
    }

    /// Takes a time from the front: as many parts as there are.
    pub(super) fn take(rest: &mut &[u8], colons: bool) -> Option<Self> {
        let hour = two(rest, 0..=23)?;
        let colons = colons && rest.first() == Some(&b':');
        let mut part = |bounds| {
            let mut ahead = *rest;
            if colons {
                byte(&mut ahead, b':')?;
            }
            let number = two(&mut ahead, bounds)?;
            *rest = ahead;
            Some(number)
        };
        let minute = part(0..=59);
        let second = minute.and_then(|_| part(0..=60));
        let fraction = second.and_then(|_| fraction(rest));
        Some(Self { hour, minute, second, fraction })
    }
}

fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let mut ahead = *rest;
    byte(&mut ahead, b'.')?;
    let width = ahead.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let scale = 10u32.checked_pow(u32::try_from(6usize.checked_sub(width)?).ok()?)?;
    let number = Some(width).filter(|width| *width > 0).and_then(|width| digits(&mut ahead, width))?;
    *rest = ahead;
    Some(number * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_tm() {
        let time = |hour, minute, second, fraction| Some(Time { hour, minute, second, fraction });
        assert_eq!(Time::parse(b"07"), time(7, None, None, None));
        assert_eq!(Time::parse(b"0730 "), time(7, Some(30), None, None));
        assert_eq!(Time::parse(b"235960.5"), time(23, Some(59), Some(60), Some(500_000)));
        assert_eq!(Time::parse(b"070907.000705"), time(7, Some(9), Some(7), Some(705)));
        assert_eq!(Time::parse(b"10:15:30.25"), time(10, Some(15), Some(30), Some(250_000)));
        assert_eq!(Time::parse(b"10:15"), time(10, Some(15), None, None));
        for none in [
            &b""[..],
            b"24",
            b"7",
            b"0760",
            b"0730.5",
            b"073061",
            b"070907.",
            b"070907.0000001",
            b"10:1530",
            b"1015:30",
            b"021 ",
        ] {
            assert_eq!(Time::parse(none), None);
        }
    }
}
