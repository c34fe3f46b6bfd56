//! A data set as a row of elements, sequences and items, one ahead: sequences stored as UN are opened, bulk is measured and hashed.

use std::collections::VecDeque;
use std::io::Read;

use dicom_core::{Tag, VR};
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Encoding, Limits, Reader, SourceError, Token, TokenSource, as_sequence};
use sha2::{Digest, Sha256};

use super::DataSet;

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);

/// An element that is no sequence. It may identify: no `Debug`.
pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) vr: VR,
    pub(super) content: Content,
}

/// What an element holds.
#[derive(PartialEq, Eq)]
pub(super) enum Content {
    /// Its value, padding included.
    Value(Encoding, Vec<u8>),
    /// Samples, compressed frames or a value longer than the limit.
    Bulk { bytes: u64, sha256: [u8; 32] },
}

/// One step through a data set.
pub(super) enum Event {
    Element(Element),
    Sequence(Tag),
    Item,
    ItemEnd,
    SequenceEnd,
}

/// Reads a data set.
pub(super) struct Cursor<'a> {
    tokens: TokenSource<Box<dyn Read + 'a>>,
    events: Events,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(of: DataSet<'a>, limits: Limits) -> Self {
        Self {
            tokens: TokenSource::new(of.input, of.transfer_syntax, limits, None),
            events: Events {
                waiting: VecDeque::new(),
                limits,
                open: 0,
                bulk: None,
                set: CharacterSet::default(),
            },
        }
    }

    /// The event that comes next, which stays; `None` at the end of the data set.
    pub(super) fn peek(&mut self) -> Result<Option<&Event>, SourceError> {
        while self.events.waiting.is_empty() {
            let Some(token) = self.tokens.next_token()? else { return Ok(None) };
            self.events.token(&token);
        }
        Ok(self.events.waiting.front())
    }

    /// Takes it.
    pub(super) fn take(&mut self) -> Result<Option<Event>, SourceError> {
        self.peek()?;
        Ok(self.events.waiting.pop_front())
    }

    /// Tag of the element that comes next; `None` at the end of the item or of the data set.
    pub(super) fn tag(&mut self) -> Result<Option<Tag>, SourceError> {
        Ok(match self.peek()? {
            Some(Event::Element(element)) => Some(element.tag),
            Some(Event::Sequence(tag)) => Some(*tag),
            _ => None,
        })
    }

    /// Character set of the main data set.
    pub(super) fn character_set(&self) -> &CharacterSet {
        &self.events.set
    }
}

/// What was read and not yet taken: one token, or the inside of one UN value.
struct Events {
    waiting: VecDeque<Event>,
    limits: Limits,
    /// Sequences that are open.
    open: usize,
    bulk: Option<(Tag, VR, u64, Sha256)>,
    set: CharacterSet,
}

impl Events {
    fn token(&mut self, token: &Token<'_>) {
        match token {
            Token::Value { header, value } => {
                let limits = Limits { depth: self.limits.depth.saturating_sub(self.open), ..self.limits };
                if let Some(bytes) = as_sequence(header.tag, header.vr, value, limits) {
                    return self.inside(&bytes, limits);
                }
                if header.tag == SPECIFIC_CHARACTER_SET && self.open == 0 {
                    self.set = CharacterSet::parse(value).0;
                }
                let content = Content::Value(header.encoding, value.to_vec());
                self.waiting.push_back(Event::Element(Element { tag: header.tag, vr: header.vr, content }));
            }
            Token::BulkStart { header } | Token::FragmentsStart { header } => {
                self.bulk = Some((header.tag, header.vr, 0, Sha256::new()));
            }
            Token::Bulk(piece) => {
                if let Some((_, _, bytes, hash)) = &mut self.bulk {
                    *bytes += piece.len() as u64;
                    hash.update(piece);
                }
            }
            Token::BulkEnd | Token::FragmentsEnd { .. } => {
                if let Some((tag, vr, bytes, hash)) = self.bulk.take() {
                    let content = Content::Bulk { bytes, sha256: hash.finalize().into() };
                    self.waiting.push_back(Event::Element(Element { tag, vr, content }));
                }
            }
            Token::SequenceStart { header } => {
                self.open += 1;
                self.waiting.push_back(Event::Sequence(header.tag));
            }
            Token::SequenceEnd { .. } => {
                self.open = self.open.saturating_sub(1);
                self.waiting.push_back(Event::SequenceEnd);
            }
            Token::ItemStart { .. } => self.waiting.push_back(Event::Item),
            Token::ItemEnd { .. } => self.waiting.push_back(Event::ItemEnd),
            Token::FragmentStart { .. } | Token::FragmentEnd => {}
        }
    }

    /// The tokens of a sequence that was stored as UN; it was read to its end before.
    fn inside(&mut self, bytes: &[u8], limits: Limits) {
        let mut reader = Reader::new(Encoding::ImplicitLittle, limits);
        let mut rest = bytes;
        while let Ok(Some(token)) = reader.next_token(&mut rest) {
            self.token(&token);
        }
    }
}
