//! Which Specific Character Set holds at a place, and which one the output is written in (section 4 of the rules, RC-09).

use std::collections::BTreeSet;

use dicom_stream::VR;
use dicom_stream::charset::{CharacterSet, Fidelity, uses_character_set};

use crate::own_record::OwnRecord;
use crate::own_sequence::each_value;
use crate::report::TextSet;

/// The character set of the main data set, and of the items that declare their own (PS3.3 C.12.1.1.2).
#[derive(Debug, Clone, Default)]
pub(crate) struct Sets {
    root: CharacterSet,
    /// Depth (open sequences) at which a set was declared.
    items: Vec<(usize, CharacterSet)>,
}

impl Sets {
    pub(crate) fn new(root: CharacterSet) -> Self {
        Self { root, items: Vec::new() }
    }

    /// The set in force.
    pub(crate) fn current(&self) -> &CharacterSet {
        self.items.last().map_or(&self.root, |(_, set)| set)
    }

    /// Whether the set in force is that of the main data set.
    pub(crate) fn is_root(&self) -> bool {
        self.items.is_empty()
    }

    /// A Specific Character Set at this depth.
    pub(crate) fn declare(&mut self, depth: usize, value: &[u8]) {
        let set = CharacterSet::parse(value).0;
        if depth == 0 {
            self.root = set;
        } else {
            self.leave(depth);
            self.items.push((depth, set));
        }
    }

    /// An item at this depth begins or ends.
    pub(crate) fn leave(&mut self, depth: usize) {
        while self.items.last().is_some_and(|(declared, _)| *declared >= depth) {
            self.items.pop();
        }
    }
}

/// What pass 1 saw of the text that is in the character set of the main data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repertoire {
    /// Characters beyond ASCII, and those of ASCII that some sets do not have; `None` when there are too many to name.
    characters: Option<BTreeSet<char>>,
    /// How far the text can be trusted.
    pub(crate) fidelity: Fidelity,
}

/// Different characters that are told apart: more than any single-byte set, and most reports of the others.
const CHARACTERS_MAX: usize = 8192;

impl Repertoire {
    pub(crate) fn new() -> Self {
        Self { characters: Some(BTreeSet::new()), fidelity: Fidelity::Exact }
    }

    /// Adds a value field.
    pub(crate) fn add(&mut self, set: &CharacterSet, vr: VR, field: &[u8]) {
        if !uses_character_set(vr) {
            return;
        }
        let (text, fidelity) = set.decode_checked(vr, field);
        self.fidelity = self.fidelity.max(fidelity);
        if let Some(characters) = &mut self.characters {
            characters.extend(text.chars().filter(|c| !c.is_ascii() || *c == '~'));
        }
        if self.characters.as_ref().is_some_and(|characters| characters.len() > CHARACTERS_MAX) {
            self.characters = None;
        }
    }

    fn fits(&self, set: &CharacterSet) -> bool {
        let holds = |c: &char| set.encode(VR::LT, c.encode_utf8(&mut [0; 4])).is_ok();
        match &self.characters {
            Some(characters) => characters.iter().all(holds),
            None => *set == CharacterSet::utf8(),
        }
    }
}

/// The set of the output.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) set: CharacterSet,
    pub(crate) kind: TextSet,
    /// Whether the partner's text has to be written anew.
    pub(crate) re_encode: bool,
}

/// Neither side may lose a character, and neither can be read well enough to be written anew: a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// The source's set if it holds the partner's text, else the partner's if it holds the identity, else UTF-8.
pub(crate) fn choose(
    own: &OwnRecord,
    received: &CharacterSet,
    text: &Repertoire,
) -> Result<Target, Unreadable> {
    let source = own.set();
    if source == *received {
        return Ok(Target { set: source, kind: TextSet::Source, re_encode: false });
    }
    let readable = text.fidelity < Fidelity::Replaced;
    if readable && text.fits(&source) {
        return Ok(Target { set: source, kind: TextSet::Source, re_encode: true });
    }
    let mut identity = Repertoire::new();
    for attribute in &own.attributes {
        // an item with a set of its own keeps it
        let add = |_, vr, set: &CharacterSet, bytes: &[u8]| {
            if *set == source {
                identity.add(&source, vr, bytes);
            }
        };
        each_value(attribute.tag, attribute.vr, attribute.value.bytes(), &source, add);
    }
    if identity.fidelity > Fidelity::Exact {
        return Err(Unreadable);
    }
    if identity.fits(received) {
        return Ok(Target { set: received.clone(), kind: TextSet::Partner, re_encode: false });
    }
    if readable {
        Ok(Target { set: CharacterSet::utf8(), kind: TextSet::Utf8, re_encode: true })
    } else {
        Err(Unreadable)
    }
}
