//! What leaves of an instance: the object of Z3, or, under linkage `partner`, the one derived from it; with the hash and length that the
//! ledger shows.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use archive::blob::{BlobStore, Draft};
use archive::index::FoundInstance;
use archive::zone::Zone;
use partner::{InstanceSource, OutgoingInstance};
use uuid::Uuid;

use crate::stored_object::open_data_set;

/// An instance on its way out.
pub(crate) struct Leaving {
    /// Our own id of it.
    pub(crate) id: Uuid,
    /// As the transport is told; its id is what answers name.
    pub(crate) outgoing: OutgoingInstance,
    /// Hash of the file that leaves, as the ledger shows it.
    pub(crate) hash: String,
    /// Length of the file that leaves.
    pub(crate) bytes: u64,
}

impl Leaving {
    /// The object as it lies in Z3.
    pub(super) fn as_archived(found: &FoundInstance) -> Self {
        let instance = &found.instance;
        Self {
            id: instance.id,
            outgoing: OutgoingInstance {
                id: instance.id,
                sop_class: instance.sop_class_uid.clone(),
                sop_instance: instance.sop_instance_uid.clone(),
                transfer_syntax: instance.transfer_syntax_uid.clone(),
                length: None,
            },
            hash: format!("blake3:{}", blake3::Hash::from_bytes(instance.blake3)),
            bytes: instance.bytes,
        }
    }
}

/// A derived object that waits to be sent.
pub(super) struct Derived {
    pub(super) draft: Draft,
    /// Where its data set begins.
    pub(super) data_set: u64,
}

/// Data sets on their way out, without their file meta information.
pub(super) struct Source {
    blobs: Arc<BlobStore>,
    /// Under linkage `partner`, by the id that the transport was told: the very bytes that were searched.
    derived: Option<HashMap<Uuid, Derived>>,
}

impl Source {
    /// The objects of Z3 themselves.
    pub(super) fn archive(blobs: &Arc<BlobStore>) -> Self {
        Self { blobs: Arc::clone(blobs), derived: None }
    }

    /// These, and nothing else.
    pub(super) fn derived(blobs: &Arc<BlobStore>, derived: HashMap<Uuid, Derived>) -> Self {
        Self { blobs: Arc::clone(blobs), derived: Some(derived) }
    }
}

impl InstanceSource for Source {
    fn open(&self, instance: &OutgoingInstance) -> io::Result<Box<dyn Read + Send>> {
        let Some(derived) = &self.derived else {
            let (file, _) =
                open_data_set(&self.blobs, Zone::Archive, instance.id).map_err(io::Error::other)?;
            return Ok(Box::new(file));
        };
        let derived = derived.get(&instance.id).ok_or(io::ErrorKind::NotFound)?;
        let mut file = derived.draft.open()?;
        file.seek(SeekFrom::Start(derived.data_set))?;
        Ok(Box::new(file))
    }
}
