//! What can end an association, for both roles.

use crate::access::Rejection;
use std::io;

/// Why an association, or an operation on it, ended. No variant carries anything that a peer wrote.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssociationError {
    /// The transport connection could not be made or broke. Try again later.
    #[error("the connection failed ({0}); try again later")]
    Transport(#[source] io::Error),
    /// The peer closed the connection without A-RELEASE or A-ABORT. Try again later.
    #[error("the peer closed the connection in the middle of the association; try again later")]
    Closed,
    /// The peer sent A-ABORT (PS3.8 §9.3.8). Try again later; if it repeats, ask the peer's administrator.
    #[error(
        "the peer aborted the association (A-ABORT source {origin}, reason {reason}); see the peer's log"
    )]
    Aborted {
        /// 0 service user, 2 service provider.
        origin: u8,
        /// Reason of the service provider, PS3.8 Table 9-26.
        reason: u8,
    },
    /// The peer released the association while an answer was due. Open a new association.
    #[error("the peer released the association before it had answered; open a new one")]
    Released,
    /// The peer rejected the association. Transient rejections may be retried; permanent ones need an administrator.
    #[error("the peer rejected the association: {0}")]
    Rejected(Rejection),
    /// The peer broke the protocol; we aborted. Do not retry unchanged.
    #[error("the peer broke the protocol and the association was aborted: {0}")]
    Violation(&'static str),
    /// The peer was silent for too long; we aborted. Try again later.
    #[error("no answer in time from the peer; the association was aborted; try again later")]
    TimedOut,
    /// This program is shutting down. Try again after the restart.
    #[error("the association ended because this program is stopping")]
    Shutdown,
    /// The association is over, or another operation on it is not finished. Open a new association.
    #[error("the association is not open for this operation; open a new one")]
    NotOpen,
    /// No presentation context was accepted for this SOP class and transfer syntax. Propose others, or ask the peer's
    /// administrator to accept it.
    #[error("the peer accepted no presentation context for this SOP class and transfer syntax")]
    NoContext,
    /// The data to send could not be read. The association was aborted, the peer keeps nothing.
    #[error("the data to send could not be read ({0}); the transfer was aborted")]
    Source(#[source] io::Error),
    /// TLS could not be established: certificate or configuration. An administrator has to look.
    #[error("TLS was not established ({0}); check certificates, names and versions on both sides")]
    Tls(#[source] io::Error),
    /// A value of our own cannot be put into a message (title or UID too long). Correct the configuration.
    #[error("a title or UID of this node cannot be encoded; correct the configuration")]
    Unencodable,
}
