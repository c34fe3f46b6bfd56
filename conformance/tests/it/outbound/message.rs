//! The message after an export (AC4.1 to AC4.4).

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

use super::world::{ScriptedPartner, World, push, study};
use crate::harness::{Peer, Project, dicom_partner, free_port, python, wait_until};

pub(super) const SECRET: &str = "a secret of more than sixteen bytes";

pub(super) fn webhook_sink(folder: &Path) -> Peer {
    let port = free_port();
    let mut command = python("webhook_sink.py");
    command.arg(port.to_string()).arg(folder).arg(SECRET);
    Peer::start(command, port)
}

/// `certificate`: its file and that of its key, for STARTTLS.
pub(super) fn mail_sink(folder: &Path, certificate: Option<[&Path; 2]>) -> Peer {
    let port = free_port();
    let mut command = python("mail_sink.py");
    command.arg(port.to_string()).arg(folder).args(certificate.into_iter().flatten());
    Peer::start(command, port)
}

/// Recipients of all events by webhook and by mail.
pub(super) fn recipients(folder: &Path, webhook: u16, smtp: &str) -> String {
    let secret = folder.join("webhook.secret");
    fs::write(&secret, SECRET).unwrap();
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    format!(
        "[notification]\nlink_base = \"https://research.example.org\"\n[notification.smtp]\n{smtp}from = \"Research <rp@example.org>\"\n\
         [[notification.recipient]]\nname = \"hook\"\nwebhook = {{ url = \"http://127.0.0.1:{webhook}/hook\", \
         secret = {{ file = \"{}\" }}, allow_networks = [\"127.0.0.0/8\"] }}\n\
         [[notification.recipient]]\nname = \"crc\"\nlanguage = \"en\"\nemail = \"crc@example.org\"\n",
        secret.display()
    )
}

fn requests(folder: &Path) -> Vec<Value> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        .collect()
}

fn mails(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn an_acknowledged_export_is_told_by_signed_webhook_and_by_mail_under_starttls() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let [ca, pem, key_file] = ["ca.pem", "mail.pem", "mail.key"].map(|name| folder.path().join(name));
    fs::write(&ca, authority.pem()).unwrap();
    fs::write(&pem, certificate.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();

    let hook = webhook_sink(&at("hook"));
    let mail = mail_sink(&at("mail"), Some([&pem, &key_file]));
    let partner = ScriptedPartner::new();
    let smtp = format!("host = \"localhost\"\nport = {}\nca_file = \"{}\"\n", mail.port, ca.display());
    let sections = dicom_partner("uni", partner.port) + &recipients(folder.path(), hook.port, &smtp);
    let world = World::new(&[Project::open("one", "P1", "uni")], &sections);
    let server = world.site.serve();
    push(&server, "P1", &study(&world.site.folder("a"), "MRN-0042", &["--images", "2"]));
    wait_until("a failed try", || {
        world.site.count("main", "job_queue WHERE kind = 'export' AND attempts > 0") == 1
    });
    assert!(
        requests(&at("hook")).is_empty() && mails(&at("mail")).is_empty(),
        "nothing is told before the acknowledgement"
    );
    let _peer = partner.start(&[]);
    wait_until("both messages", || requests(&at("hook")).len() == 1 && mails(&at("mail")).len() == 1);
    server.stop();

    let request = &requests(&at("hook"))[0];
    assert_eq!(request["signed"], true, "{request}");
    let job = &world.jobs()[0].id;
    let body = &request["body"];
    assert_eq!(
        (&body["type"], &body["project"], &body["job"]),
        (&"export.sent".into(), &"one".into(), &job.as_str().into())
    );
    assert_eq!((&body["counts"]["instances"], &body["counts"]["failed"]), (&2.into(), &0.into()));
    assert_eq!(body["link"], format!("https://research.example.org/jobs/{job}"));
    let mail = &mails(&at("mail"))[0];
    assert!(mail.contains("X-Tls: yes") && mail.contains("Export sent") && mail.contains(job), "{mail}");
    assert!(mail.contains("To: crc@example.org"), "{mail}");
}

#[test]
fn mail_without_protection_goes_to_loopback_alone() {
    let folder = tempfile::tempdir().unwrap();
    let partner = dicom_partner("uni", 1);
    let serve = |smtp: &str| {
        let sections = partner.clone() + &recipients(folder.path(), 1, smtp);
        let world = World::new(&[Project::open("one", "P1", "uni")], &sections);
        let output = world.site.command(&["serve"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for host in ["192.0.2.1", "mail.example.org"] {
        let (code, said) = serve(&format!("host = \"{host}\"\nsecurity = \"none\"\n"));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("smtp"), "{said}");
    }
}

/// A mail server that accepts the connection and says nothing.
#[test]
fn a_mail_server_that_swallows_everything_delays_no_export_and_no_other_message() {
    let folder = tempfile::tempdir().unwrap();
    let hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let hook_folder = folder.path().join("hook");
    fs::create_dir_all(&hook_folder).unwrap();
    let hook = webhook_sink(&hook_folder);
    let partner = ScriptedPartner::new();
    let _peer = partner.start(&[]);
    let smtp =
        format!("host = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n", hole.local_addr().unwrap().port());
    let sections = dicom_partner("uni", partner.port) + &recipients(folder.path(), hook.port, &smtp);
    let world = World::new(&[Project::open("one", "P1", "uni")], &sections);
    let server = world.site.serve();
    let started = Instant::now();
    for (number, name) in ["a", "b", "c"].iter().enumerate() {
        push(&server, "P1", &study(&world.site.folder(name), &format!("MRN-000{name}"), &["--images", "3"]));
        world.wait_for_acknowledged(number + 1);
    }
    wait_until("three messages by webhook", || requests(&hook_folder).len() == 3);
    assert!(
        started.elapsed() < Duration::from_secs(25),
        "{:?}: less than one timeout of the mail server",
        started.elapsed()
    );
    assert_eq!(partner.arrivals().len(), 9);
    assert_eq!(
        world.site.count("main", "notification_outbox WHERE recipient = 'crc' AND state <> 'delivered'"),
        3
    );
    server.stop();
}
