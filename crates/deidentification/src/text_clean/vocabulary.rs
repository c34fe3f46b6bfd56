//! Words that are known to be harmless in a descriptor (PS3.15 E.3.5, decision 9 of the conflicts there).

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::LazyLock;

use super::words::Words;

/// Where the words are from: `data/vocabulary.py`, `data/README.md`.
static BUILTIN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let mut words = HashSet::with_capacity(8 << 10);
    for list in [
        include_str!("../../data/vocabulary_dicom.txt"),
        include_str!("../../data/vocabulary_english.txt"),
        include_str!("../../data/vocabulary_french.txt"),
    ] {
        words.extend(list.lines());
    }
    words
});

/// English words of general use, one a line, sorted: too many to be put into a set at each start.
static GENERAL: &str = include_str!("../../data/vocabulary_general.txt");

/// Endings of the words of medicine, English and French: operations, diseases, examinations. No name of a person ends like this.
const MEDICAL_ENDINGS: [&str; 40] = [
    "algia",
    "algie",
    "blastoma",
    "blastome",
    "carcinoma",
    "carcinome",
    "cele",
    "centesis",
    "centese",
    "desis",
    "dese",
    "ectasia",
    "ectasie",
    "ectomie",
    "ectomy",
    "emia",
    "emie",
    "genesis",
    "gramme",
    "graphie",
    "graphy",
    "itis",
    "lysis",
    "malacia",
    "megalie",
    "megaly",
    "ostomie",
    "ostomy",
    "otomie",
    "otomy",
    "pathie",
    "pathy",
    "phobia",
    "phobie",
    "plastie",
    "plasty",
    "plegia",
    "plegie",
    "scopie",
    "scopy",
];
/// Letters of such a word.
const MEDICAL: usize = 7;

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
        self.builtin.contains(word)
            || (!self.added.is_empty() && self.added.contains(word))
            || is_medical(word)
            || has_line(GENERAL.as_bytes(), word.as_bytes())
    }
}

fn is_medical(word: &str) -> bool {
    word.len() >= MEDICAL && MEDICAL_ENDINGS.iter().any(|ending| word.ends_with(ending))
}

/// Whether a line of the sorted text is `word`.
fn has_line(text: &[u8], word: &[u8]) -> bool {
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let before = text.get(low..middle).unwrap_or_default();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(low, |at| low + at + 1);
        let after = text.get(middle..high).unwrap_or_default();
        let end = after.iter().position(|byte| *byte == b'\n').map_or(high, |at| middle + at);
        match text.get(start..end).unwrap_or_default().cmp(word) {
            Ordering::Equal => return true,
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
        }
    }
    false
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
    fn every_general_word_is_found_and_no_other() {
        let words: Vec<&str> = GENERAL.lines().collect();
        assert!(words.is_sorted() && words.len() > 30_000);
        assert!(words.iter().all(|word| has_line(GENERAL.as_bytes(), word.as_bytes())));
        for word in ["", "zq", "aardvar", "zzzz", "\n", "abandon\nabandoned"] {
            assert!(!has_line(GENERAL.as_bytes(), word.as_bytes()), "{word:?}");
        }
    }

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
