//! A document as a tree: its HL7 elements, their attributes without a namespace, and their text. Comments, stylesheets and what is of other
//! namespaces stay behind; what says more than that is refused.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape_with};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::Made;

const HL7: &[u8] = b"urn:hl7-org:v3";
/// Deeper documents are held: real ones have about thirty levels.
const DEPTH_MAX: usize = 64;
/// Elements, attributes and pieces of text; real documents have some ten thousand.
const PARTS_MAX: usize = 200_000;
/// Attributes of one element; real ones have some ten.
const ATTRIBUTES_MAX: usize = 64;
/// Declarations of namespaces in a document: each element is looked up in those that are open.
const NAMESPACES_MAX: usize = 64;

/// An element of the namespace of HL7.
#[derive(Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) nodes: Vec<Node>,
}

pub(super) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The elements in it, in their order.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The elements of this name in it.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.elements().filter(move |element| element.name == name)
    }

    pub(super) fn first<'e>(&'e self, name: &'e str) -> Option<&'e Self> {
        self.all(name).next()
    }

    /// The only element of this name in it.
    pub(super) fn only<'e>(&'e self, name: &'e str) -> Option<&'e Self> {
        let mut all = self.all(name);
        all.next().filter(|_| all.next().is_none())
    }

    /// All text in it, a blank in the place of markup.
    pub(super) fn text(&self) -> String {
        let parts = self.nodes.iter().map(|node| match node {
            Node::Element(element) => Cow::Owned(element.text()),
            Node::Text(text) => Cow::Borrowed(text.as_str()),
        });
        parts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Reads a document and its root.
///
/// # Errors
/// Why it cannot be read as what it is.
pub(super) fn read(body: &[u8]) -> Made<Element> {
    let text = decoded(body)?;
    let mut reader = NsReader::from_str(&text);
    let mut building = Building { open: vec![Element::default()], foreign: 0, parts: 0, namespaces: 0 };
    loop {
        let (namespace, event) =
            reader.read_resolved_event().map_err(|_| "the document is no well-formed XML")?;
        let is_hl7 = matches!(namespace, ResolveResult::Bound(namespace) if namespace.as_ref() == HL7);
        match event {
            Event::Start(element) => building.start(&element, is_hl7)?,
            Event::Empty(element) => {
                building.start(&element, is_hl7)?;
                building.end();
            }
            Event::End(_) => building.end(),
            Event::Text(text) => building.text(&text.decode().map_err(|_| ENCODING)?)?,
            Event::CData(text) => building.text(&text.decode().map_err(|_| ENCODING)?)?,
            Event::GeneralRef(reference) => {
                let written = format!("&{};", reference.decode().map_err(|_| ENCODING)?);
                building.text(&unescaped(&written)?)?;
            }
            Event::DocType(_) => return Err("the document has a type declaration (DTD)"),
            Event::PI(instruction) if instruction.target() != b"xml-stylesheet" => {
                return Err("the document has instructions to a program");
            }
            Event::PI(_) | Event::Comment(_) | Event::Decl(_) => {}
            Event::Eof => break,
        }
    }
    building.root()
}

const ENCODING: &str = "the document is in an encoding that is not read here, or damaged";

/// The text of a body in UTF-8, US-ASCII or ISO 8859-1, without the padding of its element.
fn decoded(body: &[u8]) -> Made<Cow<'_, str>> {
    let body = body.strip_suffix(&[0]).unwrap_or(body);
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let declared = match Reader::from_reader(body).read_event() {
        Ok(Event::Decl(declaration)) => match declaration.encoding() {
            Some(Ok(encoding)) => String::from_utf8_lossy(&encoding).to_ascii_lowercase(),
            Some(Err(_)) => return Err(ENCODING),
            None => String::new(),
        },
        _ => String::new(),
    };
    match declared.as_str() {
        "" | "utf-8" => std::str::from_utf8(body).map(Cow::Borrowed).map_err(|_| ENCODING),
        "us-ascii" if body.is_ascii() => std::str::from_utf8(body).map(Cow::Borrowed).map_err(|_| ENCODING),
        "iso-8859-1" => Ok(Cow::Owned(body.iter().map(|byte| char::from(*byte)).collect())),
        _ => Err(ENCODING),
    }
}

fn unescaped(text: &str) -> Made<Cow<'_, str>> {
    unescape_with(text, resolve_xml_entity).map_err(|_| "the document has an entity that XML does not define")
}

/// XML 1.0, 2.2.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

struct Building {
    /// From the element around the root to the one that is open.
    open: Vec<Element>,
    /// Open elements from the outermost of another namespace on.
    foreign: usize,
    parts: usize,
    namespaces: usize,
}

impl Building {
    fn count(&mut self) -> Made<()> {
        self.parts += 1;
        if self.parts > PARTS_MAX { Err("the document has too many parts") } else { Ok(()) }
    }

    fn start(&mut self, element: &BytesStart<'_>, is_hl7: bool) -> Made<()> {
        self.count()?;
        if self.open.len() + self.foreign > DEPTH_MAX {
            return Err("the document is too deep");
        }
        self.attributes(element)?;
        if self.foreign > 0 || !is_hl7 {
            self.foreign += 1;
            return Ok(());
        }
        let name = std::str::from_utf8(element.local_name().into_inner()).map_err(|_| ENCODING)?.to_owned();
        let mut attributes = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|_| "the document is no well-formed XML")?;
            let written = std::str::from_utf8(&attribute.value).map_err(|_| ENCODING)?;
            let value = unescaped(written)?.into_owned();
            let name = std::str::from_utf8(attribute.key.into_inner()).map_err(|_| ENCODING)?;
            // of no namespace, and none that declares one
            if !name.contains(':') && name != "xmlns" && value.chars().all(is_xml) {
                attributes.push((name.to_owned(), value));
            }
        }
        self.open.push(Element { name, attributes, nodes: Vec::new() });
        Ok(())
    }

    /// Counts the attributes of an element before they are compared with each other.
    fn attributes(&mut self, element: &BytesStart<'_>) -> Made<()> {
        for (number, attribute) in element.attributes().with_checks(false).enumerate() {
            self.count()?;
            let attribute = attribute.map_err(|_| "the document is no well-formed XML")?;
            self.namespaces += usize::from(attribute.key.into_inner().starts_with(b"xmlns"));
            if number >= ATTRIBUTES_MAX || self.namespaces > NAMESPACES_MAX {
                return Err("an element has too many attributes, or the document too many namespaces");
            }
        }
        Ok(())
    }

    fn root(&mut self) -> Made<Element> {
        let (1, 0, Some(around)) = (self.open.len(), self.foreign, self.open.pop()) else {
            return Err("the document is no well-formed XML");
        };
        let mut roots = around.nodes.into_iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        });
        match (roots.next(), roots.next()) {
            (Some(root), None) if root.name == "ClinicalDocument" => Ok(root),
            _ => Err("the document is no ClinicalDocument of HL7 CDA R2"),
        }
    }

    fn end(&mut self) {
        if self.foreign > 0 {
            self.foreign -= 1;
        } else if let Some(ended) = self.open.pop()
            && let Some(around) = self.open.last_mut()
        {
            around.nodes.push(Node::Element(ended));
        }
    }

    fn text(&mut self, text: &str) -> Made<()> {
        self.count()?;
        if !text.chars().all(is_xml) {
            return Err("the document is no well-formed XML");
        }
        let Some(element) = self.open.last_mut().filter(|_| self.foreign == 0) else { return Ok(()) };
        // What a comment or a reference parts is one text.
        match element.nodes.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ => element.nodes.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }
}
