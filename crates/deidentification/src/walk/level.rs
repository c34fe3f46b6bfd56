//! Where the walk stands: the data set itself, then each sequence around the next element.

use dicom_core::Tag;

use crate::creators::Creators;
use crate::iod::Node;
use crate::report::Place;

/// What a sequence is to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Rules by tag.
    #[default]
    Plain,
    /// All text in it is cleaned (action C of a sequence), at every depth.
    CleanItems,
    /// Its items are content items (PS3.3 C.17.3): Table E.3.4-1 decides about their values.
    Content,
    /// The concept name of a content item.
    ConceptName,
    /// A code in a content item: its meaning is cleaned when its scheme is no public one.
    Code,
}

/// One level of the walk. What belongs to an item begins anew with each.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// The sequence; `None` for a data set.
    pub(super) tag: Option<Tag>,
    pub(super) node: Node,
    pub(super) place: Place,
    pub(super) kind: Kind,
    /// The items of (0012,0064): ours follow them.
    pub(super) append_method_codes: bool,
    /// Creators of the data set or item.
    pub(super) creators: Creators,
    /// Coding scheme of the item, when it is a code.
    pub(super) scheme: String,
    /// Code value of the item, when it is a code.
    pub(super) code: String,
    /// Concept name of the content item: scheme and code.
    pub(super) concept: (String, String),
    /// Value type of the content item.
    pub(super) value_type: String,
}

impl Level {
    pub(super) fn new(node: Node, place: Place, kind: Kind) -> Self {
        Self { node, place, kind, ..Self::default() }
    }

    /// Forgets what belonged to the item before.
    pub(super) fn begin_item(&mut self) {
        self.creators.clear();
        self.scheme.clear();
        self.code.clear();
        self.concept = (String::new(), String::new());
        self.value_type.clear();
    }

    /// What a sequence inside this one is, unless its own rule says more.
    pub(super) fn inherited(&self, tag: Tag) -> Kind {
        match (self.kind, tag) {
            (Kind::CleanItems, _) => Kind::CleanItems,
            (Kind::Content, Tag(0x0040, 0xA043)) => Kind::ConceptName,
            (Kind::Content, Tag(0x0040, 0xA168 | 0xA050 | 0x08EA)) => Kind::Code,
            _ => Kind::Plain,
        }
    }
}

/// Schemes whose code meanings are published words (PS3.16 Table 8-1), by designator.
const PUBLIC_SCHEMES: [&str; 22] = [
    "ACR", "BI", "C4", "CD4", "DCM", "FMA", "I10", "I10P", "I11", "I9", "I9C", "LN", "MSH", "NCIt", "NICIP", "RADLEX",
    "SCT", "SNM3", "SRT", "UBERON", "UCUM", "UMLS",
];

/// Whether a scheme is one of those.
pub(super) fn is_public_scheme(scheme: &str) -> bool {
    PUBLIC_SCHEMES.contains(&scheme)
}
