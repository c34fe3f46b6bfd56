//! Reading a data set element by element, at every depth, sequences stored as UN included: what pass 1 and the reverse scan share.

use std::io::Read;

use dicom_stream::{
    ElementPath, Encoding, Header, Limits, ReadError, Reader, SourceError, Tag, Token, TokenSource,
    TransferSyntax, VR, as_sequence,
};

use crate::attribute::{SPECIFIC_CHARACTER_SET, effective_vr};
use crate::character_set::Sets;

/// One element and where it stands.
pub(crate) struct Element<'a> {
    /// The sequences around it with their item numbers, outermost first.
    pub(crate) sequences: &'a [(Tag, u32)],
    pub(crate) tag: Tag,
    /// The VR to act by.
    pub(crate) vr: VR,
    /// Byte order of the value.
    pub(crate) encoding: Encoding,
    /// Character sets in force.
    pub(crate) sets: &'a Sets,
}

impl Element<'_> {
    pub(crate) fn is_root(&self) -> bool {
        self.sequences.is_empty()
    }
}

/// What looks at the elements. It cannot fail: what it cannot hold it notes, and says so at the end.
pub(crate) trait Visitor {
    /// An item begins inside of `depth` sequences.
    fn item(&mut self, _depth: usize) {}
    /// An element with its whole value.
    fn value(&mut self, element: &Element<'_>, value: &[u8]);
    /// An element whose value follows in pieces; fragments of pixel data too.
    fn bulk(&mut self, element: &Element<'_>);
    /// A piece of it.
    fn piece(&mut self, _piece: &[u8]) {}
}

/// Bytes of one object that are copied to look into sequences stored as UN inside of others of the kind: each level is a copy of all that is
/// below it. Sequences of known tags in them need none.
const NESTED_BYTES: u64 = 256 << 20;

/// Shows a whole data set to `visitor`.
///
/// # Errors
/// [`SourceError`]; [`ReadError::TooLong`] also for long sequences stored as UN inside of one another, as nobody writes them.
pub(crate) fn visit<R: Read>(
    input: R,
    syntax: &TransferSyntax,
    limits: Limits,
    visitor: &mut dyn Visitor,
) -> Result<(), SourceError> {
    let mut tokens = TokenSource::new(input, syntax, limits, None);
    let mut visit = Visit { sequences: Vec::new(), sets: Sets::default(), limits, copies: 0, nested: 0 };
    while let Some(token) = tokens.next_token()? {
        visit.token(&token, visitor)?;
    }
    Ok(())
}

struct Visit {
    sequences: Vec<(Tag, u32)>,
    sets: Sets,
    limits: Limits,
    /// Sequences stored as UN around.
    copies: usize,
    /// Bytes of those that were inside of others, so far.
    nested: u64,
}

impl Visit {
    fn token(&mut self, token: &Token<'_>, visitor: &mut dyn Visitor) -> Result<(), ReadError> {
        match token {
            Token::Value { header, value } => self.value(header, value, visitor)?,
            Token::BulkStart { header } | Token::FragmentsStart { header } => {
                visitor.bulk(&self.element(header))
            }
            Token::Bulk(piece) => visitor.piece(piece),
            Token::SequenceStart { header } => self.sequences.push((header.tag, 0)),
            Token::ItemStart { .. } => {
                if let Some((_, item)) = self.sequences.last_mut() {
                    *item = item.saturating_add(1);
                }
                self.sets.leave(self.sequences.len());
                visitor.item(self.sequences.len());
            }
            Token::SequenceEnd { .. } => {
                self.sets.leave(self.sequences.len());
                self.sequences.pop();
            }
            _ => {}
        }
        Ok(())
    }

    fn value(&mut self, header: &Header, value: &[u8], visitor: &mut dyn Visitor) -> Result<(), ReadError> {
        if header.tag == SPECIFIC_CHARACTER_SET {
            self.sets.declare(self.sequences.len(), value);
        }
        let depth = self.limits.depth.saturating_sub(self.sequences.len());
        let Some(bytes) = as_sequence(header.tag, header.vr, value, Limits { depth, ..self.limits }) else {
            visitor.value(&self.element(header), value);
            return Ok(());
        };
        if self.copies > 0 {
            self.nested += bytes.len() as u64;
        }
        if self.nested > NESTED_BYTES {
            let path = ElementPath::nested(self.sequences.clone(), header.tag);
            return Err(ReadError::TooLong { path, limit: NESTED_BYTES });
        }
        self.copies += 1;
        let mut reader = Reader::new(Encoding::ImplicitLittle, Limits { depth, ..self.limits });
        let mut rest = bytes.as_slice();
        // it was read to its end before
        while let Ok(Some(token)) = reader.next_token(&mut rest) {
            self.token(&token, visitor)?;
        }
        self.copies -= 1;
        Ok(())
    }

    fn element(&self, header: &Header) -> Element<'_> {
        Element {
            sequences: &self.sequences,
            tag: header.tag,
            vr: effective_vr(header.tag, header.vr),
            encoding: header.encoding,
            sets: &self.sets,
        }
    }
}
