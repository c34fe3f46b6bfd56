//! Dropped files that are no DICOM objects and are not wrapped into one (flow table 8.3): each is taken as the manifest names it, by its
//! hash; its name stays where it is, but for what the end of it says of its form.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use super::drop::{StudyDrop, hash};
use super::manifest::ManifestFile;
use crate::error::{PartnerError, Unusable};
use crate::listing::SideFile;

/// Ends of names that may be shown: the longer ones first.
const FORMS: [&str; 18] = [
    "nii.gz", "nrrd", "json", "html", "xlsx", "yaml", "nii", "csv", "tsv", "txt", "xml", "mha", "mhd", "npz",
    "npy", "zip", "png", "md",
];
/// Bytes read at once.
const PIECE: usize = 256 << 10;

/// A file as the listing tells of it.
pub(super) fn side_file(file: &ManifestFile) -> SideFile {
    let name = file.name.to_ascii_lowercase();
    let is_form = |form: &&&str| name.strip_suffix(**form).is_some_and(|name| name.ends_with('.'));
    let form = FORMS.iter().find(is_form).copied().unwrap_or("other");
    SideFile { form, bytes: file.bytes, sha256: hash(file) }
}

/// Takes those of `wanted` that are there, each into a sink of its own; one whose bytes are not those of the manifest, or that is longer than
/// `longest`, is left out.
///
/// # Errors
/// [`Unusable`]; the errors of the sinks.
pub(super) fn take<W: Write>(
    drop: &StudyDrop,
    wanted: &[[u8; 32]],
    longest: u64,
    mut begin: impl FnMut() -> io::Result<W>,
) -> Result<Vec<(SideFile, W)>, PartnerError> {
    let mut taken: Vec<(SideFile, W)> = Vec::new();
    for file in &drop.beside {
        let of = side_file(file);
        let is_taken = taken.iter().any(|(taken, _)| taken.sha256 == of.sha256);
        if is_taken || of.bytes > longest || !wanted.contains(&of.sha256) {
            continue;
        }
        let mut sink = begin().map_err(super::export::folder("keep a result"))?;
        // one byte more tells a file that grows
        if copy(drop.open(file)?.take(of.bytes.saturating_add(1)), &mut sink)? == of.sha256 {
            taken.push((of, sink));
        }
    }
    Ok(taken)
}

/// Copies a file, and answers the SHA-256 of it.
fn copy(mut file: impl Read, sink: &mut impl Write) -> Result<[u8; 32], PartnerError> {
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let read = file.read(&mut piece).map_err(|_| Unusable::Unreadable)?;
        let bytes = piece.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(hash.finalize().into());
        }
        hash.update(bytes);
        sink.write_all(bytes).map_err(super::export::folder("keep a result"))?;
    }
}
