//! What is in the folder of a job: SHA256SUMS, which grows, and the manifest, which ends it (ACL.6, AC3.8).

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::export::{folder, sync_folder};
use crate::error::{Cause, PartnerError};
use crate::outgoing::Closing;

const SUMS: &str = "SHA256SUMS";
const MANIFEST: &str = "manifest.json";

/// `manifest.json` of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub format: u32,
    /// Our own id of the job.
    pub job: Uuid,
    /// Number of files.
    pub instances: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Version of the dossier under which the set left.
    pub dossier_version: String,
    /// Statement that goes with the set.
    pub statement: String,
    /// The files, by name.
    pub files: Vec<ManifestFile>,
}

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Name in the folder of the job.
    pub name: String,
    /// Its length, bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// SHA256SUMS of a job.
pub(super) struct Sums {
    file: File,
    lines: BTreeMap<String, Entry>,
}

struct Entry {
    sha256: String,
    bytes: u64,
}

impl Sums {
    /// Reads the lines that are there; a last one that is not whole is cut off.
    pub(super) fn open(path: &Path) -> Result<Self, PartnerError> {
        let at = path.join(SUMS);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&at)
            .map_err(folder("open SHA256SUMS"))?;
        let mut lines = BTreeMap::new();
        let (mut reader, mut whole, mut line) = (BufReader::new(&file), 0, Vec::new());
        while reader.read_until(b'\n', &mut line).map_err(folder("read SHA256SUMS"))? > 0 {
            let text = String::from_utf8_lossy(&line);
            let Some(text) = text.strip_suffix('\n') else { break };
            whole += line.len() as u64;
            // a file that is gone, or that cannot be looked at, is written again
            if let Some((hash, name)) = text.split_once("  ").filter(|(hash, name)| is_line(hash, name))
                && let Ok(found) = fs::metadata(path.join(name))
            {
                lines.insert(name.to_owned(), Entry { sha256: hash.to_owned(), bytes: found.len() });
            }
            line.clear();
        }
        file.set_len(whole).map_err(folder("write SHA256SUMS"))?;
        Ok(Self { file, lines })
    }

    /// Whether the file is there.
    pub(super) fn has(&self, path: &Path, name: &str) -> bool {
        self.lines.contains_key(name) && path.join(name).is_file()
    }

    pub(super) fn add(&mut self, name: String, bytes: u64, hash: [u8; 32]) -> Result<(), PartnerError> {
        let sha256: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("{sha256}  {name}\n");
        self.file.write_all(line.as_bytes()).map_err(folder("write SHA256SUMS"))?;
        self.lines.insert(name, Entry { sha256, bytes });
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), PartnerError> {
        self.file.sync_data().map_err(folder("sync SHA256SUMS"))
    }
}

/// Whether a line is one of ours: nothing else becomes a path.
fn is_line(hash: &str, name: &str) -> bool {
    let id = name.strip_suffix(".dcm").and_then(|id| Uuid::try_parse(id).ok());
    hash.len() == 64
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        && id.is_some_and(|id| format!("{id}.dcm") == name)
}

/// Removes the manifest, so that nobody takes the set for complete.
pub(super) fn remove(path: &Path) -> Result<(), PartnerError> {
    match fs::remove_file(path.join(MANIFEST)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(folder("remove the manifest")(error)),
        Ok(()) => sync_folder(path),
    }
}

/// Writes the manifest of a complete set.
pub(super) fn write(path: &Path, job: Uuid, closing: &Closing, sums: &Sums) -> Result<(), PartnerError> {
    if sums.lines.len() as u64 != closing.instances {
        return Err(PartnerError::Permanent {
            cause: Cause::Request("the folder does not hold as many instances as the job"),
        });
    }
    let file = |(name, entry): (&String, &Entry)| ManifestFile {
        name: name.clone(),
        bytes: entry.bytes,
        sha256: entry.sha256.clone(),
    };
    let manifest = Manifest {
        format: 1,
        job,
        instances: closing.instances,
        bytes: sums.lines.values().map(|entry| entry.bytes).sum(),
        dossier_version: closing.dossier_version.clone(),
        statement: closing.statement.clone(),
        files: sums.lines.iter().map(file).collect(),
    };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|_| PartnerError::Permanent { cause: Cause::Request("the manifest cannot be written") })?;
    let temporary = path.join(format!("{MANIFEST}.part"));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(&text)?;
        file.sync_all()
    });
    written.map_err(folder("write the manifest"))?;
    fs::rename(&temporary, path.join(MANIFEST)).map_err(folder("name the manifest"))?;
    sync_folder(path)
}
