//! The instances of a job before and after their de-identification, as far as both are still there; beside the running server.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;
use archive::blob::{BlobError, BlobKey, BlobStore};
use archive::buffer::{self, BufferState, ReceivedInstance};
use archive::spool::{Spool, SpoolError};
use archive::zone::Zone;
use builder::Site;
use database::Database;
use deidentification::changes::{Changes, DataSet, Recorded, Show, compare};
use dicom_stream::{FILE_START, FileStart, Limits, TransferSyntax};
use serde::Serialize;
use uuid::Uuid;

/// What is left to compare.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Left {
    /// Original and pseudonymised object.
    Both(Changes),
    /// The original left the receive buffer: the report tells what was done.
    OriginalPurged,
    /// The pseudonymised object left the archive: the report tells what was done.
    ObjectPurged,
}

/// One instance of a job.
#[derive(Debug, Serialize)]
pub(crate) struct BeforeAfter {
    /// Our own id.
    pub(crate) instance: Uuid,
    /// Element by element.
    pub(crate) left: Left,
    /// The report of the de-identification as it was kept: rules, places and counts.
    pub(crate) report: serde_json::Value,
}

/// Where originals and objects are.
pub(crate) struct Zones {
    buffer: Database,
    spool: PathBuf,
    objects: PathBuf,
}

impl Zones {
    /// Opens what a server keeps in `site.data`, to read.
    pub(crate) async fn open(site: &Site) -> anyhow::Result<Self> {
        let data = site.site.data.canonicalize()?;
        let buffer = crate::stores::open_database(&data, "buffer").await?;
        Ok(Self { buffer, spool: data.join(&site.spool.directory), objects: data.join("objects") })
    }

    /// Compares an instance with its object in the archive; `report` is what was kept of its de-identification.
    ///
    /// The object in the archive is the one of the project: under linkage `partner` a partner got it with codes, UIDs and dates of its own.
    ///
    /// # Errors
    /// Those of the buffer database, of the volume, and of a report that cannot be read.
    pub(crate) async fn before_after(
        &self,
        instance: Uuid,
        report: &str,
        show: Show,
    ) -> anyhow::Result<BeforeAfter> {
        let recorded: Recorded = serde_json::from_str(report).context("the report cannot be read")?;
        let report = serde_json::from_str(report)?;
        let mut connection = self.buffer.reader().acquire().await?;
        let found = buffer::by_id(&mut connection, &[instance]).await?;
        drop(connection);
        let is_there = |state| state != BufferState::Released;
        let left = match found.into_iter().next().filter(|found| is_there(found.state)) {
            None => Left::OriginalPurged,
            Some(found) => {
                let (spool, objects) = (self.spool.clone(), self.objects.clone());
                let work = move || compared(&spool, &objects, &found.received, &recorded, show);
                tokio::task::spawn_blocking(work).await??
            }
        };
        Ok(BeforeAfter { instance, left, report })
    }
}

fn compared(
    spool: &Path,
    objects: &Path,
    received: &ReceivedInstance,
    recorded: &Recorded,
    show: Show,
) -> anyhow::Result<Left> {
    let original = || match Spool::read_beside(spool, &received.location) {
        Ok(reader) => Ok(Some(reader)),
        Err(SpoolError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let Some(reader) = original()? else { return Ok(Left::OriginalPurged) };
    let syntax = TransferSyntax::from_uid(&received.transfer_syntax_uid).context("transfer syntax")?;
    let before = DataSet { input: Box::new(BufReader::new(reader)), transfer_syntax: syntax };
    let after = match object(objects, received.id) {
        Ok(Some(after)) => after,
        Ok(None) => return Ok(Left::ObjectPurged),
        Err(error) => return Err(error),
    };
    let changes = compare(before, after, recorded, show, Limits::INSTANCE);
    // The server may have released it while it was read.
    if original()?.is_none() {
        return Ok(Left::OriginalPurged);
    }
    Ok(Left::Both(changes?))
}

/// The object in the archive, at its data set.
fn object(root: &Path, id: Uuid) -> anyhow::Result<Option<DataSet<'static>>> {
    let mut file = match BlobStore::open_beside(root, BlobKey::new(Zone::Archive, id)?) {
        Ok(file) => file,
        Err(BlobError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut head = Vec::new();
    (&mut file).take(FILE_START as u64).read_to_end(&mut head)?;
    let start = FileStart::read(&head).context("the object in the archive is no DICOM file")?;
    file.seek(SeekFrom::Start(start.data_set as u64))?;
    Ok(Some(DataSet { input: Box::new(BufReader::new(file)), transfer_syntax: start.transfer_syntax }))
}
