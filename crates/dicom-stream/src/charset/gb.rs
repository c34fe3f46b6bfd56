//! GB18030 and GBK, which is its part with one and two bytes. Second bytes reach down into ASCII.

use std::borrow::Cow;

use encoding_rs::{EncoderResult, Encoding, GB18030};

use super::{Fidelity, Unencodable};

/// Bytes of the character at the start; 1 for a broken one.
pub(super) fn length(bytes: &[u8]) -> usize {
    match bytes {
        [0x81..=0xFE, 0x40..=0x7E | 0x80..=0xFE, ..] => 2,
        [0x81..=0xFE, 0x30..=0x39, 0x81..=0xFE, 0x30..=0x39, ..] => 4,
        _ => 1,
    }
}

pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, Fidelity) {
    match GB18030.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => (text, Fidelity::Exact),
        None => (Cow::Owned(decode_broken(bytes)), Fidelity::Replaced),
    }
}

/// Character by character: the decoder of the whole swallows an ASCII digit in a sequence that the end cuts short.
fn decode_broken(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((character, after)) = rest.split_at_checked(length(rest)) {
        match GB18030.decode_without_bom_handling_and_without_replacement(character) {
            Some(read) => text.push_str(&read),
            None => text.push(char::REPLACEMENT_CHARACTER),
        }
        rest = after;
    }
    text
}

/// With the encoder of either.
pub(super) fn encode(encoding: &'static Encoding, text: &str) -> Result<Vec<u8>, Unencodable> {
    let mut encoder = encoding.new_encoder();
    let mut out = Vec::with_capacity(text.len() * 2 + 16);
    let mut rest = text;
    loop {
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut out, true);
        let done = text.len() - rest.len() + read;
        rest = rest.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => break,
            EncoderResult::OutputFull => out.reserve(rest.len() * 2 + 16),
            EncoderResult::Unmappable(c) => return Err(Unencodable { offset: done - c.len_utf8() }),
        }
    }
    // a few private-use characters share the code of a character that Unicode gained later, and would read back as that
    let (written, _) = GB18030.decode_without_bom_handling(&out);
    match text.char_indices().zip(written.chars()).find(|((_, c), written)| c != written) {
        Some(((offset, _), _)) => Err(Unencodable { offset }),
        None => Ok(out),
    }
}
