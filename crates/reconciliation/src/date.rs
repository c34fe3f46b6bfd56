//! The three classes of dates, judged in this order (RR-8): issued, processing, neither.

use std::collections::BTreeSet;

use dicom_stream::text::yyyymmdd;

/// The days in which a partner can have made a result, both included, as yyyymmdd. Where the partner's time zone is not known, widen
/// by a day at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Day of the first export.
    pub exported_on: u32,
    /// Day of receipt.
    pub received_on: u32,
}

/// What a date of a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateClass {
    /// A shifted date that was issued: goes back.
    Issued,
    /// A day of the partner's own work: stays.
    Processing,
    /// A person decides.
    Neither,
}

/// Class of one value (yyyymmdd; `None` when it has no whole day) of an attribute that is a processing date or not.
pub(crate) fn class(processing: bool, day: Option<u32>, issued: &BTreeSet<u32>, window: Window) -> DateClass {
    match day {
        Some(day) if issued.contains(&day) => DateClass::Issued,
        Some(day) if processing && (window.exported_on..=window.received_on).contains(&day) => {
            DateClass::Processing
        }
        _ => DateClass::Neither,
    }
}

/// The values of a DA or DT field that are not empty, each with its day.
pub(crate) fn days(field: &[u8]) -> impl Iterator<Item = Option<u32>> {
    let values = field.split(|byte| *byte == b'\\');
    values.filter(|value| value.iter().any(|byte| !matches!(byte, b' ' | 0))).map(yyyymmdd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issued_comes_before_processing_and_the_window_includes_its_ends() {
        let issued = BTreeSet::from([20_260_105]);
        let window = Window { exported_on: 20_260_101, received_on: 20_260_131 };
        let of = |processing, day| class(processing, Some(day), &issued, window);
        assert_eq!(of(true, 20_260_105), DateClass::Issued);
        assert_eq!(of(true, 20_260_101), DateClass::Processing);
        assert_eq!(of(true, 20_260_131), DateClass::Processing);
        assert_eq!(of(true, 20_260_201), DateClass::Neither);
        assert_eq!(of(false, 20_260_110), DateClass::Neither);
        assert_eq!(class(true, None, &issued, window), DateClass::Neither);
        assert_eq!(days(b"20260105\\ \\2026 ").collect::<Vec<_>>(), [Some(20_260_105), None]);
    }
}
