//! One instance as a simulated peer holds it.

use std::fmt;

use bytes::Bytes;
use dicom_dictionary_std::tags;
use dicom_stream::{FileMeta, Tag, TransferSyntax};

use crate::data_set::DataSet;
use crate::error::SimulationError;

/// An instance: bytes as received, and its attributes without bulk. It may hold an identity: `Debug` shows none.
#[derive(Clone)]
pub struct Object {
    /// SOP Class UID.
    pub sop_class: String,
    /// SOP Instance UID.
    pub sop_instance: String,
    /// Study Instance UID under which the peer files it. A faulty partner files it elsewhere than the data set says.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
    /// Transfer syntax of `data`.
    pub syntax: &'static TransferSyntax,
    /// The data set without file meta information.
    pub data: Bytes,
    /// Its elements without bulk.
    pub attributes: DataSet,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("sop_class", &self.sop_class).finish_non_exhaustive()
    }
}

impl Object {
    /// Reads an instance from its bytes.
    ///
    /// # Errors
    /// [`SimulationError::Unreadable`], [`SimulationError::Missing`].
    pub fn read(data: Bytes, syntax: &'static TransferSyntax) -> Result<Self, SimulationError> {
        let attributes = DataSet::read(&data, syntax)?;
        let uid = |tag: Tag| {
            let uid = attributes.text(tag);
            if dicom_node::sop_class::is_uid(&uid) { Ok(uid) } else { Err(SimulationError::Missing(tag)) }
        };
        Ok(Self {
            sop_class: uid(tags::SOP_CLASS_UID)?,
            sop_instance: uid(tags::SOP_INSTANCE_UID)?,
            study: uid(tags::STUDY_INSTANCE_UID)?,
            series: uid(tags::SERIES_INSTANCE_UID)?,
            syntax,
            data,
            attributes,
        })
    }

    /// Encodes a data set that was built here.
    ///
    /// # Errors
    /// [`SimulationError::Encode`], [`SimulationError::Missing`].
    pub fn build(set: &DataSet, syntax: &'static TransferSyntax) -> Result<Self, SimulationError> {
        Self::read(set.encode(syntax.encoding)?.into(), syntax)
    }

    /// The instance as a file: preamble, file meta information, data set (PS3.10 §7.1).
    pub fn file(&self) -> Vec<u8> {
        let mut file = self.file_head();
        file.extend_from_slice(&self.data);
        file
    }

    /// What stands before the data set in a file.
    pub(crate) fn file_head(&self) -> Vec<u8> {
        let meta = FileMeta {
            media_storage_sop_class_uid: self.sop_class.clone(),
            media_storage_sop_instance_uid: self.sop_instance.clone(),
            transfer_syntax_uid: self.syntax.uid.to_owned(),
        };
        let mut head = Vec::new();
        let _ = meta.write(&mut head); // a vector takes everything
        head
    }
}
