//! Type of an attribute by SOP class and path (DI-20 to DI-22); the tables are in `iod_types`.

use dicom_core::Tag;

use crate::iod_types::{ATTRIBUTES, COMPOSITE, NODES, SETS, SOP_CLASSES, WORDS};
use crate::table::AttributeType;

/// In every item of codes the same: Type 1 (PS3.3 Table 8.8-1a).
const CODE_MEANING: Tag = Tag(0x0008, 0x0104);

/// The IOD of one SOP class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Iod(u8);

/// A place in the tree of sequences: the root, a listed sequence, or anywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node(Option<u16>);

impl Default for Node {
    fn default() -> Self {
        Self::ROOT
    }
}

impl Node {
    pub(crate) const ROOT: Self = Self(Some(0));

    /// The place inside the sequence `tag`.
    pub(crate) fn child(self, tag: Tag) -> Self {
        let row = self.0.and_then(|parent| NODES.binary_search(&(parent, number(tag))).ok());
        Self(row.and_then(|row| u16::try_from(row + 1).ok()))
    }

    /// Whether it is the root or a listed sequence.
    pub(crate) fn is_listed(self) -> bool {
        self.0.is_some()
    }

    /// The sequences around it, outermost first.
    pub(crate) fn sequences(self) -> Vec<Tag> {
        let mut tags = Vec::new();
        let mut at = self.0;
        while let Some((parent, tag)) =
            at.and_then(|node| NODES.get(usize::from(node).checked_sub(1)?)).copied()
        {
            tags.push(Tag((tag >> 16) as u16, (tag & 0xFFFF) as u16));
            at = Some(parent);
        }
        tags.reverse();
        tags
    }
}

impl Iod {
    /// IOD of a SOP class; the modules common to all composite objects for one that is not listed (DI-22).
    pub(crate) fn of(sop_class: &str) -> Self {
        let row = SOP_CLASSES.binary_search_by(|(uid, _)| (*uid).cmp(sop_class)).ok();
        Self(row.and_then(|row| SOP_CLASSES.get(row)).map_or(COMPOSITE, |(_, iod)| *iod))
    }

    /// Type of the attribute `tag` at `node`.
    pub(crate) fn attribute_type(self, node: Node, tag: Tag) -> AttributeType {
        if tag == CODE_MEANING && node != Node::ROOT {
            return AttributeType::One;
        }
        let set = node.0.and_then(|node| {
            let row = ATTRIBUTES.binary_search_by(|(n, t, _)| (*n, *t).cmp(&(node, number(tag)))).ok()?;
            ATTRIBUTES.get(row).and_then(|(_, _, set)| SETS.get(usize::from(*set)))
        });
        match set {
            Some((one, _)) if self.is_in(one) => AttributeType::One,
            Some((_, two)) if self.is_in(two) => AttributeType::Two,
            _ => AttributeType::Three,
        }
    }

    fn is_in(self, set: &[u64; WORDS]) -> bool {
        set.get(usize::from(self.0 / 64)).is_some_and(|word| word >> (self.0 % 64) & 1 == 1)
    }
}

fn number(tag: Tag) -> u32 {
    u32::from(tag.group()) << 16 | u32::from(tag.element())
}

#[cfg(test)]
mod tests {
    use super::*;
    use AttributeType::{One, Three, Two};

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

    #[test]
    fn tables_are_sorted() {
        assert!(SOP_CLASSES.is_sorted_by_key(|row| row.0));
        assert!(NODES.is_sorted() && ATTRIBUTES.is_sorted_by_key(|row| (row.0, row.1)));
    }

    /// Types as PS3.3 prints them.
    #[test]
    fn types_by_sop_class_and_path() {
        let comprehensive_sr = "1.2.840.10008.5.1.4.1.1.88.33";
        for (sop_class, path, tag, expected) in [
            (CT, &[][..], Tag(0x0010, 0x0010), Two),           // C.7.1.1
            (CT, &[], Tag(0x0008, 0x0023), Two),               // C.7.6.1: 2C
            (CT, &[], Tag(0x0008, 0x0080), Three),             // C.7.5.1
            (comprehensive_sr, &[], Tag(0x0008, 0x0023), One), // C.17.2
            ("1.2.840.10008.5.1.4.1.1.104.1", &[], Tag(0x0042, 0x0010), Two), // C.24.2
            ("1.2.840.10008.5.1.4.1.1.481.3", &[], Tag(0x3006, 0x0008), Two), // C.8.8.5
            ("1.2.840.10008.5.1.4.1.1.481.3", &[Tag(0x3006, 0x0020)], Tag(0x3006, 0x0026), Two),
            (CT, &[Tag(0x3006, 0x0020)], Tag(0x3006, 0x0026), Three),
            ("1.2.840.10008.5.1.1.27", &[], Tag(0x0010, 0x0020), Two), // not listed
            (CT, &[], Tag(0x0008, 0x1090), Three),                     // C.7.5.1
            ("1.2.840.10008.5.1.4.1.1.66.4", &[], Tag(0x0008, 0x1090), One), // C.7.5.2
            (CT, &[Tag(0x0018, 0x9346)], Tag(0x0008, 0x0104), One), // Table 8.8-1a, in a sequence that is not listed
        ] {
            let node = path.iter().fold(Node::ROOT, |node, tag| node.child(*tag));
            assert_eq!(Iod::of(sop_class).attribute_type(node, tag), expected, "{sop_class} {tag}");
        }
    }
}
