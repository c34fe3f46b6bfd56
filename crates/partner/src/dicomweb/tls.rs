//! TLS towards a DICOMweb partner: whom to trust, and our own certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::DicomwebConfig;
use crate::error::ConfigError;

/// TLS 1.2 and 1.3 with ring.
pub(super) fn client(config: &DicomwebConfig) -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore::empty();
    match &config.ca_file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            for certificate in certificates("transport.dicomweb.ca_file", file)? {
                roots.add(certificate).map_err(|_| pem("transport.dicomweb.ca_file", file))?;
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| ConfigError::value("transport.dicomweb", "TLS is not usable"))?
        .with_root_certificates(roots);
    let (Some(certificate), Some(key)) = (&config.certificate, &config.key) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates("transport.dicomweb.certificate", certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|_| pem("transport.dicomweb.key", key))?;
    builder.with_client_auth_cert(chain, private).map_err(|_| {
        ConfigError::value("transport.dicomweb.key", "certificate and key do not belong together")
    })
}

fn pem(key: &'static str, path: &Path) -> ConfigError {
    ConfigError::Pem { key, path: path.to_owned() }
}

fn certificates(key: &'static str, file: &PathBuf) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| pem(key, file))
}
