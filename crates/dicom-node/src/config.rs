//! Configuration of the DICOM node; part of `site.toml`. Unknown keys are errors.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Limits and timers of every association of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// Associations served at the same time; beyond it A-ASSOCIATE-RJ (transient, local limit exceeded).
    pub associations: usize,
    /// Connections without an association: before a whole A-ASSOCIATE-RQ, or ended but not closed by the peer. Beyond it
    /// the oldest is closed.
    pub pending: usize,
    /// Largest P-DATA-TF PDU we accept, in bytes; announced to the peer (PS3.8 §D.1).
    pub max_pdu_bytes: u32,
    /// Largest data set we accept in one C-STORE, in bytes; beyond it status 0xA700.
    pub max_instance_bytes: u64,
    /// Bytes of a refused data set that are read and dropped before the association is aborted.
    pub max_drain_bytes: u64,
    /// ARTIM timer of PS3.8 §9.1.5, in seconds: from connection to A-ASSOCIATE-RQ, and for the end of a connection.
    pub artim_seconds: u64,
    /// Seconds an association may rest between two messages before it is aborted.
    pub idle_seconds: u64,
    /// Seconds without one byte moved inside a message before the association is aborted.
    pub stall_seconds: u64,
    /// Seconds we wait for the answer to a request of ours.
    pub response_seconds: u64,
    /// Seconds for name resolution, TCP and TLS of an outgoing connection.
    pub connect_seconds: u64,
    /// Seconds that running messages get to finish when the program stops.
    pub drain_seconds: u64,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            associations: 256,
            pending: 1024,
            max_pdu_bytes: 256 * 1024,
            max_instance_bytes: 16 << 30,
            max_drain_bytes: 1 << 30,
            artim_seconds: 30,
            idle_seconds: 900,
            stall_seconds: 60,
            response_seconds: 120,
            connect_seconds: 15,
            drain_seconds: 20,
        }
    }
}

/// The timers of an association as durations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timers {
    pub(crate) artim: Duration,
    pub(crate) idle: Duration,
    pub(crate) stall: Duration,
    pub(crate) response: Duration,
}

impl NodeConfig {
    pub(crate) fn timers(&self) -> Timers {
        Timers {
            artim: Duration::from_secs(self.artim_seconds),
            idle: Duration::from_secs(self.idle_seconds),
            stall: Duration::from_secs(self.stall_seconds),
            response: Duration::from_secs(self.response_seconds),
        }
    }
}

/// TLS of a listener (BCP 195: TLS 1.2 and 1.3). All files are PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsServerConfig {
    /// Certificate chain, own certificate first.
    pub certificate: PathBuf,
    /// Private key of the certificate.
    pub key: PathBuf,
    /// Certificates that may sign client certificates; needed unless `client_certificate` is `none`.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// Whether clients must show a certificate.
    #[serde(default)]
    pub client_certificate: ClientCertificate,
}

/// What a TLS listener asks of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificate {
    /// No certificate is asked for.
    #[default]
    None,
    /// Asked for; access control decides per node whether it may be missing.
    Optional,
    /// A connection without a valid certificate is refused during the handshake.
    Required,
}

/// TLS towards a remote node. All files are PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsClientConfig {
    /// Certificates that may sign the server's certificate.
    pub ca: PathBuf,
    /// Our certificate chain, if the server asks for one.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// Private key of `certificate`.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// Name or address that the server's certificate must carry; the host of the node if absent.
    #[serde(default)]
    pub server_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_errors_and_missing_keys_have_defaults() {
        let config: NodeConfig = toml::from_str("associations = 7").unwrap();
        assert_eq!(config, NodeConfig { associations: 7, ..NodeConfig::default() });
        assert!(toml::from_str::<NodeConfig>("asociations = 7").is_err());
        assert!(toml::from_str::<TlsClientConfig>("ca = 'a.pem'\nverify = false").is_err());
    }
}
