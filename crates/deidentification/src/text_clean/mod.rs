//! Free text without identity (DI-50 to DI-54; PS3.15 E.3.5): what identifies goes, what is kept keeps its spelling and stays readable.
//!
//! Two promises: [`TextCleaner::keep_known`] lets only through what is known to be harmless, [`TextCleaner::without_identity`] takes out
//! what is known to identify. The search is written apart from the after-check ([`crate::verify`]) and is wider than that: what it leaves,
//! the check finds clean. Cleaning twice is cleaning once.
//!
//! Order of reading: `words` (a text as pieces), `terms` and `names` (this patient), `patterns` (anybody), `known` (harmless).

mod fold;
mod known;
mod names;
mod patterns;
mod terms;
mod variants;
mod vocabulary;
mod words;

use std::collections::BTreeMap;
use std::fmt;

use dicom_stream::text::Date;
use thiserror::Error;

use crate::verify::Identity;
use patterns::Patterns;
use terms::Terms;
pub use vocabulary::Vocabulary;
use vocabulary::whole_words;
use words::{Marks, Words};

/// Times a text is searched: each cut can bring two parts of a name together. A text that is not clean then goes as a whole.
const ROUNDS: usize = 16;
/// Most institutions of one study.
const INSTITUTIONS_MAX: usize = 500;
/// Most words of the name of one; longer names are no names.
const INSTITUTION_WORDS: usize = 16;
/// What stands for a cut; a shorter cut has a shorter mark, so that no value grows beyond the length of its VR.
const MARK: &str = "***";

/// Why no cleaner can be made. Nothing of this identity may leave.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TextCleanError {
    /// The identity has too many terms for one search: quarantine, and split the study.
    #[error("too many identifiers for one search")]
    TooManyTerms,
}

/// A text after cleaning.
#[derive(Clone, PartialEq, Eq)]
pub enum Cleaned {
    /// The text may stay as it is.
    Unchanged,
    /// Parts were cut. Each cut is marked by `***` (`*` or `**` where it had one or two characters, so that no value grows); neighbouring
    /// cuts share a mark. The value representation CS has no asterisk: there the caller writes something else.
    Cut {
        /// What is left.
        text: String,
        /// Marks in it.
        cuts: u32,
    },
    /// No letter and no digit is left.
    Nothing,
}

/// Shows nothing of the text: it may hold what a cleaning does not know.
impl fmt::Debug for Cleaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("Unchanged"),
            Self::Cut { cuts, .. } => write!(f, "Cut {{ cuts: {cuts} }}"),
            Self::Nothing => f.write_str("Nothing"),
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Search {
    /// The identity and the patterns.
    Text,
    /// Every part of a name, short ones too.
    Name,
    /// All that is not known to be harmless.
    Known,
}

/// Cleans texts of objects of one identity. Made once for a patient or study, then used for every text; shows nothing of the identity.
pub struct TextCleaner<'v> {
    terms: Terms,
    dates: Vec<Date>,
    /// Names of institutions of two words and more, by their first word.
    institutions: BTreeMap<String, Vec<Vec<String>>>,
    vocabulary: &'v Vocabulary,
}

impl fmt::Debug for TextCleaner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextCleaner(redacted)")
    }
}

impl<'v> TextCleaner<'v> {
    /// Prepares the search for one identity.
    ///
    /// # Errors
    /// [`TextCleanError::TooManyTerms`].
    pub fn new(identity: &Identity, vocabulary: &'v Vocabulary) -> Result<Self, TextCleanError> {
        let dates = identity.dates.iter().copied().collect();
        if identity.institutions.len() > INSTITUTIONS_MAX {
            return Err(TextCleanError::TooManyTerms);
        }
        let mut institutions: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
        for words in identity.institutions.iter().map(|name| whole_words(name)) {
            if let (2..=INSTITUTION_WORDS, Some(first)) = (words.len(), words.first()) {
                institutions.entry(first.clone()).or_default().push(words);
            }
        }
        Ok(Self { terms: Terms::new(identity, vocabulary)?, dates, institutions, vocabulary })
    }

    /// With dates that go besides the birth date: those of the study, where the profile does not keep dates.
    #[must_use]
    pub fn with_dates(mut self, dates: impl IntoIterator<Item = Date>) -> Self {
        self.dates.extend(dates);
        self
    }

    /// Action C for one value (PS3.15 E.3.5: "known to hold no identity"): what stays are words of the vocabulary, numbers of up to three
    /// digits, numbers with a unit, single letters and short technical tokens (`T2W`, `B30f`). Words of the patient's names go although the
    /// vocabulary has them, and so do all dates, ages over 89 and the patterns of [`Self::without_identity`].
    #[must_use]
    pub fn keep_known(&self, text: &str) -> Cleaned {
        self.clean(text, Search::Known)
    }

    /// For one value that is kept (DI-54): identifiers of this patient and study go, and what only a person would write (DI-53): telephone
    /// numbers, e-mail and postal addresses, URLs, addresses of the network, national numbers, ages over 89, names after a title. `is_name`
    /// for values of PN: every part of a name counts there, short ones too.
    #[must_use]
    pub fn without_identity(&self, text: &str, is_name: bool) -> Cleaned {
        self.clean(text, if is_name { Search::Name } else { Search::Text })
    }

    fn clean(&self, text: &str, search: Search) -> Cleaned {
        let mut words = Words::read(text);
        let patterns =
            Patterns { search, dates: &self.dates, uids: &self.terms.uids, vocabulary: self.vocabulary };
        for _ in 0..ROUNDS {
            let mut marks = Marks::none(words.len());
            self.terms.mark(&words, search, &mut marks);
            patterns.mark(&words, &mut marks);
            if search == Search::Known {
                known::mark(&words, self.vocabulary, &self.institutions, &mut marks);
            }
            if !words.cut(&marks) {
                return written(words);
            }
        }
        Cleaned::Nothing
    }
}

/// The text with its cuts marked.
fn written(mut words: Words<'_>) -> Cleaned {
    let cuts = words.cuts();
    if cuts.is_empty() {
        return Cleaned::Unchanged;
    }
    if words.len() == 0 {
        return Cleaned::Nothing;
    }
    let source = words.text();
    let (mut text, mut at) = (String::with_capacity(source.len()), 0);
    for cut in &cuts {
        text.push_str(source.get(at..cut.start).unwrap_or_default());
        let length = source.get(cut.clone()).unwrap_or_default().chars().count();
        text.push_str(MARK.get(..length.min(MARK.len())).unwrap_or(MARK));
        at = cut.end;
    }
    text.push_str(source.get(at..).unwrap_or_default());
    Cleaned::Cut { text, cuts: u32::try_from(cuts.len()).unwrap_or(u32::MAX) }
}
