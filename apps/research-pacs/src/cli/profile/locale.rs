//! The texts of a language: one file each, whole sentences with places for words.

use std::collections::BTreeMap;

use clap::ValueEnum;

/// A language of the program's explanations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

/// Texts by section and key.
#[derive(Debug)]
pub(super) struct Locale {
    pub(super) language: Language,
    texts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Locale {
    /// # Errors
    /// A file of the program that cannot be read, which a test rules out.
    pub(super) fn new(language: Language) -> anyhow::Result<Self> {
        let file = match language {
            Language::En => include_str!("../../../locale/profile.en.toml"),
            Language::Fr => include_str!("../../../locale/profile.fr.toml"),
        };
        Ok(Self { language, texts: toml::from_str(file)? })
    }

    /// The text with its places filled in. What has no text is shown by its key: never nothing.
    pub(super) fn say(&self, section: &str, key: &str, words: &[(&str, &str)]) -> String {
        let text = self.texts.get(section).and_then(|section| section.get(key));
        let mut rest = text.map_or(key, String::as_str);
        let mut said = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('{') {
            let Some((place, after)) = after.split_once('}') else { break };
            said.push_str(before);
            let word = words.iter().find(|(name, _)| *name == place);
            said.push_str(word.map_or(place, |(_, word)| word));
            rest = after;
        }
        said.push_str(rest);
        said
    }

    /// A text without places.
    pub(super) fn text(&self, section: &str, key: &str) -> String {
        self.say(section, key, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut places: Vec<_> =
            text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let (en, fr) = (Locale::new(Language::En).unwrap(), Locale::new(Language::Fr).unwrap());
        assert_eq!(en.texts.keys().collect::<Vec<_>>(), fr.texts.keys().collect::<Vec<_>>());
        for (section, texts) in &en.texts {
            let french = &fr.texts[section];
            assert_eq!(texts.keys().collect::<Vec<_>>(), french.keys().collect::<Vec<_>>(), "{section}");
            for (key, text) in texts {
                assert_eq!(places(text), places(&french[key]), "{section}.{key}");
            }
        }
    }
}
