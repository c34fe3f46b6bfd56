//! What speaks against one object.

use std::collections::{BTreeMap, BTreeSet};

use dicom_stream::charset::Fidelity;
use pixel::risk::{MODALITIES_AT_RISK, is_class_at_risk};

use super::issued::{Conditions, Issued, Kind, Sent};
use super::keys::{Key, Keys, is_telling};
use super::reason::{ManualReason, RefuseReason};
use super::{Common, Verdict, common};
use crate::attribute::{Place, is_secondary_capture, places_of};
use crate::date::{DateClass, class};
use crate::encrypted_attributes::EncryptedAttributes;
use crate::survey::{Geometry, Role, Survey, UidUse};

/// Keys that have to agree (AC8.1).
const KEYS_MIN: usize = 2;

pub(super) struct Findings<'a> {
    issued: &'a Issued,
    conditions: &'a Conditions,
    /// UIDs of the set that others can refer to, with what they name.
    defined: BTreeSet<(&'a str, Place)>,
    /// UIDs that the set refers to.
    referred: BTreeSet<&'a str>,
    sent: BTreeMap<&'a str, &'a Sent>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(set: &'a [Survey], issued: &'a Issued, conditions: &'a Conditions) -> Self {
        let uids = set.iter().flat_map(|survey| &survey.uids);
        let referred = uids.filter(|uid| uid.role == Role::Refers).map(|uid| uid.uid.as_str());
        let defined = set.iter().flat_map(Survey::can_be_cited);
        Self {
            issued,
            conditions,
            defined: defined.map(|(place, uid)| (uid, place)).collect(),
            referred: referred.collect(),
            sent: issued.sent.iter().map(|sent| (sent.sop_instance.as_str(), sent)).collect(),
        }
    }

    pub(super) fn verdict(&self, survey: &Survey, keys: &Keys) -> Verdict {
        let mut verdict = Verdict {
            keys: keys.all().into_iter().filter(|key| key.candidates().is_some()).count(),
            ..Verdict::default()
        };
        self.refuse(survey, keys, &mut verdict);
        self.keys(survey, keys, &mut verdict);
        self.references(survey, &mut verdict);
        self.original(survey, &mut verdict);
        self.content(survey, &mut verdict);
        if verdict.drop {
            verdict.manual.clear();
            verdict.waits = false;
        }
        verdict
    }

    /// RC-04, RC-06, RC-10: what never goes back.
    fn refuse(&self, survey: &Survey, keys: &Keys, verdict: &mut Verdict) {
        let refuse = &mut verdict.refuse;
        if common(keys.participants()) == Common::Contradiction {
            refuse.insert(RefuseReason::SeveralParticipants);
        }
        let uids = survey.uids.iter().map(|uid| &uid.uid).chain(&survey.mentions);
        for uid in uids.filter(|uid| !self.issued.uids.contains_key(*uid)) {
            if self.issued.originals.contains(uid) {
                refuse.insert(RefuseReason::OriginalUid);
            }
            if self.issued.elsewhere.contains(uid) {
                refuse.insert(RefuseReason::IssuedElsewhere);
            }
        }
        let mut codes = survey.named.iter().chain(survey.words.iter().filter(|word| is_telling(word)));
        if codes.any(|code| self.issued.codes_elsewhere.contains(code)) {
            refuse.insert(RefuseReason::IssuedElsewhere);
        }
        if !self.conditions.sop_classes.contains(&survey.sop_class) {
            refuse.insert(RefuseReason::SopClassNotAllowed);
        }
    }

    /// AC8.1, RC-04, RC-05.
    fn keys(&self, survey: &Survey, keys: &Keys, verdict: &mut Verdict) {
        let manual = &mut verdict.manual;
        for (key, reason) in
            [(&keys.code, ManualReason::PatientIdAltered), (&keys.subject, ManualReason::TrialSubjectAltered)]
        {
            if *key == Key::Unknown {
                manual.insert(reason);
            }
        }
        if keys.study.candidates().is_none() {
            manual.insert(ManualReason::StudyUnknown);
        }
        if verdict.keys < KEYS_MIN || common(keys.participants()) == Common::Several {
            manual.insert(ManualReason::TooFewKeys);
        }
        let is_other = |said: &String| {
            let said = said.trim_end_matches(['^', '=', ' ']);
            !said.is_empty() && !self.is_code_of(said, keys)
        };
        if is_other(&survey.patient_name) || survey.nested_names.iter().any(is_other) {
            manual.insert(ManualReason::PatientNameAltered);
        }
        if survey.nested_ids.iter().any(is_other) {
            manual.insert(ManualReason::PatientIdAltered);
        }
        let of_other = |word: &String| {
            let spelled = self.issued.spelled.get(word);
            let is_own = |owner| keys.participants().all(|candidates| candidates.contains(owner));
            spelled.map_or_else(|| self.issued.codes_elsewhere.contains(word), |owner| !is_own(owner))
        };
        if survey.words.iter().any(of_other) {
            manual.insert(ManualReason::OtherCodeInText);
        }
        verdict.study = self.study(survey, keys);
    }

    /// Whether a text is the code of a participant that the keys can mean.
    fn is_code_of(&self, text: &str, keys: &Keys) -> bool {
        let owner = self.issued.codes.get(text);
        owner.is_some_and(|owner| keys.participants().all(|candidates| candidates.contains(owner)))
    }

    fn study(&self, survey: &Survey, keys: &Keys) -> Option<String> {
        let found = self.issued.uids.get(&survey.study)?;
        let of_all = |participant| keys.participants().all(|candidates| candidates.contains(participant));
        let mut studies =
            found.iter().filter(|issued| issued.kind == Kind::Study && of_all(&issued.participant));
        studies.next().and_then(|issued| issued.study.clone())
    }

    /// RR-2, RR-4.
    fn references(&self, survey: &Survey, verdict: &mut Verdict) {
        let known = |of: &UidUse| {
            let uid = of.uid.as_str();
            let places = of.path.tag().map_or([].as_slice(), places_of);
            let is_meant = |place: &Place| places.is_empty() || places.contains(place);
            let here = self.defined.range((uid, Place::Study)..).take_while(|(of, _)| *of == uid);
            let before = self.issued.returned.get(uid).into_iter().flatten();
            self.issued.uids.contains_key(uid) || here.map(|(_, place)| place).chain(before).any(is_meant)
        };
        verdict.waits = survey.uids.iter().any(|uid| uid.role == Role::Refers && !known(uid));
    }

    /// RC-07, RR-7, AC8.6.
    fn original(&self, survey: &Survey, verdict: &mut Verdict) {
        let is_issued = |uid: &str| self.issued.uids.contains_key(uid);
        if is_issued(&survey.sop_instance) {
            let sent = self.sent.get(survey.sop_instance.as_str()).and_then(|sent| sent.pixels);
            if sent.is_some() && sent == survey.pixels {
                verdict.drop = true;
            } else {
                verdict.manual.insert(ManualReason::OriginalAltered);
            }
        }
        // a new series UID is given; a reference to the object by its series would then point to the source's
        let is_cited = self.referred.contains(survey.sop_instance.as_str());
        if is_issued(&survey.series) && !is_issued(&survey.sop_instance) && is_cited {
            verdict.manual.insert(ManualReason::SeriesUidReused);
        }
        if survey.uids.iter().any(|of| of.role == Role::Defines && self.issued.reused.contains(&of.uid)) {
            verdict.manual.insert(ManualReason::UidReused);
        }
    }

    /// RR-8, RC-08, RC-09, RC-15.
    fn content(&self, survey: &Survey, verdict: &mut Verdict) {
        let window = self.conditions.window;
        let neither = survey
            .dates
            .iter()
            .any(|date| class(date.processing, date.day, &self.issued.dates, window) == DateClass::Neither);
        let manual = &mut verdict.manual;
        if neither {
            manual.insert(ManualReason::DateOfNoClass);
        }
        if survey.fidelity() == Fidelity::Replaced {
            manual.insert(ManualReason::UnreadableText);
        }
        if survey.has_unreadable_role {
            manual.insert(ManualReason::UnreadableRole);
        }
        let is_openable = self.conditions.opens_encrypted_attributes
            && survey.encrypted_attributes == EncryptedAttributes::Main;
        if survey.encrypted_attributes != EncryptedAttributes::Absent && !is_openable {
            manual.insert(ManualReason::EncryptedAttributes);
        }
        if shows_text(survey) {
            manual.insert(ManualReason::TextInPixels);
        }
        if !self.geometry_agrees(survey) {
            manual.insert(ManualReason::GeometryDiffers);
        }
    }

    fn geometry_agrees(&self, survey: &Survey) -> bool {
        let Some(geometry) = &survey.geometry else { return true };
        if !self.issued.uids.contains_key(&survey.frame_of_reference) {
            return true;
        }
        let same_frame =
            self.issued.sent.iter().filter(|sent| sent.frame_of_reference == survey.frame_of_reference);
        let sources: Vec<&Geometry> = same_frame.filter_map(|sent| sent.geometry.as_ref()).collect();
        geometry.lies_on(&sources, self.conditions.tolerance)
    }
}

/// Whether text is, or may be, drawn in the pixels (table 8.3). A secondary capture that does not say so is asked about at release.
fn shows_text(survey: &Survey) -> bool {
    let is_capture = is_secondary_capture(&survey.sop_class);
    let is_stated = survey.burned_in == "NO" || (survey.burned_in.is_empty() && is_capture);
    let is_at_risk =
        is_class_at_risk(&survey.sop_class) || MODALITIES_AT_RISK.contains(&survey.modality.as_str());
    let is_suspect = !survey.burned_in.is_empty() || is_at_risk;
    survey.pixels.is_some() && !is_stated && is_suspect
}
