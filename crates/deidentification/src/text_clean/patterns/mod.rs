//! What only a person would write (DI-53), and dates: read from pieces of a text, without regular expressions, so that nothing has to be
//! compiled when the program starts.

mod ages;
mod dates;
pub(super) mod months;
mod network;
mod numbers;
mod places;
mod titles;

use std::collections::HashSet;

use dicom_stream::text::Date;

use super::Search;
use super::vocabulary::Vocabulary;
use super::words::{Marks, Words};
pub(super) use network::is_long_uid;

/// What is known besides the form.
pub(super) struct Patterns<'a> {
    pub(super) search: Search,
    /// Dates of this patient and study.
    pub(super) dates: &'a [Date],
    /// UIDs of this patient and study that their form does not show.
    pub(super) uids: &'a HashSet<String>,
    pub(super) vocabulary: &'a Vocabulary,
}

impl Patterns<'_> {
    /// Marks what has one of the forms.
    pub(super) fn mark(&self, words: &Words<'_>, marks: &mut Marks) {
        network::mark(words, marks);
        titles::mark(words, self.vocabulary, marks);
        let any = self.search == Search::Known;
        if !words.all().bytes().any(|byte| byte.is_ascii_digit()) {
            dates::mark_first(words, self.dates, any, marks);
            return;
        }
        numbers::mark(words, self.uids, any, marks);
        ages::mark(words, any, marks);
        places::mark(words, self.vocabulary, marks);
        dates::mark(words, self.dates, any, marks);
        dates::mark_first(words, self.dates, any, marks);
    }
}
