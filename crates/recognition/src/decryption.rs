//! Enveloped data (RFC 5652, 6) opened with a private key by `openssl cms`. The key stays in its file, and no plain text touches a disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{self, ProcessError, ProcessLimits};

/// Longest time for one question to the program.
const TIME: Duration = Duration::from_secs(30);
const PROGRAM: &str = "openssl";

/// Why a private key cannot be used: correct the file or its path.
#[derive(Debug, thiserror::Error)]
pub enum DecryptionKeyError {
    /// The file is not there, or not for us: correct the path or its permissions.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Error of the file system.
        source: io::Error,
    },
    /// Everybody on the machine may read or change it: `chmod o=` it.
    #[error("{path} may be read by everybody (mode {mode:o}): chmod o= it")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else: give a key in PEM that asks for no passphrase.
    #[error("{path} is no private key in PEM without a passphrase")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The program could not be asked: install the package openssl.
    #[error("{PROGRAM} could not be asked about the key: {0}")]
    Process(ProcessError),
}

/// A private key, by its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecryptionKey {
    path: PathBuf,
}

impl DecryptionKey {
    /// Looks at the key once, so that a wrong path or file shows at the start.
    ///
    /// # Errors
    /// [`DecryptionKeyError`].
    pub fn open(path: &Path) -> Result<Self, DecryptionKeyError> {
        let unreadable = |source| DecryptionKeyError::Unreadable { path: path.to_owned(), source };
        // absolute: what begins otherwise may be the name of another kind of store
        let path = std::path::absolute(path).map_err(unreadable)?;
        let mode =
            File::open(&path).and_then(|file| Ok(file.metadata()?.mode() & 0o777)).map_err(unreadable)?;
        if mode & 0o007 != 0 {
            return Err(DecryptionKeyError::Exposed { path, mode });
        }
        let mut command = Command::new(PROGRAM);
        command.args(["pkey", "-noout", "-inform", "PEM", "-passin", "pass:", "-in"]).arg(&path);
        match process::run(command, &[], ProcessLimits { time: TIME, output: 0, resources: None }) {
            Ok(_) => Ok(Self { path }),
            Err(ProcessError::Failed(_)) => Err(DecryptionKeyError::NotAKey { path }),
            Err(error) => Err(DecryptionKeyError::Process(error)),
        }
    }

    /// Opens enveloped data in DER; the plain text has at most `longest` bytes.
    ///
    /// Which recipient the key is of is found by trying. A wrong key may give random bytes instead of an error, so that a peer cannot learn by asking
    /// which of its guesses fit: the caller has to recognise the plain text.
    ///
    /// # Errors
    /// [`ProcessError::Io`], also when the key is no longer there, and [`ProcessError::NotInstalled`]: try again. Any other: it stays closed.
    pub fn decrypt(&self, enveloped: &[u8], longest: u64) -> Result<Vec<u8>, ProcessError> {
        File::open(&self.path)?;
        let mut command = Command::new(PROGRAM);
        command.args(["cms", "-decrypt", "-binary", "-inform", "DER", "-keyform", "PEM", "-passin", "pass:"]);
        command.arg("-inkey").arg(&self.path);
        process::run(command, enveloped, ProcessLimits { time: TIME, output: longest, resources: None })
    }
}
