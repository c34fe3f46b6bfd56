//! Transport `dicomweb`: STOW-RS out (PS3.18 §10.5), QIDO-RS (§10.6) and WADO-RS (§10.4) in.

mod http;
mod multipart;
mod qido;
mod store_answer;
mod stow;
mod tls;
mod wado;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url};
use tokio::sync::mpsc::Sender;

use crate::ReadSecret;
use crate::config::{DicomwebConfig, ResultLimits};
use crate::error::{ConfigError, PartnerError};
use crate::incoming::{FetchAnswer, FetchReport, FetchRequest, ResultReceiver};
use crate::listing::Listing;
use crate::outgoing::{Answer, Batch, InstanceSource};

/// A partner that speaks DICOMweb.
pub(crate) struct Dicomweb {
    client: Client,
    stow: Url,
    qido: Url,
    wado: Url,
    connections: usize,
    request_instances: usize,
    request_bytes: u64,
    silence: Duration,
}

impl Dicomweb {
    pub(crate) fn open(config: &DicomwebConfig, read_secret: ReadSecret<'_>) -> Result<Self, ConfigError> {
        let urls = config.urls();
        let plain = urls.iter().any(|(_, url)| url.as_ref().is_some_and(|url| url.scheme() == "http"));
        let [stow, qido, wado] =
            urls.map(|(key, url)| url.ok_or_else(|| ConfigError::value(key, "a URL is expected")));
        Ok(Self {
            client: http::client(config, plain, read_secret)?,
            stow: stow?,
            qido: qido?,
            wado: wado?,
            connections: config.connections.into(),
            request_instances: config.request_instances,
            request_bytes: config.request_bytes,
            silence: Duration::from_secs(config.response_seconds.max(1)),
        })
    }

    pub(crate) async fn test(&self) -> Result<(), PartnerError> {
        qido::test(self).await
    }

    pub(crate) async fn send<S: InstanceSource>(
        self: &Arc<Self>,
        batch: Batch,
        source: Arc<S>,
        answers: Sender<Answer>,
    ) -> Result<(), PartnerError> {
        stow::send(self, batch.instances, source, answers).await
    }

    pub(crate) async fn list(
        &self,
        studies: &[String],
        limits: &ResultLimits,
        listings: Sender<Listing>,
    ) -> Result<(), PartnerError> {
        qido::list(self, studies, limits, listings).await
    }

    pub(crate) async fn fetch<R: ResultReceiver>(
        &self,
        request: &FetchRequest,
        limits: &ResultLimits,
        receiver: Arc<R>,
        answers: Sender<FetchAnswer>,
    ) -> Result<FetchReport, PartnerError> {
        wado::fetch(self, request, limits, receiver, answers).await
    }
}
