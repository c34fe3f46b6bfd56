//! A data set as a tree: made by hand, read, written in any encoding, compared.

use dicom_stream::{
    Encoding, Header, Lengths, Limits, Tag, Token, TokenSource, TransferSyntax, VR, Writer, dictionary_vr,
};

/// An element; values in little endian.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Element {
    Value(Tag, VR, Vec<u8>),
    Sequence(Tag, Vec<Vec<Self>>),
}

pub(crate) fn tag(number: u32) -> Tag {
    Tag((number >> 16) as u16, (number & 0xFFFF) as u16)
}

pub(crate) fn text(number: u32, vr: VR, value: &str) -> Element {
    Element::Value(tag(number), vr, value.as_bytes().to_vec())
}

pub(crate) fn uid(number: u32, value: &str) -> Element {
    text(number, VR::UI, value)
}

pub(crate) fn sequence(number: u32, items: Vec<Vec<Element>>) -> Element {
    Element::Sequence(tag(number), items)
}

impl Element {
    pub(crate) fn tag(&self) -> Tag {
        match self {
            Self::Value(tag, ..) | Self::Sequence(tag, _) => *tag,
        }
    }
}

/// How the tree is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sequences {
    Undefined,
    /// As UN of defined length (PS3.5 6.2.2).
    Unknown,
}

pub(crate) fn write(elements: &[Element], encoding: Encoding, sequences: Sequences) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), encoding, Lengths::Undefined);
    write_into(&mut writer, elements, sequences);
    writer.finish().unwrap()
}

/// In explicit VR little endian.
pub(crate) fn explicit(elements: &[Element]) -> Vec<u8> {
    write(elements, Encoding::ExplicitLittle, Sequences::Undefined)
}

fn write_into(writer: &mut Writer<Vec<u8>>, elements: &[Element], sequences: Sequences) {
    for element in elements {
        match element {
            Element::Value(tag, vr, value) => {
                let value =
                    if writer.encoding() == Encoding::ExplicitBig { swap(*vr, value) } else { value.clone() };
                writer.value(*tag, *vr, &value).unwrap();
            }
            Element::Sequence(tag, items) if sequences == Sequences::Unknown => {
                let mut bytes = Vec::new();
                for item in items {
                    let body = write(item, Encoding::ImplicitLittle, Sequences::Unknown);
                    let head =
                        Header::new(Tag(0xFFFE, 0xE000), VR::UN, body.len() as u32, Encoding::ImplicitLittle);
                    bytes.extend_from_slice(head.raw());
                    bytes.extend(body);
                }
                writer.value(*tag, VR::UN, &bytes).unwrap();
            }
            Element::Sequence(tag, items) => {
                writer.start_sequence(*tag).unwrap();
                for item in items {
                    writer.start_item().unwrap();
                    write_into(writer, item, sequences);
                    writer.end_item().unwrap();
                }
                writer.end_sequence().unwrap();
            }
        }
    }
}

fn swap(vr: VR, value: &[u8]) -> Vec<u8> {
    let unit = match vr {
        VR::US | VR::SS | VR::OW | VR::AT => 2,
        VR::UL | VR::SL | VR::FL | VR::OF => 4,
        VR::FD | VR::OD => 8,
        _ => 1,
    };
    value.chunks(unit).flat_map(|number| number.iter().rev().copied()).collect()
}

/// Reads a data set; sequences stored as UN, VRs and byte order are brought into one form, padding is taken off.
pub(crate) fn read(bytes: &[u8], syntax: &TransferSyntax) -> Vec<Element> {
    let mut tokens = TokenSource::new(bytes, syntax, Limits { value: 16 << 20, ..Limits::INSTANCE }, None);
    let mut levels: Vec<Vec<Element>> = vec![Vec::new()];
    let mut sequences: Vec<(Tag, Vec<Vec<Element>>)> = Vec::new();
    while let Some(token) = tokens.next_token().unwrap() {
        match token {
            Token::Value { header, value } => {
                let element = element(&header, value.to_vec());
                levels.last_mut().unwrap().push(element);
            }
            Token::BulkStart { header } => {
                levels.last_mut().unwrap().push(Element::Value(header.tag, header.vr, Vec::new()))
            }
            Token::Bulk(piece) => {
                if let Some(Element::Value(_, _, value)) = levels.last_mut().unwrap().last_mut() {
                    value.extend_from_slice(piece);
                }
            }
            Token::BulkEnd => {
                if let Some(Element::Value(tag, vr, value)) = levels.last_mut().unwrap().last_mut() {
                    if syntax.encoding == Encoding::ExplicitBig {
                        *value = swap(*vr, value);
                    }
                    *vr = dictionary_vr(*tag);
                }
            }
            Token::SequenceStart { header } => sequences.push((header.tag, Vec::new())),
            Token::ItemStart { .. } => levels.push(Vec::new()),
            Token::ItemEnd { .. } => {
                let item = levels.pop().unwrap();
                sequences.last_mut().unwrap().1.push(item);
            }
            Token::SequenceEnd { .. } => {
                let (tag, items) = sequences.pop().unwrap();
                levels.last_mut().unwrap().push(Element::Sequence(tag, items));
            }
            _ => panic!("no fragments in these files"),
        }
    }
    levels.pop().unwrap()
}

fn element(header: &Header, value: Vec<u8>) -> Element {
    let known = dictionary_vr(header.tag);
    let vr = if known == VR::UN { header.vr } else { known };
    if vr == VR::SQ || (header.vr == VR::UN && value.starts_with(&[0xFE, 0xFF, 0, 0xE0])) {
        let head = Header::new(header.tag, VR::SQ, dicom_stream::UNDEFINED, Encoding::ImplicitLittle);
        let bytes = [head.raw(), &value, b"\xFE\xFF\xDD\xE0\0\0\0\0"].concat();
        return read(&bytes, &TransferSyntax::IMPLICIT_LITTLE).remove(0);
    }
    let value = if header.encoding == Encoding::ExplicitBig { swap(header.vr, &value) } else { value };
    Element::Value(header.tag, vr, dicom_stream::text::trim(vr, &value).to_vec())
}

/// The value at a path such as `00081115/0020000E` (first items), as text; `None` when it is not there.
pub(crate) fn at(elements: &[Element], path: &str) -> Option<String> {
    let bytes = bytes_at(elements, path)?;
    Some(String::from_utf8_lossy(&bytes).trim_end_matches([' ', '\0']).to_owned())
}

pub(crate) fn bytes_at(elements: &[Element], path: &str) -> Option<Vec<u8>> {
    let (first, rest) = path.split_once('/').map_or((path, ""), |(first, rest)| (first, rest));
    let wanted = tag(u32::from_str_radix(first, 16).unwrap());
    match elements.iter().find(|element| element.tag() == wanted)? {
        Element::Value(_, _, value) if rest.is_empty() => Some(value.clone()),
        Element::Sequence(_, items) if !rest.is_empty() => bytes_at(items.first()?, rest),
        Element::Sequence(_, items) => Some(vec![b'#'; items.len()]),
        Element::Value(..) => None,
    }
}

pub(crate) fn has(elements: &[Element], number: u32) -> bool {
    elements.iter().any(|element| element.tag() == tag(number))
}

/// All UI values that are not of the standard, with their place, in order.
pub(crate) fn uids(elements: &[Element]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(elements, "", &mut found);
    found
}

fn collect(elements: &[Element], around: &str, found: &mut Vec<(String, String)>) {
    for element in elements {
        let path = format!("{around}/{:04X}{:04X}", element.tag().group(), element.tag().element());
        match element {
            Element::Value(_, VR::UI, value) => {
                let value = String::from_utf8(value.clone()).unwrap().trim_end_matches('\0').to_owned();
                if !value.starts_with("1.2.840.10008.") {
                    found.push((path, value));
                }
            }
            Element::Value(..) => {}
            Element::Sequence(_, items) => {
                for (n, item) in items.iter().enumerate() {
                    collect(item, &format!("{path}[{n}]"), found);
                }
            }
        }
    }
}
