//! Gathers a survey while the elements pass.

use std::collections::{BTreeMap, BTreeSet};

use dicom_stream::charset::uses_character_set;
use dicom_stream::text::{trim, trim_uid};
use dicom_stream::{ElementPath, Tag, VR};

use super::geometry::GeometryCollector;
use super::mention::{Look, Mentions, normal};
use super::{DateUse, Role, Survey, SurveyError, UidUse, is_standard};
use crate::attribute::{
    BURNED_IN_ANNOTATION, CODE_VALUE, CONCEPT_NAME_CODE, ENCAPSULATED_DOCUMENT, FRAME_OF_REFERENCE_UID,
    MODALITY, OTHER_PATIENT_IDS, PATIENT_ID, PATIENT_NAME, PERSON_NAME, PIXEL_GROUP, REFERENCED_REQUEST,
    SERIES_INSTANCE_UID, SOP_CLASS_UID, SOP_INSTANCE_UID, SPECIFIC_CHARACTER_SET, STUDY_INSTANCE_UID,
    SUBJECT_ID, SUBJECT_NAME, TEXT_VALUE, TRIAL_SUBJECT_ID, is_identity, is_processing_date, refers,
};
use crate::character_set::Repertoire;
use crate::clinical_document::{self, ClinicalDocument, is_clinical_document, unpadded};
use crate::date::days;
use crate::encrypted_attributes::EncryptedAttributes;
use crate::visit::{Element, Visitor};

/// Longest text that can be a UID of any use; PS3.5 9.1 allows 64 characters.
const UID_MAX: usize = 256;

/// Longest text that is gathered of an element that stands several times.
const TWICE_MAX: usize = 64 << 10;

pub(super) struct Collector {
    survey: Survey,
    uids: BTreeMap<(String, Role, Tag), ElementPath>,
    dates: BTreeMap<(Option<u32>, bool), ElementPath>,
    /// Concept of the content item at each depth.
    concepts: Vec<String>,
    geometry: GeometryCollector,
    mentions: Mentions,
    pixels: Option<blake3::Hasher>,
    /// Whether the bulk that passes is pixel data.
    in_pixels: bool,
    failed: Option<SurveyError>,
}

impl Default for Collector {
    fn default() -> Self {
        let survey = Survey {
            sop_class: String::new(),
            sop_instance: String::new(),
            study: String::new(),
            series: String::new(),
            frame_of_reference: String::new(),
            modality: String::new(),
            patient_id: String::new(),
            patient_name: String::new(),
            patient_name_raw: Vec::new(),
            trial_subject: String::new(),
            nested_ids: BTreeSet::new(),
            nested_names: BTreeSet::new(),
            named: BTreeSet::new(),
            mentions: BTreeSet::new(),
            words: BTreeSet::new(),
            character_set: Vec::new(),
            uids: Vec::new(),
            dates: Vec::new(),
            geometry: None,
            pixels: None,
            burned_in: String::new(),
            is_document: false,
            has_unreadable_role: false,
            encrypted_attributes: EncryptedAttributes::Absent,
            has_foreign_request: false,
            text: Repertoire::new(),
        };
        Self {
            survey,
            uids: BTreeMap::new(),
            dates: BTreeMap::new(),
            concepts: Vec::new(),
            geometry: GeometryCollector::default(),
            mentions: Mentions::default(),
            pixels: None,
            in_pixels: false,
            failed: None,
        }
    }
}

impl Visitor for Collector {
    fn item(&mut self, depth: usize) {
        self.concepts.resize(depth + 1, String::new());
        if let Some(concept) = self.concepts.last_mut() {
            concept.clear();
        }
    }

    fn value(&mut self, element: &Element<'_>, value: &[u8]) {
        if element.is_root() {
            self.look_at(element, value);
        }
        self.note_subject(element, value);
        if element.tag == STUDY_INSTANCE_UID && innermost(element) == Some(REFERENCED_REQUEST) {
            // the object's own stands before, in group 0020
            self.survey.has_foreign_request |= trim_uid(value) != self.survey.study.as_bytes();
        }
        if element.tag == CODE_VALUE {
            self.note_concept(element, value);
        }
        self.note_encrypted(element);
        match element.vr {
            VR::UI => self.note_uids(element, value),
            VR::DA | VR::DT if !(element.is_root() && is_identity(element.tag)) => {
                self.note_dates(element, value)
            }
            vr if element.sets.is_root() => self.survey.text.add(element.sets.current(), vr, value),
            _ => {}
        }
        self.note_mentions(element, value);
        self.geometry.value(element, value);
    }

    fn bulk(&mut self, element: &Element<'_>) {
        self.note_encrypted(element);
        self.in_pixels = element.tag.group() == PIXEL_GROUP && element.is_root();
        if self.in_pixels && self.pixels.is_none() {
            self.pixels = Some(blake3::Hasher::new());
        }
        if element.is_root() && element.tag == ENCAPSULATED_DOCUMENT {
            self.survey.is_document = true;
            // longer than what is held whole: it is not read
            self.survey.has_unreadable_role = is_clinical_document(&self.survey.sop_class);
        }
        let must_be_read = matches!(element.vr, VR::UI | VR::DA | VR::DT | VR::SQ | VR::UN)
            || uses_character_set(element.vr);
        if must_be_read && !self.in_pixels {
            self.fail(SurveyError::TooLong { path: path(element) });
        }
        self.mentions.end();
        if element.tag.group() != PIXEL_GROUP {
            self.mentions.begin(Look::Numbers);
        }
    }

    fn piece(&mut self, piece: &[u8]) {
        if let Some(pixels) = self.pixels.as_mut().filter(|_| self.in_pixels) {
            pixels.update(piece);
        }
        self.mentions.piece(piece);
    }
}

impl Collector {
    pub(super) fn finish(self) -> Result<Survey, SurveyError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let uids = self.uids.into_iter().map(|((uid, role, _), path)| UidUse { uid, role, path }).collect();
        let dates = self
            .dates
            .into_iter()
            .map(|((day, processing), path)| DateUse { day, processing, path })
            .collect();
        let pixels = self.pixels.map(|hasher| hasher.finalize().into());
        let (mentions, words) = self.mentions.finish()?;
        let survey = &self.survey;
        let mut named = survey.named.clone();
        let of_root = [&survey.patient_id, &survey.trial_subject, &survey.patient_name];
        let said = of_root.into_iter().chain(&survey.nested_ids).chain(&survey.nested_names);
        named.extend(said.flat_map(|said| said.split('\\')).map(normal).filter(|code| !code.is_empty()));
        let geometry = self.geometry.finish()?;
        Ok(Survey { uids, dates, pixels, geometry, mentions, words, named, ..self.survey })
    }

    /// The values of the main data set that have a field of their own.
    fn look_at(&mut self, element: &Element<'_>, value: &[u8]) {
        let survey = &mut self.survey;
        let text = || element.sets.current().decode(element.vr, trim(element.vr, value)).into_owned();
        let uid = || String::from_utf8_lossy(trim_uid(value)).into_owned();
        match element.tag {
            SPECIFIC_CHARACTER_SET => survey.character_set = value.to_vec(),
            SOP_CLASS_UID => add(&mut survey.sop_class, uid()),
            SOP_INSTANCE_UID => add(&mut survey.sop_instance, uid()),
            STUDY_INSTANCE_UID => add(&mut survey.study, uid()),
            SERIES_INSTANCE_UID => add(&mut survey.series, uid()),
            FRAME_OF_REFERENCE_UID => add(&mut survey.frame_of_reference, uid()),
            MODALITY => add(&mut survey.modality, text()),
            BURNED_IN_ANNOTATION => add(&mut survey.burned_in, text()),
            PATIENT_ID => add(&mut survey.patient_id, text()),
            PATIENT_NAME => {
                add(&mut survey.patient_name, text());
                survey.patient_name_raw = value.to_vec();
            }
            TRIAL_SUBJECT_ID => add(&mut survey.trial_subject, text()),
            ENCAPSULATED_DOCUMENT => self.note_document(value),
            _ => {}
        }
    }

    /// A document that is held whole; of a clinical document, its patient ids.
    fn note_document(&mut self, body: &[u8]) {
        self.survey.is_document = true;
        if !is_clinical_document(&self.survey.sop_class) {
            return;
        }
        let written = String::from_utf8_lossy(unpadded(body));
        self.mentions.value(Look::Text, written.as_bytes());
        if let Some(seen) = clinical_document::text(&written) {
            self.mentions.value(Look::Text, seen.as_bytes());
        }
        match ClinicalDocument::read(unpadded(body)) {
            Some(document) => {
                self.survey.nested_ids.extend(document.ids);
                self.survey.nested_names.extend(document.names);
            }
            None => self.survey.has_unreadable_role = true,
        }
    }

    /// The concept of the content item around: (0040,A043) stands before the values.
    fn note_concept(&mut self, element: &Element<'_>, value: &[u8]) {
        if let Some(((CONCEPT_NAME_CODE, _), around)) = element.sequences.split_last()
            && let Some(concept) = self.concepts.get_mut(around.len())
        {
            *concept = String::from_utf8_lossy(trim(VR::SH, value)).chars().take(16).collect();
        }
    }

    fn note_encrypted(&mut self, element: &Element<'_>) {
        let found = &mut self.survey.encrypted_attributes;
        *found = (*found).max(EncryptedAttributes::at(element));
    }

    /// Whom an item, or another id of the patient, says that it is about.
    fn note_subject(&mut self, element: &Element<'_>, value: &[u8]) {
        let concept = self.concepts.get(element.sequences.len()).map_or("", String::as_str);
        let is_name = match (element.tag, concept) {
            (OTHER_PATIENT_IDS, _) | (TEXT_VALUE, SUBJECT_ID) => false,
            (PATIENT_ID | TRIAL_SUBJECT_ID, _) if !element.is_root() => false,
            (PATIENT_NAME, _) if !element.is_root() => true,
            (TEXT_VALUE | PERSON_NAME, SUBJECT_NAME) => true,
            _ => return,
        };
        let said = element.sets.current().decode(element.vr, trim(element.vr, value)).into_owned();
        let survey = &mut self.survey;
        let noted = match (element.tag, is_name) {
            // goes, and is asked about only where it is a code
            (OTHER_PATIENT_IDS, _) => &mut survey.named,
            (_, true) => &mut survey.nested_names,
            (_, false) => &mut survey.nested_ids,
        };
        for said in said.split('\\') {
            let said = if element.tag == OTHER_PATIENT_IDS { normal(said) } else { said.trim().to_owned() };
            if said.is_empty() || noted.contains(&said) {
                continue;
            }
            if said.len() > Survey::NESTED_ID_BYTES {
                return self.fail(SurveyError::TooLong { path: path(element) });
            }
            if noted.len() >= Survey::NESTED_IDS_MAX {
                let what = "patient ids or names in items";
                return self.fail(SurveyError::TooMany { what, limit: Survey::NESTED_IDS_MAX });
            }
            noted.insert(said);
        }
    }

    /// What a value mentions; UIDs of their own are noted elsewhere.
    fn note_mentions(&mut self, element: &Element<'_>, value: &[u8]) {
        match element.vr {
            VR::UI | VR::DA | VR::DT | VR::TM | VR::IS | VR::DS => {}
            _ if element.tag.group() == PIXEL_GROUP => {}
            vr if uses_character_set(vr) || matches!(vr, VR::AE | VR::CS | VR::UR | VR::AS) => {
                self.mentions.value(Look::Text, value);
                // with two bytes a character, or escape sequences, only who decodes it sees the words
                if !value.is_ascii() || value.contains(&0x1B) {
                    self.mentions.value(Look::Text, element.sets.current().decode(vr, value).as_bytes());
                }
            }
            VR::UN | VR::OB | VR::SQ => self.mentions.value(Look::Bytes, value),
            _ => self.mentions.value(Look::Numbers, value),
        }
    }

    fn note_uids(&mut self, element: &Element<'_>, value: &[u8]) {
        let concept = self.concepts.get(element.sequences.len()).map_or("", String::as_str);
        let role = if refers(element.tag, element.is_root(), concept) { Role::Refers } else { Role::Defines };
        for uid in value.split(|byte| *byte == b'\\').map(trim_uid).filter(|uid| !uid.is_empty()) {
            let uid = String::from_utf8_lossy(uid);
            if is_standard(&uid) {
                continue;
            }
            if uid.len() > UID_MAX {
                return self.fail(SurveyError::TooLong { path: path(element) });
            }
            let key = (uid.into_owned(), role, element.tag);
            if self.uids.len() >= Survey::UIDS_MAX && !self.uids.contains_key(&key) {
                return self.fail(SurveyError::TooMany { what: "UIDs", limit: Survey::UIDS_MAX });
            }
            self.mentions.root_of(&key.0);
            self.uids.entry(key).or_insert_with(|| path(element));
        }
    }

    fn note_dates(&mut self, element: &Element<'_>, value: &[u8]) {
        let processing = is_processing_date(element.tag);
        for day in days(value) {
            if self.dates.len() >= Survey::DATES_MAX && !self.dates.contains_key(&(day, processing)) {
                return self.fail(SurveyError::TooMany { what: "dates", limit: Survey::DATES_MAX });
            }
            self.dates.entry((day, processing)).or_insert_with(|| path(element));
        }
    }

    fn fail(&mut self, error: SurveyError) {
        self.failed.get_or_insert(error);
    }
}

/// An element that stands twice with two values, in a data set out of order, has both of them: no key is found by that.
fn add(field: &mut String, value: String) {
    if field.is_empty() {
        *field = value;
    } else if *field != value && !value.is_empty() && field.len() + value.len() < TWICE_MAX {
        field.push('\\');
        field.push_str(&value);
    }
}

fn path(element: &Element<'_>) -> ElementPath {
    ElementPath::nested(element.sequences.to_vec(), element.tag)
}

/// Tag of the innermost sequence.
pub(super) fn innermost(element: &Element<'_>) -> Option<Tag> {
    element.sequences.last().map(|(tag, _)| *tag)
}
