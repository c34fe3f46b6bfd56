//! Commands that call a peer: `find`, `get`, `node test`, `partner test`, and `job poll`, which lets the server call one.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use archive::job::{self, JobEvent, NewJob};
use archive::job_queue;
use archive::state::{ActorKind, Change};
use database::{Database, Options};
use dicom_node::AeTitle;
use serde_json::Value;
use simulation::StoreLimits;
use simulation::clinical_pacs::{self, ClinicalPacs};
use simulation::generate::{Plan, Study, generate};
use simulation::partner::{self, Partner};
use uuid::Uuid;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_research-pacs"));
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Exit code, and the lines of JSON on standard output.
async fn json(arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(arguments).await;
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn studies() -> Vec<Study> {
    generate(&Plan { patients: 3, ..Plan::default() }).unwrap()
}

async fn clinical_pacs() -> ClinicalPacs {
    let title = AeTitle::new("CLINICALPACS").unwrap();
    let options =
        clinical_pacs::Options { listen: LOOPBACK, title, peers: Vec::new(), limits: StoreLimits::default() };
    let pacs = ClinicalPacs::start(options).await.unwrap();
    pacs.load(&studies()).unwrap();
    pacs
}

fn free_port() -> u16 {
    TcpListener::bind(LOOPBACK).unwrap().local_addr().unwrap().port()
}

fn write(folder: &Path, text: &str) -> String {
    let file = folder.join("site.toml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn find_answers_what_the_node_has_up_to_the_limit() {
    let pacs = clinical_pacs().await;
    let port = pacs.address().port().to_string();
    let node = ["find", "127.0.0.1", &port, "--called", "CLINICALPACS", "--json"];
    let (code, lines) = json(&node).await;
    let mut expected: Vec<String> = studies().into_iter().map(|study| study.uid).collect();
    let mut found: Vec<&str> = lines.iter().filter_map(|line| line["StudyInstanceUID"].as_str()).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!((code, found), (Some(0), expected.iter().map(String::as_str).collect()));

    let (code, lines) = json(&[&node[..], &["--limit", "2"]].concat()).await;
    assert_eq!((code, lines.len()), (Some(1), 3), "there are more: {lines:?}");
    assert_eq!((&lines[2]["cut"], &lines[2]["matches"]), (&true.into(), &2.into()));

    let study = studies().swap_remove(0);
    let key = format!("StudyInstanceUID={}", study.uid);
    let (_, lines) = json(&[&node[..], &["--level", "image", "--key", &key]].concat()).await;
    assert_eq!(lines.len(), study.objects.len() + 1);
    let known =
        |line: &Value| study.objects.iter().any(|object| line["SOPInstanceUID"] == object.sop_instance);
    assert!(lines[..study.objects.len()].iter().all(known), "{lines:?}");

    let nobody =
        run(&["find", "127.0.0.1", &port, "--called", "CLINICALPACS", "--key", "PatientID=none"]).await;
    assert_eq!((nobody.status.code(), &nobody.stdout[..]), (Some(0), &b"0 found\n"[..]));
}

/// DCMTK's archive, or `None` with a message: `make test` installs it.
struct Dcmqrscp {
    child: Child,
    port: String,
    _folder: tempfile::TempDir,
}

impl Dcmqrscp {
    #[allow(clippy::print_stderr, reason = "the test says why it does nothing")]
    fn start() -> Option<Self> {
        let program = PathBuf::from("/usr/bin/dcmqrscp");
        if !program.is_file() {
            eprintln!("skipped: dcmqrscp is not installed; `make test` installs it");
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        fs::create_dir(folder.path().join("area")).unwrap();
        let config = format!(
            "NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n\
             VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nLAB {}/area RW (100, 1024mb) ANY\nAETable END\n",
            folder.path().display()
        );
        fs::write(folder.path().join("dcmqrscp.cfg"), config).unwrap();
        let mut command = Command::new(program);
        command.args(["-c", "dcmqrscp.cfg"]).current_dir(folder.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "dcmqrscp does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { child, port: port.to_string(), _folder: folder })
    }
}

impl Drop for Dcmqrscp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn get_writes_the_objects_of_a_study_unchanged() {
    let Some(peer) = Dcmqrscp::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (sent, out) = (folder.path().join("sent"), folder.path().join("out"));
    fs::create_dir(&sent).unwrap();
    for object in studies().iter().flat_map(|study| &study.objects) {
        fs::write(sent.join(&object.sop_instance), object.file()).unwrap();
    }
    let node = ["127.0.0.1", &peer.port, "--called", "LAB"];
    let send = run(&[&["send"], &node[..], &[sent.to_str().unwrap()]].concat()).await;
    assert_eq!(send.status.code(), Some(0), "{}", String::from_utf8_lossy(&send.stdout));

    let study = studies().swap_remove(0); // in Explicit VR Little Endian, the syntax that dcmqrscp keeps
    let to = ["--study", &study.uid, "--out", out.to_str().unwrap(), "--json"];
    let (code, lines) = json(&[&["get"], &node[..], &to].concat()).await;
    let summary = lines.last().unwrap();
    assert_eq!((code, &summary["stored"]), (Some(0), &study.objects.len().into()), "{lines:?}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), study.objects.len(), "and nothing temporary");
    for object in &study.objects {
        let file = fs::read(out.join(format!("{}.dcm", object.sop_instance))).unwrap();
        let start = dicom_stream::FileStart::read(&file).unwrap();
        assert_eq!(start.transfer_syntax.uid, object.syntax.uid);
        assert_eq!(start.meta.unwrap().media_storage_sop_instance_uid, object.sop_instance);
        assert!(file[start.data_set..] == object.data[..], "another data set");
    }

    let unknown = ["--study", "1.2.3", "--out", out.to_str().unwrap()];
    let unknown = run(&[&["get"], &node[..], &unknown].concat()).await;
    assert_eq!(unknown.status.code(), Some(1));
    let outside = run(&[&["get"], &node[..], &["--study", "../1", "--out", "x"]].concat()).await;
    assert_eq!(outside.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn node_test_says_of_each_node_whether_it_answers() {
    let pacs = clinical_pacs().await;
    let folder = tempfile::tempdir().unwrap();
    let node = |name: &str, port: u16| {
        format!(
            "[[node]]\nname = \"{name}\"\nae_title = \"CLINICALPACS\"\nhost = \"127.0.0.1\"\nport = {port}\n"
        )
    };
    let sender = "[[node]]\nname = \"sender\"\nae_title = \"SENDER\"\naddresses = [\"10.0.0.0/8\"]\n";
    let text = [node("gone", free_port()), node("pacs", pacs.address().port()), sender.to_owned()].concat();
    let file = write(folder.path(), &text.replacen("CLINICALPACS", "GONE", 1));
    let (code, lines) = json(&["node", "test", "--config", &file, "--json"]).await;
    let told: Vec<(&str, bool)> =
        lines.iter().map(|line| (line["name"].as_str().unwrap(), line["ok"] == true)).collect();
    assert_eq!((code, told), (Some(1), vec![("gone", false), ("pacs", true)]));
    assert_eq!(json(&["node", "test", "pacs", "--config", &file, "--json"]).await.0, Some(0));
    assert_eq!(run(&["node", "test", "sender", "--config", &file]).await.status.code(), Some(1));
    assert_eq!(run(&["node", "test", "nobody", "--config", &file]).await.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn partner_test_says_of_each_partner_whether_it_lets_us_in() {
    let token = Some("word".to_owned());
    let options = partner::Options { dicomweb: Some(LOOPBACK), token, ..partner::Options::default() };
    let peer = Partner::start(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, token) in [("right", "word\n"), ("wrong", "swordfish\n")] {
        let path = folder.path().join(name);
        fs::write(&path, token).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    }
    let path = folder.path().display();
    let web = |id: &str| {
        let url = peer.dicomweb_url().unwrap();
        format!(
            "[[partner]]\nid = \"{id}\"\n[partner.transport.dicomweb]\nstow_url = \"{url}\"\ntoken = {{ file = \"{path}/{id}\" }}\n"
        )
    };
    let export = format!("[[partner]]\nid = \"usb\"\n[partner.transport.folder]\npath = \"{path}\"\n");
    let file = write(folder.path(), &[web("right"), web("wrong"), web("absent"), export].concat());
    let (code, lines) = json(&["partner", "test", "--config", &file, "--json"]).await;
    let told: Vec<(&str, bool)> =
        lines.iter().map(|line| (line["name"].as_str().unwrap(), line["ok"] == true)).collect();
    assert_eq!(told, [("right", true), ("wrong", false), ("absent", false), ("usb", true)]);
    assert_eq!(code, Some(1));
    let output = run(&["partner", "test", "wrong", "--config", &file]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("401") && !said.contains("swordfish"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_poll_makes_the_timer_of_the_partner_due() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &format!("[site]\ndata = \"{}\"\n", folder.path().display()));
    let url = format!("sqlite:{}", folder.path().join("main.sqlite").display());
    let database = Database::open(&url, Options::default()).await.unwrap();
    database.migrate(register::MIGRATIONS).await.unwrap();
    database.migrate(archive::MIGRATIONS).await.unwrap();
    let change = Change {
        actor_kind: ActorKind::Stage,
        actor: "test",
        cause: "test",
        dossier_version: "1",
        gate_hash: Some("hash"),
        at: 1,
    };
    let new = NewJob {
        project: "study-1",
        partner: "lab",
        receiving_study: Uuid::now_v7(),
        first_increment: None,
        increment: 1,
        reversible: true,
    };
    let far = i64::MAX / 2;
    let mut transaction = database.write().await.unwrap();
    let id = job::create(&mut transaction, new, &change).await.unwrap();
    for partner in ["lab", "other"] {
        job_queue::set_timer(&mut transaction, &pipeline::poll::timer("study-1", partner), 1, far)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
    let id_text = id.to_string();
    let poll = ["job", "poll", &id_text, "--config", &file];
    assert_eq!(run(&poll).await.status.code(), Some(1), "it awaits nothing yet");

    let mut transaction = database.write().await.unwrap();
    use JobEvent as E;
    for event in [E::Complete, E::Deidentify, E::Send, E::Acknowledge, E::Await] {
        job::advance(&mut transaction, id, event, &change).await.unwrap();
    }
    transaction.commit().await.unwrap();
    assert_eq!(run(&poll).await.status.code(), Some(0));
    let timers = job_queue::timers(database.reader()).await.unwrap();
    let due: Vec<(&str, bool)> =
        timers.iter().map(|timer| (timer.name.as_str(), timer.next_run_at < far)).collect();
    assert_eq!(due, [("poll study-1 lab", true), ("poll study-1 other", false)]);
    assert_eq!(
        run(&["job", "poll", &Uuid::nil().to_string(), "--config", &file]).await.status.code(),
        Some(2)
    );
}
