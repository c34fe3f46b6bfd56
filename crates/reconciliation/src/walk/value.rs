//! Values by what they are: UIDs, dates, text, and bytes of unknown meaning.

use std::io::Write;

use dicom_stream::charset::{Fidelity, uses_character_set};
use dicom_stream::text::{trim, yyyymmdd};
use dicom_stream::{Header, Tag, Token, VR};

use super::{Done, Walk};
use crate::attribute::{
    CODE_VALUE, CONCEPT_NAME_CODE, PATIENT_ID, PATIENT_NAME, PERSON_NAME, SUBJECT_ID, SUBJECT_NAME,
    TEXT_VALUE, is_processing_date,
};
use crate::date::{DateClass, class};
use crate::reconcile::ReconciliationError;
use crate::text_rule::{Replacement, rewritten};

/// Longest value of unknown meaning in which UIDs are looked for: some dozens of them.
const UNKNOWN_UIDS_MAX: usize = 4096;

impl<W: Write> Walk<'_, '_, W> {
    /// RR-1: by membership, whatever the attribute is.
    pub(super) fn uids(&mut self, token: &Token<'_>, header: &Header, value: &[u8]) -> Done {
        let Some((field, replaced)) = self.context.identities.uids(value) else { return self.copy(token) };
        self.context.report.uids_restored += replaced.mapped;
        self.context.report.uids_regenerated += replaced.regenerated;
        self.write(header.tag, header.vr, &field)
    }

    /// RR-8: back by the shift, or as it is; anything else ends the walk.
    pub(super) fn dates(&mut self, token: &Token<'_>, header: &Header, value: &[u8]) -> Done {
        let processing = is_processing_date(header.tag);
        let (identities, policy) = (self.context.identities, self.context.policy);
        let mut field = Vec::with_capacity(value.len());
        let mut restored = 0;
        for (n, part) in value.split(|byte| *byte == b'\\').enumerate() {
            if n > 0 {
                field.push(b'\\');
            }
            if part.iter().all(|byte| matches!(byte, b' ' | 0)) {
                field.extend_from_slice(part);
                continue;
            }
            let day = yyyymmdd(part);
            let is_accepted = day.is_some_and(|day| policy.accepted_dates.contains(&day));
            match class(processing, day, &identities.shifted, policy.window) {
                DateClass::Issued => {
                    let original = identities.unshift(part);
                    field.extend(original.ok_or_else(|| self.date_of_no_class(header))?);
                    restored += 1;
                }
                DateClass::Neither if !is_accepted => return Err(self.date_of_no_class(header)),
                DateClass::Processing | DateClass::Neither => {
                    field.extend_from_slice(part);
                    self.context.report.dates_kept += 1;
                }
            }
        }
        if restored == 0 {
            return self.copy(token);
        }
        self.context.report.dates_restored += restored;
        self.write(header.tag, header.vr, &field)
    }

    fn date_of_no_class(&self, header: &Header) -> ReconciliationError {
        ReconciliationError::DateOfNoClass { path: self.path(header.tag) }
    }

    /// Whether text of this VR is written anew here: items with a set of their own keep it.
    pub(super) fn is_re_encoded(&self, vr: VR) -> bool {
        self.context.target.re_encode && self.sets.is_root() && uses_character_set(vr)
    }

    /// The concept of the content item around: (0040,A043) stands before the values.
    pub(super) fn note_concept(&mut self, header: &Header, value: &[u8]) {
        if header.tag == CODE_VALUE
            && let Some(((CONCEPT_NAME_CODE, _), around)) = self.sequences.split_last()
            && let Some(concept) = self.concepts.get_mut(around.len())
        {
            *concept = String::from_utf8_lossy(trim(VR::SH, value)).chars().take(16).collect();
        }
    }

    /// Whom a report is about, in the place of the code as issued (PS3.16 TID 1007; table 8.3).
    fn subject(&self, header: &Header, vr: VR, value: &[u8]) -> Option<String> {
        let concept = self.concepts.get(self.sequences.len()).map_or("", String::as_str);
        let (tag, named) = match (header.tag, concept) {
            (TEXT_VALUE, SUBJECT_ID) => (PATIENT_ID, VR::LO),
            (TEXT_VALUE | PERSON_NAME, SUBJECT_NAME) => (PATIENT_NAME, VR::PN),
            _ => return None,
        };
        let said = self.sets.current().decode(vr, trim(vr, value)).into_owned();
        let is_code = said.trim_end_matches(['^', '=', ' ']) == self.context.given.code;
        is_code.then(|| self.of_patient(tag, named))
    }

    /// A value of the own record as text.
    fn of_patient(&self, tag: Tag, vr: VR) -> String {
        let own = self.context.own;
        own.set().decode(vr, trim(vr, own.bytes_of(tag))).trim().to_owned()
    }

    /// The text as the reviewed rules change it (RR-3); what cannot be read is not changed.
    pub(super) fn by_rule(&self, header: &Header, vr: VR, value: &[u8]) -> Option<String> {
        let context = &self.context;
        if context.policy.text_rules.is_empty() || !uses_character_set(vr) {
            return None;
        }
        let (text, fidelity) = self.sets.current().decode_checked(vr, trim(vr, value));
        let (tag, named) = if vr == VR::PN { (PATIENT_NAME, VR::PN) } else { (PATIENT_ID, VR::LO) };
        let patient = self.of_patient(tag, named);
        let by = Replacement { identities: context.identities, code: &context.given.code, patient: &patient };
        let place = (self.sequences.as_slice(), header.tag, vr);
        rewritten(&context.policy.text_rules, place, &text, &by).filter(|_| fidelity < Fidelity::Replaced)
    }

    /// Text in the character set of the output; its characters stay.
    pub(super) fn text(&mut self, token: &Token<'_>, header: &Header, vr: VR, value: &[u8]) -> Done {
        if let Some(text) = self.subject(header, vr, value).or_else(|| self.by_rule(header, vr, value)) {
            let set = if self.sets.is_root() { &self.context.target.set } else { self.sets.current() };
            let field = set.encode(vr, &text).map_err(|_| ReconciliationError::UnreadableText)?;
            self.context.report.texts_rewritten += 1;
            return self.write(header.tag, header.vr, &field);
        }
        if !self.is_re_encoded(vr) {
            return self.copy(token);
        }
        let (text, fidelity) = self.sets.current().decode_checked(vr, value);
        if fidelity == Fidelity::Replaced {
            return Err(ReconciliationError::UnreadableText);
        }
        let encode = |text: &str| self.context.target.set.encode(vr, text);
        if encode(&text).is_ok_and(|field| field == value) {
            return self.copy(token);
        }
        // padding was for the old length
        let field =
            encode(text.trim_end_matches([' ', '\0'])).map_err(|_| ReconciliationError::UnreadableText)?;
        self.write(header.tag, header.vr, &field)
    }

    /// Bytes of a private element whose VR was lost: a UID is known by membership, all else stays (RC-09).
    pub(super) fn unknown(&mut self, token: &Token<'_>, header: &Header, value: &[u8]) -> Done {
        let like_uids = value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'\\' | b' ' | 0));
        if header.vr != VR::UN || value.len() > UNKNOWN_UIDS_MAX || !like_uids {
            return self.copy(token);
        }
        let Some((mut field, replaced)) = self.context.identities.uids(value) else {
            return self.copy(token);
        };
        self.context.report.uids_restored += replaced.mapped;
        self.context.report.uids_regenerated += replaced.regenerated;
        if !field.len().is_multiple_of(2) {
            field.push(0);
        }
        self.write(header.tag, VR::UN, &field)
    }
}
