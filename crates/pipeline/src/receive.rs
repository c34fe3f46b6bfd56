//! Stage *receive*: takes instances from the DICOM listener into Z1. State out: RECEIVED.
//!
//! `storage_scp` (dicom-node) → here → `archive::intake` → spool. The answer to the peer is made from the intake's receipt.

use std::sync::Arc;

use archive::scan::ScanError;
use archive::spool::SpoolError;
use archive::{Complete, Incoming, Intake, IntakeError, Origin};
use dicom_node::receiver::{InstanceReceiver, InstanceSink, StoreReceipt, StoreRequest};
use dicom_node::status::StoreFailure;

use crate::access::Nodes;
use crate::clock::Clock;
use crate::config::SourceClass;
use crate::log_rate::LogRate;
use crate::route::{Routes, assigning_authority};

/// Counts what is received, for the metrics.
pub trait ReceptionMetrics: Send + Sync + 'static {
    /// An instance of so many bytes was acknowledged.
    fn acknowledged(&self, bytes: u64);
    /// An instance was refused, by the word of its cause.
    fn refused(&self, cause: &'static str);
}

/// Takes instances from the DICOM listener.
pub struct Receiver<M> {
    log: Arc<LogRate>,
    intake: Intake,
    routes: Arc<Routes>,
    nodes: Arc<Nodes>,
    metrics: Arc<M>,
    clock: Clock,
}

impl<M: ReceptionMetrics> Receiver<M> {
    /// A receiver into `intake`.
    pub fn new(
        intake: Intake,
        routes: Arc<Routes>,
        nodes: Arc<Nodes>,
        metrics: Arc<M>,
        clock: Clock,
    ) -> Self {
        let log = Arc::new(LogRate::new(clock.clone()));
        Self { log, intake, routes, nodes, metrics, clock }
    }
}

/// One instance on its way in.
pub struct Sink<M> {
    log: Arc<LogRate>,
    incoming: Incoming,
    request: StoreRequest,
    intake: Intake,
    routes: Arc<Routes>,
    nodes: Arc<Nodes>,
    metrics: Arc<M>,
    clock: Clock,
}

impl<M: ReceptionMetrics> InstanceReceiver for Receiver<M> {
    type Sink = Sink<M>;

    async fn begin(&self, request: &StoreRequest) -> Result<Sink<M>, StoreFailure> {
        let incoming = self.intake.begin(&request.transfer_syntax);
        let incoming = incoming.map_err(|error| refuse(self.metrics.as_ref(), &self.log, &error))?;
        Ok(Sink {
            log: Arc::clone(&self.log),
            incoming,
            request: request.clone(),
            intake: self.intake.clone(),
            routes: Arc::clone(&self.routes),
            nodes: Arc::clone(&self.nodes),
            metrics: Arc::clone(&self.metrics),
            clock: self.clock.clone(),
        })
    }
}

impl<M: ReceptionMetrics> InstanceSink for Sink<M> {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        let written = self.incoming.write(bytes).await;
        written.map_err(|error| refuse(self.metrics.as_ref(), &self.log, &error))
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        let Self { log, incoming, request, intake, routes, nodes, metrics, clock } = self;
        let complete = incoming.complete().map_err(|error| refuse(metrics.as_ref(), &log, &error))?;
        if !matches_command(&complete, &request) {
            metrics.refused("data-set-does-not-match-sop-class");
            return Err(StoreFailure::DataSetDoesNotMatchSopClass);
        }
        let origin = origin(&complete, &request, &routes, &nodes, clock.now());
        let receipt = intake.commit(complete, origin).await;
        let receipt = receipt.map_err(|error| refuse(metrics.as_ref(), &log, &error))?;
        metrics.acknowledged(receipt.bytes);
        Ok(StoreReceipt)
    }

    async fn abort(self) {}
}

/// AC1.3 c: command and data set name the same class and instance.
fn matches_command(complete: &Complete, request: &StoreRequest) -> bool {
    let identification = &complete.identification;
    identification.sop_class_uid == request.sop_class
        && identification.sop_instance_uid == request.sop_instance
}

fn origin(complete: &Complete, request: &StoreRequest, routes: &Routes, nodes: &Nodes, now: i64) -> Origin {
    let peer = &request.peer;
    let (called, calling) = (peer.called.as_str(), peer.calling.as_str());
    let identification = &complete.identification;
    let already_deidentified =
        nodes.get(calling).is_some_and(|node| node.source_class == SourceClass::AlreadyDeidentified);
    let authority =
        nodes.get(calling).map_or("", |node| assigning_authority(node, &identification.issuer_of_patient_id));
    let project = routes.project(called, calling, &identification.further).ok();
    Origin {
        project: project.map(|project| project.id.clone()),
        door: "dicom",
        calling: calling.to_owned(),
        called: called.to_owned(),
        peer: peer.address.ip().to_string(),
        assigning_authority: authority.to_owned(),
        already_deidentified,
        received_at: now,
    }
}

/// Kind of failure for the peer; the log and the metrics name the cause, never the instance.
fn refuse(metrics: &impl ReceptionMetrics, log: &LogRate, error: &IntakeError) -> StoreFailure {
    let (failure, cause) = match error {
        IntakeError::Scan(ScanError::Uid(_)) => (StoreFailure::CannotUnderstand, "uid-missing-or-invalid"),
        IntakeError::Scan(_) => (StoreFailure::CannotUnderstand, "cannot-understand"),
        IntakeError::TransferSyntax => (StoreFailure::CannotUnderstand, "transfer-syntax"),
        IntakeError::Spool(SpoolError::OutOfResources(_)) => {
            (StoreFailure::OutOfResources, "out-of-resources")
        }
        IntakeError::Spool(SpoolError::TooLarge { .. }) => (StoreFailure::TooLarge, "too-large"),
        IntakeError::Spool(SpoolError::Failed(_)) => (StoreFailure::OutOfResources, "spool-failed"),
        _ => (StoreFailure::ProcessingFailure { code: 1 }, "processing-failure"),
    };
    metrics.refused(cause);
    let Some(not_told) = log.tell(cause) else { return failure };
    match error {
        // Where a data set is misaligned, what reads as a tag may be letters of a name: no path of it is logged.
        IntakeError::Scan(_) => tracing::warn!(cause, not_told, "instance refused"),
        _ => tracing::warn!(cause, not_told, %error, "instance refused"),
    }
    failure
}
