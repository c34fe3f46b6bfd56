//! Hand-made data sets for the tests, and arbitrary ones for the property tests.

use dicom_stream::{Encoding, Irregularities, Lengths, Limits, ReadError, Reader, Token, Writer};
use proptest::prelude::*;

/// Element header and value in explicit or implicit form; `length` may lie.
pub(crate) fn element(encoding: Encoding, tag: (u16, u16), vr: &str, length: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(encoding.u16_bytes(tag.0));
    bytes.extend(encoding.u16_bytes(tag.1));
    if encoding != Encoding::ImplicitLittle && tag.0 != 0xFFFE {
        bytes.extend(vr.as_bytes());
        if matches!(
            vr,
            "OB" | "OW" | "OF" | "OD" | "OL" | "OV" | "SQ" | "SV" | "UC" | "UN" | "UR" | "UT" | "UV"
        ) {
            bytes.extend([0, 0]);
        } else {
            bytes.extend(encoding.u16_bytes(length as u16));
            bytes.extend(value);
            return bytes;
        }
    }
    bytes.extend(encoding.u32_bytes(length));
    bytes.extend(value);
    bytes
}

pub(crate) fn plain(encoding: Encoding, tag: (u16, u16), vr: &str, value: &[u8]) -> Vec<u8> {
    element(encoding, tag, vr, value.len() as u32, value)
}

pub(crate) fn delimiter(encoding: Encoding, element_number: u16) -> Vec<u8> {
    element(encoding, (0xFFFE, element_number), "", 0, &[])
}

/// A token without its borrow, bulk pieces of one value joined: what must not depend on how the input was cut.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Value(u16, u16, Vec<u8>),
    Bulk(Vec<u8>),
    Other(String),
}

pub(crate) struct Walk {
    pub seen: Vec<Seen>,
    pub copy: Vec<u8>,
    pub undefined: Vec<u8>,
    pub irregularities: Irregularities,
}

/// Walks `bytes` cut into pieces of the given sizes (the last one repeats), and writes them back both ways.
pub(crate) fn walk(
    bytes: &[u8],
    encoding: Encoding,
    limits: Limits,
    cuts: &[usize],
) -> Result<Walk, ReadError> {
    let mut reader = Reader::new(encoding, limits);
    let mut seen = Vec::new();
    let mut copy = Writer::new(Vec::new(), encoding, Lengths::AsReceived);
    let mut undefined = Writer::new(Vec::new(), encoding, Lengths::Undefined);
    let (mut rest, mut cut) = (bytes, 0);
    loop {
        let size = cuts
            .get(cut.min(cuts.len().saturating_sub(1)))
            .copied()
            .unwrap_or(rest.len())
            .clamp(1, rest.len().max(1));
        cut += 1;
        let (mut piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        while let Some(token) = reader.next_token(&mut piece)? {
            copy.copy(&token).unwrap();
            undefined.copy(&token).unwrap();
            match token {
                Token::Value { header, value } => {
                    seen.push(Seen::Value(header.tag.group(), header.tag.element(), value.to_vec()));
                }
                Token::Bulk(bytes) => match seen.last_mut() {
                    Some(Seen::Bulk(all)) => all.extend(bytes),
                    _ => seen.push(Seen::Bulk(bytes.to_vec())),
                },
                other => seen.push(Seen::Other(format!("{other:?}"))),
            }
        }
        assert!(piece.is_empty(), "the reader answered None with input left");
        if rest.is_empty() {
            break;
        }
    }
    reader.finish()?;
    Ok(Walk {
        seen,
        copy: copy.finish().unwrap(),
        undefined: undefined.finish().unwrap(),
        irregularities: reader.irregularities().clone(),
    })
}

pub(crate) fn walk_whole(bytes: &[u8], encoding: Encoding) -> Result<Walk, ReadError> {
    walk(bytes, encoding, Limits::INSTANCE, &[])
}

/// An arbitrary element tree, encoded when the encoding is known.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Value(u16, &'static str, Vec<u8>),
    Sequence { element: u16, vr: &'static str, defined: bool, items: Vec<(bool, Vec<Self>)> },
    Fragments(Vec<Vec<u8>>),
}

impl Node {
    pub(crate) fn encode(&self, encoding: Encoding, out: &mut Vec<u8>) {
        match self {
            // group 0009: private, so that implicit VR reads them as UN and never as a sequence of the dictionary
            Self::Value(number, vr, value) => out.extend(plain(encoding, (0x0009, *number), vr, value)),
            Self::Sequence { element: number, vr, defined, items } => {
                let inside = if *vr == "UN" { Encoding::ImplicitLittle } else { encoding };
                let mut body = Vec::new();
                for (defined, nodes) in items {
                    let mut item = Vec::new();
                    nodes.iter().for_each(|node| node.encode(inside, &mut item));
                    let length = if *defined { item.len() as u32 } else { u32::MAX };
                    body.extend(element(inside, (0xFFFE, 0xE000), "", length, &item));
                    if !defined {
                        body.extend(delimiter(inside, 0xE00D));
                    }
                }
                // implicit VR and UN tell a sequence by its undefined length; (0040,A730) is one in the dictionary
                let defined = *defined && *vr == "SQ" && encoding != Encoding::ImplicitLittle;
                let length = if defined { body.len() as u32 } else { u32::MAX };
                out.extend(element(encoding, (0x0009, *number), vr, length, &body));
                if !defined {
                    out.extend(delimiter(inside, 0xE0DD));
                }
            }
            Self::Fragments(fragments) => {
                out.extend(element(encoding, (0x7FE0, 0x0010), "OB", u32::MAX, &[]));
                for fragment in fragments {
                    out.extend(plain(encoding, (0xFFFE, 0xE000), "", fragment));
                }
                out.extend(delimiter(encoding, 0xE0DD));
            }
        }
    }
}

pub(crate) fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let vr = prop::sample::select(vec!["LO", "UN", "OB", "UT", "DS", "PN", "AT", "OW", "UL", "SV"]);
    let value = (0x1000u16..0x1100, vr, prop::collection::vec(any::<u8>(), 0..200))
        .prop_map(|(number, vr, value)| Node::Value(number, vr, value));
    let tree = value.prop_recursive(5, 64, 4, |inner| {
        let item = (any::<bool>(), prop::collection::vec(inner, 0..4));
        let vr = prop::sample::select(vec!["SQ", "SQ", "UN"]);
        (0x1100u16..0x1200, vr, any::<bool>(), prop::collection::vec(item, 0..3))
            .prop_map(|(element, vr, defined, items)| Node::Sequence { element, vr, defined, items })
    });
    let fragments =
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4).prop_map(Node::Fragments);
    (prop::collection::vec(tree, 0..8), prop::option::of(fragments)).prop_map(|(mut nodes, fragments)| {
        nodes.extend(fragments);
        nodes
    })
}
