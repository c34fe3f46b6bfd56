//! The minimal dossier of one project (architecture ARC-29); the fields F1–F14 come later and widen it.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::DossierConfig;
use crate::canonical::{canonical_json, sha256_hex};

/// Whether the project may exchange data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DossierState {
    /// Data may leave.
    Active,
    /// Nothing leaves and nothing returns until a person makes it active again.
    Suspended,
    /// The project has ended.
    Closed,
}

/// What happens to the identity (GDPR article 4(5), recital 26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Irreversible: no vault row, no return.
    Anonymise,
    /// Reversible through the vault only.
    Pseudonymise,
}

/// A dossier that was checked for form; [`crate::gate()`] judges its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// Short name of the project.
    pub project: String,
    /// See [`DossierConfig::state`].
    pub state: DossierState,
    /// See [`DossierConfig::version`].
    pub version: u32,
    /// Last day, inclusive.
    pub valid_until: NaiveDate,
    /// See [`DossierConfig::mode`].
    pub mode: Mode,
    /// See [`DossierConfig::recipients`].
    pub recipients: BTreeSet<String>,
    /// See [`DossierConfig::inclusion_required`].
    pub inclusion_required: bool,
}

/// Why a dossier cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DossierError {
    /// Write the date as `YYYY-MM-DD`.
    #[error("dossier of project {project}: valid_until must be a day written YYYY-MM-DD")]
    ValidUntil {
        /// Short name of the project.
        project: String,
    },
    /// Count versions from 1.
    #[error("dossier of project {project}: version must be 1 or more")]
    Version {
        /// Short name of the project.
        project: String,
    },
    /// Remove the empty name, or name the partner.
    #[error("dossier of project {project}: a recipient has no name")]
    Recipient {
        /// Short name of the project.
        project: String,
    },
}

impl Dossier {
    /// Checks the form of `config`.
    ///
    /// # Errors
    /// A [`DossierError`] that names the key to correct.
    pub fn new(project: &str, config: DossierConfig) -> Result<Self, DossierError> {
        let name = || project.to_owned();
        if config.version == 0 {
            return Err(DossierError::Version { project: name() });
        }
        if config.recipients.iter().any(|recipient| recipient.trim().is_empty()) {
            return Err(DossierError::Recipient { project: name() });
        }
        let valid_until = NaiveDate::parse_from_str(&config.valid_until, "%Y-%m-%d")
            .map_err(|_| DossierError::ValidUntil { project: name() })?;
        Ok(Self {
            project: name(),
            state: config.state,
            version: config.version,
            valid_until,
            mode: config.mode,
            recipients: config.recipients,
            inclusion_required: config.inclusion_required,
        })
    }

    /// SHA-256 of the content, 64 hexadecimal digits: two dossiers with one hash allow the same.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256_hex(&canonical_json(&json!({
            "v": 1,
            "project": self.project,
            "state": self.state,
            "version": self.version,
            "valid_until": self.valid_until.to_string(),
            "mode": self.mode,
            "recipients": self.recipients,
            "inclusion_required": self.inclusion_required,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "state = 'active'\nversion = 3\nvalid_until = '2027-12-31'\nmode = 'pseudonymise'\nrecipients = ['lab']\n";

    fn config(text: &str) -> Result<DossierConfig, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn the_hash_follows_the_content() {
        let dossier = Dossier::new("trial", config(TOML).unwrap()).unwrap();
        // sha256sum of {"inclusion_required":true,"mode":"pseudonymise",…} written by hand
        assert_eq!(dossier.hash(), "a2aeb5967ac6665d510dec6c49bfa4a34a8d03d769caa1ec8228e5f85847d023");
        for other in
            ["state = 'suspended'", "version = 4", "valid_until = '2028-01-01'", "mode = 'anonymise'"]
        {
            let key = other.split(' ').next().unwrap();
            let text: String = TOML
                .lines()
                .map(|line| if line.starts_with(key) { other } else { line })
                .collect::<Vec<_>>()
                .join("\n");
            let changed = Dossier::new("trial", config(&text).unwrap()).unwrap();
            assert_ne!(changed.hash(), dossier.hash(), "{other}");
        }
    }

    #[test]
    fn inclusion_is_required_unless_the_dossier_says_no() {
        assert!(config(TOML).unwrap().inclusion_required);
    }

    #[test]
    fn errors_of_form_are_named() {
        assert!(config(&format!("{TOML}extra = 1\n")).is_err());
        assert!(config("state = 'open'").is_err());
        let with = |change: fn(&mut DossierConfig)| {
            let mut config = config(TOML).unwrap();
            change(&mut config);
            Dossier::new("trial", config).unwrap_err().to_string()
        };
        assert!(with(|c| c.valid_until = "31/12/2027".into()).contains("valid_until"));
        assert!(with(|c| c.version = 0).contains("version"));
        assert!(with(|c| c.recipients = [" ".to_owned()].into()).contains("recipient"));
    }
}
