//! Configuration of the line: who sends, which research study the instances belong to, and how they are treated.

use std::path::PathBuf;

use dicom_node::AeTitle;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A DICOM system on our site that may send to us, receive from us, or both.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Name shown in lists and logs.
    pub name: String,
    /// Its own AE title: calling title when it sends, called title when we send.
    pub ae_title: AeTitle,
    /// Networks it may call from (AC1.1 b); empty: it may not send.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
    /// Host name or address at which it listens, for sending to it.
    #[serde(default)]
    pub host: Option<String>,
    /// Port at which it listens.
    #[serde(default)]
    pub port: Option<u16>,
    /// SHA-256 of the DER form of its TLS client certificate, 64 hex digits; when set, no other certificate and no plain connection
    /// is accepted from this title.
    #[serde(default)]
    pub certificate_sha256: Option<String>,
    /// Domain of its Patient IDs (DEC-Q). Nodes of one domain name the same authority.
    #[serde(default = "default_authority")]
    pub assigning_authority: String,
    /// Values of Issuer of Patient ID (0010,0021) that name another authority than the node's own.
    #[serde(default)]
    pub issuer_aliases: Vec<IssuerAlias>,
    /// What it delivers (DEC-P).
    #[serde(default)]
    pub source_class: SourceClass,
    /// Whether SOP classes that PS3.4 does not list are accepted from it for storage.
    #[serde(default)]
    pub private_sop_classes: bool,
}

/// One value of Issuer of Patient ID and the authority it stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerAlias {
    /// Value of (0010,0021), compared as a whole.
    pub issuer: String,
    /// Assigning authority.
    pub assigning_authority: String,
}

/// What a node or token delivers (DEC-P).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceClass {
    /// Identified data: de-identification is due.
    #[default]
    Identified,
}

/// One research study on this server (DEC-A).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectConfig {
    /// Short name, part of ids shown to people: 1 to 32 of `a`–`z`, `0`–`9`, `-`.
    pub id: String,
    /// Called AE titles that route to it (DEC-B, level 1).
    #[serde(default)]
    pub called_ae_titles: Vec<AeTitle>,
    /// Calling AE titles that route to it (DEC-B, level 2).
    #[serde(default)]
    pub calling_ae_titles: Vec<AeTitle>,
    /// Attributes that route to it (DEC-B, level 3): all of them have to match.
    #[serde(default)]
    pub query_rules: Vec<QueryRule>,
    /// What happens to what arrives (DEC-D).
    pub mode: ProjectMode,
    /// Idle time after which a study counts as complete, in seconds (AC1.5).
    #[serde(default = "default_stable_seconds")]
    pub stable_after_seconds: u32,
    /// How long originals stay in the receive buffer at most, in hours (F12.5).
    #[serde(default = "default_retention_hours")]
    pub retention_hours: u32,
}

/// One attribute of the main data set and the values that match.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRule {
    /// Keyword of PS3.6, for example `Modality`.
    pub attribute: String,
    /// Values, one of which the attribute's first value must equal; `*` at the end matches any rest. Case-sensitive.
    pub values: Vec<String>,
}

/// What happens to the instances of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectMode {
    /// Step 1 alone: instances stay in Z1 until their timer.
    ReceiveOnly,
}

/// Folders that are read like a sender (AC1.7).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportConfig {
    /// Name of the door, recorded as the calling side.
    pub name: String,
    /// Folder to read.
    pub folder: PathBuf,
    /// Project the files belong to.
    pub project: String,
    /// Domain of the Patient IDs (DEC-Q).
    #[serde(default = "default_authority")]
    pub assigning_authority: String,
}

fn default_authority() -> String {
    "site".to_owned()
}

fn default_stable_seconds() -> u32 {
    60
}

fn default_retention_hours() -> u32 {
    24 * 30
}
