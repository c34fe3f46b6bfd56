//! What can go wrong with a partner, sorted by what the caller should do. No text holds a URL, a token, an identifier or
//! anything that a partner wrote.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use dicom_node::AssociationError;
use dicom_node::tls::TlsError;

/// Why an exchange with a partner ended early. What was answered before stays answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartnerError {
    /// Try again later, with back-off, and not before `retry_after`.
    #[error("{cause}; it is tried again later")]
    Transient {
        /// What happened.
        cause: Cause,
        /// What the partner asked for (RFC 9110 §10.2.3), a day at most.
        retry_after: Option<Duration>,
    },
    /// Trying again unchanged is of no use: tell a person (job to *attention*).
    #[error("{cause}; a person has to look into it")]
    Permanent {
        /// What happened.
        cause: Cause,
    },
    /// Settings here or at the partner do not fit: tell the administrator, then try again.
    #[error("{cause}; check the settings of this partner, here and there")]
    Configuration {
        /// What happened.
        cause: Cause,
    },
}

/// What happened in an exchange.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The association.
    #[error(transparent)]
    Association(AssociationError),
    /// A DIMSE status other than success.
    #[error("the partner answered status 0x{0:04X}")]
    Status(u16),
    /// An HTTP status other than success.
    #[error("the partner answered HTTP status {0}")]
    Http(u16),
    /// Nobody took the connection.
    #[error("no connection to the partner")]
    NoConnection,
    /// The connection broke.
    #[error("the connection to the partner broke")]
    Broken,
    /// TLS was not established: certificates, names or versions.
    #[error("TLS was not established with the partner")]
    Tls,
    /// Its name stands for an address that plain HTTP may not go to.
    #[error("plain HTTP may not go to the address of the partner")]
    PlainHttp,
    /// Silence for too long.
    #[error("the partner did not answer in time")]
    TimedOut,
    /// An answer that is not what the standard says.
    #[error("the answer of the partner cannot be understood: {0}")]
    Answer(&'static str),
    /// A file or folder of an export.
    #[error("the export folder: cannot {what}: {source}")]
    Folder {
        /// What was tried.
        what: &'static str,
        /// The error of the system.
        source: io::Error,
    },
    /// What is dropped for one study; the results of the others are not concerned.
    #[error("the results of a study: {0}")]
    Dropped(#[from] Unusable),
    /// The request itself.
    #[error("{0}")]
    Request(&'static str),
}

/// Why nothing that is dropped for a study is taken for now. A copy under way looks like most of them: look again later, and tell a person
/// when it stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// Links are not followed, and pipes not waited for.
    #[error(
        "its folder, its manifest or a file that it names is a link, a pipe or anything but a folder with plain files"
    )]
    NotPlain,
    /// Rights, or the disk.
    #[error("its folder, its manifest or a file that it names cannot be read")]
    Unreadable,
    /// Too long, no JSON, another format, a name with a path in it, a hash that is none.
    #[error("its manifest is not one of format 1")]
    Manifest,
    /// Longer or shorter than the manifest says counts as not there.
    #[error("its manifest names what is not there, or not there as a whole")]
    Incomplete,
    /// More than `study_instances` of the partner.
    #[error("its manifest names more files than the limit of a study: nothing of it is taken")]
    TooMany,
}

impl PartnerError {
    pub(crate) fn transient(cause: Cause) -> Self {
        Self::Transient { cause, retry_after: None }
    }
}

impl From<Unusable> for PartnerError {
    fn from(why: Unusable) -> Self {
        Self::transient(Cause::Dropped(why))
    }
}

impl From<AssociationError> for PartnerError {
    fn from(error: AssociationError) -> Self {
        use AssociationError as E;
        let transient = match &error {
            E::Rejected(rejection) if !rejection.is_transient() => Some(false),
            E::NoContext | E::Unencodable => Some(false),
            E::Tls(source) => Some(is_connection_loss(source)),
            E::Violation(_) => None,
            _ => Some(true),
        };
        let cause = Cause::Association(error);
        match transient {
            Some(true) => Self::transient(cause),
            Some(false) => Self::Configuration { cause },
            None => Self::Permanent { cause },
        }
    }
}

/// Whether a handshake failed because the connection went away, and not because of what was said in it.
fn is_connection_loss(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::UnexpectedEof | K::TimedOut
    )
}

/// Correct `[[partner]]` in the configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The key holds a value that cannot be used.
    #[error("partner.{key}: {problem}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong, and what is expected.
        problem: &'static str,
    },
    /// A secret could not be read: check its place and its rights.
    #[error("partner.{key}: cannot be read: {source}")]
    Secret {
        /// The key.
        key: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A PEM file cannot be read, or does not hold what is expected.
    #[error("partner.{key}: {} holds no usable PEM content", path.display())]
    Pem {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// TLS of DICOM cannot be set up.
    #[error("partner.transport.dicom.tls: {0}")]
    Tls(#[from] TlsError),
}

impl ConfigError {
    pub(crate) fn value(key: &'static str, problem: &'static str) -> Self {
        Self::Value { key, problem }
    }
}
