//! Free-space watermark: refuse before the volume is full.
//!
//! The volume of the receive buffer is asked by the spool's own threads, once a second and every 16 MiB written; the runtime's
//! threads only read the answer. That of the objects is asked before each of them, and every 16 MiB, by the thread that writes.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

const CHECK_EVERY: u64 = 16 << 20;
const DEFAULT_KEEP: u64 = 1 << 30;

/// Watches one volume.
#[derive(Debug)]
pub(crate) struct Space {
    /// What lies on it, for the log.
    what: &'static str,
    directory: PathBuf,
    keep: u64,
    low: AtomicBool,
    unchecked: AtomicU64,
}

impl Space {
    /// Reads the volume once. `keep`: bytes that stay free; by default `parts` times 1 GiB or 5 %, whichever is less.
    pub(crate) fn new(
        what: &'static str,
        directory: PathBuf,
        keep: Option<u64>,
        parts: u64,
    ) -> io::Result<Self> {
        let volume = rustix::fs::statvfs(&directory)?;
        let twentieth = volume.f_blocks.saturating_mul(volume.f_frsize) / 20;
        let keep = keep.unwrap_or(DEFAULT_KEEP.min(twentieth).saturating_mul(parts));
        let space = Self { what, directory, keep, low: AtomicBool::new(false), unchecked: AtomicU64::new(0) };
        space.refresh();
        Ok(space)
    }

    /// Whether new instances must be refused.
    pub(crate) fn is_low(&self) -> bool {
        self.low.load(Relaxed)
    }

    /// A write found no room: refuse until the next look at the volume.
    pub(crate) fn ran_out(&self) {
        self.low.store(true, Relaxed);
    }

    /// Counts bytes written; looks at the volume when enough of them have passed.
    pub(crate) fn wrote(&self, bytes: u64) {
        if self.unchecked.fetch_add(bytes, Relaxed) + bytes >= CHECK_EVERY {
            self.refresh();
        }
    }

    /// Looks at the volume. A volume that does not answer counts as full.
    pub(crate) fn refresh(&self) {
        self.unchecked.store(0, Relaxed);
        let low = match rustix::fs::statvfs(&self.directory) {
            Ok(volume) => volume.f_bavail.saturating_mul(volume.f_frsize) < self.keep,
            Err(_) => true,
        };
        if self.low.swap(low, Relaxed) != low {
            tracing::warn!(
                volume = self.what,
                low,
                keep_bytes = self.keep,
                "a volume crossed its free-space watermark"
            );
        }
    }
}
