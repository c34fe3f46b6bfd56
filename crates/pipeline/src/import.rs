//! Folder import (AC1.7): a folder is read like a sender, through the same intake. A file is removed once its instance is durable; one
//! that cannot be taken stays, is logged without its name, and is looked at again only when it changes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use archive::spool::SpoolError;
use archive::{Intake, IntakeError, Origin};
use dicom_stream::{FILE_START, FileStart};
use rustix::fs::{Mode, OFlags, open};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{ImportConfig, SourceClass};

/// Time between two looks at the folder.
const PERIOD: Duration = Duration::from_secs(1);
/// A file younger than this may still be being written.
const SETTLED: Duration = Duration::from_secs(2);
/// Files remembered as not importable; beyond it they are looked at again.
const REFUSED_MAX: usize = 10_000;
/// Folders below the import folder, at most.
const DEPTH_MAX: usize = 16;
const PIECE: usize = 256 << 10;

/// Reads one import folder.
pub struct FolderImport {
    config: ImportConfig,
    intake: Intake,
    clock: Clock,
    refused: HashMap<PathBuf, SystemTime>,
}

impl FolderImport {
    /// An import of the configured folder into `intake`.
    pub fn new(config: ImportConfig, intake: Intake, clock: Clock) -> Self {
        Self { config, intake, clock, refused: HashMap::new() }
    }

    /// Reads until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.round(&stop).await {
                tracing::warn!(import = self.config.name, %error, "import folder cannot be read");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    async fn round(&mut self, stop: &CancellationToken) -> io::Result<()> {
        let folder = self.config.folder.clone();
        let found =
            tokio::task::spawn_blocking(move || settled_files(&folder)).await.map_err(io::Error::other)??;
        if self.refused.len() > REFUSED_MAX {
            self.refused.clear();
        }
        for (path, modified) in found {
            if stop.is_cancelled() {
                return Ok(());
            }
            if self.refused.get(&path) == Some(&modified) {
                continue;
            }
            match self.import(&path).await {
                Ok(()) => {
                    // What cannot be removed is not read again, for it is kept already.
                    if let Err(error) = std::fs::remove_file(&path) {
                        tracing::warn!(import = self.config.name, %error, "an imported file cannot be removed");
                        self.refused.insert(path, modified);
                    }
                }
                Err(ImportError::Intake(IntakeError::Spool(
                    error @ (SpoolError::OutOfResources(_) | SpoolError::Failed(_)),
                ))) => {
                    tracing::warn!(import = self.config.name, %error, "import waits");
                    return Ok(());
                }
                // As in `receive`: no path of a data set that cannot be read is logged.
                Err(ImportError::Intake(IntakeError::Scan(_))) => {
                    tracing::warn!(
                        import = self.config.name,
                        "no readable data set, the file stays in the folder"
                    );
                    self.refused.insert(path, modified);
                }
                Err(error) => {
                    tracing::warn!(import = self.config.name, %error, "file refused, it stays in the folder");
                    self.refused.insert(path, modified);
                }
            }
        }
        Ok(())
    }

    async fn import(&self, path: &Path) -> Result<(), ImportError> {
        let mut file = open_plain(path)?;
        let mut head = Vec::new();
        (&mut file).take(FILE_START as u64).read_to_end(&mut head)?;
        let start = FileStart::read(&head).map_err(|_| ImportError::NotDicom)?;
        let mut incoming = self.intake.begin(start.transfer_syntax.uid)?;
        file.seek(SeekFrom::Start(start.data_set as u64))?;
        let mut piece = vec![0; PIECE];
        loop {
            let length = tokio::task::block_in_place(|| file.read(&mut piece))?;
            if length == 0 {
                break;
            }
            incoming.write(piece.get(..length).unwrap_or_default()).await?;
        }
        let complete = incoming.complete()?;
        let origin = Origin {
            project: Some(self.config.project.clone()),
            door: "folder",
            calling: self.config.name.clone(),
            called: String::new(),
            peer: String::new(),
            assigning_authority: self.config.assigning_authority.clone(),
            already_deidentified: self.config.source_class == SourceClass::AlreadyDeidentified,
            received_at: self.clock.now(),
        };
        self.intake.commit(complete, origin).await?;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("no DICOM file")]
    NotDicom,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

/// Opens what was listed as a regular file, if it still is one: a link put in its place is not followed, a pipe not waited for.
fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    let is_plain = file.metadata()?.is_file();
    if is_plain { Ok(file) } else { Err(io::Error::other("it is no regular file any more")) }
}

/// Regular files that nobody has touched for a moment; links are not followed.
fn settled_files(folder: &Path) -> io::Result<Vec<(PathBuf, SystemTime)>> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() {
                let modified = entry.metadata()?.modified()?;
                if modified.elapsed().is_ok_and(|age| age >= SETTLED) {
                    found.push((entry.path(), modified));
                }
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_the_place_of_a_listed_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), b"x").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        assert!(open_plain(&at("file")).is_ok());
        for name in ["link", "pipe", "none", "."] {
            assert!(open_plain(&at(name)).is_err(), "{name}");
        }
    }
}
