//! What sends to us that is not ours: DCMTK, pynetdicom.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::Server;
use super::command::{json_lines, run};
use super::site::system_command;

/// A file that `make_objects.py` wrote.
pub(crate) struct SentFile {
    /// File name without suffix: the test's key.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Of the data set, as the program prints it.
    pub(crate) digest: String,
    pub(crate) data_set_bytes: u64,
}

/// Writes the objects of `kind` into `folder`; what the kinds are is in `peers/make_objects.py`.
pub(crate) fn objects(kind: &str, folder: &Path) -> Vec<SentFile> {
    run(python("make_objects.py").arg(kind).arg(folder));
    let mut files: Vec<SentFile> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            // preamble, "DICM", (0002,0000) UL 4 with the length of what is left of the file meta group (PS3.10 §7.1)
            let group = u32::from_le_bytes(bytes[140..144].try_into().unwrap()) as usize;
            let data_set = &bytes[144 + group..];
            SentFile {
                name: path.file_stem().unwrap().to_string_lossy().into_owned(),
                digest: blake3::hash(data_set).to_hex().to_string(),
                data_set_bytes: data_set.len() as u64,
                path,
            }
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!files.is_empty());
    files
}

/// Sends files with pynetdicom, unchanged; name and DIMSE status of each, in the order of the names.
pub(crate) fn send<'a>(
    server: &Server,
    called: &str,
    files: impl IntoIterator<Item = &'a SentFile>,
) -> Vec<(String, Option<u16>)> {
    let mut command = python("send.py");
    command.args(["--port", &server.dicom.port().to_string(), "--called", called]);
    command.args(files.into_iter().map(|file| &file.path));
    let mut statuses: Vec<(String, Option<u16>)> = json_lines(&run(&mut command))
        .iter()
        .map(|line| {
            (
                line["file"].as_str().unwrap().to_owned(),
                line["status"].as_u64().and_then(|status| status.try_into().ok()),
            )
        })
        .collect();
    statuses.sort();
    statuses
}

/// Tries associations with pynetdicom: (calling title, called title, source address) each.
pub(crate) fn associate(server: &Server, attempts: &[(&str, &str, &str)]) -> Vec<Value> {
    let mut command = python("associate.py");
    command.arg(server.dicom.port().to_string());
    command.args(attempts.iter().map(|(calling, called, source)| format!("{calling},{called},{source}")));
    json_lines(&run(&mut command))
}

/// Proposes presentation contexts with pynetdicom: (abstract syntax, transfer syntax) each, or the whole matrix if none are given.
pub(crate) fn negotiate(server: &Server, called: &str, pairs: &[(&str, &str)]) -> Vec<Value> {
    let mut command = python("negotiate.py");
    command.arg(server.dicom.port().to_string()).arg(called);
    for (abstract_syntax, transfer_syntax) in pairs {
        command.args([abstract_syntax, transfer_syntax]);
    }
    json_lines(&run(&mut command))
}

/// Runs a tool of DCMTK to its end; whether it succeeded is the test's question.
pub(crate) fn dcmtk(tool: &str, options: &[&str], server: &Server, files: &[&Path]) -> Output {
    let mut command = system_command(tool);
    command.args(options).arg(server.dicom.ip().to_string()).arg(server.dicom.port().to_string()).args(files);
    command.output().unwrap()
}

/// A script of `peers/` in the pinned environment.
pub(crate) fn python(script: &str) -> Command {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(crate_folder.join("../.venv/bin/python"));
    command.arg("-W").arg("ignore").arg(crate_folder.join("peers").join(script));
    command
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
