//! Every byte form in which a known text may stand, whatever (0008,0005) says.

use encoding_rs::{
    BIG5, EUC_JP, Encoding, GB18030, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
    WINDOWS_1254, WINDOWS_1255, WINDOWS_1256,
};

use super::repertoire::{Element, REPERTOIRES};

/// Encodings outside PS3.3 that are found under a wrong or missing declaration.
const UNDECLARED: [&Encoding; 12] = [
    GB18030,
    BIG5,
    SHIFT_JIS,
    EUC_JP,
    WINDOWS_1250,
    WINDOWS_1251,
    WINDOWS_1252,
    WINDOWS_1253,
    WINDOWS_1254,
    WINDOWS_1255,
    WINDOWS_1256,
    encoding_rs::MACINTOSH,
];

/// The byte sequences that may stand for this text in any repertoire of PS3.3 C.12.1.1.2, in the usual encodings beside
/// them, and in UTF-8 and UTF-16 (both byte orders). Sorted, each once, none empty.
///
/// For a search of known names in bytes whose character set is unknown, wrong or missing (deidentification rules DI-50
/// and DI-52). Without escape sequences: these depend on what stands before. The two-byte sets in G0 (JIS X 0208 and
/// 0212) give forms in the range of ASCII, so short ones also match by accident.
#[must_use]
pub fn byte_forms(text: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
        text.as_bytes().to_vec(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ];
    forms.extend(REPERTOIRES.iter().filter_map(|set| {
        let mut form = Vec::with_capacity(text.len());
        for c in text.chars() {
            let code = Element::G0(set.g0).encode(c).or_else(|| Element::G1(set.g1?).encode(c));
            match code {
                Some(code) => code.append_to(&mut form),
                None if c == ' ' => form.push(b' '),
                None => return None,
            }
        }
        Some(form)
    }));
    forms.extend(UNDECLARED.iter().filter_map(|encoding| {
        let (form, _, unmappable) = encoding.encode(text);
        (!unmappable).then(|| form.into_owned())
    }));
    forms.retain(|form| !form.is_empty());
    forms.sort_unstable();
    forms.dedup();
    forms
}
