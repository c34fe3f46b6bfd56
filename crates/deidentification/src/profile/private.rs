//! Private elements that may stay: Table E.3.10-1, what the site adds, and whose own statements are believed (PS3.15 E.3.10).

use std::collections::BTreeMap;

use dicom_core::VR;
use serde::{Deserialize, Serialize};

use super::{Profile, ProfileError};
use crate::option::{DeidentificationOption, OptionSet};
use crate::table::SAFE_PRIVATE;

/// Private elements of one creator that the site holds safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivateElements {
    /// Private Creator, exactly.
    pub creator: String,
    /// Group in hex, odd.
    pub group: String,
    /// Low bytes of the elements in hex, with the VR they have: `{ "10" = "DS" }`.
    pub elements: BTreeMap<String, String>,
}

/// Equipment whose (0008,0300) Private Data Element Characteristics Sequence is believed. A wrong statement there is a leak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedEquipment {
    /// (0008,0070), exactly.
    pub manufacturer: String,
    /// (0008,1090), exactly; empty: every model.
    #[serde(default)]
    pub model: String,
}

/// What is known of a private element that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SafeElement {
    pub(crate) vr: VR,
}

/// The private elements that may stay. An element is known by creator, group and low byte, never by its block (DI-41).
#[derive(Debug, Clone, Default)]
pub(crate) struct SafePrivate {
    /// Whether any private element may stay.
    pub(crate) is_on: bool,
    by_creator: BTreeMap<String, BTreeMap<(u16, u8), SafeElement>>,
    pub(crate) trusted: Vec<TrustedEquipment>,
}

impl SafePrivate {
    pub(super) fn new(profile: &Profile, options: OptionSet) -> Result<Self, ProfileError> {
        let is_on = options.has(DeidentificationOption::RetainSafePrivate);
        if !is_on {
            let named = profile.private_elements.first().map(|of| of.creator.clone());
            let named = named.or_else(|| profile.trusted_equipment.first().map(|of| of.manufacturer.clone()));
            let what = "the option retain_safe_private is needed: add it, or take them out";
            return match named {
                Some(creator) => Err(ProfileError::Private { creator, what }),
                None => Ok(Self::default()),
            };
        }
        let mut by_creator: BTreeMap<String, BTreeMap<(u16, u8), SafeElement>> = BTreeMap::new();
        for (creator, group, element, vr) in &SAFE_PRIVATE {
            let elements = by_creator.entry((*creator).to_owned()).or_default();
            if let Some(vr) = vr {
                elements.insert((*group, *element), SafeElement { vr: *vr });
            }
        }
        if let Some(of) = profile.trusted_equipment.iter().find(|of| of.manufacturer.trim().is_empty()) {
            let what = "trusted equipment needs its manufacturer: an empty one would trust every device without a name";
            return Err(ProfileError::Private { creator: of.manufacturer.clone(), what });
        }
        for of in &profile.private_elements {
            let wrong = |what| ProfileError::Private { creator: of.creator.clone(), what };
            let group = u16::from_str_radix(&of.group, 16).ok().filter(|group| group % 2 == 1);
            let group = group.ok_or_else(|| wrong("group: four hex digits, odd"))?;
            if of.creator.trim().is_empty() || of.creator.len() > 64 {
                return Err(wrong("creator: 1 to 64 characters"));
            }
            let elements = by_creator.entry(of.creator.trim().to_owned()).or_default();
            for (element, vr) in &of.elements {
                let element = u8::from_str_radix(element, 16);
                let element = element.map_err(|_| wrong("elements: two hex digits, the low byte"))?;
                let vr: VR = vr.parse().map_err(|_| wrong("elements: a VR of PS3.5 for each"))?;
                elements.insert((group, element), SafeElement { vr });
            }
        }
        Ok(Self { is_on, by_creator, trusted: profile.trusted_equipment.clone() })
    }

    /// What is known of an element.
    pub(crate) fn element(&self, creator: &str, group: u16, low: u8) -> Option<SafeElement> {
        self.by_creator.get(creator)?.get(&(group, low)).copied()
    }

    /// Whether the creator is one of the lists': then its name is no free text.
    pub(crate) fn knows(&self, creator: &str) -> bool {
        self.by_creator.contains_key(creator)
    }

    /// Whether the statements of this equipment are believed.
    pub(crate) fn trusts(&self, manufacturer: &str, model: &str) -> bool {
        self.is_on
            && self
                .trusted
                .iter()
                .any(|of| of.manufacturer == manufacturer && (of.model.is_empty() || of.model == model))
    }
}
