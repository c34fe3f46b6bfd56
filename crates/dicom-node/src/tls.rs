//! TLS 1.2 and 1.3 for DICOM (PS3.15 Annex B, BCP 195), with ring as the only cryptography provider.

use crate::access::PeerCertificate;
use crate::certificate_subject;
use crate::config::{ClientCertificate, TlsClientConfig, TlsServerConfig};
use crate::stream::NetStream;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

static VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// TLS cannot be set up: an administrator has to correct files or names.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A PEM file is missing, unreadable, or holds nothing of what is needed.
    #[error("{}: no usable PEM content ({why}); check path, permissions and content", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Two settings do not go together.
    #[error("TLS settings are incomplete: {0}")]
    Incomplete(&'static str),
    /// Certificate and key do not match, or a certificate is not usable.
    #[error("the certificates cannot be used: {0}; check that certificate and key belong together")]
    Unusable(String),
}

/// TLS of a listener, ready for connections.
#[derive(Clone)]
pub struct ServerTls(TlsAcceptor);

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(config: &TlsServerConfig) -> Result<Self, TlsError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        let builder = match (config.client_certificate, &config.client_ca) {
            (ClientCertificate::None, _) => builder.with_no_client_auth(),
            (_, None) => return Err(TlsError::Incomplete("client_certificate needs client_ca")),
            (asked, Some(ca)) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca)?), provider());
                let verifier = match asked {
                    ClientCertificate::Optional => verifier.allow_unauthenticated(),
                    _ => verifier,
                };
                builder.with_client_cert_verifier(
                    verifier.build().map_err(|error| TlsError::Unusable(error.to_string()))?,
                )
            }
        };
        let config = builder
            .with_single_cert(certificates(&config.certificate)?, key(&config.key)?)
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// The handshake of an accepted connection, and the certificate that the client proved.
    pub(crate) async fn accept(&self, tcp: TcpStream) -> io::Result<(NetStream, Option<PeerCertificate>)> {
        let tls = self.0.accept(tcp).await?;
        let certificate = tls.get_ref().1.peer_certificates().and_then(<[_]>::first).map(peer_certificate);
        Ok((NetStream::Tls(Box::new(TlsStream::Server(tls))), certificate))
    }
}

/// TLS towards a remote node, ready for connections.
#[derive(Clone)]
pub struct ClientTls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl ClientTls {
    /// Reads the files. `host` is the name expected in the server's certificate unless the configuration names one.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(config: &TlsClientConfig, host: &str) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(|error| TlsError::Unusable(error.to_string()))?
            .with_root_certificates(roots(&config.ca)?);
        let config_ready = match (&config.certificate, &config.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(path)) => builder
                .with_client_auth_cert(certificates(certificate)?, key(path)?)
                .map_err(|error| TlsError::Unusable(error.to_string()))?,
            _ => return Err(TlsError::Incomplete("certificate and key go together")),
        };
        let name = config.server_name.as_deref().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name)
            .map_err(|_| TlsError::Incomplete("server_name is no name or address"))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config_ready)), name })
    }

    pub(crate) async fn connect(&self, tcp: TcpStream) -> io::Result<NetStream> {
        let tls = self.connector.connect(self.name.clone(), tcp).await?;
        Ok(NetStream::Tls(Box::new(TlsStream::Client(tls))))
    }
}

fn peer_certificate(der: &CertificateDer<'_>) -> PeerCertificate {
    let subject = webpki::EndEntityCert::try_from(der)
        .map(|certificate| certificate_subject::text(certificate.subject()))
        .unwrap_or_default();
    PeerCertificate { der: der.to_vec(), subject }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn file_error(path: &Path, why: impl ToString) -> TlsError {
    TlsError::File { path: path.to_owned(), why: why.to_string() }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| file_error(path, error))?;
    if chain.is_empty() { Err(file_error(path, "no certificate")) } else { Ok(chain) }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| file_error(path, error))
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| file_error(path, error))?;
    }
    Ok(roots)
}
