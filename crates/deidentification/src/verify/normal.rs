//! Text in the form in which it is compared: case folded, without accents, words apart.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Two readings of a text: words split at everything that is no letter or digit, and with separators inside a word taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Normal {
    /// `Jean-Pierre 12/03` → `jean pierre 12 03`
    pub(super) words: String,
    /// `Jean-Pierre 12/03` → `jeanpierre 1203`
    pub(super) joined: String,
}

pub(super) fn normal(text: &str) -> Normal {
    let (mut words, mut joined) = (String::with_capacity(text.len()), String::with_capacity(text.len()));
    let folded = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    for c in folded {
        if let Some(plain) = letters_of(c) {
            words.push_str(plain);
            joined.push_str(plain);
        } else if c.is_alphanumeric() {
            words.push(c);
            joined.push(c);
        } else {
            blank(&mut words);
            if !matches!(c, '-' | '_' | '.' | '/' | '\'' | '’' | '\u{200B}') {
                blank(&mut joined);
            }
        }
    }
    let trim = |mut text: String| {
        text.truncate(text.trim_end().len());
        text
    };
    Normal { words: trim(words), joined: trim(joined) }
}

/// Latin letters that do not decompose (Unicode has no NFKD for them), as transliterations write them.
fn letters_of(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        _ => return None,
    })
}

fn blank(text: &mut String) {
    if !text.is_empty() && !text.ends_with(' ') {
        text.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_joined() {
        let found = normal("  Jean-Pierre LEFÈVRE^Søren 12/03 ");
        assert_eq!(found.words, "jean pierre lefevre soren 12 03");
        assert_eq!(found.joined, "jeanpierre lefevre soren 1203");
        assert_eq!(normal("ﾔﾏﾀﾞ Straße").words, "ヤマタ strasse");
    }
}
