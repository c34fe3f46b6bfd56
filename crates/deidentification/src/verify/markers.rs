//! The statements of the main data set about its own de-identification, against the profile (PS3.15 E.1, DI-14, DI-18).

use std::collections::BTreeMap;

use dicom_core::Tag;
use dicom_stream::ElementPath;

use super::{Finding, FindingKind, Promise};
use crate::option::{DeidentificationOption as O, OptionSet};

const PATIENT_IDENTITY_REMOVED: Tag = Tag(0x0012, 0x0062);
const METHOD_CODES: Tag = Tag(0x0012, 0x0064);
const BURNED_IN_ANNOTATION: Tag = Tag(0x0028, 0x0301);
const RECOGNIZABLE_VISUAL_FEATURES: Tag = Tag(0x0028, 0x0302);
const TEMPORAL_INFORMATION: Tag = Tag(0x0028, 0x0303);
const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
const CODING_SCHEME: Tag = Tag(0x0008, 0x0102);
/// Basic Application Confidentiality Profile, and the scheme of CID 7050.
const BASIC_PROFILE: &str = "113100";
const DCM: &str = "DCM";

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Markers {
    identity_removed: String,
    temporal: String,
    burned_in: String,
    features: String,
    /// Scheme and code by item.
    codes: BTreeMap<u32, (String, String)>,
}

impl Markers {
    /// Whether the element has to be told to [`Self::value`].
    pub(super) fn concerns(tag: Tag, depth: usize) -> bool {
        match depth {
            0 => [
                PATIENT_IDENTITY_REMOVED,
                BURNED_IN_ANNOTATION,
                RECOGNIZABLE_VISUAL_FEATURES,
                TEMPORAL_INFORMATION,
            ]
            .contains(&tag),
            1 => [CODE_VALUE, CODING_SCHEME].contains(&tag),
            _ => false,
        }
    }

    pub(super) fn value(&mut self, path: &ElementPath, value: &[u8]) {
        let text = String::from_utf8_lossy(value).trim_matches([' ', '\0']).to_owned();
        match (path.sequences(), path.tag()) {
            ([], Some(PATIENT_IDENTITY_REMOVED)) => self.identity_removed = text,
            ([], Some(BURNED_IN_ANNOTATION)) => self.burned_in = text,
            ([], Some(RECOGNIZABLE_VISUAL_FEATURES)) => self.features = text,
            ([], Some(TEMPORAL_INFORMATION)) => self.temporal = text,
            ([(METHOD_CODES, item)], Some(CODING_SCHEME)) => self.codes.entry(*item).or_default().0 = text,
            ([(METHOD_CODES, item)], Some(CODE_VALUE)) => self.codes.entry(*item).or_default().1 = text,
            _ => {}
        }
    }

    /// The markers that are missing or wrong. `pixels_are_clean`: somebody or something has looked at the pixels, or the original said so.
    pub(super) fn findings(
        &self,
        promise: &Promise,
        pixels_are_clean: bool,
    ) -> impl Iterator<Item = Finding> {
        let wrong = [
            (PATIENT_IDENTITY_REMOVED, self.identity_removed != "YES"),
            (METHOD_CODES, !self.are_codes_right(promise.options)),
            (TEMPORAL_INFORMATION, self.temporal != temporal(promise.options)),
            (BURNED_IN_ANNOTATION, self.burned_in == "NO" && !pixels_are_clean),
            (RECOGNIZABLE_VISUAL_FEATURES, self.says_defaced() && self.features != "NO"),
        ];
        wrong
            .into_iter()
            .filter(|(_, is_wrong)| *is_wrong)
            .map(|(tag, _)| Finding { path: ElementPath::root(tag), kind: FindingKind::Marker })
    }

    fn says_defaced(&self) -> bool {
        let code = O::CleanRecognizableVisualFeatures.code();
        self.codes.values().any(|(scheme, value)| scheme == DCM && value == code)
    }

    /// The Basic profile, and behind it nothing but options of the profile. What stands before it was done by others.
    fn are_codes_right(&self, options: OptionSet) -> bool {
        let is_basic = |(scheme, code): &&(String, String)| scheme == DCM && code == BASIC_PROFILE;
        let codes: Vec<_> = self.codes.values().collect();
        let Some(at) = codes.iter().rposition(is_basic) else { return false };
        codes
            .iter()
            .skip(at + 1)
            .all(|(scheme, code)| scheme == DCM && options.iter().any(|option| option.code() == code))
    }
}

/// (0028,0303) as PS3.3 C.7.1.1 defines its terms.
fn temporal(options: OptionSet) -> &'static str {
    if options.has(O::RetainLongitudinalModifiedDates) {
        "MODIFIED"
    } else if options.has(O::RetainLongitudinalFullDates) {
        "UNMODIFIED"
    } else {
        "REMOVED"
    }
}
