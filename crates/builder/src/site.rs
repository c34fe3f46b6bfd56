//! The root of `site.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;

use archive::blob::BlobConfig;
use archive::spool::SpoolConfig;
use dicom_node::AeTitle;
use dicom_node::config::{NodeConfig as AssociationLimits, TlsServerConfig};
use notification::NotificationConfig;
use partner::PartnerConfig;
use pipeline::config::{DefacingConfig, ImportConfig, NodeConfig, ProjectConfig};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::overlay;

/// The whole configuration of one server. Every part has defaults: the empty document is a server on loopback without nodes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// The server itself.
    pub site: SiteConfig,
    /// Receive buffer: folder (below `site.data` unless absolute), memory and disk.
    pub spool: SpoolConfig,
    /// Objects of the archive, the inbound area and the return buffer: disk.
    pub objects: BlobConfig,
    /// DICOM listener.
    pub dicom: DicomConfig,
    /// Health, metrics and status page.
    pub http: HttpConfig,
    /// DICOM systems on our site.
    #[serde(rename = "node")]
    pub nodes: Vec<NodeConfig>,
    /// Research studies.
    #[serde(rename = "project")]
    pub projects: Vec<ProjectConfig>,
    /// Folders that are read like a sender.
    #[serde(rename = "import")]
    pub imports: Vec<ImportConfig>,
    /// Keys of the vault.
    pub vault: pseudonym::Config,
    /// Research partners.
    #[serde(rename = "partner")]
    pub partners: Vec<PartnerConfig>,
    /// The program that takes faces out of images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defacing: Option<DefacingConfig>,
    /// E-mail and webhooks.
    pub notification: NotificationConfig,
}

/// The server itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SiteConfig {
    /// Name shown on the status page and in the audit trail.
    pub name: String,
    /// Folder of everything that is kept: databases, spool, objects.
    pub data: PathBuf,
    /// Hours after which a quarantined object is purged if nobody decides.
    pub quarantine_hours: u32,
}

impl Default for SiteConfig {
    fn default() -> Self {
        Self {
            name: "research-pacs".to_owned(),
            data: PathBuf::from("research-pacs-data"),
            quarantine_hours: 24 * 90,
        }
    }
}

/// The DICOM listener.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DicomConfig {
    /// Address and port; port 0 takes a free one. Loopback until configured.
    pub listen: SocketAddr,
    /// Own titles that name no project (DEC-B: then the calling title or a query rule does).
    pub ae_titles: Vec<AeTitle>,
    /// Associations of one peer at the same time.
    pub associations_per_node: usize,
    /// Limits and timers of every association.
    pub limits: AssociationLimits,
    /// TLS; without it the listener is plain, for the site's own network.
    pub tls: Option<TlsServerConfig>,
}

impl Default for DicomConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 11112)),
            ae_titles: Vec::new(),
            associations_per_node: 64,
            limits: AssociationLimits::default(),
            tls: None,
        }
    }
}

/// The HTTP listener.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address and port; port 0 takes a free one. Loopback until configured.
    pub listen: SocketAddr,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

/// Why `site.toml` cannot be used: correct the document.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not TOML, an unknown key, or a value of the wrong kind; the text names line and key.
    #[error(transparent)]
    Document(#[from] toml::de::Error),
    /// A variable that overrides a key names none, or has a value of the wrong kind.
    #[error("variable {variable}: {reason}")]
    Variable {
        /// Name of the variable.
        variable: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Site {
    /// Reads the document and lays the variables over it: `RESEARCH_PACS__SECTION__KEY=value` replaces `[section] key`.
    ///
    /// `variables` are the process's variables; those without the prefix are ignored.
    ///
    /// # Errors
    /// Any [`ConfigError`].
    pub fn parse(
        document: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table: toml::Table = document.parse()?;
        for (name, value) in variables {
            overlay::apply(&mut table, &name, &value)?;
        }
        // Read the text itself once more where nothing was overlaid: its errors name the line.
        let text = toml::to_string(&table).unwrap_or_else(|_| document.to_owned());
        Ok(match document.parse::<toml::Table>() {
            Ok(plain) if plain == table => toml::from_str(document)?,
            _ => toml::from_str(&text)?,
        })
    }

    /// The document of this configuration, every default written out. Secrets stand in it by reference only.
    pub fn to_document(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_empty_document_listens_on_loopback_and_knows_nobody() {
        let site = Site::parse("", []).unwrap();
        assert!(site.http.listen.ip().is_loopback());
        assert!(site.dicom.listen.ip().is_loopback());
        assert!(site.nodes.is_empty() && site.projects.is_empty());
    }

    #[test]
    fn unknown_keys_are_errors_that_name_them() {
        let error = Site::parse("[http]\nlisten = \"127.0.0.1:1\"\nport = 3\n", []).unwrap_err().to_string();
        assert!(error.contains("port") && error.contains("line 3"), "{error}");
        assert!(Site::parse("[nothing]\n", []).unwrap_err().to_string().contains("nothing"));
    }

    #[test]
    fn variables_replace_keys() {
        let overlay = variables(&[("RESEARCH_PACS__HTTP__LISTEN", "127.0.0.1:9"), ("HOME", "/root")]);
        let site = Site::parse("[site]\nname = \"a\"\n", overlay).unwrap();
        assert_eq!(site.http.listen.port(), 9);
        assert_eq!(site.site.name, "a");
    }

    #[test]
    fn a_variable_for_an_unknown_key_is_an_error() {
        assert!(Site::parse("", variables(&[("RESEARCH_PACS__HTTP__PORT", "9")])).is_err());
        assert!(Site::parse("", variables(&[("RESEARCH_PACS__HTTP", "9")])).is_err());
    }

    #[test]
    fn the_document_written_out_reads_back() {
        let site = Site::parse("[[node]]\nname = \"a\"\nae_title = \"A\"\n", []).unwrap();
        let again = Site::parse(&site.to_document(), []).unwrap();
        assert_eq!(again.to_document(), site.to_document());
    }
}
