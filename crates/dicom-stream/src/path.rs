//! Where an element stands: the sequence path that warnings, reports and findings show. Tags and item numbers only, never a value.

use std::fmt;

use dicom_core::Tag;

/// Path of one element: the sequences around it with their item numbers, then the element itself.
///
/// Shown as `(0040,A730)[2](0040,A160)`; items count from 1, as PS3.18 and dciodvfy do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ElementPath {
    pub(crate) sequences: Vec<(Tag, u32)>,
    pub(crate) tag: Option<Tag>,
}

impl ElementPath {
    /// Path of an element of the main data set.
    pub fn root(tag: Tag) -> Self {
        Self { sequences: Vec::new(), tag: Some(tag) }
    }

    /// Path of `tag` below `sequences`, each with its item number (from 1; 0 = no item yet).
    pub fn nested(sequences: Vec<(Tag, u32)>, tag: Tag) -> Self {
        Self { sequences, tag: Some(tag) }
    }

    /// The enclosing sequences, outermost first, each with its item number.
    pub fn sequences(&self) -> &[(Tag, u32)] {
        &self.sequences
    }

    /// The element itself; absent for a place between elements.
    pub fn tag(&self) -> Option<Tag> {
        self.tag
    }
}

impl fmt::Display for ElementPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (tag, item) in &self.sequences {
            write!(f, "({:04X},{:04X})[{item}]", tag.group(), tag.element())?;
        }
        match self.tag {
            Some(tag) => write!(f, "({:04X},{:04X})", tag.group(), tag.element()),
            None if self.sequences.is_empty() => f.write_str("start of the data set"),
            None => Ok(()),
        }
    }
}
