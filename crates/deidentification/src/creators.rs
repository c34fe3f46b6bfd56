//! Private Creators of one data set or item: which block belongs to whom (PS3.5 7.8.1).

use dicom_core::Tag;

use crate::text::ascii_trimmed;

/// Most creators of one data set: more are no data set of any equipment, and their elements go.
const CREATORS_MAX: usize = 512;

/// A creator and whether its element was written already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Creator {
    pub(crate) tag: Tag,
    pub(crate) name: String,
    pub(crate) written: bool,
}

/// The creators so far, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Creators(Vec<Creator>);

/// Whether the tag is the place of a creator.
pub(crate) fn is_creator(tag: Tag) -> bool {
    tag.group() % 2 == 1 && (0x0010..=0x00FF).contains(&tag.element())
}

impl Creators {
    /// Notes a creator element.
    pub(crate) fn add(&mut self, tag: Tag, value: &[u8]) {
        if self.0.len() < CREATORS_MAX
            && let Some(name) = ascii_trimmed(value)
        {
            self.0.push(Creator { tag, name: name.to_owned(), written: false });
        }
    }

    /// The creator of a private element, and its low byte. `None`: it is an orphan.
    pub(crate) fn of(&self, tag: Tag) -> Option<(&str, u8)> {
        let block = tag.element() >> 8;
        let owner = |creator: &&Creator| creator.tag.group() == tag.group() && creator.tag.element() == block;
        let creator = self.0.iter().find(owner)?;
        Some((creator.name.as_str(), (tag.element() & 0xFF) as u8))
    }

    /// Those of a group that are not written yet and for which `keep` holds; they count as written then.
    pub(crate) fn take_due(&mut self, group: u16, keep: impl Fn(&str) -> bool) -> Vec<(Tag, String)> {
        let due = self
            .0
            .iter_mut()
            .filter(|creator| creator.tag.group() == group && !creator.written && keep(&creator.name));
        due.map(|creator| {
            creator.written = true;
            (creator.tag, creator.name.clone())
        })
        .collect()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
