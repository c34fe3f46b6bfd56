//! The pull reader: bytes in pieces of any size, tokens out. No I/O, no recursion, nothing allocated from a claimed length.
//!
//! The same code walks a slice, a file and the fragments of a C-STORE message as they arrive. Open sequences and items are frames
//! on the heap, bounded by [`Limits::depth`]; a header or small value that is cut by the end of a piece waits in `carry`, which
//! grows with the bytes received only.

use dicom_core::{Tag, VR};
use thiserror::Error;

use crate::header::{
    self, Header, HeaderIrregularity, ITEM, ITEM_DELIMITER, Parsed, SEQUENCE_DELIMITER, UNDEFINED,
};
use crate::irregularity::{Irregularities, IrregularityKind};
use crate::limits::Limits;
use crate::path::ElementPath;
use crate::token::Token;
use crate::transfer_syntax::Encoding;

/// Why a data set cannot be read on. Each ends the walk; the path holds tags and item numbers only.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// An element runs beyond the end of the data, or the data end amid an open sequence. The sender must send it whole.
    #[error("{path}: the data end before the element does")]
    Truncated {
        /// The element that is cut.
        path: ElementPath,
    },
    /// Sequences nested deeper than the limit. Refuse the object.
    #[error("{path}: more than {limit} nested sequences")]
    TooDeep {
        /// The sequence that is too deep.
        path: ElementPath,
        /// The limit in force.
        limit: usize,
    },
    /// More bytes than the limit. Refuse the object or raise the limit.
    #[error("{path}: data set longer than {limit} bytes")]
    TooLong {
        /// Where the limit was reached.
        path: ElementPath,
        /// The limit in force.
        limit: u64,
    },
    /// More elements than the limit. Refuse the object.
    #[error("{path}: more than {limit} elements")]
    TooManyElements {
        /// Where the limit was reached.
        path: ElementPath,
        /// The limit in force.
        limit: u64,
    },
    /// Something else stands where an item or a delimiter must be (PS3.5 7.5). Refuse the object.
    #[error("{path}: expected an item or a delimiter")]
    NotAnItem {
        /// The sequence.
        path: ElementPath,
    },
    /// An undefined length that PS3.5 7.1.1 does not allow for this VR, or an item outside of a sequence. Refuse the object.
    #[error("{path}: invalid structure")]
    Structure {
        /// The element.
        path: ElementPath,
    },
}

/// Walks one data set.
#[derive(Debug)]
pub struct Reader {
    encoding: Encoding,
    limits: Limits,
    frames: Vec<Frame>,
    depth: usize,
    state: State,
    carry: Vec<u8>,
    /// `carry` holds a value that was handed out and is dropped at the next step.
    carry_is_spent: bool,
    /// Offset in the data set of the first byte that no token has covered yet.
    position: u64,
    total: Option<u64>,
    elements: u64,
    /// Tag of the element or sequence that the last token belongs to.
    tag: Option<Tag>,
    root_tag: Option<Tag>,
    irregularities: Irregularities,
    failed: Option<ReadError>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// A header, or the end of a frame, comes next.
    Header,
    /// The value of this header is being collected.
    Value(Header),
    /// So many bytes of a bulk value or fragment are still to come.
    Bulk { remaining: u32, fragment: bool },
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: FrameKind,
    tag: Tag,
    encoding: Encoding,
    /// Offset at which the frame ends by its length.
    end: Option<u64>,
    items: u32,
    last_tag: Option<Tag>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Sequence,
    Item,
    Fragments,
}

/// A token without its bytes, so that the walk itself borrows nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The value is the last `header.length` bytes taken from the input.
    ValueOfInput(Header),
    /// The value is in `carry`.
    ValueOfCarry(Header),
    /// The piece is the last so many bytes taken from the input.
    Bulk(usize),
    /// A token without bytes.
    Plain(Token<'static>),
}

impl Reader {
    /// A reader for one data set in `encoding` (inflated, if the transfer syntax is deflated).
    pub fn new(encoding: Encoding, limits: Limits) -> Self {
        let limits = Limits { depth: limits.depth.min(Limits::DEPTH_MAX), ..limits };
        Self {
            encoding,
            limits,
            frames: Vec::new(),
            depth: 0,
            state: State::Header,
            carry: Vec::new(),
            carry_is_spent: false,
            position: 0,
            total: None,
            elements: 0,
            tag: None,
            root_tag: None,
            irregularities: Irregularities::default(),
            failed: None,
        }
    }

    /// Tells how long the data set is, so that an element that claims more is refused at its header, not at the end.
    pub fn expect_total(&mut self, bytes: u64) {
        self.total = Some(bytes);
    }

    /// The next token, taken from the front of `input`; `None` when all of `input` is used up and more is needed, or the data set
    /// is at its end (then call [`Self::finish`]).
    ///
    /// # Errors
    /// Any [`ReadError`]; every later call gives the same one.
    pub fn next_token<'t, 'i: 't>(
        &'t mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Token<'t>>, ReadError> {
        let before = *input;
        let Some(step) = self.advance(input)? else { return Ok(None) };
        let taken = before.len() - input.len();
        Ok(Some(self.token(step, before.get(..taken).unwrap_or_default())))
    }

    /// Says that no more bytes come. Frames that end here by their length need one more [`Self::next_token`] with no input before.
    ///
    /// # Errors
    /// [`ReadError::Truncated`] when an element, item or sequence is still open; an earlier error again.
    pub fn finish(&mut self) -> Result<(), ReadError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let whole = matches!(self.state, State::Header) && (self.carry.is_empty() || self.carry_is_spent);
        if whole && self.frames.is_empty() {
            return Ok(());
        }
        let path = self.path();
        Err(self.fail(ReadError::Truncated { path }))
    }

    /// What was irregular so far.
    pub fn irregularities(&self) -> &Irregularities {
        &self.irregularities
    }

    /// Bytes of the data set that tokens have covered so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Sequences around the current element, the one that is current included: 0 in the main data set.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Bytes of the current bulk value or fragment that no token has given yet; 0 outside of one.
    pub(crate) fn bulk_remaining(&self) -> u32 {
        match self.state {
            State::Bulk { remaining, .. } => remaining,
            State::Header | State::Value(_) => 0,
        }
    }

    /// Counts bytes of the current bulk as given: the caller passed over them.
    pub(crate) fn pass_over(&mut self, bytes: u32) {
        if let State::Bulk { remaining, .. } = &mut self.state {
            let passed = bytes.min(*remaining);
            *remaining -= passed;
            self.position += u64::from(passed);
        }
    }

    /// Path of the element that the last token belongs to; of an item, the path of its sequence with the item's number.
    pub fn path(&self) -> ElementPath {
        let mut path = ElementPath::default();
        for frame in self.frames.iter().filter(|frame| frame.kind != FrameKind::Item) {
            path.sequences.push((frame.tag, frame.items));
        }
        path.tag = self.tag;
        // Between items the innermost sequence is the element itself.
        if self.frames.last().is_some_and(|top| top.kind != FrameKind::Item && Some(top.tag) == self.tag) {
            path.sequences.pop();
        }
        path
    }

    /// Borrows the bytes of a step: `taken` is what [`Self::advance`] took from its input for it.
    pub(crate) fn token<'a>(&'a self, step: Step, taken: &'a [u8]) -> Token<'a> {
        let tail = |length: usize| {
            taken.len().checked_sub(length).and_then(|start| taken.get(start..)).unwrap_or_default()
        };
        match step {
            Step::ValueOfInput(header) => Token::Value { header, value: tail(header.length as usize) },
            Step::ValueOfCarry(header) => Token::Value { header, value: &self.carry },
            Step::Bulk(length) => Token::Bulk(tail(length)),
            Step::Plain(token) => token,
        }
    }

    /// One step of the walk.
    pub(crate) fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Step>, ReadError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.carry_is_spent {
            self.carry.clear();
            self.carry_is_spent = false;
        }
        match self.state {
            State::Header => self.advance_header(input),
            State::Value(header) => Ok(self.advance_value(header, input)),
            State::Bulk { remaining: 0, fragment } => {
                self.state = State::Header;
                Ok(Some(Step::Plain(if fragment { Token::FragmentEnd } else { Token::BulkEnd })))
            }
            State::Bulk { remaining, fragment } => {
                let length = input.len().min(remaining as usize);
                if length == 0 {
                    return Ok(None);
                }
                take(input, length);
                self.position += length as u64;
                self.state = State::Bulk {
                    remaining: remaining - u32::try_from(length).unwrap_or(remaining),
                    fragment,
                };
                Ok(Some(Step::Bulk(length)))
            }
        }
    }

    fn advance_value(&mut self, header: Header, input: &mut &[u8]) -> Option<Step> {
        let missing = (header.length as usize).saturating_sub(self.carry.len());
        let piece = take(input, missing.min(input.len()));
        self.carry.extend_from_slice(piece);
        if piece.len() < missing {
            return None;
        }
        self.state = State::Header;
        self.position += u64::from(header.length);
        self.carry_is_spent = true;
        Some(Step::ValueOfCarry(header))
    }

    fn advance_header(&mut self, input: &mut &[u8]) -> Result<Option<Step>, ReadError> {
        if let Some(frame) = self.frames.last().copied()
            && frame.end.is_some_and(|end| self.position >= end)
        {
            return Ok(Some(self.close(frame, None)));
        }
        let encoding = self.frames.last().map_or(self.encoding, |frame| frame.encoding);
        let Some((header, irregular)) = self.read_header(input, encoding) else { return Ok(None) };
        self.account(&header)?;
        match self.frames.last().copied() {
            Some(frame) if frame.kind == FrameKind::Sequence => self.in_sequence(frame, header),
            Some(frame) if frame.kind == FrameKind::Fragments => self.in_fragments(frame, header),
            frame => self.in_data_set(frame, header, irregular, input),
        }
    }

    /// Takes one header from `carry` and `input`; `None` when there is not enough of it yet.
    #[inline]
    fn read_header(
        &mut self,
        input: &mut &[u8],
        encoding: Encoding,
    ) -> Option<(Header, Option<HeaderIrregularity>)> {
        if self.carry.is_empty()
            && let Parsed::Whole { header, irregular } = header::parse(input, encoding)
        {
            take(input, header.raw().len());
            return Some((header, irregular));
        }
        loop {
            match header::parse(&self.carry, encoding) {
                Parsed::Whole { header, irregular } => {
                    self.carry.clear();
                    return Some((header, irregular));
                }
                Parsed::Need(length) => {
                    let missing = length.saturating_sub(self.carry.len());
                    let piece = take(input, missing.min(input.len()));
                    self.carry.extend_from_slice(piece);
                    if piece.len() < missing {
                        return None;
                    }
                }
            }
        }
    }

    /// Counts the header against the limits.
    fn account(&mut self, header: &Header) -> Result<(), ReadError> {
        self.tag = Some(header.tag);
        self.elements += 1;
        self.position += header.raw().len() as u64;
        if self.elements > self.limits.elements {
            let (path, limit) = (self.path(), self.limits.elements);
            return Err(self.fail(ReadError::TooManyElements { path, limit }));
        }
        let claimed = if header.length == UNDEFINED { 0 } else { u64::from(header.length) };
        let end = self.position + claimed;
        if self.total.is_some_and(|total| end > total) {
            let path = self.path();
            return Err(self.fail(ReadError::Truncated { path }));
        }
        if end > self.limits.total {
            let (path, limit) = (self.path(), self.limits.total);
            return Err(self.fail(ReadError::TooLong { path, limit }));
        }
        if claimed > 0 && self.frames.last().and_then(|frame| frame.end).is_some_and(|parent| end > parent) {
            self.irregular(IrregularityKind::BeyondParent);
        }
        Ok(())
    }

    fn in_data_set(
        &mut self,
        frame: Option<Frame>,
        header: Header,
        irregular: Option<HeaderIrregularity>,
        input: &mut &[u8],
    ) -> Result<Option<Step>, ReadError> {
        match (header.tag, frame) {
            (ITEM_DELIMITER, Some(frame)) => {
                let by_length = frame.end.is_some();
                return Ok(Some(self.close_delimited(frame, header, by_length)));
            }
            (SEQUENCE_DELIMITER, Some(item)) => {
                // The item's own delimiter is missing: end the item now, and the sequence with the delimiter that is there.
                self.position -= header.raw().len() as u64;
                self.elements -= 1;
                self.carry.extend_from_slice(header.raw());
                self.irregular(IrregularityKind::Delimiter);
                return Ok(Some(self.close(item, None)));
            }
            (ITEM | ITEM_DELIMITER | SEQUENCE_DELIMITER, _) => {
                let path = self.path();
                return Err(self.fail(ReadError::Structure { path }));
            }
            _ => {}
        }
        self.note_order(header.tag);
        match irregular {
            Some(HeaderIrregularity::ImplicitAmidExplicit) => {
                self.irregular(IrregularityKind::ImplicitHeader)
            }
            Some(HeaderIrregularity::UnknownVr) => self.irregular(IrregularityKind::UnknownVr),
            None => {}
        }
        self.open_element(header, input)
    }

    fn open_element(&mut self, header: Header, input: &mut &[u8]) -> Result<Option<Step>, ReadError> {
        let undefined = header.length == UNDEFINED;
        if header.vr == VR::SQ || (undefined && is_un_sequence(&header)) {
            let encoding = if header.vr == VR::UN { Encoding::ImplicitLittle } else { self.inside(&header) };
            if header.vr == VR::UN && header.encoding != Encoding::ImplicitLittle {
                self.irregular(IrregularityKind::UnSequence);
            }
            self.push(FrameKind::Sequence, &header, encoding)?;
            return Ok(Some(Step::Plain(Token::SequenceStart { header })));
        }
        if undefined {
            if !matches!(header.vr, VR::OB | VR::OW | VR::UN) && header.encoding != Encoding::ImplicitLittle {
                let path = self.path();
                return Err(self.fail(ReadError::Structure { path }));
            }
            let encoding = self.inside(&header);
            self.push(FrameKind::Fragments, &header, encoding)?;
            return Ok(Some(Step::Plain(Token::FragmentsStart { header })));
        }
        self.note_length(&header);
        if is_pixel_data(header.tag) || header.length as usize > self.limits.value {
            self.state = State::Bulk { remaining: header.length, fragment: false };
            return Ok(Some(Step::Plain(Token::BulkStart { header })));
        }
        let length = header.length as usize;
        if length <= input.len() {
            take(input, length);
            self.position += u64::from(header.length);
            return Ok(Some(Step::ValueOfInput(header)));
        }
        self.state = State::Value(header);
        Ok(self.advance_value(header, input))
    }

    /// Encoding of what stands inside the element: that of the frame, whatever the header looked like.
    fn inside(&self, header: &Header) -> Encoding {
        self.frames.last().map_or(header.encoding, |frame| frame.encoding)
    }

    fn in_sequence(&mut self, frame: Frame, header: Header) -> Result<Option<Step>, ReadError> {
        match header.tag {
            ITEM => {
                if let Some(sequence) = self.frames.last_mut() {
                    sequence.items = sequence.items.saturating_add(1);
                }
                self.push(FrameKind::Item, &header, frame.encoding)?;
                self.tag = None;
                Ok(Some(Step::Plain(Token::ItemStart { header })))
            }
            SEQUENCE_DELIMITER => {
                let by_length = frame.end.is_some();
                Ok(Some(self.close_delimited(frame, header, by_length)))
            }
            _ => {
                let path = self.path();
                Err(self.fail(ReadError::NotAnItem { path }))
            }
        }
    }

    fn in_fragments(&mut self, frame: Frame, header: Header) -> Result<Option<Step>, ReadError> {
        self.tag = Some(frame.tag);
        match header.tag {
            ITEM if header.length != UNDEFINED => {
                if let Some(fragments) = self.frames.last_mut() {
                    fragments.items = fragments.items.saturating_add(1);
                }
                self.note_length(&header);
                self.state = State::Bulk { remaining: header.length, fragment: true };
                Ok(Some(Step::Plain(Token::FragmentStart { header })))
            }
            SEQUENCE_DELIMITER => {
                self.note_delimiter(&header);
                self.frames.pop();
                self.depth -= 1;
                Ok(Some(Step::Plain(Token::FragmentsEnd { delimiter: header })))
            }
            _ => {
                let path = self.path();
                Err(self.fail(ReadError::NotAnItem { path }))
            }
        }
    }

    fn push(&mut self, kind: FrameKind, header: &Header, encoding: Encoding) -> Result<(), ReadError> {
        if kind != FrameKind::Item {
            if self.depth >= self.limits.depth {
                let (path, limit) = (self.path(), self.limits.depth);
                return Err(self.fail(ReadError::TooDeep { path, limit }));
            }
            self.depth += 1;
        }
        let end = (header.length != UNDEFINED).then(|| self.position + u64::from(header.length));
        self.frames.push(Frame { kind, tag: header.tag, encoding, end, items: 0, last_tag: None });
        Ok(())
    }

    fn close_delimited(&mut self, frame: Frame, delimiter: Header, by_length: bool) -> Step {
        self.note_delimiter(&delimiter);
        if by_length {
            self.irregular(IrregularityKind::Delimiter);
        }
        self.close(frame, Some(delimiter))
    }

    fn close(&mut self, frame: Frame, delimiter: Option<Header>) -> Step {
        self.frames.pop();
        if frame.kind == FrameKind::Item {
            self.tag = self.frames.last().map(|sequence| sequence.tag);
            return Step::Plain(Token::ItemEnd { delimiter });
        }
        self.depth -= 1;
        self.tag = Some(frame.tag);
        Step::Plain(Token::SequenceEnd { delimiter })
    }

    fn note_delimiter(&mut self, delimiter: &Header) {
        if delimiter.length != 0 {
            self.irregular(IrregularityKind::DelimiterLength);
        }
    }

    fn note_order(&mut self, tag: Tag) {
        let last = self.frames.last_mut().map_or(&mut self.root_tag, |frame| &mut frame.last_tag);
        if last.replace(tag).is_some_and(|last| last >= tag) {
            self.irregular(IrregularityKind::OutOfOrder);
        }
    }

    fn note_length(&mut self, header: &Header) {
        if !header.length.is_multiple_of(unit(header.vr)) {
            self.irregular(IrregularityKind::LengthOfVr(header.vr));
        } else if !header.length.is_multiple_of(2) {
            self.irregular(IrregularityKind::OddLength);
        }
    }

    fn irregular(&mut self, kind: IrregularityKind) {
        let path = if self.irregularities.is_full() { ElementPath::default() } else { self.path() };
        self.irregularities.push(|| path, kind);
    }

    fn fail(&mut self, error: ReadError) -> ReadError {
        self.failed = Some(error.clone());
        error
    }
}

/// Takes `length` bytes from the front of `input`.
fn take<'a>(input: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (front, rest) = input.split_at_checked(length).unwrap_or((input, &[]));
    *input = rest;
    front
}

/// Elements that hold pixels (PS3.3 C.7.6.3): delivered as bulk whatever their length.
fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, Tag(0x7FE0, 0x0008 | 0x0009 | 0x0010))
}

/// Undefined length and VR UN, or an unknown tag in implicit VR: a sequence, but for pixel data.
fn is_un_sequence(header: &Header) -> bool {
    if is_pixel_data(header.tag) {
        return false;
    }
    header.vr == VR::UN || header.encoding == Encoding::ImplicitLittle
}

/// Size of one value of a binary VR in bytes; 1 for the others (PS3.5 Table 6.2-1).
fn unit(vr: VR) -> u32 {
    match vr {
        VR::OW | VR::SS | VR::US => 2,
        VR::AT | VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}
