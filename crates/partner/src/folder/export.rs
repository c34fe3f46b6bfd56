//! Writes the files of a batch.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use dicom_stream::FileMeta;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::manifest::{self, Sums};
use crate::error::{Cause, PartnerError};
use crate::feed::{Cut, read_pieces};
use crate::outgoing::{Answer, Batch, InstanceSource, Outcome, OutgoingInstance};

/// Files that are synced together before they are acknowledged.
const GROUP: usize = 16;

/// The error of the file system at `what`: full or gone for the moment, or for a person.
pub(super) fn folder(what: &'static str) -> impl FnOnce(io::Error) -> PartnerError {
    move |source| {
        let configured = matches!(
            source.kind(),
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
        );
        let cause = Cause::Folder { what, source };
        if configured { PartnerError::Configuration { cause } } else { PartnerError::transient(cause) }
    }
}

/// Makes what was renamed inside durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), PartnerError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(folder("sync the folder"))
}

pub(super) fn test(path: &Path) -> Result<(), PartnerError> {
    let probe = path.join(format!(".{}.test", Uuid::new_v4()));
    let written = File::create_new(&probe).and_then(|mut file| {
        file.write_all(b"test")?;
        file.sync_all()
    });
    let removed = fs::remove_file(&probe);
    written.and(removed).map_err(folder("write a file"))
}

pub(super) fn send<S: InstanceSource>(
    root: &Path,
    batch: &Batch,
    source: &S,
    answers: &Sender<Answer>,
    stop: &CancellationToken,
) -> Result<(), PartnerError> {
    let path = root.join(batch.job.to_string());
    match fs::create_dir(&path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(folder("make the folder of the job")(error));
        }
        _ => sync_folder(root)?,
    }
    let mut sums = Sums::open(&path)?;
    let mut whole = true;
    for group in batch.instances.chunks(GROUP) {
        let mut outcomes = Vec::with_capacity(group.len());
        for instance in group {
            if stop.is_cancelled() {
                return Ok(());
            }
            outcomes.push(write(&path, instance, source, &mut sums)?);
        }
        sync_folder(&path)?;
        sums.sync()?;
        for (instance, outcome) in group.iter().zip(outcomes) {
            whole &= outcome != Outcome::Unreadable;
            if answers.blocking_send(Answer { id: instance.id, outcome }).is_err() {
                return Ok(());
            }
        }
    }
    match &batch.closing {
        Some(closing) if whole => manifest::write(&path, batch.job, closing, &sums),
        _ => Ok(()),
    }
}

/// Writes one file, unless it is there.
fn write<S: InstanceSource>(
    path: &Path,
    instance: &OutgoingInstance,
    source: &S,
    sums: &mut Sums,
) -> Result<Outcome, PartnerError> {
    let name = format!("{}.dcm", instance.id);
    if sums.has(path, &name) {
        return Ok(Outcome::Acknowledged { status: 0 });
    }
    // the set changes, so that it is not complete any more
    manifest::remove(path)?;
    let temporary = path.join(format!("{name}.part"));
    let file = File::create(&temporary).map_err(folder("make a file"))?;
    let mut out = Hashing { out: BufWriter::with_capacity(256 << 10, file), hash: Sha256::new(), bytes: 0 };
    let meta = FileMeta {
        media_storage_sop_class_uid: instance.sop_class.clone(),
        media_storage_sop_instance_uid: instance.sop_instance.clone(),
        transfer_syntax_uid: instance.transfer_syntax.clone(),
    };
    meta.write(&mut out).map_err(folder("write a file"))?;
    let mut failed = None;
    let read = read_pieces(source, instance, |piece| {
        failed = out.write_all(&piece).err();
        failed.is_none()
    });
    if let Some(error) = failed {
        return Err(folder("write a file")(error));
    }
    if let Err(Cut::Source(_)) = read {
        fs::remove_file(&temporary).map_err(folder("remove a file"))?;
        return Ok(Outcome::Unreadable);
    }
    let file = out.out.into_inner().map_err(|error| folder("write a file")(error.into_error()))?;
    file.sync_all().map_err(folder("sync a file"))?;
    fs::rename(&temporary, path.join(&name)).map_err(folder("name a file"))?;
    sums.add(name, out.bytes, out.hash.finalize().into())?;
    Ok(Outcome::Acknowledged { status: 0 })
}

/// Hashes what it writes.
struct Hashing<W> {
    out: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
