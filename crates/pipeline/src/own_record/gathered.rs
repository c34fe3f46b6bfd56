//! The attributes of patient and study out of the tokens of one data set, sequences with everything in them.

use dicom_stream::{
    Encoding, Header, Lengths, Limits, Reader, Tag, Token, VR, Writer, as_sequence, dictionary_vr, swap_bytes,
};
use pseudonym::{Attribute, Value};
use reconciliation::is_of_own_record;

use super::{OwnRecordError, SPECIFIC_CHARACTER_SET, attribute, number};

/// Bytes of a whole record: well below what the vault takes.
const SIZE_MAX: u64 = 128 << 10;
/// Counted for each attribute beside its value.
const ATTRIBUTE_SIZE: u64 = 64;

/// What was found so far.
#[derive(Default)]
pub(super) struct Gathered {
    /// Specific Character Set of the main data set.
    pub(super) character_set: Option<Value>,
    /// In the order of the data set.
    pub(super) attributes: Vec<Attribute>,
    /// The sequence that is being read.
    sequence: Option<Sequence>,
    size: u64,
}

struct Sequence {
    tag: Tag,
    /// Its items in explicit VR little endian.
    items: Writer<Vec<u8>>,
    /// Sequences that are open in it.
    open: usize,
}

impl Gathered {
    /// Takes the next token, which stands inside of `depth` sequences.
    pub(super) fn token(&mut self, token: &Token<'_>, depth: usize) -> Result<(), OwnRecordError> {
        if self.sequence.is_some() {
            return self.inside(token);
        }
        match token {
            Token::Value { header, value } if depth == 0 => self.value(header, value),
            Token::SequenceStart { header } if depth == 0 && is_of_own_record(header.tag) => {
                self.start(header.tag)
            }
            Token::BulkStart { header } | Token::FragmentsStart { header }
                if depth == 0 && (is_of_own_record(header.tag) || header.tag == SPECIFIC_CHARACTER_SET) =>
            {
                Err(OwnRecordError::TooLarge(number(header.tag)))
            }
            _ => Ok(()),
        }
    }

    fn value(&mut self, header: &Header, value: &[u8]) -> Result<(), OwnRecordError> {
        let tag = header.tag;
        if tag == SPECIFIC_CHARACTER_SET {
            let value = as_received(value.to_vec());
            return match self.character_set.replace(value) {
                Some(_) => Err(OwnRecordError::Repeated(number(tag))),
                None => Ok(()),
            };
        }
        if !is_of_own_record(tag) {
            return Ok(());
        }
        if let Some(sequence) = as_sequence(tag, header.vr, value, Limits::INSTANCE) {
            return self.stored_as_unknown(&sequence, |gathered, token| gathered.token(token, 0));
        }
        self.refuse_second(tag)?;
        self.attributes.push(attribute(tag, vr(header), as_received(little(header, value))));
        self.grow(tag, value.len() as u64)
    }

    fn start(&mut self, tag: Tag) -> Result<(), OwnRecordError> {
        self.refuse_second(tag)?;
        let items = Writer::new(Vec::new(), Encoding::ExplicitLittle, Lengths::Undefined);
        self.sequence = Some(Sequence { tag, items, open: 0 });
        Ok(())
    }

    /// A token of the sequence that is being read.
    fn inside(&mut self, token: &Token<'_>) -> Result<(), OwnRecordError> {
        let Some(sequence) = &mut self.sequence else { return Ok(()) };
        match token {
            Token::SequenceEnd { .. } if sequence.open == 0 => return self.end(),
            Token::SequenceStart { .. } => sequence.open += 1,
            Token::SequenceEnd { .. } => sequence.open -= 1,
            Token::Value { header, .. } if header.tag.element() == 0 => return Ok(()), // group length
            Token::Value { header, value } => {
                let depth = Limits::INSTANCE.depth.saturating_sub(sequence.open + 1);
                let limits = Limits { depth, ..Limits::INSTANCE };
                if let Some(nested) = as_sequence(header.tag, header.vr, value, limits) {
                    return self.stored_as_unknown(&nested, Self::inside);
                }
                let tag = sequence.tag;
                sequence.items.value(header.tag, vr(header), &little(header, value))?;
                let written = sequence.items.written();
                return self.check_size(tag, written);
            }
            Token::ItemStart { .. } | Token::ItemEnd { .. } => {}
            _ => return Err(OwnRecordError::TooLarge(number(sequence.tag))),
        }
        sequence.items.translate(token)?;
        let (tag, written) = (sequence.tag, sequence.items.written());
        self.check_size(tag, written)
    }

    fn end(&mut self) -> Result<(), OwnRecordError> {
        let Some(Sequence { tag, items, .. }) = self.sequence.take() else { return Ok(()) };
        let items = items.finish()?;
        let size = items.len() as u64;
        self.attributes.push(attribute(tag, VR::SQ, as_received(items)));
        self.grow(tag, size)
    }

    /// Each token of a sequence that had a defined length and no VR; it was read to its end before.
    fn stored_as_unknown(
        &mut self,
        mut bytes: &[u8],
        take: impl Fn(&mut Self, &Token<'_>) -> Result<(), OwnRecordError>,
    ) -> Result<(), OwnRecordError> {
        let mut reader = Reader::new(Encoding::ImplicitLittle, Limits::INSTANCE);
        while let Ok(Some(token)) = reader.next_token(&mut bytes) {
            take(self, &token)?;
        }
        Ok(())
    }

    fn refuse_second(&self, tag: Tag) -> Result<(), OwnRecordError> {
        let is_there = self.attributes.iter().any(|of| of.tag == number(tag));
        if is_there { Err(OwnRecordError::Repeated(number(tag))) } else { Ok(()) }
    }

    fn grow(&mut self, tag: Tag, bytes: u64) -> Result<(), OwnRecordError> {
        self.size += bytes + ATTRIBUTE_SIZE;
        self.check_size(tag, 0)
    }

    fn check_size(&self, tag: Tag, open: u64) -> Result<(), OwnRecordError> {
        if self.size + open > SIZE_MAX { Err(OwnRecordError::TooLarge(number(tag))) } else { Ok(()) }
    }
}

/// The VR that a value is kept under: the dictionary's where it was lost.
fn vr(header: &Header) -> VR {
    match dictionary_vr(header.tag) {
        // what should be a sequence and is none stays bytes
        VR::SQ => VR::UN,
        known if header.vr == VR::UN => known,
        _ => header.vr,
    }
}

fn little(header: &Header, value: &[u8]) -> Vec<u8> {
    if header.encoding == Encoding::ExplicitBig { swap_bytes(header.vr, value) } else { value.to_vec() }
}

fn as_received(bytes: Vec<u8>) -> Value {
    if bytes.is_empty() { Value::Empty } else { Value::Bytes(bytes) }
}
