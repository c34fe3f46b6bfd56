//! HTTP below the three services: one client, no redirects, every wait bounded, statuses and failures as [`PartnerError`].

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, AUTHORIZATION, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};

use super::{Dicomweb, tls};
use crate::ReadSecret;
use crate::config::DicomwebConfig;
use crate::error::{Cause, ConfigError, PartnerError};

const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// A connection at rest is closed before the partner closes it under our hands.
const REST_AT_MOST: Duration = Duration::from_secs(10);
/// The longest wait that a partner can ask for.
const RETRY_AT_MOST: Duration = Duration::from_secs(24 * 3600);

/// The client of a partner; with `plain` it connects only where `http:` may go.
pub(super) fn client(
    config: &DicomwebConfig,
    plain: bool,
    read_secret: ReadSecret<'_>,
) -> Result<Client, ConfigError> {
    let mut headers = HeaderMap::new();
    if let Some(reference) = &config.token {
        let key = "transport.dicomweb.token";
        let token = read_secret(reference).map_err(|source| ConfigError::Secret { key, source })?;
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.trim()))
            .map_err(|_| ConfigError::value(key, "the token has characters that a header cannot hold"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let builder = Client::builder()
        .tls_backend_preconfigured(tls::client(config)?)
        .default_headers(headers)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT_WITHIN)
        .pool_idle_timeout(REST_AT_MOST)
        .user_agent("research-pacs");
    let builder = if plain { builder.dns_resolver(PlainNames(config.clone())) } else { builder };
    builder.build().map_err(|_| ConfigError::value("transport.dicomweb", "the TLS settings cannot be used"))
}

/// Resolves names to addresses that `http:` may go to; one other address is enough to refuse the name.
struct PlainNames(DicomwebConfig);

impl Resolve for PlainNames {
    fn resolve(&self, name: Name) -> Resolving {
        let config = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().all(|address| config.is_plain_allowed(address.ip())) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, "plain HTTP may not go there").into())
            }
        })
    }
}

/// `root` with further path segments.
pub(super) fn url(root: &Url, segments: &[&str]) -> Url {
    let mut url = root.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// The answer to a GET.
pub(super) enum Got {
    /// What was asked for.
    Something(Response),
    /// There is none of it.
    Nothing,
    /// There is nothing of that name; an error where there must be.
    Unknown(PartnerError),
}

impl Dicomweb {
    /// GET, with the answer's head.
    pub(super) async fn get(&self, url: Url, accept: &str) -> Result<Got, PartnerError> {
        let sent = self.client.get(url).header(ACCEPT, accept).send();
        let response = within(self.silence, sent).await?.map_err(|error| broken(&error))?;
        match response.status().as_u16() {
            200 => Ok(Got::Something(response)),
            204 => Ok(Got::Nothing),
            404 | 410 => Ok(Got::Unknown(refused(&response))),
            _ => Err(refused(&response)),
        }
    }

    /// The next bytes of a body; `None` at its end.
    pub(super) async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>, PartnerError> {
        within(self.silence, response.chunk()).await?.map_err(|error| broken(&error))
    }

    /// A whole body of at most `limit` bytes.
    pub(super) async fn body(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, PartnerError> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut response).await? {
            if body.len() + piece.len() > limit {
                return Err(PartnerError::Permanent { cause: Cause::Answer("it is too long") });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Result<T, PartnerError> {
    tokio::time::timeout(limit, future).await.map_err(|_| PartnerError::transient(Cause::TimedOut))
}

/// The error of a status that is no success (RFC 9110 §15).
pub(super) fn refused(response: &Response) -> PartnerError {
    let status = response.status().as_u16();
    let cause = Cause::Http(status);
    match status {
        408 | 425 | 429 | 500 | 502 | 503 | 504 | 507 => {
            PartnerError::Transient { cause, retry_after: retry_after(response.headers()) }
        }
        300..=399 | 401 | 403 | 404 | 405 | 406 | 407 | 410 | 501 => PartnerError::Configuration { cause },
        _ => PartnerError::Permanent { cause },
    }
}

/// Retry-After (RFC 9110 §10.2.3): seconds, or a date that is compared with the Date of the same answer, so that no clock is
/// needed that both sides share.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = date(headers.get(DATE)?.to_str().ok()?)?;
            (date(text)? - now).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AT_MOST))
}

/// Sorts a failed exchange; the text of the error could hold the URL and is not kept.
pub(super) fn broken(error: &reqwest::Error) -> PartnerError {
    match setting(error) {
        Some(cause) => PartnerError::Configuration { cause },
        None if error.is_timeout() => PartnerError::transient(Cause::TimedOut),
        None if error.is_connect() => PartnerError::transient(Cause::NoConnection),
        None => PartnerError::transient(Cause::Broken),
    }
}

/// The setting that does not fit, if it is one. Looks through the causes; an `io::Error` does not name the error that it
/// wraps as its source.
fn setting(error: &(dyn Error + 'static)) -> Option<Cause> {
    if error.is::<rustls::Error>() {
        return Some(Cause::Tls);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        if error.kind() == io::ErrorKind::PermissionDenied {
            return Some(Cause::PlainHttp);
        }
        if let Some(inner) = error.get_ref() {
            return setting(inner);
        }
    }
    error.source().and_then(setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(retry_after_text: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after_text.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        retry_after(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        // the examples of RFC 9110 §10.2.3, an hour before its date
        assert_eq!(wait("120", None), Some(120));
        let date = "Fri, 31 Dec 1999 23:59:59 GMT";
        assert_eq!(wait(date, Some("Fri, 31 Dec 1999 22:59:59 GMT")), Some(3600));
        assert_eq!(wait(date, Some("Sat, 01 Jan 2000 00:00:00 GMT")), Some(0));
        assert_eq!(wait(date, None), None);
        assert_eq!(wait("soon", Some(date)), None);
        assert_eq!(wait("99999999999", None), Some(86_400));
    }

    #[test]
    fn segments_go_behind_the_root_whatever_its_end() {
        for root in ["https://a.org/dicom-web", "https://a.org/dicom-web/"] {
            let url = url(&Url::parse(root).unwrap(), &["studies", "1.2"]);
            assert_eq!(url.as_str(), "https://a.org/dicom-web/studies/1.2");
        }
    }
}
