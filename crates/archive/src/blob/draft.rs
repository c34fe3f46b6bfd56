//! An object that is written, read and thrown away: it never gets a key, and no row names it. It lies with the unfinished objects, so that
//! a crash leaves nothing behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::{BUFFER, BlobError, BlobStore};
use crate::space::Space;

/// A file of the store's volume that goes when this is dropped.
#[derive(Debug)]
struct Unnamed(PathBuf);

impl Drop for Unnamed {
    fn drop(&mut self) {
        // what cannot be removed now goes when the store opens
        let _ = fs::remove_file(&self.0);
    }
}

/// A draft while it is written. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct DraftWriter {
    out: BufWriter<Counted>,
    path: Unnamed,
}

#[derive(Debug)]
struct Counted {
    file: File,
    space: Arc<Space>,
    length: u64,
    hasher: Box<blake3::Hasher>,
}

/// A draft that can be read, as often as needed. Dropping it removes it.
#[derive(Debug)]
pub struct Draft {
    path: Unnamed,
    length: u64,
    hash: blake3::Hash,
}

impl BlobStore {
    /// Begins a draft.
    ///
    /// # Errors
    /// [`BlobError::NoRoom`], [`BlobError::Io`]: retry later.
    pub fn draft(&self) -> Result<DraftWriter, BlobError> {
        if !self.has_room() {
            return Err(BlobError::NoRoom);
        }
        let path = self.unfinished().join(Uuid::new_v4().to_string());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(BlobError::io("make a draft"))?;
        let counted = Counted { file, space: Arc::clone(&self.space), length: 0, hasher: Box::default() };
        Ok(DraftWriter { out: BufWriter::with_capacity(BUFFER, counted), path: Unnamed(path) })
    }
}

impl DraftWriter {
    /// Ends the writing; nothing is synced, for nothing rests on it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(self) -> io::Result<Draft> {
        let Counted { length, hasher, .. } = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Draft { path: self.path, length, hash: hasher.finalize() })
    }
}

impl Write for DraftWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.space.wrote(bytes.len() as u64);
        if self.space.is_low() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, BlobError::NoRoom));
        }
        let written = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Draft {
    /// Opens it at its first byte.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(&self) -> io::Result<File> {
        File::open(&self.path.0)
    }

    /// Its length, bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// BLAKE3 of its bytes.
    #[must_use]
    pub fn hash(&self) -> blake3::Hash {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::BlobConfig;
    use super::*;

    #[test]
    fn a_draft_is_read_as_it_was_written_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open_store(folder.path(), &BlobConfig { keep_free_bytes: Some(0) }).unwrap();
        let left = || fs::read_dir(store.unfinished()).unwrap().count();
        drop(store.draft().unwrap());
        let mut writer = store.draft().unwrap();
        writer.write_all(b"as derived").unwrap();
        let draft = writer.finish().unwrap();
        for _ in 0..2 {
            let mut text = String::new();
            draft.open().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "as derived");
        }
        assert_eq!((draft.length(), draft.hash()), (10, blake3::hash(b"as derived")));
        assert_eq!(left(), 1);
        drop(draft);
        assert_eq!(left(), 0);
    }
}
