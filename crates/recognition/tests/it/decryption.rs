//! Enveloped data that `openssl cms -encrypt` makes for keys of the moment.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use recognition::{DecryptionKey, DecryptionKeyError, ProcessError};

const PLAIN: &[u8] = b"a text\nof two lines, \x00\xff\n";

fn openssl(words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("scripts/install-test-peers.sh installs openssl");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}");
    output.stdout
}

/// A key and its certificate in `folder`.
fn made(folder: &Path, name: &str, kind: &[&str]) -> (PathBuf, String) {
    let at = |end: &str| folder.join(format!("{name}.{end}"));
    let (key, certificate) = (at("key"), at("pem").to_str().unwrap().to_owned());
    let words =
        ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=test", "-keyout", key.to_str().unwrap()];
    openssl(&[&words[..], &["-out", &certificate, "-newkey"], kind].concat(), b"");
    (key, certificate)
}

fn enveloped(certificates: &[&str], cipher: &str) -> Vec<u8> {
    openssl(&[&["cms", "-encrypt", "-binary", "-outform", "DER", cipher], certificates].concat(), PLAIN)
}

#[test]
fn a_text_comes_back_for_each_recipient_and_with_the_padding_of_an_attribute() {
    let folder = tempfile::tempdir().unwrap();
    let (first, of_first) = made(folder.path(), "first", &["rsa:2048"]);
    let (second, of_second) =
        made(folder.path(), "second", &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    let mut data = enveloped(&[&of_first, &of_second], "-aes256");
    for _ in 0..2 {
        for key in [&first, &second] {
            let key = DecryptionKey::open(key).unwrap();
            assert_eq!(key.decrypt(&data, 1000).unwrap(), PLAIN);
        }
        data.push(0);
    }
}

#[test]
fn another_key_and_what_is_no_enveloped_data_give_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = made(folder.path(), "right", &["rsa:2048"]);
    let (other, _) = made(folder.path(), "other", &["rsa:2048"]);
    let data = enveloped(&[&certificate], "-aes128");
    let text = DecryptionKey::open(&other).unwrap().decrypt(&data, 1000);
    assert!(text.as_ref().map_or(true, |text| text != PLAIN), "random bytes at the most");
    let key = DecryptionKey::open(&key).unwrap();
    for garbage in [&b""[..], b"\x30\x80\x00\x00", b"MIME-Version: 1.0\n\nx", &data[..data.len() - 9]] {
        assert!(matches!(key.decrypt(garbage, 1000), Err(ProcessError::Failed(_))));
    }
    assert!(matches!(key.decrypt(&data, 5), Err(ProcessError::TooMuchOutput(5))));
}

#[test]
fn a_key_that_cannot_be_used_says_why_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path| DecryptionKey::open(path).unwrap_err().to_string();
    assert!(said(&folder.path().join("nowhere")).contains("cannot be read"));
    let (key, certificate) = made(folder.path(), "good", &["rsa:2048"]);
    fs::set_permissions(&certificate, Permissions::from_mode(0o600)).unwrap();
    assert!(said(Path::new(&certificate)).contains("no private key"));
    let locked = folder.path().join("locked");
    let words = ["pkey", "-aes256", "-passout", "pass:secret", "-in", key.to_str().unwrap(), "-out"];
    openssl(&[&words[..], &[locked.to_str().unwrap()]].concat(), b"");
    fs::set_permissions(&locked, Permissions::from_mode(0o600)).unwrap();
    assert!(said(&locked).contains("without a passphrase"));
    let opened = DecryptionKey::open(&key).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(DecryptionKey::open(&key), Err(DecryptionKeyError::Exposed { mode: 0o644, .. })));
    // taken away while the program runs: nobody's decision
    fs::remove_file(&key).unwrap();
    assert!(matches!(opened.decrypt(b"", 1000), Err(ProcessError::Io(_))));
}
