//! What a profile promises of dates and UIDs in what leaves, judged value by value (PS3.15 E.1, E.3.6, E.3.9; DI-14).

use std::collections::BTreeSet;

use dicom_core::{Tag, VR};
use dicom_stream::text::Date;

use super::attributes::names_a_class;
use super::terms::Terms;
use super::{BIRTH_DATE, FindingKind};
use crate::option::{DeidentificationOption as O, OptionSet};
use crate::table::{STRUCTURED_CONTENT, TABLE_E1_1};

/// What the objects that leave have to be like: the profile's options, and what the source of pseudonyms gave.
#[derive(Clone, Default)]
pub struct Promise {
    /// Options of the profile.
    pub options: OptionSet,
    /// Days by which dates were moved; `None` where the profile moves none.
    pub shift_days: Option<i32>,
    /// Every UID that the source of pseudonyms gave for these objects, or let stay.
    pub given: BTreeSet<String>,
}

/// Dates that say nothing (DI-19): what a dummy looks like, stated here once more and on purpose.
const DUMMY_DATES: [&str; 2] = ["19000101", "19010101"];
const DUMMY_DATE_TIMES: [&str; 2] = ["19000101000000", "19010101000000"];
/// Versions of context groups and templates: dates of a vocabulary, which stay where dates do.
const VOCABULARY_DATES: [Tag; 4] =
    [Tag(0x0008, 0x0106), Tag(0x0008, 0x0107), Tag(0x0040, 0xDB06), Tag(0x0040, 0xDB07)];
/// UIDs of equipment: Device UID, Manufacturer's Device Class UID; UID in a content item about a device.
const DEVICE_UIDS: [Tag; 3] = [Tag(0x0018, 0x1002), Tag(0x0018, 0x100B), Tag(0x0040, 0xA124)];
/// Values of content items that hold a date.
const CONTENT_DATES: [Tag; 2] = [Tag(0x0040, 0xA120), Tag(0x0040, 0xA121)];
const STANDARD_ROOT: &str = "1.2.840.10008.";

impl Promise {
    /// Whether dates stay, as they are or moved.
    pub(super) fn retains_dates(&self) -> bool {
        self.options.has(O::RetainLongitudinalFullDates)
            || self.options.has(O::RetainLongitudinalModifiedDates)
    }

    /// Whether the original UIDs of this element stay.
    pub(super) fn retains_uid(&self, tag: Tag) -> bool {
        self.options.has(O::RetainUids)
            || self.options.has(O::RetainDeviceIdentity) && DEVICE_UIDS.contains(&tag)
    }

    /// One value of a date or date and time.
    pub(super) fn date(&self, terms: &Terms, tag: Tag, vr: VR, value: &str) -> Option<FindingKind> {
        let dummies = if vr == VR::DT { DUMMY_DATE_TIMES } else { DUMMY_DATES };
        if value.is_empty() || dummies.contains(&value) || terms.is_ours(value) {
            return None;
        }
        let birth_date = terms.in_date(value);
        if tag == BIRTH_DATE && birth_date.is_some() {
            return birth_date;
        }
        if VOCABULARY_DATES.contains(&tag) && self.retains_dates() {
            return None;
        }
        let day = day(value);
        if self.options.has(O::RetainLongitudinalFullDates) {
            // A new-born's study is on the day of birth: then another element of an original says so.
            let is_elsewhere = day.is_some_and(|day| terms.has_day(day));
            return birth_date.filter(|_| !is_elsewhere);
        }
        let is_moved = self.shift_days.zip(day).is_some_and(|(days, day)| {
            let before = day.to_days().checked_sub(days).and_then(Date::from_days);
            before.is_some_and(|before| terms.has_day(before) || terms.is_birth_date(before))
        });
        if is_moved {
            return None;
        }
        if self.options.has(O::RetainLongitudinalModifiedDates) {
            let is_original = day.is_some_and(|day| terms.has_day(day));
            return birth_date.or_else(|| is_original.then_some(FindingKind::DateNotAllowed));
        }
        birth_date.or_else(|| (!is_retained(self.options, tag)).then_some(FindingKind::DateNotAllowed))
    }

    /// One UID: of the standard, of a vocabulary, or given.
    pub(super) fn uid(&self, terms: &Terms, tag: Tag, is_nested: bool, value: &str) -> Option<FindingKind> {
        let is_standard = value.strip_prefix(STANDARD_ROOT).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'))
        });
        let stays = value.is_empty()
            || is_standard
            || self.given.contains(value)
            || self.retains_uid(tag)
            || names_a_class(tag, is_nested)
            || terms.is_ours(value);
        (!stays).then_some(FindingKind::UidNotGiven)
    }
}

/// Whether an option of the tables keeps the dates of this element.
fn is_retained(options: OptionSet, tag: Tag) -> bool {
    let number = u32::from(tag.group()) << 16 | u32::from(tag.element());
    if CONTENT_DATES.contains(&tag) {
        let dates = STRUCTURED_CONTENT.iter().filter(|row| matches!(row.value_type, "DATE" | "DATETIME"));
        return dates.into_iter().any(|row| !row.keep.within(options).is_empty());
    }
    let row = TABLE_E1_1.binary_search_by_key(&number, |row| row.tag).ok();
    row.and_then(|row| TABLE_E1_1.get(row)).is_some_and(|row| !row.keep.within(options).is_empty())
}

/// The day of a date or date and time.
fn day(value: &str) -> Option<Date> {
    let digits: String = value.chars().filter(|c| *c != '.').take(8).collect();
    Date::parse(digits.as_bytes())
}
