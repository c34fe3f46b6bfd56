//! Other spellings of one word of a name: what systems and people make of letters with accents.

use super::fold::squeezed;
use super::vocabulary::Vocabulary;

/// Shortest spelling that is looked for.
const SHORTEST: usize = 4;

/// Folded spellings of a written word besides its plain folding. A spelling that is a harmless word is none.
pub(super) fn spellings(written: &str, vocabulary: &Vocabulary) -> Vec<String> {
    let plain = squeezed(written);
    let mut found = vec![contracted(&plain)];
    if !written.is_ascii() {
        found.extend([
            squeezed(&expanded(written)),
            squeezed(&misread_latin_1(written)),
            misread_1252(written),
        ]);
    }
    found.sort_unstable();
    found.dedup();
    found.retain(|word| *word != plain && word.chars().count() >= SHORTEST && !vocabulary.has(word));
    found
}

/// A word whose letters with accents were lost on the way (`Lef?vre`), folded.
pub(super) fn broken(written: &str) -> Option<String> {
    let rest: String = written.chars().filter(char::is_ascii).collect();
    let rest = squeezed(&rest);
    (!written.is_ascii() && rest.len() >= SHORTEST).then_some(rest)
}

/// Letters with two dots, and the Nordic ones, in two letters each: `Müller` as `Mueller`.
fn expanded(written: &str) -> String {
    let mut out = String::with_capacity(written.len() + 2);
    for c in written.chars() {
        match c {
            'ä' | 'Ä' => out.push_str("ae"),
            'ö' | 'Ö' | 'ø' | 'Ø' => out.push_str("oe"),
            'ü' | 'Ü' => out.push_str("ue"),
            'å' | 'Å' => out.push_str("aa"),
            _ => out.push(c),
        }
    }
    out
}

/// The other way: `Mueller` as `Muller`.
fn contracted(folded: &str) -> String {
    folded.replace("ae", "a").replace("oe", "o").replace("ue", "u")
}

/// UTF-8 that was read as ISO 8859-1.
fn misread_latin_1(written: &str) -> String {
    written.bytes().map(char::from).collect()
}

/// UTF-8 that was read as Windows-1252: its letters between 80 and 9F count.
fn misread_1252(written: &str) -> String {
    let text: String = written
        .bytes()
        .map(|byte| match byte {
            0x83 => 'ƒ',
            0x8A => 'Š',
            0x8C => 'Œ',
            0x8E => 'Ž',
            0x9A => 'š',
            0x9C => 'œ',
            0x9E => 'ž',
            0x9F => 'Ÿ',
            _ => char::from(byte),
        })
        .collect();
    squeezed(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings() {
        let vocabulary = Vocabulary::builtin();
        assert!(spellings("Müller", &vocabulary).contains(&"mueller".to_owned()));
        assert!(spellings("Mueller", &vocabulary).contains(&"muller".to_owned()));
        assert!(spellings("Lefèvre", &vocabulary).contains(&"lefavre".to_owned()));
        assert!(spellings("Dupont", &vocabulary).is_empty());
        assert_eq!(broken("Lefèvre").as_deref(), Some("lefvre"));
        assert_eq!(broken("山田"), None);
    }
}
