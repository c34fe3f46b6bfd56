//! Transport `dicom`: C-STORE out, C-FIND and C-GET in, over TLS. C-MOVE, which needs a listening port, is left out (AC6.1).

mod find;
mod get;
mod store;

use std::sync::Arc;

use dicom_node::config::NodeConfig;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::VERIFICATION;
use dicom_node::stream::NetStream;
use dicom_node::tls::ClientTls;
use dicom_node::transfer_syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use dicom_node::{Association, RemoteNode};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use crate::config::{DicomConfig, ResultLimits};
use crate::error::{Cause, ConfigError, PartnerError};
use crate::incoming::{FetchAnswer, FetchReport, FetchRequest, ResultReceiver};
use crate::listing::Listing;
use crate::outgoing::{Answer, Batch, InstanceSource};

/// Transfer syntaxes of messages without pixels.
const PLAIN: [&str; 2] = [EXPLICIT_LITTLE, IMPLICIT_LITTLE];

/// A partner that speaks DIMSE.
pub(crate) struct Dicom {
    node: RemoteNode,
    associations: usize,
    limits: NodeConfig,
}

impl Dicom {
    pub(crate) fn open(config: &DicomConfig) -> Result<Self, ConfigError> {
        let tls = config.tls.as_ref().map(|tls| ClientTls::load(tls, &config.host)).transpose()?;
        let node = RemoteNode {
            called: config.called.clone(),
            calling: config.calling.clone(),
            host: config.host.clone(),
            port: config.port,
            tls,
        };
        let limits = NodeConfig {
            response_seconds: config.response_seconds,
            stall_seconds: config.response_seconds,
            ..NodeConfig::default()
        };
        Ok(Self { node, associations: config.associations.into(), limits })
    }

    pub(crate) async fn test(&self) -> Result<(), PartnerError> {
        let mut association = self.associate(&[ProposedContext::new(VERIFICATION, &PLAIN)]).await?;
        let status = association.echo().await?;
        let _ = association.release().await; // the answer is what counts
        if status.is_done() {
            Ok(())
        } else {
            Err(PartnerError::Permanent { cause: Cause::Status(status.0) })
        }
    }

    pub(crate) async fn send<S: InstanceSource>(
        self: &Arc<Self>,
        batch: Batch,
        source: Arc<S>,
        answers: Sender<Answer>,
    ) -> Result<(), PartnerError> {
        store::send(self, batch.instances, source, answers).await
    }

    pub(crate) async fn list(
        &self,
        studies: &[String],
        limits: &ResultLimits,
        listings: Sender<Listing>,
    ) -> Result<(), PartnerError> {
        find::list(self, studies, limits, listings).await
    }

    pub(crate) async fn fetch<R: ResultReceiver>(
        &self,
        request: &FetchRequest,
        limits: &ResultLimits,
        receiver: Arc<R>,
        answers: Sender<FetchAnswer>,
    ) -> Result<FetchReport, PartnerError> {
        get::fetch(self, request, limits, receiver, answers).await
    }

    async fn associate(&self, contexts: &[ProposedContext]) -> Result<Association<NetStream>, PartnerError> {
        Ok(self.node.associate(contexts, &self.limits, CancellationToken::new()).await?)
    }
}

/// The error of a query or retrieval that ended with this status (PS3.4 Tables C.4-1, C.4-3).
fn failed(status: u16) -> PartnerError {
    let cause = Cause::Status(status);
    match status {
        0xA700..=0xA7FF | 0xFE00 => PartnerError::transient(cause),
        0x0122 | 0x0124 => PartnerError::Configuration { cause },
        _ => PartnerError::Permanent { cause },
    }
}
