//! Elements, attributes and text of a document of our own making, read by a scanner of its own: what no such document has is refused.

/// A piece of the document.
pub(super) enum Piece<'a> {
    Start { name: &'a str, attributes: Vec<(&'a str, String)> },
    End(&'a str),
    Text(String),
}

/// The pieces that are still to come.
pub(super) struct Markup<'a> {
    rest: &'a str,
    /// Of an element without content, whose start was given.
    end: Option<&'a str>,
}

impl<'a> Markup<'a> {
    /// `None` without the declaration that each such document begins with.
    pub(super) fn new(document: &'a str) -> Option<Self> {
        let rest = document.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        Some(Self { rest, end: None })
    }

    /// The next piece; the inner `None` at the end, the outer one where it cannot be told.
    pub(super) fn next(&mut self) -> Option<Option<Piece<'a>>> {
        if let Some(name) = self.end.take() {
            return Some(Some(Piece::End(name)));
        }
        let Some(markup) = self.rest.strip_prefix('<') else {
            let length = self.rest.find('<').unwrap_or(self.rest.len());
            let (text, rest) = self.rest.split_at_checked(length)?;
            self.rest = rest;
            return if text.is_empty() { Some(None) } else { Some(Some(Piece::Text(read(text)?))) };
        };
        let (tag, rest) = markup.split_once('>')?;
        self.rest = rest;
        if let Some(name) = tag.strip_prefix('/') {
            return is_name(name).then_some(Some(Piece::End(name)));
        }
        let whole = tag.strip_suffix('/');
        let tag = whole.unwrap_or(tag);
        let (name, mut written) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        while !written.is_empty() {
            let (attribute, value) = written.split_once("=\"")?;
            let (value, after) = value.split_once('"')?;
            attributes.push((is_name(attribute).then_some(attribute)?, read(value)?));
            written = if after.is_empty() { after } else { after.strip_prefix(' ')? };
        }
        self.end = whole.map(|_| name);
        is_name(name).then_some(Some(Piece::Start { name, attributes }))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The five entities of XML; there is no other, and no character by number.
fn read(text: &str) -> Option<String> {
    let mut parts = text.split('&');
    let mut read = parts.next()?.to_owned();
    for part in parts {
        let (entity, after) = part.split_once(';')?;
        read.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "apos" => '\'',
            "quot" => '"',
            _ => return None,
        });
        read.push_str(after);
    }
    Some(read)
}
