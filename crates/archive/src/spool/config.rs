//! What an operator may set about the receive buffer.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::SpoolError;
use super::frame::{ALIGN, MAX_HEADER, SEGMENT_HEADER};

/// Configuration of the spool (zone Z1). All sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpoolConfig {
    /// Folder of the spool: one volume of its own is best, used by one process only.
    pub directory: PathBuf,
    /// Size of a preallocated segment file. Smaller segments give space back sooner.
    pub segment_bytes: u64,
    /// Memory for instances that are arriving, for the whole process.
    pub staging_budget_bytes: usize,
    /// An instance larger than this goes to a file of its own.
    pub staging_instance_bytes: usize,
    /// The largest instance accepted.
    pub max_instance_bytes: u64,
    /// New instances are refused while less than this is free. Unset: 1 GiB, or 5 % of a volume below 20 GiB.
    pub keep_free_bytes: Option<u64>,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self::new(PathBuf::from("spool"))
    }
}

impl SpoolConfig {
    /// The defaults, in `directory`.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            segment_bytes: 128 << 20,
            staging_budget_bytes: 64 << 20,
            staging_instance_bytes: 8 << 20,
            max_instance_bytes: 8 << 30,
            keep_free_bytes: None,
        }
    }

    /// Says whether the sizes fit together.
    ///
    /// # Errors
    /// [`SpoolError::Config`]: correct the named value.
    pub fn check(&self) -> Result<(), SpoolError> {
        let record = self.staging_instance_bytes as u64 + MAX_HEADER as u64 + 2 * ALIGN;
        if self.segment_bytes < SEGMENT_HEADER + record {
            return Err(SpoolError::Config("segment_bytes must exceed staging_instance_bytes by 80 KiB"));
        }
        if self.segment_bytes > 16 << 30 {
            return Err(SpoolError::Config("segment_bytes must be at most 16 GiB"));
        }
        if self.staging_budget_bytes < 1 << 20 {
            return Err(SpoolError::Config("staging_budget_bytes must be at least 1 MiB"));
        }
        Ok(())
    }
}
