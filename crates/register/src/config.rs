//! The dossier as it stands in `site.toml`, one table per project.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{DossierState, Mode};

/// `[project.dossier]`. Unknown keys are errors; only `inclusion_required` has a default, the strict one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DossierConfig {
    /// Whether data may leave at all.
    pub state: DossierState,
    /// Counted up by hand at each change of the dossier; stands in every ledger line.
    pub version: u32,
    /// Last day on which data may leave, `YYYY-MM-DD`, inclusive.
    pub valid_until: String,
    /// Anonymise (no way back) or pseudonymise.
    pub mode: Mode,
    /// Names of the partners and local destinations that may receive data of this project.
    #[serde(default)]
    pub recipients: BTreeSet<String>,
    /// Whether a participant must stand in the inclusion list.
    #[serde(default = "yes")]
    pub inclusion_required: bool,
}

fn yes() -> bool {
    true
}
