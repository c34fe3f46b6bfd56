//! What a profile does, as data in no language: for people to read (`profile show`) and to compare (`profile diff`).

use std::collections::{BTreeMap, BTreeSet};

use dicom_core::{Tag, VR};
use serde::Serialize;

use super::rules::by_vr;
use super::{
    CompiledProfile, DocumentPolicy, FacePolicy, PrivateElements, ProjectRule, Rule, RuleId, Settings,
    Summary, Treatment, TrustedEquipment, dictionary,
};
use crate::label::{Forward, Label};
use crate::option::DeidentificationOption as O;
use crate::pixels::PixelPolicy;
use crate::table::vr_default::{
    self, BY_TAG, BY_VR, CONTAINER, CURVE, OVERLAY, PRIVATE, UNKNOWN, VOCABULARY, VrDefault,
};
use crate::table::{Action, EDITION, Row, SAFE_PRIVATE, TABLE_E1_1};
use crate::trial::{PATIENT_ID, PATIENT_NAME};

/// What is done to an attribute wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Removed.
    Removed,
    /// Removed; emptied, or given a dummy, where the IOD requires it.
    RemovedOrEmptied,
    /// Removed; given a dummy where the IOD requires it.
    RemovedOrDummy,
    /// Emptied; given a dummy where the IOD requires a value.
    Emptied,
    /// A dummy.
    Dummy,
    /// A new UID.
    NewUid,
    /// Kept.
    Kept,
    /// Kept in an item, removed from the main data set.
    KeptInItem,
    /// A sequence that is kept; its items follow the rules.
    ItemsFollowRules,
    /// References stay, with new UIDs.
    ReferencesKept,
    /// A UID that stays.
    UidKept,
    /// Of a text, only what is known to be harmless stays.
    TextCleaned,
    /// Kept but for identifiers of the patient.
    IdentityCut,
    /// A date that is moved.
    DateMoved,
    /// Kept; ages over 89 years are pooled.
    AgePooled,
    /// A sequence in which all text is cleaned.
    ItemsCleaned,
    /// A tree of content items, each judged by Table E.3.4-1.
    ContentJudged,
    /// The code of the participant.
    Code,
}

impl Effect {
    fn of(rule: &Rule) -> Self {
        match rule.treatment {
            Treatment::Action(Action::K) if rule.vr == VR::SQ => Self::ItemsFollowRules,
            Treatment::Action(action) => match action {
                Action::X => Self::Removed,
                Action::Z | Action::ZD => Self::Emptied,
                Action::D => Self::Dummy,
                Action::U => Self::NewUid,
                Action::K => Self::Kept,
                Action::KItem => Self::KeptInItem,
                Action::XZ | Action::XZD => Self::RemovedOrEmptied,
                Action::XD => Self::RemovedOrDummy,
                Action::XZU => Self::ReferencesKept,
            },
            Treatment::KeepUid => Self::UidKept,
            Treatment::Text => Self::TextCleaned,
            Treatment::Term => Self::IdentityCut,
            Treatment::Date => Self::DateMoved,
            Treatment::Age => Self::AgePooled,
            Treatment::CleanItems => Self::ItemsCleaned,
            Treatment::Content => Self::ContentJudged,
        }
    }
}

/// What an attribute of Table E.1-1 is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Topic {
    Patient,
    Persons,
    Institution,
    Equipment,
    Dates,
    Uids,
    Descriptions,
    Content,
    Trial,
    Procedure,
    Other,
}

impl Topic {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::Patient,
        Self::Persons,
        Self::Institution,
        Self::Equipment,
        Self::Dates,
        Self::Uids,
        Self::Descriptions,
        Self::Content,
        Self::Trial,
        Self::Procedure,
        Self::Other,
    ];

    fn of(row: &Row, vr: VR, keyword: &str) -> Self {
        /// Parts of keywords that tell of a person who is not the patient.
        const PERSONS: [&str; 8] =
            ["Physician", "Operator", "Performer", "Observer", "Reviewer", "Person", "Author", "Requester"];
        let has = |option| row.keep.and(row.clean).has(option);
        match row.tag >> 16 {
            0x0010 => Self::Patient,
            0x0012 => Self::Trial,
            _ if vr == VR::UI => Self::Uids,
            _ if has(O::RetainLongitudinalFullDates) => Self::Dates,
            _ if has(O::RetainInstitutionIdentity) || keyword.contains("Institution") => Self::Institution,
            _ if has(O::RetainDeviceIdentity) => Self::Equipment,
            _ if vr == VR::PN || PERSONS.iter().any(|part| keyword.contains(part)) => Self::Persons,
            _ if has(O::RetainPatientCharacteristics) || keyword.starts_with("Patient") => Self::Patient,
            _ if has(O::CleanDescriptors) => Self::Descriptions,
            _ if has(O::CleanStructuredContent) || has(O::CleanGraphics) => Self::Content,
            0x0032 | 0x0038 | 0x0040 | 0x4008 => Self::Procedure,
            _ => Self::Other,
        }
    }
}

/// What happens to one attribute of Table E.1-1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttributeEffect {
    /// `(gggg,eeee)`
    pub tag: String,
    /// Keyword of PS3.6.
    pub keyword: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// What is done.
    pub effect: Effect,
    /// By which rule.
    pub rule: RuleId,
    /// Rules of the project that are asked before, counted from 1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub project_rules: Vec<u16>,
}

/// What happens to attributes beyond the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DefaultEffect {
    /// Name of the default.
    pub default: &'static str,
    /// VRs it holds for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vrs: Vec<String>,
    /// Attributes it holds for, where it is not about a VR.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// What is done.
    pub effect: Effect,
    /// By which rule.
    pub rule: RuleId,
}

/// A point that PS3.15 leaves open, as it is decided for this profile (ADR 0007).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Its name.
    pub name: &'static str,
    /// Attributes that it is about, where it names some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
}

/// All that a profile does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation<'a> {
    /// Name of the profile.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its content hash.
    pub hash: &'a str,
    /// Edition of Table E.1-1.
    pub edition: &'static str,
    /// Edition of the defaults beyond the table.
    pub defaults_edition: &'static str,
    /// What it is for.
    pub summary: Option<&'a Summary>,
    /// Words of the options.
    pub options: Vec<&'static str>,
    /// Attributes of Table E.1-1, by tag.
    pub attributes: Vec<AttributeEffect>,
    /// What holds beyond.
    pub defaults: Vec<DefaultEffect>,
    /// Elements of Table E.3.10-1 that stay; 0 without Retain Safe Private.
    pub safe_private_elements: usize,
    /// Private elements that the site holds safe.
    pub private_elements: &'a [PrivateElements],
    /// Equipment whose word on its private elements is taken.
    pub trusted_equipment: &'a [TrustedEquipment],
    /// What is done with pixels; `None` without Clean Pixel Data.
    pub pixels: Option<&'a PixelPolicy>,
    /// What a server does with encapsulated documents.
    pub documents: DocumentPolicy,
    /// Words that the project holds harmless in texts, beside the program's own.
    pub words: &'a BTreeSet<String>,
    /// Rules of the project, in order.
    pub rules: &'a [ProjectRule],
    /// Labels, each with its query.
    pub labels: &'a [Label],
    /// Sets of labels.
    pub categories: &'a BTreeMap<String, BTreeSet<String>>,
    /// Which objects go on; `None`: all.
    pub forward: Option<&'a Forward>,
    /// Decided points that concern the profile.
    pub decisions: Vec<Decision>,
}

impl CompiledProfile {
    /// What it does, attribute by attribute.
    #[must_use]
    pub fn explain(&self) -> Explanation<'_> {
        let profile = &self.profile;
        let keeps_private = self.private.is_on;
        Explanation {
            name: &profile.name,
            version: &profile.version,
            hash: &self.hash,
            edition: EDITION,
            defaults_edition: vr_default::EDITION,
            summary: profile.summary.as_ref(),
            options: self.options().iter().map(O::word).collect(),
            attributes: TABLE_E1_1.iter().filter_map(|row| self.attribute(row)).collect(),
            defaults: defaults(self.rules.settings),
            safe_private_elements: if keeps_private { SAFE_PRIVATE.len() } else { 0 },
            private_elements: &profile.private_elements,
            trusted_equipment: &profile.trusted_equipment,
            pixels: self.options().has(O::CleanPixelData).then_some(&profile.pixels),
            documents: profile.documents,
            words: &profile.words,
            rules: &profile.rules,
            labels: &profile.labels,
            categories: &profile.categories,
            forward: profile.forward.as_ref(),
            decisions: self.decisions(),
        }
    }

    /// `None` for an attribute that cannot stand in a data set.
    fn attribute(&self, row: &Row) -> Option<AttributeEffect> {
        let tag = Tag((row.tag >> 16) as u16, (row.tag & 0xFFFF) as u16);
        if tag.group() < 0x0008 {
            return None;
        }
        let rule = self.rules.get(tag);
        let (vr, keyword) = dictionary(tag)?;
        let is_code = matches!(tag, PATIENT_NAME | PATIENT_ID);
        Some(AttributeEffect {
            tag: show(tag),
            keyword,
            topic: Topic::of(row, vr, keyword),
            effect: if is_code { Effect::Code } else { Effect::of(&rule) },
            rule: if is_code { RuleId::Named("own") } else { rule.id },
            project_rules: if is_code { Vec::new() } else { self.project_rules.about(tag, vr) },
        })
    }

    fn decisions(&self) -> Vec<Decision> {
        let options = self.options();
        let has = |option| options.has(option);
        let (modified, full) = (has(O::RetainLongitudinalModifiedDates), has(O::RetainLongitudinalFullDates));
        let retains = [
            O::RetainPatientCharacteristics,
            O::RetainDeviceIdentity,
            O::RetainInstitutionIdentity,
            O::RetainUids,
            O::RetainLongitudinalFullDates,
        ];
        let retains = retains.into_iter().any(has) || modified;
        let judges_content = retains || has(O::CleanDescriptors) || has(O::CleanStructuredContent);
        let is_pooled = self.profile.pool_ages_over_89;
        let characteristics = has(O::RetainPatientCharacteristics);
        let device_dates = if modified && has(O::RetainDeviceIdentity) { device_dates() } else { Vec::new() };
        let points = [
            ("device-dates", !device_dates.is_empty()),
            ("ages-pooled", characteristics && is_pooled),
            ("ages-not-pooled", characteristics && !is_pooled),
            ("birth-date", modified || full),
            ("times-kept", modified),
            ("time-zone", modified),
            ("vocabulary-dates", modified),
            ("no-dates", !modified && !full),
            ("un-values", retains),
            ("uids-without-column", has(O::RetainUids)),
            ("unknown-words", has(O::CleanDescriptors)),
            ("content-without-option", judges_content && !has(O::CleanStructuredContent)),
            ("content-dummies", judges_content),
            ("overlays", has(O::CleanGraphics)),
            ("private-blocks", has(O::RetainSafePrivate)),
            ("risk-without-cleaning", !has(O::CleanPixelData)),
            ("faces", has(O::CleanRecognizableVisualFeatures)),
            ("faces-held", self.faces() == FacePolicy::Hold),
            ("faces-defaced", self.faces() == FacePolicy::Deface),
            ("documents-held", self.profile.documents == DocumentPolicy::Hold),
            ("documents-inspected", self.profile.documents == DocumentPolicy::Inspect),
            ("documents-dummy", self.profile.documents == DocumentPolicy::Dummy),
            ("stricter-only", !self.profile.rules.is_empty()),
            ("items", true),
            ("trial", true),
            ("signatures", true),
        ];
        let chosen = points.into_iter().filter(|(_, concerns)| *concerns);
        let decision = |(name, _): (&'static str, bool)| Decision {
            name,
            attributes: if name == "device-dates" { device_dates.clone() } else { Vec::new() },
        };
        chosen.map(decision).collect()
    }
}

/// Rows that Retain Device Identity keeps and Modified Dates moves.
fn device_dates() -> Vec<String> {
    let both = |row: &&Row| {
        row.keep.has(O::RetainDeviceIdentity) && row.clean.has(O::RetainLongitudinalModifiedDates)
    };
    let tag = |row: &Row| show(Tag((row.tag >> 16) as u16, (row.tag & 0xFFFF) as u16));
    TABLE_E1_1.iter().filter(both).map(tag).collect()
}

/// One line for each effect of each default.
fn defaults(settings: Settings) -> Vec<DefaultEffect> {
    let mut lines: Vec<DefaultEffect> = Vec::new();
    for default in &BY_VR {
        for vr in default.vrs {
            let rule = by_vr(*vr, settings);
            let (effect, id) = (Effect::of(&rule), rule.id);
            match lines.iter_mut().find(|line| line.default == default.rule && line.effect == effect) {
                Some(line) => line.vrs.push(vr.to_string()),
                None => lines.push(DefaultEffect {
                    default: default.rule,
                    vrs: vec![vr.to_string()],
                    attributes: Vec::new(),
                    effect,
                    rule: id,
                }),
            }
        }
    }
    let keeps_private = settings.options.has(O::RetainSafePrivate);
    for default in [&VOCABULARY, &PRIVATE, &CURVE, &OVERLAY, &CONTAINER, &UNKNOWN] {
        let name = match default.rule {
            "private" if keeps_private => "private-but-safe",
            name => name,
        };
        lines.push(line(name, default, Vec::new()));
    }
    for (tag, default) in &BY_TAG {
        let name = if default.rule == VOCABULARY.rule { "beyond-vocabulary-items" } else { default.rule };
        match lines.iter_mut().find(|line| line.default == name) {
            Some(line) => line.attributes.push(show(*tag)),
            None => lines.push(line(name, default, vec![show(*tag)])),
        }
    }
    lines
}

fn line(name: &'static str, default: &VrDefault, attributes: Vec<String>) -> DefaultEffect {
    let rule = Rule {
        id: RuleId::Named(default.rule),
        treatment: Treatment::Action(default.action),
        basic: default.action,
        vr: VR::UN,
    };
    DefaultEffect { default: name, vrs: Vec::new(), attributes, effect: Effect::of(&rule), rule: rule.id }
}

fn show(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag.group(), tag.element())
}
