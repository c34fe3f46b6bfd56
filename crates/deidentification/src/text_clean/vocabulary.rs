//! Words that are known to be harmless in a descriptor (PS3.15 E.3.5, decision 9 of the conflicts there).

use std::collections::HashSet;
use std::sync::LazyLock;

use super::words::Words;

/// Where the words are from: `data/vocabulary.py`, `data/README.md`.
static BUILTIN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    [
        include_str!("../../data/vocabulary_dicom.txt"),
        include_str!("../../data/vocabulary_english.txt"),
        include_str!("../../data/vocabulary_french.txt"),
    ]
    .into_iter()
    .flat_map(str::lines)
    .collect()
});

/// Words that identify nobody: those of the DICOM dictionary and of the concepts of PS3.16, English and French words of imaging, and
/// what a profile adds. Compared without case and accents. Words that the patient of an object bears go there all the same.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    builtin: &'static HashSet<&'static str>,
    added: HashSet<String>,
}

impl Vocabulary {
    /// The words that come with the program.
    #[must_use]
    pub fn builtin() -> Self {
        Self { builtin: &BUILTIN, added: HashSet::new() }
    }

    /// With words that a profile allows besides: each word of each text.
    #[must_use]
    pub fn with_words<I>(mut self, texts: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        for text in texts {
            self.added.extend(whole_words(text.as_ref()));
        }
        self
    }

    /// Whether a folded word is one of them.
    pub(super) fn has(&self, word: &str) -> bool {
        self.builtin.contains(word) || (!self.added.is_empty() && self.added.contains(word))
    }
}

/// The words of a text, folded.
pub(super) fn whole_words(text: &str) -> Vec<String> {
    let words = Words::read(text);
    let starts = (0..words.len()).filter(|index| !words.is_glued(*index));
    starts.map(|start| words.joined(words.word(start)).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fold::squeezed;
    use super::*;

    #[test]
    fn words_of_imaging_are_there_and_people_are_not() {
        let vocabulary = Vocabulary::builtin().with_words(["Ma-Séquence T7q"]);
        for word in
            ["thorax", "epaule", "flair", "injection", "contrast", "acquisition", "sequence", "t7q", "dw"]
        {
            assert!(vocabulary.has(word), "{word}");
        }
        for word in ["martin", "wilson", "rose", "mars", "pierre", "muller", "march", "li", "zq", "x"] {
            assert!(!vocabulary.has(word), "{word}");
        }
    }

    #[test]
    fn every_line_is_a_folded_word() {
        for word in BUILTIN.iter() {
            assert!(word.chars().count() >= 2 && squeezed(word) == *word, "{word}");
        }
        assert!(BUILTIN.len() > 7000, "{}", BUILTIN.len());
    }
}
