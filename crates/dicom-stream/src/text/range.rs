//! Ranges of DA, TM and DT in queries (PS3.4 C.2.2.2.5).

use super::{Date, DateTime, Time};

/// From one moment to another, both included; an open end is None. A single value has both ends equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range<T> {
    /// First moment.
    pub from: Option<T>,
    /// Last moment.
    pub to: Option<T>,
}

impl Range<Date> {
    /// Reads `A`, `A-B`, `A-` or `-B`.
    #[must_use]
    pub fn dates(value: &[u8]) -> Option<Self> {
        parse(value, Date::parse)
    }
}

impl Range<Time> {
    /// Reads `A`, `A-B`, `A-` or `-B`.
    #[must_use]
    pub fn times(value: &[u8]) -> Option<Self> {
        parse(value, Time::parse)
    }
}

impl Range<DateTime> {
    /// Reads `A`, `A-B`, `A-` or `-B`. A hyphen and four digits that can be an offset from UTC are one.
    #[must_use]
    pub fn date_times(value: &[u8]) -> Option<Self> {
        parse(value, DateTime::parse)
    }
}

/// A DT has at most two hyphens of its own and one of the range.
const MOST_HYPHENS: usize = 3;

fn parse<T: Copy>(value: &[u8], one: impl Fn(&[u8]) -> Option<T>) -> Option<Range<T>> {
    if let Some(single) = one(value) {
        return Some(Range { from: Some(single), to: Some(single) });
    }
    let value = super::trim(dicom_core::VR::DT, value);
    let hyphens = value.iter().enumerate().filter(|(_, byte)| **byte == b'-').take(MOST_HYPHENS);
    hyphens.map(|(at, _)| at).find_map(|at| {
        let (before, after) = (value.get(..at)?, value.get(at + 1..)?);
        // an end is open when nothing is written; the other one must then be there
        let end = |text: &[u8]| if text.is_empty() { Some(None) } else { one(text).map(Some) };
        let (from, to) = (end(before)?, end(after)?);
        (from.is_some() || to.is_some()).then_some(Range { from, to })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_dates_and_times() {
        let day = |text: &[u8]| Date::parse(text);
        let range = |value: &[u8]| Range::dates(value).map(|range| (range.from, range.to));
        assert_eq!(range(b"20240101"), Some((day(b"20240101"), day(b"20240101"))));
        assert_eq!(range(b"20240101-20240131 "), Some((day(b"20240101"), day(b"20240131"))));
        assert_eq!(range(b"20240101-"), Some((day(b"20240101"), None)));
        assert_eq!(range(b"-2024.01.31"), Some((None, day(b"20240131"))));
        assert_eq!(
            (range(b"-"), range(b""), range(b"20240101-x"), range(b"20240101--")),
            (None, None, None, None)
        );
        let hours = Range::times(b"08-1730").unwrap();
        assert_eq!((hours.from, hours.to), (Time::parse(b"08"), Time::parse(b"1730")));
    }

    #[test]
    fn the_hyphen_of_an_offset_is_not_that_of_a_range() {
        let range = |value: &[u8]| Range::date_times(value).map(|range| (range.from, range.to));
        let dt = |text: &[u8]| DateTime::parse(text);
        assert_eq!(range(b"2024-0330"), Some((dt(b"2024-0330"), dt(b"2024-0330"))));
        assert_eq!(range(b"2023-2024"), Some((dt(b"2023"), dt(b"2024"))));
        assert_eq!(range(b"2023-0330-2024-0330"), Some((dt(b"2023-0330"), dt(b"2024-0330"))));
        assert_eq!(range(b"-2024-0330"), Some((None, dt(b"2024-0330"))));
        assert_eq!(range(b"2024-0330-"), Some((dt(b"2024-0330"), None)));
    }
}
