//! What a rule is about. The grammar is told once, in `docs/profile-rules.md`.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, TagRange};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use super::dictionary;

/// What may stand in a selector.
const HINT: &str =
    "write (gggg,eeee) with x for any digit, a keyword with * for any letters, vr:XX or creator:NAME";

/// Which elements a rule is about, and where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    stands: Stands,
    /// Sequences around the element, the outermost first.
    around: Vec<Around>,
    pub(super) element: Element,
}

/// Where the first part of a selector stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Anywhere,
    /// In the main data set.
    Root,
    /// In an item.
    Nested,
}

/// A sequence, and which of its items, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Around {
    sequence: Element,
    item: Option<u64>,
}

/// Elements by what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Element {
    /// Tags whose bits under the mask are these.
    Tags { bits: u32, mask: u32 },
    /// Keywords that are these pieces with any letters between them.
    Keyword(Vec<String>),
    /// VR of PS3.6, or of the element where the tag is not known.
    Vr(VR),
    /// Private elements of this creator whose tag has these bits under the mask.
    Creator { bits: u32, mask: u32, name: String },
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// What is wrong with it, and what may stand there.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (stands, mut rest) = match text.split_once(':') {
            Some(("root", rest)) => (Stands::Root, rest),
            Some(("nested", rest)) => (Stands::Nested, rest),
            _ => (Stands::Anywhere, text),
        };
        let mut around = Vec::new();
        while let Some((sequence, after)) = rest.split_once('/').filter(|(part, _)| !part.contains(CREATOR)) {
            around.push(Around::parse(sequence)?);
            rest = after;
        }
        Ok(Self { stands, around, element: Element::parse(rest)? })
    }

    /// Whether it says where its elements stand.
    pub(super) fn is_placed(&self) -> bool {
        self.stands != Stands::Anywhere || !self.around.is_empty()
    }

    /// Whether it can be about an element of the main data set.
    pub(super) fn reaches_root(&self) -> bool {
        self.stands != Stands::Nested && self.around.is_empty()
    }

    /// Whether an element inside these sequences, the outermost first, each with the number of its open item, stands where it says.
    pub(super) fn stands(&self, path: &[(Tag, u64)]) -> bool {
        let Some(above) = path.len().checked_sub(self.around.len()) else { return false };
        let begins = match self.stands {
            Stands::Anywhere => true,
            Stands::Root => above == 0,
            Stands::Nested => above > 0,
        };
        let is_inside = |((tag, item), around): (&(Tag, u64), &Around)| {
            around.sequence.matches(*tag, VR::SQ, None) && around.item.is_none_or(|of| of == *item)
        };
        begins && path.iter().skip(above).zip(&self.around).all(is_inside)
    }

    /// Whether it is about everything that `other` is about; `false` where it cannot be told.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let takes = |tag| self.element.matches(tag, dictionary(tag).map_or(VR::UN, |(vr, _)| vr), None);
        self == other
            || !self.is_placed()
                && (self.element == other.element || other.element.single().is_some_and(takes))
    }
}

impl Around {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, item) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            Some((name, item)) => {
                let item = item.parse().ok().filter(|item| *item > 0);
                (name, Some(item.ok_or_else(|| format!("{text:?}: items are counted from 1"))?))
            }
            None => (text, None),
        };
        let sequence = Element::parse(name)?;
        let is_other = |tag| dictionary(tag).is_some_and(|(vr, _)| vr != VR::SQ);
        match &sequence {
            Element::Vr(_) | Element::Creator { .. } => Err(format!("{name:?} names no sequence")),
            of if of.single().is_some_and(is_other) => Err(format!("{name:?} is no sequence")),
            _ => Ok(Self { sequence, item }),
        }
    }
}

const CREATOR: &str = "creator:";

impl Element {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(vr) = text.strip_prefix("vr:") {
            return vr.parse().map(Self::Vr).map_err(|_| format!("{vr:?} is no VR"));
        }
        if let Some(name) = text.strip_prefix(CREATOR) {
            return Self::of_creator(0, 0, name);
        }
        if let Some((digits, after)) = text.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            let (bits, mask) = tags(digits).ok_or_else(|| format!("{text:?} is no tag: {HINT}"))?;
            return match after.strip_prefix(CREATOR) {
                Some(name) => Self::of_creator(bits, mask, name),
                None if after.is_empty() => Ok(Self::Tags { bits, mask }),
                None => Err(format!("{after:?} behind a tag: {HINT}")),
            };
        }
        if text.contains('*') {
            let pieces: Vec<String> = text.split('*').map(str::to_owned).collect();
            let letters = |piece: &String| piece.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let is_keyword = pieces.iter().all(letters);
            return is_keyword.then_some(Self::Keyword(pieces)).ok_or_else(|| format!("{text:?}: {HINT}"));
        }
        let entry = StandardDataDictionary.by_name(text);
        let entry = entry.ok_or_else(|| format!("{text:?} is no keyword of PS3.6: {HINT}"))?;
        let mask = match entry.tag_range() {
            TagRange::Group100(_) => 0xFF00_FFFF,
            TagRange::Element100(_) => 0xFFFF_FF00,
            _ => u32::MAX,
        };
        Ok(Self::Tags { bits: number(entry.tag()) & mask, mask })
    }

    fn of_creator(bits: u32, mask: u32, name: &str) -> Result<Self, String> {
        let name = name.trim().to_owned();
        if name.is_empty() {
            Err("creator: names nobody".to_owned())
        } else {
            Ok(Self::Creator { bits, mask, name })
        }
    }

    /// The one tag it names, if it names one.
    pub(super) fn single(&self) -> Option<Tag> {
        match self {
            Self::Tags { bits, mask: u32::MAX } => Some(Tag((bits >> 16) as u16, (bits & 0xFFFF) as u16)),
            _ => None,
        }
    }

    /// Whether it is about this element; `creator` is that of a private one.
    pub(super) fn matches(&self, tag: Tag, vr: VR, creator: Option<&str>) -> bool {
        match self {
            Self::Tags { bits, mask } => number(tag) & mask == *bits,
            Self::Keyword(pieces) => dictionary(tag).is_some_and(|(_, keyword)| fits(pieces, keyword)),
            Self::Vr(wanted) => *wanted == vr,
            Self::Creator { bits, mask, name } => {
                creator == Some(name.as_str()) && number(tag) & mask == *bits
            }
        }
    }
}

/// Whether the keyword is the pieces, in order, with anything between them.
fn fits(pieces: &[String], keyword: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return false };
    let (Some(mut left), Some((last, middle))) = (keyword.strip_prefix(first.as_str()), rest.split_last())
    else {
        return false;
    };
    for piece in middle {
        let Some((_, after)) = left.split_once(piece.as_str()) else { return false };
        left = after;
    }
    left.ends_with(last.as_str())
}

/// `gggg,eeee`, each digit hex or `x`: bits and mask.
fn tags(text: &str) -> Option<(u32, u32)> {
    let (group, element) = text.split_once(',')?;
    if group.len() != 4 || element.len() != 4 {
        return None;
    }
    let (mut bits, mut mask) = (0, 0);
    for digit in group.chars().chain(element.chars()) {
        (bits, mask) = (bits << 4, mask << 4);
        if !matches!(digit, 'x' | 'X') {
            bits |= digit.to_digit(16)?;
            mask |= 0xF;
        }
    }
    Some((bits, mask))
}

fn number(tag: Tag) -> u32 {
    u32::from(tag.group()) << 16 | u32::from(tag.element())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOL_NAME: Tag = Tag(0x0018, 0x1030);
    const REFERENCED_SERIES: Tag = Tag(0x0008, 0x1115);
    const REQUEST_ATTRIBUTES: Tag = Tag(0x0040, 0x0275);

    fn is_about(text: &str, tag: Tag, vr: VR, creator: Option<&str>) -> bool {
        Selector::parse(text).unwrap().element.matches(tag, vr, creator)
    }

    #[test]
    fn forms_of_an_element() {
        for text in [
            "(0018,1030)",
            "(0018,10xx)",
            "(0018,xxxx)",
            "ProtocolName",
            "Protocol*",
            "*Name",
            "*toc*Na*",
            "*",
            "vr:LO",
        ] {
            assert!(is_about(text, PROTOCOL_NAME, VR::LO, None), "{text}");
        }
        for text in ["(0018,1031)", "(0019,xxxx)", "Protocols*", "*Name*Proto*", "vr:SH", "creator:ACME"] {
            assert!(!is_about(text, PROTOCOL_NAME, VR::LO, None), "{text}");
        }
        assert!(is_about("creator:ACME 1.0", Tag(0x0019, 0x1001), VR::UN, Some("ACME 1.0")));
        let low = "(0019,xx0C)creator:http://acme/1";
        assert!(is_about(low, Tag(0x0019, 0x110C), VR::UN, Some("http://acme/1")));
        assert!(!is_about(low, Tag(0x0019, 0x110D), VR::UN, Some("http://acme/1")));
        assert!(!is_about(low, Tag(0x0019, 0x110C), VR::UN, Some("http://acme/2")));
        // PS3.6: overlay groups repeat, (60xx,0022)
        assert!(is_about("OverlayDescription", Tag(0x6002, 0x0022), VR::LO, None));
    }

    #[test]
    fn what_names_nothing_is_refused_and_says_why() {
        for (text, what) in [
            ("", "is no keyword"),
            ("(0018,103)", "is no tag"),
            ("(0018,10g0)", "is no tag"),
            ("(0018,1030)x", "behind a tag"),
            ("NoSuchKeyword", "\"NoSuchKeyword\" is no keyword"),
            ("NoSuchSequence/ProtocolName", "\"NoSuchSequence\" is no keyword"),
            ("ProtocolName/StudyDate", "\"ProtocolName\" is no sequence"),
            ("vr:LO/StudyDate", "names no sequence"),
            ("RequestAttributesSequence[0]/StudyDate", "counted from 1"),
            ("RequestAttributesSequence[x]/StudyDate", "counted from 1"),
            ("RequestAttributesSequence/", "is no keyword"),
            ("inside:StudyDate", "is no keyword"),
            ("vr:QQ", "is no VR"),
            ("creator: ", "names nobody"),
            ("a b*", "write (gggg,eeee)"),
        ] {
            let error = Selector::parse(text).unwrap_err();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn places_of_a_selector() {
        let (root, in_request, in_series, deep) = (
            vec![],
            vec![(REQUEST_ATTRIBUTES, 1)],
            vec![(REFERENCED_SERIES, 2)],
            vec![(REFERENCED_SERIES, 2), (REQUEST_ATTRIBUTES, 1)],
        );
        let places = [&root, &in_request, &in_series, &deep];
        for (text, expected) in [
            ("ProtocolName", [true, true, true, true]),
            ("root:ProtocolName", [true, false, false, false]),
            ("nested:ProtocolName", [false, true, true, true]),
            ("RequestAttributesSequence/ProtocolName", [false, true, false, true]),
            ("root:RequestAttributesSequence/ProtocolName", [false, true, false, false]),
            ("nested:RequestAttributesSequence/ProtocolName", [false, false, false, true]),
            ("Referenced*Sequence/(0040,xxxx)/vr:LO", [false, false, false, true]),
            ("ReferencedSeriesSequence[2]/ProtocolName", [false, false, true, false]),
            ("ReferencedSeriesSequence[1]/ProtocolName", [false, false, false, false]),
            (
                "ReferencedSeriesSequence[2]/RequestAttributesSequence/creator:A/B",
                [false, false, false, true],
            ),
        ] {
            let selector = Selector::parse(text).unwrap();
            assert_eq!(places.map(|place| selector.stands(place)), expected, "{text}");
        }
    }
}
