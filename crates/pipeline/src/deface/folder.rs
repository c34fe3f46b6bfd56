//! Folders in which originals lie while a program works on them: below the receive buffer, for nobody but us, and gone afterwards.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Makes the folder anew and empty.
pub(super) fn make_empty(folder: &Path) -> io::Result<()> {
    remove(folder)?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A new file that only this account may read.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// The folder of one series; dropping it removes it with what is in it.
pub(super) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// Below `folder`, under our own id of a batch.
    pub(super) fn new(folder: &Path, batch: Uuid) -> io::Result<Self> {
        let path = folder.join(batch.to_string());
        make_empty(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A folder in it.
    pub(super) fn make(path: PathBuf) -> io::Result<PathBuf> {
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::error!(%error, "the folder of a defaced series was not removed: it goes at the next start");
        }
    }
}
