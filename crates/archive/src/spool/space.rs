//! Free-space watermark: refuse before the volume is full.
//!
//! The volume is asked by the spool's own threads, once a second and every 16 MiB written; the runtime's threads
//! only read the answer.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

const CHECK_EVERY: u64 = 16 << 20;
const DEFAULT_KEEP: u64 = 1 << 30;

/// Watches the volume of the spool.
#[derive(Debug)]
pub(super) struct Space {
    directory: PathBuf,
    keep: u64,
    low: AtomicBool,
    unchecked: AtomicU64,
}

impl Space {
    /// Reads the volume once. `keep`: bytes that stay free; by default 1 GiB or 5 %, whichever is less.
    pub(super) fn new(directory: PathBuf, keep: Option<u64>) -> io::Result<Self> {
        let volume = rustix::fs::statvfs(&directory)?;
        let twentieth = volume.f_blocks.saturating_mul(volume.f_frsize) / 20;
        let keep = keep.unwrap_or(DEFAULT_KEEP.min(twentieth));
        let space = Self { directory, keep, low: AtomicBool::new(false), unchecked: AtomicU64::new(0) };
        space.refresh();
        Ok(space)
    }

    /// Whether new instances must be refused.
    pub(super) fn is_low(&self) -> bool {
        self.low.load(Relaxed)
    }

    /// A write found no room: refuse until the next look at the volume.
    pub(super) fn ran_out(&self) {
        self.low.store(true, Relaxed);
    }

    /// Counts bytes written; looks at the volume when enough of them have passed.
    pub(super) fn wrote(&self, bytes: u64) {
        if self.unchecked.fetch_add(bytes, Relaxed) + bytes >= CHECK_EVERY {
            self.refresh();
        }
    }

    /// Looks at the volume. A volume that does not answer counts as full.
    pub(super) fn refresh(&self) {
        self.unchecked.store(0, Relaxed);
        let low = match rustix::fs::statvfs(&self.directory) {
            Ok(volume) => volume.f_bavail.saturating_mul(volume.f_frsize) < self.keep,
            Err(_) => true,
        };
        if self.low.swap(low, Relaxed) != low {
            tracing::warn!(low, keep_bytes = self.keep, "spool volume crossed its free-space watermark");
        }
    }
}
