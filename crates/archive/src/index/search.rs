//! Text as it is searched.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The form in which a name is stored for search, and in which a search is looked up: the alphabetic component group, upper
/// case, without marks, without empty components at its end. `Müller^Änne=…` becomes `MULLER^ANNE`.
#[must_use]
pub fn search_key(person_name: &str) -> String {
    let alphabetic = person_name.split('=').next().unwrap_or_default();
    let plain: String = alphabetic.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    plain.to_uppercase().trim_matches(|c: char| c == '^' || c.is_whitespace()).to_owned()
}

/// The first text behind all that start with `prefix`, in the order of bytes.
pub(super) fn behind(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

#[cfg(test)]
mod tests {
    use super::{behind, search_key};

    #[test]
    fn case_marks_and_other_groups_are_gone() {
        for (name, key) in [
            ("Müller^Änne", "MULLER^ANNE"),
            ("MU\u{308}LLER^a\u{30a}nne^^^", "MULLER^ANNE"),
            ("Yamada^Tarou=山田^太郎=やまだ^たろう", "YAMADA^TAROU"),
            ("Straße ", "STRASSE"),
            ("^", ""),
        ] {
            assert_eq!(search_key(name), key, "{name}");
        }
    }

    #[test]
    fn what_starts_with_a_prefix_lies_before_its_end() {
        assert!("DE" < behind("DE").as_str() && "DE\u{10FFFE}Z" < behind("DE").as_str());
        assert!(behind("DE").as_str() < "DF");
    }
}
