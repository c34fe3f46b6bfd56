//! The walk over the object of the archive: UIDs, dates and the code, at every depth, in sequences stored as UN too.

use std::io::Write;

use dicom_stream::text::{shift_date, trim, trim_uid, yyyymmdd};
use dicom_stream::{
    ElementPath, Encoding, Header, Lengths, Limits, Reader, Tag, Token, VR, Writer, as_sequence, effective_vr,
};

use super::document::{self, derived};
use super::{PartnerPseudonyms, PartnerViewError, Replaced};
use crate::deidentify::STANDARD_ROOT;
use crate::document_inspection::ENCAPSULATED_DOCUMENT;

/// Longest value of unknown meaning in which UIDs are looked for: some dozens of them.
const UNKNOWN_UIDS_MAX: usize = 4096;

/// What the walk over the main data set and the walks inside UN values share.
pub(super) struct Context<'a> {
    pub(super) pseudonyms: &'a dyn PartnerPseudonyms,
    pub(super) limits: Limits,
    pub(super) replaced: Replaced,
}

pub(super) struct Walk<'c, 'a, W: Write> {
    out: Writer<W>,
    context: &'c mut Context<'a>,
    /// Sequences around the next element, with their item numbers.
    sequences: Vec<(Tag, u32)>,
    /// Whether the object is a clinical document.
    is_clinical: bool,
    /// Its body, as far as it has passed.
    body: Option<(Header, Vec<u8>)>,
    /// Bytes of the body that took its place.
    document_length: Option<u32>,
}

const SOP_CLASS_UID: Tag = Tag(0x0008, 0x0016);
const ENCAPSULATED_DOCUMENT_LENGTH: Tag = Tag(0x0042, 0x0015);

type Done = Result<(), PartnerViewError>;

impl<'c, 'a, W: Write> Walk<'c, 'a, W> {
    /// The walk over the main data set.
    pub(super) fn main(out: W, encoding: Encoding, context: &'c mut Context<'a>) -> Self {
        let out = Writer::new(out, encoding, Lengths::Undefined);
        Self { out, context, sequences: Vec::new(), is_clinical: false, body: None, document_length: None }
    }

    /// Takes the next token of the input.
    pub(super) fn token(&mut self, token: &Token<'_>) -> Done {
        match token {
            Token::Value { header, value } if self.is_document(header.tag) => {
                return self.document(header, value);
            }
            Token::BulkStart { header }
                if self.is_document(header.tag) && header.length <= document::MOST =>
            {
                self.body = Some((*header, Vec::new()));
                return Ok(());
            }
            Token::Bulk(piece) if self.body.is_some() => {
                self.body.iter_mut().for_each(|(_, body)| body.extend_from_slice(piece));
                return Ok(());
            }
            Token::BulkEnd if self.body.is_some() => {
                let (header, body) = self.body.take().ok_or_else(|| self.too_long(ENCAPSULATED_DOCUMENT))?;
                return self.document(&header, &body);
            }
            Token::Value { header, value } => return self.value(token, header, value),
            Token::BulkStart { header } => self.bulk(header)?,
            Token::SequenceStart { header } => self.sequences.push((header.tag, 0)),
            Token::ItemStart { .. } => {
                if let Some((_, item)) = self.sequences.last_mut() {
                    *item = item.saturating_add(1);
                }
            }
            Token::SequenceEnd { .. } => _ = self.sequences.pop(),
            _ => {}
        }
        self.copy(token)
    }

    /// Hands the last bytes on; to be called after the last token.
    pub(super) fn finish(self) -> Result<W, PartnerViewError> {
        Ok(self.out.finish()?)
    }

    fn is_document(&self, tag: Tag) -> bool {
        self.is_clinical && self.sequences.is_empty() && tag == ENCAPSULATED_DOCUMENT
    }

    fn document(&mut self, header: &Header, body: &[u8]) -> Done {
        let Context { pseudonyms, replaced, .. } = &mut *self.context;
        let made = derived(body, *pseudonyms, replaced);
        let made = made.map_err(|()| PartnerViewError::Date { path: self.path(header.tag) })?;
        self.document_length = made.as_ref().and_then(|made| u32::try_from(made.len()).ok());
        self.write(header, made.as_deref().unwrap_or(body))
    }

    fn value(&mut self, token: &Token<'_>, header: &Header, value: &[u8]) -> Done {
        if self.sequences.is_empty() && header.tag == SOP_CLASS_UID {
            self.is_clinical = trim_uid(value) == document::SOP_CLASS;
        }
        if self.sequences.is_empty()
            && header.tag == ENCAPSULATED_DOCUMENT_LENGTH
            && let Some(length) = self.document_length
        {
            return self.write(header, &header.encoding.u32_bytes(length));
        }
        let new = match effective_vr(header.tag, header.vr) {
            VR::UI => self.uids(value),
            VR::DA | VR::DT => self.dates(header.tag, value)?,
            VR::SQ | VR::UN => match self.inner(header, value)? {
                Some(content) => Some(content),
                None => self.unknown(header, value),
            },
            vr => self.code(vr, value),
        };
        match new {
            Some(new) => self.write(header, &new),
            None => self.copy(token),
        }
    }

    /// A value that is not held whole: samples and long text pass, what would have to be read is an error.
    fn bulk(&self, header: &Header) -> Done {
        match effective_vr(header.tag, header.vr) {
            VR::UI | VR::DA | VR::DT | VR::SQ | VR::UN => Err(self.too_long(header.tag)),
            _ => Ok(()),
        }
    }

    /// The field with the partner's UIDs; `None` when it stays.
    fn uids(&mut self, value: &[u8]) -> Option<Vec<u8>> {
        let mut field = Vec::with_capacity(value.len());
        let mut changed = false;
        for (n, part) in value.split(|byte| *byte == b'\\').map(trim_uid).enumerate() {
            if n > 0 {
                field.push(b'\\');
            }
            let archive = std::str::from_utf8(part).ok();
            let archive = archive.filter(|uid| !uid.is_empty() && !uid.starts_with(STANDARD_ROOT));
            match archive.and_then(|uid| Some((uid, self.context.pseudonyms.uid(uid)?))) {
                Some((archive, partner)) => {
                    field.extend_from_slice(partner.as_bytes());
                    self.context.replaced.uids.insert(archive.to_owned());
                    changed = true;
                }
                None => field.extend_from_slice(part),
            }
        }
        changed.then_some(field)
    }

    /// The field with the dates moved that the profile had shifted; `None` when it stays.
    fn dates(&mut self, tag: Tag, value: &[u8]) -> Result<Option<Vec<u8>>, PartnerViewError> {
        let mut field = Vec::with_capacity(value.len());
        let mut changed = false;
        for (n, part) in value.split(|byte| *byte == b'\\').enumerate() {
            if n > 0 {
                field.push(b'\\');
            }
            let day = yyyymmdd(part);
            match day.and_then(|day| Some((day, self.context.pseudonyms.shift_days(day)?))) {
                Some((day, days)) => {
                    let moved = shift_date(part, days);
                    field.extend(moved.ok_or_else(|| PartnerViewError::Date { path: self.path(tag) })?);
                    self.context.replaced.dates.insert(day);
                    changed = true;
                }
                None => field.extend_from_slice(part),
            }
        }
        Ok(changed.then_some(field))
    }

    /// The field with the partner's code where a whole value is the archive's: Patient ID, Patient's Name, Clinical Trial Subject ID and
    /// wherever else it stands.
    fn code(&self, vr: VR, value: &[u8]) -> Option<Vec<u8>> {
        if !matches!(vr, VR::AE | VR::CS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT) {
            return None;
        }
        let archive = self.context.pseudonyms.archive_code().as_bytes();
        if archive.is_empty() {
            return None;
        }
        let is_code = |part: &[u8]| {
            let plain = trim(vr, part);
            let end = plain.iter().rposition(|byte| !matches!(byte, b'^' | b'=')).map_or(0, |last| last + 1);
            plain.get(..if vr == VR::PN { end } else { plain.len() }) == Some(archive)
        };
        // a byte of a multi-byte character may look like the separator, but no part of such a text is the code
        if !value.split(|byte| *byte == b'\\').any(is_code) {
            return None;
        }
        let mut field = Vec::with_capacity(value.len());
        for (n, part) in value.split(|byte| *byte == b'\\').enumerate() {
            if n > 0 {
                field.push(b'\\');
            }
            field.extend_from_slice(if is_code(part) {
                self.context.pseudonyms.code().as_bytes()
            } else {
                part
            });
        }
        Some(field)
    }

    /// Bytes of a private element whose VR was lost: a UID is known by what it is, all else stays.
    fn unknown(&mut self, header: &Header, value: &[u8]) -> Option<Vec<u8>> {
        let like_uids = value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'\\' | b' ' | 0));
        if header.vr != VR::UN || value.len() > UNKNOWN_UIDS_MAX || !like_uids {
            return None;
        }
        self.uids(value)
    }

    /// Walks a sequence stored as UN; its content as written, or `None` when it is none.
    fn inner(&mut self, header: &Header, value: &[u8]) -> Result<Option<Vec<u8>>, PartnerViewError> {
        let depth = self.context.limits.depth.saturating_sub(self.sequences.len());
        let limits = Limits { depth, ..self.context.limits };
        let Some(bytes) = as_sequence(header.tag, header.vr, value, limits) else { return Ok(None) };
        let mut inner = Walk {
            out: Writer::new(Vec::new(), Encoding::ImplicitLittle, Lengths::Undefined),
            context: &mut *self.context,
            sequences: self.sequences.clone(),
            is_clinical: false,
            body: None,
            document_length: None,
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

    /// Writes a value, padded as what the dictionary or the sender says that it is.
    fn write(&mut self, header: &Header, value: &[u8]) -> Done {
        let (tag, vr) = (header.tag, header.vr);
        if vr == VR::UN && !value.len().is_multiple_of(2) {
            let pad = dicom_stream::text::pad_byte(effective_vr(tag, vr));
            return Ok(self.out.value(tag, vr, &[value, &[pad]].concat())?);
        }
        Ok(self.out.value(tag, vr, value)?)
    }

    fn copy(&mut self, token: &Token<'_>) -> Done {
        Ok(self.out.copy(token)?)
    }

    fn too_long(&self, tag: Tag) -> PartnerViewError {
        PartnerViewError::TooLong { path: self.path(tag) }
    }

    fn path(&self, tag: Tag) -> ElementPath {
        ElementPath::nested(self.sequences.clone(), tag)
    }
}
