//! Archives of others: Orthanc as clinical PACS or partner, DCMTK's `dcmqrscp` and pynetdicom in the same parts.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Peer, free_port, get, post, python, run, system_command};

/// An archive with an address of its own, that may be there or not.
pub(crate) struct Archive {
    pub(crate) title: &'static str,
    /// Of its DICOM listener.
    pub(crate) port: u16,
    http: u16,
    folder: TempDir,
    peer: Option<Peer>,
    /// Modality of what it answers with success and does not keep, and how many of those.
    loses: Option<(&'static str, u32)>,
}

impl Archive {
    /// Reserves its ports; nothing listens yet.
    pub(crate) fn new(title: &'static str) -> Self {
        Self {
            title,
            port: free_port(),
            http: free_port(),
            folder: tempfile::tempdir().unwrap(),
            peer: None,
            loses: None,
        }
    }

    /// Lets Orthanc lose so many instances of a modality; before it starts.
    pub(crate) fn lose(&mut self, modality: &'static str, count: u32) {
        self.loses = Some((modality, count));
    }

    /// Tells Orthanc where the node with this title listens: there it reports on storage commitment.
    pub(crate) fn knows(&self, title: &str, port: u16) {
        let peer = json!({ "AET": title, "Host": "127.0.0.1", "Port": port }).to_string();
        let url = format!("http://{}/modalities/research", self.http());
        run(Command::new("curl").args(["-sf", "-X", "PUT", "-d", &peer, &url]));
    }

    /// An Orthanc that listens.
    pub(crate) fn orthanc(title: &'static str) -> Self {
        let mut archive = Self::new(title);
        archive.start_orthanc();
        archive
    }

    /// Starts Orthanc with its DICOMweb plugin, on what it held before.
    pub(crate) fn start_orthanc(&mut self) {
        let mut config = json!({
            "Name": self.title, "DicomAet": self.title, "DicomPort": self.port, "HttpPort": self.http,
            "StorageDirectory": self.folder.path(), "IndexDirectory": self.folder.path(),
            "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "DicomCheckCalledAet": false,
            "UnknownSopClassAccepted": true, "DicomAlwaysAllowStore": true, "DicomAlwaysAllowFind": true, "DicomAlwaysAllowGet": true,
            // what it answers questions in
            "DefaultEncoding": "Utf8",
            "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
            "DicomWeb": { "Enable": true, "Root": "/dicom-web/" },
        });
        if let Some((modality, count)) = self.loses {
            let script = self.folder.path().join("lose.lua");
            let text = format!(
                "left = {count}\nfunction ReceivedInstanceFilter(dicom, origin)\n  if dicom.Modality ~= '{modality}' or left == 0 \
                 then return true end\n  left = left - 1\n  return false\nend\n"
            );
            fs::write(&script, text).unwrap();
            config["LuaScripts"] = json!([script]);
        }
        let path = self.folder.path().join("orthanc.json");
        fs::write(&path, config.to_string()).unwrap();
        let mut command = system_command("Orthanc");
        command.arg(&path);
        let peer = Peer::start(command, self.port);
        peer.wait_for(self.http);
        self.peer = Some(peer);
    }

    /// A `dcmqrscp` that listens.
    pub(crate) fn dcmqrscp(title: &'static str) -> Self {
        let mut archive = Self::new(title);
        let area = archive.folder.path().join("area");
        fs::create_dir_all(&area).unwrap();
        let path = archive.folder.path().join("dcmqrscp.cfg");
        let config = format!(
            "NetworkTCPPort = {}\nMaxPDUSize = 131072\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n\
             VendorTable BEGIN\nVendorTable END\nAETable BEGIN\n{title} {} RW (200, 512mb) ANY\nAETable END\n",
            archive.port,
            area.display()
        );
        fs::write(&path, config).unwrap();
        let mut command = system_command("dcmqrscp");
        command.arg("-c").arg(&path);
        archive.peer = Some(Peer::start(command, archive.port));
        archive
    }

    /// `partner_scp.py` that listens.
    pub(crate) fn pynetdicom(title: &'static str) -> Self {
        let mut archive = Self::new(title);
        let area = archive.folder.path().join("area");
        fs::create_dir_all(&area).unwrap();
        let mut command = python("partner_scp.py");
        command.arg(archive.port.to_string()).arg(&area);
        archive.peer = Some(Peer::start(command, archive.port));
        archive
    }

    /// Goes away; what it holds stays.
    pub(crate) fn stop(&mut self) {
        self.peer = None;
    }

    fn http(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.http))
    }

    /// Where Orthanc's DICOMweb service is.
    pub(crate) fn dicomweb(&self) -> String {
        format!("http://{}/dicom-web", self.http())
    }

    /// Gives Orthanc the files of a folder.
    pub(crate) fn take(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (status, body) = post(self.http(), "/instances", &fs::read(entry.path()).unwrap());
            assert_eq!(status, 200, "{}: {body}", entry.path().display());
        }
    }

    /// Gives the files of a folder with DCMTK's `storescu`.
    pub(crate) fn take_by_store(&self, folder: &Path) {
        store(self.port, self.title, folder);
    }

    /// Lets Orthanc send everything that it holds.
    pub(crate) fn send_all(&self, title: &str, port: u16) {
        self.knows(title, port);
        let ids = self.instances();
        let (status, body) =
            post(self.http(), "/modalities/research/store", json!(ids).to_string().as_bytes());
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["FailedInstancesCount"], 0, "{body}");
    }

    fn instances(&self) -> Vec<String> {
        let (status, body) = get(self.http(), "/instances");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Number of instances that Orthanc holds.
    pub(crate) fn count(&self) -> usize {
        self.instances().len()
    }

    /// Writes what it holds into `folder`.
    pub(crate) fn export(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        let area = self.folder.path().join("area");
        if area.exists() {
            for entry in fs::read_dir(area).unwrap().flatten() {
                if entry.file_name() != "index.dat" && entry.file_name() != "arrivals.jsonl" {
                    fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
                }
            }
            return;
        }
        for id in self.instances() {
            let file = File::create(folder.join(format!("{id}.dcm"))).unwrap();
            let url = format!("http://{}/instances/{id}/file", self.http());
            assert!(Command::new("curl").args(["-sf", &url]).stdout(file).status().unwrap().success());
        }
    }

    /// Names and lengths of the files that DCMTK or pynetdicom keeps, in the order of their times.
    pub(crate) fn held(&self) -> Vec<(String, u64)> {
        let files = fs::read_dir(self.folder.path().join("area")).into_iter().flatten().flatten();
        let mut held: Vec<_> = files
            .filter_map(|file| {
                file.metadata().ok().map(|of| (of.modified().ok(), file.file_name(), of.len()))
            })
            .collect();
        held.sort();
        held.into_iter().map(|(_, name, length)| (name.to_string_lossy().into_owned(), length)).collect()
    }

    /// Deletes one study from Orthanc.
    pub(crate) fn delete(&self, study: &str) {
        let url = format!("http://{}/studies/{}", self.http(), self.id_of(study));
        run(Command::new("curl").args(["-sf", "-X", "DELETE", &url]));
    }

    fn id_of(&self, study: &str) -> String {
        let (_, body) = post(self.http(), "/tools/lookup", study.as_bytes());
        let found: Vec<Value> = serde_json::from_str(&body).unwrap();
        let study = found.iter().find(|found| found["Type"] == "Study");
        study.unwrap_or_else(|| panic!("{body}"))["ID"].as_str().unwrap().to_owned()
    }
}

/// Sends a folder with DCMTK's `storescu`.
pub(crate) fn store(port: u16, called: &str, folder: &Path) {
    let mut command = system_command("storescu");
    command.args(["-aet", "MODALITY", "-aec", called, "-R", "+sd", "127.0.0.1", &port.to_string()]);
    run(command.arg(folder));
}
