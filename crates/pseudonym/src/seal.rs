//! Sealing of values at rest: XChaCha20-Poly1305 (RFC 8439 with the extended nonce of draft-irtf-cfrg-xchacha-03), a random nonce
//! of 24 bytes, and the place of the value as associated data, so that a value moved to another row or column does not open.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::prf::{Key, framed};

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Where a sealed value stands.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    /// Id of the wrapping key, or of the owner of the derived key.
    pub(crate) key: &'a str,
    /// Primary key of the row, field by field.
    pub(crate) row: &'a [&'a [u8]],
}

impl Place<'_> {
    fn associated_data(&self) -> Zeroizing<Vec<u8>> {
        let head = [self.table.as_bytes(), self.column.as_bytes(), self.key.as_bytes()];
        let fields: Vec<&[u8]> = head.into_iter().chain(self.row.iter().copied()).collect();
        framed(&fields)
    }
}

/// Version byte, nonce, ciphertext with its tag.
pub(crate) fn seal(key: &Key, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut nonce = XNonce::default();
    getrandom::fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
    let payload = Payload { msg: plain, aad: &place.associated_data() };
    let sealed = XChaCha20Poly1305::new((&**key).into())
        .encrypt(&nonce, payload)
        .map_err(|_| VaultError::Limit("the value is too long to be sealed"))?;
    Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
}

/// The value, if it was sealed by this key for this place.
pub(crate) fn open(key: &Key, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let tampered = VaultError::Tampered(place.table);
    let Some((nonce, text)) =
        sealed.strip_prefix(&[VERSION]).and_then(|sealed| sealed.split_first_chunk::<NONCE>())
    else {
        return Err(tampered);
    };
    let payload = Payload { msg: text, aad: &place.associated_data() };
    let plain = XChaCha20Poly1305::new((&**key).into()).decrypt(nonce.into(), payload);
    plain.map(Zeroizing::new).map_err(|_| tampered)
}

/// As [`open`], for a value of 32 bytes.
pub(crate) fn open_key(key: &Key, place: Place<'_>, sealed: &[u8]) -> Result<Key, VaultError> {
    let plain = open(key, place, sealed)?;
    let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| VaultError::Tampered(place.table))?;
    Ok(Zeroizing::new(bytes))
}

/// As [`open`], for a text.
pub(crate) fn open_text(key: &Key, place: Place<'_>, sealed: &[u8]) -> Result<String, VaultError> {
    let plain = open(key, place, sealed)?;
    String::from_utf8(plain.to_vec()).map_err(|_| VaultError::Tampered(place.table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_at_its_place_only() {
        let key = Zeroizing::new([7; 32]);
        let here = Place { table: "t", column: "c", key: "k", row: &[b"r", b"s"] };
        let sealed = seal(&key, here, b"plain").unwrap();
        assert_eq!(*open(&key, here, &sealed).unwrap(), b"plain");
        assert_ne!(sealed, seal(&key, here, b"plain").unwrap(), "each seal has a nonce of its own");

        let elsewhere = [
            Place { table: "u", ..here },
            Place { column: "d", ..here },
            Place { key: "l", ..here },
            Place { row: &[b"rs"], ..here },
        ];
        for place in elsewhere {
            assert!(matches!(open(&key, place, &sealed), Err(VaultError::Tampered(_))));
        }
        assert!(open(&Zeroizing::new([8; 32]), here, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&key, here, &changed).is_err(), "byte {at}");
            assert!(open(&key, here, &sealed[..at]).is_err(), "cut at {at}");
        }
    }
}
