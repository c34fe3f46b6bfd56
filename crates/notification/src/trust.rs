//! Which certificate authorities a TLS peer must be signed by: the public ones, or only those of one file.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::ConfigError;

/// The PEM text of `file`.
pub(crate) fn read_pem(key: &str, file: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(file).map_err(|source| ConfigError::Read { key: format!("{key}.ca_file"), source })
}

/// TLS 1.2 and 1.3 with ring.
pub(crate) fn client(key: &str, ca_file: Option<&Path>) -> Result<ClientConfig, ConfigError> {
    let unusable = || ConfigError::Certificate { key: format!("{key}.ca_file") };
    let mut roots = RootCertStore::empty();
    match ca_file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            for certificate in CertificateDer::pem_slice_iter(&read_pem(key, file)?) {
                roots.add(certificate.map_err(|_| unusable())?).map_err(|_| unusable())?;
            }
            if roots.is_empty() {
                return Err(unusable());
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| unusable())?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
