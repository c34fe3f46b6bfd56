//! The main data set: the rows of the plan at their place, and what is left out.

use std::io::Write;

use dicom_stream::charset::Fidelity;
use dicom_stream::text::{integer, trim};
use dicom_stream::{Encoding, Header, Tag, VR, swap_bytes};

use super::plan::{Row, restore};
use super::{Done, Walk};
use crate::attribute::{
    ACCESSION_NUMBER, CONTRIBUTING_EQUIPMENT, ENCAPSULATED_DOCUMENT_LENGTH, PATIENT_IDENTITY_REMOVED,
    REFERENCED_REQUEST, SERIES_INSTANCE_UID, SOP_INSTANCE_UID, SPECIFIC_CHARACTER_SET, TIMEZONE_OFFSET,
    TRIAL_SUBJECT_ID, is_identity, is_plain_image, is_signature, is_trial_time_point,
};
use crate::own_sequence;
use crate::policy::TrialAttributes;
use crate::reconcile::ReconciliationError;

/// Longest LO (PS3.5 Table 6.2-1), in characters.
const LO_MAX: usize = 64;
/// Characters of the prefix that count.
const PREFIX_MAX: usize = 32;

impl<W: Write> Walk<'_, '_, W> {
    /// An element of the main data set; whether it is done with.
    pub(super) fn root_value(&mut self, header: &Header, value: &[u8]) -> Result<bool, ReconciliationError> {
        let tag = header.tag;
        if tag == SPECIFIC_CHARACTER_SET {
            self.sets.declare(0, value);
        }
        if matches!(tag, SOP_INSTANCE_UID | SERIES_INSTANCE_UID) {
            self.rows_before(Some(tag))?;
            self.own_uid(header, value)?;
            return Ok(true);
        }
        let row = self.row(tag)?;
        if let (ENCAPSULATED_DOCUMENT_LENGTH, Some(length)) = (tag, self.context.document_length) {
            self.write_own(tag, VR::UL, &length.to_le_bytes())?;
            return Ok(true);
        }
        let is_replaced = is_identity(tag) || matches!(tag, TRIAL_SUBJECT_ID | TIMEZONE_OFFSET);
        if is_replaced || matches!(row, Some(Row::Restore(..))) {
            self.note_altered(header, value)?;
        }
        if tag == TIMEZONE_OFFSET && row.is_none() {
            // as it was given, or not at all: the own record's times are in no other zone (RC-03)
            return Ok(!self.is_as_issued(tag, VR::SH, trim(VR::SH, value)));
        }
        match row {
            Some(Row::AppendItem) => self.append_to_unknown(header, value)?,
            Some(row) => self.write_row(tag, &row, Some(value))?,
            None => return Ok(self.is_left_out(tag)),
        }
        Ok(true)
    }

    /// A value that is not held whole; whether it is left out.
    pub(super) fn root_bulk(&mut self, tag: Tag) -> Result<bool, ReconciliationError> {
        let row = self.row(tag)?;
        if is_identity(tag) || matches!(row, Some(Row::Restore(..))) {
            self.note_altered_unread(tag);
        }
        match row {
            Some(row) => self.write_row(tag, &row, None)?,
            None => return Ok(self.is_left_out(tag)),
        }
        Ok(true)
    }

    /// A sequence; whether it is left out.
    pub(super) fn root_sequence(&mut self, tag: Tag) -> Result<bool, ReconciliationError> {
        let row = self.row(tag)?;
        if is_identity(tag) {
            self.note_altered_unread(tag);
        }
        match row {
            Some(Row::AppendItem) => self.append_to = Some(tag).filter(|tag| self.has_own_item(*tag)),
            Some(row) => {
                self.write_row(tag, &row, None)?;
                return Ok(true);
            }
            None => return Ok(self.is_left_out(tag)),
        }
        Ok(false)
    }

    /// Writes the rows that stand before `tag`; all of them at the end.
    pub(super) fn rows_before(&mut self, tag: Option<Tag>) -> Done {
        while let Some((own, row)) = self.rows.get(self.done)
            && tag.is_none_or(|tag| *own < tag)
        {
            let (own, row) = (*own, row.clone());
            self.done += 1;
            self.write_row(own, &row, None)?;
        }
        Ok(())
    }

    /// The row at this tag; one that is met again, in a data set out of order, removes.
    fn row(&mut self, tag: Tag) -> Result<Option<Row>, ReconciliationError> {
        self.rows_before(Some(tag))?;
        let Ok(at) = self.rows.binary_search_by_key(&tag, |(own, _)| *own) else { return Ok(None) };
        if at < self.done {
            return Ok(Some(Row::Remove));
        }
        self.done = at + 1;
        Ok(self.rows.get(at).map(|(_, row)| row.clone()))
    }

    /// What has no row and is left out all the same.
    fn is_left_out(&mut self, tag: Tag) -> bool {
        if is_signature(tag) {
            self.context.report.signatures_removed = true;
            return true;
        }
        let keeps_trial =
            self.context.policy.trial == TrialAttributes::KeepTimePoint && is_trial_time_point(tag);
        is_identity(tag) || (tag.group() == PATIENT_IDENTITY_REMOVED.group() && !keeps_trial)
    }

    fn write_row(&mut self, tag: Tag, row: &Row, received: Option<&[u8]>) -> Done {
        let field = received.unwrap_or_default();
        match row {
            Row::Write(vr, bytes) => self.write_own(tag, *vr, bytes),
            Row::Restore(vr, bytes) => {
                self.context.report.attributes_restored += 1;
                self.write_own(tag, *vr, bytes)
            }
            Row::Remove => Ok(()),
            Row::SeriesDescription => self.series_description(tag, field),
            Row::SeriesNumber => {
                let offset =
                    self.context.policy.marking.as_ref().map_or(0, |marking| marking.series_number_offset);
                let number = integer(field).unwrap_or(0).saturating_add(offset);
                self.write_own(tag, VR::IS, number.to_string().as_bytes())
            }
            Row::ImageType => self.image_type(tag, field),
            Row::AppendItem if self.has_own_item(tag) => {
                self.out.start_sequence(tag)?;
                self.write_own_item(tag)?;
                Ok(self.out.end_sequence()?)
            }
            Row::AppendItem => Ok(()),
        }
    }

    /// Accession Number in the items of Referenced Request (table 8.3), where they are all of this study.
    pub(super) fn request(&mut self, header: &Header) -> Result<bool, ReconciliationError> {
        let is_request = matches!(self.sequences.as_slice(), [(REFERENCED_REQUEST, _)]);
        if !is_request || header.tag != ACCESSION_NUMBER || self.context.survey.has_foreign_request {
            return Ok(false);
        }
        let own = self.context.own.attributes.iter().find(|attribute| attribute.tag == ACCESSION_NUMBER);
        let bytes = match own.map(|own| restore(own, self.context.own, &self.context.target)).transpose()? {
            Some(Row::Restore(_, bytes)) => bytes,
            _ => Vec::new(),
        };
        self.write(ACCESSION_NUMBER, VR::SH, &bytes)?;
        Ok(true)
    }

    /// Bytes of little endian in the byte order of the output.
    fn write_own(&mut self, tag: Tag, vr: VR, bytes: &[u8]) -> Done {
        if vr == VR::SQ && !bytes.is_empty() {
            return own_sequence::write(&mut self.out, tag, bytes);
        }
        if self.out.encoding() != Encoding::ExplicitBig {
            return Ok(self.out.value(tag, vr, bytes)?);
        }
        Ok(self.out.value(tag, vr, &swap_bytes(vr, bytes))?)
    }

    /// RR-7, AC8.6: own UIDs of the object stay, unless a new one was given.
    fn own_uid(&mut self, header: &Header, value: &[u8]) -> Done {
        let uid = String::from_utf8_lossy(dicom_stream::text::trim_uid(value)).into_owned();
        let fresh = self.context.identities.fresh.get(&uid).cloned();
        // one value is all that these have (PS3.6), but a partner may write more
        let is_issued =
            |value: &str| self.context.identities.originals.contains_key(value.trim_matches([' ', '\0']));
        if fresh.is_none() && uid.split('\\').any(is_issued) {
            return Err(ReconciliationError::ReusedUid { path: self.path(header.tag) });
        }
        if header.tag == SOP_INSTANCE_UID {
            self.context.found_instance = uid == self.context.survey.sop_instance;
        }
        self.context.report.uids_regenerated += u64::from(fresh.is_some());
        let uid = fresh.unwrap_or(uid);
        self.write(header.tag, VR::UI, uid.as_bytes())?;
        let report = &mut self.context.report;
        *(if header.tag == SOP_INSTANCE_UID { &mut report.sop_instance } else { &mut report.series }) = uid;
        Ok(())
    }

    /// The prefix, a blank, and as much of the description as LO holds.
    fn series_description(&mut self, tag: Tag, field: &[u8]) -> Done {
        let prefix =
            self.context.policy.marking.as_ref().map_or("", |m| m.series_description_prefix.as_str());
        let prefix: String = prefix
            .trim_end()
            .chars()
            .filter(|c| matches!(c, ' '..='[' | ']'..='~'))
            .take(PREFIX_MAX)
            .collect();
        let header = Header::new(tag, VR::LO, 0, self.out.encoding());
        let (text, fidelity) = match self.by_rule(&header, VR::LO, field) {
            Some(text) => (text.into(), Fidelity::Exact),
            None => self.sets.current().decode_checked(VR::LO, trim(VR::LO, field)),
        };
        if fidelity == Fidelity::Replaced {
            return Err(ReconciliationError::UnreadableText);
        }
        let text = match text.strip_prefix(&prefix) {
            Some(_) => text.into_owned(),
            None => format!("{prefix} {text}"),
        };
        let text: String = text.trim_end().chars().take(LO_MAX).collect();
        let bytes =
            self.context.target.set.encode(VR::LO, &text).map_err(|_| ReconciliationError::UnreadableText)?;
        Ok(self.out.value(tag, VR::LO, &bytes)?)
    }

    fn image_type(&mut self, tag: Tag, field: &[u8]) -> Done {
        let plain = is_plain_image(&self.context.survey.sop_class);
        let mut values: Vec<&[u8]> =
            field.split(|byte| *byte == b'\\').map(|value| trim(VR::CS, value)).collect();
        let is_there = values.iter().any(|value| !value.is_empty());
        if !plain && !is_there {
            return Ok(());
        }
        values.resize(values.len().max(2), b"");
        if let [first, second, ..] = values.as_mut_slice() {
            *first = b"DERIVED";
            if plain || second.is_empty() {
                *second = if plain { b"SECONDARY" } else { b"PRIMARY" };
            }
        }
        Ok(self.out.value(tag, VR::CS, &values.join(&b'\\'))?)
    }

    /// A sequence of the partner that gets our item, stored as UN.
    fn append_to_unknown(&mut self, header: &Header, value: &[u8]) -> Done {
        let tag = header.tag;
        match self.inner(header, value, Some(tag).filter(|tag| self.has_own_item(*tag)))? {
            Some(content) => self.write(tag, VR::UN, &content),
            // what cannot be read as a sequence says nothing
            None => self.write_row(tag, &Row::AppendItem, None),
        }
    }

    fn has_own_item(&self, tag: Tag) -> bool {
        tag == CONTRIBUTING_EQUIPMENT || !self.context.altered.is_empty()
    }
}
