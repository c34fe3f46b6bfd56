//! DT (PS3.5 6.2).

use super::scan::{digits, two};
use super::{Date, Time};

/// A date and time with the precision it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime {
    /// 1 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: Option<u8>,
    /// 1 to 31, existing in the month.
    pub day: Option<u8>,
    /// Time of day in the zone of `offset_minutes`.
    pub time: Option<Time>,
    /// Offset from UTC in minutes, −720 to 840. None: that of Timezone Offset From UTC (0008,0201), else unknown.
    pub offset_minutes: Option<i16>,
}

impl DateTime {
    /// Reads a DT value: `YYYY[MM[DD[HH[MM[SS[.F]]]]]][&ZZXX]`. Padding is allowed.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut rest = super::trim(dicom_core::VR::DT, value);
        let year = u16::try_from(digits(&mut rest, 4)?).ok().filter(|year| *year > 0)?;
        let month = two(&mut rest, 1..=12);
        let day = month.and_then(|_| two(&mut rest, 1..=31));
        if let (Some(month), Some(day)) = (month, day) {
            Date::new(year, month, day)?;
        }
        let time = day.and_then(|_| Time::take(&mut rest, false));
        let offset_minutes = offset(&mut rest);
        rest.is_empty().then_some(Self { year, month, day, time, offset_minutes })
    }

    /// The day, if it is written.
    #[must_use]
    pub fn date(self) -> Option<Date> {
        Date::new(self.year, self.month?, self.day?)
    }
}

/// `&ZZXX`: −1200 to +1400; −0000 is not allowed.
fn offset(rest: &mut &[u8]) -> Option<i16> {
    let (sign, mut ahead) = match rest {
        [b'+', ahead @ ..] => (1, ahead),
        [b'-', ahead @ ..] => (-1, ahead),
        _ => return None,
    };
    let (hours, minutes) = (two(&mut ahead, 0..=14)?, two(&mut ahead, 0..=59)?);
    let offset = sign * (i16::from(hours) * 60 + i16::from(minutes));
    if !(-720..=840).contains(&offset) || (sign < 0 && offset == 0) {
        return None;
    }
    *rest = ahead;
    Some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_dt() {
        let full = DateTime::parse(b"19530827111300.5-0500 ").unwrap();
        assert_eq!((full.date(), full.offset_minutes), (Date::new(1953, 8, 27), Some(-300)));
        assert_eq!(full.time, Time::parse(b"111300.5"));
        let year = DateTime::parse(b"2024").unwrap();
        assert_eq!((year.month, year.date(), year.offset_minutes), (None, None, None));
        assert_eq!(DateTime::parse(b"202402+1400").unwrap().offset_minutes, Some(840));
        assert_eq!(DateTime::parse(b"2024-0330").unwrap().offset_minutes, Some(-210));
        for none in [
            &b""[..],
            b"0000",
            b"202",
            b"20230229",
            b"2024022924",
            b"2024-1300",
            b"2024+1430",
            b"2024-0000",
            b"20240229-",
            b"2024x",
        ] {
            assert_eq!(DateTime::parse(none), None);
        }
    }
}
