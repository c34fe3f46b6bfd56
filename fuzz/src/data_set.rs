//! Data sets from bytes: trees of elements that the parsers accept, so that the fuzzer reaches what lies behind them.

use dicom_stream::{Encoding, Lengths, Tag, VR, Writer, dictionary_vr};

/// An element of a data set.
#[derive(Debug, Clone)]
pub enum Element {
    Value(Tag, VR, Vec<u8>),
    Sequence(Tag, Vec<Vec<Self>>),
}

/// What the bytes choose from.
pub struct Grammar<'a> {
    /// Tags that matter to the target; others are spelled out.
    pub tags: &'a [Tag],
    /// Values that matter to the target; others are spelled out.
    pub values: &'a [&'a [u8]],
}

/// VRs other than the one of the dictionary.
const VRS: [VR; 24] = [
    VR::AE,
    VR::AS,
    VR::AT,
    VR::CS,
    VR::DA,
    VR::DS,
    VR::DT,
    VR::FD,
    VR::IS,
    VR::LO,
    VR::LT,
    VR::OB,
    VR::OW,
    VR::PN,
    VR::SH,
    VR::ST,
    VR::TM,
    VR::UC,
    VR::UI,
    VR::UL,
    VR::UN,
    VR::UR,
    VR::US,
    VR::UT,
];
const ELEMENTS_MAX: usize = 400;
const DEPTH_MAX: usize = 8;
/// Bits of the byte that begins an element.
const ENDS_ITEM: u8 = 0x80;
const IS_SEQUENCE: u8 = 0x40;
const OTHER_VR: u8 = 0x20;
const SPELLED_TAG: u8 = 0x10;
const SPELLED_VALUE: u8 = 0x08;

pub fn tag(number: u32) -> Tag {
    Tag((number >> 16) as u16, number as u16)
}

impl Element {
    pub fn new(number: u32, value: &str) -> Self {
        Self::Value(tag(number), dictionary_vr(tag(number)), value.as_bytes().to_vec())
    }

    pub fn tag(&self) -> Tag {
        match self {
            Self::Value(tag, ..) | Self::Sequence(tag, _) => *tag,
        }
    }
}

impl Grammar<'_> {
    /// The elements that the bytes spell, in ascending order, each tag once.
    pub fn elements(&self, mut bytes: &[u8]) -> Vec<Element> {
        self.item(&mut bytes, &mut ELEMENTS_MAX.clone(), 0)
    }

    fn item(&self, bytes: &mut &[u8], room: &mut usize, depth: usize) -> Vec<Element> {
        let mut item: Vec<Element> = Vec::new();
        while let Some(choice) = take(bytes).filter(|choice| choice & ENDS_ITEM == 0) {
            let Some(left) = room.checked_sub(1) else { break };
            *room = left;
            let tag = match choice & SPELLED_TAG {
                0 => self.tags[usize::from(two(bytes)) % self.tags.len()],
                _ => Tag(two(bytes), two(bytes)),
            };
            // delimiters are no elements
            if tag.group() == 0xFFFE {
                continue;
            }
            item.push(if choice & IS_SEQUENCE != 0 && depth < DEPTH_MAX {
                let items = (0..choice & 3).map(|_| self.item(bytes, room, depth + 1)).collect();
                Element::Sequence(tag, items)
            } else {
                let vr = match choice & OTHER_VR {
                    0 => dictionary_vr(tag),
                    _ => VRS[usize::from(take(bytes).unwrap_or(0)) % VRS.len()],
                };
                Element::Value(tag, if vr == VR::SQ { VR::UN } else { vr }, self.value(bytes, choice))
            });
        }
        item.sort_by_key(Element::tag);
        item.dedup_by_key(|element| element.tag());
        item
    }

    fn value(&self, bytes: &mut &[u8], choice: u8) -> Vec<u8> {
        let length = usize::from(take(bytes).unwrap_or(0));
        if choice & SPELLED_VALUE == 0 {
            return self.values[length % self.values.len()].to_vec();
        }
        let (value, rest) = bytes.split_at(length.min(bytes.len()));
        *bytes = rest;
        value.to_vec()
    }
}

/// The first of `elements` for each tag, sorted.
pub fn sorted(mut elements: Vec<Element>) -> Vec<Element> {
    elements.sort_by_key(Element::tag);
    elements.dedup_by_key(|element| element.tag());
    elements
}

pub fn written(encoding: Encoding, elements: &[Element]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), encoding, Lengths::Undefined);
    write(&mut writer, elements);
    writer.finish().unwrap()
}

fn write(writer: &mut Writer<Vec<u8>>, elements: &[Element]) {
    for element in elements {
        match element {
            Element::Value(tag, vr, value) => writer.value(*tag, *vr, value).unwrap(),
            Element::Sequence(tag, items) => {
                writer.start_sequence(*tag).unwrap();
                for item in items {
                    writer.start_item().unwrap();
                    write(writer, item);
                    writer.end_item().unwrap();
                }
                writer.end_sequence().unwrap();
            }
        }
    }
}

fn take(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn two(bytes: &mut &[u8]) -> u16 {
    u16::from_le_bytes([take(bytes).unwrap_or(0), take(bytes).unwrap_or(0)])
}
