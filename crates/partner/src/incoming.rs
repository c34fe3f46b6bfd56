//! What comes back: only what was asked for, of allowed classes, within limits; one way in for every transport.

use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dicom_node::receiver::{InstanceReceiver, InstanceSink, StoreReceipt, StoreRequest};
use dicom_node::sop_class::is_uid;
use dicom_node::status::StoreFailure;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use crate::config::ResultLimits;
use crate::error::{Cause, PartnerError};

/// Unasked objects of one fetch that are dropped with patience.
const UNASKED_AT_MOST: u64 = 1000;

/// Instances of one series that are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
    /// The instances; nothing else is taken.
    pub instances: Vec<WantedInstance>,
    /// These are all instances of the series, so that one request can bring them.
    pub whole: bool,
}

/// An instance that is wanted, as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedInstance {
    /// SOP Instance UID.
    pub sop_instance: String,
    /// SOP Class UID, if it is known.
    pub sop_class: Option<String>,
    /// The content that was listed, if it was: another one is not taken for it.
    pub content: Option<[u8; 32]>,
}

/// An instance whose data set is about to arrive. The UIDs are legal UIDs, those of the command or of the file meta
/// information: what the data set itself says is for the caller to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Study Instance UID of the request.
    pub study: String,
    /// Series Instance UID of the request.
    pub series: String,
    /// SOP Class UID.
    pub sop_class: String,
    /// SOP Instance UID; one of those asked for.
    pub sop_instance: String,
    /// Transfer syntax of the data set.
    pub transfer_syntax: String,
    /// The partner declared by a manifest that it belongs to `study`, whatever it says itself.
    pub is_declared: bool,
}

/// Takes what comes back; the pipeline implements it over zone Z4.
pub trait ResultReceiver: Send + Sync + 'static {
    /// Where one instance goes: data set bytes without file meta information.
    type Sink: InstanceSink;

    /// An instance is announced.
    ///
    /// # Errors
    /// The kind of failure; the instance is answered as [`Refusal::Local`] and its bytes are not kept.
    fn begin(&self, announced: &Announced) -> impl Future<Output = Result<Self::Sink, StoreFailure>> + Send;
}

/// What became of an instance that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchAnswer {
    /// SOP Instance UID.
    pub sop_instance: String,
    /// What became of it.
    pub fetched: Fetched,
}

/// What became of an instance that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fetched {
    /// The receiver committed it.
    Stored,
    /// It is there, and is not taken. Asking again unchanged is of no use, unless the refusal is a passing [`Refusal::Local`].
    Refused(Refusal),
    /// The partner did not give it. Ask again later; after some tries tell a person.
    Missing,
}

/// Why an instance is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Its SOP class is not on the partner's list.
    #[error("the SOP class is not allowed for this partner")]
    ClassNotAllowed,
    /// It is longer than the limit, or the fetch as a whole is.
    #[error("it is larger than the limit")]
    TooLarge,
    /// It is no DICOM file, or its file meta information is not usable.
    #[error("it is no usable DICOM file")]
    Unreadable,
    /// One manifest gives several contents under its SOP Instance UID: which one is meant, nobody knows (RC-07).
    #[error("the manifest gives several contents under one SOP Instance UID")]
    SeveralContents,
    /// Our receiver did not take it.
    #[error("not taken here: {0}")]
    Local(StoreFailure),
}

/// How a fetch ended that did not break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FetchReport {
    /// Instances that the receiver committed.
    pub stored: u64,
    /// Objects that came unasked and were dropped (AC6.4: recorded as unsolicited).
    pub unasked: u64,
}

/// The way in of one fetch.
pub(crate) struct Intake<R> {
    study: String,
    series: String,
    limits: ResultLimits,
    /// See [`Announced::is_declared`].
    is_declared: bool,
    receiver: Arc<R>,
    /// Asked for, and not yet seen.
    open: Mutex<HashSet<String>>,
    bytes: AtomicU64,
    stored: AtomicU64,
    unasked: AtomicU64,
    answers: Sender<FetchAnswer>,
}

impl<R: ResultReceiver> Intake<R> {
    pub(crate) fn new(
        request: &FetchRequest,
        limits: &ResultLimits,
        receiver: Arc<R>,
        answers: Sender<FetchAnswer>,
    ) -> Result<Arc<Self>, PartnerError> {
        Self::of(request, limits, false, receiver, answers)
    }

    /// The way in of what a manifest declares.
    pub(crate) fn declared(
        request: &FetchRequest,
        limits: &ResultLimits,
        receiver: Arc<R>,
        answers: Sender<FetchAnswer>,
    ) -> Result<Arc<Self>, PartnerError> {
        Self::of(request, limits, true, receiver, answers)
    }

    fn of(
        request: &FetchRequest,
        limits: &ResultLimits,
        is_declared: bool,
        receiver: Arc<R>,
        answers: Sender<FetchAnswer>,
    ) -> Result<Arc<Self>, PartnerError> {
        let uids = request.instances.iter().map(|instance| &instance.sop_instance);
        if !uids.clone().chain([&request.study, &request.series]).all(|uid| is_uid(uid)) {
            return Err(PartnerError::Permanent {
                cause: Cause::Request("what is asked for has an illegal UID"),
            });
        }
        Ok(Arc::new(Self {
            study: request.study.clone(),
            series: request.series.clone(),
            limits: limits.clone(),
            is_declared,
            receiver,
            open: Mutex::new(uids.cloned().collect()),
            bytes: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            unasked: AtomicU64::new(0),
            answers,
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashSet<String>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the longest instance that is taken.
    pub(crate) fn longest(&self) -> u64 {
        self.limits.instance_bytes
    }

    /// Whether the partner gives more unasked objects than a mistake explains: the exchange is ended.
    pub(crate) fn is_flooded(&self) -> bool {
        self.unasked.load(Ordering::Relaxed) > UNASKED_AT_MOST
    }

    /// An object that cannot be one of those asked for.
    pub(crate) fn unasked(&self) {
        self.unasked.fetch_add(1, Ordering::Relaxed);
    }

    /// An instance begins; the error is for the partner, the caller was answered.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        sop_class: &str,
        sop_instance: &str,
        transfer_syntax: &str,
    ) -> Result<IntakeSink<R>, StoreFailure> {
        if !self.open().remove(sop_instance) {
            self.unasked();
            return Err(StoreFailure::NotAuthorised);
        }
        if !self.limits.sop_classes.iter().any(|allowed| allowed == sop_class) {
            self.settle(sop_instance, Fetched::Refused(Refusal::ClassNotAllowed)).await;
            return Err(StoreFailure::SopClassNotSupported);
        }
        let announced = Announced {
            study: self.study.clone(),
            series: self.series.clone(),
            sop_class: sop_class.to_owned(),
            sop_instance: sop_instance.to_owned(),
            transfer_syntax: transfer_syntax.to_owned(),
            is_declared: self.is_declared,
        };
        match self.receiver.begin(&announced).await {
            Ok(sink) => Ok(IntakeSink {
                intake: Arc::clone(self),
                sink,
                sop_instance: announced.sop_instance,
                bytes: 0,
            }),
            Err(failure) => {
                self.settle(sop_instance, Fetched::Refused(Refusal::Local(failure))).await;
                Err(failure)
            }
        }
    }

    /// An instance that was asked for is refused before it begins.
    pub(crate) async fn refuse(&self, sop_instance: &str, refusal: Refusal) {
        if self.open().remove(sop_instance) {
            self.settle(sop_instance, Fetched::Refused(refusal)).await;
        }
    }

    /// An instance that began is not what the partner said that it is.
    pub(crate) async fn settle_unreadable(&self, sop_instance: &str) {
        self.settle(sop_instance, Fetched::Refused(Refusal::Unreadable)).await;
    }

    async fn settle(&self, sop_instance: &str, fetched: Fetched) {
        if fetched == Fetched::Stored {
            self.stored.fetch_add(1, Ordering::Relaxed);
        }
        // a caller that went away finds what was stored in its own receiver
        let _ = self.answers.send(FetchAnswer { sop_instance: sop_instance.to_owned(), fetched }).await;
    }

    /// The partner has given all that it gives.
    pub(crate) async fn finish(&self) -> FetchReport {
        let mut missing: Vec<String> = self.open().drain().collect();
        missing.sort_unstable();
        for sop_instance in missing {
            self.settle(&sop_instance, Fetched::Missing).await;
        }
        FetchReport {
            stored: self.stored.load(Ordering::Relaxed),
            unasked: self.unasked.load(Ordering::Relaxed),
        }
    }
}

/// One instance on its way in, within the limits.
pub(crate) struct IntakeSink<R: ResultReceiver> {
    intake: Arc<Intake<R>>,
    sink: R::Sink,
    sop_instance: String,
    bytes: u64,
}

impl<R: ResultReceiver> InstanceSink for IntakeSink<R> {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        let length = bytes.len() as u64;
        self.bytes += length;
        let all = self.intake.bytes.fetch_add(length, Ordering::Relaxed) + length;
        let limits = &self.intake.limits;
        if self.bytes > limits.instance_bytes || all > limits.fetch_bytes {
            self.intake.settle(&self.sop_instance, Fetched::Refused(Refusal::TooLarge)).await;
            return Err(StoreFailure::TooLarge);
        }
        let taken = self.sink.chunk(bytes).await;
        if let Err(failure) = taken {
            self.intake.settle(&self.sop_instance, Fetched::Refused(Refusal::Local(failure))).await;
        }
        taken
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        let committed = self.sink.commit().await;
        let fetched = match committed {
            Ok(StoreReceipt) => Fetched::Stored,
            Err(failure) => Fetched::Refused(Refusal::Local(failure)),
        };
        self.intake.settle(&self.sop_instance, fetched).await;
        committed
    }

    async fn abort(self) {
        self.sink.abort().await;
    }
}

/// The intake as the receiver of a C-GET; `kill` ends the association of a partner that does not stop.
pub(crate) struct FromAssociation<R> {
    pub(crate) intake: Arc<Intake<R>>,
    pub(crate) kill: CancellationToken,
}

impl<R: ResultReceiver> InstanceReceiver for FromAssociation<R> {
    type Sink = IntakeSink<R>;

    async fn begin(&self, request: &StoreRequest) -> Result<Self::Sink, StoreFailure> {
        if self.intake.is_flooded() {
            self.kill.cancel();
        }
        self.intake.begin(&request.sop_class, &request.sop_instance, &request.transfer_syntax).await
    }
}
