//! What the partner had altered or added in the patient and study attributes, told from what it was given (AC8.8, RR-11).

use std::io::Write;

use dicom_stream::charset::{Fidelity, uses_character_set};
use dicom_stream::text::{trim, trim_uid};
use dicom_stream::{Header, Tag, VR};

use super::{Done, Walk};
use crate::attribute::{PATIENT_ID, PATIENT_NAME, STUDY_INSTANCE_UID, TRIAL_SUBJECT_ID, effective_vr};
use crate::reconcile::ReconciliationError;
use crate::reverse_scan::shows_code;

/// A value that goes into the Original Attributes, in the character set of the output.
pub(crate) struct Altered {
    pub(super) tag: Tag,
    pub(super) vr: VR,
    pub(super) value: Vec<u8>,
}

/// Longest value that is recorded: more than any attribute of patient or study may have but LT.
const VALUE_MAX: usize = 16 << 10;

impl<W: Write> Walk<'_, '_, W> {
    /// Notes a value that is about to be replaced, if it is neither empty, nor as issued, nor what it is replaced by.
    pub(super) fn note_altered(&mut self, header: &Header, value: &[u8]) -> Done {
        let (tag, vr) = (header.tag, effective_vr(header.tag, header.vr));
        let plain = trim(vr, value);
        if plain.is_empty()
            || self.is_as_issued(tag, vr, plain)
            || plain == trim(vr, self.context.own.bytes_of(tag))
        {
            return Ok(());
        }
        self.context.report.altered.push(show(tag));
        let (text, fidelity) = self.sets.current().decode_checked(vr, plain);
        let has_parts = matches!(vr, VR::SQ | VR::UN | VR::OB | VR::OW);
        let is_read = !has_parts && plain.len() <= VALUE_MAX && fidelity < Fidelity::Replaced;
        if !is_read || self.shows_pseudonym(&text, plain) {
            self.context.report.altered_not_recorded.push(show(tag));
            return Ok(());
        }
        let value = match uses_character_set(vr) && self.sets.current() != &self.context.target.set {
            true => {
                self.context.target.set.encode(vr, &text).map_err(|_| ReconciliationError::UnreadableText)?
            }
            false => plain.to_vec(),
        };
        self.context.altered.push(Altered { tag, vr, value });
        Ok(())
    }

    /// The same for what is not held whole.
    pub(super) fn note_altered_unread(&mut self, tag: Tag) {
        self.context.report.altered.push(show(tag));
        self.context.report.altered_not_recorded.push(show(tag));
    }

    pub(super) fn is_as_issued(&self, tag: Tag, vr: VR, plain: &[u8]) -> bool {
        let context = &self.context;
        let text = String::from_utf8_lossy(plain);
        match tag {
            PATIENT_ID | TRIAL_SUBJECT_ID => text == context.given.code,
            PATIENT_NAME => text.trim_end_matches(['^', '=', ' ']) == context.given.code,
            STUDY_INSTANCE_UID => context.identities.originals.contains_key(text.as_ref()),
            _ => {
                let given = context.given.values.get(&tag);
                given.is_some_and(|given| trim(vr, given) == plain)
                    || (matches!(vr, VR::DA | VR::DT) && context.identities.unshift(plain).is_some())
            }
        }
    }

    /// A code, a pseudonym UID or a shifted date is never recorded, not even as a part of a text.
    fn shows_pseudonym(&self, text: &str, plain: &[u8]) -> bool {
        let identities = self.context.identities;
        let has_uid = plain
            .split(|byte| !matches!(byte, b'0'..=b'9' | b'.'))
            .filter_map(|run| std::str::from_utf8(trim_uid(run)).ok())
            .any(|run| identities.originals.contains_key(run.trim_matches('.')));
        has_uid
            || shows_code(text, &self.context.given.code)
            || self.context.given.others.iter().any(|code| shows_code(text, code))
            || crate::reverse_scan::shows_date(text, &identities.shifted)
    }
}

fn show(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag.group(), tag.element())
}
