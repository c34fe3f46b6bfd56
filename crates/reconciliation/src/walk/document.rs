//! The body of a document: of a clinical one, the patient role is written anew (table 8.3); any other stays as it is.

use std::io::Write;

use dicom_stream::{Header, Token};

use super::{Done, Walk};
use crate::clinical_document::{ClinicalDocument, is_clinical_document, unpadded};
use crate::reconcile::ReconciliationError;
use crate::report::NotInspected;

impl<W: Write> Walk<'_, '_, W> {
    /// A body that is held whole.
    pub(super) fn document(&mut self, token: &Token<'_>, header: &Header, value: &[u8]) -> Done {
        if !self.is_root() || !is_clinical_document(&self.context.survey.sop_class) {
            self.not_inspected(NotInspected::DocumentBody);
            return self.copy(token);
        }
        let unreadable = || ReconciliationError::UnreadableRole;
        let body = unpadded(value);
        let document = ClinicalDocument::read(body).ok_or_else(unreadable)?;
        if document.has_opaque_parts {
            self.not_inspected(NotInspected::DocumentBody);
        }
        let mut body = document.about(body, self.context.own).ok_or_else(unreadable)?;
        // of even length by what XML allows at its end, not by a byte that it does not
        body.resize(body.len().next_multiple_of(2), b'\n');
        self.context.document_length = Some(u32::try_from(body.len()).map_err(|_| unreadable())?);
        self.write(header.tag, header.vr, &body)
    }
}
