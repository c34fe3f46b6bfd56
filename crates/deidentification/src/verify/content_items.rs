//! Content items of a report that lack what their value type requires (PS3.3 C.17.3): a reader may refuse the whole tree for one.

use std::collections::{BTreeMap, BTreeSet};

use dicom_core::Tag;
use dicom_stream::Token;

use super::original::is_filled;

const CONTENT_SEQUENCE: Tag = Tag(0x0040, 0xA730);
const VALUE_TYPE: Tag = Tag(0x0040, 0xA040);
const CONCEPT_CODE_SEQUENCE: Tag = Tag(0x0040, 0xA168);
const MEASURED_VALUE_SEQUENCE: Tag = Tag(0x0040, 0xA300);
const REFERENCED_SOP_SEQUENCE: Tag = Tag(0x0008, 0x1199);
/// Code Value, Long Code Value, URN Code Value: a code has one of them (PS3.3 Table 8.8-1).
const CODE_VALUES: [Tag; 3] = [Tag(0x0008, 0x0100), Tag(0x0008, 0x0119), Tag(0x0008, 0x0120)];

/// What a content item of this value type has to have (PS3.3 Table C.17.3-7).
fn required(value_type: &str) -> Option<Tag> {
    Some(match value_type {
        "DATETIME" => Tag(0x0040, 0xA120),
        "DATE" => Tag(0x0040, 0xA121),
        "TIME" => Tag(0x0040, 0xA122),
        "PNAME" => Tag(0x0040, 0xA123),
        "UIDREF" => Tag(0x0040, 0xA124),
        "TEXT" => Tag(0x0040, 0xA160),
        "CODE" => CONCEPT_CODE_SEQUENCE,
        "NUM" => MEASURED_VALUE_SEQUENCE,
        "IMAGE" | "COMPOSITE" | "WAVEFORM" => REFERENCED_SOP_SEQUENCE,
        _ => return None,
    })
}

/// The content items of one data set.
#[derive(Debug, Clone, Default)]
pub(super) struct ContentItems {
    /// Open sequences, each with its open item.
    open: Vec<(Tag, Item)>,
    /// In how many items the attribute is lacking.
    lacking: BTreeMap<Tag, u64>,
}

#[derive(Debug, Clone, Default)]
struct Item {
    value_type: String,
    filled: BTreeSet<Tag>,
}

impl ContentItems {
    /// Takes the next token of the data set.
    pub(super) fn token(&mut self, token: &Token<'_>) {
        match token {
            Token::Value { header, value } => self.value(header.tag, value, is_filled(header.vr, value)),
            Token::BulkStart { header } => self.value(header.tag, b"", true),
            Token::SequenceStart { header } => {
                // Type 2: it may be empty.
                if header.tag == MEASURED_VALUE_SEQUENCE {
                    self.fill(0, header.tag);
                }
                self.open.push((header.tag, Item::default()));
            }
            Token::ItemStart { .. } => {
                if let Some((tag, item)) = self.open.last_mut() {
                    *item = Item::default();
                    if *tag == REFERENCED_SOP_SEQUENCE {
                        self.fill(1, REFERENCED_SOP_SEQUENCE);
                    }
                }
            }
            Token::ItemEnd { .. } => self.end_item(),
            Token::SequenceEnd { .. } => {
                self.open.pop();
            }
            _ => {}
        }
    }

    fn value(&mut self, tag: Tag, value: &[u8], is_filled: bool) {
        let Some((sequence, item)) = self.open.last_mut() else { return };
        if tag == VALUE_TYPE && *sequence == CONTENT_SEQUENCE {
            item.value_type = String::from_utf8_lossy(value).trim_matches([' ', '\0']).to_owned();
        }
        let is_code = *sequence == CONCEPT_CODE_SEQUENCE && CODE_VALUES.contains(&tag);
        // A measured value without one is of Type 2.
        if is_filled || tag == MEASURED_VALUE_SEQUENCE {
            self.fill(0, tag);
        }
        if is_filled && is_code {
            self.fill(1, CONCEPT_CODE_SEQUENCE);
        }
    }

    /// The content item so many sequences outwards has this attribute.
    fn fill(&mut self, outwards: usize, tag: Tag) {
        if let Some((CONTENT_SEQUENCE, item)) = self.open.iter_mut().rev().nth(outwards) {
            item.filled.insert(tag);
        }
    }

    fn end_item(&mut self) {
        let Some((CONTENT_SEQUENCE, item)) = self.open.last() else { return };
        if let Some(tag) = required(&item.value_type).filter(|tag| !item.filled.contains(tag)) {
            *self.lacking.entry(tag).or_default() += 1;
        }
    }

    /// What is lacking in more items of `output` than here: sequences around, then the attribute.
    pub(super) fn lost_in<'a>(&'a self, output: &'a Self) -> impl Iterator<Item = Vec<Tag>> + 'a {
        let before = |tag: &Tag| self.lacking.get(tag).copied().unwrap_or_default();
        let lost = output.lacking.iter().filter(move |(tag, after)| **after > before(tag));
        lost.map(|(tag, _)| vec![CONTENT_SEQUENCE, *tag])
    }
}
