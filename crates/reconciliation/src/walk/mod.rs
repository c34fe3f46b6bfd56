//! The walk over one data set: every element, at every depth, by what its value is (RR-1). The mirror of the de-identifier's.

mod altered;
mod document;
mod plan;
mod root;
mod trace;
mod value;

use std::io::Write;

use dicom_stream::charset::CharacterSet;
use dicom_stream::{
    ElementPath, Encoding, Header, Lengths, Limits, Reader, Tag, Token, VR, Writer, as_sequence,
};

use crate::attribute::{
    ENCAPSULATED_DOCUMENT, PIXEL_GROUP, SPECIFIC_CHARACTER_SET, effective_vr, is_secondary_capture,
};
use crate::character_set::{Sets, Target};
use crate::clinical_document::is_clinical_document;
use crate::identities::{Given, Identities};
use crate::own_record::OwnRecord;
use crate::policy::Policy;
use crate::reconcile::ReconciliationError;
use crate::report::{NotInspected, Report};
use crate::survey::Survey;
use altered::Altered;
use plan::Row;

pub(crate) use plan::plan;

/// What the walk over the main data set and the walks inside UN values share.
pub(crate) struct Context<'a> {
    pub(crate) survey: &'a Survey,
    pub(crate) identities: &'a Identities,
    pub(crate) given: &'a Given,
    pub(crate) policy: &'a Policy,
    pub(crate) own: &'a OwnRecord,
    pub(crate) target: Target,
    pub(crate) limits: Limits,
    pub(crate) report: Report,
    /// Values that the partner had altered or added, and that are replaced.
    pub(crate) altered: Vec<Altered>,
    /// Length of a document that was written anew.
    pub(crate) document_length: Option<u32>,
    /// Whether the surveyed instance was found in the data set.
    pub(crate) found_instance: bool,
}

pub(crate) struct Walk<'c, 'a, W: Write> {
    out: Writer<W>,
    context: &'c mut Context<'a>,
    sequences: Vec<(Tag, u32)>,
    /// Concept of the content item at each depth, once it was read (PS3.3 C.17.3.2).
    concepts: Vec<String>,
    sets: Sets,
    /// Elements of the main data set that are written or left out, sorted; empty inside a UN value.
    rows: Vec<(Tag, Row)>,
    /// Rows done.
    done: usize,
    /// The walk is inside a UN value.
    is_inner: bool,
    /// Sequence of the main data set that gets our item at its end.
    append_to: Option<Tag>,
    /// Open sequences and fragment lists that are left out.
    skipped: usize,
    /// Whether the bulk value that is passing is left out.
    skip_bulk: bool,
}

type Done = Result<(), ReconciliationError>;

impl<'c, 'a, W: Write> Walk<'c, 'a, W> {
    /// The walk over the main data set. `rows` are what [`plan`] gives.
    pub(crate) fn main(
        out: W,
        encoding: Encoding,
        received: CharacterSet,
        rows: Vec<(Tag, Row)>,
        context: &'c mut Context<'a>,
    ) -> Self {
        Self {
            out: Writer::new(out, encoding, Lengths::Undefined),
            context,
            sequences: Vec::new(),
            concepts: Vec::new(),
            sets: Sets::new(received),
            rows,
            done: 0,
            is_inner: false,
            append_to: None,
            skipped: 0,
            skip_bulk: false,
        }
    }

    /// Takes the next token of the input.
    pub(crate) fn token(&mut self, token: &Token<'_>) -> Done {
        if self.skipped > 0 {
            match token {
                Token::SequenceStart { .. } | Token::FragmentsStart { .. } => self.skipped += 1,
                Token::SequenceEnd { .. } | Token::FragmentsEnd { .. } => self.skipped -= 1,
                _ => {}
            }
            return Ok(());
        }
        match token {
            Token::Value { header, value } => self.value(token, header, value),
            Token::BulkStart { header } | Token::FragmentsStart { header } => self.bulk(token, header),
            Token::SequenceStart { header } => self.sequence(token, header),
            Token::Bulk(_) if self.skip_bulk => Ok(()),
            Token::BulkEnd => {
                self.skip_bulk = false;
                Ok(())
            }
            Token::ItemStart { .. } => {
                if let Some((_, item)) = self.sequences.last_mut() {
                    *item = item.saturating_add(1);
                }
                self.sets.leave(self.sequences.len());
                self.concepts.resize(self.sequences.len(), String::new());
                self.concepts.push(String::new());
                self.copy(token)
            }
            Token::SequenceEnd { .. } => self.sequence_end(token),
            _ => self.copy(token),
        }
    }

    /// Writes what is still to be written; to be called after the last token.
    pub(crate) fn finish(mut self) -> Result<W, ReconciliationError> {
        self.rows_before(None)?;
        Ok(self.out.finish()?)
    }

    fn value(&mut self, token: &Token<'_>, header: &Header, value: &[u8]) -> Done {
        if header.tag.element() == 0 {
            return Ok(()); // group length: no longer true
        }
        if self.is_root() && self.root_value(header, value)? {
            return Ok(());
        }
        if self.request(header)? {
            return Ok(());
        }
        if header.tag == SPECIFIC_CHARACTER_SET {
            self.sets.declare(self.sequences.len(), value);
            return self.copy(token);
        }
        if header.tag == ENCAPSULATED_DOCUMENT {
            return self.document(token, header, value);
        }
        match effective_vr(header.tag, header.vr) {
            VR::UI => self.uids(token, header, value),
            VR::DA | VR::DT => self.dates(token, header, value),
            VR::SQ | VR::UN => match self.inner(header, value, None)? {
                Some(content) => self.write(header.tag, VR::UN, &content),
                None => self.unknown(token, header, value),
            },
            vr => {
                self.note_concept(header, value);
                self.text(token, header, vr, value)
            }
        }
    }

    /// A value that is not held whole: samples pass, what would have to be read is an error.
    fn bulk(&mut self, token: &Token<'_>, header: &Header) -> Done {
        let tag = header.tag;
        let is_fragments = matches!(token, Token::FragmentsStart { .. });
        if self.is_root() && self.root_bulk(tag)? {
            self.skip_bulk = !is_fragments;
            self.skipped = usize::from(is_fragments);
            return Ok(());
        }
        let vr = effective_vr(tag, header.vr);
        if tag.group() == PIXEL_GROUP {
            let drawn = is_secondary_capture(&self.context.survey.sop_class);
            self.not_inspected(if drawn {
                NotInspected::SecondaryCapturePixels
            } else {
                NotInspected::Pixels
            });
        } else if tag == ENCAPSULATED_DOCUMENT {
            if is_clinical_document(&self.context.survey.sop_class) {
                return Err(ReconciliationError::UnreadableRole);
            }
            self.not_inspected(NotInspected::DocumentBody);
        } else if matches!(vr, VR::UI | VR::DA | VR::DT | VR::SQ | VR::UN) || self.is_re_encoded(vr) {
            return Err(ReconciliationError::TooLong { path: self.path(tag) });
        }
        self.copy(token)
    }

    fn sequence(&mut self, token: &Token<'_>, header: &Header) -> Done {
        if self.is_root() && self.root_sequence(header.tag)? {
            self.skipped = 1;
            return Ok(());
        }
        self.sequences.push((header.tag, 0));
        self.copy(token)
    }

    fn sequence_end(&mut self, token: &Token<'_>) -> Done {
        self.sets.leave(self.sequences.len());
        self.sequences.pop();
        if self.sequences.is_empty()
            && let Some(tag) = self.append_to.take()
        {
            self.write_own_item(tag)?;
        }
        self.copy(token)
    }

    /// Walks a sequence stored as UN; its content as written, or `None` when it is none. `append_to` gets our item at its end.
    fn inner(
        &mut self,
        header: &Header,
        value: &[u8],
        append_to: Option<Tag>,
    ) -> Result<Option<Vec<u8>>, ReconciliationError> {
        let depth = self.context.limits.depth.saturating_sub(self.sequences.len());
        let limits = Limits { depth, ..self.context.limits };
        let Some(bytes) = as_sequence(header.tag, header.vr, value, limits) else { return Ok(None) };
        let mut inner = Walk {
            out: Writer::new(Vec::new(), Encoding::ImplicitLittle, Lengths::Undefined),
            context: &mut *self.context,
            sequences: self.sequences.clone(),
            concepts: self.concepts.clone(),
            sets: self.sets.clone(),
            rows: Vec::new(),
            done: 0,
            is_inner: true,
            append_to,
            skipped: 0,
            skip_bulk: false,
        };
        let mut reader = Reader::new(Encoding::ImplicitLittle, limits);
        let mut rest = bytes.as_slice();
        // it was read to its end before
        while let Ok(Some(token)) = reader.next_token(&mut rest) {
            inner.token(&token)?;
        }
        let written = inner.finish()?;
        // the header and the delimiter of the sequence itself, 8 bytes each
        Ok(written.get(8..written.len().saturating_sub(8)).map(<[u8]>::to_vec))
    }

    fn not_inspected(&mut self, what: NotInspected) {
        if !self.context.report.not_inspected.contains(&what) {
            self.context.report.not_inspected.push(what);
        }
    }

    /// Writes a value, padded as text where the dictionary or the sender says that it is text.
    fn write(&mut self, tag: Tag, vr: VR, value: &[u8]) -> Done {
        if vr == VR::UN && !value.len().is_multiple_of(2) {
            let pad = dicom_stream::text::pad_byte(effective_vr(tag, vr));
            return Ok(self.out.value(tag, vr, &[value, &[pad]].concat())?);
        }
        Ok(self.out.value(tag, vr, value)?)
    }

    fn copy(&mut self, token: &Token<'_>) -> Done {
        Ok(self.out.copy(token)?)
    }

    fn is_root(&self) -> bool {
        !self.is_inner && self.sequences.is_empty()
    }

    fn path(&self, tag: Tag) -> ElementPath {
        ElementPath::nested(self.sequences.clone(), tag)
    }
}
