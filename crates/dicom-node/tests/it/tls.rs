//! TLS both ways, with and without client certificates (PS3.15 Annex B). Certificates are made here.

use crate::fake::{Access, Commitment, Counting, Receiver};
use dicom_node::config::{ClientCertificate, NodeConfig, TlsClientConfig, TlsServerConfig};
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::VERIFICATION;
use dicom_node::status::Status;
use dicom_node::tls::{ClientTls, ServerTls, TlsError};
use dicom_node::transfer_syntax::IMPLICIT_LITTLE;
use dicom_node::{AeTitle, AssociationError, Node, RemoteNode};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::fs;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    /// A certificate authority, a server certificate for localhost and a client certificate.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        for (name, host, common_name) in
            [("server", "localhost", "Archive"), ("client", "modality", "CT, room 1")]
        {
            let mut params = CertificateParams::new([host.to_owned()]).unwrap();
            params.distinguished_name.push(DnType::OrganizationName, "Hospital");
            params.distinguished_name.push(DnType::CommonName, common_name);
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &ca).unwrap();
            fs::write(folder.path().join(format!("{name}.pem")), certificate.pem()).unwrap();
            fs::write(folder.path().join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn server(&self, client_certificate: ClientCertificate) -> TlsServerConfig {
        TlsServerConfig {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: Some(self.path("ca.pem")),
            client_certificate,
        }
    }

    fn client(&self, with_certificate: bool) -> TlsClientConfig {
        TlsClientConfig {
            ca: self.path("ca.pem"),
            certificate: with_certificate.then(|| self.path("client.pem")),
            key: with_certificate.then(|| self.path("client.key")),
            server_name: Some("localhost".to_owned()),
        }
    }
}

/// C-ECHO over TLS; what access control saw of the certificate, and what was refused.
async fn echo(
    server: TlsServerConfig,
    client: TlsClientConfig,
) -> (Result<Status, AssociationError>, Access) {
    let listener = dicom_node::listener::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let access = Access::default();
    let node = Node::new(
        NodeConfig::default(),
        access.clone(),
        Receiver::default(),
        Commitment::default(),
        Counting,
    );
    let stop = CancellationToken::new();
    let task = tokio::spawn(node.serve(listener, Some(ServerTls::load(&server).unwrap()), stop.clone()));
    let remote = RemoteNode {
        called: AeTitle::new("ARCHIVE").unwrap(),
        calling: AeTitle::new("MODALITY").unwrap(),
        host: "127.0.0.1".to_owned(),
        port,
        tls: Some(ClientTls::load(&client, "127.0.0.1").unwrap()),
    };
    let contexts = [ProposedContext::new(VERIFICATION, &[IMPLICIT_LITTLE])];
    let outcome = async {
        let mut association =
            remote.associate(&contexts, &NodeConfig::default(), CancellationToken::new()).await?;
        let status = association.echo().await?;
        association.release().await?;
        Ok(status)
    }
    .await;
    stop.cancel();
    task.await.unwrap();
    (outcome, access)
}

#[tokio::test]
async fn access_control_sees_the_client_certificate() {
    let files = Files::new();
    let (status, access) = echo(files.server(ClientCertificate::Required), files.client(true)).await;
    assert_eq!(status.unwrap(), Status::SUCCESS);
    let seen = access.seen.lock().unwrap();
    let certificate = seen[0].certificate.as_ref().unwrap();
    assert!(certificate.subject.contains("O=Hospital"), "{}", certificate.subject);
    assert!(certificate.subject.contains("CN=CT\\, room 1"), "{}", certificate.subject);
    assert!(!certificate.der.is_empty());
}

#[tokio::test]
async fn an_optional_certificate_may_be_missing() {
    let files = Files::new();
    for asked in [ClientCertificate::Optional, ClientCertificate::None] {
        let (status, access) = echo(files.server(asked), files.client(false)).await;
        assert_eq!(status.unwrap(), Status::SUCCESS);
        assert_eq!(access.seen.lock().unwrap()[0].certificate, None);
    }
}

#[tokio::test]
async fn a_required_certificate_may_not_be_missing_or_foreign() {
    let files = Files::new();
    let stranger = Files::new();
    let foreign = TlsClientConfig { ca: files.path("ca.pem"), ..stranger.client(true) };
    for client in [files.client(false), foreign] {
        let (status, access) = echo(files.server(ClientCertificate::Required), client).await;
        assert!(status.is_err());
        assert!(access.seen.lock().unwrap().is_empty(), "never asked");
        assert_eq!(*access.refused.lock().unwrap(), ["tls"]);
    }
}

#[tokio::test]
async fn a_server_of_another_authority_or_name_is_refused() {
    let files = Files::new();
    let stranger = Files::new();
    let other_name = TlsClientConfig { server_name: Some("elsewhere".to_owned()), ..files.client(false) };
    for client in [stranger.client(false), other_name] {
        let (status, _) = echo(files.server(ClientCertificate::None), client).await;
        assert!(matches!(status, Err(AssociationError::Tls(_))), "{status:?}");
    }
}

#[test]
fn unusable_files_are_named() {
    let files = Files::new();
    let missing = TlsServerConfig {
        key: Path::new("/nonexistent.key").into(),
        ..files.server(ClientCertificate::None)
    };
    assert!(matches!(ServerTls::load(&missing).err().unwrap(), TlsError::File { .. }));
    let swapped =
        TlsServerConfig { certificate: files.path("server.key"), ..files.server(ClientCertificate::None) };
    assert!(matches!(ServerTls::load(&swapped).err().unwrap(), TlsError::File { .. }));
    let other_key =
        TlsServerConfig { key: files.path("client.key"), ..files.server(ClientCertificate::None) };
    assert!(matches!(ServerTls::load(&other_key).err().unwrap(), TlsError::Unusable(_)));
    let no_ca = TlsServerConfig { client_ca: None, ..files.server(ClientCertificate::Required) };
    assert!(matches!(ServerTls::load(&no_ca).err().unwrap(), TlsError::Incomplete(_)));
}
