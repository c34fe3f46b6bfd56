//! Which rule holds for a tag: the table, the patterns of its groups, or a default beyond it.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use crate::action::Action;
use crate::vr_default::{BY_TAG, BY_VR, CONTAINER, CURVE, OVERLAY, PRIVATE, UNKNOWN, VOCABULARY, VrDefault};

/// Rule id of the rows of Table E.1-1 in reports.
pub(crate) const TABLE: &str = "E.1-1";
/// The same, where an X takes away what the IOD requires: the profile prevails, the report names it (DI-23).
pub(crate) const TABLE_REQUIRED: &str = "E.1-1-required-by-iod";

/// What a profile says about one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) action: Action,
    /// VR of PS3.6; `UN` where the tag is not known.
    pub(crate) vr: VR,
}

/// Rules of a profile by tag, sorted: one binary search, then the dictionary.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    table: Vec<(Tag, Rule)>,
}

impl Rules {
    /// Rules from rows of Table E.1-1.
    pub(crate) fn new(rows: &[(u32, Action)]) -> Self {
        let mut table: Vec<_> = rows
            .iter()
            .map(|(number, action)| {
                let tag = Tag((number >> 16) as u16, (number & 0xFFFF) as u16);
                (tag, Rule { id: TABLE, action: *action, vr: dictionary(tag).map_or(VR::UN, |(vr, _)| vr) })
            })
            .collect();
        table.sort_unstable_by_key(|(tag, _)| *tag);
        Self { table }
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
        beyond(tag)
    }
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

fn of(default: &VrDefault, vr: VR) -> Rule {
    Rule { id: default.rule, action: default.action, vr }
}

/// The default beyond the table.
fn beyond(tag: Tag) -> Rule {
    let Some((vr, keyword)) = dictionary(tag) else { return of(&UNKNOWN, VR::UN) };
    if let Some((_, default)) = BY_TAG.iter().find(|(listed, _)| *listed == tag) {
        return of(default, vr);
    }
    if vr == VR::UI && (keyword.contains("Class") || keyword.contains("TransferSyntax")) {
        return of(&VOCABULARY, vr);
    }
    BY_VR
        .iter()
        .find(|default| default.vrs.contains(&vr))
        .map_or(of(&UNKNOWN, VR::UN), |default| of(default, vr))
}

/// VR and keyword of a tag that PS3.6 lists by itself. Retired repeating groups are not: what they were is not known any more.
fn dictionary(tag: Tag) -> Option<(VR, &'static str)> {
    let entry = StandardDataDictionary.by_tag(tag)?;
    let vr = match entry.vr() {
        VirtualVr::Exact(vr) => vr,
        other => other.relaxed(),
    };
    (matches!(entry.tag, dicom_core::dictionary::TagRange::Single(single) if single == tag))
        .then_some((vr, entry.alias))
}
