//! The one pseudo-random function of the crate: HMAC-SHA-256 (RFC 2104) over a label and a message.
//!
//! Every use has a label of its own that ends in `:` and is no beginning of another label, so that no two uses can ever feed
//! the same bytes to the same key (domain separation).

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::VaultError;

/// 32 secret bytes, overwritten when dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// HMAC-SHA-256(`key`, `label` || `message`).
pub(crate) fn prf(key: &Key, label: &'static str, message: &[u8]) -> Key {
    // RFC 2104 pads a key shorter than the block (64 bytes) with zeros; padded here, the call cannot fail
    let mut block = Zeroizing::new([0_u8; 64]);
    for (padded, byte) in block.iter_mut().zip(key.iter()) {
        *padded = *byte;
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    mac.update(label.as_bytes());
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// The first 128 bits of a result as a number, most significant byte first.
pub(crate) fn number(bytes: &Key) -> u128 {
    bytes.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// Several fields as one message that no other list of fields gives: each is preceded by its length (u64, big endian).
pub(crate) fn framed(fields: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut message = Zeroizing::new(Vec::with_capacity(fields.iter().map(|field| field.len() + 8).sum()));
    for field in fields {
        message.extend_from_slice(&(field.len() as u64).to_be_bytes());
        message.extend_from_slice(field);
    }
    message
}

/// 32 bytes of the operating system's random generator.
pub(crate) fn random_key() -> Result<Key, VaultError> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *bytes).map_err(|_| VaultError::NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn label_and_message_are_joined() {
        // python3: hmac.new(bytes(range(32)), b"label:message", "sha256").hexdigest()
        let key = Zeroizing::new(std::array::from_fn(|index| index as u8));
        assert_eq!(
            hex(&*prf(&key, "label:", b"message")),
            "d87dc039799b4e82232da7f03401704587b5c9594c6bc76bc027ad1539d225ee"
        );
    }

    #[test]
    fn moving_a_byte_to_the_next_field_changes_the_frame() {
        assert_ne!(framed(&[b"ab", b"c"]), framed(&[b"a", b"bc"]));
        assert_ne!(framed(&[b"", b"a"]), framed(&[b"a", b""]));
    }
}
