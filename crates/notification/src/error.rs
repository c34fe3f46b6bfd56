//! Errors of configuration and of delivery. None holds a secret, an address of a person, or text that a peer sent.

use std::io;
use std::path::PathBuf;

/// Correct `[notification]` in the configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The key holds a value that cannot be used.
    #[error("notification.{key}: {problem}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong, and what is expected.
        problem: &'static str,
    },
    /// A file or secret could not be read: check its path and its rights.
    #[error("notification.{key}: cannot be read: {source}")]
    Read {
        /// The key.
        key: String,
        /// Why.
        source: io::Error,
    },
    /// The certificate file holds no usable PEM certificate.
    #[error("notification.{key}: no usable PEM certificate in it")]
    Certificate {
        /// The key.
        key: String,
    },
    /// Correct the template; every event type must render.
    #[error("the template {} cannot be used: {problem}", path.display())]
    Template {
        /// The file, or the name of the built-in template.
        path: PathBuf,
        /// Line and reason.
        problem: String,
    },
}

/// Why one delivery failed. [`DeliveryError::is_permanent`] says whether trying again makes sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// Name the recipient in the configuration again, then replay.
    #[error("the recipient is no longer configured")]
    NoRecipient,
    /// Allow the network in the configuration or correct the URL, then replay.
    #[error("the host name stands for an address that is not allowed")]
    AddressRefused,
    /// Give the final URL in the configuration, then replay.
    #[error("the receiver redirects (status {0}); redirects are not followed")]
    Redirected(u16),
    /// The receiver answered something else than success.
    #[error("the receiver answered status {0}")]
    HttpStatus(u16),
    /// The mail server refused for good: correct recipient or credentials, then replay.
    #[error("the mail server refused with {0}")]
    SmtpRefused(u16),
    /// The mail server asks to try later.
    #[error("the mail server deferred with {0}")]
    SmtpDeferred(u16),
    /// No connection, or it broke.
    #[error("the receiver cannot be reached: {0}")]
    Unreachable(&'static str),
    /// The receiver was too slow.
    #[error("the receiver did not answer in time")]
    TimedOut,
    /// The row or template cannot be turned into a message: report it.
    #[error("the message cannot be written: {0}")]
    Message(&'static str),
}

impl DeliveryError {
    /// Whether only a person can make it succeed; then it becomes a dead letter at once.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::NoRecipient
            | Self::AddressRefused
            | Self::Redirected(_)
            | Self::SmtpRefused(_)
            | Self::Message(_) => true,
            // 410 Gone: the receiver wants no more
            Self::HttpStatus(status) => *status == 410,
            Self::SmtpDeferred(_) | Self::Unreachable(_) | Self::TimedOut => false,
        }
    }

    /// The code that opens the documentation page; never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRecipient => "RPACS-NOTIFY-0001",
            Self::AddressRefused => "RPACS-NOTIFY-0002",
            Self::Redirected(_) => "RPACS-NOTIFY-0003",
            Self::HttpStatus(_) => "RPACS-NOTIFY-0004",
            Self::SmtpRefused(_) => "RPACS-NOTIFY-0005",
            Self::SmtpDeferred(_) => "RPACS-NOTIFY-0006",
            Self::Unreachable(_) => "RPACS-NOTIFY-0007",
            Self::TimedOut => "RPACS-NOTIFY-0008",
            Self::Message(_) => "RPACS-NOTIFY-0009",
        }
    }
}
