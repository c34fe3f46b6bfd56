//! A site with a vault, research projects and partners; what it wrote down; its partners.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{
    Peer, Project, Server, Site, dcmtk, free_port, json_lines, python, run, system_command, wait_until,
};

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
        let world = Self { site: site.with_projects(&key, projects, sections), key };
        world.site.answer(&["vault", "init"], 0);
        world
    }

    /// The same data under another configuration; the program must not be running.
    pub(super) fn changed(&self, projects: &[Project], sections: &str) -> Self {
        let site = Site::new().data(self.site.data_folder());
        Self { site: site.with_projects(&self.key, projects, sections), key: self.key.clone() }
    }

    pub(super) fn jobs(&self) -> Vec<Job> {
        let rows = self
            .site
            .rows("main", "SELECT id, first_increment, increment, project, state FROM job ORDER BY id");
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
        let entries = self.site.rows("main", &format!("SELECT entry FROM audit_trail WHERE code = '{code}'"));
        let of = |row: &Value| -> Value { serde_json::from_str(row["entry"].as_str().unwrap()).unwrap() };
        entries.iter().map(|row| of(row)["event"][number].as_u64().unwrap()).sum()
    }

    /// What waits in quarantine, as `quarantine list` tells it.
    pub(super) fn held(&self) -> Vec<Value> {
        json_lines(&self.site.command(&["quarantine", "list", "--json"]))
    }
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
