//! The vault's part of `site.toml`.

use serde::{Deserialize, Serialize};

use crate::key::{KeyError, KeyRing, KeySource, WrappingKey};

/// Where the wrapping keys are kept. The database is named beside the other two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The current key. Without it the vault is locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeySource>,
    /// The key before, while a rotation is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_key: Option<KeySource>,
}

impl Config {
    /// Loads the keys; `None` when none is configured. `variable` looks an environment variable up.
    ///
    /// # Errors
    /// [`KeyError`]: open the vault without keys, say why, go on receiving.
    pub fn key_ring(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Option<KeyRing>, KeyError> {
        let load = |source: &KeySource| WrappingKey::load(source, &variable);
        let Some(current) = self.key.as_ref().map(load).transpose()? else { return Ok(None) };
        Ok(Some(KeyRing::new(current, self.previous_key.as_ref().map(load).transpose()?)))
    }
}
