//! What a rule is about: `(0018,1030)`, `(0018,10xx)`, `ProtocolName`, `Protocol*`, `vr:LO`, `creator:SIEMENS CSA HEADER`.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use super::dictionary;

/// What may stand in a selector.
pub(super) const HINT: &str =
    "write (gggg,eeee) with x for any digit, a keyword with * for any letters, vr:XX or creator:NAME";

/// Which elements a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selector {
    /// Tags whose bits under the mask are these.
    Tags { bits: u32, mask: u32 },
    /// Keywords that begin and end like this.
    Keyword { begin: String, end: String },
    /// VR of PS3.6, or of the element where the tag is not known.
    Vr(VR),
    /// Private elements of this creator.
    Creator(String),
}

impl Selector {
    /// Reads a selector; `None` when it names nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(vr) = text.strip_prefix("vr:") {
            return Some(Self::Vr(vr.parse().ok()?));
        }
        if let Some(creator) = text.strip_prefix("creator:") {
            return (!creator.trim().is_empty()).then(|| Self::Creator(creator.trim().to_owned()));
        }
        if let Some(digits) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            return tags(digits);
        }
        match text.split_once('*') {
            Some((begin, end)) => {
                let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
                (letters(begin) && letters(end) && !text.is_empty())
                    .then(|| Self::Keyword { begin: begin.to_owned(), end: end.to_owned() })
            }
            None => {
                let tag = StandardDataDictionary.by_name(text)?.tag();
                Some(Self::of(tag))
            }
        }
    }

    fn of(tag: Tag) -> Self {
        Self::Tags { bits: number(tag), mask: u32::MAX }
    }

    /// The one tag it names, if it names one.
    pub(crate) fn single(&self) -> Option<Tag> {
        match self {
            Self::Tags { bits, mask: u32::MAX } => Some(Tag((bits >> 16) as u16, (bits & 0xFFFF) as u16)),
            _ => None,
        }
    }

    /// Whether it is about this element; `creator` is that of a private one.
    pub(crate) fn matches(&self, tag: Tag, vr: VR, creator: Option<&str>) -> bool {
        match self {
            Self::Tags { bits, mask } => number(tag) & mask == *bits,
            Self::Keyword { begin, end } => dictionary(tag).is_some_and(|(_, keyword)| {
                keyword.len() >= begin.len() + end.len()
                    && keyword.starts_with(begin)
                    && keyword.ends_with(end)
            }),
            Self::Vr(wanted) => *wanted == vr,
            Self::Creator(wanted) => creator == Some(wanted.as_str()),
        }
    }
}

/// `gggg,eeee`, each digit hex or `x`.
fn tags(text: &str) -> Option<Selector> {
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
    Some(Selector::Tags { bits, mask })
}

fn number(tag: Tag) -> u32 {
    u32::from(tag.group()) << 16 | u32::from(tag.element())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOL_NAME: Tag = Tag(0x0018, 0x1030);

    #[test]
    fn forms_of_a_selector() {
        for text in
            ["(0018,1030)", "(0018,10xx)", "(0018,xxxx)", "ProtocolName", "Protocol*", "*Name", "vr:LO"]
        {
            assert!(Selector::parse(text).unwrap().matches(PROTOCOL_NAME, VR::LO, None), "{text}");
        }
        for text in ["(0018,1031)", "(0019,xxxx)", "Protocols*", "vr:SH", "creator:ACME"] {
            assert!(!Selector::parse(text).unwrap().matches(PROTOCOL_NAME, VR::LO, None), "{text}");
        }
        for text in ["", "(0018,103)", "(0018,10g0)", "NoSuchKeyword", "vr:QQ", "creator: ", "a b*"] {
            assert_eq!(Selector::parse(text), None, "{text}");
        }
        let creator = Selector::parse("creator:ACME 1.0").unwrap();
        assert!(creator.matches(Tag(0x0019, 0x1001), VR::UN, Some("ACME 1.0")));
    }
}
