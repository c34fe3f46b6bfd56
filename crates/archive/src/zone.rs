//! The six data zones: where bytes may lie, and therefore who may read them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Zone of the data (Z1 to Z6), part of every blob key.
///
/// The text form is the word of the glossary in kebab case; it is also the name of the zone's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// Z1: originals from the clinical PACS, identified; kept in the spool.
    ReceiveBuffer,
    /// Z2: correspondence between identity and code; a database, never files.
    Vault,
    /// Z3: pseudonymised instances and results.
    Archive,
    /// Z4: retrieved results that are not yet reconciled.
    Inbound,
    /// Z5: reconciled results on their way to the clinical PACS, identified.
    ReturnBuffer,
    /// Z6: refused or doubtful objects, identified.
    Quarantine,
}

impl Zone {
    /// All zones, Z1 first.
    pub const ALL: [Self; 6] = [
        Self::ReceiveBuffer,
        Self::Vault,
        Self::Archive,
        Self::Inbound,
        Self::ReturnBuffer,
        Self::Quarantine,
    ];

    /// The word of the glossary, in kebab case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReceiveBuffer => "receive-buffer",
            Self::Vault => "vault",
            Self::Archive => "archive",
            Self::Inbound => "inbound",
            Self::ReturnBuffer => "return-buffer",
            Self::Quarantine => "quarantine",
        }
    }

    /// Whether objects of this zone are blobs (Z3 to Z5); Z1 is the spool, Z2 a database, Z6 rows.
    pub fn holds_blobs(self) -> bool {
        !matches!(self, Self::ReceiveBuffer | Self::Vault)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not the word of a zone: the row or file was not written by this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a zone: use receive-buffer, vault, archive, inbound, return-buffer or quarantine")]
pub struct UnknownZone;

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        Self::ALL.into_iter().find(|zone| zone.as_str() == text).ok_or(UnknownZone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for zone in Zone::ALL {
            assert_eq!(zone.to_string().parse::<Zone>(), Ok(zone));
            assert_eq!(serde_json::to_string(&zone).unwrap(), format!("\"{zone}\""));
        }
        assert_eq!("z1".parse::<Zone>(), Err(UnknownZone));
    }
}
