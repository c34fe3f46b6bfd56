//! What trusted equipment says of its own private elements: (0008,0300) Private Data Element Characteristics Sequence (PS3.3 C.12.1.1.7).

use std::collections::BTreeMap;

use dicom_core::Tag;
use dicom_stream::Encoding;

use crate::text::ascii_trimmed;

pub(crate) const PRIVATE_DATA_ELEMENT_CHARACTERISTICS: Tag = Tag(0x0008, 0x0300);
const GROUP_REFERENCE: Tag = Tag(0x0008, 0x0301);
pub(super) const PRIVATE_CREATOR_REFERENCE: Tag = Tag(0x0008, 0x0302);
const BLOCK_STATUS: Tag = Tag(0x0008, 0x0303);
const NONIDENTIFYING: Tag = Tag(0x0008, 0x0304);

/// Most blocks that are believed.
const BLOCKS_MAX: usize = 256;

/// Most digits in a row that a version has.
const VERSION_DIGITS: usize = 6;

#[derive(Debug, Default)]
struct Block {
    /// `SAFE`: all of it.
    is_safe: bool,
    /// Low bytes of (0008,0304).
    safe: Vec<u8>,
}

/// What the equipment states, for each block. Identifying elements go: whatever action (0008,0307) asks for, removal satisfies.
#[derive(Debug, Default)]
pub(crate) struct Characteristics {
    blocks: BTreeMap<(String, u16), Block>,
    group: Option<u16>,
    creator: String,
    status: String,
    safe: Vec<u8>,
}

impl Characteristics {
    /// An element of an item.
    pub(super) fn value(&mut self, tag: Tag, encoding: Encoding, value: &[u8]) {
        let pairs = value.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
        let mut shorts = pairs.map(|pair| match encoding {
            Encoding::ExplicitBig => u16::from_be_bytes(pair),
            _ => u16::from_le_bytes(pair),
        });
        match tag {
            GROUP_REFERENCE => self.group = shorts.next(),
            PRIVATE_CREATOR_REFERENCE => self.creator = ascii_trimmed(value).unwrap_or_default().to_owned(),
            BLOCK_STATUS => self.status = ascii_trimmed(value).unwrap_or_default().to_owned(),
            NONIDENTIFYING => self.safe = shorts.map(|element| (element & 0xFF) as u8).collect(),
            _ => {}
        }
    }

    /// The creator that the open item is about; `None` where it has more digits in a row than a version: a telephone number, an id.
    pub(super) fn creator(&self) -> Option<&str> {
        let mut runs = self.creator.split(|c: char| !c.is_ascii_digit());
        runs.all(|run| run.len() <= VERSION_DIGITS).then_some(self.creator.as_str())
    }

    /// The item ends. It counts only when its creator says nothing but what made the equipment: `is_clean`.
    pub(super) fn end_item(&mut self, is_clean: bool) {
        let creator = std::mem::take(&mut self.creator);
        let block = Block {
            is_safe: self.status == "SAFE",
            safe: if self.status == "MIXED" { std::mem::take(&mut self.safe) } else { Vec::new() },
        };
        if let Some(group) = self.group.take()
            && !creator.is_empty()
            && is_clean
            && self.blocks.len() < BLOCKS_MAX
        {
            self.blocks.insert((creator, group), block);
        }
        self.status.clear();
        self.safe.clear();
    }

    /// Whether the equipment calls the element safe; `None` when it says nothing of its block.
    pub(super) fn states(&self, creator: &str, group: u16, low: u8) -> Option<bool> {
        if self.blocks.is_empty() {
            return None;
        }
        let block = self.blocks.get(&(creator.to_owned(), group))?;
        Some(block.is_safe || block.safe.contains(&low))
    }

    /// Whether it speaks of this creator.
    pub(super) fn knows(&self, creator: &str) -> bool {
        self.blocks.keys().any(|(known, _)| known == creator)
    }
}
