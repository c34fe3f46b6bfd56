//! Values of the project that the Clinical Trial modules get (AC2.6; PS3.3 C.7.1.3, C.7.2.3), and what else is written anew.

use dicom_core::{Tag, VR};
use serde::{Deserialize, Serialize};

use crate::deidentify::Known;
use crate::option::DeidentificationOption;
use crate::pixels::Decoded;
use crate::profile::CompiledProfile;

/// What the dossier of a project says about the trial. Empty texts are written empty where the module asks for the attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClinicalTrial {
    /// (0012,0010)
    pub sponsor_name: String,
    /// (0012,0020)
    pub protocol_id: String,
    /// (0012,0021)
    pub protocol_name: String,
    /// (0012,0030)
    pub site_id: String,
    /// (0012,0031)
    pub site_name: String,
    /// (0012,0050), when known.
    pub time_point_id: Option<String>,
    /// (0012,0081), when there is one.
    pub ethics_committee_name: Option<String>,
    /// (0012,0082), when there is one.
    pub ethics_committee_approval_number: Option<String>,
    /// (0012,0083), when the dossier states it.
    pub consent: Option<Consent>,
}

/// One item of (0012,0083) Consent for Clinical Trial Use Sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// (0012,0085) Consent for Distribution Flag.
    pub distribution: Distribution,
}

/// Values of (0012,0085), and of (0012,0084) where it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// `NO`
    No,
    /// `YES`, distribution type `NAMED_PROTOCOL`
    NamedProtocol,
    /// `YES`, distribution type `RESTRICTED_REUSE`
    RestrictedReuse,
    /// `YES`, distribution type `PUBLIC_RELEASE`
    PublicRelease,
}

pub(crate) const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
pub(crate) const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
pub(crate) const METHOD: Tag = Tag(0x0012, 0x0063);
pub(crate) const METHOD_CODES: Tag = Tag(0x0012, 0x0064);

/// An element of the main data set that the de-identifier writes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Own {
    /// Takes the place of the original.
    Text(VR, String),
    /// Takes the place of the original; VR US.
    Short(u16),
    /// Is appended to the values already there.
    AppendText(String),
    /// Is appended to the items already there: what was done, as codes.
    AppendMethodCodes,
    /// Takes the place of the original.
    Consent(Consent, String),
    /// By a rule of the profile with this number, counted from 1: an attribute that is missing, or takes the place of the original.
    Added { vr: VR, text: String, overwrite: bool, rule: u16 },
}

/// Characters of a program's name in (0012,0063): with what stands before them they are the 64 of LO.
const NAME_MAX: usize = 47;

/// The elements of the de-identifier, sorted by tag.
pub(crate) fn own_elements(
    profile: &CompiledProfile,
    code: &str,
    sop_class: &str,
    known: Known<'_>,
) -> Vec<(Tag, Own)> {
    let text = |tag, vr, text: &str| (tag, Own::Text(vr, text.to_owned()));
    let hash = profile.hash.get(..16).unwrap_or_default();
    let mut method = method_text(&profile.profile.name, &profile.profile.version, hash);
    if let Some(program) = &known.survey.defaced {
        method.push_str("\\faces removed by ");
        method.extend(program.chars().filter(|c| matches!(c, ' '..='[' | ']'..='~')).take(NAME_MAX));
    }
    let mut own = vec![
        text(PATIENT_NAME, VR::PN, code),
        text(PATIENT_ID, VR::LO, code),
        text(Tag(0x0012, 0x0062), VR::CS, "YES"),
        (METHOD, Own::AppendText(method)),
        (METHOD_CODES, Own::AppendMethodCodes),
        text(Tag(0x0028, 0x0303), VR::CS, temporal_information(profile)),
    ];
    if known.survey.defaced.is_some() {
        // True only now (DI-18).
        own.push(text(Tag(0x0028, 0x0302), VR::CS, "NO"));
    }
    if let Some(plan) = known.pixels {
        // True only now (DI-18).
        own.push(text(Tag(0x0028, 0x0301), VR::CS, "NO"));
        if let Some(Decoded { form, .. }) = &plan.decoded {
            own.push(text(Tag(0x0028, 0x0004), VR::CS, form.photometric_interpretation));
            own.extend(form.planar_configuration.map(|planar| (Tag(0x0028, 0x0006), Own::Short(planar))));
            if form.lossy {
                own.push(text(Tag(0x0028, 0x2110), VR::CS, "01"));
            }
        }
    }
    if let Some(trial) = &profile.trial {
        own.extend([
            text(Tag(0x0012, 0x0010), VR::LO, &trial.sponsor_name),
            text(Tag(0x0012, 0x0020), VR::LO, &trial.protocol_id),
            text(Tag(0x0012, 0x0021), VR::LO, &trial.protocol_name),
            text(Tag(0x0012, 0x0030), VR::LO, &trial.site_id),
            text(Tag(0x0012, 0x0031), VR::LO, &trial.site_name),
            text(Tag(0x0012, 0x0040), VR::LO, code),
        ]);
        let known = [
            (Tag(0x0012, 0x0050), &trial.time_point_id),
            (Tag(0x0012, 0x0081), &trial.ethics_committee_name),
            (Tag(0x0012, 0x0082), &trial.ethics_committee_approval_number),
        ];
        own.extend(known.into_iter().filter_map(|(tag, value)| Some(text(tag, VR::LO, value.as_deref()?))));
        own.extend(
            trial
                .consent
                .map(|consent| (Tag(0x0012, 0x0083), Own::Consent(consent, trial.protocol_id.clone()))),
        );
    }
    let added = profile.project_rules.added(sop_class, known.survey.modality(), known.survey.labels());
    for (tag, added) in added {
        if !own.iter().any(|(known, _)| *known == tag) {
            own.push((tag, added));
        }
    }
    own.sort_unstable_by_key(|(tag, _)| *tag);
    own
}

/// (0028,0303) Longitudinal Temporal Information Modified (DI-14).
fn temporal_information(profile: &CompiledProfile) -> &'static str {
    if profile.options().has(DeidentificationOption::RetainLongitudinalModifiedDates) {
        "MODIFIED"
    } else if profile.options().has(DeidentificationOption::RetainLongitudinalFullDates) {
        "UNMODIFIED"
    } else {
        "REMOVED"
    }
}

/// Values of (0012,0063), each at most 64 characters as LO asks.
fn method_text(name: &str, version: &str, hash: &str) -> String {
    format!("DICOM PS3.15 Annex E {} Basic Profile\\{name}\\version {version}, {hash}", crate::table::EDITION)
}

impl Consent {
    /// Elements of its item, sorted.
    pub(crate) fn elements(self, protocol_id: &str) -> Vec<(Tag, VR, String)> {
        let kind = match self.distribution {
            Distribution::No => None,
            Distribution::NamedProtocol => Some("NAMED_PROTOCOL"),
            Distribution::RestrictedReuse => Some("RESTRICTED_REUSE"),
            Distribution::PublicRelease => Some("PUBLIC_RELEASE"),
        };
        let mut elements: Vec<_> =
            kind.iter().map(|kind| (Tag(0x0012, 0x0084), VR::CS, (*kind).to_owned())).collect();
        let flag = if kind.is_some() { "YES" } else { "NO" };
        elements.push((Tag(0x0012, 0x0085), VR::CS, flag.to_owned()));
        if self.distribution == Distribution::NamedProtocol {
            elements.insert(0, (Tag(0x0012, 0x0020), VR::LO, protocol_id.to_owned()));
        }
        elements
    }
}
