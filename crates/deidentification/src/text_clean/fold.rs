//! Letters in the form in which they are compared: lower case, without accents, one form for each width and script variant.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// What a character is to the reader of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Digit,
    Letter,
    Han,
    Kana,
    Hangul,
}

/// What became of one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folded {
    /// Letters or digits were pushed.
    Part(Kind),
    /// It separates words.
    Separator,
    /// An accent, or a character that cannot be seen: neither part nor separator.
    Invisible,
}

/// Folds one character onto the end of `out`.
pub(super) fn fold(c: char, out: &mut String) -> Folded {
    if c.is_ascii() {
        if !c.is_ascii_alphanumeric() {
            return Folded::Separator;
        }
        out.push(c.to_ascii_lowercase());
        return Folded::Part(if c.is_ascii_digit() { Kind::Digit } else { Kind::Letter });
    }
    if is_invisible(c) {
        return Folded::Invisible;
    }
    let (mut kind, mut visible) = (None, false);
    decompose_compatible(c, |part| {
        if is_combining_mark(part) {
            return;
        }
        visible = true;
        for lower in part.to_lowercase().filter(|lower| lower.is_alphanumeric()) {
            let lower = digit(lower);
            kind = kind.or(Some(kind_of(lower)));
            match plain(lower) {
                Some(plain) => out.push_str(plain),
                None => out.push(katakana(lower)),
            }
        }
    });
    match kind {
        Some(kind) => Folded::Part(kind),
        None if visible => Folded::Separator,
        None => Folded::Invisible,
    }
}

/// A whole text folded, its separators taken out.
pub(super) fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        fold(c, &mut out);
    }
    out
}

/// Soft hyphen, joiners, marks of direction, byte order mark, the Arabic letter stretcher.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{640}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}')
        || is_combining_mark(c)
}

fn kind_of(c: char) -> Kind {
    match c {
        '0'..='9' => Kind::Digit,
        '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}' => Kind::Han,
        '\u{3041}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' => Kind::Kana,
        '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' => Kind::Hangul,
        _ => Kind::Letter,
    }
}

/// Latin letters that do not decompose, and the final sigma.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        'ς' => "σ",
        _ => return None,
    })
}

/// Arabic-Indic, Persian and Devanagari digits as ASCII digits.
fn digit(c: char) -> char {
    [0x660, 0x6F0, 0x966]
        .into_iter()
        .find_map(|zero| char::from_digit(u32::from(c).checked_sub(zero)?, 10))
        .unwrap_or(c)
}

/// Hiragana as katakana.
fn katakana(c: char) -> char {
    match c {
        '\u{3041}'..='\u{3096}' => char::from_u32(u32::from(c) + 0x60).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form() {
        for (text, folded) in [
            ("Lefèvre", "lefevre"),
            ("Straße Œuvre Ł", "strasseoeuvrel"),
            ("ﾔﾏﾀﾞ やまだ ヤマダ", "ヤマタヤマタヤマタ"),
            ("ＣＴ １２", "ct12"),
            ("Παπαδόπουλος", "παπαδοπουλοσ"),
            ("Королёв", "королев"),
            ("Le\u{AD}fe\u{300}vre", "lefevre"),
            ("١٩٧١", "1971"),
        ] {
            assert_eq!(squeezed(text), folded, "{text}");
        }
    }
}
