//! Transport `folder`: export on site (flow step 3L). Names are our own ids, never a UID or code (ACL.4).
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

mod export;
mod manifest;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use crate::config::FolderConfig;
use crate::error::{Cause, PartnerError};
use crate::incoming::FetchReport;
use crate::outgoing::{Answer, Batch, InstanceSource};

pub use manifest::{Manifest, ManifestFile};

/// A folder that someone on site reads.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn open(config: &FolderConfig) -> Self {
        Self { path: config.path.clone() }
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

    pub(crate) fn list(&self) -> Result<(), PartnerError> {
        Err(PartnerError::Configuration { cause: Cause::Request("nothing comes back from a folder") })
    }

    pub(crate) fn fetch(&self) -> Result<FetchReport, PartnerError> {
        Err(PartnerError::Configuration { cause: Cause::Request("nothing comes back from a folder") })
    }
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PartnerError> + Send + 'static,
) -> Result<T, PartnerError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|_| Err(PartnerError::Permanent { cause: Cause::Request("the export failed") }))
}
