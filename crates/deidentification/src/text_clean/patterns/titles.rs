//! Names after a title: the title stays, the name goes.

use super::super::fold::Kind;
use super::super::vocabulary::Vocabulary;
use super::super::words::{Marks, Words};

/// Words of a name after a title.
const NAME: usize = 4;
/// Small words inside a name.
const PARTICLES: [&str; 14] =
    ["al", "ben", "d", "da", "de", "del", "der", "di", "du", "el", "la", "le", "van", "von"];

/// Marks what follows a title.
pub(super) fn mark(words: &Words<'_>, vocabulary: &Vocabulary, marks: &mut Marks) {
    for index in 0..words.len() {
        let Some(title) = title(words, index) else { continue };
        let mut end = index + 1;
        let mut has_name = false;
        while end < words.len() && end <= index + NAME && is_near(words, end) {
            let Some(letters) = words.letters(end) else { break };
            let is_known = vocabulary.has(letters) && (has_name || title == Title::Weak);
            let is_initial =
                letters.chars().count() == 1 && words.written(end).chars().all(char::is_uppercase);
            let is_particle = PARTICLES.contains(&letters);
            if is_particle || is_initial {
                end += 1;
                continue;
            }
            if is_known || !is_name(words, end, title) {
                break;
            }
            has_name = true;
            end += 1;
        }
        if has_name {
            marks.add(index + 1..end);
        }
    }
    honorifics(words, marks);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Title {
    /// Whatever follows is a name: `Mme Petit`.
    Strong,
    /// Could be something else: a name follows unless it is a known word.
    Weak,
}

/// The title that a piece is. `MR`, `DR` and `PR` without a dot are modalities and the like, `M.` is a muscle too.
fn title(words: &Words<'_>, index: usize) -> Option<Title> {
    let letters = words.letters(index)?;
    let has_dot = || words.next_char(index) == Some('.');
    if words.is_glued(index) || words.is_glued(index + 1) {
        return None;
    }
    match letters {
        "docteur" | "doctor" | "madame" | "mademoiselle" | "mlle" | "mme" | "monsieur" | "professeur"
        | "professor" => Some(Title::Strong),
        "dr" | "mrs" if has_dot() => Some(Title::Strong),
        "dr" | "mrs" | "mr" | "pr" => match words.written(index) {
            "Dr" | "Mrs" | "Mr" | "Pr" => Some(Title::Strong),
            "dr" | "mrs" | "mr" => Some(Title::Weak),
            _ => has_dot().then_some(Title::Weak),
        },
        "dre" | "miss" | "prof" => Some(Title::Weak),
        "ms" => (words.written(index) == "Ms").then_some(Title::Weak),
        "m" => (words.written(index) == "M" && has_dot()).then_some(Title::Weak),
        _ => None,
    }
}

fn is_near(words: &Words<'_>, index: usize) -> bool {
    matches!(words.gap(index), " " | ". " | "." | "-" | "'" | "’" | "  " | ".  " | "^" | "")
}

/// Whether a word may be a name: with a capital, or of some length where nothing else follows a title.
fn is_name(words: &Words<'_>, index: usize, title: Title) -> bool {
    let Some(piece) = words.piece(index) else { return false };
    let length = words.folded(index).chars().count();
    let is_whole =
        piece.kind == Kind::Letter && !words.digits(index + 1).is_some_and(|_| words.is_glued(index + 1));
    is_whole && length >= 2 && (piece.capital || (title == Title::Weak && length >= 4))
}

/// `山田様`, `田中先生`: two to four characters before the title.
fn honorifics(words: &Words<'_>, marks: &mut Marks) {
    for index in 0..words.len() {
        if words.piece(index).is_none_or(|piece| piece.kind != Kind::Han) {
            continue;
        }
        let text = words.folded(index);
        let name = ["先生", "様", "医師"].iter().find_map(|title| text.strip_suffix(title));
        if name.is_some_and(|name| (2..=4).contains(&name.chars().count())) {
            marks.add(index..index + 1);
        }
    }
}
