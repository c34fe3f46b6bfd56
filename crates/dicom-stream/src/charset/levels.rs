//! Which repertoires are in force where: an item may declare its own, for itself and what is below it (PS3.3 C.12.1.1.2).

use std::ops::Deref;

use dicom_core::Tag;

use super::CharacterSet;
use crate::token::Token;

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);

/// The character set in force at the token that was read last. Dereferences to it.
#[derive(Debug, Clone, Default)]
pub struct CharacterSets {
    outer: CharacterSet,
    /// What was declared so far and still holds: items around it, and the set.
    declared: Vec<(usize, CharacterSet)>,
    /// Open items.
    depth: usize,
}

impl CharacterSets {
    /// For a data set, or a sequence stored as UN, that begins inside something with this set.
    #[must_use]
    pub fn inside(outer: CharacterSet) -> Self {
        Self { outer, ..Self::default() }
    }

    /// Takes the next token. All tokens have to come by, those of sequences that nobody else looks at too.
    pub fn token(&mut self, token: &Token<'_>) {
        match token {
            Token::Value { header, value } if header.tag == SPECIFIC_CHARACTER_SET => {
                self.declared.retain(|(depth, _)| *depth < self.depth);
                self.declared.push((self.depth, CharacterSet::parse(value).0));
            }
            Token::ItemStart { .. } => self.depth += 1,
            Token::ItemEnd { .. } => {
                self.depth = self.depth.saturating_sub(1);
                self.declared.retain(|(depth, _)| *depth <= self.depth);
            }
            _ => {}
        }
    }
}

impl Deref for CharacterSets {
    type Target = CharacterSet;

    fn deref(&self) -> &CharacterSet {
        self.declared.last().map_or(&self.outer, |(_, set)| set)
    }
}
