//! What a partner drops for a study (flow step 6, adapter 3): a folder with files and, written last, a manifest that names them with their
//! hashes. Without the manifest nothing is looked at; what it does not name is not looked at either.
//!
//! ```text
//! <results>/<Study Instance UID>/manifest.json   {"format": 1, "files": [{"name", "bytes", "sha256"}]}
//! <results>/<Study Instance UID>/…               DICOM files, documents, tables
//! ```

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use dicom_stream::{FILE_START, FileStart, Limits, Tag, Token, TokenSource};
use serde::{Deserialize, Serialize};

use super::export::folder;
use super::manifest::ManifestFile;
use super::wrapped::Wrapped;
use crate::config::ResultLimits;
use crate::error::{Cause, PartnerError};
use crate::listing::{Collector, Listing, Row};

const MANIFEST: &str = "manifest.json";
/// Bytes of a manifest that are read.
const MANIFEST_MAX: u64 = 16 << 20;
/// What a PDF begins with (ISO 32000-1, 7.5.2).
const PDF: &[u8] = b"%PDF-";

/// `manifest.json` of a drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropManifest {
    /// Version of this format: 1.
    pub format: u32,
    /// The files, by name in the folder of the study.
    pub files: Vec<ManifestFile>,
}

/// A file that is an object of the listing.
pub(super) struct Dropped {
    pub(super) path: PathBuf,
    pub(super) file: ManifestFile,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// Its data set begins at `data_set`.
    Dicom { data_set: usize, transfer_syntax: &'static str, row: Row },
    /// A bare PDF, as it is wrapped.
    Pdf(Wrapped),
}

impl Dropped {
    pub(super) fn row(&self) -> &Row {
        match &self.kind {
            Kind::Dicom { row, .. } => row,
            Kind::Pdf(wrapped) => &wrapped.row,
        }
    }
}

/// What is dropped for a study, and how many files that are no DICOM objects stay beside; nothing without a whole manifest.
pub(super) fn read(
    results: &Path,
    study: &str,
    limits: &ResultLimits,
) -> Result<(Vec<Dropped>, u64), PartnerError> {
    // a legal UID is a plain name, but for "." alone, which is none
    let path = results.join(study);
    let manifest = match File::open(path.join(MANIFEST)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(folder("open the manifest of results")(error)),
    };
    let mut text = Vec::new();
    manifest.take(MANIFEST_MAX + 1).read_to_end(&mut text).map_err(folder("read the manifest of results"))?;
    let answer = |what| PartnerError::Permanent { cause: Cause::Answer(what) };
    if text.len() as u64 > MANIFEST_MAX {
        return Err(answer("the manifest of results is too long"));
    }
    let manifest: DropManifest =
        serde_json::from_slice(&text).map_err(|_| answer("the manifest of results cannot be read"))?;
    if manifest.format != 1 {
        return Err(answer("the manifest of results has a format that is not known"));
    }
    let (mut dropped, mut beside) = (Vec::new(), 0);
    for file in manifest.files.into_iter().take(limits.study_instances.saturating_add(1)) {
        let at = path.join(&file.name);
        if !is_plain_name(&file.name) || !is_whole(&at, &file)? {
            return Err(answer("the manifest of results names what is not there"));
        }
        match kind(&at, &file, study)? {
            Some(kind) => dropped.push(Dropped { path: at, file, kind }),
            None => beside += 1,
        }
    }
    Ok((dropped, beside))
}

/// The listing of one study.
pub(super) fn list(results: &Path, study: &str, limits: &ResultLimits) -> Result<Listing, PartnerError> {
    let (dropped, beside) = read(results, study, limits)?;
    let mut collector = Collector::new(study, limits.study_instances);
    for object in dropped {
        let row = object.row();
        // what the partner put into the folder of a study is of that study, whatever it says itself: `reconcile` judges that (RC-05)
        collector.add(Row {
            study: study.to_owned(),
            series: row.series.clone(),
            sop_class: row.sop_class.clone(),
            sop_instance: row.sop_instance.clone(),
        });
    }
    let mut listing = collector.finish();
    listing.beside = beside;
    Ok(listing)
}

/// One name in the folder, that leads nowhere else.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

/// Whether a plain file of this length is there.
fn is_whole(path: &Path, file: &ManifestFile) -> Result<bool, PartnerError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(found.is_file() && found.len() == file.bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(folder("look at a result")(error)),
    }
}

/// What a file is, by its content; `None` for what stays beside.
fn kind(path: &Path, file: &ManifestFile, study: &str) -> Result<Option<Kind>, PartnerError> {
    let mut input = File::open(path).map_err(folder("open a result"))?;
    let mut head = Vec::new();
    input.by_ref().take(FILE_START as u64).read_to_end(&mut head).map_err(folder("read a result"))?;
    if head.starts_with(PDF) {
        return Ok(Some(Kind::Pdf(Wrapped::new(study, file))));
    }
    if head.get(128..132) != Some(b"DICM") {
        return Ok(None);
    }
    let Some((start, meta)) =
        FileStart::read(&head).ok().and_then(|start| Some((start.clone(), start.meta?)))
    else {
        return Ok(None);
    };
    let data = head.split_off(start.data_set.min(head.len()));
    let series = series(data.as_slice().chain(input), start.transfer_syntax);
    let row = Row {
        study: study.to_owned(),
        series: series.unwrap_or_default(),
        sop_class: meta.media_storage_sop_class_uid,
        sop_instance: meta.media_storage_sop_instance_uid,
    };
    Ok(Some(Kind::Dicom { data_set: start.data_set, transfer_syntax: start.transfer_syntax.uid, row }))
}

/// Series Instance UID of a data set.
fn series(input: impl Read, syntax: &dicom_stream::TransferSyntax) -> Option<String> {
    let mut tokens = TokenSource::new(input, syntax, Limits::INSTANCE, None);
    let mut depth = 0_usize;
    while let Some(token) = tokens.next_token().ok()? {
        match token {
            Token::SequenceStart { .. } => depth += 1,
            Token::SequenceEnd { .. } => depth = depth.saturating_sub(1),
            Token::Value { header, value } if depth == 0 && header.tag == Tag(0x0020, 0x000E) => {
                return Some(String::from_utf8_lossy(dicom_stream::text::trim_uid(value)).into_owned());
            }
            Token::Value { header, .. } if depth == 0 && header.tag > Tag(0x0020, 0x000E) => return None,
            _ => {}
        }
    }
    None
}
