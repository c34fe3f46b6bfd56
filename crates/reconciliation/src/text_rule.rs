//! Reviewed rules for text (RR-3): where a partner's text may have its pseudonyms replaced. Without a rule text stays as it is, and what shows
//! a pseudonym is stopped by the reverse scan (RR-9).

use dicom_stream::text::trim_uid;
use dicom_stream::{Tag, VR};

use crate::identities::Identities;

/// What a rule replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextPseudonym {
    /// Issued UIDs, each as a whole run of digits and dots, by the original ones.
    Uid,
    /// The code, as a whole word in its own case, by the Patient ID; in a person name, by the Patient's Name.
    Code,
}

/// One place and what is replaced there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRule {
    is_anywhere: bool,
    path: Vec<Tag>,
    replaces: Vec<TextPseudonym>,
}

/// Most tags in a path.
const PATH_MAX: usize = 16;

impl TextRule {
    /// A rule for the elements at `path`: tags as `(gggg,eeee)`, from the sequences around to the element, with `/` between; `*/` in front
    /// stands for any sequences around. `None` when it is no such path, or replaces nothing.
    pub fn parse(path: &str, replaces: &[TextPseudonym]) -> Option<Self> {
        let inner = path.strip_prefix("*/");
        let tags: Vec<Tag> = inner.unwrap_or(path).split('/').map(tag).collect::<Option<_>>()?;
        let is_rule = !replaces.is_empty() && tags.len() <= PATH_MAX;
        is_rule.then(|| Self { is_anywhere: inner.is_some(), path: tags, replaces: replaces.to_vec() })
    }

    fn covers(&self, sequences: &[(Tag, u32)], element: Tag) -> bool {
        let at = sequences.iter().map(|(tag, _)| *tag).chain([element]);
        let deeper = (sequences.len() + 1).checked_sub(self.path.len());
        deeper.is_some_and(|skip| {
            (skip == 0 || self.is_anywhere) && at.skip(skip).eq(self.path.iter().copied())
        })
    }
}

fn tag(text: &str) -> Option<Tag> {
    let (group, element) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    let number = |text: &str| (text.len() == 4).then(|| u16::from_str_radix(text, 16).ok()).flatten();
    Some(Tag(number(group)?, number(element)?))
}

/// What the pseudonyms of a text are replaced by.
pub(crate) struct Replacement<'a> {
    pub(crate) identities: &'a Identities,
    pub(crate) code: &'a str,
    /// In the place of the code.
    pub(crate) patient: &'a str,
}

/// The text with what the rules for its place replace; `None` when nothing changes, or when the result is longer than its VR may be.
pub(crate) fn rewritten(
    rules: &[TextRule],
    place: (&[(Tag, u32)], Tag, VR),
    text: &str,
    by: &Replacement<'_>,
) -> Option<String> {
    let (sequences, element, vr) = place;
    let mut out = text.to_owned();
    for rule in rules.iter().filter(|rule| rule.covers(sequences, element)) {
        for pseudonym in &rule.replaces {
            out = match pseudonym {
                TextPseudonym::Uid => with_uids(&out, by.identities),
                TextPseudonym::Code => with_code(&out, by.code, by.patient),
            };
        }
    }
    // PS3.5 Table 6.2-1
    let most = match vr {
        VR::SH => 16,
        VR::LO => 64,
        _ => usize::MAX,
    };
    let fits = out.split('\\').all(|value| value.chars().count() <= most);
    (out != text && fits).then_some(out)
}

fn with_uids(text: &str, identities: &Identities) -> String {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        let uid = run.trim_matches('.');
        let is_uid = trim_uid(uid.as_bytes()).len() == uid.len() && !uid.is_empty();
        out.push_str(before);
        match identities.originals.get(uid).filter(|_| is_uid) {
            Some(original) => out.push_str(&run.replace(uid, original)),
            None => out.push_str(run),
        }
        rest = after;
    }
    out + rest
}

fn with_code(text: &str, code: &str, patient: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(code).filter(|_| !code.is_empty()) {
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_word = !inside(before.chars().next_back()) && !inside(after.chars().next());
        out.push_str(before);
        out.push_str(if is_word { patient } else { code });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_tags_with_or_without_sequences_around() {
        let rule = |path| TextRule::parse(path, &[TextPseudonym::Code]);
        let content = Tag(0x0040, 0xA730);
        let text = Tag(0x0040, 0xA160);
        let (root, any, exact) = (
            rule("(0040,A160)").unwrap(),
            rule("*/(0040,A160)").unwrap(),
            rule("(0040,A730)/(0040,A160)").unwrap(),
        );
        assert!(root.covers(&[], text) && !root.covers(&[(content, 1)], text));
        assert!(any.covers(&[], text) && any.covers(&[(content, 1), (content, 2)], text));
        assert!(exact.covers(&[(content, 3)], text) && !exact.covers(&[(content, 3), (content, 1)], text));
        for path in ["", "*", "*/", "0040A160", "(0040,A160)/", "(40,A160)", "(0040,A16G)"] {
            assert!(rule(path).is_none(), "{path}");
        }
        assert!(TextRule::parse("(0040,A160)", &[]).is_none());
    }

    #[test]
    fn whole_uids_and_whole_words_are_replaced() {
        let mut identities = Identities::default();
        identities.originals.insert("2.25.71".into(), "1.2.3".into());
        assert_eq!(
            with_uids("see 2.25.71. Not 2.25.711, 2.25.71.1", &identities),
            "see 1.2.3. Not 2.25.711, 2.25.71.1"
        );
        assert_eq!(with_code("P-7 of (P-7), P-77 xP-7", "P-7", "4711"), "4711 of (4711), P-77 xP-7");
        assert_eq!(with_code("anything", "", "4711"), "anything");
    }
}
