//! A site with a vault, research projects and partners; what it wrote down; its partners.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Launcher, Server, Site, dcmtk, free_port, get, json_lines, program, python, run, system_command,
    wait_until,
};

/// A project behind the called title `title`, for one partner.
#[derive(Clone)]
pub(super) struct Project {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) partner: &'static str,
    pub(super) eager: bool,
    pub(super) stable_after_seconds: u32,
    /// `state` of the dossier.
    pub(super) state: &'static str,
    pub(super) valid_until: &'static str,
    pub(super) inclusion_required: bool,
}

impl Project {
    /// One that lets everything out to `partner`, stable after a second.
    pub(super) fn open(id: &'static str, title: &'static str, partner: &'static str) -> Self {
        Self {
            id,
            title,
            partner,
            eager: false,
            stable_after_seconds: 1,
            state: "active",
            valid_until: "2099-12-31",
            inclusion_required: false,
        }
    }

    fn toml(&self) -> String {
        let Self { id, title, partner, stable_after_seconds, state, valid_until, inclusion_required, .. } =
            self;
        let mode = if self.eager { "eager" } else { "stable" };
        format!(
            "[[project]]\nid = \"{id}\"\ncalled_ae_titles = [\"{title}\"]\nmode = \"pseudonymise\"\nexport_mode = \"{mode}\"\n\
             stable_after_seconds = {stable_after_seconds}\npartners = [\"{partner}\"]\n\
             [project.dossier]\nstate = \"{state}\"\nversion = 7\nvalid_until = \"{valid_until}\"\nmode = \"pseudonymise\"\n\
             recipients = [\"{partner}\"]\ninclusion_required = {inclusion_required}\n\
             [project.clinical_trial]\nsponsor_name = \"SPONSOR\"\nprotocol_id = \"PROTOCOL-{id}\"\n"
        )
    }
}

/// `[[partner]]` with the transport `dicom`.
pub(super) fn dicom_partner(id: &str, port: u16) -> String {
    format!(
        "[[partner]]\nid = \"{id}\"\n[partner.transport.dicom]\nhost = \"127.0.0.1\"\nport = {port}\ncalled = \"UNI\"\n\
         calling = \"RPACS\"\n"
    )
}

/// A state of a job as the database of the program has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) first_increment: String,
    pub(super) increment: u32,
    pub(super) project: String,
    pub(super) state: String,
}

impl Job {
    /// Whether the partner has confirmed every instance of the increment.
    pub(super) fn is_acknowledged(&self) -> bool {
        ["acked", "awaiting-result", "closed"].contains(&self.state.as_str())
    }
}

/// A site whose vault is there.
pub(super) struct World {
    pub(super) site: Site,
    key: PathBuf,
}

impl World {
    /// `sections` is what stands in `site.toml` beside the projects: partners, notification.
    pub(super) fn new(projects: &[Project], sections: &str) -> Self {
        let site = Site::new();
        let key = site.folder("keys").join("vault.key");
        let world = Self { site: with(site, &key, projects, sections), key };
        assert!(world.command(&["vault", "init"]).status.success());
        world
    }

    /// The same data under another configuration; the program must not be running.
    pub(super) fn changed(&self, projects: &[Project], sections: &str) -> Self {
        let site = Site::new().data(self.site.data_folder());
        Self { site: with(site, &self.key, projects, sections), key: self.key.clone() }
    }

    pub(super) fn serve(&self) -> Server<'_> {
        self.site.serve()
    }

    /// The program with a clock that is so many minutes ahead, so that leases and pauses have passed.
    pub(super) fn serve_later(&self, minutes: u64) -> Server<'_> {
        self.site.serve_under(&Launcher::new([
            "faketime",
            "--exclude-monotonic",
            "-f",
            &format!("+{minutes}m"),
        ]))
    }

    /// `research-pacs WORDS --config …`, to its end.
    pub(super) fn command(&self, words: &[&str]) -> Output {
        let config = self.site.write_config();
        Command::new(program()).args(words).arg("--config").arg(config).output().unwrap()
    }

    /// The same; fails the test unless it exits with `code`. Answers standard output.
    pub(super) fn answer(&self, words: &[&str], code: i32) -> String {
        let output = self.command(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}\n{errors}");
        text
    }

    /// Rows of the database `name`, read beside the program.
    pub(super) fn rows(&self, name: &str, sql: &str) -> Vec<Value> {
        let file = self.site.data_folder().join(format!("{name}.sqlite"));
        json_lines(&run(python("rows.py").arg(file).arg(sql)))
    }

    pub(super) fn count(&self, name: &str, from: &str) -> u64 {
        self.rows(name, &format!("SELECT COUNT(*) AS n FROM {from}"))[0]["n"].as_u64().unwrap()
    }

    pub(super) fn jobs(&self) -> Vec<Job> {
        let rows =
            self.rows("main", "SELECT id, first_increment, increment, project, state FROM job ORDER BY id");
        rows.into_iter().map(|row| serde_json::from_value(row).unwrap()).collect()
    }

    /// Waits until there are `count` jobs, each with everything confirmed by its partner.
    pub(super) fn wait_for_acknowledged(&self, count: usize) {
        wait_until(&format!("{count} acknowledged jobs"), || {
            let jobs = self.jobs();
            jobs.len() == count && jobs.iter().all(Job::is_acknowledged)
        });
    }

    /// Sum of a number over the entries of one kind in the audit trail.
    pub(super) fn audited(&self, code: &str, number: &str) -> u64 {
        let entries = self.rows("main", &format!("SELECT entry FROM audit_trail WHERE code = '{code}'"));
        let of = |row: &Value| -> Value { serde_json::from_str(row["entry"].as_str().unwrap()).unwrap() };
        entries.iter().map(|row| of(row)["event"][number].as_u64().unwrap()).sum()
    }

    /// What waits in quarantine, as `quarantine list` tells it.
    pub(super) fn held(&self) -> Vec<Value> {
        json_lines(&self.command(&["quarantine", "list", "--json"]))
    }
}

fn with(site: Site, key: &Path, projects: &[Project], sections: &str) -> Site {
    let projects: String = projects.iter().map(Project::toml).collect();
    site.section(&format!("[vault]\nkey = {{ file = \"{}\" }}\n{projects}{sections}", key.display()))
}

/// Writes a study with `make_study.py`.
pub(super) fn study(folder: &Path, patient: &str, options: &[&str]) -> PathBuf {
    run(python("make_study.py").arg(folder).args(["--patient", patient]).args(options));
    folder.to_owned()
}

/// Sends a folder with DCMTK's `storescu`; fails the test unless each file was answered with success.
pub(super) fn push(server: &Server, called: &str, folder: &Path) {
    let options = ["-aet", "MODALITY", "-aec", called, "-R", "+sd"];
    let output = dcmtk("storescu", &options, server, &[folder]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What `check_set.py` found when it compared two folders; fails the test if they do not fit.
#[derive(Debug, Deserialize)]
pub(super) struct Checked {
    pub(super) files: usize,
    /// Code of each Patient ID.
    pub(super) codes: std::collections::BTreeMap<String, String>,
    /// New UID of each original one.
    pub(super) uids: std::collections::BTreeMap<String, String>,
    pub(super) references: usize,
    pub(super) references_before: usize,
    pub(super) trial: Vec<(String, String, bool)>,
}

pub(super) fn check_set(originals: &Path, received: &Path) -> Checked {
    let lines = json_lines(&run(python("check_set.py").arg(originals).arg(received)));
    serde_json::from_value(lines[0].clone()).unwrap()
}

pub(super) fn files_in(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries.filter(|entry| entry.path().is_file() && entry.file_name() != "arrivals.jsonl").count()
}

/// A peer as a process; gone with this value.
pub(super) struct Peer {
    child: Child,
    pub(super) port: u16,
}

impl Peer {
    /// Starts it and waits until it listens on `port`.
    pub(super) fn start(mut command: Command, port: u16) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let peer = Self { child, port };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_until("a peer listens", || TcpStream::connect(address).is_ok());
        peer
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// DCMTK's `storescp`; each arrival becomes a file of its own, so that a second one of the same instance shows.
pub(super) fn storescp(folder: &Path) -> Peer {
    let port = free_port();
    let mut command = system_command("storescp");
    command.args(["-aet", "UNI", "+uf", "-od"]).arg(folder).arg(port.to_string());
    Peer::start(command, port)
}

/// An arrival at `partner_scp.py`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Arrival {
    /// Seconds since 1970.
    pub(super) at: f64,
    pub(super) uid: String,
    pub(super) patient: String,
    pub(super) number: u32,
    pub(super) status: u16,
    /// SHA-256 of the data set.
    pub(super) data_set: String,
    /// SHA-256 of the pixel data.
    pub(super) pixels: String,
}

/// A partner with pynetdicom: its folder and its port stay when its process goes away.
pub(super) struct ScriptedPartner {
    folder: TempDir,
    pub(super) port: u16,
}

impl ScriptedPartner {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), port: free_port() }
    }

    /// What it took.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn start(&self, options: &[&str]) -> Peer {
        let mut command = python("partner_scp.py");
        command.arg(self.port.to_string()).arg(self.folder()).args(options);
        Peer::start(command, self.port)
    }

    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        let text = fs::read_to_string(self.folder().join("arrivals.jsonl")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// An Orthanc that takes instances by DICOMweb.
pub(super) struct WebPartner {
    peer: Peer,
    _folder: TempDir,
}

impl WebPartner {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let config = json!({
            "Name": "PARTNER", "DicomServerEnabled": false, "HttpPort": port, "RemoteAccessAllowed": false,
            "StorageDirectory": folder.path(), "IndexDirectory": folder.path(), "AuthenticationEnabled": false,
            "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
            "DicomWeb": { "Enable": true, "Root": "/dicom-web/" },
        });
        let path = folder.path().join("orthanc.json");
        fs::write(&path, config.to_string()).unwrap();
        let mut command = system_command("Orthanc");
        command.arg(&path);
        Self { peer: Peer::start(command, port), _folder: folder }
    }

    pub(super) fn section(&self, id: &str) -> String {
        let port = self.peer.port;
        format!(
            "[[partner]]\nid = \"{id}\"\n[partner.transport.dicomweb]\nstow_url = \"http://127.0.0.1:{port}/dicom-web\"\n"
        )
    }

    /// Writes what it holds into `folder`.
    pub(super) fn export(&self, folder: &Path) {
        let address = SocketAddr::from(([127, 0, 0, 1], self.peer.port));
        let (status, body) = get(address, "/instances");
        assert_eq!(status, 200, "{body}");
        for id in serde_json::from_str::<Vec<String>>(&body).unwrap() {
            let file = File::create(folder.join(format!("{id}.dcm"))).unwrap();
            let url = format!("http://{address}/instances/{id}/file");
            assert!(Command::new("curl").args(["-sf", &url]).stdout(file).status().unwrap().success());
        }
    }
}
