//! What of a text may stay, by the policy of the profile for text in pixels.

use super::Made;
use crate::pixels::{FoundText, PixelPolicy, TextPolicy};
use crate::text_clean::{Cleaned, TextCleaner};

/// Letters and digits from which on something is a text.
const LETTERS: usize = 2;
/// What a text of which nothing is left becomes.
const MARK: &str = "***";

pub(super) struct Judge<'a> {
    policy: &'a PixelPolicy,
    /// Of the study, and of those that the document names.
    cleaners: [&'a TextCleaner<'a>; 2],
    /// Marks written.
    pub(super) cuts: u32,
}

impl<'a> Judge<'a> {
    pub(super) fn new(policy: &'a PixelPolicy, cleaners: [&'a TextCleaner<'a>; 2]) -> Self {
        Self { policy, cleaners, cuts: 0 }
    }

    /// A text without what counts; `None` when it stays as it is.
    ///
    /// # Errors
    /// The profile lets no such text leave, cut or not.
    pub(super) fn text(&mut self, text: &str) -> Made<Option<String>> {
        if text.chars().filter(|c| c.is_alphanumeric()).nth(LETTERS - 1).is_none() {
            return Ok(None);
        }
        let (mut left, mut is_cut) = (text.to_owned(), false);
        for cleaner in self.cleaners {
            let (cleaned, cuts) = match self.cleaned(cleaner, &left)? {
                Cleaned::Unchanged => continue,
                Cleaned::Cut { text, cuts } => (text, cuts),
                Cleaned::Nothing => (MARK.to_owned(), 1),
            };
            (left, is_cut) = (cleaned, true);
            self.cuts = self.cuts.saturating_add(cuts);
        }
        match self.policy.found {
            _ if !is_cut => Ok(None),
            FoundText::Hold => Err(HELD),
            FoundText::Mask => Ok(Some(left)),
        }
    }

    fn cleaned(&self, cleaner: &TextCleaner<'_>, text: &str) -> Made<Cleaned> {
        match self.policy.text {
            TextPolicy::Identity => Ok(cleaner.without_identity(text, true)),
            TextPolicy::Unknown => Ok(cleaner.keep_known(text)),
            TextPolicy::Any => Err(HELD),
        }
    }

    /// Whether a text beside a code may stay: it is that of a vocabulary, or of whoever wrote the document.
    pub(super) fn keeps(&self, text: &str) -> bool {
        self.cleaners.iter().all(|cleaner| matches!(self.cleaned(cleaner, text), Ok(Cleaned::Unchanged)))
    }

    /// Whether a code, or an identifier of a kind of document, is nobody's.
    pub(super) fn is_nobodys(&self, token: &str) -> bool {
        self.cleaners.iter().all(|cleaner| cleaner.without_identity(token, true) == Cleaned::Unchanged)
    }
}

const HELD: &str = "text in the document that the profile does not let pass";
