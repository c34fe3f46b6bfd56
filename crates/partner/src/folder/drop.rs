//! What a partner drops for a study (flow step 6, adapter 3): a folder with files and, written last, a manifest that names them with their
//! hashes. Without the manifest nothing is looked at; what it does not name is not looked at either.
//!
//! ```text
//! <results>/<Study Instance UID>/manifest.json   {"format": 1, "files": [{"name", "bytes", "sha256"}]}
//! <results>/<Study Instance UID>/…               DICOM files, documents, tables
//! <results>/<Study Instance UID>/received.json   written by us (see `receipt`)
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use dicom_stream::{FILE_START, FileStart, Limits, Tag, Token, TokenSource};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::beside::side_file;
use super::manifest::ManifestFile;
use super::plain::StudyFolder;
use super::wrapped::Wrapped;
use crate::config::ResultLimits;
use crate::error::{Cause, PartnerError, Unusable};
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

/// What is dropped for a study.
pub(super) struct StudyDrop {
    study: String,
    folder: StudyFolder,
    /// SHA-256 of the manifest.
    manifest: [u8; 32],
    /// The files that are objects of the listing.
    pub(super) objects: Vec<Dropped>,
    /// The files that are none.
    pub(super) beside: Vec<ManifestFile>,
    /// The hashes that the manifest gives under each SOP Instance UID.
    contents: BTreeMap<String, BTreeSet<String>>,
}

/// A file that is an object of the listing.
pub(super) struct Dropped {
    pub(super) file: ManifestFile,
    pub(super) kind: Kind,
}

#[derive(PartialEq, Eq)]
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

impl StudyDrop {
    /// What is dropped for `study`; `None` before there is a manifest.
    ///
    /// # Errors
    /// [`Cause::Dropped`] for anything about this study; another [`PartnerError`] when `results` is not there.
    pub(super) fn read(
        results: &Path,
        study: &str,
        limits: &ResultLimits,
    ) -> Result<Option<Self>, PartnerError> {
        let Some(folder) = StudyFolder::open(results, study)? else { return Ok(None) };
        let Some((manifest, _)) = folder.file(MANIFEST)? else { return Ok(None) };
        let (files, manifest) = entries(manifest)?;
        if files.len() > limits.study_instances {
            return Err(Unusable::TooMany.into());
        }
        let mut drop = Self {
            study: study.to_owned(),
            folder,
            manifest,
            objects: Vec::new(),
            beside: Vec::new(),
            contents: BTreeMap::new(),
        };
        for file in files {
            match kind(&mut drop.open(&file)?, &file, study)? {
                Some(kind) => drop.push(Dropped { file, kind }),
                None => drop.beside.push(file),
            }
        }
        Ok(Some(drop))
    }

    fn push(&mut self, object: Dropped) {
        let uid = object.row().sop_instance.clone();
        self.contents.entry(uid).or_default().insert(object.file.sha256.clone());
        self.objects.push(object);
    }

    /// Whether the manifest gives several contents under this SOP Instance UID.
    pub(super) fn is_ambiguous(&self, sop_instance: &str) -> bool {
        self.contents.get(sop_instance).is_some_and(|contents| contents.len() > 1)
    }

    /// What stands for the content under this SOP Instance UID: the SHA-256 of its hashes as they are written, one or more.
    pub(super) fn content(&self, sop_instance: &str) -> [u8; 32] {
        let contents = self.contents.get(sop_instance).into_iter().flatten();
        contents.fold(Sha256::new(), |hash, content| hash.chain_update(content)).finalize().into()
    }

    /// The file of the object `number`, from its begin; `None` when it is not what it was any more.
    ///
    /// # Errors
    /// [`Unusable`].
    pub(super) fn again(&self, number: usize) -> Result<Option<File>, Unusable> {
        let Some(object) = self.objects.get(number) else { return Ok(None) };
        let mut file = self.open(&object.file)?;
        let is_same = kind(&mut file, &object.file, &self.study)?.is_some_and(|kind| kind == object.kind);
        file.rewind().map_err(|_| Unusable::Unreadable)?;
        Ok(is_same.then_some(file))
    }

    /// A file of the manifest, when it is there as a whole.
    ///
    /// # Errors
    /// [`Unusable`].
    pub(super) fn open(&self, named: &ManifestFile) -> Result<File, Unusable> {
        match self.folder.file(&named.name)? {
            Some((file, bytes)) if bytes == named.bytes => Ok(file),
            _ => Err(Unusable::Incomplete),
        }
    }
}

/// The files that a manifest names, the digits of their hashes in lower case, and its own hash.
fn entries(manifest: File) -> Result<(Vec<ManifestFile>, [u8; 32]), Unusable> {
    let mut text = Vec::new();
    manifest.take(MANIFEST_MAX + 1).read_to_end(&mut text).map_err(|_| Unusable::Unreadable)?;
    if text.len() as u64 > MANIFEST_MAX {
        return Err(Unusable::Manifest);
    }
    let mut manifest: DropManifest = serde_json::from_slice(&text).map_err(|_| Unusable::Manifest)?;
    manifest.files.iter_mut().for_each(|file| file.sha256.make_ascii_lowercase());
    let is_hash = |hash: &str| hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_entry = |file: &ManifestFile| is_plain_name(&file.name) && is_hash(&file.sha256);
    if manifest.format == 1 && manifest.files.iter().all(is_entry) {
        Ok((manifest.files, Sha256::digest(&text).into()))
    } else {
        Err(Unusable::Manifest)
    }
}

/// The hash of a file, whose digits [`entries`] has looked at.
pub(super) fn hash(file: &ManifestFile) -> [u8; 32] {
    let mut hash = [0; 32];
    for (byte, digits) in hash.iter_mut().zip(file.sha256.as_bytes().chunks(2)) {
        let digit = |digit: &u8| char::from(*digit).to_digit(16).unwrap_or_default() as u8;
        *byte = digits.iter().fold(0, |byte, of| byte << 4 | digit(of));
    }
    hash
}

/// The listing of one study. What is wrong with it is said in it, and concerns no other study.
///
/// # Errors
/// [`PartnerError`] for what concerns all of them.
pub(super) fn list(results: &Path, study: &str, limits: &ResultLimits) -> Result<Listing, PartnerError> {
    let mut collector = Collector::new(study, limits.study_instances);
    let drop = match StudyDrop::read(results, study, limits) {
        Ok(Some(drop)) => drop,
        Ok(None) => return Ok(collector.finish()),
        Err(PartnerError::Transient { cause: Cause::Dropped(why), .. }) => {
            return Ok(Listing { unusable: Some(why), ..collector.finish() });
        }
        Err(error) => return Err(error),
    };
    for object in &drop.objects {
        let row = object.row();
        let content = drop.content(&row.sop_instance);
        // what the partner put into the folder of a study is of that study, whatever it says itself: `reconcile` judges that (RC-05)
        collector.add(Row { study: study.to_owned(), content: Some(content), ..row.clone() });
    }
    let beside = drop.beside.iter().map(side_file).collect();
    Ok(Listing { beside, manifest: Some(drop.manifest), ..collector.finish() })
}

/// One name in the folder, that leads nowhere else.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

/// What a file is, by its content; `None` for what stays beside.
fn kind(input: &mut File, file: &ManifestFile, study: &str) -> Result<Option<Kind>, Unusable> {
    let mut head = Vec::new();
    input.by_ref().take(FILE_START as u64).read_to_end(&mut head).map_err(|_| Unusable::Unreadable)?;
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
        content: None,
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
