//! Moving a record out of its segment, so that one held patient never pins another's originals (ARC-11).

use std::fs::File;
use std::io;

use uuid::Uuid;

use super::directory::{new_file, remove_file};
use super::error::SpoolError;
use super::frame::{Frame, OWN_DATA_START, copy_range, read_sealed, write_parts};
use super::location::{Place, RecordLocation};
use super::{Shared, Spool};

impl Spool {
    /// Copies a record that stays longer than its neighbours into a file of its own, verified and synced. Commit
    /// the row with the new location, then release the old one; a copy that no row names goes at the next start.
    /// A record that already has a file of its own keeps it. Blocks.
    ///
    /// # Errors
    /// As [`Spool::read`]; [`SpoolError::Io`]: the volume refused, the old record is untouched.
    pub fn detach(&self, location: &RecordLocation) -> Result<RecordLocation, SpoolError> {
        let Place::Segment { .. } = location.place else { return Ok(*location) };
        let shared = &self.inner.shared;
        let _pin = shared.pin(location)?;
        let source = shared.open_record(location)?;
        let id = Uuid::new_v4();
        let part = shared.directory.part(id);
        let copied = copy(shared, &source, location, id);
        let copied = copied.inspect_err(|_| {
            let _ = remove_file(&part);
        });
        if copied.map_err(SpoolError::io("move a record to a file of its own"))?.is_none() {
            remove_file(&part).map_err(SpoolError::io("remove a file"))?;
            return Err(SpoolError::Corrupt(location.to_string()));
        }
        Ok(RecordLocation {
            place: Place::Held { file: id },
            data_offset: OWN_DATA_START.into(),
            data_length: location.data_length,
        })
    }
}

/// Answers `None` when the source is not what was acknowledged.
fn copy(shared: &Shared, source: &File, location: &RecordLocation, id: Uuid) -> io::Result<Option<()>> {
    let Some(frame) = Frame::read(source, location.offset())? else { return Ok(None) };
    let size = source.metadata()?.len();
    let Some(sealed) = read_sealed(source, location.offset(), frame.epoch, size)? else { return Ok(None) };
    let target = new_file(&shared.directory.part(id))?;
    let mut hasher = blake3::Hasher::new();
    let mut at = u64::from(OWN_DATA_START);
    copy_range(source, location.data_offset, frame.data_length, |bytes| {
        hasher.update(bytes);
        write_parts(&target, at, &[bytes])?;
        at += bytes.len() as u64;
        Ok(())
    })?;
    if hasher.finalize() != sealed.data_hash || frame.data_length != location.data_length {
        return Ok(None);
    }
    let head = Frame::own(id, &sealed.header, frame.data_length).head(&sealed.header);
    write_parts(&target, at, &[&Frame::trailer(&head, &sealed.data_hash)])?;
    write_parts(&target, 0, &[&head])?;
    (shared.sync)(&target)?;
    let place = Place::Held { file: id };
    shared.live.add(RecordLocation { place, data_offset: at, data_length: frame.data_length });
    std::fs::rename(shared.directory.part(id), shared.directory.path(place))?;
    shared.directory.sync()?;
    Ok(Some(()))
}
