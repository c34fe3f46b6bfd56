//! Webhook: a signed POST of the event as JSON.
//!
//! | Header | Content |
//! |---|---|
//! | `research-pacs-event-id` | id of the event, the same at each delivery |
//! | `research-pacs-timestamp` | time of this delivery, seconds since 1970 |
//! | `research-pacs-signature` | `v1=` and the hexadecimal HMAC-SHA-256 of `timestamp "." body` under the shared secret |
//!
//! The receiver recomputes the signature over the raw body, refuses old timestamps, and drops event ids that it has seen.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hmac::{Hmac, Mac};
use ipnet::IpNet;
use reqwest::{Client, Url, redirect};
use rustls::ClientConfig;
use sha2::Sha256;
use uuid::Uuid;

use crate::address::is_allowed;
use crate::channels::value;
use crate::event::Message;
use crate::{ConfigError, DeliveryError, ReadSecret, WebhookConfig, trust};

/// A receiver of webhooks.
pub(crate) struct Webhook {
    url: Url,
    key: Hmac<Sha256>,
    networks: Vec<IpNet>,
    tls: ClientConfig,
    timeout: Duration,
}

impl Webhook {
    /// `key` names the place in the configuration.
    pub(crate) fn new(
        key: &str,
        config: &WebhookConfig,
        timeout: Duration,
        read: ReadSecret<'_>,
    ) -> Result<Self, ConfigError> {
        let url = Url::parse(&config.url).map_err(|_| value(&format!("{key}.url"), "a URL is expected"))?;
        let scheme_fits =
            url.scheme() == "https" || (url.scheme() == "http" && !config.allow_networks.is_empty());
        if !scheme_fits || url.host_str().is_none() {
            return Err(value(&format!("{key}.url"), "https is expected, or http towards allow_networks"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(value(
                &format!("{key}.url"),
                "an account in the URL is not possible; the signature is the proof",
            ));
        }
        let secret = read(&config.secret)
            .map_err(|source| ConfigError::Read { key: format!("{key}.secret"), source })?;
        if secret.bytes().len() < 16 {
            return Err(value(&format!("{key}.secret"), "16 bytes or more are expected"));
        }
        let mac = Hmac::new_from_slice(secret.bytes())
            .map_err(|_| value(&format!("{key}.secret"), "it cannot be used as a key"))?;
        let tls = trust::client(key, config.ca_file.as_deref())?;
        Ok(Self { url, key: mac, networks: config.allow_networks.clone(), tls, timeout })
    }

    /// Sends one message; any 2xx answer is success, its body is not read.
    pub(crate) async fn post(
        &self,
        message: &Message<'_>,
        event_id: Uuid,
        now: i64,
    ) -> Result<(), DeliveryError> {
        let body = serde_json::to_string(message).map_err(|_| DeliveryError::Message("JSON"))?;
        tokio::time::timeout(self.timeout, self.exchange(body, event_id, now / 1_000))
            .await
            .unwrap_or(Err(DeliveryError::TimedOut))
    }

    async fn exchange(&self, body: String, event_id: Uuid, timestamp: i64) -> Result<(), DeliveryError> {
        let client = self.client().await?;
        let response = client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("research-pacs-event-id", event_id.to_string())
            .header("research-pacs-timestamp", timestamp)
            .header("research-pacs-signature", self.signature(timestamp, &body))
            .body(body)
            .send()
            .await
            .map_err(|error| unreachable(&error))?;
        let status = response.status();
        match status.as_u16() {
            200..=299 => Ok(()),
            300..=399 => Err(DeliveryError::Redirected(status.as_u16())),
            other => Err(DeliveryError::HttpStatus(other)),
        }
    }

    /// A client that can connect to the addresses checked here and to no other: the name is not resolved a second time.
    async fn client(&self) -> Result<Client, DeliveryError> {
        let host = self.url.host_str().unwrap_or_default();
        let addresses = self.addresses(host).await?;
        // one bad address is enough: a name that means inside and outside at once is not to be trusted
        let insecure = self.url.scheme() != "https";
        let fits = |address: &SocketAddr| {
            if insecure { self.is_named(address.ip()) } else { is_allowed(address.ip(), &self.networks) }
        };
        if addresses.is_empty() || !addresses.iter().all(fits) {
            return Err(DeliveryError::AddressRefused);
        }
        Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .resolve_to_addrs(host, &addresses)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .user_agent("research-pacs")
            .build()
            .map_err(|_| DeliveryError::Unreachable("the TLS settings cannot be used"))
    }

    async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, DeliveryError> {
        let port = self.url.port_or_known_default().unwrap_or(443);
        if let Ok(literal) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(literal, port)]);
        }
        let found = tokio::net::lookup_host((host, port)).await;
        Ok(found.map_err(|_| DeliveryError::Unreachable("its name has no address"))?.collect())
    }

    /// Whether the configuration names the address; plain HTTP goes nowhere else.
    fn is_named(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address.to_canonical()))
    }

    fn signature(&self, timestamp: i64, body: &str) -> String {
        let mac = self.key.clone().chain_update(format!("{timestamp}.{body}"));
        format!("v1={:x}", mac.finalize().into_bytes())
    }
}

/// Sorts a failed exchange; its text could hold the URL and is not kept.
fn unreachable(error: &reqwest::Error) -> DeliveryError {
    if is_tls(error) {
        DeliveryError::Unreachable("TLS failed; check its certificate")
    } else if error.is_timeout() {
        DeliveryError::TimedOut
    } else if error.is_connect() {
        DeliveryError::Unreachable("no connection")
    } else {
        DeliveryError::Unreachable("the exchange broke")
    }
}

/// Looks through the causes; an `io::Error` does not name the error it wraps as its source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>()
        || wrapped.is_some_and(|inner| is_tls(inner))
        || error.source().is_some_and(is_tls)
}
