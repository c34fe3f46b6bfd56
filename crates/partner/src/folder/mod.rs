//! Transport `folder`: export on site (flow step 3L), and results that are dropped (see `drop`). Names are our own ids, never a UID or code (ACL.4).
//!
//! ```text
//! <path>/<job id>/<instance id>.dcm   DICOM files (PS3.10), meta information written anew
//! <path>/<job id>/SHA256SUMS          a line per file that is durable; `sha256sum -c` reads it
//! <path>/<job id>/manifest.json       written last; without it the set is not complete
//! ```
//!
//! A file is written under a temporary name, synced and renamed, and its line is added; the folder and SHA256SUMS are synced
//! for some files together, and then these are acknowledged. What SHA256SUMS names was synced before it got its name; a
//! repeated batch writes nothing twice; a crash leaves only what the next try overwrites.

mod beside;
mod drop;
mod export;
mod fetch;
mod manifest;
mod plain;
mod receipt;
mod wrapped;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use crate::config::{FolderConfig, ResultLimits};
use crate::error::{Cause, PartnerError};
use crate::incoming::{FetchAnswer, FetchReport, FetchRequest, ResultReceiver};
use crate::listing::{Listing, SideFile};
use crate::outgoing::{Answer, Batch, InstanceSource};

pub use drop::DropManifest;
pub use manifest::{Manifest, ManifestFile};
pub use receipt::DropReceipt;

/// A folder that someone on site reads.
pub(crate) struct Folder {
    path: PathBuf,
    /// Where results are dropped.
    results: Option<PathBuf>,
}

impl Folder {
    pub(crate) fn open(config: &FolderConfig) -> Self {
        Self { path: config.path.clone(), results: config.results.clone() }
    }

    /// Writes and removes a file.
    pub(crate) async fn test(&self) -> Result<(), PartnerError> {
        let path = self.path.clone();
        on_a_thread(move || export::test(&path)).await
    }

    pub(crate) async fn send<S: InstanceSource>(
        &self,
        batch: Batch,
        source: Arc<S>,
        answers: Sender<Answer>,
    ) -> Result<(), PartnerError> {
        let path = self.path.clone();
        let stop = CancellationToken::new();
        let _ended_when_dropped = stop.clone().drop_guard();
        on_a_thread(move || export::send(&path, &batch, &*source, &answers, &stop)).await
    }

    pub(crate) async fn list(
        &self,
        studies: &[String],
        limits: &ResultLimits,
        listings: Sender<Listing>,
    ) -> Result<(), PartnerError> {
        for study in studies {
            let (path, study, limits) = (self.results()?.clone(), study.clone(), limits.clone());
            let listing = on_a_thread(move || drop::list(&path, &study, &limits)).await?;
            if listings.send(listing).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    pub(crate) async fn fetch<R: ResultReceiver>(
        &self,
        request: &FetchRequest,
        limits: &ResultLimits,
        receiver: Arc<R>,
        answers: Sender<FetchAnswer>,
    ) -> Result<FetchReport, PartnerError> {
        fetch::fetch(self.results()?, request, limits, receiver, answers).await
    }

    pub(crate) async fn take_beside<W: io::Write + Send + 'static>(
        &self,
        study: &str,
        wanted: Vec<[u8; 32]>,
        limits: &ResultLimits,
        begin: impl FnMut() -> io::Result<W> + Send + 'static,
    ) -> Result<Vec<(SideFile, W)>, PartnerError> {
        let (path, study, limits) = (self.results()?.clone(), study.to_owned(), limits.clone());
        on_a_thread(move || match drop::StudyDrop::read(&path, &study, &limits)? {
            Some(drop) => beside::take(&drop, &wanted, limits.instance_bytes, begin),
            None => Ok(Vec::new()),
        })
        .await
    }

    pub(crate) async fn acknowledge(&self, study: &str, manifest: [u8; 32]) -> Result<(), PartnerError> {
        let (path, study) = (self.results()?.clone(), study.to_owned());
        on_a_thread(move || receipt::write(&path, &study, manifest)).await
    }

    fn results(&self) -> Result<&PathBuf, PartnerError> {
        let none = || PartnerError::Configuration { cause: Cause::Request("no folder is named for results") };
        self.results.as_ref().ok_or_else(none)
    }
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PartnerError> + Send + 'static,
) -> Result<T, PartnerError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|_| Err(PartnerError::Permanent { cause: Cause::Request("the export failed") }))
}
