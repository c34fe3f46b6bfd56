//! Where a walk over a data set stands: the data set itself, then each sequence around the next element.

use dicom_core::{Tag, VR};

use crate::content::content_rule;
use crate::creators::Creators;
use crate::dummy::trimmed;
use crate::iod::Node;
use crate::profile::{Rule, Settings, Treatment};
use crate::report::Place;
use crate::table::Action;

/// What a sequence is to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
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
    /// The measured value of the content item Subject Age: pooled where ages are. Its item notes the code of its unit.
    Age,
}

/// One level of the walk. What belongs to an item begins anew with each.
#[derive(Debug, Default)]
pub(crate) struct Level {
    /// The sequence; `None` for a data set.
    pub(crate) tag: Option<Tag>,
    pub(crate) node: Node,
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    /// The items of (0012,0064): ours follow them.
    pub(crate) append_method_codes: bool,
    /// Creators of the data set or item.
    pub(crate) creators: Creators,
    /// Coding scheme of the item, when it is a code.
    pub(crate) scheme: String,
    /// Code value of the item, when it is a code.
    pub(crate) code: String,
    /// Concept name of the content item: scheme and code.
    pub(crate) concept: (String, String),
    /// Value type of the content item.
    pub(crate) value_type: String,
    /// Place of the open item among all items of the data set: the same in every walk over it.
    pub(crate) position: Position,
    /// Place of the sequence.
    pub(crate) sequence: Position,
    /// Items begun.
    pub(crate) items: u64,
    /// Whether a dummy text has to be written into the content item, in place of its reference.
    pub(crate) text_is_due: bool,
}

/// A place in a data set, as a hash over tags and item numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Position(u64);

impl Position {
    /// FNV-1a over the eight bytes of `number`.
    fn then(self, number: u64) -> Self {
        let start = if self.0 == 0 { 0xCBF2_9CE4_8422_2325 } else { self.0 };
        let mixed = number.to_le_bytes();
        Self(mixed.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3)))
    }
}

impl Level {
    /// Inside the sequence `tag` of the item or data set that `outer` is in.
    pub(crate) fn inside(outer: Option<&Self>, tag: Tag, kind: Kind) -> Self {
        let outer = outer.map_or_else(Position::default, |outer| outer.position);
        let sequence = outer.then(u64::from(tag.group()) << 16 | u64::from(tag.element()));
        Self { tag: Some(tag), kind, sequence, ..Self::default() }
    }

    /// Forgets what belonged to the item before.
    pub(crate) fn begin_item(&mut self) {
        self.creators.clear();
        self.scheme.clear();
        self.code.clear();
        self.concept = (String::new(), String::new());
        self.value_type.clear();
        self.text_is_due = false;
        self.items += 1;
        self.position = self.sequence.then(self.items);
    }

    /// What the profile says of an element here; `rule` is that of its tag.
    pub(crate) fn rule(&self, tag: Tag, rule: Rule, settings: Settings) -> Rule {
        if let Some(rule) = content_rule(self, tag, rule, settings) {
            return rule;
        }
        if self.kind == Kind::Age && settings.pool_ages_over_89 {
            return pooled(tag, rule);
        }
        match rule.treatment {
            Treatment::Term if self.cleans(tag, rule.vr) => Rule { treatment: Treatment::Text, ..rule },
            _ => rule,
        }
    }

    /// Whether text is cleaned here that would stay elsewhere: all of an item that is cleaned, and meanings that no public coding scheme
    /// defines.
    fn cleans(&self, tag: Tag, vr: VR) -> bool {
        let is_text = matches!(vr, VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT);
        let is_published = tag == CODE_MEANING && PUBLIC_SCHEMES.contains(&self.scheme.as_str());
        match self.kind {
            Kind::CleanItems | Kind::Content => is_text && !is_code(tag) && !is_published,
            Kind::ConceptName | Kind::Code => tag == CODE_MEANING && !is_published,
            Kind::Plain | Kind::Age => false,
        }
    }

    /// What a sequence inside this one is, unless its own rule says more.
    pub(crate) fn inherited(&self, tag: Tag, rule: &Rule) -> Kind {
        match (self.kind, tag) {
            (Kind::CleanItems, _) => Kind::CleanItems,
            // An option keeps the code as it is.
            (Kind::Content, Tag(0x0040, 0xA168)) if rule.option().is_some() => Kind::Plain,
            (Kind::Content, Tag(0x0040, 0xA300)) if self.is_subject_age() => Kind::Age,
            (Kind::Content, Tag(0x0040, 0xA043)) => Kind::ConceptName,
            (Kind::Content, Tag(0x0040, 0xA168 | 0xA050 | 0x08EA)) | (Kind::Age, Tag(0x0040, 0x08EA)) => {
                Kind::Code
            }
            _ => Kind::Plain,
        }
    }

    /// Whether the content item is (121033, DCM, "Subject Age").
    fn is_subject_age(&self) -> bool {
        self.concept.0 == "DCM" && self.concept.1 == "121033"
    }
}

/// In the measured value of an age: Numeric Value by its unit; Floating Point Value and Rational Value, which repeat it, go.
fn pooled(tag: Tag, rule: Rule) -> Rule {
    let by = |treatment| Rule { treatment, basic: Action::X, ..rule };
    match tag {
        Tag(0x0040, 0xA30A) => by(Treatment::Age),
        Tag(0x0040, 0xA161..=0xA163) => by(Treatment::Action(Action::X)),
        _ => rule,
    }
}

/// Schemes whose code meanings are published words (PS3.16 Table 8-1), by designator.
const PUBLIC_SCHEMES: [&str; 22] = [
    "ACR", "BI", "C4", "CD4", "DCM", "FMA", "I10", "I10P", "I11", "I9", "I9C", "LN", "MSH", "NCIt", "NICIP",
    "RADLEX", "SCT", "SNM3", "SRT", "UBERON", "UCUM", "UMLS",
];

const CODE_MEANING: Tag = Tag(0x0008, 0x0104);

/// Code value, coding scheme and its version.
fn is_code(tag: Tag) -> bool {
    matches!(tag, Tag(0x0008, 0x0100 | 0x0102 | 0x0103))
}

/// Notes what the item at the end of `levels` says of itself: concept names and codes.
pub(crate) fn look_at_item(levels: &mut [Level], tag: Tag, value: &[u8]) {
    let text = || String::from_utf8_lossy(trimmed(value)).into_owned();
    let Some((level, outer)) = levels.split_last_mut() else { return };
    match (level.kind, tag) {
        (Kind::Plain, _) => return,
        (_, Tag(0x0008, 0x0100 | 0x0119 | 0x0120)) => level.code = text(),
        (_, Tag(0x0008, 0x0102)) => level.scheme = text(),
        (Kind::Content, Tag(0x0040, 0xA040)) => level.value_type = text(),
        _ => return,
    }
    if level.kind == Kind::ConceptName
        && let Some(item) = outer.last_mut()
    {
        item.concept = (level.scheme.clone(), level.code.clone());
    }
    if level.kind == Kind::Code
        && let Some(item) = outer.last_mut().filter(|item| item.kind == Kind::Age)
    {
        item.code.clone_from(&level.code);
    }
}
