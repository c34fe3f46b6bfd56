//! Which rule holds for a tag: a row of Table E.1-1 under the chosen options, the patterns of its groups, or a default beyond it.
//!
//! Where two chosen options say K and C of one row, C wins: a device date that is kept beside shifted ones tells the shift (ADR 0007).

use std::fmt;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use serde::{Serialize, Serializer};

use crate::option::{DeidentificationOption as O, OptionSet};
use crate::table::vr_default::{
    BY_TAG, BY_VR, CONTAINER, CURVE, OVERLAY, PRIVATE, UNKNOWN, VOCABULARY, VrDefault,
};
use crate::table::{Action, Row, TABLE_E1_1};

/// Which rule did something, in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleId {
    /// A row of Table E.1-1 without an option.
    Table,
    /// The same, where an X takes away what the IOD requires: the profile prevails, the report names it (DI-23).
    TableRequired,
    /// A row of Table E.1-1 under this option.
    Option(O),
    /// A default beyond the table, or what the encoding decides.
    Named(&'static str),
    /// The rule of the profile with this number, counted from 1.
    Project(u16),
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("E.1-1"),
            Self::TableRequired => f.write_str("E.1-1-required-by-iod"),
            Self::Option(option) => write!(f, "E.1-1/{}", option.code()),
            Self::Named(name) => f.write_str(name),
            Self::Project(number) => write!(f, "rule-{number}"),
        }
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is to be done with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// An action of the table, by the attribute's Type.
    Action(Action),
    /// A UID that stays (Retain UIDs).
    KeepUid,
    /// Text of which only what is known to be harmless stays; without anything left, the Basic action.
    Text,
    /// A value that stays but for identifiers of the patient.
    Term,
    /// A date that is moved by the participant's shift; one that cannot be moved gets the Basic action.
    Date,
    /// An age: years over 89 are pooled.
    Age,
    /// A sequence that is walked, all its text cleaned.
    CleanItems,
    /// A sequence of content items: Table E.3.4-1 decides (PS3.15 E.3.4).
    Content,
}

/// What a profile says about one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) id: RuleId,
    pub(crate) treatment: Treatment,
    /// Action of the Basic profile: what is done where the treatment leaves nothing.
    pub(crate) basic: Action,
    /// VR of PS3.6; `UN` where the tag is not known.
    pub(crate) vr: VR,
}

impl Rule {
    /// The option it comes from.
    pub(crate) fn option(&self) -> Option<O> {
        match self.id {
            RuleId::Option(option) => Some(option),
            _ => None,
        }
    }

    /// The rule for a value that the treatment cannot do anything with.
    pub(crate) fn fallen_back(self) -> Self {
        Self { treatment: Treatment::Action(self.basic), ..self }
    }
}

/// What decides beside the options of PS3.15.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(crate) options: OptionSet,
    pub(crate) pool_ages_over_89: bool,
}

impl Settings {
    fn has(self, option: O) -> bool {
        self.options.has(option)
    }

    /// What happens to a date, or to a time of day, that has no row, or whose row leaves it to the date options.
    pub(crate) fn date(self, vr: VR) -> Option<(O, Treatment)> {
        let keep = Treatment::Action(Action::K);
        if self.has(O::RetainLongitudinalModifiedDates) {
            let treatment = if vr == VR::TM { keep } else { Treatment::Date };
            return Some((O::RetainLongitudinalModifiedDates, treatment));
        }
        self.has(O::RetainLongitudinalFullDates).then_some((O::RetainLongitudinalFullDates, keep))
    }
}

/// Dates of a vocabulary or a template, not of the patient: a shift would break the codes (`deidentification.md` 3.4, trap 4).
const VOCABULARY_DATES: [Tag; 4] =
    [Tag(0x0008, 0x0106), Tag(0x0008, 0x0107), Tag(0x0040, 0xDB06), Tag(0x0040, 0xDB07)];

/// Rules of a profile by tag, sorted: one binary search, then the dictionary.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    table: Vec<(Tag, Rule)>,
    pub(crate) settings: Settings,
}

impl Rules {
    /// The rows of Table E.1-1 under the chosen options.
    pub(crate) fn new(settings: Settings) -> Self {
        let mut table: Vec<_> = TABLE_E1_1
            .iter()
            .map(|row| {
                let tag = Tag((row.tag >> 16) as u16, (row.tag & 0xFFFF) as u16);
                (tag, of_row(row, tag, settings))
            })
            .collect();
        table.sort_unstable_by_key(|(tag, _)| *tag);
        Self { table, settings }
    }

    /// The rule for `tag`.
    pub(crate) fn get(&self, tag: Tag) -> Rule {
        let (group, element) = (tag.group(), tag.element());
        if group % 2 == 1 {
            return of(&PRIVATE, VR::UN);
        }
        if group < 0x0008 || element == 0 {
            return of(&CONTAINER, VR::UN);
        }
        match group & 0xFF00 {
            0x5000 => return of(&CURVE, VR::UN),
            0x6000 => return of(&OVERLAY, VR::UN),
            _ => {}
        }
        if let Ok(row) = self.table.binary_search_by_key(&tag, |(tag, _)| *tag)
            && let Some((_, rule)) = self.table.get(row)
        {
            return *rule;
        }
        beyond(tag, self.settings)
    }
}

/// The rule of one row.
fn of_row(row: &Row, tag: Tag, settings: Settings) -> Rule {
    let vr = dictionary(tag).map_or(VR::UN, |(vr, _)| vr);
    let table = Rule { id: RuleId::Table, treatment: Treatment::Action(row.action), basic: row.action, vr };
    let by = |option, treatment| Rule { id: RuleId::Option(option), treatment, ..table };
    if let Some(option) = row.clean.within(settings.options).iter().next() {
        return match cleaning(option, tag, vr, settings) {
            Some(treatment) => by(option, treatment),
            None => table,
        };
    }
    if let Some(option) = row.keep.within(settings.options).iter().next() {
        return by(option, keeping(vr, settings));
    }
    // Options that keep some of its values: Table E.3.4-1 decides which, all others become dummies.
    if tag == CONTENT_SEQUENCE && !settings.options.within(CONTENT_COLUMNS).is_empty() {
        return Rule { treatment: Treatment::Content, ..table };
    }
    table
}

const CONTENT_SEQUENCE: Tag = Tag(0x0040, 0xA730);

/// Options with a column in Table E.3.4-1.
const CONTENT_COLUMNS: OptionSet = OptionSet::of(O::RetainUids)
    .and(OptionSet::of(O::RetainDeviceIdentity))
    .and(OptionSet::of(O::RetainInstitutionIdentity))
    .and(OptionSet::of(O::RetainPatientCharacteristics))
    .and(OptionSet::of(O::RetainLongitudinalFullDates))
    .and(OptionSet::of(O::RetainLongitudinalModifiedDates))
    .and(OptionSet::of(O::CleanDescriptors));

/// What action C means for a row; `None` where nothing of the value can be known to be harmless: the Basic action holds.
fn cleaning(option: O, tag: Tag, vr: VR, settings: Settings) -> Option<Treatment> {
    let is_text = matches!(vr, VR::CS | VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT);
    match option {
        O::RetainLongitudinalModifiedDates if VOCABULARY_DATES.contains(&tag) => {
            Some(Treatment::Action(Action::K))
        }
        O::RetainLongitudinalModifiedDates if matches!(vr, VR::DA | VR::DT | VR::TM) => {
            settings.date(vr).map(|(_, treatment)| treatment)
        }
        O::CleanStructuredContent => Some(Treatment::Content),
        O::CleanGraphics if vr == VR::SQ => Some(Treatment::CleanItems),
        O::CleanDescriptors | O::RetainPatientCharacteristics | O::CleanGraphics if is_text => {
            Some(Treatment::Text)
        }
        O::CleanDescriptors if vr == VR::SQ => Some(Treatment::CleanItems),
        _ => None,
    }
}

/// What action K means for a value of this VR.
fn keeping(vr: VR, settings: Settings) -> Treatment {
    match vr {
        VR::UI => Treatment::KeepUid,
        VR::AS if settings.pool_ages_over_89 => Treatment::Age,
        VR::AE | VR::CS | VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT => Treatment::Term,
        _ => Treatment::Action(Action::K),
    }
}

fn of(default: &VrDefault, vr: VR) -> Rule {
    Rule {
        id: RuleId::Named(default.rule),
        treatment: Treatment::Action(default.action),
        basic: default.action,
        vr,
    }
}

/// The default beyond the table.
fn beyond(tag: Tag, settings: Settings) -> Rule {
    let Some((vr, keyword)) = dictionary(tag) else { return of(&UNKNOWN, VR::UN) };
    if let Some((_, default)) = BY_TAG.iter().find(|(listed, _)| *listed == tag) {
        return of(default, vr);
    }
    if vr == VR::UI && (keyword.contains("Class") || keyword.contains("TransferSyntax")) {
        return of(&VOCABULARY, vr);
    }
    if tag == SOFTWARE_VERSIONS {
        return BY_VR
            .iter()
            .find(|default| default.vrs.contains(&vr))
            .map_or(of(&UNKNOWN, VR::UN), |default| of(default, vr));
    }
    by_vr(vr, settings)
}

/// The default beyond the table for a VR of PS3.6.
pub(super) fn by_vr(vr: VR, settings: Settings) -> Rule {
    let Some(default) = BY_VR.iter().find(|default| default.vrs.contains(&vr)) else {
        return of(&UNKNOWN, VR::UN);
    };
    let rule = of(default, vr);
    let by = |option, treatment| Rule { id: RuleId::Option(option), treatment, ..rule };
    match vr {
        VR::UI if settings.has(O::RetainUids) => by(O::RetainUids, Treatment::KeepUid),
        VR::DA | VR::DT | VR::TM => {
            settings.date(vr).map_or(rule, |(option, treatment)| by(option, treatment))
        }
        VR::LT | VR::ST | VR::UC | VR::UT if settings.has(O::CleanDescriptors) => {
            by(O::CleanDescriptors, Treatment::Text)
        }
        VR::AE | VR::CS | VR::LO | VR::SH => Rule { treatment: Treatment::Term, basic: Action::XZD, ..rule },
        _ => rule,
    }
}

/// Versions look like addresses and telephone numbers.
const SOFTWARE_VERSIONS: Tag = Tag(0x0018, 0x1020);

/// VR and keyword of a tag that PS3.6 lists by itself. Retired repeating groups are not: what they were is not known any more.
pub(crate) fn dictionary(tag: Tag) -> Option<(VR, &'static str)> {
    let entry = StandardDataDictionary.by_tag(tag)?;
    let vr = match entry.vr() {
        VirtualVr::Exact(vr) => vr,
        other => other.relaxed(),
    };
    (matches!(entry.tag, dicom_core::dictionary::TagRange::Single(single) if single == tag))
        .then_some((vr, entry.alias))
}

/// The rules for one object: tags come again and again in the items of a sequence, and a look into the dictionary costs more than all
/// else that is done to an element.
pub(crate) struct RecentRules<'a> {
    rules: &'a Rules,
    recent: Vec<Option<(Tag, Rule)>>,
}

impl<'a> RecentRules<'a> {
    const SLOTS: usize = 256;

    pub(crate) fn new(rules: &'a Rules) -> Self {
        Self { rules, recent: vec![None; Self::SLOTS] }
    }

    pub(crate) fn get(&mut self, tag: Tag) -> Rule {
        let slot = usize::from(tag.group().wrapping_mul(31) ^ tag.element()) % Self::SLOTS;
        match self.recent.get_mut(slot) {
            Some(Some((recent, rule))) if *recent == tag => *rule,
            Some(entry) => entry.insert((tag, self.rules.get(tag))).1,
            None => self.rules.get(tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATION_NAME: Tag = Tag(0x0008, 0x1010);
    const DATE_OF_CALIBRATION: Tag = Tag(0x0018, 0x1200);
    const STUDY_DATE: Tag = Tag(0x0008, 0x0020);
    const STUDY_TIME: Tag = Tag(0x0008, 0x0030);

    fn treatment(options: &[O], tag: Tag) -> Treatment {
        let settings = Settings { options: options.iter().copied().collect(), pool_ages_over_89: false };
        Rules::new(settings).get(tag).treatment
    }

    #[test]
    fn options_change_their_rows_and_no_others() {
        let keep = Treatment::Action(Action::K);
        for (options, tag, expected) in [
            (&[][..], STATION_NAME, Treatment::Action(Action::XZD)),
            (&[O::RetainDeviceIdentity], STATION_NAME, Treatment::Term),
            (&[O::RetainDeviceIdentity], STUDY_DATE, Treatment::Action(Action::Z)),
            (&[O::RetainLongitudinalFullDates], STUDY_DATE, keep),
            (&[O::RetainLongitudinalModifiedDates], STUDY_DATE, Treatment::Date),
            (&[O::RetainLongitudinalModifiedDates], STUDY_TIME, keep),
            (&[O::RetainLongitudinalModifiedDates], Tag(0x0008, 0x0106), keep),
            (&[O::RetainUids], Tag(0x0020, 0x000D), Treatment::KeepUid),
            // trap 3: no Retain UIDs entry
            (&[O::RetainUids], Tag(0x0040, 0xA124), Treatment::Action(Action::U)),
            // trap 1: no Retain Patient Characteristics entry
            (&[O::RetainPatientCharacteristics], Tag(0x0010, 0x0041), Treatment::Action(Action::X)),
            (&[O::CleanDescriptors], Tag(0x0008, 0x1030), Treatment::Text),
            (&[O::CleanStructuredContent], Tag(0x0040, 0xA730), Treatment::Content),
        ] {
            assert_eq!(treatment(options, tag), expected, "{options:?} {tag}");
        }
    }

    /// ADR 0007: the eleven rows of `deidentification.md` §5, conflict 1.
    #[test]
    fn modified_dates_win_over_device_identity() {
        let both = [O::RetainDeviceIdentity, O::RetainLongitudinalModifiedDates];
        assert_eq!(treatment(&both, DATE_OF_CALIBRATION), Treatment::Date);
        assert_eq!(treatment(&[O::RetainDeviceIdentity], DATE_OF_CALIBRATION), Treatment::Action(Action::K));
    }
}
