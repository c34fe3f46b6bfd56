//! The action `add` of a rule: an attribute of the main data set with a value of the project (K-99; order of K-95: what the profile removes is
//! removed before).

use std::collections::BTreeSet;

use dicom_core::{Tag, VR};
use serde::{Deserialize, Serialize};

use super::project_rule::{RuleAction, RuleSet};
use super::rule_fit::{can_hold, is_out_of_reach};
use super::selector::Selector;
use super::{dictionary, is_false};
use crate::trial::Own;

/// What a rule adds: `{ value = "T-1", vr = "LO", overwrite = true }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The value; one, or none.
    pub value: String,
    /// VR, to be held against PS3.6, which says it for every attribute that can be added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vr: Option<String>,
    /// Whether it takes the place of what the profile leaves of the attribute.
    #[serde(default, skip_serializing_if = "is_false")]
    pub overwrite: bool,
}

/// Attributes that the program writes where the project has a dossier, or once the pixels were looked at or made anew.
const OWN_AT_TIMES: [Tag; 10] = [
    Tag(0x0012, 0x0010),
    Tag(0x0012, 0x0020),
    Tag(0x0012, 0x0021),
    Tag(0x0012, 0x0030),
    Tag(0x0012, 0x0031),
    Tag(0x0012, 0x0040),
    Tag(0x0012, 0x0050),
    Tag(0x0012, 0x0081),
    Tag(0x0012, 0x0082),
    Tag(0x0012, 0x0083),
];

/// Numbers of the study, the order, the visit and the subject: they say whose the object is, and the way back asks for them.
const IDENTITY: [Tag; 8] = [
    Tag(0x0008, 0x0050),
    Tag(0x0012, 0x0042),
    Tag(0x0020, 0x0010),
    Tag(0x0040, 0x0009),
    Tag(0x0040, 0x0253),
    Tag(0x0040, 0x1001),
    Tag(0x0040, 0x2016),
    Tag(0x0040, 0x2017),
];

impl Add {
    /// Why this attribute cannot be added.
    pub(super) fn refusal(&self, selector: &Selector) -> Option<String> {
        let Some(tag) = selector.element.single().filter(|_| selector.reaches_root()) else {
            return Some(
                "add is about one attribute of the main data set: its tag or keyword, without a path"
                    .to_owned(),
            );
        };
        let says = |what: &str| Some(what.to_owned());
        match (tag.group(), dictionary(tag)) {
            (0x0010 | 0x0038, _) => says("it describes the patient or the visit: no rule adds it"),
            (0x0028, _) => says("it describes the pixels: no rule adds it"),
            _ if is_out_of_reach(tag) || OWN_AT_TIMES.contains(&tag) => {
                says("the program writes this attribute itself: no rule adds it")
            }
            (group, _) if group < 0x0008 => says("it does not stand in a data set"),
            (group, _) if group % 2 == 1 => {
                says("a private attribute would need a block of its own: no rule adds it")
            }
            (_, None) => says("PS3.6 does not know it, so its VR is not known either"),
            (_, Some((VR::UI, _))) => says("UIDs come from the source of pseudonyms: no rule adds one"),
            (_, Some((VR::PN, _))) => says("it names a person: no rule adds it"),
            _ if IDENTITY.contains(&tag) => says("it says whose the object is: no rule adds it"),
            (_, Some((vr, _))) => self.value_refusal(vr),
        }
    }

    fn value_refusal(&self, vr: VR) -> Option<String> {
        let name = vr.to_string();
        if self.vr.as_ref().is_some_and(|said| *said != name) {
            return Some(format!("the VR of the attribute is {name}: correct vr, or take it out"));
        }
        let holds = can_hold(vr, &self.value) && !self.value.contains('\\');
        (!holds).then(|| format!("the VR of the attribute is {name}: it cannot hold what the rule writes"))
    }
}

impl RuleSet {
    /// Elements that rules add to objects of this SOP class and modality with these labels, each by the first rule about it; by tag.
    pub(crate) fn added(
        &self,
        sop_class: &str,
        modality: &str,
        labels: &BTreeSet<String>,
    ) -> Vec<(Tag, Own)> {
        let mut added: Vec<(Tag, Own)> = Vec::new();
        for (number, compiled) in self.holding(sop_class, modality, labels) {
            let RuleAction::Add(add) = &compiled.rule.action else { continue };
            for tag in compiled.selectors.iter().filter_map(|selector| selector.element.single()) {
                let Some((vr, _)) = dictionary(tag) else { continue };
                if !added.iter().any(|(known, _)| *known == tag) {
                    let (text, overwrite) = (add.value.clone(), add.overwrite);
                    added.push((tag, Own::Added { vr, text, overwrite, rule: number.saturating_add(1) }));
                }
            }
        }
        added
    }
}
