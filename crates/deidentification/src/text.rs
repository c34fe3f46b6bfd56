//! Values of ours in the character set of the object: kept bytes are not re-encoded, so ours have to fit in.

use dicom_core::VR;
use dicom_stream::charset::CharacterSet;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// One value. What the set does not hold is written in ASCII: without accents, else as a question mark. A backslash becomes a slash.
pub(crate) fn encode(set: &CharacterSet, vr: VR, text: &str) -> Vec<u8> {
    let text = text.replace('\\', "/");
    set.encode(vr, &text).unwrap_or_else(|_| {
        let plain = text.nfkd().filter(|c| !is_combining_mark(*c));
        plain
            .map(|c| u8::try_from(c).ok().filter(|byte| matches!(byte, b' '..=b'~')).unwrap_or(b'?'))
            .collect()
    })
}

/// A value of printable ASCII without its padding.
pub(crate) fn ascii_trimmed(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?.trim_matches(['\0', ' ']);
    (!text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fits_the_character_set() {
        let written = |set: &[u8], text| encode(&CharacterSet::parse(set).0, VR::LO, text);
        let text = "Comité de protection";
        assert_eq!(written(b"ISO_IR 192", text), text.as_bytes());
        assert_eq!(written(b"ISO_IR 100 ", text), b"Comit\xE9 de protection");
        assert_eq!(written(b"", text), b"Comite de protection");
        assert_eq!(written(b"", "a\\b 山"), b"a/b ?");
    }
}
