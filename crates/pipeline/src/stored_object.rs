//! Reading an object of Z3 to Z5: behind preamble and file meta information its data set begins.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use archive::blob::{BlobKey, BlobStore};
use archive::zone::Zone;
use dicom_stream::{FileStart, TransferSyntax};
use uuid::Uuid;

use crate::line::StageError;

/// Our own file meta information is shorter.
const START_MAX: usize = 1024;

/// Opens an object of a zone at its data set.
///
/// # Errors
/// [`StageError::Blob`]: it is not there; [`StageError::Answer`]: it is no DICOM file.
pub(crate) fn open_data_set(
    blobs: &BlobStore,
    zone: Zone,
    id: Uuid,
) -> Result<(File, &'static TransferSyntax), StageError> {
    at_data_set(blobs.open(BlobKey::new(zone, id)?)?)
}

/// The object in `file` at its data set.
///
/// # Errors
/// [`StageError::Answer`]: it is no DICOM file; those of the volume.
pub(crate) fn at_data_set(mut file: File) -> Result<(File, &'static TransferSyntax), StageError> {
    let mut head = vec![0; START_MAX];
    let length = file.read(&mut head)?;
    let start = FileStart::read(head.get(..length).unwrap_or_default()).map_err(|_| StageError::Answer)?;
    file.seek(SeekFrom::Start(start.data_set as u64))?;
    Ok((file, start.transfer_syntax))
}
