//! Reads a message that arrives in pieces of any size. It holds the newest piece, and beside it a head or a delimiter at
//! most.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

/// Longest head of a part, and longest text before the first part.
const MAX_HEAD: usize = 16 << 10;
/// Longest boundary (RFC 2046 §5.1.1).
const MAX_BOUNDARY: usize = 70;
/// Blanks that may follow a delimiter (transport padding).
const MAX_PADDING: usize = 64;

/// Something of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dicomweb) enum Event {
    /// More bytes are needed: [`MultipartReader::feed`]. If there are none, the message is cut, and what was read of its
    /// last part must not be used.
    NeedMore,
    /// A part begins; its Content-Type, empty if it has none.
    Part(String),
    /// Bytes of the part.
    Data(Bytes),
    /// The part is whole.
    PartEnd,
    /// The message is whole; what follows is ignored.
    End,
}

enum State {
    /// Before the first delimiter.
    Preamble,
    /// After a delimiter: the rest of its line, then the head.
    Head,
    /// After a head, whose last line end is still there: it is that of the delimiter, if the part is empty.
    BodyStart,
    Body,
    /// The end of a part was met, and is told next.
    BodyEnd,
    Ended,
}

/// Reads one message.
pub(in crate::dicomweb) struct MultipartReader {
    /// CRLF, two hyphens, boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    state: State,
}

/// What stands at a place that looks like a delimiter.
enum Found {
    /// Another part follows.
    Next,
    /// The message ends.
    Last,
    /// It goes on with other bytes: it is content.
    Content,
    /// What follows is not here yet.
    Unknown,
}

impl MultipartReader {
    pub(in crate::dicomweb) fn new(boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // the first delimiter needs no line before it
        Self { delimiter, buffer: BytesMut::from("\r\n"), state: State::Preamble }
    }

    /// Takes the next piece. Call it when [`Event::NeedMore`] asks for it.
    pub(in crate::dicomweb) fn feed(&mut self, piece: &[u8]) {
        if !matches!(self.state, State::Ended) {
            self.buffer.extend_from_slice(piece);
        }
    }

    /// The next event.
    ///
    /// # Errors
    /// What is wrong with the message.
    pub(in crate::dicomweb) fn next(&mut self) -> Result<Event, &'static str> {
        match self.state {
            State::Preamble => self.preamble(),
            State::Head => self.head(),
            State::BodyStart => Ok(self.body_start()),
            State::Body => Ok(self.body()),
            State::BodyEnd => {
                let last = matches!(self.found(0), Found::Last);
                self.buffer.advance(self.delimiter.len());
                self.state = if last { State::Ended } else { State::Head };
                Ok(Event::PartEnd)
            }
            State::Ended => Ok(Event::End),
        }
    }

    fn preamble(&mut self) -> Result<Event, &'static str> {
        let mut from = 0;
        while let Some(at) = self.find(from) {
            match self.found(at) {
                Found::Next => {
                    self.buffer.advance(at + self.delimiter.len());
                    self.state = State::Head;
                    return self.head();
                }
                Found::Last => {
                    self.state = State::Ended;
                    return Ok(Event::End);
                }
                Found::Content => from = at + 1,
                Found::Unknown => break,
            }
        }
        if self.buffer.len() > MAX_HEAD { Err("no multipart message begins") } else { Ok(Event::NeedMore) }
    }

    fn head(&mut self) -> Result<Event, &'static str> {
        let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") else {
            return if self.buffer.len() > MAX_HEAD {
                Err("a part has too long a head")
            } else {
                Ok(Event::NeedMore)
            };
        };
        if end > MAX_HEAD {
            return Err("a part has too long a head");
        }
        let head = self.buffer.split_to(end + 2);
        let head = std::str::from_utf8(&head).map_err(|_| "the head of a part is no text")?;
        let value = head.split("\r\n").skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
        });
        self.state = State::BodyStart;
        Ok(Event::Part(value.unwrap_or_default()))
    }

    fn body_start(&mut self) -> Event {
        let found = match self.buffer.get(..self.delimiter.len()) {
            None if self.delimiter.starts_with(&self.buffer) => Found::Unknown,
            Some(start) if start == self.delimiter => self.found(0),
            _ => Found::Content,
        };
        match found {
            Found::Unknown => Event::NeedMore,
            Found::Next | Found::Last => self.body(),
            Found::Content => {
                self.buffer.advance(2);
                self.state = State::Body;
                self.body()
            }
        }
    }

    fn body(&mut self) -> Event {
        let mut from = 0;
        while let Some(at) = self.find(from) {
            match self.found(at) {
                Found::Next | Found::Last if at == 0 => {
                    self.state = State::BodyEnd;
                    // told at once: `BodyEnd` never needs more
                    return self.next().unwrap_or(Event::NeedMore);
                }
                Found::Next | Found::Last => {
                    self.state = State::BodyEnd;
                    return Event::Data(self.buffer.split_to(at).freeze());
                }
                Found::Content => from = at + 1,
                Found::Unknown if at == 0 => return Event::NeedMore,
                Found::Unknown => return Event::Data(self.buffer.split_to(at).freeze()),
            }
        }
        // the end of the piece may be the begin of a delimiter
        let sure = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
        if sure == 0 { Event::NeedMore } else { Event::Data(self.buffer.split_to(sure).freeze()) }
    }

    fn find(&self, from: usize) -> Option<usize> {
        memmem::find(self.buffer.get(from..)?, &self.delimiter).map(|at| from + at)
    }

    fn found(&self, at: usize) -> Found {
        let rest = self.buffer.get(at + self.delimiter.len()..).unwrap_or_default();
        match rest {
            [b'-', b'-', ..] => return Found::Last,
            [] | [b'-'] => return Found::Unknown,
            _ => {}
        }
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match rest.get(padding..) {
            Some([b'\r', b'\n', ..]) if padding <= MAX_PADDING => Found::Next,
            Some([] | [b'\r']) if padding <= MAX_PADDING => Found::Unknown,
            _ => Found::Content,
        }
    }
}

/// Type and subtype of a media type, in small letters.
pub(in crate::dicomweb) fn media_type(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The boundary of a Content-Type `multipart/related`, quoted or not.
pub(in crate::dicomweb) fn boundary_of(value: &str) -> Option<String> {
    if media_type(value) != "multipart/related" {
        return None;
    }
    let (mut rest, mut found) = (value.split_once(';')?.1, None);
    while let Some((name, behind)) = rest.split_once('=') {
        let (text, next) = match behind.trim_start().strip_prefix('"') {
            Some(quoted) => {
                let (text, next) = quoted.split_once('"')?;
                (text, next.split_once(';').map_or("", |(_, next)| next))
            }
            None => behind.split_once(';').unwrap_or((behind, "")),
        };
        if name.trim().eq_ignore_ascii_case("boundary") {
            found = Some(text.trim());
        }
        rest = next;
    }
    let legal = |text: &&str| {
        !text.is_empty() && text.len() <= MAX_BOUNDARY && text.bytes().all(|b| (b' '..=b'~').contains(&b))
    };
    found.filter(legal).map(str::to_owned)
}
