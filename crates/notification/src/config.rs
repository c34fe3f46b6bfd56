//! `[notification]` of `site.toml`. Without a recipient nothing is sent; without `[notification.smtp]` no mail.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{EventType, Language, ProjectName};

/// The whole section.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationConfig {
    /// Start of the links in messages, for example `https://research.example.org`; none: no links.
    pub link_base: Option<String>,
    /// Directory with `en.txt` and `fr.txt` that replace the built-in templates; a missing file keeps the built-in one.
    pub templates: Option<PathBuf>,
    /// How long a message is tried before it becomes a dead letter, hours; at least 24 (AC4.2).
    pub give_up_after_hours: u32,
    /// The longest time for one delivery, seconds; 1 to 60.
    pub timeout_seconds: u64,
    /// The mail server.
    pub smtp: Option<SmtpConfig>,
    /// Recipients; at most 64.
    pub recipient: Vec<RecipientConfig>,
}

impl Default for NotificationConfig {
    fn default() -> Self {
        Self {
            link_base: None,
            templates: None,
            give_up_after_hours: 24,
            timeout_seconds: 30,
            smtp: None,
            recipient: Vec::new(),
        }
    }
}

impl NotificationConfig {
    /// Names of the recipients of an event. An event without a project goes to those that are not limited to projects.
    pub fn recipients_of(
        &self,
        kind: EventType,
        project: Option<&ProjectName>,
    ) -> impl Iterator<Item = &str> {
        self.recipient
            .iter()
            .filter(move |recipient| recipient.wants(kind, project))
            .map(|recipient| recipient.name.as_str())
    }
}

/// `[notification.smtp]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// Name of the server; with TLS its certificate must carry it.
    pub host: String,
    /// Port; by default 587 with STARTTLS, 465 with TLS from the start, 25 without.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// Permits `security = "none"` to a server that is not on loopback. Messages hold no identity, the path is yours to judge.
    #[serde(default)]
    pub allow_plain: bool,
    /// Account; needs `password`.
    pub user: Option<String>,
    /// Password of the account.
    pub password: Option<SecretRef>,
    /// Sender, `Name <address>`.
    pub from: String,
    /// PEM file with the only authorities to trust; by default the public ones.
    pub ca_file: Option<PathBuf>,
}

/// Protection of the connection to the mail server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpSecurity {
    /// STARTTLS (RFC 3207), required: without it nothing is sent.
    #[default]
    Starttls,
    /// TLS from the start (RFC 8314).
    Tls,
    /// No protection: loopback only, unless `allow_plain`; never with a password.
    None,
}

/// `[[notification.recipient]]`, with either `email` or `webhook`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientConfig {
    /// Own name, unique; the outbox keeps it, so an address can change while messages wait.
    pub name: String,
    /// Language of mails.
    #[serde(default)]
    pub language: Language,
    /// Event types; empty: all.
    #[serde(default)]
    pub events: BTreeSet<EventType>,
    /// Projects; empty: all.
    #[serde(default)]
    pub projects: BTreeSet<ProjectName>,
    /// Mail address.
    pub email: Option<String>,
    /// Webhook.
    pub webhook: Option<WebhookConfig>,
}

impl RecipientConfig {
    fn wants(&self, kind: EventType, project: Option<&ProjectName>) -> bool {
        (self.events.is_empty() || self.events.contains(&kind))
            && (self.projects.is_empty() || project.is_some_and(|project| self.projects.contains(project)))
    }
}

/// `webhook = { … }`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where to POST; `http:` only towards `allow_networks`.
    pub url: String,
    /// Key of the signature, at least 16 bytes.
    pub secret: SecretRef,
    /// Networks (`10.1.0.0/16`, `::1/128`) that are allowed although they are private, loopback or link-local.
    #[serde(default)]
    pub allow_networks: Vec<IpNet>,
    /// PEM file with the only authorities to trust; by default the public ones.
    pub ca_file: Option<PathBuf>,
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

/// Reads a secret by its reference; the program gives it, as nothing below it reads the environment.
pub type ReadSecret<'a> = &'a dyn Fn(&SecretRef) -> io::Result<Secret>;

/// A secret in memory: not shown, overwritten when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"
        link_base = "https://research.example.org"
        [smtp]
        host = "mail.example.org"
        from = "Research PACS <research-pacs@example.org>"
        user = "rpacs"
        password = { file = "/run/secrets/smtp" }
        [[recipient]]
        name = "crc"
        language = "en"
        email = "crc@example.org"
        events = ["return.confirmed", "return.failed"]
        projects = ["trial"]
        [[recipient]]
        name = "hook"
        webhook = { url = "https://partner.example.org/hook", secret = { env = "HOOK_SECRET" }, allow_networks = ["10.0.0.0/8"] }
    "#;

    #[test]
    fn recipients_follow_event_and_project() {
        let config: NotificationConfig = toml::from_str(TOML).unwrap();
        let trial = ProjectName::try_from("trial".to_owned()).unwrap();
        let other = ProjectName::try_from("other".to_owned()).unwrap();
        let names = |kind, project| config.recipients_of(kind, project).collect::<Vec<_>>();
        assert_eq!(names(EventType::ReturnConfirmed, Some(&trial)), ["crc", "hook"]);
        assert_eq!(names(EventType::ReturnConfirmed, Some(&other)), ["hook"]);
        assert_eq!(names(EventType::ExportSent, Some(&trial)), ["hook"]);
        assert_eq!(names(EventType::ReturnFailed, None), ["hook"]);
        assert_eq!(config.smtp.unwrap().security, SmtpSecurity::Starttls);
    }

    #[test]
    fn unknown_keys_and_secrets_in_clear_are_errors() {
        let parse = |text: &str| toml::from_str::<NotificationConfig>(text);
        assert!(parse("allow_identifiers = true").is_err());
        assert!(parse(&TOML.replace("language = \"en\"", "include = \"patient\"")).is_err());
        assert!(parse(&TOML.replace("{ file = \"/run/secrets/smtp\" }", "\"hunter2\"")).is_err());
        assert!(parse(&TOML.replace("{ env = \"HOOK_SECRET\" }", "{ env = \"A\", file = \"b\" }")).is_err());
        assert!(parse(&TOML.replace("return.failed", "return.unknown")).is_err());
    }
}
