//! Wrapping keys: where they come from, and which one wraps a row.
//!
//! A wrapping key wraps the root secret of the vault and the secret of each participant, nothing else. All other keys are derived
//! from those two, so rotation re-wraps one small row per participant and changes no hash, code, UID or shift.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::prf::{Key, number, prf, random_key};

const KEY_ID: &str = "research-pacs/1/key-id:";
/// A key text is 64 digits; what is longer by more than blanks is another file.
const LONGEST_TEXT: u64 = 256;

/// Where a wrapping key is kept; the configuration names the place, never the key (ARC-4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// A file that its owner alone can read (mode 0600 or 0400).
    File(PathBuf),
    /// The name of an environment variable.
    Variable(String),
    /// The name of a credential in the directory `$CREDENTIALS_DIRECTORY` (systemd, or a mounted secret of a cluster);
    /// its group may read it.
    Credential(String),
}

/// Why a wrapping key cannot be had. The vault then opens locked; reception goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Put the file in place, or correct the path.
    #[error("the vault key file {} cannot be read: {cause}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: io::ErrorKind,
    },
    /// `chmod 600` the file, after judging who may have read it.
    #[error("the vault key file {} is open to others (mode {mode:o}); let its owner alone read it", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
    },
    /// Set the variable.
    #[error("the variable {0} that holds the vault key is not set")]
    Variable(String),
    /// Start the service with the credential.
    #[error("the credential {0} is not a plain name, or $CREDENTIALS_DIRECTORY is not set")]
    Credential(String),
    /// Give 64 hexadecimal digits: 32 random bytes.
    #[error("a vault key is 64 hexadecimal digits, not all the same")]
    Malformed,
    /// Repeat later.
    #[error("no random bytes")]
    NoRandomness,
}

/// A wrapping key: 32 random bytes and the id that follows from them.
pub struct WrappingKey {
    bytes: Key,
    id: String,
}

impl WrappingKey {
    /// Reads a key. `variable` looks an environment variable up: `|name| std::env::var(name).ok()`.
    ///
    /// # Errors
    /// [`KeyError`]: open the vault without a key, say why, go on receiving.
    pub fn load(source: &KeySource, variable: impl Fn(&str) -> Option<String>) -> Result<Self, KeyError> {
        let text = match source {
            KeySource::File(path) => read_private(path, 0o077)?,
            KeySource::Variable(name) => {
                Zeroizing::new(variable(name).ok_or_else(|| KeyError::Variable(name.clone()))?)
            }
            KeySource::Credential(name) => {
                let plain = !name.is_empty() && !name.starts_with('.') && !name.contains('/');
                let directory = variable("CREDENTIALS_DIRECTORY").filter(|_| plain);
                let directory = directory.ok_or_else(|| KeyError::Credential(name.clone()))?;
                read_private(&Path::new(&directory).join(name), 0o027)?
            }
        };
        Self::parse(&text)
    }

    /// Makes a new random key and writes it to a file that does not exist yet, with mode 0600, synced.
    ///
    /// # Errors
    /// [`KeyError::File`], also when the file exists: a key is never overwritten.
    pub fn create_file(path: &Path) -> Result<Self, KeyError> {
        let key = Self::from_bytes(random_key().map_err(|_| KeyError::NoRandomness)?);
        let text: Zeroizing<String> =
            Zeroizing::new(key.bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            File::open(
                path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")),
            )?
            .sync_all()
        };
        write().map_err(|error| KeyError::File { path: path.to_owned(), cause: error.kind() })?;
        Ok(key)
    }

    /// A key from 64 hexadecimal digits; blanks and line ends around them do not count.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let mut bytes = Zeroizing::new([0_u8; 32]);
        let digits: Option<Zeroizing<Vec<u32>>> =
            text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>().map(Zeroizing::new);
        let digits = digits.filter(|digits| digits.len() == 64).ok_or(KeyError::Malformed)?;
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | (*digit & 0xf) as u8);
        }
        if bytes.windows(2).all(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(KeyError::Malformed);
        }
        Ok(Self::from_bytes(bytes))
    }

    fn from_bytes(bytes: Key) -> Self {
        let id = format!("{:016x}", number(&prf(&bytes, KEY_ID, b"")) >> 64);
        Self { bytes, id }
    }

    /// The id that rows wrapped by this key carry: 16 hexadecimal digits that tell nothing of the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &Key {
        &self.bytes
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WrappingKey({}, ..)", self.id)
    }
}

/// The keys at hand: the current one and, until a rotation is finished, the one before.
#[derive(Debug)]
pub struct KeyRing {
    current: WrappingKey,
    previous: Option<WrappingKey>,
}

impl KeyRing {
    /// The current key, and the previous one while rows may still be wrapped by it.
    #[must_use]
    pub fn new(current: WrappingKey, previous: Option<WrappingKey>) -> Self {
        Self { current, previous }
    }

    pub(crate) fn current(&self) -> &WrappingKey {
        &self.current
    }

    /// Both, the current one first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &WrappingKey> {
        [&self.current].into_iter().chain(&self.previous)
    }

    pub(crate) fn get(&self, id: &str) -> Result<&WrappingKey, VaultError> {
        self.all().find(|key| key.id == id).ok_or_else(|| VaultError::KeyMissing(id.to_owned()))
    }
}

/// Reads a small text file, if none of the permission bits `forbidden` is set.
fn read_private(path: &Path, forbidden: u32) -> Result<Zeroizing<String>, KeyError> {
    let failed = |error: io::Error| KeyError::File { path: path.to_owned(), cause: error.kind() };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & forbidden != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_TEXT as usize));
    file.take(LONGEST_TEXT).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const TEXT: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_id_is_the_known_answer() {
        // python3: hmac.new(bytes(range(32)), b"research-pacs/1/key-id:", "sha256").hexdigest()[:16]
        let key = WrappingKey::parse(TEXT).unwrap();
        assert_eq!(key.id(), "4515f688e7d12609");
        assert_eq!(format!("{key:?}"), "WrappingKey(4515f688e7d12609, ..)");
    }

    #[test]
    fn only_64_digits_are_a_key() {
        assert!(WrappingKey::parse(&format!(" {TEXT}\r\n")).is_ok());
        for text in
            ["", "00", TEXT.get(1..).unwrap(), &format!("{TEXT}0"), &TEXT.replace('a', "+"), &"0".repeat(64)]
        {
            assert!(matches!(WrappingKey::parse(text), Err(KeyError::Malformed)));
        }
    }

    #[test]
    fn a_file_must_be_private_and_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vault.key");
        let source = KeySource::File(path.clone());
        assert!(matches!(WrappingKey::load(&source, none), Err(KeyError::File { .. })));
        let made = WrappingKey::create_file(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(WrappingKey::load(&source, none).unwrap().id(), made.id());
        assert!(matches!(
            WrappingKey::create_file(&path),
            Err(KeyError::File { cause: io::ErrorKind::AlreadyExists, .. })
        ));
        for mode in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert!(matches!(WrappingKey::load(&source, none), Err(KeyError::Exposed { .. })), "{mode:o}");
        }
    }

    #[test]
    fn variables_and_credentials_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vault-key");
        std::fs::write(&path, TEXT).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o440)).unwrap();
        let variables = |name: &str| match name {
            "KEY" => Some(TEXT.to_owned()),
            "CREDENTIALS_DIRECTORY" => Some(directory.path().display().to_string()),
            _ => None,
        };
        let id = WrappingKey::parse(TEXT).unwrap().id;
        for source in [KeySource::Variable("KEY".into()), KeySource::Credential("vault-key".into())] {
            assert_eq!(WrappingKey::load(&source, variables).unwrap().id(), id);
            assert!(WrappingKey::load(&source, none).is_err());
        }
        for name in ["", "..", "../vault-key", "/etc/passwd"] {
            let source = KeySource::Credential(name.into());
            assert!(matches!(WrappingKey::load(&source, variables), Err(KeyError::Credential(_))));
        }
    }
}
