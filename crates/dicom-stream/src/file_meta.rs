//! File Meta Information and preamble (PS3.10 7.1): read tolerantly, written anew and never copied.

use std::io::{self, Write};

use dicom_core::{Tag, VR};
use thiserror::Error;

use crate::header::{self, Parsed};
use crate::transfer_syntax::{Encoding, TransferSyntax};
use crate::writer::{Lengths, Writer};

/// Implementation Class UID of this product, in every file and association it writes (PS3.7 D.3.3.2).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.20415047398750169356292193756313149103";
/// Implementation Version Name of this product.
pub const IMPLEMENTATION_VERSION_NAME: &str = "RESEARCHPACS_01";

/// Longest File Meta Information that is read, in bytes.
const META_MAX: usize = 64 << 10;
/// Bytes from the start of a file that [`FileStart::read`] needs at most to see the whole meta information.
pub const FILE_START: usize = 132 + META_MAX + 12;

/// Why the start of a file cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FileMetaError {
    /// Neither File Meta Information nor the start of a data set. Refuse the file.
    #[error("not a DICOM file")]
    NotDicom,
    /// The meta information is cut, or longer than 64 KiB. Refuse the file.
    #[error("file meta information cut or too long")]
    Truncated,
    /// A transfer syntax that this crate cannot walk. Quarantine the file.
    #[error("unknown transfer syntax")]
    UnknownTransferSyntax,
}

/// The values of the File Meta Information that matter; absent ones are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileMeta {
    /// (0002,0002)
    pub media_storage_sop_class_uid: String,
    /// (0002,0003)
    pub media_storage_sop_instance_uid: String,
    /// (0002,0010)
    pub transfer_syntax_uid: String,
}

/// What stands before the data set of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStart {
    /// Offset of the data set in the file.
    pub data_set: usize,
    /// The meta information; absent in a bare data set.
    pub meta: Option<FileMeta>,
    /// Syntax of the data set: as the meta information says, else as its first element looks.
    pub transfer_syntax: &'static TransferSyntax,
}

impl FileStart {
    /// Reads the start of a file from its first bytes ([`FILE_START`] of them, or the whole file).
    ///
    /// Files without preamble, without meta information or without a transfer syntax are understood as well.
    ///
    /// # Errors
    /// Any [`FileMetaError`].
    pub fn read(bytes: &[u8]) -> Result<Self, FileMetaError> {
        let meta_at = match bytes.get(128..132) {
            Some(b"DICM") => Some(132),
            _ if bytes.get(..2) == Some(&[2, 0]) => Some(0),
            _ => None,
        };
        let (meta, data_set) = match meta_at {
            Some(start) => {
                let (meta, length) = read_meta(bytes.get(start..).unwrap_or_default())?;
                (Some(meta), start + length)
            }
            None => (None, 0),
        };
        let rest = bytes.get(data_set..).unwrap_or_default();
        let transfer_syntax = match meta.as_ref().map(|meta| meta.transfer_syntax_uid.as_str()) {
            Some(uid) if !uid.is_empty() => {
                TransferSyntax::from_uid(uid).ok_or(FileMetaError::UnknownTransferSyntax)?
            }
            Some(_) => guess_syntax(rest).unwrap_or(&TransferSyntax::IMPLICIT_LITTLE),
            None => guess_syntax(rest).ok_or(FileMetaError::NotDicom)?,
        };
        Ok(Self { data_set, meta, transfer_syntax })
    }
}

impl FileMeta {
    /// Writes a preamble of zeros, `DICM` and the meta information with this product's implementation UID.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        let mut group = Writer::new(Vec::new(), Encoding::ExplicitLittle, Lengths::AsReceived);
        group.value(Tag(2, 0x0001), VR::OB, &[0, 1])?;
        group.value(Tag(2, 0x0002), VR::UI, self.media_storage_sop_class_uid.as_bytes())?;
        group.value(Tag(2, 0x0003), VR::UI, self.media_storage_sop_instance_uid.as_bytes())?;
        group.value(Tag(2, 0x0010), VR::UI, self.transfer_syntax_uid.as_bytes())?;
        group.value(Tag(2, 0x0012), VR::UI, IMPLEMENTATION_CLASS_UID.as_bytes())?;
        group.value(Tag(2, 0x0013), VR::SH, IMPLEMENTATION_VERSION_NAME.as_bytes())?;
        let group = group.finish()?;
        let mut head = Writer::new(Vec::new(), Encoding::ExplicitLittle, Lengths::AsReceived);
        let length = u32::try_from(group.len()).unwrap_or(u32::MAX);
        head.value(Tag(2, 0), VR::UL, &length.to_le_bytes())?;
        out.write_all(&[0; 128])?;
        out.write_all(b"DICM")?;
        out.write_all(&head.finish()?)?;
        out.write_all(&group)
    }
}

/// Reads group 0002 (always explicit VR little endian, PS3.10 7.1) up to the first other group: its length element may lie.
fn read_meta(bytes: &[u8]) -> Result<(FileMeta, usize), FileMetaError> {
    let mut meta = FileMeta::default();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() || rest.get(..2) != Some(&[2, 0]) {
            return Ok((meta, at));
        }
        let Parsed::Whole { header, .. } = header::parse(rest, Encoding::ExplicitLittle) else {
            return Err(FileMetaError::Truncated);
        };
        let start = header.raw().len();
        let end = start.saturating_add(header.length as usize);
        let value = rest.get(start..end).ok_or(FileMetaError::Truncated)?;
        at += end;
        if at > META_MAX {
            return Err(FileMetaError::Truncated);
        }
        let text = || {
            let value =
                value.iter().position(|byte| *byte == 0).and_then(|end| value.get(..end)).unwrap_or(value);
            String::from_utf8_lossy(value).trim().to_owned()
        };
        match header.tag {
            Tag(2, 0x0002) => meta.media_storage_sop_class_uid = text(),
            Tag(2, 0x0003) => meta.media_storage_sop_instance_uid = text(),
            Tag(2, 0x0010) => meta.transfer_syntax_uid = text(),
            _ => {}
        }
    }
}

/// Syntax of a bare data set by its first element: a low even group, and a VR or not after it.
fn guess_syntax(bytes: &[u8]) -> Option<&'static TransferSyntax> {
    let [g0, g1, _, _, a, b, c, d] = *bytes.first_chunk::<8>()?;
    let explicit = VR::from_binary([a, b]).is_some();
    let plausible = |group: u16| (4..=0x0020).contains(&group) && group.is_multiple_of(2);
    match (explicit, plausible(u16::from_le_bytes([g0, g1])), plausible(u16::from_be_bytes([g0, g1]))) {
        (true, true, _) => Some(&TransferSyntax::EXPLICIT_LITTLE),
        (true, _, true) => Some(&TransferSyntax::EXPLICIT_BIG),
        (false, true, _) if u32::from_le_bytes([a, b, c, d]) < 1 << 16 => {
            Some(&TransferSyntax::IMPLICIT_LITTLE)
        }
        _ => None,
    }
}
