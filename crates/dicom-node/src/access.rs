//! Who may associate: what access control sees, and what it answers (PS3.8 §9.3.4, PS3.7 §D.3.3.7).

use crate::ae_title::AeTitle;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

/// Everything known about a peer when its association is decided on.
#[derive(Debug, Clone)]
pub struct PeerInfo {
    /// Number of the association in this process, for logs and audit.
    pub association: u64,
    /// Address of the other end of the connection.
    pub address: SocketAddr,
    /// Certificate that the peer proved during the TLS handshake.
    pub certificate: Option<PeerCertificate>,
    /// Called AE title, as received.
    pub called: AeTitle,
    /// Calling AE title, as received.
    pub calling: AeTitle,
    /// User identity that the peer offered.
    pub user_identity: Option<UserIdentity>,
}

/// A client certificate whose signature chain and possession were checked by TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// X.509 certificate, DER.
    pub der: Vec<u8>,
    /// Subject as `CN=…,O=…`; empty if it could not be read.
    pub subject: String,
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// User identity sub-item of A-ASSOCIATE-RQ (PS3.7 §D.3.3.7.1). It may hold a password: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// 1 user name, 2 user name and passcode, 3 Kerberos, 4 SAML, 5 JSON web token.
    pub kind: u8,
    /// User name, ticket, assertion or token.
    pub primary: Vec<u8>,
    /// Passcode, for kind 2 only.
    pub secondary: Vec<u8>,
    /// The peer wants an answer.
    pub response_requested: bool,
}

impl fmt::Debug for UserIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserIdentity").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What an accepted peer may do.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Our name of the peer; associations are counted under it.
    pub node: Arc<str>,
    /// Associations of this peer at the same time.
    pub associations: usize,
    /// C-STORE is offered.
    pub storage: bool,
    /// SOP classes beyond those of PS3.4 that are taken as storage classes.
    pub extra_sop_classes: Vec<String>,
    /// Transfer syntaxes beyond those of PS3.5 that are accepted, preferred to all others.
    pub extra_transfer_syntaxes: Vec<String>,
    /// C-FIND is offered.
    pub query: bool,
    /// Storage commitment requests (N-ACTION) are taken from this peer.
    pub commitment_requests: bool,
    /// Storage commitment results (N-EVENT-REPORT) are taken from this peer.
    pub commitment_reports: bool,
    /// Server response to a user identity (PS3.7 §D.3.3.7.2), if the peer asks for one.
    pub identity_response: Vec<u8>,
}

impl Policy {
    /// The usual policy: C-ECHO, C-STORE of all standard classes, commitment results; no other service.
    pub fn new(node: impl Into<Arc<str>>, associations: usize) -> Self {
        Self {
            node: node.into(),
            associations,
            storage: true,
            extra_sop_classes: Vec::new(),
            extra_transfer_syntaxes: Vec::new(),
            query: false,
            commitment_requests: false,
            commitment_reports: true,
            identity_response: Vec::new(),
        }
    }
}

/// Result, source and reason of an A-ASSOCIATE-RJ: PS3.8 Table 9-21.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// 1 permanent, 2 transient.
    pub result: u8,
    /// 1 service user, 2 service provider (ACSE), 3 service provider (presentation).
    pub source: u8,
    /// Reason within the source.
    pub reason: u8,
}

impl Rejection {
    /// No reason given.
    pub const NO_REASON: Self = Self { result: 1, source: 1, reason: 1 };
    /// Application context name not supported.
    pub const APPLICATION_CONTEXT: Self = Self { result: 1, source: 1, reason: 2 };
    /// Calling AE title not recognized: title, address or certificate is not on the list.
    pub const CALLING_TITLE: Self = Self { result: 1, source: 1, reason: 3 };
    /// Called AE title not recognized.
    pub const CALLED_TITLE: Self = Self { result: 1, source: 1, reason: 7 };
    /// Protocol version not supported.
    pub const PROTOCOL_VERSION: Self = Self { result: 1, source: 2, reason: 2 };
    /// Temporary congestion: no room, or not able to store at present.
    pub const CONGESTION: Self = Self { result: 2, source: 3, reason: 1 };
    /// Local limit exceeded: too many associations.
    pub const LOCAL_LIMIT: Self = Self { result: 2, source: 3, reason: 2 };

    /// Whether the same request may succeed later.
    pub fn is_transient(self) -> bool {
        self.result == 2
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.is_transient() { "transient, try again later" } else { "permanent" };
        let why = match (self.source, self.reason) {
            (1, 2) => "application context name not supported",
            (1, 3) => "calling AE title not recognized",
            (1, 7) => "called AE title not recognized",
            (2, 2) => "protocol version not supported",
            (3, 1) => "temporary congestion",
            (3, 2) => "local limit exceeded",
            _ => "no reason given",
        };
        write!(f, "{why} ({when}; source {}, reason {})", self.source, self.reason)
    }
}

/// A connection that got no association, for the audit trail.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused<'a> {
    /// A-ASSOCIATE-RJ was sent.
    Association {
        /// The peer, with its titles.
        peer: &'a PeerInfo,
        /// What it was told.
        rejection: Rejection,
    },
    /// The TLS handshake failed: no or an untrusted certificate, no common version.
    Tls {
        /// Address of the other end.
        address: SocketAddr,
    },
    /// What came was no association request, or none came before the ARTIM timer expired.
    Garbage {
        /// Address of the other end.
        address: SocketAddr,
    },
}

/// Decides who may associate, and hears of everyone who may not.
pub trait AccessControl: Send + Sync + 'static {
    /// Decides about one peer, before anything is accepted. Limits on numbers are checked by the node itself.
    ///
    /// # Errors
    /// The rejection to send: [`Rejection::CALLED_TITLE`], [`Rejection::CALLING_TITLE`], [`Rejection::CONGESTION`] …
    fn decide(&self, peer: &PeerInfo) -> impl Future<Output = Result<Policy, Rejection>> + Send;

    /// Hears of each refusal, those of [`decide`](Self::decide) and those of the node itself. This crate writes no
    /// audit.
    fn refused(&self, refused: Refused<'_>) -> impl Future<Output = ()> + Send;
}
