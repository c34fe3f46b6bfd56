//! TLS on the DICOM listener with DCMTK: PS3.15 Annex B.9 (BCP 195); AC1.1 b.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sha2::{Digest, Sha256};

use crate::harness::{Server, Site, dcmtk};

/// A certificate and its key as files.
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    /// Of the certificate's DER form, as `site.toml` names it.
    sha256: String,
}

fn authority(name: &str, folder: &Path) -> (CertifiedIssuer<'static, KeyPair>, PathBuf) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let file = folder.join(format!("{name}.pem"));
    fs::write(&file, issuer.pem()).unwrap();
    (issuer, file)
}

fn identity(name: &str, issuer: &CertifiedIssuer<'static, KeyPair>, folder: &Path) -> Identity {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let (certificate_file, key_file) =
        (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    fs::write(&certificate_file, certificate.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    let sha256 = Sha256::digest(certificate.der()).iter().map(|byte| format!("{byte:02x}")).collect();
    Identity { certificate: certificate_file, key: key_file, sha256 }
}

/// Whether C-ECHO succeeds, and what the tool said.
fn echo(server: &Server, calling: &str, tls: &[&str]) -> (bool, String) {
    let options: Vec<&str> = ["-v", "-aet", calling, "-aec", "RX"].iter().chain(tls).copied().collect();
    let output = dcmtk("echoscu", &options, server, &[]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn only_the_certificate_of_the_node_may_associate() {
    let site = Site::new();
    let folder = site.folder("tls");
    let (issuer, authority_file) = authority("authority", &folder);
    let (foreign_issuer, _) = authority("foreign", &folder);
    let own = identity("server", &issuer, &folder);
    let listed = identity("listed", &issuer, &folder);
    let other = identity("other", &issuer, &folder);
    let stranger = identity("stranger", &foreign_issuer, &folder);
    let site = site.section(&format!(
        r#"[dicom.tls]
certificate = "{}"
key = "{}"
client_ca = "{}"
client_certificate = "required"
[[node]]
name = "secure"
ae_title = "SECURE"
addresses = ["127.0.0.1/32"]
certificate_sha256 = "{}"
"#,
        own.certificate.display(),
        own.key.display(),
        authority_file.display(),
        listed.sha256
    ));
    let server = site.serve();
    let authority_file = authority_file.to_str().unwrap();
    let with = |identity: &Identity| {
        let (key, certificate) = (identity.key.to_str().unwrap(), identity.certificate.to_str().unwrap());
        echo(&server, "SECURE", &["+tls", key, certificate, "+cf", authority_file])
    };

    let (done, said) = with(&listed);
    assert!(done, "{said}");
    let (done, said) = with(&other);
    assert!(!done && said.contains("Association Rejected"), "a certificate that is not the node's: {said}");
    let (done, said) = with(&stranger);
    assert!(!done && !said.contains("Association Rejected"), "fails below DICOM: {said}");
    assert!(!echo(&server, "SECURE", &["+tla", "+cf", authority_file]).0, "no certificate");
    assert!(!echo(&server, "SECURE", &[]).0, "no TLS");
    assert!(with(&listed).0, "still served");
    server.stop();
}
