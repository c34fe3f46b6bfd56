//! PN (PS3.5 6.2.1).

use std::fmt;

/// One value of a Person Name, in parts. Holds an identity: prints nothing of it.
///
/// Reading loses no text: what is beyond the third group or the fifth component stays in the last one, separators included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PersonName<'a> {
    groups: [NameGroup<'a>; 3],
}

/// One component group. Holds an identity: prints nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NameGroup<'a> {
    components: [&'a str; 5],
}

impl<'a> PersonName<'a> {
    /// Reads one decoded value (see [`crate::charset::CharacterSet::decode`]); never fails, parts may be empty.
    #[must_use]
    pub fn parse(value: &'a str) -> Self {
        let mut parts = value.splitn(3, '=');
        Self { groups: std::array::from_fn(|_| NameGroup::parse(parts.next().unwrap_or_default())) }
    }

    /// First group: Latin letters, or single-byte characters.
    #[must_use]
    pub fn alphabetic(&self) -> NameGroup<'a> {
        let [alphabetic, _, _] = self.groups;
        alphabetic
    }

    /// Second group: Hanzi, Kanji, Hanja.
    #[must_use]
    pub fn ideographic(&self) -> NameGroup<'a> {
        let [_, ideographic, _] = self.groups;
        ideographic
    }

    /// Third group: Hiragana, Katakana, Hangul.
    #[must_use]
    pub fn phonetic(&self) -> NameGroup<'a> {
        let [_, _, phonetic] = self.groups;
        phonetic
    }

    /// All components that are not empty, of all groups in order.
    pub fn components(&self) -> impl Iterator<Item = &'a str> {
        self.groups.into_iter().flat_map(NameGroup::components).filter(|component| !component.is_empty())
    }

    /// Whether no component holds anything but padding.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.components().next().is_none()
    }
}

impl<'a> NameGroup<'a> {
    fn parse(group: &'a str) -> Self {
        let mut parts = group.splitn(5, '^');
        let padding = |c| matches!(c, ' ' | '\0');
        Self { components: std::array::from_fn(|_| parts.next().unwrap_or_default().trim_matches(padding)) }
    }

    /// The five components in order: family name complex, given name complex, middle name, prefix, suffix; empty ones
    /// included, padding removed.
    #[must_use]
    pub fn components(self) -> [&'a str; 5] {
        self.components
    }

    /// First component.
    #[must_use]
    pub fn family(self) -> &'a str {
        let [family, ..] = self.components;
        family
    }

    /// Second component.
    #[must_use]
    pub fn given(self) -> &'a str {
        let [_, given, ..] = self.components;
        given
    }
}

impl fmt::Debug for PersonName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(redacted)")
    }
}

impl fmt::Debug for NameGroup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameGroup(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PS3.5 6.2.1.1, examples of PN; H.3-1 for the groups.
    #[test]
    fn examples_of_the_standard() {
        let name = PersonName::parse("Adams^John Robert Quincy^^Rev.^B.A. M.Div.");
        assert_eq!(
            name.alphabetic().components(),
            ["Adams", "John Robert Quincy", "", "Rev.", "B.A. M.Div."]
        );
        let name = PersonName::parse("Yamada^Tarou=山田^太郎=やまだ^たろう");
        assert_eq!(
            (name.alphabetic().family(), name.ideographic().given(), name.phonetic().family()),
            ("Yamada", "太郎", "やまだ")
        );
        assert_eq!(PersonName::parse("=山田").components().collect::<Vec<_>>(), ["山田"]);
    }

    #[test]
    fn tolerant_and_complete() {
        assert!(PersonName::parse(" ^ ==\0").is_empty());
        let name = PersonName::parse(" Roe ^ Jane \0=a=b=c^1^2^3^4^5^6");
        assert_eq!((name.alphabetic().family(), name.alphabetic().given()), ("Roe", "Jane"));
        assert_eq!(name.phonetic().components(), ["b=c", "1", "2", "3", "4^5^6"]);
    }

    #[test]
    fn prints_no_identity() {
        let name = PersonName::parse("Roe^Jane");
        assert_eq!(format!("{name:?} {:?}", name.alphabetic()), "PersonName(redacted) NameGroup(redacted)");
    }
}
