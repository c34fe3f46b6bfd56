//! E-mail addresses and URLs.

use std::ops::Range;

use super::super::words::{Marks, Words};

/// Characters and components from which a run of digits and dots is the UID of an instance, not a version.
const UID: (usize, usize) = (18, 5);
/// The root of the standard: its UIDs name classes and syntaxes.
const STANDARD: &str = "1.2.840.10008.";

/// Whether a run of digits and dots is a UID by its form. Those of the standard identify nothing.
pub(in super::super) fn is_long_uid(run: &str) -> bool {
    run.len() >= UID.0
        && run.split('.').count() >= UID.1
        && run.starts_with(['0', '1', '2'])
        && !run.starts_with(STANDARD)
}

/// Marks addresses.
pub(super) fn mark(words: &Words<'_>, marks: &mut Marks) {
    let text = words.text();
    if text.contains('@') {
        for (at, _) in text.match_indices('@') {
            if let Some(bytes) = email(text, at) {
                marks.add(words.touching(bytes));
            }
        }
    }
    for sign in ["://", "www.", "WWW."] {
        for (at, _) in text.match_indices(sign) {
            marks.add(words.touching(url(text, at)));
        }
    }
}

/// The address around an `@`: its last label has letters only, so that `5mm@3.0T` is none.
fn email(text: &str, at: usize) -> Option<Range<usize>> {
    let is_local = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'');
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
    let local = before.len() - before.trim_end_matches(is_local).len();
    let host = after.len() - after.trim_start_matches(is_host).len();
    let (_, last) = after.get(..host)?.trim_end_matches(['.', '-']).rsplit_once('.')?;
    let is_address = local > 0 && last.chars().count() >= 2 && last.chars().all(char::is_alphabetic);
    is_address.then_some(at - local..at + 1 + host)
}

/// The address around `://` or from `www.`, up to a blank or a bracket.
fn url(text: &str, at: usize) -> Range<usize> {
    let before = text.get(..at).unwrap_or_default();
    let scheme = before.len() - before.trim_end_matches(|c: char| c.is_alphanumeric()).len();
    let rest = text.get(at..).unwrap_or_default();
    let length = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')' | '*'))
        .unwrap_or(rest.len());
    at - scheme..at + length
}
