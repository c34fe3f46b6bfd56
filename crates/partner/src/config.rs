//! `[[partner]]` of `site.toml`. Unknown keys are errors; secrets are named, never written (ARC-4).

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use dicom_node::AeTitle;
use dicom_node::config::TlsClientConfig;
use ipnet::IpNet;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// One partner: who it is, how it is reached, and what may come back from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerConfig {
    /// Our own name of the partner: 1 to 64 of `a-z`, `0-9`, `-`, `_`. It appears in logs, metrics and the ledger.
    pub id: String,
    /// The one way to it.
    pub transport: Transport,
    /// What is taken from it.
    #[serde(default)]
    pub results: ResultLimits,
}

/// How a partner is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// C-STORE, C-FIND, C-GET.
    Dicom(DicomConfig),
    /// STOW-RS, QIDO-RS, WADO-RS.
    Dicomweb(DicomwebConfig),
    /// A folder on site (flow step 3L), and one for results, if there is one.
    Folder(FolderConfig),
}

/// `transport.dicom`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DicomConfig {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// AE title of the partner.
    pub called: AeTitle,
    /// Our AE title towards it.
    pub calling: AeTitle,
    /// TLS; needed unless the host is a loopback or private address, or `on_site` is stated.
    #[serde(default)]
    pub tls: Option<TlsClientConfig>,
    /// The way to the host does not leave the site's network, so that it may go without TLS.
    #[serde(default)]
    pub on_site: bool,
    /// Associations that send at the same time, 1 to 16.
    #[serde(default = "associations")]
    pub associations: u8,
    /// Seconds to wait for an answer, and for one byte to move.
    #[serde(default = "response_seconds")]
    pub response_seconds: u64,
}

/// `transport.dicomweb`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DicomwebConfig {
    /// Root of the store service: instances are posted to `…/studies`.
    pub stow_url: String,
    /// Root of the search service; that of the store service if absent.
    #[serde(default)]
    pub qido_url: Option<String>,
    /// Root of the retrieve service; that of the store service if absent.
    #[serde(default)]
    pub wado_url: Option<String>,
    /// Bearer token (RFC 6750). Never sent without TLS but to loopback.
    #[serde(default)]
    pub token: Option<SecretRef>,
    /// PEM file of our certificate chain, if the partner asks for one.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// PEM file of the private key of `certificate`.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// PEM file with the only authorities to trust; by default the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Networks on site that `http:` may go to; loopback always may.
    #[serde(default)]
    pub plain_networks: Vec<IpNet>,
    /// Requests that store at the same time, 1 to 16.
    #[serde(default = "associations")]
    pub connections: u8,
    /// Instances in one request, at most.
    #[serde(default = "request_instances")]
    pub request_instances: usize,
    /// Bytes of data sets after which a request takes no further instance. One instance may be longer.
    #[serde(default = "request_bytes")]
    pub request_bytes: u64,
    /// Seconds without an answer and without a byte moved, after which an exchange is given up.
    #[serde(default = "response_seconds")]
    pub response_seconds: u64,
}

/// `transport.folder`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// An existing folder; each job gets one inside.
    pub path: PathBuf,
    /// An existing folder where results are dropped: one folder inside for each Study Instance UID, with a manifest.
    #[serde(default)]
    pub results: Option<PathBuf>,
}

fn associations() -> u8 {
    4
}

fn response_seconds() -> u64 {
    120
}

fn request_instances() -> usize {
    64
}

fn request_bytes() -> u64 {
    64 << 20
}

/// What may come back from a partner (AC7.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResultLimits {
    /// SOP classes that are taken.
    pub sop_classes: Vec<String>,
    /// Places where text may have its pseudonyms replaced, each reviewed by a person who knows the partner's objects; none by default.
    pub text_rules: Vec<TextRuleConfig>,
    /// Instances that one study may list; what is beyond is cut, and said so.
    pub study_instances: usize,
    /// Bytes of the longest instance.
    pub instance_bytes: u64,
    /// Bytes that one fetch may bring.
    pub fetch_bytes: u64,
    /// Bytes of the files that are no DICOM objects and are kept of one study; a file counts for 64 KiB at least. What is beyond is not
    /// kept, and said so.
    pub beside_study_bytes: u64,
    /// The same of all studies of the partner.
    pub beside_bytes: u64,
}

/// `[[partner.results.text_rules]]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRuleConfig {
    /// Tags as `(gggg,eeee)`, from the sequences around to the element, with `/` between; `*/` in front stands for any sequences around.
    pub path: String,
    /// What is replaced there.
    pub replaces: Vec<TextPseudonym>,
}

/// What a rule replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextPseudonym {
    /// UIDs that were issued.
    Uid,
    /// The code.
    Code,
}

/// Suffixes below 1.2.840.10008.5.1.4.1.1 of the classes that results have (flow table 8.3).
const RESULT_CLASSES: &str = "66.4 66.5 66.6 66.7 88.11 88.22 88.33 88.34 88.35 88.50 88.59 88.65 88.69 481.2 481.3 \
    481.5 7 7.1 7.2 7.3 7.4 104.1 104.2 104.3 104.4 104.5 11.1 11.2 11.3 11.4 11.5 11.6 11.7 11.8 11.9 11.10 11.11 30 \
    2 2.1 2.2 4 4.1 4.4 128 128.1 130 91.1 9.1.1 9.1.2 9.100.1 88.77 66.1 66.2 66.3 67";

impl Default for ResultLimits {
    fn default() -> Self {
        let class = |suffix| format!("1.2.840.10008.5.1.4.1.1.{suffix}");
        Self {
            sop_classes: RESULT_CLASSES.split_ascii_whitespace().map(class).collect(),
            text_rules: Vec::new(),
            study_instances: 20_000,
            instance_bytes: 16 << 30,
            fetch_bytes: 64 << 30,
            beside_study_bytes: 16 << 30,
            beside_bytes: 256 << 30,
        }
    }
}

/// Where a secret is kept; the program reads it, this crate does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretRef {
    /// `{ file = "…" }`: its content without the line end.
    File(PathBuf),
    /// `{ env = "NAME" }`: the variable of this name.
    Env(String),
}

impl PartnerConfig {
    /// Checks all that can be said without file, name service or network.
    ///
    /// # Errors
    /// [`ConfigError::Value`]: correct the key that it names.
    pub fn check(&self) -> Result<(), ConfigError> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if self.id.is_empty() || self.id.len() > 64 || !self.id.chars().all(legal) {
            return Err(ConfigError::value("id", "1 to 64 of a-z, 0-9, - and _ are expected"));
        }
        match &self.transport {
            Transport::Dicom(config) => config.check(),
            Transport::Dicomweb(config) => config.check(),
            Transport::Folder(config) => config.check(),
        }
    }
}

impl FolderConfig {
    fn check(&self) -> Result<(), ConfigError> {
        for (key, path) in
            [("transport.folder.path", Some(&self.path)), ("transport.folder.results", self.results.as_ref())]
        {
            if path.is_some_and(|path| !path.is_absolute()) {
                return Err(ConfigError::value(key, "an absolute path is expected"));
            }
        }
        // a result must not be taken for an export, nor the other way round
        if self
            .results
            .as_ref()
            .is_some_and(|results| results.starts_with(&self.path) || self.path.starts_with(results))
        {
            return Err(ConfigError::value(
                "transport.folder.results",
                "a folder apart from that of exports is expected",
            ));
        }
        Ok(())
    }
}

impl DicomConfig {
    fn check(&self) -> Result<(), ConfigError> {
        if self.tls.is_none() && !self.on_site && !is_near(&self.host) {
            return Err(ConfigError::value(
                "transport.dicom.tls",
                "TLS is needed towards a host that is not known to be on site (or state on_site = true)",
            ));
        }
        check_lanes("transport.dicom.associations", self.associations)
    }
}

impl DicomwebConfig {
    fn check(&self) -> Result<(), ConfigError> {
        for (key, url) in self.urls() {
            let url = url
                .ok_or_else(|| ConfigError::value(key, "a http or https URL without account is expected"))?;
            if url.scheme() == "https" {
                continue;
            }
            let literal = address(&url);
            if literal.is_some_and(|address| !self.is_plain_allowed(address)) {
                return Err(ConfigError::value(
                    key,
                    "http goes to loopback and plain_networks alone; use https",
                ));
            }
            let loopback =
                literal.is_some_and(|address| address.is_loopback()) || url.host_str() == Some("localhost");
            if self.token.is_some() && !loopback {
                return Err(ConfigError::value(key, "a token is never sent without TLS; use https"));
            }
        }
        if self.certificate.is_some() != self.key.is_some() {
            return Err(ConfigError::value(
                "transport.dicomweb.certificate",
                "certificate and key go together",
            ));
        }
        if self.request_instances == 0 {
            return Err(ConfigError::value("transport.dicomweb.request_instances", "at least 1 is expected"));
        }
        check_lanes("transport.dicomweb.connections", self.connections)
    }

    /// The roots of the store, search and retrieve services, with their keys.
    pub(crate) fn urls(&self) -> [(&'static str, Option<Url>); 3] {
        let of = |url: &Option<String>| service_root(url.as_ref().unwrap_or(&self.stow_url));
        [
            ("transport.dicomweb.stow_url", service_root(&self.stow_url)),
            ("transport.dicomweb.qido_url", of(&self.qido_url)),
            ("transport.dicomweb.wado_url", of(&self.wado_url)),
        ]
    }

    /// Whether `http:` may connect to the address.
    pub(crate) fn is_plain_allowed(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback() || self.plain_networks.iter().any(|network| network.contains(&address))
    }
}

fn check_lanes(key: &'static str, lanes: u8) -> Result<(), ConfigError> {
    if (1..=16).contains(&lanes) { Ok(()) } else { Err(ConfigError::value(key, "1 to 16 is expected")) }
}

fn service_root(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (plain && matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// The host of a URL, if it is an address.
fn address(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// Whether a host is surely inside: this machine, or an address that is not routed on the internet. A name may mean
/// anything.
fn is_near(host: &str) -> bool {
    let near_v4 = |v4: Ipv4Addr| v4.is_loopback() || v4.is_private() || v4.is_link_local();
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => near_v4(v4),
        Ok(IpAddr::V6(v6)) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> Result<(), String> {
        let config: PartnerConfig = toml::from_str(toml).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())
    }

    fn dicom(host: &str, more: &str) -> Result<(), String> {
        check(&format!(
            "id = 'lab'\n[transport.dicom]\nhost = '{host}'\nport = 104\ncalled = 'LAB'\ncalling = 'RPACS'\n{more}"
        ))
    }

    fn web(url: &str, more: &str) -> Result<(), String> {
        check(&format!("id = 'lab'\n[transport.dicomweb]\nstow_url = '{url}'\n{more}"))
    }

    #[test]
    fn tls_is_needed_unless_the_host_is_surely_on_site() {
        for near in ["127.0.0.1", "10.2.3.4", "192.168.1.1", "172.16.9.9", "::1", "fd00::1", "localhost"] {
            assert_eq!(dicom(near, ""), Ok(()), "{near}");
        }
        for far in ["8.8.8.8", "172.32.0.1", "2001:db8::1", "pacs.example.org", "::ffff:8.8.8.8"] {
            assert!(dicom(far, "").unwrap_err().contains("on_site"), "{far}");
            assert_eq!(dicom(far, "on_site = true"), Ok(()), "{far}");
            assert_eq!(dicom(far, "tls = { ca = 'ca.pem' }"), Ok(()), "{far}");
        }
        assert!(dicom("127.0.0.1", "associations = 0").is_err());
        assert!(dicom("127.0.0.1", "assosiations = 2").is_err());
    }

    #[test]
    fn plain_http_goes_to_loopback_and_declared_networks_alone() {
        assert_eq!(web("https://lab.example.org/dicom-web", "token = { env = 'LAB_TOKEN' }"), Ok(()));
        assert_eq!(web("http://127.0.0.1:8042/dicom-web", "token = { file = '/run/token' }"), Ok(()));
        assert!(web("http://10.1.2.3/dicom-web", "").is_err());
        assert_eq!(web("http://10.1.2.3/dicom-web", "plain_networks = ['10.1.0.0/16']"), Ok(()));
        assert!(web("http://10.1.2.3/", "plain_networks = ['10.1.0.0/16']\ntoken = { env = 'T' }").is_err());
        assert!(web("https://a.org/", "wado_url = 'http://9.9.9.9/'").is_err());
        for bad in ["ftp://a.org/", "https://user:word@a.org/", "https://a.org/?token=x", "a.org"] {
            assert!(web(bad, "").is_err(), "{bad}");
        }
        assert!(web("https://a.org/", "token = 'in-clear'").is_err());
        assert!(web("https://a.org/", "certificate = 'a.pem'").is_err());
    }

    #[test]
    fn one_transport_known_keys_and_an_own_name() {
        assert_eq!(check("id = 'usb-1'\n[transport.folder]\npath = '/srv/out'"), Ok(()));
        assert!(check("id = 'usb'\n[transport.folder]\npath = 'out'").is_err());
        assert!(check("id = 'Jean Dupont'\n[transport.folder]\npath = '/srv'").is_err());
        assert!(check("id = 'a'\n[transport.folder]\npath = '/srv'\n[transport.dicomweb]\nstow_url = 'https://a.org'").is_err());
        assert!(check("id = 'a'\ncolour = 1\n[transport.folder]\npath = '/srv'").is_err());
        assert!(check("id = 'a'\n[results]\nclasses = []\n[transport.folder]\npath = '/srv'").is_err());
        let classes = ResultLimits::default().sop_classes;
        assert!(classes.iter().all(|class| dicom_node::sop_class::is_storage(class)));
    }
}
