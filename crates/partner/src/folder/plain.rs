//! What a partner put down for a study, opened so that it can be nothing but a folder and plain files: no link is followed, no pipe is
//! waited for, and what is read is what was looked at.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, open, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::export::folder;
use crate::error::{PartnerError, Unusable};

/// The folder of one study. The folder may be renamed and replaced meanwhile: what is opened in it is of the one that was found.
pub(super) struct StudyFolder(OwnedFd);

impl StudyFolder {
    /// The folder `study` in `results`; `None` when there is none. A legal UID is a plain name, but for "." alone, which is none.
    ///
    /// # Errors
    /// [`PartnerError::Configuration`] without `results`; [`Unusable`] for what is no folder.
    pub(super) fn open(results: &Path, study: &str) -> Result<Option<Self>, PartnerError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let results = open(results, flags, Mode::empty())
            .map_err(|error| folder("open the folder of results")(error.into()))?;
        match openat(&results, study, flags | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(found) => Ok(Some(Self(found))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(unusable(error).into()),
        }
    }

    /// The plain file `name` and its length, bytes; `None` when there is none.
    ///
    /// # Errors
    /// [`Unusable`] for what is no plain file, or cannot be opened.
    pub(super) fn file(&self, name: &str) -> Result<Option<(File, u64)>, Unusable> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.0, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(unusable(error)),
        };
        let found = file.metadata().map_err(|_| Unusable::Unreadable)?;
        if found.is_file() { Ok(Some((file, found.len()))) } else { Err(Unusable::NotPlain) }
    }
}

impl StudyFolder {
    /// Writes the plain file `name`, under the name `temporary` first. What stands under these names is replaced, and no link is followed.
    ///
    /// # Errors
    /// Those of the folder.
    pub(super) fn write(&self, name: &str, temporary: &str, bytes: &[u8]) -> io::Result<()> {
        match unlinkat(&self.0, temporary, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.0, temporary, flags, Mode::from_raw_mode(0o644))?);
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(renameat(&self.0, temporary, &self.0, name)?)
    }
}

/// A link, something that is no folder, a socket; everything else may pass.
fn unusable(error: Errno) -> Unusable {
    match error {
        Errno::LOOP | Errno::NOTDIR | Errno::NXIO => Unusable::NotPlain,
        _ => Unusable::Unreadable,
    }
}
