//! What the receive buffer holds, as `research-pacs check receive` tells it.

use std::collections::BTreeMap;
use std::process::Command;

use serde::Deserialize;

use super::command::json_lines;

/// One instance of the receive buffer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Received {
    #[serde(default)]
    pub(crate) project: Option<String>,
    pub(crate) state: String,
    pub(crate) bytes: u64,
    /// Of the data set as it was received, 64 hexadecimal digits.
    pub(crate) blake3: String,
    pub(crate) differs: bool,
    pub(crate) irregularities: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Summary {
    instances: u64,
    missing: u64,
    altered: u64,
    #[serde(default)]
    extra: u64,
}

/// The whole buffer, found sound: exit code 0, nothing missing, altered or left over.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) instances: Vec<Received>,
}

impl Listing {
    pub(super) fn read(mut command: Command) -> Self {
        let output = command.output().unwrap();
        let mut lines = json_lines(&output);
        let summary = lines.pop().and_then(|line| serde_json::from_value::<Summary>(line).ok());
        let sound = summary.as_ref().is_some_and(|one| one.missing + one.altered + one.extra == 0);
        assert!(
            output.status.success() && sound,
            "{command:?}: {}, {summary:?}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        let instances: Vec<Received> =
            lines.into_iter().map(|line| serde_json::from_value(line).unwrap()).collect();
        assert_eq!(summary.unwrap().instances, instances.len() as u64);
        Self { instances }
    }

    /// How often each data set is there.
    pub(crate) fn digests(&self) -> BTreeMap<&str, usize> {
        let mut digests = BTreeMap::new();
        for instance in &self.instances {
            *digests.entry(instance.blake3.as_str()).or_default() += 1;
        }
        digests
    }

    /// The instance with this digest; fails the test unless it is there exactly once.
    pub(crate) fn the(&self, digest: &str) -> &Received {
        let found: Vec<&Received> =
            self.instances.iter().filter(|instance| instance.blake3 == digest).collect();
        assert_eq!(found.len(), 1, "{digest} is there {} times", found.len());
        found[0]
    }
}
