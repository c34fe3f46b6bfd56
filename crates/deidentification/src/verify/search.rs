//! One value after the other, by the table of DI-52.

use dicom_core::{Tag, VR};
use dicom_stream::charset::{CharacterSet, CharacterSets};
use dicom_stream::{Token, dictionary_vr};

use super::terms::Terms;
use super::{FindingKind, PIXEL_GROUP, Promise, SEAM, segments};

/// Bytes at the start of a compressed frame in which segments are looked for.
const FRAGMENT_HEAD: usize = 64 << 10;
/// Bytes of text without a blank that are held at most.
const TEXT_HELD: usize = 1 << 20;

/// What is done with the bulk that passes.
enum Bulk {
    Skip,
    Raw,
    /// Text of this VR.
    Text(VR),
    FragmentHead,
}

pub(super) struct Search<'a> {
    terms: &'a Terms,
    promise: Option<&'a Promise>,
    set: CharacterSets,
    bulk: Bulk,
    held: Vec<u8>,
}

impl<'a> Search<'a> {
    pub(super) fn new(terms: &'a Terms, promise: Option<&'a Promise>) -> Self {
        Self { terms, promise, set: CharacterSets::default(), bulk: Bulk::Skip, held: Vec::new() }
    }

    /// Whether the bulk that begins is not searched.
    pub(super) fn passes_over(&self) -> bool {
        matches!(self.bulk, Bulk::Skip)
    }

    /// Before a sequence stored as UN; what [`Self::leave`] takes after it.
    pub(super) fn enter(&mut self) -> CharacterSets {
        let inner = CharacterSets::inside(CharacterSet::clone(&self.set));
        std::mem::replace(&mut self.set, inner)
    }

    /// After a sequence stored as UN: what it said of character sets ends with it.
    pub(super) fn leave(&mut self, outer: CharacterSets) {
        self.set = outer;
    }

    /// `is_nested`: in an item of a sequence.
    pub(super) fn token(&mut self, token: &Token<'_>, is_nested: bool) -> Option<FindingKind> {
        self.set.token(token);
        match token {
            Token::Value { header, value } => self.value(header.tag, header.vr, is_nested, value),
            Token::BulkStart { header } => {
                self.held.clear();
                self.bulk = match header.vr {
                    _ if header.tag.group() == PIXEL_GROUP => Bulk::Skip,
                    vr if is_text(vr) => Bulk::Text(vr),
                    _ => Bulk::Raw,
                };
                None
            }
            Token::FragmentStart { .. } => {
                self.held.clear();
                self.bulk = Bulk::FragmentHead;
                None
            }
            Token::Bulk(piece) => self.piece(piece),
            Token::BulkEnd => match self.bulk {
                Bulk::Text(vr) => {
                    let rest = std::mem::take(&mut self.held);
                    self.text(vr, &rest)
                }
                _ => None,
            },
            Token::FragmentEnd => {
                let head = std::mem::take(&mut self.held);
                let mut found = None;
                segments::segments(&head, |segment| found = found.or_else(|| self.unknown(segment)));
                found
            }
            _ => None,
        }
    }

    fn piece(&mut self, piece: &[u8]) -> Option<FindingKind> {
        match self.bulk {
            Bulk::Skip => None,
            Bulk::FragmentHead => {
                let room = FRAGMENT_HEAD.saturating_sub(self.held.len()).min(piece.len());
                self.held.extend_from_slice(piece.get(..room).unwrap_or_default());
                None
            }
            Bulk::Raw => {
                self.held.extend_from_slice(piece);
                let found = self.terms.in_bytes(&self.held);
                self.held.drain(..self.held.len().saturating_sub(SEAM));
                found
            }
            Bulk::Text(vr) => {
                self.held.extend_from_slice(piece);
                self.words_so_far(vr)
            }
        }
    }

    /// Searches the whole words of a long text and keeps the last of them for the next piece: half a word is another word.
    fn words_so_far(&mut self, vr: VR) -> Option<FindingKind> {
        let is_blank = |byte: &u8| byte.is_ascii_whitespace();
        let whole = self.held.iter().rposition(is_blank).unwrap_or(0);
        if whole == 0 && self.held.len() < TEXT_HELD {
            return None;
        }
        let end = if whole == 0 { self.held.len() } else { whole };
        let found = self.text(vr, self.held.get(..end).unwrap_or_default());
        let seam = end.saturating_sub(SEAM);
        let blank = self.held.get(seam..end).and_then(|seam| seam.iter().position(is_blank));
        self.held.drain(..blank.map_or(end, |blank| seam + blank));
        found
    }

    fn value(&self, tag: Tag, vr: VR, is_nested: bool, value: &[u8]) -> Option<FindingKind> {
        let plain = || String::from_utf8_lossy(value);
        let each = |search: &dyn Fn(&str) -> Option<FindingKind>| {
            plain().split('\\').find_map(|part| search(part.trim_matches([' ', '\0'])))
        };
        match vr {
            vr if is_text(vr) => self.text(vr, value),
            VR::DA | VR::DT => match self.promise {
                Some(promise) => each(&|part| promise.date(self.terms, tag, vr, part)),
                None => each(&|part| self.terms.in_date(part)),
            },
            VR::AS | VR::TM if self.promise.is_some_and(Promise::retains_dates) => None,
            VR::AS | VR::TM => each(&|part| self.terms.in_date(part)),
            VR::UI => self.uids(tag, value).or_else(|| {
                let promise = self.promise?;
                each(&|part| promise.uid(self.terms, tag, is_nested, part))
            }),
            VR::DS | VR::IS => self.terms.uid_in(value).or_else(|| each(&|part| self.terms.in_number(part))),
            VR::UN => self.unknown(value).or_else(|| match dictionary_vr(tag) {
                VR::UN | VR::SQ => None,
                known => self.value(tag, known, is_nested, value),
            }),
            _ => self.unknown(value),
        }
    }

    /// Original UIDs, and ids inside of UIDs.
    fn uids(&self, tag: Tag, value: &[u8]) -> Option<FindingKind> {
        let is_retained = self.promise.is_some_and(|promise| promise.retains_uid(tag));
        let uid = if is_retained { None } else { self.terms.uid_in(value) };
        uid.or_else(|| {
            let text = String::from_utf8_lossy(value);
            text.split(['\\', '.', '\0', ' ']).find_map(|number| self.terms.in_number(number))
        })
    }

    /// Text in the declared character set, and in those that it may really be in.
    fn text(&self, vr: VR, value: &[u8]) -> Option<FindingKind> {
        let is_name = vr == VR::PN;
        let look = |text: &str| text.split('\\').find_map(|part| self.terms.in_text(part, is_name));
        if let Ok(text) = std::str::from_utf8(value)
            && text.is_ascii()
            && !value.contains(&0x1B)
        {
            return look(text);
        }
        let latin: String = value.iter().map(|byte| char::from(*byte)).collect();
        look(&self.set.decode(vr, value))
            .or_else(|| look(&String::from_utf8_lossy(value)))
            .or_else(|| look(&latin))
            .or_else(|| self.terms.in_bytes(value))
    }

    /// Bytes that may be anything: long terms as bytes, and all terms where the whole reads as text.
    fn unknown(&self, value: &[u8]) -> Option<FindingKind> {
        let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..);
        let body = value.strip_suffix(&[0]).unwrap_or(value);
        let is_text = !body.is_empty() && body.iter().all(printable);
        self.terms
            .in_bytes(value)
            .or_else(|| if is_text { self.text(VR::UT, body) } else { None })
            .or_else(|| self.terms.in_text(&utf_16(value)?, false))
    }
}

/// Representations that a person writes into.
fn is_text(vr: VR) -> bool {
    matches!(vr, VR::AE | VR::CS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT)
}

/// The text that bytes are in UTF-16, of either order: no control characters, no lone surrogates, and letters of one script at least.
fn utf_16(value: &[u8]) -> Option<String> {
    if value.len() < 4 || value.len() % 2 == 1 {
        return None;
    }
    let units = |from: fn([u8; 2]) -> u16| -> Option<String> {
        let pairs = value.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
        let text: String = char::decode_utf16(pairs.map(from)).collect::<Result<_, _>>().ok()?;
        let text = text.trim_matches(['\u{FEFF}', '\0']);
        let is_plain = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{24F}');
        (!text.is_empty() && text.chars().all(is_plain)).then(|| text.to_owned())
    };
    units(u16::from_le_bytes).or_else(|| units(u16::from_be_bytes))
}
