//! Names of the spool's files and the folder they lie in. Names are made of our own numbers and ids only.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::error::SpoolError;
use super::location::Place;

/// The folder of one spool, locked against a second process as long as this value lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    handle: File,
    _lock: File,
}

/// What the folder holds when the spool opens.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Segment numbers, ascending.
    pub(super) segments: Vec<u32>,
    /// Files of their own, with the journal number of their acknowledgement.
    pub(super) own: Vec<(u32, Uuid)>,
    /// Files that hold records moved out of segments.
    pub(super) held: Vec<Uuid>,
}

impl Directory {
    /// Opens the folder, makes it if it lacks, and removes what unfinished instances left.
    pub(super) fn open(path: &Path) -> Result<(Self, Listing), SpoolError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(SpoolError::io("make the folder"))?;
        let lock = OpenOptions::new().append(true).create(true).mode(0o600).open(path.join("lock"));
        let lock = lock.map_err(SpoolError::io("open the lock file"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SpoolError::Locked),
            Err(TryLockError::Error(error)) => return Err(SpoolError::io("lock the folder")(error)),
        }
        let handle = File::open(path).map_err(SpoolError::io("open the folder"))?;
        let directory = Self { path: path.to_owned(), handle, _lock: lock };
        let listing = directory.list(true).map_err(SpoolError::io("list the folder"))?;
        Ok((directory, listing))
    }

    /// Lists the folder; with `clean`, removes the files of unfinished instances.
    pub(super) fn list(&self, clean: bool) -> io::Result<Listing> {
        let mut listing = Listing::default();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let Some((stem, kind)) = name.to_str().and_then(|name| name.rsplit_once('.')) else { continue };
            match kind {
                "segment" => listing.segments.extend(stem.parse::<u32>()),
                "held" => listing.held.extend(stem.parse::<Uuid>()),
                "own" => listing.own.extend(
                    stem.split_once('-')
                        .and_then(|(journal, file)| Some((journal.parse().ok()?, file.parse().ok()?))),
                ),
                "part" if clean => fs::remove_file(self.path.join(&name))?,
                _ => {}
            }
        }
        listing.segments.sort_unstable();
        listing.own.sort_unstable();
        Ok(listing)
    }

    /// Path of segment `number`.
    pub(super) fn segment(&self, number: u32) -> PathBuf {
        self.path(Place::Segment { number, offset: 0 })
    }

    /// Path of an instance that is not complete.
    pub(super) fn part(&self, file: Uuid) -> PathBuf {
        self.path.join(format!("{file}.part"))
    }

    /// Path of the file that holds a record.
    pub(super) fn path(&self, place: Place) -> PathBuf {
        record_path(&self.path, place)
    }

    /// Makes names that were created, changed or removed durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

/// Path of the file below `directory` that holds a record.
pub(super) fn record_path(directory: &Path, place: Place) -> PathBuf {
    directory.join(match place {
        Place::Segment { number, .. } => format!("{number:010}.segment"),
        Place::Own { journal, file } => format!("{journal:010}-{file}.own"),
        Place::Held { file } => format!("{file}.held"),
    })
}

/// Makes a file that only this account may read.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Removes a file; one that is already gone is no error.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
