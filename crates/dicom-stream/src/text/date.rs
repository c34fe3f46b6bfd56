//! DA, and dates as day numbers (PS3.5 6.2).

use super::scan::{byte, digits, two};

/// A day of the Gregorian calendar, years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// None if there is no such day.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = (1..=9999).contains(&year) && (1..=days_in_month(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// 1 to 9999.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    #[must_use]
    pub fn day(self) -> u8 {
        self.day
    }

    /// Reads a DA value: `YYYYMMDD`, or `YYYY.MM.DD` of ACR-NEMA 300 (PS3.5 6.2, note on DA). Padding is allowed.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut rest = super::trim(dicom_core::VR::DA, value);
        let (date, _) = Self::take(&mut rest)?;
        rest.is_empty().then_some(date)
    }

    /// Takes a complete date from the front; true when it was written with periods.
    fn take(rest: &mut &[u8]) -> Option<(Self, bool)> {
        let mut ahead = *rest;
        let year = u16::try_from(digits(&mut ahead, 4)?).ok()?;
        let periods = byte(&mut ahead, b'.').is_some();
        let month = two(&mut ahead, 1..=12)?;
        if periods {
            byte(&mut ahead, b'.')?;
        }
        let day = two(&mut ahead, 1..=31)?;
        let date = Self::new(year, month, day)?;
        *rest = ahead;
        Some((date, periods))
    }

    /// Days since 1970-01-01; negative before.
    #[must_use]
    pub fn to_days(self) -> i32 {
        // years and months are counted from March, so that the leap day is the last of its year
        let (year, month, day) = (i32::from(self.year), i32::from(self.month), i32::from(self.day));
        let year = if month < 3 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - EPOCH
    }

    /// The day with this number; None outside years 1 to 9999.
    #[must_use]
    pub fn from_days(days: i32) -> Option<Self> {
        let days = days.checked_add(EPOCH)?;
        let (cycle, day) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = cycle * 400 + year + next_year;
        Self::new(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// As an integer whose decimal digits are `YYYYMMDD`; sorts as the dates do.
    #[must_use]
    pub fn yyyymmdd(self) -> u32 {
        u32::from(self.year) * 10_000 + u32::from(self.month) * 100 + u32::from(self.day)
    }

    /// The DA value, 8 characters.
    #[must_use]
    pub fn value(self) -> String {
        format!("{:08}", self.yyyymmdd())
    }
}

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i32 = 719_468;
const DAYS_OF_400_YEARS: i32 = 146_097;

fn days_in_month(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// The day of a DA or DT value for an index: [`Date::yyyymmdd`]. None unless year, month and day are there and exist.
#[must_use]
pub fn yyyymmdd(value: &[u8]) -> Option<u32> {
    let mut rest = super::trim(dicom_core::VR::DT, value);
    let (date, _) = Date::take(&mut rest)?;
    (rest.is_empty() || super::DateTime::parse(value).is_some()).then(|| date.yyyymmdd())
}

/// Moves a DA value, or the date part of a DT value, by whole days; every other byte (time, offset from UTC, padding,
/// periods) stays as it is, and so does the length.
///
/// None if the value does not begin with a complete existing date, if another digit follows a DA of 8 in a way that is
/// no DT, or if the result leaves years 1 to 9999. The caller then removes the value: it cannot be shifted by days.
#[must_use]
pub fn shift_date(value: &[u8], days: i32) -> Option<Vec<u8>> {
    let start = value.iter().position(|byte| *byte != b' ')?;
    yyyymmdd(value)?;
    let (padding, mut rest) = value.split_at_checked(start)?;
    let (date, periods) = Date::take(&mut rest)?;
    let moved = Date::from_days(date.to_days().checked_add(days)?)?;
    let mut shifted = padding.to_vec();
    if periods {
        shifted.extend(format!("{:04}.{:02}.{:02}", moved.year, moved.month, moved.day).into_bytes());
    } else {
        shifted.extend(moved.value().into_bytes());
    }
    shifted.extend_from_slice(rest);
    Some(shifted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_of_da() {
        assert_eq!(Date::parse(b"20240229"), Date::new(2024, 2, 29));
        assert_eq!(Date::parse(b"1993.08.22 "), Date::new(1993, 8, 22));
        for none in [
            &b""[..],
            b"2023",
            b"20230229",
            b"19000229",
            b"20241301",
            b"2024-01-01",
            b"2024.0101",
            b"202401011",
            b"00000101",
        ] {
            assert_eq!(Date::parse(none), None);
        }
    }

    /// Values of Python's `date.toordinal() - 719163`.
    #[test]
    fn day_numbers_equal_those_of_python() {
        for ((year, month, day), number) in [
            ((1, 1, 1), -719_162),
            ((1600, 2, 29), -135_081),
            ((1900, 3, 1), -25_508),
            ((1969, 12, 31), -1),
            ((1970, 1, 1), 0),
            ((2000, 2, 29), 11_016),
            ((2024, 12, 31), 20_088),
            ((9999, 12, 31), 2_932_896),
        ] {
            let date = Date::new(year, month, day).unwrap();
            assert_eq!((date.to_days(), Date::from_days(number)), (number, Some(date)));
        }
        assert_eq!(
            (Date::from_days(-719_163), Date::from_days(2_932_897), Date::from_days(i32::MAX)),
            (None, None, None)
        );
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = None;
        for number in -719_162..=2_932_896 {
            let date = Date::from_days(number).unwrap();
            assert_eq!(date.to_days(), number);
            assert!(last < Some(date));
            last = Some(date);
        }
    }

    #[test]
    fn only_the_date_moves() {
        assert_eq!(shift_date(b"20240301", -1).unwrap(), b"20240229");
        assert_eq!(shift_date(b" 2024.12.31 ", 1).unwrap(), b" 2025.01.01 ");
        assert_eq!(shift_date(b"20240301235959.123456-0330 ", -1).unwrap(), b"20240229235959.123456-0330 ");
        assert_eq!(shift_date(b"2024", 1), None);
        assert_eq!(shift_date(b"202403", 1), None);
        assert_eq!(shift_date(b"20240301abc", 1), None);
        assert_eq!(shift_date(b"20240301-20240305", 1), None);
        assert_eq!(shift_date(b"99991231", 1), None);
        assert_eq!(shift_date(b"20240301", i32::MAX), None);
        assert_eq!(shift_date(b"20240301", i32::MIN), None);
        assert_eq!(shift_date(b"   ", 1), None);
    }

    #[test]
    fn integer_for_the_index() {
        assert_eq!((yyyymmdd(b"20240229"), yyyymmdd(b"2024.02.29")), (Some(20_240_229), Some(20_240_229)));
        assert_eq!(yyyymmdd(b"202402291200+0100"), Some(20_240_229));
        assert_eq!((yyyymmdd(b"202402"), yyyymmdd(b"20230229"), yyyymmdd(b"2024022925")), (None, None, None));
    }

    proptest! {
        #[test]
        fn back_and_forth_is_identity(start in -719_162i32..2_932_896, by in any::<i32>(), tail in "|[0-1][0-9][0-5][0-9](\\+0100)? ?") {
            let value = Date::from_days(start).unwrap().value() + &tail;
            if let Some(shifted) = shift_date(value.as_bytes(), by) {
                prop_assert_eq!(shifted.len(), value.len());
                prop_assert_eq!(shift_date(&shifted, -by).unwrap(), value.as_bytes());
            }
        }
    }
}
