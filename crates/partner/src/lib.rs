//! Transports to and from research partners (flow steps 3, 3L, 6 and 7).
//!
//! | Part | Files |
//! |---|---|
//! | Transports, the same functions in the same order: open · test · send · list · fetch | `dicom`, `dicomweb`, `folder` |
//! | Settings and errors | `config`, `error` |
//! | Out | `outgoing` (batch, answers), `feed` (disk → network), `lanes` (several connections, one queue) |
//! | Back | `listing`, `incoming` (limits, allow-list, what was asked for) |
//!
//! Read first: [`Partner`], [`Batch`] with [`InstanceSource`], [`Listing`], [`ResultReceiver`].
//!
//! Every transport is idempotent by SOP Instance UID (ARC-21), opens outbound connections only (AC6.1), and needs the
//! same memory whatever the size of an instance (B-9). It knows no project, no patient and no gate: the caller passes the
//! gate before each call. There is no retry in here but for one reason: to keep one bad instance from stopping the others.
//! Dropping a future ends its exchange; nothing half stays anywhere.

mod config;
mod dicom;
mod dicomweb;
mod error;
mod feed;
mod folder;
mod incoming;
mod lanes;
mod listing;
mod outgoing;

use std::io;
use std::sync::Arc;

use dicom_node::sop_class::is_uid;
use tokio::sync::mpsc::Sender;

pub use config::{
    DicomConfig, DicomwebConfig, FolderConfig, PartnerConfig, ResultLimits, SecretRef, TextPseudonym,
    TextRuleConfig, Transport,
};
pub use error::{Cause, ConfigError, PartnerError, Unusable};
pub use folder::{DropManifest, DropReceipt, Manifest, ManifestFile};
pub use incoming::{
    Announced, FetchAnswer, FetchReport, FetchRequest, Fetched, Refusal, ResultReceiver, WantedInstance,
};
pub use listing::{FoundInstance, Listing, SideFile};
pub use outgoing::{Answer, Batch, Closing, InstanceSource, Outcome, OutgoingInstance, Reason};

use dicom::Dicom;
use dicomweb::Dicomweb;
use folder::Folder;

/// Reads a secret by its reference; the program gives it, as nothing below it reads the environment.
pub type ReadSecret<'a> = &'a dyn Fn(&SecretRef) -> io::Result<String>;

/// A partner, ready to be called.
pub struct Partner {
    id: String,
    results: ResultLimits,
    transport: Open,
}

enum Open {
    Dicom(Arc<Dicom>),
    Dicomweb(Arc<Dicomweb>),
    Folder(Folder),
}

impl Partner {
    /// Checks the configuration and reads the files and secrets that it names; open it again when they change. Opens no
    /// connection.
    ///
    /// # Errors
    /// [`ConfigError`]: correct what it names.
    pub fn open(config: &PartnerConfig, read_secret: ReadSecret<'_>) -> Result<Self, ConfigError> {
        config.check()?;
        let transport = match &config.transport {
            Transport::Dicom(config) => Open::Dicom(Arc::new(Dicom::open(config)?)),
            Transport::Dicomweb(config) => Open::Dicomweb(Arc::new(Dicomweb::open(config, read_secret)?)),
            Transport::Folder(config) => Open::Folder(Folder::open(config)),
        };
        Ok(Self { id: config.id.clone(), results: config.results.clone(), transport })
    }

    /// Our own name of the partner.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is taken from it.
    pub fn results(&self) -> &ResultLimits {
        &self.results
    }

    /// Whether the partner is there and lets us in: C-ECHO, a QIDO-RS search that finds nothing, or a file written and
    /// removed.
    ///
    /// # Errors
    /// [`PartnerError`].
    pub async fn test(&self) -> Result<(), PartnerError> {
        match &self.transport {
            Open::Dicom(dicom) => dicom.test().await,
            Open::Dicomweb(web) => web.test().await,
            Open::Folder(folder) => folder.test().await,
        }
    }

    /// Sends the instances of a batch, reading their data sets from `source`. Each instance gets at most one [`Answer`],
    /// as soon as the partner's answer is there; read `answers` while this future runs. An instance without an answer was
    /// not settled: it is sent again in a later batch. Dropping the receiver of `answers` ends the exchange.
    ///
    /// # Errors
    /// [`PartnerError`] when not every instance got an answer.
    pub async fn send<S: InstanceSource>(
        &self,
        batch: Batch,
        source: Arc<S>,
        answers: Sender<Answer>,
    ) -> Result<(), PartnerError> {
        match &self.transport {
            Open::Dicom(dicom) => dicom.send(batch, source, answers).await,
            Open::Dicomweb(web) => web.send(batch, source, answers).await,
            Open::Folder(folder) => folder.send(batch, source, answers).await,
        }
    }

    /// What the partner has in these studies of ours: one [`Listing`] per study, in the order asked for. Which of it is new is
    /// the caller's to say, by the UIDs that it knows.
    ///
    /// # Errors
    /// [`PartnerError`]; studies that were listed before stay listed.
    pub async fn list(&self, studies: &[String], listings: Sender<Listing>) -> Result<(), PartnerError> {
        if !studies.iter().all(|study| is_uid(study)) {
            return Err(PartnerError::Permanent { cause: Cause::Request("a study has an illegal UID") });
        }
        match &self.transport {
            Open::Dicom(dicom) => dicom.list(studies, &self.results, listings).await,
            Open::Dicomweb(web) => web.list(studies, &self.results, listings).await,
            Open::Folder(folder) => folder.list(studies, &self.results, listings).await,
        }
    }

    /// Fetches instances of one series into `receiver`. Each instance asked for gets one [`FetchAnswer`] as soon as it is
    /// durable or refused, or, at the end, missing; read `answers` while this future runs. What was not asked for is never
    /// handed to `receiver`.
    ///
    /// # Errors
    /// [`PartnerError`] when the exchange broke: instances without an answer are asked for again later (AC7.4).
    pub async fn fetch<R: ResultReceiver>(
        &self,
        request: &FetchRequest,
        receiver: Arc<R>,
        answers: Sender<FetchAnswer>,
    ) -> Result<FetchReport, PartnerError> {
        match &self.transport {
            Open::Dicom(dicom) => dicom.fetch(request, &self.results, receiver, answers).await,
            Open::Dicomweb(web) => web.fetch(request, &self.results, receiver, answers).await,
            Open::Folder(folder) => folder.fetch(request, &self.results, receiver, answers).await,
        }
    }

    /// Takes those files of [`Listing::beside`] of a study whose hashes are `wanted`, each into a sink that `begin` gives. One that is not
    /// there any more, too long, or not what its hash says is left out; its sink is dropped.
    ///
    /// # Errors
    /// [`PartnerError`]; the sinks are dropped.
    pub async fn take_beside<W: io::Write + Send + 'static>(
        &self,
        study: &str,
        wanted: Vec<[u8; 32]>,
        begin: impl FnMut() -> io::Result<W> + Send + 'static,
    ) -> Result<Vec<(SideFile, W)>, PartnerError> {
        match &self.transport {
            Open::Folder(folder) => folder.take_beside(study, wanted, &self.results, begin).await,
            Open::Dicom(_) | Open::Dicomweb(_) => Ok(Vec::new()),
        }
    }

    /// Tells the partner that what the manifest with this hash names for a study is fetched, as far as it is taken, and durable. Partners
    /// without manifests are told nothing.
    ///
    /// # Errors
    /// [`PartnerError`]: what was fetched is here all the same.
    pub async fn acknowledge(&self, study: &str, manifest: [u8; 32]) -> Result<(), PartnerError> {
        match &self.transport {
            Open::Folder(folder) => folder.acknowledge(study, manifest).await,
            Open::Dicom(_) | Open::Dicomweb(_) => Ok(()),
        }
    }
}
