//! TLS of both transports, with certificates on both sides, and with wrong ones.

use std::fs;
use std::sync::Arc;

use dicom_node::config::{ClientCertificate, TlsServerConfig};
use dicom_node::tls::ServerTls;
use partner::PartnerError;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::archive_peer::Archive;
use crate::http_peer::{HttpPeer, Reply};
use crate::objects::{Source, all_acknowledged, batch, partner, send};

/// Authority, server and client certificates, as PEM files; and a server that asks for a client certificate.
fn setup(folder: &std::path::Path) -> TlsAcceptor {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    for name in ["server", "client"] {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_file(folder.join("server.pem")).unwrap()],
            PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// AC3.1: C-STORE over TLS.
#[tokio::test]
async fn instances_go_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    setup(folder.path());
    let file = |name: &str| folder.path().join(name);
    let server = TlsServerConfig {
        certificate: file("server.pem"),
        key: file("server.key"),
        client_ca: Some(file("ca.pem")),
        client_certificate: ClientCertificate::Required,
    };
    let peer = Archive::default().listen(Some(ServerTls::load(&server).unwrap())).await;
    let tls = |own: &str| {
        let ca = file("ca.pem").display().to_string();
        peer.partner(&format!("tls = {{ ca = '{ca}', server_name = 'localhost'{own} }}"))
    };
    let [certificate, key] = ["client.pem", "client.key"].map(|name| file(name).display().to_string());
    let lab = tls(&format!(", certificate = '{certificate}', key = '{key}'"));
    let (sent, answers) = send(&lab, batch(0..5), Source::default()).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 5));
    let (sent, answers) = send(&tls(""), batch(0..5), Source::default()).await;
    assert!(sent.is_err() && answers.is_empty());
    assert!(peer.partner("").test().await.is_err());
}

#[tokio::test]
async fn both_sides_show_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let peer = HttpPeer::tls(setup(folder.path()), |_| Reply::json("200 OK", "[]")).await;
    let file = |name: &str| folder.path().join(name).display().to_string();
    let url = format!("stow_url = 'https://localhost:{}/dicom-web'", peer.port);
    let ca = format!("ca_file = '{}'", file("ca.pem"));
    let own = format!("certificate = '{}'\nkey = '{}'", file("client.pem"), file("client.key"));
    let lab = partner(&format!("[transport.dicomweb]\n{url}\n{ca}\n{own}\ntoken = {{ env = 'T' }}"));
    lab.test().await.unwrap();
    assert_eq!(peer.requests()[0].header("authorization"), "Bearer token-of-the-test");
    for without in [format!("{url}\n{own}"), format!("{url}\n{ca}")] {
        let error = partner(&format!("[transport.dicomweb]\n{without}")).test().await.unwrap_err();
        assert!(matches!(error, PartnerError::Configuration { .. }), "{error}");
    }
    assert_eq!(peer.requests().len(), 1);
}
