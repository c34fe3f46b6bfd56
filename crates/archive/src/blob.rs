//! Objects of the zones Z3 to Z5 on the file system.
//!
//! An object is written under a temporary name, synced, and renamed; so a half object never has a key. Syncs are
//! batched ([`BlobStore::finish_batch`]): the data of each object, then one sync per folder. A crash leaves only
//! temporary files, which [`BlobStore::open_store`] removes. Every call blocks: run it on a bounded blocking pool.
//!
//! Paths are made of the zone's word and our own id: `archive/0192f3/4c/0192f34c-….blob`. The folders follow the
//! first 32 bits of the id. Ids are UUIDs of version 7, which begin with the time in milliseconds: objects made within
//! 65 seconds share a folder, so the folder syncs of a batch are few, and no folder grows for ever.

mod draft;

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::space::Space;
use crate::zone::Zone;
pub use draft::{Draft, DraftWriter};

/// Bytes collected before a write; half as many at once are written as they come.
const BUFFER: usize = 64 << 10;
/// Threads that sync the objects of one batch: the kernel merges syncs that run at the same time.
const SYNC_THREADS: usize = 4;
/// Folder of what is being written.
const UNFINISHED: &str = "unfinished";

/// Why the blob store refuses, and what the caller does about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The zone holds no blobs: an error of the caller. Z1 is the spool, Z2 a database.
    #[error("zone {0} holds no blobs")]
    NotABlobZone(Zone),
    /// There is no object of this key. Do not retry; the index and the store disagree.
    #[error("blob {0} does not exist")]
    NotFound(BlobKey),
    /// The volume is below its watermark: the work waits, nothing is wrong with it.
    #[error("the volume of the objects is below its watermark; free space there")]
    NoRoom,
    /// The file system refused. Nothing of the batch may be taken as durable; retry it as a whole.
    #[error("blob store: cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The error of the system.
        source: io::Error,
    },
}

impl BlobError {
    fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

/// Name of an object: its zone and its own id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    zone: Zone,
    id: Uuid,
}

impl BlobKey {
    /// The key of object `id` in `zone`. The id is ours (UUID version 7), never a UID that a peer sent.
    ///
    /// # Errors
    /// [`BlobError::NotABlobZone`] for Z1 and Z2.
    pub fn new(zone: Zone, id: Uuid) -> Result<Self, BlobError> {
        if zone.holds_blobs() { Ok(Self { zone, id }) } else { Err(BlobError::NotABlobZone(zone)) }
    }

    /// The object's own id.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Folder of the object below the root.
    fn folder(&self) -> PathBuf {
        let bits = self.id.as_u128() >> 96;
        PathBuf::from(self.zone.as_str())
            .join(format!("{:06x}", bits >> 8))
            .join(format!("{:02x}", bits & 0xff))
    }

    fn path(&self) -> PathBuf {
        self.folder().join(format!("{}.blob", self.id))
    }
}

impl std::fmt::Display for BlobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.zone, self.id)
    }
}

/// An object that is durable under its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    /// Its key.
    pub key: BlobKey,
    /// Its length, bytes.
    pub length: u64,
    /// BLAKE3 of its bytes.
    pub hash: blake3::Hash,
}

/// What an operator may set about the objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlobConfig {
    /// De-identification, fetch and return wait while less than this is free, bytes. Unset: twice what the receive buffer keeps free
    /// by default, so that on one volume reception goes on longest.
    pub keep_free_bytes: Option<u64>,
}

/// Objects of the zones Z3 to Z5 below one folder.
#[derive(Debug)]
pub struct BlobStore {
    root: PathBuf,
    space: Arc<Space>,
}

impl BlobStore {
    /// Opens the store, makes its folders if they lack, and removes what unfinished objects left. One process
    /// writes below a root.
    ///
    /// # Errors
    /// [`BlobError::Io`]: the program cannot start.
    pub fn open_store(root: impl Into<PathBuf>, config: &BlobConfig) -> Result<Self, BlobError> {
        let root: PathBuf = root.into();
        make_folder(&root.join(UNFINISHED)).map_err(BlobError::io("make the store's folders"))?;
        let space = Space::new("objects", root.clone(), config.keep_free_bytes, 2);
        let space = space.map_err(BlobError::io("ask the volume for its free space"))?;
        let store = Self { root, space: Arc::new(space) };
        let unfinished = store.unfinished();
        let clear = || -> io::Result<()> {
            for entry in fs::read_dir(&unfinished)? {
                fs::remove_file(entry?.path())?;
            }
            Ok(())
        };
        clear().map_err(BlobError::io("remove unfinished objects"))?;
        Ok(store)
    }

    fn unfinished(&self) -> PathBuf {
        self.root.join(UNFINISHED)
    }

    /// Whether there is room for another object; asks the volume.
    pub fn has_room(&self) -> bool {
        self.space.refresh();
        !self.space.is_low()
    }

    /// Begins an object. Nothing has the key before [`BlobStore::finish_batch`]; an object that already has it is
    /// replaced then, which makes a repeated stage harmless.
    ///
    /// # Errors
    /// [`BlobError::NoRoom`], [`BlobError::Io`]: retry later.
    pub fn create(&self, key: BlobKey) -> Result<BlobWriter, BlobError> {
        if !self.has_room() {
            return Err(BlobError::NoRoom);
        }
        let path = self.unfinished().join(Uuid::new_v4().to_string());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(BlobError::io("make an object"))?;
        Ok(BlobWriter {
            key,
            path,
            file,
            space: Arc::clone(&self.space),
            buffer: Vec::new(),
            length: 0,
            hasher: Box::default(),
            named: false,
        })
    }

    /// Makes all objects durable under their keys: data synced, then renamed, then each folder synced once.
    ///
    /// # Errors
    /// [`BlobError::Io`]: no object of the batch counts as durable. Write the whole batch again.
    pub fn finish_batch(&self, mut writers: Vec<BlobWriter>) -> Result<Vec<Blob>, BlobError> {
        sync_all(&mut writers).map_err(BlobError::io("sync an object"))?;
        let mut folders = BTreeSet::new();
        let mut blobs = Vec::with_capacity(writers.len());
        for mut writer in writers {
            let folder = self.root.join(writer.key.folder());
            self.name(&mut writer, &folder).map_err(BlobError::io("name an object"))?;
            folders.insert(folder);
            blobs.push(Blob { key: writer.key, length: writer.length, hash: writer.hasher.finalize() });
        }
        for folder in folders {
            sync_folder(&folder).map_err(BlobError::io("sync a folder"))?;
        }
        Ok(blobs)
    }

    fn name(&self, writer: &mut BlobWriter, folder: &Path) -> io::Result<()> {
        let target = self.root.join(writer.key.path());
        make_folder(folder)?;
        let renamed = match fs::rename(&writer.path, &target) {
            // `remove` took the folder away because it was empty
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_folder(folder)?;
                fs::rename(&writer.path, &target)
            }
            renamed => renamed,
        };
        writer.named = renamed.is_ok();
        renamed
    }

    /// Opens an object for reading.
    ///
    /// # Errors
    /// [`BlobError::NotFound`]; [`BlobError::Io`]: retry later.
    pub fn open(&self, key: BlobKey) -> Result<File, BlobError> {
        Self::open_beside(&self.root, key)
    }

    /// The same beside the program that writes below `root`: nothing is cleaned up there.
    ///
    /// # Errors
    /// As [`BlobStore::open`].
    pub fn open_beside(root: &Path, key: BlobKey) -> Result<File, BlobError> {
        File::open(root.join(key.path())).map_err(|error| not_found_or(key, "open an object", error))
    }

    /// Removes an object, durably; false when it was already gone.
    ///
    /// # Errors
    /// [`BlobError::Io`]: the object may still exist; retry.
    pub fn remove(&self, key: BlobKey) -> Result<bool, BlobError> {
        let folder = self.root.join(key.folder());
        match fs::remove_file(self.root.join(key.path())) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(BlobError::io("remove an object")(error)),
        }
        sync_folder(&folder).map_err(BlobError::io("sync a folder"))?;
        // folders that are empty now go too; one that is in use stays
        if fs::remove_dir(&folder).is_ok() {
            let _ = folder.parent().map(fs::remove_dir);
        }
        Ok(true)
    }
}

/// A folder of objects: its place in the order of folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folder(u32);

impl BlobStore {
    /// Up to `limit` folders of a zone after `after`, in their order, for a walk through all objects in steps.
    ///
    /// # Errors
    /// [`BlobError::NotABlobZone`]; [`BlobError::Io`]: retry later.
    pub fn folders(&self, zone: Zone, after: Option<Folder>, limit: usize) -> Result<Vec<Folder>, BlobError> {
        if !zone.holds_blobs() {
            return Err(BlobError::NotABlobZone(zone));
        }
        let zone = self.root.join(zone.as_str());
        let mut found = Vec::new();
        for upper in numbers_in(&zone, 6)? {
            if after.is_some_and(|Folder(after)| upper < after >> 8) {
                continue;
            }
            for lower in numbers_in(&zone.join(format!("{upper:06x}")), 2)? {
                let folder = Folder(upper << 8 | lower);
                if after.is_none_or(|after| folder > after) {
                    found.push(folder);
                }
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// The objects of a folder and when each was written.
    ///
    /// # Errors
    /// As [`BlobStore::folders`].
    pub fn objects_in(
        &self,
        zone: Zone,
        Folder(folder): Folder,
    ) -> Result<Vec<(BlobKey, SystemTime)>, BlobError> {
        let path = self
            .root
            .join(zone.as_str())
            .join(format!("{:06x}", folder >> 8))
            .join(format!("{:02x}", folder & 0xff));
        let list = || -> io::Result<Vec<(Uuid, SystemTime)>> {
            let mut found = Vec::new();
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                let name = entry.file_name();
                let id = name.to_str().and_then(|name| name.strip_suffix(".blob"));
                if let Some(id) = id.and_then(|id| Uuid::parse_str(id).ok()) {
                    found.push((id, entry.metadata()?.modified()?));
                }
            }
            Ok(found)
        };
        let found = match list() {
            // removed since it was listed
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            found => found.map_err(BlobError::io("list a folder"))?,
        };
        found.into_iter().map(|(id, at)| Ok((BlobKey::new(zone, id)?, at))).collect()
    }
}

impl BlobStore {
    /// Removes an object that was written before `before`; false when it is younger now or gone. An object that is written anew while
    /// a walk is on its way stays.
    ///
    /// # Errors
    /// As [`BlobStore::remove`].
    pub fn remove_older(&self, key: BlobKey, before: SystemTime) -> Result<bool, BlobError> {
        let written = fs::metadata(self.root.join(key.path())).and_then(|found| found.modified());
        match written {
            Ok(written) if written < before => self.remove(key),
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(BlobError::io("find an object")(error)),
        }
    }
}

/// Names of folders that are numbers of `digits` hexadecimal digits, sorted.
fn numbers_in(path: &Path, digits: usize) -> Result<Vec<u32>, BlobError> {
    let list = || -> io::Result<Vec<u32>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(path)? {
            let name = entry?.file_name();
            let name = name.to_str().filter(|name| name.len() == digits);
            found.extend(name.and_then(|name| u32::from_str_radix(name, 16).ok()));
        }
        found.sort_unstable();
        Ok(found)
    };
    match list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        found => found.map_err(BlobError::io("list a folder")),
    }
}

fn not_found_or(key: BlobKey, what: &'static str, error: io::Error) -> BlobError {
    if error.kind() == io::ErrorKind::NotFound {
        BlobError::NotFound(key)
    } else {
        BlobError::io(what)(error)
    }
}

/// One object while it is written; its BLAKE3 is computed on the way. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    key: BlobKey,
    path: PathBuf,
    file: File,
    space: Arc<Space>,
    buffer: Vec<u8>,
    length: u64,
    hasher: Box<blake3::Hasher>,
    named: bool,
}

impl BlobWriter {
    /// The key that the object will have.
    pub fn key(&self) -> BlobKey {
        self.key
    }

    /// Bytes written so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        // An object can become some hundred times as long as its deflated original.
        self.space.wrote(bytes.len() as u64);
        if self.space.is_low() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, BlobError::NoRoom));
        }
        self.hasher.update(bytes);
        self.file.write_all(bytes)
    }

    fn flush_buffer(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.put(&buffer);
        buffer.clear();
        self.buffer = buffer;
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        self.flush_buffer()?;
        self.buffer = Vec::new();
        self.file.sync_data()
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let large = bytes.len() >= BUFFER / 2;
        if large || self.buffer.len() + bytes.len() > BUFFER {
            self.flush_buffer()?;
        }
        if large {
            self.put(bytes)?;
        } else {
            self.buffer.reserve_exact(BUFFER - self.buffer.len());
            self.buffer.extend_from_slice(bytes);
        }
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_buffer()
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if !self.named {
            // what cannot be removed now goes when the store opens
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Syncs the data of all objects, a few at a time.
fn sync_all(writers: &mut [BlobWriter]) -> io::Result<()> {
    let share = writers.len().div_ceil(SYNC_THREADS).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = writers
            .chunks_mut(share)
            .map(|part| scope.spawn(|| part.iter_mut().try_for_each(BlobWriter::sync)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a sync thread ended")))
        })
    })
}

/// Makes a folder and its parents; each new name is synced into the folder above it.
fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().ok_or(error)?;
            make_folder(parent)?;
            make_folder(path)
        }
        Err(error) => Err(error),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(if path.as_os_str().is_empty() { Path::new(".") } else { path })?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn open(root: impl Into<PathBuf>) -> BlobStore {
        BlobStore::open_store(root, &BlobConfig { keep_free_bytes: Some(0) }).unwrap()
    }

    fn key(zone: Zone) -> BlobKey {
        BlobKey::new(zone, Uuid::now_v7()).unwrap()
    }

    fn files_below(path: &Path) -> usize {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
    }

    #[test]
    fn a_batch_is_readable_under_its_keys_and_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path().join("deep/store"));
        let zones = [Zone::Archive, Zone::Inbound, Zone::ReturnBuffer, Zone::Quarantine, Zone::Archive];
        let mut contents = Vec::new();
        let mut writers = Vec::new();
        for (size, zone) in [0, 1, BUFFER - 1, BUFFER, 3 * BUFFER + 7].into_iter().zip(zones) {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
            let mut writer = store.create(key(zone)).unwrap();
            for piece in bytes.chunks(100_001) {
                writer.write_all(piece).unwrap();
            }
            writers.push(writer);
            contents.push(bytes);
        }
        assert!(
            matches!(store.open(writers[0].key()), Err(BlobError::NotFound(_))),
            "no key before the sync"
        );
        let blobs = store.finish_batch(writers).unwrap();
        for (blob, bytes) in blobs.iter().zip(&contents) {
            let mut read = Vec::new();
            store.open(blob.key).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(&read, bytes);
            assert_eq!(blob.hash, blake3::hash(bytes));
        }
    }

    #[test]
    fn unfinished_objects_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        drop(store.create(key(Zone::Archive)).unwrap());
        assert_eq!(files_below(folder.path()), 0, "dropped");
        let mut crashed = store.create(key(Zone::Archive)).unwrap();
        crashed.write_all(b"half").unwrap();
        std::mem::forget(crashed);
        assert_eq!(files_below(folder.path()), 1);
        open(folder.path());
        assert_eq!(files_below(folder.path()), 0, "cleared when the store opens");
    }

    #[test]
    fn a_repeated_stage_replaces_its_object_and_a_removal_may_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let key = key(Zone::Archive);
        for content in ["first", "second"] {
            let mut writer = store.create(key).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
            store.finish_batch(vec![writer]).unwrap();
        }
        assert_eq!(store.open(key).unwrap().metadata().unwrap().len(), 6);
        assert!(store.remove(key).unwrap());
        assert!(!store.remove(key).unwrap());
        assert!(matches!(store.open(key), Err(BlobError::NotFound(_))));
        assert_eq!(fs::read_dir(folder.path().join("archive")).unwrap().count(), 0, "empty folders go too");
    }

    #[test]
    fn originals_and_the_vault_are_no_blobs() {
        assert!(matches!(BlobKey::new(Zone::ReceiveBuffer, Uuid::now_v7()), Err(BlobError::NotABlobZone(_))));
        assert!(matches!(BlobKey::new(Zone::Vault, Uuid::now_v7()), Err(BlobError::NotABlobZone(_))));
    }

    #[test]
    fn below_the_watermark_no_object_is_begun_and_none_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let config = BlobConfig { keep_free_bytes: Some(u64::MAX) };
        let full = BlobStore::open_store(folder.path(), &config).unwrap();
        assert!(matches!(full.create(key(Zone::Archive)), Err(BlobError::NoRoom)));
        let store = open(folder.path());
        let mut writer = store.create(key(Zone::Archive)).unwrap();
        writer.write_all(&[1; BUFFER]).unwrap();
        writer.space = Arc::clone(&full.space);
        let refused = writer.write_all(&[1; 2 * BUFFER]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_walk_in_steps_sees_every_object_of_its_zone_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let ids = [0x0192_f34c_u128, 0x0192_f34d, 0x0193_0000, 0x0193_0001, 0x0193_0001]
            .into_iter()
            .enumerate()
            .map(|(number, bits)| Uuid::from_u128(bits << 96 | number as u128));
        let mut keys: Vec<BlobKey> = ids.map(|id| BlobKey::new(Zone::Archive, id).unwrap()).collect();
        let writers = keys.iter().map(|key| store.create(*key).unwrap()).collect();
        store.finish_batch(writers).unwrap();
        store.finish_batch(vec![store.create(key(Zone::Inbound)).unwrap()]).unwrap();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let step = store.folders(Zone::Archive, after, 2).unwrap();
            let Some(last) = step.last() else { break };
            after = Some(*last);
            for folder in step {
                seen.extend(store.objects_in(Zone::Archive, folder).unwrap().into_iter().map(|(key, _)| key));
            }
        }
        seen.sort();
        keys.sort();
        assert_eq!(seen, keys);
    }
}
