//! Which attributes that its IOD requires an object has: of the original and of what leaves, to be compared.

use std::collections::BTreeMap;

use dicom_core::{Tag, VR};
use dicom_stream::{ElementPath, Token};

use super::content_items::ContentItems;
use super::{Finding, FindingKind};
use crate::iod::{Iod, Node};
use crate::table::AttributeType;

const SOP_CLASS_UID: Tag = Tag(0x0008, 0x0016);
const BURNED_IN_ANNOTATION: Tag = Tag(0x0028, 0x0301);
/// SOP Class, SOP Instance, Study Instance and Series Instance UID: without them an object is none.
const HIERARCHY: [Tag; 4] = [SOP_CLASS_UID, Tag(0x0008, 0x0018), Tag(0x0020, 0x000D), Tag(0x0020, 0x000E)];

/// Modality, and Type 1 of the Image Pixel module (PS3.3 C.7.6.3.1): Samples per Pixel, Photometric Interpretation, Rows, Columns, Bits
/// Allocated, Bits Stored, High Bit, Pixel Representation: required of an image whose SOP class no table lists, too.
const IMAGE: [Tag; 9] = [
    Tag(0x0008, 0x0060),
    Tag(0x0028, 0x0002),
    Tag(0x0028, 0x0004),
    Tag(0x0028, 0x0010),
    Tag(0x0028, 0x0011),
    Tag(0x0028, 0x0100),
    Tag(0x0028, 0x0101),
    Tag(0x0028, 0x0102),
    Tag(0x0028, 0x0103),
];

/// Attributes of Type 1 and 2 of one data set, with no value but that of (0028,0301).
#[derive(Debug, Clone, Default)]
pub struct Original {
    iod: Option<Iod>,
    elements: BTreeMap<(Node, Tag), Count>,
    items: BTreeMap<Node, u64>,
    /// Open sequences, each with the place of its items and whether it has one.
    open: Vec<(Tag, Node, bool)>,
    content: ContentItems,
    pub(super) says_no_text: bool,
}

/// In how many items an attribute stands, and in how many it has a value.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    present: u64,
    filled: u64,
}

impl Original {
    /// Takes the next token of the data set.
    pub(crate) fn token(&mut self, token: &Token<'_>) {
        self.content.token(token);
        match token {
            Token::Value { header, value } => {
                if self.open.is_empty() {
                    self.look_at(header.tag, value);
                }
                self.note(header.tag, is_filled(header.vr, value));
            }
            Token::BulkStart { header } | Token::FragmentsStart { header } => self.note(header.tag, true),
            Token::SequenceStart { header } => {
                self.note(header.tag, false);
                let node = self.here().child(header.tag);
                self.open.push((header.tag, node, false));
            }
            Token::ItemStart { .. } => {
                let Some((tag, node, has_item)) = self.open.last_mut() else { return };
                let (tag, first) = (*tag, !std::mem::replace(has_item, true));
                *self.items.entry(*node).or_default() += 1;
                if first {
                    let outer = self.open.iter().rev().nth(1).map_or(Node::ROOT, |(_, node, _)| *node);
                    if let Some(count) = self.elements.get_mut(&(outer, tag)) {
                        count.filled += 1;
                    }
                }
            }
            Token::SequenceEnd { .. } => {
                self.open.pop();
            }
            _ => {}
        }
    }

    fn look_at(&mut self, tag: Tag, value: &[u8]) {
        let text = || String::from_utf8_lossy(value).trim_matches([' ', '\0']).to_owned();
        match tag {
            SOP_CLASS_UID => self.iod = Some(Iod::of(&text())),
            BURNED_IN_ANNOTATION => self.says_no_text = text() == "NO",
            _ => {}
        }
    }

    fn here(&self) -> Node {
        self.open.last().map_or(Node::ROOT, |(_, node, _)| *node)
    }

    fn note(&mut self, tag: Tag, is_filled: bool) {
        let node = self.here();
        if node.is_listed() && self.attribute_type(node, tag) != AttributeType::Three {
            let count = self.elements.entry((node, tag)).or_default();
            count.present += 1;
            count.filled += u64::from(is_filled);
        }
    }

    fn attribute_type(&self, node: Node, tag: Tag) -> AttributeType {
        if node == Node::ROOT && (HIERARCHY.contains(&tag) || IMAGE.contains(&tag)) {
            return AttributeType::One;
        }
        self.iod.unwrap_or_else(|| Iod::of("")).attribute_type(node, tag)
    }

    /// What `output` lacks: findings where it is no object any more, else paths of sequences and element. Items that went with their
    /// sequence are not damaged: what is compared has as many items on both sides.
    pub(super) fn lost_in(&self, output: &Self) -> (Vec<Finding>, Vec<String>) {
        let (mut findings, mut damage) = (Vec::new(), Vec::new());
        for ((node, tag), before) in &self.elements {
            if *node != Node::ROOT && self.items.get(node) != output.items.get(node) {
                continue;
            }
            let after = output.elements.get(&(*node, *tag)).copied().unwrap_or_default();
            let is_lost = match self.attribute_type(*node, *tag) {
                AttributeType::One => after.filled < before.filled,
                _ => after.present < before.present,
            };
            if is_lost && *node == Node::ROOT && HIERARCHY.contains(tag) {
                findings.push(Finding { path: ElementPath::root(*tag), kind: FindingKind::Missing });
            } else if is_lost {
                damage.push(show(node.sequences().into_iter().chain([*tag])));
            }
        }
        damage.extend(self.content.lost_in(&output.content).map(show));
        (findings, damage)
    }
}

fn show(path: impl IntoIterator<Item = Tag>) -> String {
    path.into_iter().map(|tag| format!("({:04X},{:04X})", tag.group(), tag.element())).collect()
}

/// Whether a value is there. Samples and numbers may be zero.
pub(super) fn is_filled(vr: VR, value: &[u8]) -> bool {
    let is_binary = matches!(
        vr,
        VR::AT
            | VR::FD
            | VR::FL
            | VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SL
            | VR::SS
            | VR::SV
            | VR::UL
            | VR::UN
            | VR::US
            | VR::UV
    );
    value.iter().any(|byte| !matches!(byte, 0 | b' ')) || is_binary && !value.is_empty()
}
